/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The index of a store: header, records, and what may follow what. */

#include <glib.h>
#include <string.h>

#include "cacheindex.h"
#include "crc32c.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct {
  CacheOrder *order;
  guint64 next;
} Scan;

static gboolean
on_record (const CacheRecord *record, guint64 number, gpointer user_data)
{
  Scan *scan = user_data;
  const ChunkInfo *info = &record->info;
  const CacheTrackTail *tail;

  g_assert_cmpuint (number, >=, scan->next);
  scan->next = number + 1;
  if (info->kind == 0)
    return TRUE;
  g_assert_true (
      info->track < scan->order->n_tracks || info->track == CHUNK_TRACK_ALL);
  tail = cache_order_track (scan->order, info->track);
  g_assert_cmpuint (record->offset, >=, tail->end);
  g_assert_cmpuint (record->offset, <=, G_MAXINT64 - info->size);
  if (info->kind == CHUNK_KIND_MEDIA && tail->has_media)
    g_assert_true (info->msn > tail->msn || info->part == tail->part + 1);
  return TRUE;
}

static void
scan (const guint8 *data, gsize size)
{
  CacheOrder order = {.n_tracks = 3};
  Scan state = {&order, 0};
  guint64 next = cache_index_scan (&order, data, size, 0, on_record, &state);

  g_assert_cmpuint (next, ==, state.next);
  g_assert_cmpuint (next, <=, size / CACHE_RECORD_SIZE);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = NULL;
  const char *problem;

  cache_index_check_header (data, size, &problem);
  if (size < CACHE_RECORD_SIZE)
    return 0;
  scan (data, size);
  /* No fuzzer guesses a CRC, so all are made right. */
  copy = g_memdup2 (data, size);
  for (gsize at = 0; at + CACHE_RECORD_SIZE <= size; at += CACHE_RECORD_SIZE) {
    guint32 crc = GUINT32_TO_LE (crc32c_update (0, copy + at, 68));

    memcpy (copy + at + 68, &crc, sizeof crc);
  }
  scan (copy, size);
  return 0;
}
