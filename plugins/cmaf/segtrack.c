/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "segtrack.h"

/**
 * seg_track_new:
 * @sink: outlives the track
 *
 * Returns: (transfer full): a track without frames
 */
SegTrack *
seg_track_new (const SegSink *sink, guint index, gboolean video)
{
  SegTrack *self = g_new0 (SegTrack, 1);

  self->sink = sink;
  self->index = index;
  self->video = video;
  self->part = g_array_new (FALSE, FALSE, sizeof (SegmenterSample));
  track_clock_init (&self->clock);
  return self;
}

static void
free_sample (SegTrack *self, SegmenterSample *sample)
{
  self->sink->output.free_data (sample->data);
  g_free (sample);
}

static void
clear_part (SegTrack *self)
{
  for (guint i = 0; i < self->part->len; i++)
    self->sink->output.free_data (
        g_array_index (self->part, SegmenterSample, i).data);
  g_array_set_size (self->part, 0);
}

void
seg_track_free (SegTrack *self)
{
  while (seg_track_front (self) != NULL)
    free_sample (self, g_queue_pop_head (&self->pending));
  if (self->held != NULL)
    free_sample (self, self->held);
  clear_part (self);
  g_array_unref (self->part);
  g_free (self);
}

/**
 * seg_track_front:
 *
 * Returns: (transfer none) (nullable): the oldest frame that waits
 */
SegmenterSample *
seg_track_front (const SegTrack *self)
{
  return g_queue_peek_head ((GQueue *)&self->pending);
}

/**
 * seg_track_drop_front:
 *
 * The oldest frame that waits is of no use.
 */
void
seg_track_drop_front (SegTrack *self)
{
  free_sample (self, g_queue_pop_head (&self->pending));
  self->sink->output.dropped (self->index, self->sink->user_data);
}

/**
 * seg_track_duration_of:
 *
 * Returns: of audio the duration; of video, whose successor tells it, a guess.
 *     The shorter one, as too short a guess only closes a part a frame later.
 */
gint64
seg_track_duration_of (const SegTrack *self, const SegmenterSample *sample)
{
  gint64 duration = sample->duration;

  if (duration == 0)
    return self->clock.duration;
  if (!self->video || self->clock.duration == 0)
    return duration;
  return MIN (duration, self->clock.duration);
}

/**
 * seg_track_middle_of:
 *
 * Returns: what decides where a frame of a follower belongs, because key frames
 *     of a ladder differ by rounding
 */
gint64
seg_track_middle_of (const SegTrack *self, const SegmenterSample *sample)
{
  return sample->time + seg_track_duration_of (self, sample) / 2;
}

/**
 * seg_track_tolerance:
 * @sample: of audio
 *
 * Returns: how far @sample may be from the end of its predecessor and still
 *     join it
 */
gint64
seg_track_tolerance (const SegTrack *self, const SegmenterSample *sample)
{
  return seg_track_duration_of (self, sample) / 2;
}

static gint64
part_start (const SegTrack *self)
{
  return g_array_index (self->part, SegmenterSample, 0).time;
}

/**
 * seg_track_add:
 * @sample: (transfer full): lasts until @end
 *
 * Puts @sample into the open part.
 */
void
seg_track_add (SegTrack *self, SegmenterSample *sample, gint64 end)
{
  sample->duration = MAX (end - sample->time, 0);
  if (sample->duration > 0)
    self->clock.duration = sample->duration;
  g_array_append_val (self->part, *sample);
  self->end = end;
  g_free (sample);
}

/**
 * seg_track_close_full_part:
 *
 * Closes the open part if a frame of @duration at @time would cross its limit.
 */
void
seg_track_close_full_part (SegTrack *self, gint64 time, gint64 duration)
{
  if (self->part->len > 0 &&
      time + duration - part_start (self) > self->sink->part_duration)
    seg_track_close_part (self, FALSE);
}

/**
 * seg_track_close_part:
 * @last: the segment ends with it
 *
 * Hands out the open part, if there is one.
 */
void
seg_track_close_part (SegTrack *self, gboolean last)
{
  SegmenterPart part = {
      .track = self->index,
      .epoch = self->sink->epoch,
      .msn = self->msn,
      .part = self->part_index,
      .last = last,
      .samples = (const SegmenterSample *)self->part->data,
      .n_samples = self->part->len,
  };

  if (part.n_samples == 0)
    return;
  part.dts = part.samples[0].time;
  part.duration = self->end - part.samples[0].time;
  for (guint i = 0; i < part.n_samples; i++)
    part.independent |= part.samples[i].key;
  self->part_index++;
  self->sink->output.part (&part, self->sink->user_data);
  clear_part (self);
}

void
seg_track_next_segment (SegTrack *self)
{
  self->msn++;
  self->part_index = 0;
}

/**
 * seg_track_make_silence:
 * @limit: no silence after this
 * @next: time of the next frame, G_MAXINT64 if it is not known
 *
 * Returns: (transfer full) (nullable): the frame that follows the last one; or
 *     %NULL if nothing fits there or this codec has no known silence. The last
 *     before @next lasts until that, however short or long.
 */
SegmenterSample *
seg_track_make_silence (SegTrack *self, gint64 limit, gint64 next)
{
  gint64 duration = self->clock.duration;
  SegmenterSample *sample;
  gpointer data;

  if (self->video || duration <= 0)
    return NULL;
  if (next <= limit && next - self->end < duration + duration / 2)
    duration = next - self->end;
  if (duration <= self->clock.duration / 2 || self->end + duration > limit)
    return NULL;
  data = self->sink->output.silence (
      self->config, self->clock.duration, self->sink->user_data);
  if (data == NULL)
    return NULL;
  sample = g_new (SegmenterSample, 1);
  *sample = (SegmenterSample){
      .time = self->end,
      .duration = duration,
      .key = TRUE,
      .config = self->config,
      .data = data,
  };
  return sample;
}
