/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "segcutter.h"

void
seg_cutter_init (SegCutter *self, const SegmenterSettings *settings)
{
  self->segment_duration = settings->segment_duration;
  self->max_segment_duration = settings->max_segment_duration;
  self->cuts = g_array_new (FALSE, FALSE, sizeof (gint64));
}

void
seg_cutter_clear (SegCutter *self)
{
  g_clear_pointer (&self->cuts, g_array_unref);
}

/**
 * seg_cutter_begin:
 *
 * @lead cuts from here on, where segment @msn begins with its key frame.
 */
void
seg_cutter_begin (SegCutter *self, SegTrack *lead, gint64 time, guint64 msn)
{
  self->lead = lead;
  self->segment_start = time;
  self->segment_keyed = TRUE;
  g_array_set_size (self->cuts, 0);
  g_array_append_val (self->cuts, time);
  self->cuts_msn = msn;
}

/**
 * seg_cutter_position:
 *
 * Returns: how far the lead is: no cut can fall before this any more
 */
gint64
seg_cutter_position (SegCutter *self)
{
  return self->lead->held != NULL ? self->lead->held->time : self->lead->end;
}

/**
 * seg_cutter_forget:
 *
 * No track will ask again for a cut before segment @msn.
 */
void
seg_cutter_forget (SegCutter *self, guint64 msn)
{
  if (msn <= self->cuts_msn)
    return;
  g_array_remove_range (self->cuts, 0, msn - self->cuts_msn);
  self->cuts_msn = msn;
}

/* The lead's open segment ends at @time. */
static void
cut (SegCutter *self, gint64 time, gboolean keyed)
{
  seg_track_close_part (self->lead, TRUE);
  if (!keyed)
    self->lead->sink->output.forced_cut (
        self->lead->msn, self->lead->sink->user_data);
  seg_track_next_segment (self->lead);
  g_array_append_val (self->cuts, time);
  self->segment_start = time;
  self->segment_keyed = keyed;
}

/**
 * seg_cutter_place_held:
 *
 * Puts @track's held frame, which lasts until @end, into the open part, unless
 * that part or segment turns out too long with it.
 */
void
seg_cutter_place_held (SegCutter *self, SegTrack *track, gint64 end)
{
  SegmenterSample *sample = g_steal_pointer (&track->held);

  if (track == self->lead && sample->time > self->segment_start &&
      end - self->segment_start > (gint64)self->max_segment_duration)
    cut (self, sample->time, sample->key);
  else
    seg_track_close_full_part (track, sample->time, end - sample->time);
  seg_track_add (track, sample, end);
}

/* A follower's open segment ends where the lead's did. */
static void
follow_cuts (SegCutter *self, SegTrack *track, gint64 time)
{
  for (;;) {
    guint64 next = track->msn + 1 - self->cuts_msn;

    if (next >= self->cuts->len ||
        time < g_array_index (self->cuts, gint64, next))
      return;
    seg_track_close_part (track, TRUE);
    seg_track_next_segment (track);
  }
}

/* "At" the segment duration is to half a frame: stamps waver, and a key frame
 * that misses it by a hair would double the segment. */
static void
cut_if_due (SegCutter *self, const SegmenterSample *next, gint64 duration)
{
  gint64 age = next->time - self->segment_start;
  gboolean key_due =
      next->key && (age + duration / 2 >= (gint64)self->segment_duration ||
                       !self->segment_keyed);

  if (age > 0 &&
      (key_due || age + duration > (gint64)self->max_segment_duration))
    cut (self, next->time, next->key);
}

/* Takes ownership of @sample, the next frame of @track. */
static void
take (SegCutter *self, SegTrack *track, SegmenterSample *sample)
{
  gint64 duration = seg_track_duration_of (track, sample);
  gint64 end;

  if (track->held != NULL)
    seg_cutter_place_held (self, track, sample->time);
  if (!track->video &&
      ABS (sample->time - track->end) <= seg_track_tolerance (track, sample))
    sample->time = track->end;
  end = sample->time + duration;
  if (track == self->lead)
    cut_if_due (self, sample, duration);
  else
    follow_cuts (self, track, sample->time + duration / 2);
  seg_track_close_full_part (track, sample->time, duration);
  track->held = sample;

  /* An audio frame's duration is exact, so it need not wait for the next. */
  if (!track->video && sample->duration > 0) {
    seg_cutter_place_held (self, track, end);
    if (track != self->lead)
      follow_cuts (
          self, track, MIN (end + duration / 2, seg_cutter_position (self)));
    seg_track_close_full_part (track, end, duration);
  }
}

/**
 * seg_cutter_fill:
 *
 * Fills an audio track with silence up to @limit, or to its frame at @next.
 *
 * Returns: %FALSE if more fits there than can be filled
 */
gboolean
seg_cutter_fill (SegCutter *self, SegTrack *track, gint64 limit, gint64 next)
{
  gint64 duration = track->clock.duration;
  SegmenterSample *silence;

  while ((silence = seg_track_make_silence (track, limit, next)) != NULL) {
    take (self, track, silence);
    track->clock.duration = duration;
  }
  return !track->video && duration > 0 && track->end + duration > limit;
}

/**
 * seg_cutter_finish:
 *
 * What is open of @track leaves; it is absent from here on.
 */
void
seg_cutter_finish (SegCutter *self, SegTrack *track, gint64 limit)
{
  if (track->held != NULL) {
    gint64 end = track->held->time + seg_track_duration_of (track, track->held);

    seg_cutter_place_held (
        self, track, MAX (MIN (end, limit), track->held->time));
  }
  seg_track_close_part (track, TRUE);
  track->present = FALSE;
}

/**
 * seg_cutter_take_front:
 *
 * Takes the oldest frame of @track that waits, after silence if there is a hole
 * before it. It is lost if it lies before what was filled or played already.
 */
void
seg_cutter_take_front (SegCutter *self, SegTrack *track)
{
  SegmenterSample *sample = seg_track_front (track);

  if (!track->video) {
    gint64 tolerance = seg_track_tolerance (track, sample);

    if (sample->time < track->end - tolerance) {
      seg_track_drop_front (track);
      return;
    }
    if (sample->time > track->end + tolerance)
      seg_cutter_fill (self, track, sample->time, sample->time);
  }
  take (self, track, g_queue_pop_head (&track->pending));
}

/**
 * seg_cutter_run:
 *
 * A follower takes what the lead, or the barrier, has passed: all before @limit.
 * A frame of another configuration waits for the next epoch, and is lost if that
 * does not begin before it.
 */
void
seg_cutter_run (SegCutter *self, SegTrack *track, gint64 limit)
{
  SegmenterSample *sample;

  while ((sample = seg_track_front (track)) != NULL &&
         seg_track_middle_of (track, sample) < limit) {
    if (sample->config != track->config)
      seg_track_drop_front (track);
    else
      seg_cutter_take_front (self, track);
  }
  /* What lies before a frame that is here cannot come any more. */
  if (sample != NULL && !track->video &&
      sample->time > track->end + seg_track_tolerance (track, sample))
    seg_cutter_fill (self, track, MIN (limit, sample->time), sample->time);
}
