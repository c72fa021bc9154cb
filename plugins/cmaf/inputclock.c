/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inputclock.h"

/* RTMP stamps whole milliseconds and some publishers are worse. A frame that is
 * so far from where the sample count puts it is taken at its word. */
#define AUDIO_TOLERANCE (40 * G_GINT64_CONSTANT (1000000))

#define NS_PER_SECOND G_GINT64_CONSTANT (1000000000)

/**
 * input_clock_video:
 * @dts: ns
 * @pts: ns
 * @time: (out): decode time plus the reordering delay, ns
 * @cts: (out): presentation less decode time, ns
 */
void
input_clock_video (
    InputClock *self, gint64 dts, gint64 pts, gint64 *time, gint64 *cts)
{
  if (!self->anchored) {
    self->anchored = TRUE;
    self->shift = pts - dts;
  }
  *time = dts + self->shift;
  *cts = pts - dts;
}

/**
 * input_clock_audio:
 * @pts: ns, as stamped
 * @samples: in this frame
 * @rate: Hz
 * @duration: (out): ns
 *
 * Counts samples, so that rounded stamps do not make a player hear the seams.
 *
 * Returns: the time of the frame in ns
 */
gint64
input_clock_audio (
    InputClock *self, gint64 pts, guint samples, guint rate, guint64 *duration)
{
  gint64 time = self->anchor + (gint64)(self->samples / rate) * NS_PER_SECOND +
                (gint64)(self->samples % rate) * NS_PER_SECOND / rate;

  if (!self->anchored || ABS (pts - time) > AUDIO_TOLERANCE) {
    self->anchored = TRUE;
    self->anchor = time = pts;
    self->samples = 0;
  }
  self->samples += samples;
  *duration = self->anchor + (gint64)(self->samples / rate) * NS_PER_SECOND +
              (gint64)(self->samples % rate) * NS_PER_SECOND / rate - time;
  return time;
}
