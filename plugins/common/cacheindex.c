/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cacheindex.h"

#include <string.h>

#include "crc32c.h"

#define MAGIC "WCIX"

enum {
  FLAG_INDEPENDENT = 1 << 0,
  FLAG_LAST = 1 << 1,
  FLAG_GAP = 1 << 2,
  FLAG_END = 1 << 3,
  FLAGS_KNOWN = FLAG_INDEPENDENT | FLAG_LAST | FLAG_GAP | FLAG_END,
};

/* Beside CHUNK_KIND_*. */
#define KIND_NOTE 0

/* Little-endian, without padding on any machine. */
typedef struct {
  guint8 magic[4];
  guint16 version;
  guint16 record_size;
  guint8 zeros[CACHE_RECORD_SIZE - 8];
} RawHeader;

typedef struct {
  guint16 track;
  guint8 kind;
  guint8 flags;
  guint32 epoch;
  guint64 msn;
  guint32 part;
  guint32 length;
  guint64 offset;
  guint64 pts;
  guint64 dts;
  guint64 duration;
  guint64 wallclock;
  guint32 data_crc;
  guint32 crc; /* of all before it */
} RawRecord;

G_STATIC_ASSERT (sizeof (RawHeader) == CACHE_RECORD_SIZE);
G_STATIC_ASSERT (sizeof (RawRecord) == CACHE_RECORD_SIZE);

/**
 * cache_index_write_header:
 *
 * Fills in the header, which is the same in every index of this version.
 */
void
cache_index_write_header (guint8 header[CACHE_RECORD_SIZE])
{
  RawHeader raw = {
      .version = GUINT16_TO_LE (CACHE_INDEX_VERSION),
      .record_size = GUINT16_TO_LE (CACHE_RECORD_SIZE),
  };

  memcpy (raw.magic, MAGIC, sizeof raw.magic);
  memcpy (header, &raw, sizeof raw);
}

/**
 * cache_index_check_header:
 * @data: the begin of an index
 * @size: bytes at @data; fewer than a header has are what a writer leaves that
 *     was killed in the act, if they are a header's begin
 * @problem: (out): a phrase that completes "the file "
 *
 * Returns: %FALSE and @problem if this is no index of this version
 */
gboolean
cache_index_check_header (const guint8 *data, gsize size, const char **problem)
{
  guint8 header[CACHE_RECORD_SIZE];

  if (size == 0)
    return TRUE;
  cache_index_write_header (header);
  if (memcmp (data, header, MIN (size, 4)) != 0)
    *problem = "is not an index of a video store";
  else if (memcmp (data, header, MIN (size, sizeof header)) != 0)
    *problem = "was written by another version";
  else
    return TRUE;
  return FALSE;
}

/**
 * cache_record_write:
 *
 * The opposite of cache_record_parse(); computes the record's own CRC.
 */
void
cache_record_write (const CacheRecord *record, guint8 bytes[CACHE_RECORD_SIZE])
{
  const ChunkInfo *info = &record->info;
  RawRecord raw = {
      .track = GUINT16_TO_LE (info->track),
      .kind = info->kind,
      .flags = (info->independent ? FLAG_INDEPENDENT : 0) |
               (info->last ? FLAG_LAST : 0) | (record->gap ? FLAG_GAP : 0) |
               (record->end ? FLAG_END : 0),
      .epoch = GUINT32_TO_LE (info->epoch),
      .msn = GUINT64_TO_LE (info->msn),
      .part = GUINT32_TO_LE (info->part),
      .length = GUINT32_TO_LE (info->size),
      .offset = GUINT64_TO_LE (record->offset),
      .pts = GUINT64_TO_LE (info->pts),
      .dts = GUINT64_TO_LE (info->dts),
      .duration = GUINT64_TO_LE (info->duration),
      .wallclock = GUINT64_TO_LE ((guint64)info->wallclock),
      .data_crc = GUINT32_TO_LE (record->data_crc),
  };

  raw.crc =
      GUINT32_TO_LE (crc32c_update (0, &raw, G_STRUCT_OFFSET (RawRecord, crc)));
  memcpy (bytes, &raw, sizeof raw);
}

static gboolean
is_sane (const CacheRecord *record)
{
  const ChunkInfo *info = &record->info;

  if (record->end)
    return FALSE;
  switch (info->kind) {
    case CHUNK_KIND_INIT:
    case CHUNK_KIND_MEDIA:
      if (info->track >= CACHE_MAX_TRACKS)
        return FALSE;
      break;
    case CHUNK_KIND_JOINT_INIT:
      if (info->track != CHUNK_TRACK_ALL)
        return FALSE;
      break;
    default:
      return FALSE;
  }
  /* Sums of these below cannot overflow. */
  return info->size > 0 && info->size <= G_MAXINT32 &&
         record->offset <= G_MAXINT64 - G_MAXINT32 && info->msn < G_MAXINT64 &&
         info->part < G_MAXINT32 && info->pts <= G_MAXINT64 / 2 &&
         info->dts <= G_MAXINT64 / 2 && info->duration <= G_MAXINT64 / 2;
}

/**
 * cache_record_parse:
 * @record: (out): undefined on failure
 *
 * Returns: %FALSE if the CRC does not hold or a value cannot be. What a record
 *     means after others is for cache_order_check() to say.
 */
gboolean
cache_record_parse (const guint8 bytes[CACHE_RECORD_SIZE], CacheRecord *record)
{
  RawRecord raw;

  memcpy (&raw, bytes, sizeof raw);
  if (GUINT32_FROM_LE (raw.crc) !=
          crc32c_update (0, bytes, G_STRUCT_OFFSET (RawRecord, crc)) ||
      (raw.flags & ~FLAGS_KNOWN) != 0)
    return FALSE;

  *record = (CacheRecord){
      .gap = (raw.flags & FLAG_GAP) != 0,
      .end = (raw.flags & FLAG_END) != 0,
  };
  if (raw.kind == KIND_NOTE)
    return record->gap || record->end;
  record->info = (ChunkInfo){
      .kind = raw.kind,
      .track = GUINT16_FROM_LE (raw.track),
      .independent = (raw.flags & FLAG_INDEPENDENT) != 0,
      .last = (raw.flags & FLAG_LAST) != 0,
      .epoch = GUINT32_FROM_LE (raw.epoch),
      .msn = GUINT64_FROM_LE (raw.msn),
      .part = GUINT32_FROM_LE (raw.part),
      .pts = GUINT64_FROM_LE (raw.pts),
      .dts = GUINT64_FROM_LE (raw.dts),
      .duration = GUINT64_FROM_LE (raw.duration),
      .wallclock = (gint64)GUINT64_FROM_LE (raw.wallclock),
      .size = GUINT32_FROM_LE (raw.length),
  };
  record->offset = GUINT64_FROM_LE (raw.offset);
  record->data_crc = GUINT32_FROM_LE (raw.data_crc);
  return is_sane (record);
}

/**
 * cache_order_track:
 * @track: below CACHE_MAX_TRACKS, or CHUNK_TRACK_ALL
 *
 * Returns: (transfer none): what is known of @track
 */
CacheTrackTail *
cache_order_track (CacheOrder *order, guint16 track)
{
  return track == CHUNK_TRACK_ALL ? &order->joint : &order->tracks[track];
}

static CacheVerdict
check_media (
    CacheOrder *order, const CacheTrackTail *tail, const ChunkInfo *info)
{
  if (!tail->has_init || tail->init_epoch != info->epoch)
    return CACHE_ORDER_NO_INIT;
  if (tail->has_media && tail->msn == info->msn) {
    /* A segment never goes on after its last part or across an epoch. */
    if (info->part <= tail->part || tail->last || tail->epoch != info->epoch)
      return CACHE_ORDER_REUSED;
    return info->part == tail->part + 1 ? CACHE_ORDER_OK
                                        : CACHE_ORDER_MISSING_PART;
  }
  if (info->msn < order->first_msn ||
      (tail->has_media && info->msn < tail->msn))
    return CACHE_ORDER_REUSED;
  if (info->part != 0)
    return CACHE_ORDER_MISSING_PART;
  if (order->has_media && info->msn + CACHE_MAX_LAG < order->max_msn)
    return CACHE_ORDER_LATE;
  return CACHE_ORDER_OK;
}

static CacheVerdict
check_init (
    CacheOrder *order, const CacheTrackTail *tail, const ChunkInfo *info)
{
  if (tail->has_init && tail->init_epoch >= info->epoch)
    return CACHE_ORDER_REUSED;
  /* A new epoch begins beyond every segment of the ones before. */
  if (order->has_epoch && info->epoch > order->epoch && order->has_media &&
      info->msn <= order->max_msn)
    return CACHE_ORDER_REUSED;
  return CACHE_ORDER_OK;
}

/**
 * cache_order_check:
 * @record: as parsed; `offset` may lie beyond the end of what is known of its
 *     file only where a segment begins, as it does after damaged records
 *
 * The one rule of what may follow what, for those who write and who read: an
 * epoch never goes back; a new one begins with inits, beyond every MSN before
 * it; in a track, (MSN, part) grows without a hole in a segment.
 *
 * Returns: CACHE_ORDER_OK if @record may follow what @order has taken
 */
CacheVerdict
cache_order_check (CacheOrder *order, const CacheRecord *record)
{
  const ChunkInfo *info = &record->info;
  const CacheTrackTail *tail;
  CacheVerdict verdict;

  if (order->ended)
    return CACHE_ORDER_ENDED;
  if (info->kind == KIND_NOTE)
    return CACHE_ORDER_OK;
  if (info->track >= order->n_tracks && info->track != CHUNK_TRACK_ALL)
    return CACHE_ORDER_TRACK;
  if (order->has_epoch && info->epoch < order->epoch)
    return CACHE_ORDER_REUSED;
  tail = cache_order_track (order, info->track);
  if (info->kind == CHUNK_KIND_MEDIA)
    verdict = check_media (order, tail, info);
  else
    verdict = check_init (order, tail, info);
  if (verdict != CACHE_ORDER_OK)
    return verdict;
  if (record->offset < tail->end ||
      (record->offset > tail->end && info->part != 0))
    return CACHE_ORDER_OFFSET;
  return CACHE_ORDER_OK;
}

/**
 * cache_order_take:
 * @record: which cache_order_check() let pass
 */
void
cache_order_take (CacheOrder *order, const CacheRecord *record)
{
  const ChunkInfo *info = &record->info;
  CacheTrackTail *tail;

  order->incomplete |= record->gap;
  order->ended |= record->end;
  if (info->kind == KIND_NOTE)
    return;
  tail = cache_order_track (order, info->track);
  tail->end = record->offset + info->size;
  if (info->kind != CHUNK_KIND_MEDIA) {
    if (!order->has_epoch || info->epoch > order->epoch) {
      order->first_msn = order->has_media ? order->max_msn + 1 : 0;
      order->epoch = info->epoch;
      order->has_epoch = TRUE;
    }
    tail->has_init = TRUE;
    tail->init_epoch = info->epoch;
    return;
  }
  order->max_msn =
      order->has_media ? MAX (order->max_msn, info->msn) : info->msn;
  order->has_media = TRUE;
  tail->has_media = TRUE;
  tail->epoch = info->epoch;
  tail->msn = info->msn;
  tail->part = info->part;
  tail->last = info->last;
  tail->dts = info->dts;
  tail->time = info->dts + info->duration;
  order->next_time = MAX (order->next_time, tail->time);
}

/**
 * cache_index_scan:
 * @order: what the records before amount to; goes on
 * @data: records, from record number @first on
 * @size: bytes at @data
 * @func: called for each record that holds and may follow the ones before
 *
 * A record that does not hold is left out. At the end of the file that is one
 * in the making, or what a killed writer left; elsewhere the disk has lost it,
 * and what it lost must not take the rest with it.
 *
 * Returns: the number after the last record that holds: where to scan next
 */
guint64
cache_index_scan (CacheOrder *order, const guint8 *data, gsize size,
    guint64 first, CacheRecordFunc func, gpointer user_data)
{
  guint64 next = first;

  for (gsize i = 0; i < size / CACHE_RECORD_SIZE; i++) {
    CacheRecord record;

    if (!cache_record_parse (data + i * CACHE_RECORD_SIZE, &record) ||
        cache_order_check (order, &record) != CACHE_ORDER_OK ||
        !func (&record, first + i, user_data))
      continue;
    order->incomplete |= next != first + i;
    cache_order_take (order, &record);
    next = first + i + 1;
  }
  return next;
}
