/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mediawindow-private.h"

#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
/* Of rfc8216bis 6.2.5.2: this many part targets, if they are short seconds. */
#define ADVANCE_PARTS 3

/* How far ahead of the playlist's end a part may be asked for
 * (rfc8216bis 6.2.5.2). */
static guint64
advance_part_limit (MediaWindow *window)
{
  guint64 target = window->part_target;

  if (target == 0 || target >= NS_PER_S)
    return ADVANCE_PARTS;
  return (ADVANCE_PARTS * NS_PER_S + target - 1) / target;
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
  track = window_track (window, track_index);
  last = track_last_segment (track);
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
    if (g_array_index (window->epochs, MediaEpoch, i).first_msn == msn)
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
  const MediaSegment *last = track_last_segment (track);
  const MediaEpoch *epoch =
      &g_array_index (window->epochs, MediaEpoch, window->epochs->len - 1);

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
  WindowTrack *track = window_track (window, track_index);
  guint first = track_first_listed (window, track);
  guint n = track->segments->len - first;
  guint n_counted;
  g_autofree HlsSegment *segments = g_new0 (HlsSegment, n);
  g_autoptr (GArray) parts = g_array_new (FALSE, FALSE, sizeof (HlsPart));
  const HlsPart *listed;
  HlsMediaPlaylist playlist = {
      .type = window->ended ? HLS_PLAYLIST_ENDED : HLS_PLAYLIST_LIVE,
      .target_duration = media_window_get_target_duration (window),
      .part_target = window->part_target,
      .independent_segments = window->table->independent_segments,
      .media_sequence = window->first_msn,
      .discontinuity_sequence = window->discontinuity_sequence,
      .segments = segments,
      .n_segments = n,
  };

  /* A hint that opens the next segment already counts as one. */
  n_counted = n + (n > 0 && track_last_segment (track)->complete ? 1 : 0);
  for (guint i = 0; i < n; i++)
    describe_segment (window, track_segment (track, first + i),
        i + SEGMENTS_WITH_PARTS >= n_counted, parts, &segments[i]);
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
  const MediaSegment *last = track_last_segment (track);

  return last != NULL ? rate_meter_bit_rate (last->size, last->duration) : 0;
}

/**
 * media_window_is_playable:
 *
 * Returns: whether every track that is present has something to list. A player
 *     reads the multivariant playlist once, so one that came between the first
 *     picture and the first sound would stay mute.
 */
gboolean
media_window_is_playable (MediaWindow *window)
{
  guint n_present = 0;

  for (guint i = 0; i < window->tracks->len; i++) {
    if (!track_table_get (window->table, i)->present)
      continue;
    n_present++;
    if (window_track (window, i)->segments->len == 0)
      return FALSE;
  }
  return n_present > 0;
}

/**
 * media_window_render_multivariant:
 *
 * Lists the tracks that are present: a player freezes on one that is not.
 *
 * Returns: (transfer full) (nullable): the multivariant playlist, %NULL before
 *     it is playable
 */
GBytes *
media_window_render_multivariant (MediaWindow *window)
{
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (HlsRendition));

  if (!media_window_is_playable (window))
    return NULL;
  for (guint i = 0; i < window->tracks->len; i++) {
    WindowTrack *track = window_track (window, i);
    HlsRendition rendition = {.track = track_table_get (window->table, i)};

    if (!rendition.track->present)
      continue;
    rendition.peak = track->rate.peak;
    if (rendition.peak == 0)
      rendition.peak = first_guess (track);
    rendition.average = rate_meter_average (&track->rate);
    if (rendition.average == 0)
      rendition.average = rendition.peak;
    g_array_append_val (renditions, rendition);
  }
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
  WindowTrack *track = window_track (window, track_index);
  MediaSegment *segment = track_find_segment (track, msn);
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
  MediaSegment *segment =
      track_find_segment (window_track (window, track), msn);

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
  GPtrArray *inits = window_track (window, track)->inits;

  for (guint i = inits->len; i-- > 0;) {
    MediaInit *init = g_ptr_array_index (inits, i);

    if (init->epoch == epoch)
      return init;
  }
  return NULL;
}
