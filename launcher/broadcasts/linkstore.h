/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the life of a broadcast needs of its store. All of it blocks on the
 * disk. A link that stored nothing is no error. */

/* Where a broadcast goes on: properties of the packager. All 0 for one that
 * begins. */
typedef struct {
  guint64 first_msn;
  guint64 first_time; /* ns */
  guint32 epoch;
} LinkTail;

/* After a crash: cuts back what did not become whole, so that what players are
 * shown from now on is what the next publisher goes on from. @last_media: us
 * since 1970 at which the stored media end, or 0. */
gboolean link_store_recover (const char *cache_dir, const char *link,
    gint64 *last_media, GError **error);
gboolean link_store_get_tail (
    const char *cache_dir, const char *link, LinkTail *tail, GError **error);
/* Nothing more comes. Done twice is done once. */
gboolean link_store_end (
    const char *cache_dir, const char *link, GError **error);

G_END_DECLS
