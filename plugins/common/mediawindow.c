/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mediawindow.h"

#include <string.h>

#include "ratemeter.h"

#define NS_PER_US 1000
/* A live playlist never gets shorter than this many target durations. */
#define MIN_TARGETS 3
/* Segments that carry EXT-X-PART, the open one included. */
#define SEGMENTS_WITH_PARTS 3
/* A publisher that leaves out more segments than this is not continuing
 * anything; it bounds the gaps that one chunk can make. */
#define MAX_GAP 256

typedef struct {
  GPtrArray *segments; /* of MediaSegment, MSNs without a hole */
  GPtrArray *inits;    /* of MediaInit, by epoch */
  guint64 version;
  RateMeter rate;
} WindowTrack;

typedef struct {
  guint32 number;
  guint64 first_msn;
} WindowEpoch;

struct _MediaWindow {
  MediaWindowConfig config;
  TrackTable *table;
  GPtrArray *tracks; /* of WindowTrack, as the table's */
  /* The epoch of the first listed segment and those after it. Each one but the
   * first begins with a discontinuity. */
  GArray *epochs;
  guint64 discontinuity_sequence;
  gboolean has_first;
  guint64 first_msn; /* of all playlists */
  guint target_duration;
  gboolean ended;
};

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
  window->epochs = g_array_new (FALSE, FALSE, sizeof (WindowEpoch));
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

static WindowTrack *
get_track (MediaWindow *window, guint track)
{
  return g_ptr_array_index (window->tracks, track);
}

static MediaSegment *
get_segment (WindowTrack *track, guint position)
{
  return g_ptr_array_index (track->segments, position);
}

static MediaSegment *
last_segment (WindowTrack *track)
{
  guint n = track->segments->len;

  return n > 0 ? get_segment (track, n - 1) : NULL;
}

static MediaSegment *
find_segment (WindowTrack *track, guint64 msn)
{
  guint64 first;

  if (track->segments->len == 0)
    return NULL;
  first = get_segment (track, 0)->msn;
  if (msn < first || msn - first >= track->segments->len)
    return NULL;
  return get_segment (track, msn - first);
}

/* Position of the first segment that playlists list. */
static guint
first_listed (MediaWindow *window, WindowTrack *track)
{
  guint64 first;

  if (track->segments->len == 0)
    return 0;
  first = get_segment (track, 0)->msn;
  if (window->first_msn <= first)
    return 0;
  return MIN (window->first_msn - first, track->segments->len);
}

/* --- sliding ------------------------------------------------------------- */

/* The track that decides what is listed: the one whose key frames cut. When no
 * track is present any longer, the first that has segments. */
static WindowTrack *
lead_track (MediaWindow *window)
{
  int lead = track_table_lead (window->table);

  if (lead >= 0 && get_track (window, lead)->segments->len > 0)
    return get_track (window, lead);
  for (guint i = 0; i < window->tracks->len; i++)
    if (get_track (window, i)->segments->len > 0)
      return get_track (window, i);
  return NULL;
}

/* Forgets the epochs that no playlist reaches back to. Their discontinuities
 * are counted instead. */
static void
advance_epochs (MediaWindow *window)
{
  while (window->epochs->len > 1 &&
         g_array_index (window->epochs, WindowEpoch, 1).first_msn <
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
  const MediaSegment *last = last_segment (track);
  guint64 end;

  if (last == NULL || track->segments->len <= SEGMENTS_WITH_PARTS + 1)
    return;
  end = last->dts + last->duration;
  for (guint i = track->segments->len - SEGMENTS_WITH_PARTS - 1; i-- > 0;) {
    MediaSegment *segment = get_segment (track, i);

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
  guint position = first_listed (window, track);
  guint64 kept = 0;
  guint n;

  for (n = position; n > 0; n--) {
    const MediaSegment *segment = get_segment (track, n - 1);

    if (kept > listed + segment->duration ||
        (segment->parts == NULL && !segment->gap))
      break;
    kept += segment->duration;
  }
  for (guint i = 0; i < n; i++)
    segment_free (window, get_segment (track, i));
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

    if (next->epoch > get_segment (track, 0)->epoch)
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
  WindowTrack *lead = lead_track (window);
  guint64 floor = MIN_TARGETS * window->target_duration * (guint64)1000000000;
  guint64 listed = 0, before_newest = 0;
  guint n;

  if (lead == NULL)
    return;
  for (n = lead->segments->len; n > 0; n--) {
    const MediaSegment *segment = get_segment (lead, n - 1);

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
    window->first_msn = MAX (window->first_msn, get_segment (lead, n)->msn);
  advance_epochs (window);
  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = get_track (window, i);

    drop_old (window, track, listed);
    trim_memory (window, track);
    drop_inits (window, track);
  }
}

/* --- adding ---------------------------------------------------------------- */

static void
complete_segment (MediaWindow *window, WindowTrack *track)
{
  MediaSegment *last = last_segment (track);

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
  WindowTrack *lead = lead_track (window);
  const MediaSegment *model = lead != NULL ? find_segment (lead, msn) : NULL;

  if (model != NULL && model->complete)
    return model;
  for (guint i = 0; i < window->tracks->len; i++) {
    model = find_segment (get_track (window, i), msn);
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
  const MediaSegment *last = last_segment (track);
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
  const MediaSegment *last = last_segment (track);
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
  WindowTrack *lead = lead_track (window);
  guint64 next;

  if (lead == NULL)
    return;
  next = last_segment (lead)->msn + (last_segment (lead)->complete ? 1 : 0);
  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = get_track (window, i);

    if (track == lead || track_table_get (window->table, i)->present)
      continue;
    if (last_segment (track) != NULL && last_segment (track)->msn < next)
      complete_segment (window, track);
    fill_gaps (window, track, next, last_segment (lead)->epoch);
  }
}

static void
begin_epoch (MediaWindow *window, guint32 number, guint64 first_msn)
{
  WindowEpoch epoch = {number, first_msn};
  WindowEpoch *last;

  if (window->epochs->len > 0) {
    last =
        &g_array_index (window->epochs, WindowEpoch, window->epochs->len - 1);
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
  WindowTrack *track = get_track (window, info->track);
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
  MediaSegment *last = last_segment (track);
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

  track = get_track (window, info->track);
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
  if (track == lead_track (window)) {
    fill_absent (window);
    if (info->last || info->part == 0)
      slide (window);
  }
  return TRUE;
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
  segment = find_segment (get_track (window, info->track), info->msn);
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
  /* EXT-X-TARGETDURATION never changes once a player may have seen it. */
  if (window->target_duration == 0)
    window->target_duration = hls_target_duration (table->max_segment_duration);
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
    complete_segment (window, get_track (window, i));
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
    get_track (window, i)->version++;
}

gboolean
media_window_is_ended (MediaWindow *window)
{
  return window->ended;
}

guint64
media_window_get_version (MediaWindow *window, guint track)
{
  return get_track (window, track)->version;
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
  WindowTrack *lead = lead_track (window);
  guint64 sum = 0;

  for (guint i = lead != NULL ? first_listed (window, lead) : 0;
       lead != NULL && i < lead->segments->len; i++)
    sum += get_segment (lead, i)->duration;
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
         get_track (window, track)->segments->len > 0;
}

/* --- asking ---------------------------------------------------------------- */

/* How far ahead of the playlist's end a part may be asked for
 * (rfc8216bis 6.2.5.2). */
static guint64
advance_part_limit (MediaWindow *window)
{
  guint64 target = window->table->part_duration;

  if (target == 0 || target >= 1000000000)
    return 3;
  return (3000000000 + target - 1) / target;
}

/**
 * media_window_check_playlist:
 *
 * Returns: %MEDIA_READY if the playlist answers what @directives ask,
 *     %MEDIA_WAIT if it will, %MEDIA_BAD if they ask too far ahead,
 *     %MEDIA_MISSING if there is no playlist yet
 */
MediaVerdict
media_window_check_playlist (
    MediaWindow *window, guint track_index, const HttpDirectives *directives)
{
  WindowTrack *track;
  const MediaSegment *last;
  guint64 next, parts; /* the segment that is or comes next, what it has */

  if (!media_window_is_listed (window, track_index))
    return MEDIA_MISSING;
  if (window->ended || !directives->has_msn)
    return MEDIA_READY;
  track = get_track (window, track_index);
  last = last_segment (track);
  next = last->complete ? last->msn + 1 : last->msn;
  parts = last->complete ? 0 : last->parts->len;

  if (directives->msn > next + 1)
    return MEDIA_BAD;
  if (directives->msn >= next && directives->has_part &&
      directives->part >=
          (directives->msn == next ? parts : 0) + advance_part_limit (window))
    return MEDIA_BAD;
  if (directives->msn > next)
    return MEDIA_WAIT;
  if (directives->msn == next)
    return directives->has_part && directives->part < parts ? MEDIA_READY
                                                            : MEDIA_WAIT;
  /* A part beyond the last one of a complete segment is the first one of the
   * next segment. */
  if (directives->has_part && last->complete && !last->gap &&
      directives->msn == last->msn && last->parts != NULL &&
      directives->part >= last->parts->len)
    return MEDIA_WAIT;
  return MEDIA_READY;
}

static gboolean
begins_discontinuity (MediaWindow *window, guint64 msn)
{
  for (guint i = 1; i < window->epochs->len; i++)
    if (g_array_index (window->epochs, WindowEpoch, i).first_msn == msn)
      return TRUE;
  return FALSE;
}

static void
describe_segment (MediaWindow *window, const MediaSegment *segment,
    gboolean with_parts, GArray *parts, HlsSegment *out)
{
  out->epoch = segment->epoch;
  out->msn = segment->msn;
  out->duration = segment->duration;
  out->wallclock = segment->wallclock;
  out->complete = segment->complete;
  out->gap = segment->gap;
  out->discontinuity = begins_discontinuity (window, segment->msn);
  if (!with_parts || segment->parts == NULL)
    return;
  out->n_parts = segment->parts->len;
  for (guint i = 0; i < segment->parts->len; i++) {
    const MediaPart *part = &g_array_index (segment->parts, MediaPart, i);
    HlsPart listed = {part->duration, part->independent};

    g_array_append_val (parts, listed);
  }
}

/* The part that comes next: a URL that a player may ask for now. */
static void
describe_hint (
    MediaWindow *window, WindowTrack *track, HlsMediaPlaylist *playlist)
{
  const MediaSegment *last = last_segment (track);
  const WindowEpoch *epoch =
      &g_array_index (window->epochs, WindowEpoch, window->epochs->len - 1);

  if (!last->complete) {
    playlist->hint_epoch = last->epoch;
    playlist->hint_msn = last->msn;
    playlist->hint_part = last->parts->len;
  } else {
    playlist->hint_epoch = MAX (last->epoch, epoch->number);
    playlist->hint_msn = last->msn + 1;
    playlist->hint_part = 0;
  }
}

/**
 * media_window_render:
 * @track: a track that is listed
 *
 * Returns: (transfer full): its media playlist
 */
GBytes *
media_window_render (MediaWindow *window, guint track_index)
{
  WindowTrack *track = get_track (window, track_index);
  guint first = first_listed (window, track);
  guint n = track->segments->len - first;
  g_autofree HlsSegment *segments = g_new0 (HlsSegment, n);
  g_autoptr (GArray) parts = g_array_new (FALSE, FALSE, sizeof (HlsPart));
  const HlsPart *listed;
  HlsMediaPlaylist playlist = {
      .type = window->ended ? HLS_PLAYLIST_ENDED : HLS_PLAYLIST_LIVE,
      .target_duration = media_window_get_target_duration (window),
      .part_target = window->table->part_duration,
      .independent_segments = window->table->independent_segments,
      .media_sequence = window->first_msn,
      .discontinuity_sequence = window->discontinuity_sequence,
      .segments = segments,
      .n_segments = n,
  };

  for (guint i = 0; i < n; i++)
    describe_segment (window, get_segment (track, first + i),
        i + SEGMENTS_WITH_PARTS >= n, parts, &segments[i]);
  listed = (const HlsPart *)parts->data;
  for (guint i = 0; i < n; i++) {
    segments[i].parts = listed;
    listed += segments[i].n_parts;
  }
  describe_hint (window, track, &playlist);
  return hls_media_playlist_render (&playlist);
}

/* What the newest parts say while no rate was measured yet. */
static guint64
first_guess (WindowTrack *track)
{
  const MediaSegment *last = last_segment (track);

  return last != NULL ? rate_meter_bit_rate (last->size, last->duration) : 0;
}

/**
 * media_window_render_multivariant:
 *
 * Returns: (transfer full) (nullable): the multivariant playlist, %NULL before
 *     anything is listed
 */
GBytes *
media_window_render_multivariant (MediaWindow *window)
{
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (HlsRendition));

  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = get_track (window, i);
    HlsRendition rendition = {.track = track_table_get (window->table, i)};

    if (rendition.track->codecs == NULL || track->segments->len == 0)
      continue;
    rendition.peak = track->rate.peak;
    if (rendition.peak == 0)
      rendition.peak = first_guess (track);
    rendition.average = rate_meter_average (&track->rate);
    if (rendition.average == 0)
      rendition.average = rendition.peak;
    g_array_append_val (renditions, rendition);
  }
  if (renditions->len == 0)
    return NULL;
  return hls_multivariant_render ((const HlsRendition *)renditions->data,
      renditions->len, window->table->independent_segments);
}

/**
 * media_window_find_part:
 * @found: (out) (transfer none): if ready; until the window changes
 *
 * Returns: %MEDIA_WAIT if it is the part that the playlist hints at
 */
MediaVerdict
media_window_find_part (MediaWindow *window, guint track_index, guint32 epoch,
    guint64 msn, guint32 part, MediaPart **found)
{
  WindowTrack *track = get_track (window, track_index);
  MediaSegment *segment = find_segment (track, msn);
  HlsMediaPlaylist hint;

  if (segment != NULL && segment->epoch == epoch && segment->parts != NULL &&
      part < segment->parts->len) {
    *found = &g_array_index (segment->parts, MediaPart, part);
    return MEDIA_READY;
  }
  if (window->ended || track->segments->len == 0 || window->epochs->len == 0)
    return MEDIA_MISSING;
  describe_hint (window, track, &hint);
  return hint.hint_epoch == epoch && hint.hint_msn == msn &&
                 hint.hint_part == part
             ? MEDIA_WAIT
             : MEDIA_MISSING;
}

/**
 * media_window_find_segment:
 * @found: (out) (transfer none): if ready; until the window changes
 *
 * Returns: %MEDIA_MISSING for a segment that is not complete, too
 */
MediaVerdict
media_window_find_segment (MediaWindow *window, guint track, guint32 epoch,
    guint64 msn, MediaSegment **found)
{
  MediaSegment *segment = find_segment (get_track (window, track), msn);

  if (segment == NULL || segment->epoch != epoch || !segment->complete ||
      segment->parts == NULL)
    return MEDIA_MISSING;
  *found = segment;
  return MEDIA_READY;
}

/**
 * media_window_find_init:
 *
 * Returns: (transfer none) (nullable): until the window changes
 */
MediaInit *
media_window_find_init (MediaWindow *window, guint track, guint32 epoch)
{
  GPtrArray *inits = get_track (window, track)->inits;

  for (guint i = inits->len; i-- > 0;) {
    MediaInit *init = g_ptr_array_index (inits, i);

    if (init->epoch == epoch)
      return init;
  }
  return NULL;
}
