/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachepiece.h"

#include <gio/gio.h>
#include <string.h>

#include "cachehead.h"
#include "cachestart.h"
#include "crc32c.h"

/* Behind the lead's times: see refer_to_chunks(). */
#define SOUND_MARGIN G_GUINT64_CONSTANT (1000000) /* ns */

typedef struct {
  guint64 position; /* in the body */
  CacheExtent source;
  guint track;
  guint64 msn;
  guint segment; /* in the references */
} Extent;

struct _CachePiece {
  CacheReader *reader;
  char **names; /* NULL: the first video and the first audio track */
  guint32 first_epoch;
  CachePieceKind kind;
  gboolean follow;

  CachePieceState state;
  CacheStart start;   /* without an init until an epoch has begun */
  guint32 epoch;      /* of the last segment */
  GArray *cursors;    /* of guint: a chosen track's next segment */
  GArray *extents;    /* of Extent */
  GArray *references; /* of CacheReference: segments, by the lead's times */
  guint64 body_size;
  guint64 end_pts;
  GBytes *head; /* NULL until it is known */
  guint32 changed_epoch;
  guint64 changed_msn;
};

/**
 * cache_piece_new:
 * @reader: (transfer full): whose segments are laid out
 * @names: (transfer full) (nullable): the tracks, or %NULL for the first video
 *     and the first audio track
 * @first_epoch: where to begin; 0 is the oldest
 * @follow: a head then waits for the end
 *
 * Returns: (transfer full): the piece, empty until it is refreshed
 */
CachePiece *
cache_piece_new (CacheReader *reader, char **names, guint32 first_epoch,
    CachePieceKind kind, gboolean follow)
{
  CachePiece *piece = g_new0 (CachePiece, 1);

  piece->reader = reader;
  piece->names = names;
  piece->first_epoch = first_epoch;
  piece->kind = kind;
  piece->follow = follow;
  piece->cursors = g_array_new (FALSE, TRUE, sizeof (guint));
  piece->extents = g_array_new (FALSE, FALSE, sizeof (Extent));
  piece->references = g_array_new (FALSE, FALSE, sizeof (CacheReference));
  return piece;
}

/**
 * cache_piece_free:
 * @piece: (nullable)
 */
void
cache_piece_free (CachePiece *piece)
{
  if (piece == NULL)
    return;
  cache_start_clear (&piece->start);
  g_array_unref (piece->cursors);
  g_array_unref (piece->extents);
  g_array_unref (piece->references);
  g_clear_pointer (&piece->head, g_bytes_unref);
  cache_reader_free (piece->reader);
  g_strfreev (piece->names);
  g_free (piece);
}

/* All inits of an epoch are there once a segment of it is whole. */
static gboolean
has_begun (CachePiece *piece, guint32 epoch, guint64 first_msn)
{
  guint n = track_table_size (cache_reader_get_tracks (piece->reader));

  for (guint i = 0; i < n; i++) {
    guint at = cache_reader_lower_bound (piece->reader, i, first_msn);
    CacheSegment segment;

    if (cache_reader_get_segment (piece->reader, i, at, &segment) &&
        segment.complete && segment.epoch == epoch)
      return TRUE;
  }
  return FALSE;
}

/* Returns FALSE on error; there is an init once an epoch has begun. */
static gboolean
begin (CachePiece *piece, GError **error)
{
  guint n = cache_reader_count_epochs (piece->reader);
  guint64 first_msn = 0;
  guint32 epoch = 0;
  guint i;

  for (i = 0; i < n; i++)
    if (cache_reader_get_epoch (piece->reader, i, &epoch, &first_msn) &&
        epoch >= piece->first_epoch)
      break;
  if (i == n || !has_begun (piece, epoch, first_msn)) {
    if (cache_reader_is_ended (piece->reader)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
          "The broadcast ended without any media from epoch %u on",
          piece->first_epoch);
      return FALSE;
    }
    return TRUE;
  }
  if (!cache_start_load (
          &piece->start, piece->reader, piece->names, epoch, error))
    return FALSE;
  piece->epoch = epoch;
  g_array_set_size (piece->cursors, piece->start.tracks->len);
  for (i = 0; i < piece->cursors->len; i++)
    g_array_index (piece->cursors, guint, i) = cache_reader_lower_bound (
        piece->reader,
        g_array_index (piece->start.tracks, CacheChosen, i).number, first_msn);
  return TRUE;
}

/* The next segment of the @i-th chosen track. */
static gboolean
peek (CachePiece *piece, guint i, CacheSegment *segment)
{
  return cache_reader_get_segment (piece->reader,
      g_array_index (piece->start.tracks, CacheChosen, i).number,
      g_array_index (piece->cursors, guint, i), segment);
}

static gboolean
find_next (CachePiece *piece, guint32 *epoch, guint64 *msn)
{
  gboolean found = FALSE;

  for (guint i = 0; i < piece->cursors->len; i++) {
    CacheSegment segment;

    if (peek (piece, i, &segment) && (!found || segment.msn < *msn)) {
      *msn = segment.msn;
      *epoch = segment.epoch;
      found = TRUE;
    }
  }
  return found;
}

static gboolean
is_final (CachePiece *piece, guint64 msn)
{
  for (guint i = 0; i < piece->start.tracks->len; i++)
    if (!cache_reader_is_final (piece->reader,
            g_array_index (piece->start.tracks, CacheChosen, i).number, msn))
      return FALSE;
  return TRUE;
}

/* Lays out the segment @msn, which is final in all tracks. */
static void
add_segment (CachePiece *piece, guint64 msn)
{
  CacheReference reference = {.pts = G_MAXUINT64};
  guint leading = cache_start_lead (&piece->start, piece->reader);

  for (guint i = 0; i < piece->cursors->len; i++) {
    Extent extent = {.position = piece->body_size};
    CacheSegment segment;

    if (!peek (piece, i, &segment) || segment.msn != msn)
      continue;
    extent.source = segment.extent;
    extent.track = g_array_index (piece->start.tracks, CacheChosen, i).number;
    extent.msn = msn;
    extent.segment = piece->references->len;
    g_array_append_val (piece->extents, extent);
    piece->body_size += segment.extent.length;
    reference.size += segment.extent.length;
    /* Without the lead, the others stand in for it. */
    if (i == leading || reference.pts == G_MAXUINT64) {
      reference.pts = segment.pts;
      reference.independent = i == leading && segment.independent;
      piece->end_pts = segment.pts + segment.duration;
    }
    g_array_index (piece->cursors, guint, i)++;
  }
  g_array_append_val (piece->references, reference);
}

/* Goes on with another epoch if its file begins as ours, else ends here. */
static gboolean
enter_epoch (CachePiece *piece, guint32 epoch, guint64 msn, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean same = FALSE;
  CacheStart start;

  if (cache_start_load (&start, piece->reader, piece->names, epoch, &problem)) {
    same = cache_start_equal (&piece->start, &start);
    cache_start_clear (&start);
  } else if (!g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (same) {
    piece->epoch = epoch;
  } else {
    piece->state = CACHE_PIECE_CHANGED;
    piece->changed_epoch = epoch;
    piece->changed_msn = msn;
  }
  return TRUE;
}

/* From a key frame to the next one that opens a segment, for the sidx of the
 * lead: FFmpeg takes all that it names for such, and from a segment that was cut
 * for its length goes back to a key frame that it has read by chance. */
static GArray *
refer_to_groups (CachePiece *piece)
{
  GArray *groups = g_array_new (FALSE, FALSE, sizeof (CacheReference));

  for (guint i = 0; i < piece->references->len; i++) {
    CacheReference segment =
        g_array_index (piece->references, CacheReference, i);
    CacheReference *last =
        groups->len == 0
            ? NULL
            : &g_array_index (groups, CacheReference, groups->len - 1);

    if (last == NULL || segment.independent ||
        last->size + segment.size > CACHE_HEAD_MAX_SIZE)
      g_array_append_val (groups, segment);
    else
      last->size += segment.size;
  }
  return groups;
}

static void
set_times (GArray *references, guint from, guint64 pts)
{
  for (guint i = from; i < references->len; i++)
    g_array_index (references, CacheReference, i).pts = pts;
}

/* Every chunk of the file, of whichever track, for the sidx of @track.
 *
 * FFmpeg, and with it Chromium and mpv, seeks by the sidx of each track in turn,
 * the lead first, and reads on from where the last one led it. It knows which
 * chunks it has read only of those that a sidx names: it gives out the others
 * once more, or leaves them out. And where a track's samples at the wanted time
 * are not read by then, the next one of it is an old one; Chromium counts the
 * sound's time on from that, and so reads the file to its end.
 *
 * So all chunks are named, those of other tracks at the time of the sound that
 * comes after them, and the sound of a segment a moment after the key frame that
 * is sought: what is found is the last sound in front of the key frame, in time
 * and in the file. */
static GArray *
refer_to_chunks (CachePiece *piece, guint track)
{
  GArray *chunks = g_array_new (FALSE, TRUE, sizeof (CacheReference));
  guint n_timed = 0;
  guint64 time = 0;

  for (guint i = 0; i < piece->extents->len; i++) {
    const Extent *extent = &g_array_index (piece->extents, Extent, i);
    const CacheReference *segment =
        &g_array_index (piece->references, CacheReference, extent->segment);
    guint64 first_pts = 0;
    CacheExtent bytes;
    ChunkInfo info;

    for (guint part = 0; cache_reader_find_part (
             piece->reader, extent->track, extent->msn, part, &info, &bytes);
         part++) {
      CacheReference chunk = {.size = bytes.length};

      if (extent->track == track) {
        if (part == 0)
          first_pts = info.pts;
        time = MAX (time, segment->pts + SOUND_MARGIN + info.pts - first_pts);
        set_times (chunks, n_timed, time);
        n_timed = chunks->len + 1;
        chunk.pts = time;
        chunk.independent = info.independent;
      }
      g_array_append_val (chunks, chunk);
    }
  }
  set_times (chunks, n_timed, MAX (time, piece->end_pts));
  return chunks;
}

static GBytes *
index_track (
    CachePiece *piece, guint i, const GArray *references, guint64 behind)
{
  const CacheChosen *chosen =
      &g_array_index (piece->start.tracks, CacheChosen, i);
  const Track *track =
      track_table_get (cache_reader_get_tracks (piece->reader), chosen->number);

  return cache_head_build_sidx (chosen->id, track->timescale,
      (const CacheReference *)references->data, references->len, piece->end_pts,
      behind);
}

/* One sidx a track, the lead's first. */
static void
append_index (CachePiece *piece, GByteArray *head)
{
  guint lead = cache_start_lead (&piece->start, piece->reader);
  g_autoptr (GArray) groups = refer_to_groups (piece);
  g_autoptr (GByteArray) others = g_byte_array_new ();
  g_autoptr (GBytes) sidx = NULL;

  for (guint i = 0; i < piece->start.tracks->len; i++) {
    guint track = g_array_index (piece->start.tracks, CacheChosen, i).number;
    g_autoptr (GArray) chunks = NULL;
    g_autoptr (GBytes) other = NULL;

    if (i == lead)
      continue;
    chunks = refer_to_chunks (piece, track);
    other = index_track (piece, i,
        chunks->len > CACHE_HEAD_MAX_REFERENCES ? piece->references : chunks,
        others->len);
    if (other == NULL)
      return;
    g_byte_array_prepend (
        others, g_bytes_get_data (other, NULL), g_bytes_get_size (other));
  }
  sidx = index_track (piece, lead, groups, others->len);
  if (sidx == NULL)
    return;
  g_byte_array_append (
      head, g_bytes_get_data (sidx, NULL), g_bytes_get_size (sidx));
  g_byte_array_append (head, others->data, others->len);
}

static void
build_head (CachePiece *piece)
{
  g_autoptr (GByteArray) head = g_byte_array_new ();

  g_byte_array_append (head, g_bytes_get_data (piece->start.init, NULL),
      g_bytes_get_size (piece->start.init));
  if (piece->state != CACHE_PIECE_GROWING)
    append_index (piece, head);
  piece->head = g_byte_array_free_to_bytes (g_steal_pointer (&head));
}

/**
 * cache_piece_refresh:
 *
 * Lays out what has become final since.
 *
 * Returns: %FALSE and @error: NOT_FOUND if the link was cleared or never had
 *     the tracks, INVALID_DATA, or the disk's
 */
gboolean
cache_piece_refresh (CachePiece *piece, GError **error)
{
  guint32 epoch = 0;
  guint64 msn = 0;

  if (piece->state != CACHE_PIECE_GROWING)
    return TRUE;
  if (!cache_reader_refresh (piece->reader, error) ||
      (piece->start.init == NULL && !begin (piece, error)))
    return FALSE;
  if (piece->start.init == NULL)
    return TRUE;

  while (find_next (piece, &epoch, &msn)) {
    if (epoch != piece->epoch) {
      if (!has_begun (piece, epoch, msn))
        break;
      if (!enter_epoch (piece, epoch, msn, error))
        return FALSE;
    }
    if (piece->state != CACHE_PIECE_GROWING || !is_final (piece, msn))
      break;
    add_segment (piece, msn);
  }
  if (piece->state == CACHE_PIECE_GROWING &&
      cache_reader_is_ended (piece->reader))
    piece->state = CACHE_PIECE_ENDED;
  if (piece->head == NULL &&
      (piece->state != CACHE_PIECE_GROWING || piece->kind != CACHE_PIECE_HEAD ||
          !piece->follow))
    build_head (piece);
  return TRUE;
}

CachePieceState
cache_piece_get_state (CachePiece *piece)
{
  return piece->state;
}

/**
 * cache_piece_get_change:
 * @epoch: (out): which has another init
 * @msn: (out): its first segment
 *
 * For the state CACHE_PIECE_CHANGED.
 */
void
cache_piece_get_change (CachePiece *piece, guint32 *epoch, guint64 *msn)
{
  *epoch = piece->changed_epoch;
  *msn = piece->changed_msn;
}

static gsize
head_size (CachePiece *piece)
{
  if (piece->kind == CACHE_PIECE_BODY || piece->head == NULL)
    return 0;
  return g_bytes_get_size (piece->head);
}

/**
 * cache_piece_get_size:
 *
 * Returns: bytes that are laid out so far
 */
guint64
cache_piece_get_size (CachePiece *piece)
{
  if (piece->head == NULL)
    return 0;
  return head_size (piece) +
         (piece->kind == CACHE_PIECE_HEAD ? 0 : piece->body_size);
}

/* By the sums in the index, so that hours of media are not read once more. */
static gboolean
sum_body (CachePiece *piece, guint32 *crc, GError **error)
{
  *crc = 0;
  for (guint i = 0; i < piece->extents->len; i++) {
    const Extent *extent = &g_array_index (piece->extents, Extent, i);
    guint32 of_segment;

    if (!cache_reader_sum_segment (
            piece->reader, extent->track, extent->msn, &of_segment)) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "The index lacks what it had");
      return FALSE;
    }
    *crc = crc32c_combine (*crc, of_segment, extent->source.length);
  }
  return TRUE;
}

/**
 * cache_piece_summarize:
 * @summary: (out)
 *
 * Not while the piece grows.
 *
 * Returns: %FALSE and @error if the index cannot be read any more
 */
gboolean
cache_piece_summarize (
    CachePiece *piece, CachePieceSummary *summary, GError **error)
{
  guint32 body = 0;

  g_return_val_if_fail (piece->state != CACHE_PIECE_GROWING, FALSE);
  *summary = (CachePieceSummary){
      .size = cache_piece_get_size (piece),
      .incomplete = cache_reader_is_incomplete (piece->reader),
  };
  if (piece->references->len > 0)
    summary->duration =
        piece->end_pts -
        g_array_index (piece->references, CacheReference, 0).pts;
  if (piece->kind != CACHE_PIECE_BODY)
    summary->crc32c = crc32c_update (0, g_bytes_get_data (piece->head, NULL),
        g_bytes_get_size (piece->head));
  if (piece->kind == CACHE_PIECE_HEAD)
    return TRUE;
  if (!sum_body (piece, &body, error))
    return FALSE;
  summary->crc32c = crc32c_combine (summary->crc32c, body, piece->body_size);
  return TRUE;
}

static const Extent *
find_extent (CachePiece *piece, guint64 position)
{
  guint low = 0, high = piece->extents->len;

  while (high - low > 1) {
    guint middle = low + (high - low) / 2;

    if (g_array_index (piece->extents, Extent, middle).position <= position)
      low = middle;
    else
      high = middle;
  }
  return &g_array_index (piece->extents, Extent, low);
}

/**
 * cache_piece_read:
 * @position: in the piece
 * @data: (out): room for @size bytes
 *
 * Returns: the bytes read, fewer than @size only at the end of what is laid
 *     out; -1 and @error if the store cannot be read
 */
gssize
cache_piece_read (CachePiece *piece, guint64 position, guint8 *data, gsize size,
    GError **error)
{
  guint64 end = cache_piece_get_size (piece);
  gsize head = head_size (piece);
  gsize done = 0;

  size = position < end ? MIN (size, end - position) : 0;
  if (size > 0 && position < head) {
    done = MIN (size, head - position);
    memcpy (data,
        (const guint8 *)g_bytes_get_data (piece->head, NULL) + position, done);
  }
  while (done < size) {
    guint64 at = position + done - head;
    const Extent *extent = find_extent (piece, at);
    guint64 skip = at - extent->position;
    gsize n = MIN (size - done, extent->source.length - skip);

    if (!cache_extent_read (&extent->source, skip, data + done, n, error))
      return -1;
    done += n;
  }
  return done;
}
