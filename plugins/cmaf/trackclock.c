/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trackclock.h"

/* So many timeouts after a jump, another track's jump is a new one. */
#define SHARED_JUMP_TIMEOUTS 4

void
track_clock_init (TrackClock *self)
{
  *self = (TrackClock){.arrival = G_MININT64};
}

static gboolean
has_jumped (const TrackClock *self, const ClockJumps *jumps, gint64 time,
    gint64 position, gboolean absent)
{
  gint64 step = time - self->newest;

  if (absent)
    return ABS (time - position) > jumps->max_step;
  if (self->arrival == G_MININT64)
    return FALSE;
  return step < -jumps->timeout || step > jumps->max_step;
}

static void
rebase (TrackClock *self, ClockJumps *jumps, gint64 time, gint64 position,
    gint64 now)
{
  gint64 target = self->newest + self->duration;
  gboolean recent = jumps->serial > 0 && self->serial != jumps->serial &&
                    now - jumps->at < SHARED_JUMP_TIMEOUTS * jumps->timeout;

  if (!recent || ABS (time + jumps->delta - target) >= jumps->timeout) {
    target = MAX (target, position);
    jumps->delta = target - time;
    jumps->at = now;
    jumps->serial++;
  }
  self->offset += jumps->delta;
  self->serial = jumps->serial;
}

/**
 * track_clock_advance:
 * @time: the next frame's decode time on the publisher's time line
 * @position: media time that the broadcast has reached
 * @absent: the track is not in the broadcast now
 * @now: monotonic clock
 * @jumped: (out): whether the publisher's clock jumped
 *
 * Returns: the media time of the frame. It may lie before the latest frame's, by
 *     at most the timeout.
 */
gint64
track_clock_advance (TrackClock *self, ClockJumps *jumps, gint64 time,
    gint64 position, gboolean absent, gint64 now, gboolean *jumped)
{
  *jumped = has_jumped (self, jumps, time + self->offset, position, absent);
  if (*jumped)
    rebase (self, jumps, time + self->offset, position, now);
  return time + self->offset;
}
