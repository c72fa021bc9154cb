/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <gio/gio.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cacheindex.h"
#include "cacheio.h"
#include "storekit.h"

static const char *const data_names[] = {
    "index", "video_0.cmaf", "audio_0.cmaf", "init.mp4"};

static void
store_epoch (const char *dir, guint32 epoch, guint64 first_msn, guint n)
{
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);

  g_assert_true (kit_epoch (epoch, first_msn, n, 1, kit_append, writer));
}

static CacheReader *
open_reader (const char *dir)
{
  g_autoptr (GError) error = NULL;
  CacheReader *reader = cache_reader_open (dir, KIT_LINK, &error);

  g_assert_no_error (error);
  return reader;
}

/* Asserts that a writer cannot be opened. */
static void
assert_refused (const char *dir, int code, const char *named)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cache_writer_open (dir, KIT_LINK, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, named));
}

static void
test_round_trip (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheReader) reader = NULL;
  const TrackTable *table;
  CacheSegment segment;
  guint32 epoch;
  guint64 msn, time;
  CacheExtent extent;
  ChunkInfo info, wanted;
  GBytes *bytes;

  store_epoch (dir, 3, 10, 5);
  g_assert_cmpuint (kit_check_store (dir), ==, 2 * 5 * KIT_PARTS);

  reader = open_reader (dir);
  table = cache_reader_get_tracks (reader);
  g_assert_cmpuint (track_table_size (table), ==, 2);
  g_assert_cmpstr (track_table_get (table, 1)->name, ==, "audio_0");
  g_assert_false (cache_reader_is_ended (reader));
  g_assert_false (cache_reader_is_incomplete (reader));

  g_assert_true (cache_reader_get_tail (reader, &epoch, &msn, &time));
  g_assert_cmpuint (epoch, ==, 3);
  g_assert_cmpuint (msn, ==, 15);
  g_assert_cmpuint (time, ==, 15 * KIT_PARTS * KIT_PART_TIME);

  g_assert_cmpuint (cache_reader_count_segments (reader, 0), ==, 5);
  g_assert_true (cache_reader_find_segment (reader, 0, 12, &segment));
  g_assert_cmpuint (segment.n_parts, ==, KIT_PARTS);
  g_assert_true (segment.complete && segment.independent);
  g_assert_cmpuint (segment.duration, ==, KIT_PARTS * KIT_PART_TIME);
  g_assert_cmpuint (segment.dts, ==, 12 * KIT_PARTS * KIT_PART_TIME);
  g_assert_false (cache_reader_find_segment (reader, 0, 15, &segment));
  g_assert_false (cache_reader_find_segment (reader, 0, 9, &segment));
  g_assert_false (cache_reader_find_segment (reader, 2, 12, &segment));
  g_assert_cmpuint (cache_reader_lower_bound (reader, 0, 0), ==, 0);
  g_assert_cmpuint (cache_reader_lower_bound (reader, 0, 12), ==, 2);
  g_assert_cmpuint (cache_reader_lower_bound (reader, 0, 99), ==, 5);

  g_assert_true (cache_reader_find_part (reader, 1, 11, 2, &info, &extent));
  bytes = kit_part (&wanted, 1, 3, 11, 2);
  g_assert_cmpmem (&info, sizeof info, &wanted, sizeof wanted);
  g_bytes_unref (bytes);
  g_assert_false (
      cache_reader_find_part (reader, 1, 11, KIT_PARTS, &info, &extent));

  g_assert_true (
      cache_reader_find_init (reader, CHUNK_TRACK_ALL, 3, &info, &extent));
  g_assert_cmpint (info.kind, ==, CHUNK_KIND_JOINT_INIT);
  g_assert_true (cache_reader_find_init (reader, 1, 3, &info, &extent));
  g_assert_false (cache_reader_find_init (reader, 1, 2, &info, &extent));
  g_assert_cmpuint (cache_reader_count_epochs (reader), ==, 1);
  g_assert_true (cache_reader_get_epoch (reader, 0, &epoch, &msn));
  g_assert_cmpuint (msn, ==, 10);
  kit_dir_free (dir);
}

static void
test_modes (void)
{
  char *dir = kit_dir_new ();
  g_autofree char *folder = g_build_filename (dir, KIT_LINK, NULL);
  g_autofree char *index = kit_path (dir, "index");
  struct stat st;

  store_epoch (dir, 0, 0, 1);
  g_assert_cmpint (stat (folder, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07, ==, 0);
  g_assert_cmpint (stat (index, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07, ==, 0);
  kit_dir_free (dir);
}

static void
test_reader_follows_writer (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  CacheReader *reader = open_reader (dir);
  g_autoptr (GError) error = NULL;
  CacheSegment segment;
  guint32 epoch;
  guint64 msn, time;
  ChunkInfo info;
  GBytes *bytes;

  g_assert_false (cache_reader_get_tail (reader, &epoch, &msn, &time));
  g_assert_true (kit_epoch (0, 0, 2, 1, kit_append, writer));
  bytes = kit_part (&info, KIT_VIDEO, 0, 2, 0);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);

  g_assert_true (cache_reader_refresh (reader, &error));
  g_assert_cmpuint (cache_reader_count_segments (reader, 0), ==, 3);
  g_assert_true (cache_reader_get_segment (reader, 0, 2, &segment));
  g_assert_false (segment.complete);
  g_assert_cmpuint (segment.n_parts, ==, 1);
  g_assert_true (cache_reader_is_final (reader, 0, 1));
  g_assert_false (cache_reader_is_final (reader, 0, 2));
  g_assert_false (cache_reader_is_final (reader, 1, 2));

  g_assert_true (cache_writer_end (writer, &error));
  g_assert_true (cache_reader_refresh (reader, &error));
  g_assert_true (cache_reader_is_ended (reader));
  g_assert_true (cache_reader_get_segment (reader, 0, 2, &segment));
  g_assert_true (segment.complete);
  g_assert_true (cache_reader_is_final (reader, 1, 2));

  cache_writer_free (writer);
  cache_reader_free (reader);
  kit_dir_free (dir);
}

/* A track that fell silent holds nothing up for longer than the allowed lag, and
 * what it has to say later is refused. */
static void
test_silent_track (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  CacheReader *reader;
  g_autoptr (GError) error = NULL;
  ChunkInfo info;
  GBytes *bytes;

  g_assert_true (kit_epoch (0, 0, 1, 1, kit_append, writer));
  reader = open_reader (dir);
  for (guint64 msn = 1; msn <= 2 + CACHE_MAX_LAG; msn++) {
    g_assert_false (cache_reader_is_final (reader, KIT_AUDIO, 1));
    bytes = kit_part (&info, KIT_VIDEO, 0, msn, 0);
    kit_append (&info, bytes, writer);
    g_bytes_unref (bytes);
    g_assert_true (cache_reader_refresh (reader, &error));
  }
  g_assert_true (cache_reader_is_final (reader, KIT_AUDIO, 1));
  g_assert_false (cache_reader_is_final (reader, KIT_AUDIO, 2));
  bytes = kit_part (&info, KIT_AUDIO, 0, 1, 0);
  g_assert_false (cache_writer_append (
      writer, &info, g_bytes_get_data (bytes, NULL), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  g_bytes_unref (bytes);
  bytes = kit_part (&info, KIT_AUDIO, 0, 2, 0);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  cache_reader_free (reader);
  kit_dir_free (dir);
}

static void
test_resume (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheReader) reader = NULL;
  CacheSegment segment;
  guint32 epoch;
  guint64 msn;

  store_epoch (dir, 0, 0, 3);
  store_epoch (dir, 1, 3, 2);
  g_assert_cmpuint (kit_check_store (dir), ==, 2 * 5 * KIT_PARTS);
  reader = open_reader (dir);
  g_assert_cmpuint (cache_reader_count_epochs (reader), ==, 2);
  g_assert_true (cache_reader_get_epoch (reader, 1, &epoch, &msn));
  g_assert_cmpuint (epoch, ==, 1);
  g_assert_cmpuint (msn, ==, 3);
  g_assert_true (cache_reader_find_segment (reader, 0, 4, &segment));
  g_assert_cmpuint (segment.epoch, ==, 1);
  kit_dir_free (dir);
}

/* A restarted pipeline may have its tracks in another order. */
static void
test_tracks_by_name (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (TrackTable) table = track_table_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader = NULL;
  CacheWriter *writer;
  const Track *track;
  CacheSegment segment;
  ChunkInfo info;
  GBytes *bytes;
  Track *added;

  store_epoch (dir, 0, 0, 1);
  reader = open_reader (dir);
  added = track_table_add (table, "audio_0", TRACK_AUDIO);
  added->codecs = g_strdup ("opus");
  added->present = TRUE;
  added = track_table_add (table, "audio_9", TRACK_AUDIO);
  added->codecs = g_strdup ("opus");
  added->present = TRUE;
  writer = cache_writer_open (dir, KIT_LINK, &error);
  g_assert_no_error (error);
  g_assert_true (cache_writer_set_tracks (writer, table, &error));
  bytes = kit_track_init (&info, 0, 1, 1, 1);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  bytes = kit_part (&info, 0, 1, 1, 0);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  cache_writer_free (writer);

  /* A reader that was there before sees the new table. */
  g_assert_true (cache_reader_refresh (reader, &error));
  g_assert_true (cache_reader_find_segment (reader, KIT_AUDIO, 1, &segment));
  g_assert_false (cache_reader_find_segment (reader, KIT_VIDEO, 1, &segment));
  g_assert_cmpuint (track_table_size (cache_reader_get_tracks (reader)), ==, 3);
  track = track_table_get (cache_reader_get_tracks (reader), KIT_VIDEO);
  g_assert_false (track->present);
  g_assert_cmpstr (track->codecs, ==, "avc1.64001f");
  track = track_table_get (cache_reader_get_tracks (reader), KIT_AUDIO);
  g_assert_cmpstr (track->codecs, ==, "opus");
  kit_dir_free (dir);
}

static void
assert_not_appended (CacheWriter *writer, const ChunkInfo *info, GBytes *bytes,
    int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cache_writer_append (
      writer, info, g_bytes_get_data (bytes, NULL), &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_reuse_refused (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer;
  ChunkInfo info;
  GBytes *bytes;

  store_epoch (dir, 0, 0, 3);
  writer = kit_open_writer (dir);
  bytes = kit_joint (&info, 0, 0, 1);
  assert_not_appended (writer, &info, bytes, G_IO_ERROR_EXISTS,
      "first-msn=3 epoch=1 first-time=6000000000");
  g_bytes_unref (bytes);
  /* The right epoch with a number that was used. */
  bytes = kit_joint (&info, 1, 2, 1);
  assert_not_appended (writer, &info, bytes, G_IO_ERROR_EXISTS, "first-msn=3");
  g_bytes_unref (bytes);
  /* The right numbers, but time begins again. */
  bytes = kit_joint (&info, 1, 3, 1);
  kit_append (&info, bytes, writer);
  /* Repeated within the run it is no reuse. */
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  bytes = kit_track_init (&info, 0, 1, 3, 1);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  bytes = kit_part (&info, 0, 1, 3, 0);
  info.dts = 0;
  assert_not_appended (
      writer, &info, bytes, G_IO_ERROR_EXISTS, "first-time=6000000000");
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  kit_dir_free (dir);
}

static void
test_end_is_final (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  g_autoptr (GError) error = NULL;
  ChunkInfo info;
  GBytes *bytes;

  g_assert_true (kit_epoch (0, 0, 1, 1, kit_append, writer));
  g_assert_true (cache_writer_end (writer, &error));
  g_assert_true (cache_writer_end (writer, &error));
  bytes = kit_part (&info, 0, 0, 1, 0);
  assert_not_appended (writer, &info, bytes, G_IO_ERROR_CLOSED, "ended");
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  assert_refused (dir, G_IO_ERROR_CLOSED, "ended");
  g_assert_cmpuint (kit_check_store (dir), ==, 2 * KIT_PARTS);
  kit_dir_free (dir);
}

static void
test_two_writers (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);

  assert_refused (dir, G_IO_ERROR_BUSY, "Another writer");
  cache_writer_free (writer);
  cache_writer_free (kit_open_writer (dir));
  kit_dir_free (dir);
}

static void
test_incomplete_survives (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  CacheReader *reader;

  g_assert_true (kit_epoch (0, 0, 1, 1, kit_append, writer));
  g_assert_false (cache_writer_is_incomplete (writer));
  cache_writer_mark_incomplete (writer);
  g_assert_true (cache_writer_is_incomplete (writer));
  /* Nothing is appended after the loss. */
  cache_writer_free (writer);

  reader = open_reader (dir);
  g_assert_true (cache_reader_is_incomplete (reader));
  cache_reader_free (reader);
  writer = kit_open_writer (dir);
  g_assert_true (cache_writer_is_incomplete (writer));
  g_assert_true (kit_epoch (1, 1, 1, 1, kit_append, writer));
  cache_writer_free (writer);
  g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS);
  kit_dir_free (dir);
}

static void
test_foreign (void)
{
  char *dir = kit_dir_new ();
  g_autofree char *folder = g_build_filename (dir, KIT_LINK, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *index = NULL;
  g_autofree guint8 *table = NULL;
  gsize index_size, table_size;

  g_assert_null (cache_reader_open (dir, KIT_LINK, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (cache_reader_open (dir, "../etc", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  /* Somebody's folder. */
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  kit_save (dir, "holiday.jpg", (const guint8 *)"x", 1);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "no index");
  /* Somebody's file. */
  kit_save (dir, "index", (const guint8 *)"Hello, world", 12);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "/index");
  g_assert_null (cache_reader_open (dir, KIT_LINK, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  /* A header's begin, as a kill leaves it. */
  kit_save (dir, "index", (const guint8 *)"WCIX\1", 5);
  store_epoch (dir, 0, 0, 2);

  /* Another version. */
  index = kit_load (dir, "index", &index_size);
  index[4]++;
  kit_save (dir, "index", index, index_size);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "another version");
  index[4]--;
  kit_save (dir, "index", index, index_size);

  table = kit_load (dir, "broadcast.json", &table_size);
  kit_save (dir, "broadcast.json", (const guint8 *)"{}", 2);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "broadcast.json");
  kit_save (dir, "broadcast.json", table, table_size / 2);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "broadcast.json");
  kit_save (dir, "broadcast.json", (const guint8 *)"", 0);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "broadcast.json");
  kit_save (dir, "broadcast.json", table, table_size);
  g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS);
  cache_writer_free (kit_open_writer (dir));
  g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS);
  kit_dir_free (dir);
}

/* A directory, a link or a FIFO where a file should be. */
static void
test_not_a_file (void)
{
  char *dir = kit_dir_new ();
  g_autofree char *folder = g_build_filename (dir, KIT_LINK, NULL);
  g_autofree char *index = kit_path (dir, "index");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_cmpint (mkfifo (index, 0600), ==, 0);
  g_assert_null (cache_reader_open (dir, KIT_LINK, &error));
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "regular file");
  g_assert_cmpint (g_unlink (index), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", index), ==, 0);
  g_clear_error (&error);
  g_assert_null (cache_writer_open (dir, KIT_LINK, &error));
  g_assert_nonnull (error);
  kit_dir_free (dir);
}

/* How many parts there are when record by record is stored. */
static guint
parts_in (const guint8 *index, gsize size)
{
  guint n = 0;

  for (gsize at = CACHE_RECORD_SIZE; at + CACHE_RECORD_SIZE <= size;
       at += CACHE_RECORD_SIZE) {
    CacheRecord record;

    if (cache_record_parse (index + at, &record) &&
        record.info.kind == CHUNK_KIND_MEDIA)
      n++;
  }
  return n;
}

/* Reopens for writing and goes on, and so proves that the store is whole. */
static void
reopen_and_go_on (const char *dir, guint at_least, guint at_most)
{
  guint before, after;

  kit_check_store (dir);
  cache_writer_free (kit_open_writer (dir));
  before = kit_check_store (dir);
  g_assert_cmpuint (before, >=, at_least);
  g_assert_cmpuint (before, <=, at_most);
  store_epoch (dir, 7, 100, 1);
  after = kit_check_store (dir);
  g_assert_cmpuint (after, ==, before + 2 * KIT_PARTS);
}

/* What is cut off by hand needs no disk that is waited for. */
static int
no_sync (int fd)
{
  return 0;
}

typedef struct {
  guint8 *data[G_N_ELEMENTS (data_names)];
  gsize size[G_N_ELEMENTS (data_names)];
} Snapshot;

static void
snapshot_take (Snapshot *snapshot, const char *dir)
{
  cache_io.fdatasync = no_sync;
  for (guint i = 0; i < G_N_ELEMENTS (data_names); i++)
    snapshot->data[i] = kit_load (dir, data_names[i], &snapshot->size[i]);
}

static void
snapshot_restore (const Snapshot *snapshot, const char *dir)
{
  for (guint i = 0; i < G_N_ELEMENTS (data_names); i++)
    kit_save (dir, data_names[i], snapshot->data[i], snapshot->size[i]);
}

static void
snapshot_clear (Snapshot *snapshot)
{
  cache_io.fdatasync = fdatasync;
  for (guint i = 0; i < G_N_ELEMENTS (data_names); i++)
    g_free (snapshot->data[i]);
}

/* The index cut at any byte: what a whole record says is kept. */
static void
test_cut_index_anywhere (void)
{
  char *dir = kit_dir_new ();
  Snapshot snapshot;

  store_epoch (dir, 0, 0, 3);
  snapshot_take (&snapshot, dir);
  for (gsize cut = 0; cut < 3 * CACHE_RECORD_SIZE; cut++) {
    gsize size = snapshot.size[0] - cut;
    guint n = parts_in (snapshot.data[0], size);

    snapshot_restore (&snapshot, dir);
    kit_save (dir, "index", snapshot.data[0], size);
    reopen_and_go_on (dir, n, n);
  }
  snapshot_clear (&snapshot);
  kit_dir_free (dir);
}

/* Data cut at any byte of its last parts, as a power cut may leave it: what
 * comes before in the index is kept. */
static void
test_cut_data_anywhere (void)
{
  char *dir = kit_dir_new ();
  Snapshot snapshot;
  guint all;

  store_epoch (dir, 0, 0, 5);
  snapshot_take (&snapshot, dir);
  all = parts_in (snapshot.data[0], snapshot.size[0]);
  for (guint i = 1; i <= 2; i++)
    for (gsize cut = 1; cut < 400; cut += 5) {
      snapshot_restore (&snapshot, dir);
      kit_save (dir, data_names[i], snapshot.data[i], snapshot.size[i] - cut);
      /* At least three segments are older than what is in doubt. */
      reopen_and_go_on (dir, 2 * 3 * KIT_PARTS, all - 1);
    }
  snapshot_clear (&snapshot);
  kit_dir_free (dir);
}

/* A byte of the last records or of the last data is wrong. */
static void
test_corrupt_tail (void)
{
  char *dir = kit_dir_new ();
  Snapshot snapshot;
  guint all;

  store_epoch (dir, 0, 0, 5);
  snapshot_take (&snapshot, dir);
  all = parts_in (snapshot.data[0], snapshot.size[0]);
  for (guint i = 0; i <= 2; i++)
    for (gsize back = 1; back < 500; back += 11) {
      guint8 *byte = &snapshot.data[i][snapshot.size[i] - back];

      *byte ^= 0x55;
      snapshot_restore (&snapshot, dir);
      *byte ^= 0x55;
      /* Only the writer compares the data with its CRC. */
      cache_writer_free (kit_open_writer (dir));
      reopen_and_go_on (dir, 2 * 3 * KIT_PARTS, all - 1);
    }
  snapshot_clear (&snapshot);
  kit_dir_free (dir);
}

/* Damage far from the end costs what it hits. */
static void
test_corrupt_middle (void)
{
  char *dir = kit_dir_new ();
  g_autofree guint8 *index = NULL;
  CacheReader *reader;
  gsize size;

  store_epoch (dir, 0, 0, 20);
  index = kit_load (dir, "index", &size);
  index[CACHE_RECORD_SIZE * 21] ^= 1; /* segment 2, part 0, audio */
  kit_save (dir, "index", index, size);
  reader = open_reader (dir);
  g_assert_true (cache_reader_is_incomplete (reader));
  g_assert_cmpuint (cache_reader_count_segments (reader, KIT_VIDEO), ==, 20);
  g_assert_cmpuint (cache_reader_count_segments (reader, KIT_AUDIO), ==, 19);
  cache_reader_free (reader);
  reopen_and_go_on (dir, 39 * KIT_PARTS, 39 * KIT_PARTS);

  /* Data of long ago is missing: to write on would make a hole. */
  kit_save (dir, "video_0.cmaf", (const guint8 *)"x", 1);
  assert_refused (dir, G_IO_ERROR_INVALID_DATA, "video_0.cmaf");
  reader = open_reader (dir);
  g_assert_cmpuint (cache_reader_count_segments (reader, KIT_VIDEO), ==, 0);
  g_assert_cmpuint (cache_reader_count_segments (reader, KIT_AUDIO), ==, 20);
  cache_reader_free (reader);
  kit_dir_free (dir);
}

/* Faults */

static guint64 room; /* bytes that the disk still takes */
static guint n_syncs;
static int sync_error;

static ssize_t
full_pwrite (int fd, const void *data, size_t size, off_t offset)
{
  ssize_t n = MIN (size, room);

  if (n == 0) {
    errno = ENOSPC;
    return -1;
  }
  room -= n;
  return pwrite (fd, data, n, offset);
}

static int
counting_fdatasync (int fd)
{
  n_syncs++;
  if (sync_error != 0) {
    errno = sync_error;
    return -1;
  }
  return fdatasync (fd);
}

static void
test_disk_full (void)
{
  const CacheIo real = cache_io;
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  ChunkInfo info;
  GBytes *bytes;

  g_assert_true (kit_epoch (0, 0, 2, 1, kit_append, writer));
  cache_io.pwrite = full_pwrite;
  bytes = kit_part (&info, KIT_VIDEO, 0, 2, 0);
  /* Full before, within and right after the data, within the record. */
  for (room = 0; room < info.size + CACHE_RECORD_SIZE;) {
    guint64 tried = room;

    assert_not_appended (
        writer, &info, bytes, G_IO_ERROR_NO_SPACE, "No space left");
    g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS);
    room = tried + 11;
  }
  /* The disk has room again, and the writer goes on with the same part. */
  cache_io = real;
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS + 1);
  cache_writer_free (kit_open_writer (dir));
  g_assert_cmpuint (kit_check_store (dir), ==, 4 * KIT_PARTS + 1);
  kit_dir_free (dir);
}

static void
test_syncs (void)
{
  const CacheIo real = cache_io;
  char *dir = kit_dir_new ();
  CacheWriter *writer;
  ChunkInfo info;
  GBytes *bytes;
  guint before;

  cache_io.fdatasync = counting_fdatasync;
  n_syncs = 0;
  writer = kit_open_writer (dir);
  bytes = kit_joint (&info, 0, 0, 1);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  bytes = kit_track_init (&info, 0, 0, 0, 1);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  g_assert_cmpuint (n_syncs, ==, 0);

  /* The epoch is durable before its first part: init.mp4, video, index. */
  bytes = kit_part (&info, 0, 0, 0, 0);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  g_assert_cmpuint (n_syncs, ==, 3);
  for (guint part = 1; part < KIT_PARTS; part++) {
    before = n_syncs;
    bytes = kit_part (&info, 0, 0, 0, part);
    kit_append (&info, bytes, writer);
    g_bytes_unref (bytes);
    g_assert_cmpuint (n_syncs, ==, before + (info.last ? 2 : 0));
  }
  /* A segment that turned out to be whole only now is synced first, and if it
   * cannot be, nothing is stored after it. */
  bytes = kit_part (&info, 0, 0, 1, 0);
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  bytes = kit_part (&info, 0, 0, 2, 0);
  sync_error = EIO;
  assert_not_appended (writer, &info, bytes, G_IO_ERROR_FAILED, "error");
  sync_error = 0;
  kit_append (&info, bytes, writer);
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  g_assert_cmpuint (kit_check_store (dir), ==, KIT_PARTS + 2);
  cache_io = real;
  kit_dir_free (dir);
}

/* What cannot be placed costs itself only. */
static void
test_gaps (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  ChunkInfo info;
  GBytes *bytes;

  bytes = kit_part (&info, 0, 0, 0, 0);
  assert_not_appended (
      writer, &info, bytes, G_IO_ERROR_PARTIAL_INPUT, "no init");
  g_bytes_unref (bytes);
  g_assert_true (kit_epoch (0, 0, 1, 1, kit_append, writer));
  bytes = kit_part (&info, 0, 0, 1, 1);
  assert_not_appended (
      writer, &info, bytes, G_IO_ERROR_PARTIAL_INPUT, "follows");
  info.track = 5;
  assert_not_appended (
      writer, &info, bytes, G_IO_ERROR_INVALID_ARGUMENT, "table");
  g_bytes_unref (bytes);
  cache_writer_free (writer);
  g_assert_cmpuint (kit_check_store (dir), ==, 2 * KIT_PARTS);
  kit_dir_free (dir);
}

static void
test_cleared (void)
{
  char *dir = kit_dir_new ();
  g_autofree char *index = kit_path (dir, "index");
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  store_epoch (dir, 0, 0, 1);
  reader = open_reader (dir);
  g_assert_cmpint (g_unlink (index), ==, 0);
  g_assert_false (cache_reader_refresh (reader, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpuint (cache_reader_count_segments (reader, 0), ==, 1);
  kit_dir_free (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cachestore/round-trip", test_round_trip);
  g_test_add_func ("/cachestore/modes", test_modes);
  g_test_add_func ("/cachestore/follow", test_reader_follows_writer);
  g_test_add_func ("/cachestore/silent-track", test_silent_track);
  g_test_add_func ("/cachestore/resume", test_resume);
  g_test_add_func ("/cachestore/tracks-by-name", test_tracks_by_name);
  g_test_add_func ("/cachestore/reuse", test_reuse_refused);
  g_test_add_func ("/cachestore/end", test_end_is_final);
  g_test_add_func ("/cachestore/two-writers", test_two_writers);
  g_test_add_func ("/cachestore/incomplete", test_incomplete_survives);
  g_test_add_func ("/cachestore/foreign", test_foreign);
  g_test_add_func ("/cachestore/not-a-file", test_not_a_file);
  g_test_add_func ("/cachestore/cut-index", test_cut_index_anywhere);
  g_test_add_func ("/cachestore/cut-data", test_cut_data_anywhere);
  g_test_add_func ("/cachestore/corrupt-tail", test_corrupt_tail);
  g_test_add_func ("/cachestore/corrupt-middle", test_corrupt_middle);
  g_test_add_func ("/cachestore/disk-full", test_disk_full);
  g_test_add_func ("/cachestore/syncs", test_syncs);
  g_test_add_func ("/cachestore/gaps", test_gaps);
  g_test_add_func ("/cachestore/cleared", test_cleared);
  return g_test_run ();
}
