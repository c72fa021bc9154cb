/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every track has a queue of what arrived and is not yet in a part. The lead
 * (the first video track, else the first audio track) takes its frames as they
 * come and decides the cuts; a follower takes a frame only once the lead has
 * passed it, because only then no cut can fall before it any more.
 *
 * A frame lasts until the next one of its track begins, so video holds back one
 * frame. A part or segment that no further frame fits into is closed without
 * waiting for that frame's successor.
 *
 * Audio that is silent for the timeout is filled with silence: every player
 * freezes where one of its tracks ends.
 *
 * Between epochs there is a barrier: the lead's frames wait until each follower
 * has reached the barrier's time, or is given up. Nowhere else does the lead
 * wait for anybody. */

#include "segmenter.h"

#include "segcutter.h"

/* In a pipeline that is faster than real time a track may be behind by much
 * media and little time. After so many timeouts of media it is given up
 * whatever the clock says, which bounds the queues here. */
#define MAX_LAG_TIMEOUTS 30

/* An encoder's look-ahead delays the first picture by seconds, and a broadcast
 * without picture is rare: so many timeouts it is waited for. */
#define PICTURE_TIMEOUTS 4

/* A tick of 90 kHz, rounded up: the least by which frames of video differ. */
#define MIN_STEP 11112

struct _Segmenter {
  SegmenterSettings settings;
  SegSink sink; /* with the number of the epoch */

  GPtrArray *tracks; /* of SegTrack */
  SegCutter cutter;
  gboolean running; /* FALSE: waits at the barrier */
  gint64 barrier;   /* media time; the next epoch begins here or after */
  gint64 first_arrival;
  ClockJumps jumps;

  gboolean force_epoch; /* at the next key frame of the lead */
};

static SegTrack *
get_track (Segmenter *self, guint index)
{
  return g_ptr_array_index (self->tracks, index);
}

static void
say_presence (Segmenter *self, SegTrack *track, gboolean present)
{
  self->sink.output.presence (track->index, present, self->sink.user_data);
}

/* What an absent track sends is of no use before the next epoch, and that needs
 * a key frame. A picture may be taken up a little late, see is_too_early(). */
static void
trim_absent (Segmenter *self, SegTrack *track)
{
  gint64 keep = track->video ? (gint64)self->settings.track_timeout : 0;
  gint64 oldest = seg_cutter_position (&self->cutter) - keep;
  SegmenterSample *sample;

  while ((sample = seg_track_front (track)) != NULL &&
         (sample->time < oldest || !sample->key))
    seg_track_drop_front (track);
}

/* Whether @track, which is absent, may have a frame for an epoch at @time. */
static gboolean
is_back (Segmenter *self, const SegTrack *track, gint64 time)
{
  const SegmenterSample *sample = seg_track_front (track);

  return sample != NULL && sample->key &&
         sample->time + (gint64)self->settings.track_timeout >= time;
}

/* Whether an epoch that began at @next would differ from the one that runs. */
static gboolean
epoch_differs (Segmenter *self, const SegmenterSample *next)
{
  if (self->force_epoch || next->config != self->cutter.lead->config)
    return TRUE;
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);
    SegmenterSample *sample = seg_track_front (track);

    if (track->present ? sample != NULL && sample->config != track->config
                       : track->in_epoch || is_back (self, track, next->time))
      return TRUE;
  }
  return FALSE;
}

/* Whether @track, which is @lag of media behind the others, is silent. */
static gboolean
is_late (Segmenter *self, const SegTrack *track, gint64 lag, gint64 now)
{
  gint64 timeout = self->settings.track_timeout;

  if (lag > MAX_LAG_TIMEOUTS * timeout)
    return TRUE;
  if (lag <= timeout)
    return FALSE;
  if (track->ended)
    return TRUE;
  if (track->clock.arrival == G_MININT64)
    return now - self->first_arrival >
           (track->video ? PICTURE_TIMEOUTS : 1) * timeout;
  return now - track->clock.arrival > timeout;
}

static void
go_silent (Segmenter *self, SegTrack *track, gint64 position)
{
  if (!track->silent)
    say_presence (self, track, FALSE);
  track->silent = TRUE;
  if (!seg_cutter_fill (&self->cutter, track, position, G_MAXINT64))
    seg_cutter_finish (&self->cutter, track, G_MAXINT64);
}

static void
stop_at (Segmenter *self, gint64 barrier)
{
  self->running = FALSE;
  self->barrier = barrier;
}

/* Newest media time of any track. */
static gint64
newest_time (Segmenter *self)
{
  gint64 newest = G_MININT64;

  for (guint i = 0; i < self->tracks->len; i++) {
    const TrackClock *clock = &get_track (self, i)->clock;

    if (clock->arrival != G_MININT64)
      newest = MAX (newest, clock->newest);
  }
  return newest;
}

/* How much media has arrived that waits for the epoch to begin. */
static gint64
waiting_time (Segmenter *self, gboolean fresh)
{
  gint64 from = fresh ? G_MAXINT64 : self->barrier;

  for (guint i = 0; fresh && i < self->tracks->len; i++) {
    SegmenterSample *sample = seg_track_front (get_track (self, i));

    if (sample != NULL)
      from = MIN (from, sample->time);
  }
  return from == G_MAXINT64 ? 0 : newest_time (self) - from;
}

/* Whether @sample is before what an epoch that begins at @time can use. A
 * picture that comes back begins with its key frame, though that may lie a
 * little before the lead's. Nothing lies before the first epoch. */
static gboolean
is_too_early (Segmenter *self, const SegTrack *track,
    const SegmenterSample *sample, gint64 time)
{
  gint64 slack = track->video && !track->present
                     ? (gint64)self->settings.track_timeout
                     : 0;

  if (!sample->key)
    return TRUE;
  if (!track->video && self->cutter.lead == NULL)
    return sample->time < time;
  return seg_track_middle_of (track, sample) + slack < time;
}

/* Lets @track come up to @time, where an epoch begins. Returns whether it has a
 * frame for it. */
static gboolean
reach (Segmenter *self, SegTrack *track, gint64 time)
{
  SegmenterSample *sample;

  if (track->present) {
    seg_cutter_run (&self->cutter, track, time);
    if (track->silent)
      seg_cutter_fill (&self->cutter, track, time, G_MAXINT64);
  }
  while ((sample = seg_track_front (track)) != NULL &&
         is_too_early (self, track, sample, time))
    seg_track_drop_front (track);
  return sample != NULL;
}

/* Whether the epoch that begins at the barrier waits for @track. */
static gboolean
is_expected (Segmenter *self, const SegTrack *track, gboolean fresh)
{
  gint64 newest = track->clock.newest;
  gint64 timeout = self->settings.track_timeout;

  if (fresh)
    return !track->ended;
  /* It came by without a key frame. */
  if (track->video && newest > self->barrier + timeout)
    return FALSE;
  if (track->present)
    return !track->silent;
  return !track->video && !track->ended && track->clock.arrival != G_MININT64 &&
         newest + timeout >= self->barrier;
}

/* Whether nothing goes on from the epoch before. */
static gboolean
is_fresh (Segmenter *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    if (get_track (self, i)->present)
      return FALSE;
  return TRUE;
}

/* The first track with a key frame, but pictures before sound. */
static SegTrack *
choose_lead (Segmenter *self)
{
  SegTrack *lead = NULL;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (!track->present)
      while (seg_track_front (track) != NULL && !seg_track_front (track)->key)
        seg_track_drop_front (track);
    if (seg_track_front (track) != NULL &&
        (lead == NULL || (track->video && !lead->video)))
      lead = track;
  }
  return lead;
}

/* Returns the track that leads the next epoch, or NULL while a track that is
 * expected has neither arrived at the barrier nor been given up. */
static SegTrack *
find_lead (Segmenter *self, gint64 now, gboolean flush)
{
  gboolean fresh = is_fresh (self);
  gint64 waiting = waiting_time (self, fresh);
  gint64 time = self->barrier;

  if (fresh) {
    SegTrack *lead = choose_lead (self);

    if (lead == NULL)
      return NULL;
    time = seg_track_front (lead)->time;
  }
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (!reach (self, track, time) && !flush &&
        is_expected (self, track, fresh) &&
        !is_late (self, track, waiting, now))
      return NULL;
  }
  return choose_lead (self);
}

/* Media time begins at first_time with the first key frame. */
static void
set_zero (Segmenter *self, SegTrack *lead)
{
  gint64 zero = seg_track_front (lead)->time;
  gint64 offset;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track->video && seg_track_front (track) != NULL)
      zero = MIN (zero, seg_track_front (track)->time);
  }
  offset = (gint64)self->settings.first_time - zero;
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    track->clock.offset += offset;
    track->clock.newest += offset;
    for (GList *l = track->pending.head; l != NULL; l = l->next)
      ((SegmenterSample *)l->data)->time += offset;
  }
}

/* Where @track's first frame in the epoch at @time follows. Sound that goes on
 * joins; a hole before it is filled. */
static gint64
begin_of (SegTrack *track, const SegmenterSample *sample, gint64 time)
{
  if (track->video)
    return sample->time;
  if (track->continues)
    return track->end;
  return sample->time > time + seg_track_tolerance (track, sample)
             ? time
             : sample->time;
}

/* Takes @track into the epoch that begins at @time, if it has a frame for it. */
static void
begin_track (Segmenter *self, SegTrack *track, gint64 time, guint64 msn)
{
  SegmenterSample *sample = seg_track_front (track);

  if (sample != NULL) {
    track->config = sample->config;
    track->end = begin_of (track, sample, time);
  } else if (!track->continues || !track->silent) {
    track->present = track->in_epoch = FALSE;
    return;
  }
  if (self->cutter.lead != NULL && sample != NULL && !track->continues)
    say_presence (self, track, TRUE);
  track->present = track->in_epoch = TRUE;
  track->msn = msn;
  track->part_index = 0;
}

/* What is open leaves with the old epoch's number. The next frame of a rendition
 * may lie a little before the lead's. */
static void
end_epoch (Segmenter *self, gint64 time)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    const SegmenterSample *next = seg_track_front (track);
    gint64 limit = next != NULL ? MIN (time, next->time) : time;

    track->continues = track->present;
    if (track->present)
      seg_cutter_finish (&self->cutter, track, MAX (limit, track->end));
  }
}

static void
begin_epoch (Segmenter *self, SegTrack *lead)
{
  g_autofree gconstpointer *configs = g_new0 (gconstpointer, self->tracks->len);
  guint64 msn = self->settings.first_msn;
  gint64 time;

  if (self->cutter.lead == NULL)
    set_zero (self, lead);
  time = seg_track_front (lead)->time;
  end_epoch (self, time);
  if (self->cutter.lead != NULL) {
    msn = self->cutter.lead->msn + 1;
    self->sink.epoch++;
  } else {
    self->sink.epoch = self->settings.first_epoch;
  }
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    begin_track (self, track, time, msn);
    configs[i] = track->present ? track->config : NULL;
  }

  self->running = TRUE;
  self->force_epoch = FALSE;
  seg_cutter_begin (&self->cutter, lead, time, msn);
  self->sink.output.begin_epoch (self->sink.epoch, msn, time,
      newest_time (self), configs, self->sink.user_data);
}

/* The lead takes its frames until one begins a new epoch. */
static void
run_lead (Segmenter *self)
{
  SegTrack *lead = self->cutter.lead;
  SegmenterSample *sample;

  while ((sample = seg_track_front (lead)) != NULL) {
    if (sample->key && sample->time > self->cutter.segment_start &&
        epoch_differs (self, sample)) {
      if (lead->held != NULL)
        seg_cutter_place_held (&self->cutter, lead, sample->time);
      seg_cutter_fill (&self->cutter, lead, sample->time, sample->time);
      seg_track_close_part (lead, TRUE);
      stop_at (self, sample->time);
      return;
    }
    if (sample->config != lead->config)
      seg_track_drop_front (lead);
    else
      seg_cutter_take_front (&self->cutter, lead);
  }
}

static void
run_followers (Segmenter *self, gint64 now)
{
  gint64 position = seg_cutter_position (&self->cutter);

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track == self->cutter.lead)
      continue;
    if (!track->present) {
      trim_absent (self, track);
      continue;
    }
    seg_cutter_run (&self->cutter, track, position);
    if (seg_track_front (track) == NULL &&
        is_late (self, track, position - track->clock.newest, now))
      go_silent (self, track, position);
  }
}

/* The lead went silent while others go on. */
static gboolean
lead_is_lost (Segmenter *self, gint64 now)
{
  SegTrack *lead = self->cutter.lead;

  return seg_track_front (lead) == NULL &&
         is_late (self, lead, newest_time (self) - lead->clock.newest, now);
}

/* Cuts that every track has passed are forgotten. */
static void
forget_cuts (Segmenter *self)
{
  guint64 slowest = self->cutter.lead->msn;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track->present)
      slowest = MIN (slowest, track->msn);
  }
  seg_cutter_forget (&self->cutter, slowest);
}

static void
advance (Segmenter *self, gint64 now, gboolean flush)
{
  for (;;) {
    if (!self->running) {
      SegTrack *lead = find_lead (self, now, flush);

      if (lead == NULL)
        return;
      begin_epoch (self, lead);
    }
    run_lead (self);
    if (self->running) {
      run_followers (self, now);
      forget_cuts (self);
      if (flush || !lead_is_lost (self, now))
        return;
      say_presence (self, self->cutter.lead, FALSE);
      seg_cutter_finish (&self->cutter, self->cutter.lead, G_MAXINT64);
      stop_at (self, self->cutter.lead->end);
    }
  }
}

/* Everything still held leaves with the segment that is open. What comes after
 * begins a new epoch. */
static void
flush (Segmenter *self, gint64 now)
{
  gint64 end = self->barrier;

  advance (self, now, TRUE);
  if (self->cutter.lead != NULL && self->cutter.lead->present)
    seg_cutter_finish (&self->cutter, self->cutter.lead, G_MAXINT64);
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track->present) {
      seg_cutter_run (&self->cutter, track, G_MAXINT64);
      seg_cutter_finish (&self->cutter, track, G_MAXINT64);
    }
    while (seg_track_front (track) != NULL)
      seg_track_drop_front (track);
    end = MAX (end, track->end);
  }
  if (self->cutter.lead != NULL)
    stop_at (self, end);
}

/**
 * segmenter_new:
 * @settings: copied
 * @output: copied; where parts go, on the caller's stack
 *
 * Returns: (transfer full): a segmenter without tracks
 */
Segmenter *
segmenter_new (const SegmenterSettings *settings, const SegmenterOutput *output,
    gpointer user_data)
{
  Segmenter *self = g_new0 (Segmenter, 1);

  self->settings = *settings;
  self->sink.output = *output;
  self->sink.part_duration = settings->part_duration;
  self->sink.user_data = user_data;
  self->tracks =
      g_ptr_array_new_with_free_func ((GDestroyNotify)seg_track_free);
  seg_cutter_init (&self->cutter, settings);
  self->first_arrival = G_MININT64;
  self->jumps.timeout = settings->track_timeout;
  self->jumps.max_step = settings->max_segment_duration;
  return self;
}

void
segmenter_free (Segmenter *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->tracks);
  seg_cutter_clear (&self->cutter);
  g_free (self);
}

/**
 * segmenter_add_track:
 *
 * Returns: the index of the new track, one more than the last
 */
guint
segmenter_add_track (Segmenter *self, gboolean video)
{
  SegTrack *track = seg_track_new (&self->sink, self->tracks->len, video);

  if (self->cutter.lead != NULL)
    track->clock.offset = self->cutter.lead->clock.offset;
  g_ptr_array_add (self->tracks, track);
  return track->index;
}

static void
note_arrival (Segmenter *self, SegTrack *track, const SegmenterSample *sample,
    gint64 time, gint64 now)
{
  if (track->clock.duration == 0)
    track->clock.duration = sample->duration;
  track->clock.newest = time;
  track->clock.arrival = now;
  track->ended = FALSE;
  if (track->silent) {
    track->silent = FALSE;
    if (track->present)
      self->sink.output.presence (track->index, TRUE, self->sink.user_data);
  }
}

/**
 * segmenter_push:
 * @sample: the next frame of @track in decode order; copied, its data taken
 * @now: ns of a monotonic clock
 *
 * Calls the output for all that is complete with this frame. Audio that is not
 * after its predecessor is dropped.
 */
void
segmenter_push (
    Segmenter *self, guint index, const SegmenterSample *sample, gint64 now)
{
  SegTrack *track = get_track (self, index);
  gboolean absent = self->cutter.lead != NULL && !track->present &&
                    seg_track_front (track) == NULL;
  gint64 position = self->cutter.lead != NULL
                        ? seg_cutter_position (&self->cutter)
                        : G_MININT64;
  SegmenterSample *copy;
  gboolean jumped;
  gint64 time;

  if (self->first_arrival == G_MININT64)
    self->first_arrival = now;
  /* The publisher's time line may have jumped meanwhile. */
  if (absent && self->cutter.lead->present)
    track->clock.offset = self->cutter.lead->clock.offset;
  time = track_clock_advance (&track->clock, &self->jumps, sample->time,
      position, absent, now, &jumped);
  /* Wall clock and media part here, which only a discontinuity may say. */
  if (jumped && track == self->cutter.lead)
    self->force_epoch = TRUE;

  if (track->clock.arrival != G_MININT64 && time <= track->clock.newest) {
    if (!track->video) {
      self->sink.output.free_data (sample->data);
      self->sink.output.dropped (index, self->sink.user_data);
      return;
    }
    /* Later pictures need this one. */
    time = track->clock.newest + MIN_STEP;
  }
  note_arrival (self, track, sample, time, now);
  copy = g_memdup2 (sample, sizeof (*sample));
  copy->time = time;
  g_queue_push_tail (&track->pending, copy);
  advance (self, now, FALSE);
}

/**
 * segmenter_is_ended:
 *
 * Returns: whether no track can bring another frame
 */
gboolean
segmenter_is_ended (Segmenter *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    if (!get_track (self, i)->ended)
      return FALSE;
  return TRUE;
}

/**
 * segmenter_end_track:
 *
 * No more frames of @track; with the last track, everything still held leaves.
 */
void
segmenter_end_track (Segmenter *self, guint index, gint64 now)
{
  get_track (self, index)->ended = TRUE;
  if (segmenter_is_ended (self))
    flush (self, now);
  else
    advance (self, now, FALSE);
}

/**
 * segmenter_resume_track:
 *
 * Takes back segmenter_end_track(), for a track that starts anew.
 */
void
segmenter_resume_track (Segmenter *self, guint index)
{
  get_track (self, index)->ended = FALSE;
}
