/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* A link's store, read while it may be written by this or another process.
 * A reader is not thread-safe; every thread that wants one opens its own or
 * locks around it. Opening costs the same whatever else the cache holds. */
typedef struct _CacheReader CacheReader;

/* A stretch of bytes of one file of the store. The descriptor belongs to the
 * reader: dup() it to keep it. */
typedef struct {
  int fd;
  guint64 offset;
  guint64 length;
} CacheExtent;

/* One segment of one track, as the index knows it. */
typedef struct {
  guint32 epoch;
  guint64 msn;
  guint n_parts;
  gboolean complete; /* the last part is in, or a later segment or the end is */
  gboolean independent; /* its first part holds a key frame */
  guint64 pts;          /* ns */
  guint64 dts;          /* ns */
  guint64 duration;     /* ns */
  gint64 wallclock;     /* us since 1970 */
  CacheExtent extent;   /* the parts lie side by side */
} CacheSegment;

CacheReader *cache_reader_open (
    const char *cache_dir, const char *link, GError **error);
void cache_reader_free (CacheReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CacheReader, cache_reader_free)

/* Looks for what was appended since; cheap if nothing was. */
gboolean cache_reader_refresh (CacheReader *reader, GError **error);

/* The table as stored: every track that ever had a chunk in this link, in the
 * store's own order. `track` in all calls below is an index of this table, and
 * so is ChunkInfo.track of what the reader returns. (transfer none), replaced
 * by a refresh. */
const TrackTable *cache_reader_get_tracks (CacheReader *reader);
gboolean cache_reader_is_ended (CacheReader *reader);
gboolean cache_reader_is_incomplete (CacheReader *reader);

/* The tail: what a resuming broadcast continues from. FALSE if nothing is
 * stored. @next_time is the end of the media in ns. */
gboolean cache_reader_get_tail (
    CacheReader *reader, guint32 *epoch, guint64 *next_msn, guint64 *next_time);

/* Segments of one track by position, in MSN order: 0 is the oldest. */
guint cache_reader_count_segments (CacheReader *reader, guint track);
gboolean cache_reader_get_segment (
    CacheReader *reader, guint track, guint position, CacheSegment *segment);
/* Binary search. Exact: FALSE if the track has no such segment. */
gboolean cache_reader_find_segment (
    CacheReader *reader, guint track, guint64 msn, CacheSegment *segment);
/* Position of the first segment of @track with that MSN or a later one. */
guint cache_reader_lower_bound (CacheReader *reader, guint track, guint64 msn);

/* Whether nothing more of that segment can come in that track. */
gboolean cache_reader_is_final (CacheReader *reader, guint track, guint64 msn);

gboolean cache_reader_find_part (CacheReader *reader, guint track, guint64 msn,
    guint32 part, ChunkInfo *info, CacheExtent *extent);
/* CRC-32C of the bytes of a segment, by the index. */
gboolean cache_reader_sum_segment (
    CacheReader *reader, guint track, guint64 msn, guint32 *crc);
/* Init of @track (or CHUNK_TRACK_ALL) of exactly that epoch. */
gboolean cache_reader_find_init (CacheReader *reader, guint track,
    guint32 epoch, ChunkInfo *info, CacheExtent *extent);
/* Epochs in order, 0 the oldest. */
guint cache_reader_count_epochs (CacheReader *reader);
gboolean cache_reader_get_epoch (
    CacheReader *reader, guint position, guint32 *epoch, guint64 *first_msn);

G_END_DECLS
