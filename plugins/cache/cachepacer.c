/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachepacer.h"

/* Beyond the length of a part: the frame that is held back, the store, the
 * decoder. */
#define MARGIN G_GUINT64_CONSTANT (300000000)

/* Parts in a row that must be late before all that follows is delayed: about
 * two seconds. A single one is a hiccup, after which the publisher catches up. */
#define LATE_PARTS 4

void
cache_pacer_init (CachePacer *pacer, guint64 part_duration)
{
  *pacer = (CachePacer){.delay = part_duration + MARGIN};
}

/**
 * cache_pacer_anchor:
 * @pts: a time of the media
 * @wallclock: when that was captured
 *
 * What holds from here on.
 */
void
cache_pacer_anchor (CachePacer *pacer, guint64 pts, gint64 wallclock)
{
  pacer->pts = pts;
  pacer->wallclock = wallclock;
  pacer->n_late = 0;
}

/**
 * cache_pacer_until_due:
 *
 * Returns: how long until @time of the media is due; negative if it was before
 */
gint64
cache_pacer_until_due (const CachePacer *pacer, guint64 time, gint64 now)
{
  return pacer->wallclock + (gint64)(time - pacer->pts) + (gint64)pacer->delay -
         now;
}

/**
 * cache_pacer_arrived:
 * @dts: of a part that was waited for and has come now
 *
 * Returns: %TRUE if parts keep coming later than they are due, and the delay has
 *     become so much longer
 */
gboolean
cache_pacer_arrived (CachePacer *pacer, guint64 dts, gint64 now)
{
  gint64 late = -cache_pacer_until_due (pacer, dts, now);

  if (late <= 0) {
    pacer->n_late = 0;
    return FALSE;
  }
  if (pacer->n_late == 0 || (guint64)late < pacer->least_late)
    pacer->least_late = (guint64)late;
  if (++pacer->n_late < LATE_PARTS)
    return FALSE;
  pacer->delay += pacer->least_late + MARGIN;
  pacer->n_late = 0;
  return TRUE;
}
