/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* When what is read at the live edge is due: a delay after its capture, in which
 * whole parts come in time. Times in ns; @now is ns since 1970. */
typedef struct {
  guint64 delay;    /* from capture until it is due */
  guint64 pts;      /* a time of the media, */
  gint64 wallclock; /* and when that was captured, ns since 1970 */
  guint n_late;     /* parts in a row */
  guint64 least_late;
} CachePacer;

void cache_pacer_init (CachePacer *pacer, guint64 part_duration);
void cache_pacer_anchor (CachePacer *pacer, guint64 pts, gint64 wallclock);
gint64 cache_pacer_until_due (
    const CachePacer *pacer, guint64 time, gint64 now);
gboolean cache_pacer_arrived (CachePacer *pacer, guint64 dts, gint64 now);

G_END_DECLS
