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

#include "trackclock.h"

/* Frames of a follower belong where their middle is: key frames of a ladder
 * differ by rounding. A hole between audio frames that is larger than this is
 * one; a smaller one is rounding. */
#define GAP_TOLERANCE (5 * G_GINT64_CONSTANT (1000000))

/* In a pipeline that is faster than real time a track may be behind by much
 * media and little time. After so many timeouts of media it is given up
 * whatever the clock says, which bounds the queues here. */
#define MAX_LAG_TIMEOUTS 30

/* An encoder's look-ahead delays the first picture by seconds, and a broadcast
 * without picture is rare: so many timeouts it is waited for. */
#define PICTURE_TIMEOUTS 4

/* A tick of 90 kHz, rounded up: the least by which frames of video differ. */
#define MIN_STEP 11112

typedef struct {
  guint index;
  gboolean video;
  gboolean ended;     /* the publisher ended it */
  gboolean silent;    /* present, but only because it is filled */
  gboolean present;   /* takes frames into parts */
  gboolean in_epoch;  /* was present when the epoch began */
  gboolean continues; /* was present when the epoch before it ended */
  GQueue pending;     /* of SegmenterSample, in media time */
  TrackClock clock;

  /* Since the epoch began. */
  gconstpointer config;
  SegmenterSample *held; /* placed when its successor tells its duration */
  GArray *part;          /* of SegmenterSample: the open part */
  gint64 end;            /* where the last placed frame ends */
  guint64 msn;
  guint32 part_index;
} SegTrack;

struct _Segmenter {
  SegmenterSettings settings;
  SegmenterOutput output;
  gpointer user_data;

  GPtrArray *tracks; /* of SegTrack */
  SegTrack *lead;    /* NULL before the first epoch */
  gboolean running;  /* FALSE: waits at the barrier */
  gint64 barrier;    /* media time; the next epoch begins here or after */
  gint64 first_arrival;
  ClockJumps jumps;

  guint32 epoch;
  gint64 segment_start; /* of the lead's open segment */
  gboolean segment_keyed;
  gboolean force_epoch; /* at the next key frame of the lead */
  GArray *cuts; /* gint64: begin of segment cuts_msn, cuts_msn + 1 ... */
  guint64 cuts_msn;
};

static SegTrack *
get_track (Segmenter *self, guint index)
{
  return g_ptr_array_index (self->tracks, index);
}

static SegmenterSample *
front (const SegTrack *track)
{
  return g_queue_peek_head ((GQueue *)&track->pending);
}

static gint64
duration_of (const SegTrack *track, const SegmenterSample *sample)
{
  return sample->duration != 0 ? (gint64)sample->duration
                               : track->clock.duration;
}

static gint64
middle_of (const SegTrack *track, const SegmenterSample *sample)
{
  return sample->time + duration_of (track, sample) / 2;
}

/* How far the lead is: no cut can fall before this any more. */
static gint64
lead_position (Segmenter *self)
{
  return self->lead->held != NULL ? self->lead->held->time : self->lead->end;
}

static void
free_sample (Segmenter *self, SegmenterSample *sample)
{
  self->output.free_data (sample->data);
  g_free (sample);
}

static void
drop_front (Segmenter *self, SegTrack *track)
{
  free_sample (self, g_queue_pop_head (&track->pending));
  self->output.dropped (track->index, self->user_data);
}

static void
clear_part (Segmenter *self, SegTrack *track)
{
  for (guint i = 0; i < track->part->len; i++)
    self->output.free_data (
        g_array_index (track->part, SegmenterSample, i).data);
  g_array_set_size (track->part, 0);
}

static void
close_part (Segmenter *self, SegTrack *track, gboolean last)
{
  SegmenterPart part = {
      .track = track->index,
      .epoch = self->epoch,
      .msn = track->msn,
      .part = track->part_index,
      .last = last,
      .samples = (const SegmenterSample *)track->part->data,
      .n_samples = track->part->len,
  };

  if (part.n_samples == 0)
    return;
  part.dts = part.samples[0].time;
  part.duration = track->end - part.dts;
  for (guint i = 0; i < part.n_samples; i++)
    part.independent |= part.samples[i].key;
  track->part_index++;
  self->output.part (&part, self->user_data);
  clear_part (self, track);
}

static void
next_segment (SegTrack *track)
{
  track->msn++;
  track->part_index = 0;
}

static gint64
part_start (const SegTrack *track)
{
  return g_array_index (track->part, SegmenterSample, 0).time;
}

/* The lead's open segment ends at @time. */
static void
cut (Segmenter *self, gint64 time, gboolean keyed)
{
  close_part (self, self->lead, TRUE);
  if (!keyed)
    self->output.forced_cut (self->lead->msn, self->user_data);
  next_segment (self->lead);
  g_array_append_val (self->cuts, time);
  self->segment_start = time;
  self->segment_keyed = keyed;
}

/* Closes the open part if a frame of @duration at @time would cross its limit. */
static void
close_full_part (Segmenter *self, SegTrack *track, gint64 time, gint64 duration)
{
  if (track->part->len > 0 && time + duration - part_start (track) >
                                  (gint64)self->settings.part_duration)
    close_part (self, track, FALSE);
}

/* Puts the held frame, which lasts until @end, into the open part, unless that
 * part or segment turns out too long with it. */
static void
place_held (Segmenter *self, SegTrack *track, gint64 end)
{
  SegmenterSample *sample = g_steal_pointer (&track->held);

  sample->duration = MAX (end - sample->time, 0);
  if (track == self->lead && sample->time > self->segment_start &&
      end - self->segment_start > (gint64)self->settings.max_segment_duration)
    cut (self, sample->time, sample->key);
  else
    close_full_part (self, track, sample->time, sample->duration);
  g_array_append_val (track->part, *sample);
  if (sample->duration > 0)
    track->clock.duration = sample->duration;
  track->end = end;
  g_free (sample);
}

/* A follower's open segment ends where the lead's did. */
static void
follow_cuts (Segmenter *self, SegTrack *track, gint64 time)
{
  for (;;) {
    guint64 next = track->msn + 1 - self->cuts_msn;

    if (next >= self->cuts->len ||
        time < g_array_index (self->cuts, gint64, next))
      return;
    close_part (self, track, TRUE);
    next_segment (track);
  }
}

static void
cut_if_due (Segmenter *self, const SegmenterSample *next, gint64 duration)
{
  gint64 age = next->time - self->segment_start;
  gboolean key_due =
      next->key &&
      (age >= (gint64)self->settings.segment_duration || !self->segment_keyed);

  if (age > 0 &&
      (key_due || age + duration > (gint64)self->settings.max_segment_duration))
    cut (self, next->time, next->key);
}

/* Takes ownership of @sample, the next frame of @track. */
static void
take (Segmenter *self, SegTrack *track, SegmenterSample *sample)
{
  gint64 duration = duration_of (track, sample);
  gint64 end = sample->time + duration;

  if (track->held != NULL)
    place_held (self, track, sample->time);
  if (track == self->lead)
    cut_if_due (self, sample, duration);
  else
    follow_cuts (self, track, sample->time + duration / 2);
  close_full_part (self, track, sample->time, duration);
  track->held = sample;

  /* An audio frame's duration is exact, so it need not wait for the next. */
  if (!track->video && sample->duration > 0) {
    place_held (self, track, end);
    if (track != self->lead)
      follow_cuts (self, track, MIN (end + duration / 2, lead_position (self)));
    close_full_part (self, track, end, duration);
  }
}

/* Fills an audio track with silence up to @limit. Returns FALSE if that cannot
 * be done. */
static gboolean
fill (Segmenter *self, SegTrack *track, gint64 limit)
{
  gint64 duration = track->clock.duration;

  if (track->video || duration <= 0)
    return FALSE;
  while (track->end + duration <= limit) {
    SegmenterSample silence = {
        .time = track->end,
        .duration = duration,
        .key = TRUE,
        .config = track->config,
        .data = self->output.silence (track->config, self->user_data),
    };

    if (silence.data == NULL)
      return FALSE;
    take (self, track, g_memdup2 (&silence, sizeof (silence)));
  }
  return TRUE;
}

/* What is open of @track leaves; it is absent from here on. */
static void
finish_track (Segmenter *self, SegTrack *track, gint64 limit)
{
  if (track->held != NULL) {
    gint64 end = track->held->time + duration_of (track, track->held);

    place_held (self, track, MAX (MIN (end, limit), track->held->time));
  }
  close_part (self, track, TRUE);
  track->present = FALSE;
}

/* Cuts that every track has passed are forgotten. */
static void
purge_cuts (Segmenter *self)
{
  guint64 slowest = self->lead->msn;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track->present)
      slowest = MIN (slowest, track->msn);
  }
  if (slowest > self->cuts_msn) {
    g_array_remove_range (self->cuts, 0, slowest - self->cuts_msn);
    self->cuts_msn = slowest;
  }
}

/* A follower takes what the lead, or the barrier, has passed. A frame of
 * another configuration waits for the next epoch, and is lost if that does not
 * begin before it. */
static void
run_follower (Segmenter *self, SegTrack *track, gint64 limit)
{
  SegmenterSample *sample;

  while (
      (sample = front (track)) != NULL && middle_of (track, sample) < limit) {
    if (sample->config != track->config ||
        (!track->video && sample->time < track->end - GAP_TOLERANCE)) {
      drop_front (self, track);
      continue;
    }
    if (sample->time > track->end + GAP_TOLERANCE)
      fill (self, track, sample->time);
    take (self, track, g_queue_pop_head (&track->pending));
  }
}

/* What an absent track sends is of no use before the next epoch, and that needs
 * a key frame. A picture may be taken up a little late, see begin_track(). */
static void
trim_absent (Segmenter *self, SegTrack *track)
{
  gint64 keep = track->video ? (gint64)self->settings.track_timeout : 0;
  gint64 oldest = lead_position (self) - keep;
  SegmenterSample *sample;

  while ((sample = front (track)) != NULL &&
         (sample->time < oldest || !sample->key))
    drop_front (self, track);
}

/* Whether @track can begin an epoch at @time. */
static gboolean
is_ready (Segmenter *self, const SegTrack *track, gint64 time)
{
  const SegmenterSample *sample = front (track);

  return sample != NULL && sample->key &&
         sample->time + (gint64)self->settings.track_timeout >= time;
}

/* Whether an epoch that began at @next would differ from the one that runs. */
static gboolean
epoch_differs (Segmenter *self, const SegmenterSample *next)
{
  if (self->force_epoch || next->config != self->lead->config)
    return TRUE;
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);
    SegmenterSample *sample = front (track);

    if (track->present ? sample != NULL && sample->config != track->config
                       : track->in_epoch || is_ready (self, track, next->time))
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
    self->output.presence (track->index, FALSE, self->user_data);
  track->silent = TRUE;
  if (!fill (self, track, position))
    finish_track (self, track, G_MAXINT64);
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
waiting_time (Segmenter *self)
{
  gint64 from = self->barrier;

  if (self->lead == NULL) {
    from = G_MAXINT64;
    for (guint i = 0; i < self->tracks->len; i++)
      if (front (get_track (self, i)) != NULL)
        from = MIN (from, front (get_track (self, i))->time);
  }
  return from == G_MAXINT64 ? 0 : newest_time (self) - from;
}

/* Lets a track come up to the barrier. Returns whether it can begin there. */
static gboolean
reach_barrier (Segmenter *self, SegTrack *track)
{
  if (track->present)
    run_follower (self, track, self->barrier);
  while (front (track) != NULL && !front (track)->key)
    drop_front (self, track);
  return front (track) != NULL &&
         (self->lead == NULL || is_ready (self, track, self->barrier));
}

/* Returns the track that leads the next epoch, or NULL while a track that is
 * expected has neither arrived at the barrier nor been given up. */
static SegTrack *
find_lead (Segmenter *self, gint64 now, gboolean flush)
{
  gint64 waiting = waiting_time (self);
  SegTrack *lead = NULL;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);
    gboolean expected =
        self->lead != NULL ? track->present && !track->silent : !track->ended;

    if (reach_barrier (self, track)) {
      if (lead == NULL || (track->video && !lead->video))
        lead = track;
    } else if (expected && !flush && !is_late (self, track, waiting, now)) {
      return NULL;
    }
  }
  return lead;
}

/* Media time begins at first_time with the lead's first frame. */
static void
set_zero (Segmenter *self, SegTrack *lead)
{
  gint64 offset = (gint64)self->settings.first_time - front (lead)->time;

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    track->clock.offset += offset;
    track->clock.newest += offset;
    for (GList *l = track->pending.head; l != NULL; l = l->next)
      ((SegmenterSample *)l->data)->time += offset;
  }
}

/* Takes @track into the epoch that begins at @time, if it has a frame for it. A
 * track that comes back begins with its key frame, though that may lie a little
 * before the lead's. */
static void
begin_track (Segmenter *self, SegTrack *track, gint64 time, guint64 msn)
{
  gint64 slack = track->continues ? 0 : (gint64)self->settings.track_timeout;
  SegmenterSample *sample;

  while ((sample = front (track)) != NULL &&
         (!sample->key || middle_of (track, sample) + slack < time))
    drop_front (self, track);

  if (sample != NULL) {
    track->config = sample->config;
    track->end = sample->time;
  } else if (track->continues && track->silent) {
    track->end = time;
  } else {
    track->present = track->in_epoch = FALSE;
    return;
  }
  if (self->lead != NULL && sample != NULL && !track->continues)
    self->output.presence (track->index, TRUE, self->user_data);
  track->present = track->in_epoch = TRUE;
  track->msn = msn;
  track->part_index = 0;
}

/* What is open leaves with the old epoch's number. */
static void
end_epoch (Segmenter *self, gint64 time)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    track->continues = track->present;
    if (track->present)
      finish_track (self, track, MAX (time, track->end));
  }
}

static void
begin_epoch (Segmenter *self, SegTrack *lead)
{
  g_autofree gconstpointer *configs = g_new0 (gconstpointer, self->tracks->len);
  guint64 msn = self->settings.first_msn;
  gint64 time;

  if (self->lead == NULL)
    set_zero (self, lead);
  time = front (lead)->time;
  end_epoch (self, time);
  if (self->lead != NULL) {
    msn = self->lead->msn + 1;
    self->epoch++;
  } else {
    self->epoch = self->settings.first_epoch;
  }
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    begin_track (self, track, time, msn);
    configs[i] = track->present ? track->config : NULL;
  }

  self->lead = lead;
  self->running = TRUE;
  self->force_epoch = FALSE;
  self->segment_start = time;
  self->segment_keyed = TRUE;
  g_array_set_size (self->cuts, 0);
  g_array_append_val (self->cuts, time);
  self->cuts_msn = msn;
  self->output.begin_epoch (
      self->epoch, msn, time, newest_time (self), configs, self->user_data);
}

/* The lead takes its frames until one begins a new epoch. */
static void
run_lead (Segmenter *self)
{
  SegTrack *lead = self->lead;
  SegmenterSample *sample;

  while ((sample = front (lead)) != NULL) {
    if (sample->key && sample->time > self->segment_start &&
        epoch_differs (self, sample)) {
      if (lead->held != NULL)
        place_held (self, lead, sample->time);
      close_part (self, lead, TRUE);
      stop_at (self, sample->time);
      return;
    }
    if (sample->config != lead->config)
      drop_front (self, lead);
    else
      take (self, lead, g_queue_pop_head (&lead->pending));
  }
}

static void
run_followers (Segmenter *self, gint64 now)
{
  gint64 position = lead_position (self);

  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track == self->lead)
      continue;
    if (!track->present) {
      trim_absent (self, track);
      continue;
    }
    run_follower (self, track, position);
    if (front (track) == NULL &&
        is_late (self, track, position - track->clock.newest, now))
      go_silent (self, track, position);
  }
}

/* The lead went silent while others go on. */
static gboolean
lead_is_lost (Segmenter *self, gint64 now)
{
  SegTrack *lead = self->lead;

  return front (lead) == NULL &&
         is_late (self, lead, newest_time (self) - lead->clock.newest, now);
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
      purge_cuts (self);
      if (flush || !lead_is_lost (self, now))
        return;
      self->output.presence (self->lead->index, FALSE, self->user_data);
      finish_track (self, self->lead, G_MAXINT64);
      stop_at (self, self->lead->end);
    }
  }
}

/* Everything still held leaves with the segment that is open. */
static void
flush (Segmenter *self, gint64 now)
{
  advance (self, now, TRUE);
  if (!self->running)
    return;
  finish_track (self, self->lead, G_MAXINT64);
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    if (track->present) {
      run_follower (self, track, G_MAXINT64);
      finish_track (self, track, G_MAXINT64);
    }
  }
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
  self->output = *output;
  self->user_data = user_data;
  self->tracks = g_ptr_array_new ();
  self->cuts = g_array_new (FALSE, FALSE, sizeof (gint64));
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
  for (guint i = 0; i < self->tracks->len; i++) {
    SegTrack *track = get_track (self, i);

    while (front (track) != NULL)
      free_sample (self, g_queue_pop_head (&track->pending));
    if (track->held != NULL)
      free_sample (self, track->held);
    clear_part (self, track);
    g_array_unref (track->part);
    g_free (track);
  }
  g_ptr_array_unref (self->tracks);
  g_array_unref (self->cuts);
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
  SegTrack *track = g_new0 (SegTrack, 1);

  track->index = self->tracks->len;
  track->video = video;
  track->part = g_array_new (FALSE, FALSE, sizeof (SegmenterSample));
  track_clock_init (&track->clock);
  if (self->lead != NULL)
    track->clock.offset = self->lead->clock.offset;
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
      self->output.presence (track->index, TRUE, self->user_data);
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
  gboolean absent =
      self->lead != NULL && !track->present && front (track) == NULL;
  gint64 position = self->lead != NULL ? lead_position (self) : G_MININT64;
  SegmenterSample *copy;
  gboolean jumped;
  gint64 time;

  if (self->first_arrival == G_MININT64)
    self->first_arrival = now;
  time = track_clock_advance (&track->clock, &self->jumps, sample->time,
      position, absent, now, &jumped);
  /* Wall clock and media part here, which only a discontinuity may say. */
  if (jumped && track == self->lead)
    self->force_epoch = TRUE;

  if (track->clock.arrival != G_MININT64 && time <= track->clock.newest) {
    if (!track->video) {
      self->output.free_data (sample->data);
      self->output.dropped (index, self->user_data);
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
