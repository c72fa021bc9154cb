/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cacheedge.h"

#include <gio/gio.h>

#include "cachestart.h"

/* The next part of a chosen track. */
typedef struct {
  guint64 msn;
  guint32 part;
} Cursor;

struct _CacheEdge {
  CacheReader *reader;
  char **names; /* NULL: the first video and the first audio track */

  CacheStart start; /* without an init until an epoch has begun */
  guint32 epoch;
  GArray *cursors;  /* of Cursor, as the tracks of `start` */
  gboolean fresh;   /* nothing of the epoch was given yet, */
  gboolean changed; /* and its init is another than before */
  guint64 pts;
  gint64 wallclock;
};

/**
 * cache_edge_new:
 * @reader: (transfer full)
 * @names: (transfer full) (nullable): the tracks, or %NULL for the first video
 *     and the first audio track
 */
CacheEdge *
cache_edge_new (CacheReader *reader, char **names)
{
  CacheEdge *edge = g_new0 (CacheEdge, 1);

  edge->reader = reader;
  edge->names = names;
  edge->cursors = g_array_new (FALSE, TRUE, sizeof (Cursor));
  return edge;
}

/**
 * cache_edge_free:
 * @edge: (nullable)
 */
void
cache_edge_free (CacheEdge *edge)
{
  if (edge == NULL)
    return;
  cache_start_clear (&edge->start);
  g_array_unref (edge->cursors);
  cache_reader_free (edge->reader);
  g_strfreev (edge->names);
  g_free (edge);
}

/**
 * cache_edge_refresh:
 *
 * Looks for what was appended since.
 *
 * Returns: %FALSE and @error if the link was cleared or cannot be read
 */
gboolean
cache_edge_refresh (CacheEdge *edge, GError **error)
{
  return cache_reader_refresh (edge->reader, error);
}

/**
 * cache_edge_get_part_duration:
 *
 * Returns: how long parts are at most, in ns
 */
guint64
cache_edge_get_part_duration (CacheEdge *edge)
{
  return cache_reader_get_tracks (edge->reader)->part_duration;
}

static guint
chosen_number (const CacheStart *start, guint i)
{
  return g_array_index (start->tracks, CacheChosen, i).number;
}

/* All inits of an epoch are stored before its first part. */
static gboolean
has_media (CacheEdge *edge, guint32 epoch, guint64 first_msn)
{
  guint n = track_table_size (cache_reader_get_tracks (edge->reader));

  for (guint i = 0; i < n; i++) {
    guint at = cache_reader_lower_bound (edge->reader, i, first_msn);
    CacheSegment segment;

    if (cache_reader_get_segment (edge->reader, i, at, &segment) &&
        segment.epoch == epoch)
      return TRUE;
  }
  return FALSE;
}

/* The newest segment of @epoch that a decoder can begin with. */
static gboolean
find_entry (CacheEdge *edge, guint track, guint32 epoch, CacheSegment *segment)
{
  guint n = cache_reader_count_segments (edge->reader, track);

  while (n > 0 &&
         cache_reader_get_segment (edge->reader, track, --n, segment) &&
         segment->epoch == epoch)
    if (segment->independent)
      return TRUE;
  return FALSE;
}

static void
set_cursors (CacheEdge *edge, guint64 msn)
{
  g_array_set_size (edge->cursors, edge->start.tracks->len);
  for (guint i = 0; i < edge->cursors->len; i++)
    g_array_index (edge->cursors, Cursor, i) = (Cursor){.msn = msn};
}

/* Begins with @epoch, if there is enough of it. Returns FALSE on error. */
static gboolean
enter_epoch (CacheEdge *edge, guint32 epoch, GError **error)
{
  CacheSegment segment;
  CacheStart start;

  if (!cache_start_load (&start, edge->reader, edge->names, epoch, error))
    return FALSE;
  if (!find_entry (edge,
          chosen_number (&start, cache_start_lead (&start, edge->reader)),
          epoch, &segment)) {
    cache_start_clear (&start);
    return TRUE;
  }
  edge->changed =
      edge->start.init == NULL || !cache_start_equal (&edge->start, &start);
  if (edge->start.init != NULL)
    cache_start_clear (&edge->start);
  edge->start = start;
  edge->epoch = epoch;
  edge->fresh = TRUE;
  edge->pts = segment.pts;
  edge->wallclock = segment.wallclock;
  set_cursors (edge, segment.msn);
  return TRUE;
}

static gboolean
enter_newest (CacheEdge *edge, GError **error)
{
  guint n = cache_reader_count_epochs (edge->reader);
  guint64 first_msn;
  guint32 epoch;

  if (n == 0 ||
      !cache_reader_get_epoch (edge->reader, n - 1, &epoch, &first_msn) ||
      (edge->start.init != NULL && epoch == edge->epoch) ||
      !has_media (edge, epoch, first_msn))
    return TRUE;
  return enter_epoch (edge, epoch, error);
}

/* The next part of the @i-th chosen track in this epoch. A segment whose next
 * part is not there is over when there is a later one. */
static gboolean
peek (CacheEdge *edge, guint i, ChunkInfo *info, CacheExtent *extent)
{
  Cursor *cursor = &g_array_index (edge->cursors, Cursor, i);
  guint track = chosen_number (&edge->start, i);
  CacheSegment later;

  if (cache_reader_find_part (
          edge->reader, track, cursor->msn, cursor->part, info, extent))
    return info->epoch == edge->epoch;
  if (!cache_reader_get_segment (edge->reader, track,
          cache_reader_lower_bound (
              edge->reader, track, cursor->msn + (cursor->part > 0)),
          &later) ||
      later.epoch != edge->epoch || later.msn == cursor->msn)
    return FALSE;
  *cursor = (Cursor){.msn = later.msn};
  return cache_reader_find_part (
      edge->reader, track, cursor->msn, 0, info, extent);
}

static void
take (CacheEdge *edge, guint i, const ChunkInfo *info,
    const CacheExtent *extent, CacheEdgePart *part)
{
  g_array_index (edge->cursors, Cursor, i).part++;
  *part = (CacheEdgePart){
      .extent = *extent,
      .dts = info->dts,
      .epoch = edge->epoch,
      .first = edge->fresh,
      .init = edge->fresh && edge->changed ? edge->start.init : NULL,
      .pts = edge->pts,
      .wallclock = edge->wallclock,
  };
  edge->fresh = FALSE;
}

/* Of all tracks the part that is decoded first. */
static gboolean
take_next (CacheEdge *edge, CacheEdgePart *part)
{
  gboolean found = FALSE;
  ChunkInfo first;
  CacheExtent extent = {0};
  guint track = 0;

  for (guint i = 0; i < edge->cursors->len; i++) {
    CacheExtent other_extent;
    ChunkInfo other;

    if (!peek (edge, i, &other, &other_extent) ||
        (found && other.dts >= first.dts))
      continue;
    first = other;
    extent = other_extent;
    track = i;
    found = TRUE;
  }
  if (found)
    take (edge, track, &first, &extent, part);
  return found;
}

/**
 * cache_edge_next:
 * @part: (out): the next one
 *
 * Returns: what there is; with %CACHE_EDGE_FAILED @error is set
 */
CacheEdgeResult
cache_edge_next (CacheEdge *edge, CacheEdgePart *part, GError **error)
{
  if (take_next (edge, part))
    return CACHE_EDGE_PART;
  if (!enter_newest (edge, error))
    return CACHE_EDGE_FAILED;
  if (take_next (edge, part))
    return CACHE_EDGE_PART;
  return cache_reader_is_ended (edge->reader) ? CACHE_EDGE_ENDED
                                              : CACHE_EDGE_NONE;
}
