/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Which links of the cache go, as logic. Never one that is not archived, or to
 * which something may still be appended. Of the others those go that have been
 * out of the DVR window for long enough and that nobody reads; and, as long as
 * the cache is larger than its budget, the oldest: first what nobody reads, then
 * what somebody does, since a disk that is full costs the broadcasts that are on
 * air. */

/* @links is written by, and belongs to, whoever plans. */
typedef struct {
  const char *link;
  guint64 size;    /* bytes */
  gint64 ended_at; /* us since 1970: when it was last written */
  gboolean is_open;
  gboolean is_archived;
  gboolean is_read; /* lately */
} CacheLink;

typedef struct {
  guint64 size;       /* bytes of all */
  guint64 unarchived; /* of what must stay */
  guint64 left;       /* that there will be, once all in `go` are gone */
  GPtrArray *go;      /* of CacheLink, not owned, in this order */
} CachePlan;

/* @now: us since 1970. @dvr_window: us. @budget: bytes. To be cleared. */
void cache_plan_make (CachePlan *plan, const CacheLink *links, guint n,
    gint64 now, gint64 dvr_window, guint64 budget);
void cache_plan_clear (CachePlan *plan);

/* What the cache may have of its disk: @most, but not so much that less than a
 * twentieth of @disk were free. All in bytes; @size: that it has now; @free: of
 * the disk. */
guint64 cache_plan_budget (
    guint64 most, guint64 size, guint64 free, guint64 disk);

/* When the operator is told that too much of the budget cannot be cleared: at
 * 80 %, and no more once it has come down to 70 %. */
gboolean cache_plan_is_tight (
    gboolean was_tight, guint64 unarchived, guint64 budget);

G_END_DECLS
