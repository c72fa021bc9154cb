/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "healthmeter.h"

#include <string.h>

#define SECOND G_GUINT64_CONSTANT (1000000000)

/* No encoder reorders further than 16 frames; without decode times, only what
 * is further back is a clock that went back. */
#define MAX_REORDER SECOND

/* B-frames that stopped for so long, in us, are measured anew. */
#define REORDER_MEMORY (10 * G_USEC_PER_SEC)

/* A stamp ahead by more than the meter remembers begins it anew. */
static void
second_meter_advance (SecondMeter *meter, guint64 second)
{
  guint64 steps = second - meter->second;

  if (steps >= HEALTH_SECONDS) {
    *meter = (SecondMeter){.started = TRUE, .second = second};
    return;
  }
  for (; meter->second < second; meter->second++) {
    guint next = (meter->second + 1) % HEALTH_SECONDS;

    meter->frames[next] = 0;
    meter->bytes[next] = 0;
  }
  meter->n_whole = MIN (meter->n_whole + steps, HEALTH_SECONDS - 1);
}

void
second_meter_add (SecondMeter *meter, guint64 time, gsize bytes)
{
  guint64 second = time / SECOND;

  /* The first second is one that began before: it does not become whole. */
  if (!meter->started)
    *meter = (SecondMeter){.started = TRUE, .second = second};
  else if (second > meter->second)
    second_meter_advance (meter, second);
  meter->frames[meter->second % HEALTH_SECONDS]++;
  meter->bytes[meter->second % HEALTH_SECONDS] += bytes;
}

guint
second_meter_frames (const SecondMeter *meter, guint back)
{
  return meter->frames[(meter->second - 1 - back) % HEALTH_SECONDS];
}

gboolean
second_meter_sum (
    const SecondMeter *meter, guint n, guint64 *frames, guint64 *bytes)
{
  /* Of the whole ones the oldest is the one that was joined. */
  if (meter->n_whole <= n)
    return FALSE;
  *frames = 0;
  *bytes = 0;
  for (guint i = 0; i < n; i++) {
    *frames += second_meter_frames (meter, i);
    *bytes += meter->bytes[(meter->second - 1 - i) % HEALTH_SECONDS];
  }
  return TRUE;
}

static void
stream_meter_frame (StreamMeter *meter, guint64 time, gsize bytes, gint64 now)
{
  gint64 transit = now * 1000 - (gint64)time;

  if (meter->frames == 0) {
    meter->first_at = now;
    meter->transit = transit;
  }
  meter->transit += (transit - meter->transit) / 16;
  meter->last_at = now;
  meter->time = time;
  meter->frames++;
  meter->bytes += bytes;
}

/* The publisher's clock went back: what was measured across does not count. */
static void
restart (VideoMeter *meter, gint64 now)
{
  meter->stream.backward_at = now;
  meter->max_pts = 0;
  meter->has_key = FALSE;
  meter->seconds.started = FALSE;
}

static void
note_order (VideoMeter *meter, guint64 pts, gint64 now)
{
  if (pts >= meter->max_pts) {
    meter->max_pts = pts;
    return;
  }
  if (now - meter->reordered_at > REORDER_MEMORY) {
    meter->reordered = 0;
    meter->reorder = 0;
  }
  meter->reordered++;
  meter->reordered_at = now;
  meter->reorder = MAX (meter->reorder, meter->max_pts - pts);
}

static void
note_key (VideoMeter *meter, guint64 time)
{
  if (meter->has_key && time > meter->key_time) {
    meter->intervals[meter->n_intervals % HEALTH_INTERVALS] =
        time - meter->key_time;
    meter->n_intervals++;
  }
  meter->has_key = TRUE;
  meter->key_time = time;
}

void
video_meter_frame (VideoMeter *meter, guint64 pts, guint64 dts, gboolean key,
    gsize bytes, gint64 now)
{
  gboolean has_dts = dts != G_MAXUINT64;
  gboolean had_dts = meter->stream.frames > 0 && meter->dts != G_MAXUINT64;
  guint64 time;

  if (pts == G_MAXUINT64)
    pts = dts;
  if (pts == G_MAXUINT64) {
    stream_meter_frame (&meter->stream, meter->stream.time, bytes, now);
    return;
  }
  if (has_dts ? had_dts && dts < meter->dts
              : pts + MAX_REORDER < meter->max_pts)
    restart (meter, now);
  note_order (meter, pts, now);
  time = has_dts ? dts : meter->max_pts;
  meter->dts = dts;
  stream_meter_frame (&meter->stream, time, bytes, now);
  second_meter_add (&meter->seconds, time, bytes);
  if (key)
    note_key (meter, time);
}

void
audio_meter_frame (StreamMeter *meter, guint64 pts, gsize bytes, gint64 now)
{
  if (pts == G_MAXUINT64)
    pts = meter->time;
  else if (meter->frames > 0 && pts < meter->time)
    meter->backward_at = now;
  stream_meter_frame (meter, pts, bytes, now);
}

gboolean
video_meter_intervals (
    const VideoMeter *meter, guint64 *shortest, guint64 *longest)
{
  guint n = MIN (meter->n_intervals, HEALTH_INTERVALS);

  *shortest = G_MAXUINT64;
  *longest = 0;
  for (guint i = 0; i < n; i++) {
    *shortest = MIN (*shortest, meter->intervals[i]);
    *longest = MAX (*longest, meter->intervals[i]);
  }
  return n > 0;
}
