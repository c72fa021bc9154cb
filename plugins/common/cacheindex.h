/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"

G_BEGIN_DECLS

/* The file `index` of a link: a header, then records of the same size, so that
 * record n stands at (n + 1) * CACHE_RECORD_SIZE. Everything is little-endian.
 *
 *   header   0 "WCIX"   4 u16 version   6 u16 record size   8 zeros
 *   record   0 u16 track          2 u8 kind          3 u8 flags
 *            4 u32 epoch          8 u64 msn         16 u32 part
 *           20 u32 length        24 u64 offset      32 u64 pts (ns)
 *           40 u64 dts (ns)      48 u64 duration    56 i64 wallclock (us)
 *           64 u32 CRC32C of the data               68 u32 CRC32C of 0..67
 *
 * Kinds are those of ChunkKind; kind 0 is a note without a chunk: that chunks
 * were lost before it, or that the link has ended. Flags: 1 independent, 2 last,
 * 4 chunks were lost before this, 8 end.
 *
 * `track` is a position in the table of broadcast.json, CHUNK_TRACK_ALL for a
 * joint init. `offset` is in the file of the track. */
#define CACHE_RECORD_SIZE 72
#define CACHE_INDEX_VERSION 1

/* Positions in the table that a store can have. */
#define CACHE_MAX_TRACKS 64

/* A track may lag this many segments behind the foremost one; what comes later
 * still is refused. So a segment is known to be whole without waiting for a
 * track that fell silent, and it reads the same live and years later. */
#define CACHE_MAX_LAG 8

typedef struct {
  gboolean end;   /* a note: nothing may follow */
  gboolean gap;   /* chunks were lost before this record */
  ChunkInfo info; /* `track` is the store's number; all 0 in a note */
  guint64 offset;
  guint32 data_crc;
} CacheRecord;

void cache_index_write_header (guint8 header[CACHE_RECORD_SIZE]);
gboolean cache_index_check_header (
    const guint8 *data, gsize size, const char **problem);
void cache_record_write (
    const CacheRecord *record, guint8 bytes[CACHE_RECORD_SIZE]);
gboolean cache_record_parse (
    const guint8 bytes[CACHE_RECORD_SIZE], CacheRecord *record);

/* What the records so far amount to, and hence which one may follow. */
typedef struct {
  guint64 end; /* of the track's file */
  gboolean has_init;
  guint32 init_epoch;
  gboolean has_media;
  guint32 epoch; /* of the last media record, as the next ones */
  guint64 msn;
  guint32 part;
  gboolean last;
  guint64 dts;
  guint64 time; /* where the last part ends, ns */
} CacheTrackTail;

typedef struct {
  guint n_tracks; /* in the table, set by the owner */
  gboolean has_epoch;
  guint32 epoch;
  guint64 first_msn; /* the least that `epoch` may carry */
  gboolean has_media;
  guint64 max_msn;
  guint64 next_time; /* the end of the media, ns */
  gboolean ended;
  gboolean incomplete; /* a record says so, or one is damaged */
  CacheTrackTail tracks[CACHE_MAX_TRACKS];
  CacheTrackTail joint;
} CacheOrder;

typedef enum {
  CACHE_ORDER_OK,
  CACHE_ORDER_ENDED,  /* the link has an END record */
  CACHE_ORDER_REUSED, /* not beyond what is stored */
  CACHE_ORDER_NO_INIT,
  CACHE_ORDER_MISSING_PART, /* a segment goes on after a hole */
  CACHE_ORDER_LATE,         /* behind CACHE_MAX_LAG */
  CACHE_ORDER_TRACK,        /* no such track can be */
  CACHE_ORDER_OFFSET,       /* overlaps what is stored */
} CacheVerdict;

CacheTrackTail *cache_order_track (CacheOrder *order, guint16 track);
CacheVerdict cache_order_check (CacheOrder *order, const CacheRecord *record);
void cache_order_take (CacheOrder *order, const CacheRecord *record);

/* Returns FALSE to have the record left out. */
typedef gboolean (*CacheRecordFunc) (
    const CacheRecord *record, guint64 number, gpointer user_data);

guint64 cache_index_scan (CacheOrder *order, const guint8 *data, gsize size,
    guint64 first, CacheRecordFunc func, gpointer user_data);

G_END_DECLS
