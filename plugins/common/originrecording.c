/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originrecording.h"

#include "hlsplaylist.h"
#include "ratemeter.h"

/**
 * origin_recording_lead:
 *
 * Returns: the first video track that has a segment, else the first track that
 *     has one, else -1
 */
int
origin_recording_lead (CacheReader *reader)
{
  const TrackTable *table = cache_reader_get_tracks (reader);
  int audio = -1;

  for (guint i = 0; i < track_table_size (table); i++) {
    if (cache_reader_count_segments (reader, i) == 0)
      continue;
    if (track_table_get (table, i)->type == TRACK_VIDEO)
      return i;
    if (audio < 0)
      audio = i;
  }
  return audio;
}

/* Walks all tracks at once by MSN. */
typedef struct {
  CacheReader *reader;
  guint lead;
  guint n_tracks;
  guint *positions; /* by track */
} Walk;

/* Finds the next MSN that any track has, and what says how long it is: the
 * lead's segment if there is one. @own is that of @track, if it has one. */
static gboolean
walk_next (Walk *walk, guint track, CacheSegment *model, CacheSegment *own,
    gboolean *has_own)
{
  guint64 msn = G_MAXUINT64;
  gboolean found = FALSE;
  CacheSegment segment;

  for (guint i = 0; i < walk->n_tracks; i++)
    if (cache_reader_get_segment (
            walk->reader, i, walk->positions[i], &segment)) {
      msn = MIN (msn, segment.msn);
      found = TRUE;
    }
  *has_own = FALSE;
  for (guint i = 0; found && i < walk->n_tracks; i++) {
    if (!cache_reader_get_segment (
            walk->reader, i, walk->positions[i], &segment) ||
        segment.msn != msn)
      continue;
    walk->positions[i]++;
    if (i == walk->lead || model->msn != msn || model->duration == 0)
      *model = segment;
    if (i == track) {
      *own = segment;
      *has_own = TRUE;
    }
  }
  return found;
}

/**
 * origin_recording_render:
 * @track: of the reader's table
 *
 * All tracks list the same segments; where @track has none there is a gap.
 *
 * Returns: (transfer full) (nullable): the VOD playlist, or %NULL if nothing is
 *     stored
 */
GBytes *
origin_recording_render (CacheReader *reader, guint track)
{
  const TrackTable *table = cache_reader_get_tracks (reader);
  g_autofree guint *positions = g_new0 (guint, track_table_size (table));
  g_autoptr (GArray) segments = g_array_new (FALSE, TRUE, sizeof (HlsSegment));
  int lead = origin_recording_lead (reader);
  Walk walk = {reader, lead, track_table_size (table), positions};
  CacheSegment model = {.msn = G_MAXUINT64}, own;
  gboolean has_own;
  HlsMediaPlaylist playlist = {
      .type = HLS_PLAYLIST_VOD,
      .target_duration = hls_target_duration (table->max_segment_duration),
      .part_target = table->part_duration,
      .independent_segments = table->independent_segments,
  };

  if (lead < 0)
    return NULL;
  while (walk_next (&walk, track, &model, &own, &has_own)) {
    const CacheSegment *from = has_own ? &own : &model;
    HlsSegment segment = {
        .epoch = from->epoch,
        .msn = from->msn,
        .duration = from->duration,
        .wallclock = from->wallclock,
        .complete = TRUE,
        .gap = !has_own,
    };

    if (segments->len > 0)
      segment.discontinuity =
          g_array_index (segments, HlsSegment, segments->len - 1).epoch !=
          segment.epoch;
    g_array_append_val (segments, segment);
  }
  playlist.segments = (const HlsSegment *)segments->data;
  playlist.n_segments = segments->len;
  playlist.media_sequence = playlist.segments[0].msn;
  return hls_media_playlist_render (&playlist);
}

/**
 * origin_recording_render_multivariant:
 *
 * Returns: (transfer full) (nullable): the multivariant playlist, or %NULL if
 *     nothing is stored
 */
GBytes *
origin_recording_render_multivariant (CacheReader *reader)
{
  const TrackTable *table = cache_reader_get_tracks (reader);
  guint target = hls_target_duration (table->max_segment_duration);
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (HlsRendition));

  for (guint i = 0; i < track_table_size (table); i++) {
    guint n = cache_reader_count_segments (reader, i);
    HlsRendition rendition = {.track = track_table_get (table, i)};
    RateMeter meter = {0};
    CacheSegment segment;

    if (n == 0 || rendition.track->codecs == NULL)
      continue;
    for (guint j = 0; cache_reader_get_segment (reader, i, j, &segment); j++)
      rate_meter_add (&meter, segment.extent.length, segment.duration, target);
    rendition.average = rate_meter_average (&meter);
    rendition.peak = MAX (meter.peak, rendition.average);
    g_array_append_val (renditions, rendition);
  }
  if (renditions->len == 0)
    return NULL;
  return hls_multivariant_render ((const HlsRendition *)renditions->data,
      renditions->len, table->independent_segments);
}
