/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>
#include <string.h>

#include "boxreader.h"
#include "cacheindex.h"
#include "cachelayout.h"
#include "crc32c.h"

static CacheRecord
media (guint16 track, guint32 epoch, guint64 msn, guint32 part)
{
  return (CacheRecord){
      .info =
          {
              .kind = CHUNK_KIND_MEDIA,
              .track = track,
              .epoch = epoch,
              .msn = msn,
              .part = part,
              .size = 10,
          },
  };
}

static CacheRecord
init (guint16 track, guint32 epoch, guint64 msn)
{
  CacheRecord record = media (track, epoch, msn, 0);

  record.info.kind =
      track == CHUNK_TRACK_ALL ? CHUNK_KIND_JOINT_INIT : CHUNK_KIND_INIT;
  return record;
}

/* Checks and, if it may follow, takes @record at the end of its file. */
static CacheVerdict
offer (CacheOrder *order, CacheRecord record)
{
  CacheVerdict verdict;

  record.offset = cache_order_track (order, record.info.track)->end;
  verdict = cache_order_check (order, &record);
  if (verdict == CACHE_ORDER_OK)
    cache_order_take (order, &record);
  return verdict;
}

static void
test_crc32c_known_answer (void)
{
  g_assert_cmphex (crc32c_update (0, "123456789", 9), ==, 0xe3069283);
  g_assert_cmphex (crc32c_update (0, "", 0), ==, 0);
}

static void
test_record_round_trip (void)
{
  const CacheRecord record = {
      .gap = TRUE,
      .info =
          {
              .kind = CHUNK_KIND_MEDIA,
              .track = 63,
              .independent = TRUE,
              .last = TRUE,
              .epoch = G_MAXUINT32,
              .msn = 1ull << 60,
              .part = 1 << 30,
              .pts = 1ull << 61,
              .dts = 3,
              .duration = 500000001,
              .wallclock = -5,
              .size = G_MAXINT32,
          },
      .offset = 1ull << 62,
      .data_crc = 0xdeadbeef,
  };
  guint8 bytes[CACHE_RECORD_SIZE];
  CacheRecord back;

  cache_record_write (&record, bytes);
  g_assert_true (cache_record_parse (bytes, &back));
  g_assert_cmpmem (&back, sizeof back, &record, sizeof record);
}

static void
test_record_every_bit_counts (void)
{
  const CacheRecord record = media (1, 2, 3, 4);
  guint8 bytes[CACHE_RECORD_SIZE];
  CacheRecord back;

  cache_record_write (&record, bytes);
  for (guint bit = 0; bit < sizeof bytes * 8; bit++) {
    bytes[bit / 8] ^= 1 << bit % 8;
    g_assert_false (cache_record_parse (bytes, &back));
    bytes[bit / 8] ^= 1 << bit % 8;
  }
  g_assert_true (cache_record_parse (bytes, &back));
}

static void
refute (CacheRecord record)
{
  guint8 bytes[CACHE_RECORD_SIZE];
  CacheRecord back;

  cache_record_write (&record, bytes);
  g_assert_false (cache_record_parse (bytes, &back));
}

/* A right CRC does not make a value right. */
static void
test_record_ranges (void)
{
  CacheRecord record = media (CACHE_MAX_TRACKS, 0, 0, 0);

  refute (record);
  record = media (0, 0, 0, 0);
  record.info.size = 0;
  refute (record);
  record.info.size = (guint32)G_MAXINT32 + 1;
  refute (record);
  record = media (0, 0, 0, 0);
  record.offset = G_MAXUINT64 - 4;
  refute (record);
  record = media (0, 0, G_MAXUINT64, 0);
  refute (record);
  record = media (0, 0, 0, 0);
  record.info.dts = G_MAXUINT64;
  refute (record);
  record = media (0, 0, 0, 0);
  record.info.kind = 9;
  refute (record);
  record = init (CHUNK_TRACK_ALL, 0, 0);
  record.info.kind = CHUNK_KIND_INIT;
  refute (record);
  /* A note that says nothing. */
  refute ((CacheRecord){0});
}

static void
test_header (void)
{
  guint8 header[CACHE_RECORD_SIZE];
  const char *problem = NULL;

  cache_index_write_header (header);
  for (gsize size = 0; size <= sizeof header; size++)
    g_assert_true (cache_index_check_header (header, size, &problem));
  header[4]++;
  g_assert_false (cache_index_check_header (header, sizeof header, &problem));
  g_assert_cmpstr (problem, ==, "was written by another version");
  header[0] = 'X';
  g_assert_false (cache_index_check_header (header, 1, &problem));
  g_assert_cmpstr (problem, ==, "is not an index of a video store");
}

static void
test_order (void)
{
  CacheOrder order = {.n_tracks = 2};

  g_assert_cmpint (offer (&order, media (0, 1, 7, 0)), ==, CACHE_ORDER_NO_INIT);
  g_assert_cmpint (
      offer (&order, init (CHUNK_TRACK_ALL, 1, 7)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, init (0, 1, 7)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, init (0, 1, 7)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (offer (&order, init (1, 1, 7)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, init (2, 1, 7)), ==, CACHE_ORDER_TRACK);

  g_assert_cmpint (
      offer (&order, media (0, 1, 7, 1)), ==, CACHE_ORDER_MISSING_PART);
  g_assert_cmpint (offer (&order, media (0, 1, 7, 0)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 1, 7, 0)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (
      offer (&order, media (0, 1, 7, 2)), ==, CACHE_ORDER_MISSING_PART);
  g_assert_cmpint (offer (&order, media (0, 1, 7, 1)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 1, 9, 0)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 1, 8, 0)), ==, CACHE_ORDER_REUSED);
  /* The other track follows at its own pace. */
  g_assert_cmpint (offer (&order, media (1, 1, 7, 0)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (
      offer (&order, media (0, 1, 8 + CACHE_MAX_LAG, 0)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (1, 1, 7, 1)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (
      offer (&order, media (0, 1, 9 + CACHE_MAX_LAG, 0)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (1, 1, 8, 0)), ==, CACHE_ORDER_LATE);
}

static void
test_order_epochs (void)
{
  CacheOrder order = {.n_tracks = 2};
  CacheRecord end = {.end = TRUE};
  CacheRecord part = media (0, 2, 4, 1);

  g_assert_cmpint (offer (&order, init (0, 1, 3)), ==, CACHE_ORDER_OK);
  part.info.epoch = 1;
  g_assert_cmpint (offer (&order, media (0, 1, 3, 0)), ==, CACHE_ORDER_OK);
  /* A new epoch is beyond every segment and needs its own init. */
  g_assert_cmpint (offer (&order, init (0, 2, 3)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (offer (&order, init (0, 0, 4)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (offer (&order, media (0, 2, 4, 0)), ==, CACHE_ORDER_NO_INIT);
  g_assert_cmpint (offer (&order, init (1, 2, 4)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 1, 4, 0)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (offer (&order, media (0, 2, 4, 0)), ==, CACHE_ORDER_NO_INIT);
  g_assert_cmpint (offer (&order, init (0, 2, 4)), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 2, 3, 0)), ==, CACHE_ORDER_REUSED);
  g_assert_cmpint (offer (&order, media (0, 2, 4, 0)), ==, CACHE_ORDER_OK);
  /* Bytes that overlap, or a hole within a segment. */
  part = media (0, 2, 4, 1);
  part.offset = cache_order_track (&order, 0)->end - 1;
  g_assert_cmpint (cache_order_check (&order, &part), ==, CACHE_ORDER_OFFSET);
  part.offset += 2;
  g_assert_cmpint (cache_order_check (&order, &part), ==, CACHE_ORDER_OFFSET);
  g_assert_cmpint (offer (&order, end), ==, CACHE_ORDER_OK);
  g_assert_cmpint (offer (&order, media (0, 2, 5, 0)), ==, CACHE_ORDER_ENDED);
  g_assert_cmpint (offer (&order, end), ==, CACHE_ORDER_ENDED);
}

static gboolean
count (const CacheRecord *record, guint64 number, gpointer user_data)
{
  guint *n = user_data;

  (*n)++;
  return TRUE;
}

/* A damaged record costs its segment, not the rest. */
static void
test_scan_damaged (void)
{
  guint8 bytes[10 * CACHE_RECORD_SIZE];
  CacheOrder order = {.n_tracks = 1};
  CacheRecord record = init (0, 0, 0);
  guint n = 0;

  cache_record_write (&record, bytes);
  for (guint i = 1; i < 10; i++) {
    record = media (0, 0, i / 3, i % 3);
    if (i < 3)
      record.info.part--;
    record.offset = i * 10;
    cache_record_write (&record, bytes + i * CACHE_RECORD_SIZE);
  }
  g_assert_cmpuint (
      cache_index_scan (&order, bytes, sizeof bytes, 0, count, &n), ==, 10);
  g_assert_cmpuint (n, ==, 10);
  g_assert_false (order.incomplete);

  order = (CacheOrder){.n_tracks = 1};
  n = 0;
  bytes[4 * CACHE_RECORD_SIZE + 8]++; /* segment 1, part 1 */
  bytes[9 * CACHE_RECORD_SIZE + 8]++; /* segment 3, in the making */
  g_assert_cmpuint (
      cache_index_scan (&order, bytes, sizeof bytes, 0, count, &n), ==, 9);
  g_assert_cmpuint (n, ==, 7);
  g_assert_true (order.incomplete);
}

static void
test_boxes (void)
{
  const guint8 data[] = {0, 0, 0, 9, 'f', 'r', 'e', 'e', 1, /* 32 bits */
      0, 0, 0, 1, 'm', 'd', 'a', 't', 0, 0, 0, 0, 0, 0, 0, 18, 2, 3, 0, 0, 0, 0,
      'm', 'o', 'o', 'v', 4, 5, 6};
  BoxReader reader;
  Box box;

  box_reader_init (&reader, data, sizeof data);
  g_assert_true (box_reader_next (&reader, &box));
  g_assert_cmpuint (box.type, ==, BOX_TYPE ("free"));
  g_assert_cmpmem (box.content, box.size, "\1", 1);
  g_assert_true (box_reader_next (&reader, &box));
  g_assert_cmpuint (box.type, ==, BOX_TYPE ("mdat"));
  g_assert_cmpuint (box.offset, ==, 9);
  g_assert_cmpmem (box.content, box.size, "\2\3", 2);
  g_assert_true (box_reader_next (&reader, &box));
  g_assert_cmpmem (box.content, box.size, "\4\5\6", 3);
  g_assert_false (box_reader_next (&reader, &box));
  g_assert_cmpuint (reader.next, ==, sizeof data);

  /* Cut anywhere, it never reaches beyond. */
  for (gsize size = 0; size < sizeof data; size++) {
    g_autofree guint8 *copy = g_memdup2 (data, size);

    box_reader_init (&reader, copy, size);
    while (box_reader_next (&reader, &box))
      g_assert_cmpuint (box.offset + box.total, <=, size);
  }
}

static void
test_boxes_absurd (void)
{
  const guint8 small[] = {0, 0, 0, 7, 'f', 'r', 'e', 'e'};
  const guint8 large[] = {
      0, 0, 0, 1, 'f', 'r', 'e', 'e', 255, 255, 255, 255, 255, 255, 255, 255};
  const guint8 tiny[] = {
      0, 0, 0, 1, 'f', 'r', 'e', 'e', 0, 0, 0, 0, 0, 0, 0, 15};
  BoxReader reader;
  Box box;

  box_reader_init (&reader, small, sizeof small);
  g_assert_false (box_reader_next (&reader, &box));
  box_reader_init (&reader, large, sizeof large);
  g_assert_false (box_reader_next (&reader, &box));
  box_reader_init (&reader, tiny, sizeof tiny);
  g_assert_false (box_reader_next (&reader, &box));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cacheindex/crc32c", test_crc32c_known_answer);
  g_test_add_func ("/cacheindex/record/round-trip", test_record_round_trip);
  g_test_add_func ("/cacheindex/record/bits", test_record_every_bit_counts);
  g_test_add_func ("/cacheindex/record/ranges", test_record_ranges);
  g_test_add_func ("/cacheindex/header", test_header);
  g_test_add_func ("/cacheindex/order", test_order);
  g_test_add_func ("/cacheindex/order/epochs", test_order_epochs);
  g_test_add_func ("/cacheindex/scan/damaged", test_scan_damaged);
  g_test_add_func ("/boxreader/sizes", test_boxes);
  g_test_add_func ("/boxreader/absurd", test_boxes_absurd);
  return g_test_run ();
}
