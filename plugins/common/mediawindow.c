/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mediawindow-private.h"

#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
#define NS_PER_US 1000
/* A live playlist never gets shorter than this many target durations. */
#define MIN_TARGETS 3
/* A publisher that leaves out more segments than this is not continuing
 * anything; it bounds the gaps that one chunk can make. */
#define MAX_GAP 256

static void
clear_answer (MediaWindow *window, gpointer *answer)
{
  if (*answer != NULL)
    window->config.answer_free (*answer);
  *answer = NULL;
}

static void
drop_parts (MediaWindow *window, MediaSegment *segment)
{
  for (guint i = 0; segment->parts != NULL && i < segment->parts->len; i++) {
    MediaPart *part = &g_array_index (segment->parts, MediaPart, i);

    clear_answer (window, &part->answer);
    g_bytes_unref (part->bytes);
  }
  g_clear_pointer (&segment->parts, g_array_unref);
  clear_answer (window, &segment->answer);
}

static void
segment_free (MediaWindow *window, MediaSegment *segment)
{
  drop_parts (window, segment);
  g_free (segment);
}

static void
track_free (MediaWindow *window, WindowTrack *track)
{
  for (guint i = 0; i < track->segments->len; i++)
    segment_free (window, g_ptr_array_index (track->segments, i));
  for (guint i = 0; i < track->inits->len; i++) {
    MediaInit *init = g_ptr_array_index (track->inits, i);

    clear_answer (window, &init->answer);
    g_bytes_unref (init->bytes);
    g_free (init);
  }
  g_ptr_array_unref (track->segments);
  g_ptr_array_unref (track->inits);
  g_free (track);
}

/**
 * media_window_new:
 *
 * Returns: (transfer full): an empty window
 */
MediaWindow *
media_window_new (const MediaWindowConfig *config)
{
  MediaWindow *window = g_new0 (MediaWindow, 1);

  window->config = *config;
  window->tracks = g_ptr_array_new ();
  window->epochs = g_array_new (FALSE, FALSE, sizeof (MediaEpoch));
  window->table = track_table_new ();
  return window;
}

void
media_window_free (MediaWindow *window)
{
  if (window == NULL)
    return;
  for (guint i = 0; i < window->tracks->len; i++)
    track_free (window, g_ptr_array_index (window->tracks, i));
  g_ptr_array_unref (window->tracks);
  g_array_unref (window->epochs);
  track_table_unref (window->table);
  g_free (window);
}

/* --- sliding ------------------------------------------------------------- */

/* Forgets the epochs that no playlist reaches back to. Their discontinuities
 * are counted instead. */
static void
advance_epochs (MediaWindow *window)
{
  while (window->epochs->len > 1 &&
         g_array_index (window->epochs, MediaEpoch, 1).first_msn <
             window->first_msn) {
    g_array_remove_index (window->epochs, 0);
    window->discontinuity_sequence++;
  }
}

static gboolean
is_stored (const MediaSegment *segment)
{
  for (guint i = 0; segment->parts != NULL && i < segment->parts->len; i++)
    if (!g_array_index (segment->parts, MediaPart, i).stored)
      return FALSE;
  return TRUE;
}

/* Lets go of the bytes that the store has and the memory window has left
 * behind. The parts that playlists list stay. */
static void
trim_memory (MediaWindow *window, WindowTrack *track)
{
  const MediaSegment *last = track_last_segment (track);
  guint64 end;

  if (last == NULL || track->segments->len <= SEGMENTS_WITH_PARTS + 1)
    return;
  end = last->dts + last->duration;
  for (guint i = track->segments->len - SEGMENTS_WITH_PARTS - 1; i-- > 0;) {
    MediaSegment *segment = track_segment (track, i);

    if (segment->parts == NULL && !segment->gap)
      break; /* so are all before it, or they are not stored */
    if (segment->dts + segment->duration + window->config.memory_window < end &&
        is_stored (segment))
      drop_parts (window, segment);
  }
}

/* Forgets segments that nobody may ask for any more: a segment stays available
 * after it left the playlist for its own duration and that of the playlist
 * (rfc8216bis 6.2.2). What the store has may go at once. */
static void
drop_old (MediaWindow *window, WindowTrack *track, guint64 listed)
{
  guint position = track_first_listed (window, track);
  guint64 kept = 0;
  guint n;

  for (n = position; n > 0; n--) {
    const MediaSegment *segment = track_segment (track, n - 1);

    if (kept > listed + segment->duration ||
        (segment->parts == NULL && !segment->gap))
      break;
    kept += segment->duration;
  }
  for (guint i = 0; i < n; i++)
    segment_free (window, track_segment (track, i));
  if (n > 0)
    g_ptr_array_remove_range (track->segments, 0, n);
}

/* Forgets the inits of epochs that have left the window, but never the newest. */
static void
drop_inits (MediaWindow *window, WindowTrack *track)
{
  while (track->inits->len > 1 && track->segments->len > 0) {
    MediaInit *init = g_ptr_array_index (track->inits, 0);
    const MediaInit *next = g_ptr_array_index (track->inits, 1);

    if (next->epoch > track_segment (track, 0)->epoch)
      return;
    clear_answer (window, &init->answer);
    g_bytes_unref (init->bytes);
    g_free (init);
    g_ptr_array_remove_index (track->inits, 0);
  }
}

/* Moves the head of all playlists to what the lead track says. */
static void
slide (MediaWindow *window)
{
  WindowTrack *lead = window_lead (window);
  guint64 floor = MIN_TARGETS * window->target_duration * NS_PER_S;
  guint64 listed = 0, before_newest = 0;
  guint n;

  if (lead == NULL)
    return;
  for (n = lead->segments->len; n > 0; n--) {
    const MediaSegment *segment = track_segment (lead, n - 1);

    if (!segment->complete)
      continue;
    if (listed + segment->duration > window->config.dvr_window &&
        before_newest >= floor)
      break;
    /* Other tracks may still lack the newest segment, so it does not count
     * towards the shortest playlist that is allowed. */
    if (listed > 0)
      before_newest += segment->duration;
    listed += segment->duration;
  }
  if (n < lead->segments->len)
    window->first_msn = MAX (window->first_msn, track_segment (lead, n)->msn);
  advance_epochs (window);
  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = window_track (window, i);

    drop_old (window, track, listed);
    trim_memory (window, track);
    drop_inits (window, track);
  }
}

/* --- adding ---------------------------------------------------------------- */

static void
complete_segment (MediaWindow *window, WindowTrack *track)
{
  MediaSegment *last = track_last_segment (track);

  if (last == NULL || last->complete)
    return;
  last->complete = TRUE;
  track->version++;
  rate_meter_add (
      &track->rate, last->size, last->duration, window->target_duration);
}

static MediaSegment *
append_segment (WindowTrack *track, guint32 epoch, guint64 msn)
{
  MediaSegment *segment = g_new0 (MediaSegment, 1);

  segment->epoch = epoch;
  segment->msn = msn;
  g_ptr_array_add (track->segments, segment);
  return segment;
}

/* A complete segment of any track that says how long segment @msn was. */
static const MediaSegment *
find_model (MediaWindow *window, guint64 msn)
{
  WindowTrack *lead = window_lead (window);
  const MediaSegment *model =
      lead != NULL ? track_find_segment (lead, msn) : NULL;

  if (model != NULL && model->complete)
    return model;
  for (guint i = 0; i < window->tracks->len; i++) {
    model = track_find_segment (window_track (window, i), msn);
    if (model != NULL && model->complete)
      return model;
  }
  return NULL;
}

/* A gap keeps the timeline of a track in step with the lead's. Where no track
 * has the segment, because the publisher left out a number, it is made up. */
static void
append_gap (MediaWindow *window, WindowTrack *track, guint64 msn, guint32 epoch)
{
  const MediaSegment *model = find_model (window, msn);
  const MediaSegment *last = track_last_segment (track);
  MediaSegment *gap = append_segment (track, epoch, msn);

  gap->gap = TRUE;
  gap->complete = TRUE;
  if (model != NULL) {
    gap->epoch = model->epoch;
    gap->dts = model->dts;
    gap->duration = model->duration;
    gap->wallclock = model->wallclock;
  } else {
    gap->duration = window->table->segment_duration;
    if (last != NULL) {
      gap->dts = last->dts + last->duration;
      gap->wallclock = last->wallclock + last->duration / NS_PER_US;
    }
  }
  track->version++;
}

/* Fills @track up to, but not including, @msn. */
static void
fill_gaps (MediaWindow *window, WindowTrack *track, guint64 msn, guint32 epoch)
{
  const MediaSegment *last = track_last_segment (track);
  guint64 next = last != NULL ? last->msn + 1 : window->first_msn;

  if (last == NULL && !window->has_first)
    return;
  for (; next < msn; next++)
    append_gap (window, track, next, epoch);
}

/* A track that is absent goes on as gaps, in step with the lead. */
static void
fill_absent (MediaWindow *window)
{
  WindowTrack *lead = window_lead (window);
  guint64 next;

  if (lead == NULL)
    return;
  next = track_last_segment (lead)->msn +
         (track_last_segment (lead)->complete ? 1 : 0);
  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = window_track (window, i);

    if (track == lead || track_table_get (window->table, i)->present)
      continue;
    if (track_last_segment (track) != NULL &&
        track_last_segment (track)->msn < next)
      complete_segment (window, track);
    fill_gaps (window, track, next, track_last_segment (lead)->epoch);
  }
}

static void
begin_epoch (MediaWindow *window, guint32 number, guint64 first_msn)
{
  MediaEpoch epoch = {number, first_msn};
  MediaEpoch *last;

  if (window->epochs->len > 0) {
    last = &g_array_index (window->epochs, MediaEpoch, window->epochs->len - 1);
    if (number <= last->number)
      return;
    /* An epoch without a segment leaves no trace in the playlists. */
    if (first_msn <= last->first_msn) {
      last->number = number;
      return;
    }
  }
  g_array_append_val (window->epochs, epoch);
}

static gboolean
add_init (MediaWindow *window, const ChunkInfo *info, GBytes *bytes)
{
  WindowTrack *track = window_track (window, info->track);
  MediaInit *init;

  if (track->inits->len > 0) {
    init = g_ptr_array_index (track->inits, track->inits->len - 1);
    if (info->epoch <= init->epoch)
      return FALSE;
  }
  init = g_new0 (MediaInit, 1);
  init->epoch = info->epoch;
  init->bytes = g_bytes_ref (bytes);
  g_ptr_array_add (track->inits, init);
  return TRUE;
}

/* The segment that a part belongs to, begun if it is the first; NULL if the
 * part does not continue the track. */
static MediaSegment *
segment_for (MediaWindow *window, WindowTrack *track, const ChunkInfo *info)
{
  MediaSegment *last = track_last_segment (track);
  MediaSegment *segment;
  guint64 next = last != NULL ? last->msn + 1 : window->first_msn;

  if (last != NULL && info->msn == last->msn)
    return info->epoch == last->epoch && !last->complete &&
                   info->part == last->parts->len
               ? last
               : NULL;
  if (info->part != 0 || (last != NULL && info->epoch < last->epoch))
    return NULL;
  if (last == NULL && !window->has_first)
    next = info->msn;
  if (info->msn < next || info->msn - next > MAX_GAP)
    return NULL;

  complete_segment (window, track);
  if (!window->has_first) {
    window->has_first = TRUE;
    window->first_msn = info->msn;
  }
  begin_epoch (window, info->epoch, info->msn);
  fill_gaps (window, track, info->msn, info->epoch);
  segment = append_segment (track, info->epoch, info->msn);
  segment->parts = g_array_new (FALSE, TRUE, sizeof (MediaPart));
  segment->dts = info->dts;
  segment->wallclock = info->wallclock;
  return segment;
}

/**
 * media_window_add:
 * @info: an init or a part of a track of the table; a joint init is of no use
 *     to HLS and is taken without effect
 * @stored: the store has it, or will have it before it is trimmed
 *
 * Returns: %FALSE if the chunk does not continue its track: its epoch or MSN
 *     goes back, a part is missing before it, or its track is unknown
 */
gboolean
media_window_add (
    MediaWindow *window, const ChunkInfo *info, GBytes *bytes, gboolean stored)
{
  WindowTrack *track;
  MediaSegment *segment;
  MediaPart part = {0};

  if (info->kind == CHUNK_KIND_JOINT_INIT)
    return TRUE;
  if (info->track >= window->tracks->len || window->ended)
    return FALSE;
  if (info->kind == CHUNK_KIND_INIT)
    return add_init (window, info, bytes);

  track = window_track (window, info->track);
  segment = segment_for (window, track, info);
  if (segment == NULL)
    return FALSE;
  part.duration = info->duration;
  part.independent = info->independent;
  part.stored = stored;
  part.bytes = g_bytes_ref (bytes);
  g_array_append_val (segment->parts, part);
  segment->duration += info->duration;
  segment->size += g_bytes_get_size (bytes);
  track->version++;
  if (info->last)
    complete_segment (window, track);
  if (track == window_lead (window)) {
    fill_absent (window);
    if (info->last || info->part == 0)
      slide (window);
  }
  return TRUE;
}

static void
add_seeds (
    MediaWindow *window, WindowTrack *track, const GArray *seeds, guint64 limit)
{
  for (guint i = 0; seeds != NULL && i < seeds->len; i++) {
    const MediaSegment *seed = &g_array_index (seeds, MediaSegment, i);
    const MediaSegment *last = track_last_segment (track);
    MediaSegment *segment;

    if (seed->msn < window->first_msn || seed->msn >= limit ||
        (last != NULL && seed->msn <= last->msn))
      continue;
    fill_gaps (window, track, seed->msn, seed->epoch);
    segment = append_segment (track, seed->epoch, seed->msn);
    *segment = *seed;
    segment->complete = TRUE;
    rate_meter_add (&track->rate, segment->size, segment->duration,
        window->target_duration);
  }
}

static void
seed_track (
    MediaWindow *window, WindowTrack *track, const GArray *seeds, guint64 limit)
{
  g_autoptr (GPtrArray) newer = track->segments;

  track->segments = g_ptr_array_new ();
  add_seeds (window, track, seeds, limit);
  if (newer->len > 0) {
    const MediaSegment *first = g_ptr_array_index (newer, 0);

    fill_gaps (window, track, first->msn, first->epoch);
    g_ptr_array_extend (track->segments, newer, NULL, NULL);
  }
  track->version++;
}

static void
seed_epochs (MediaWindow *window, const MediaEpoch *epochs, guint n_epochs)
{
  g_autoptr (GArray) newer = window->epochs;

  window->epochs = g_array_new (FALSE, FALSE, sizeof (MediaEpoch));
  window->discontinuity_sequence = 0;
  for (guint i = 0; i < n_epochs; i++)
    if (newer->len == 0 ||
        epochs[i].number < g_array_index (newer, MediaEpoch, 0).number)
      begin_epoch (window, epochs[i].number, epochs[i].first_msn);
  g_array_append_vals (window->epochs, newer->data, newer->len);
}

/* Whether the seeds of the lead track are close to each other and to what the
 * window has; it bounds the gaps that a strange store can make. */
static gboolean
is_continuous (const GArray *seeds, guint64 limit)
{
  guint64 next;

  if (seeds == NULL || seeds->len == 0)
    return FALSE;
  next = g_array_index (seeds, MediaSegment, 0).msn;
  if (next >= limit)
    return FALSE;
  for (guint i = 0; i < seeds->len; i++) {
    guint64 msn = g_array_index (seeds, MediaSegment, i).msn;

    if (msn >= limit)
      break;
    if (msn < next || msn - next > MAX_GAP)
      return FALSE;
    next = msn + 1;
  }
  return limit == G_MAXUINT64 || limit - next <= MAX_GAP;
}

/**
 * media_window_seed:
 * @epochs: all epochs of the link so far, oldest first
 * @tracks: (array): by track of the window's table, arrays of #MediaSegment by
 *     MSN or %NULL; only what is older than the window is taken
 * @lead: the one whose first segment becomes the first of all
 *
 * Puts what a store has before what was added, so that a playlist goes on after
 * a restart as if nothing had happened. Only while nobody has seen a playlist
 * of this window.
 */
void
media_window_seed (MediaWindow *window, const MediaEpoch *epochs,
    guint n_epochs, GArray *const *tracks, guint lead)
{
  guint64 limit = window->has_first ? window->first_msn : G_MAXUINT64;

  if (!is_continuous (tracks[lead], limit))
    return;
  window->has_first = TRUE;
  window->first_msn = g_array_index (tracks[lead], MediaSegment, 0).msn;
  seed_epochs (window, epochs, n_epochs);
  /* The lead first: the gaps of the others are modelled on it. */
  seed_track (window, window_track (window, lead), tracks[lead], limit);
  for (guint i = 0; i < window->tracks->len; i++)
    if (i != lead)
      seed_track (window, window_track (window, i), tracks[i], limit);
  fill_absent (window);
  slide (window);
}

/**
 * media_window_mark_stored:
 *
 * The store has this part after all.
 *
 * Returns: %FALSE if the window does not have it
 */
gboolean
media_window_mark_stored (MediaWindow *window, const ChunkInfo *info)
{
  MediaSegment *segment;

  if (info->kind != CHUNK_KIND_MEDIA || info->track >= window->tracks->len)
    return FALSE;
  segment = track_find_segment (window_track (window, info->track), info->msn);
  if (segment == NULL || segment->epoch != info->epoch ||
      segment->parts == NULL || info->part >= segment->parts->len)
    return FALSE;
  g_array_index (segment->parts, MediaPart, info->part).stored = TRUE;
  return TRUE;
}

/**
 * media_window_set_tracks:
 * @table: (transfer none): tracks keep their index for the life of the window
 */
void
media_window_set_tracks (MediaWindow *window, TrackTable *table)
{
  track_table_ref (table);
  track_table_unref (window->table);
  window->table = table;
  while (window->tracks->len < track_table_size (table)) {
    WindowTrack *track = g_new0 (WindowTrack, 1);

    track->segments = g_ptr_array_new ();
    track->inits = g_ptr_array_new ();
    g_ptr_array_add (window->tracks, track);
  }
  /* Both never change once a player may have seen them. */
  if (window->target_duration == 0) {
    window->target_duration = hls_target_duration (table->max_segment_duration);
    window->part_target = table->part_duration;
  }
  fill_absent (window);
}

const TrackTable *
media_window_get_tracks (MediaWindow *window)
{
  return window->table;
}

/**
 * media_window_close_segments:
 *
 * Nothing will be added to the segments that are open: their publisher is gone.
 */
void
media_window_close_segments (MediaWindow *window)
{
  for (guint i = 0; i < window->tracks->len; i++)
    complete_segment (window, window_track (window, i));
  fill_absent (window);
  slide (window);
}

/**
 * media_window_end:
 *
 * From here on playlists end, and nothing is held back.
 */
void
media_window_end (MediaWindow *window)
{
  media_window_close_segments (window);
  window->ended = TRUE;
  for (guint i = 0; i < window->tracks->len; i++)
    window_track (window, i)->version++;
}

gboolean
media_window_is_ended (MediaWindow *window)
{
  return window->ended;
}

guint64
media_window_get_version (MediaWindow *window, guint track)
{
  return window_track (window, track)->version;
}

guint
media_window_get_target_duration (MediaWindow *window)
{
  return MAX (window->target_duration, 1);
}

/**
 * media_window_get_listed_duration:
 *
 * Returns: what playlists list, in ns
 */
guint64
media_window_get_listed_duration (MediaWindow *window)
{
  WindowTrack *lead = window_lead (window);
  guint64 sum = 0;

  for (guint i = lead != NULL ? track_first_listed (window, lead) : 0;
       lead != NULL && i < lead->segments->len; i++)
    sum += track_segment (lead, i)->duration;
  return sum;
}

/**
 * media_window_is_listed:
 *
 * Returns: whether @track has anything that a playlist can list
 */
gboolean
media_window_is_listed (MediaWindow *window, guint track)
{
  return track < window->tracks->len &&
         window_track (window, track)->segments->len > 0;
}
