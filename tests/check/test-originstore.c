/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The origin over a store: what left memory, restarts, recordings. */

#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>

#include "appendledger.h"
#include "cachewriter.h"
#include "origintest.h"

#define VIDEO "/live/game/video_0/"
#define AUDIO "/live/game/audio_0/"
#define NS_PER_S G_GUINT64_CONSTANT (1000000000)

typedef struct {
  char *dir;
  CacheWriter *writer;
  Origin *origin;
  guint16 port;
} Fixture;

static void
start_origin (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->origin = origin_acquire ("127.0.0.1", 0, &error);
  g_assert_no_error (error);
  f->port = origin_get_port (f->origin);
  g_assert_true (origin_set_cache_dir (f->origin, f->dir, &error));
  g_assert_no_error (error);
}

static void
open_writer (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrackTable) table = test_table (TRUE);

  f->writer = cache_writer_open (f->dir, "game", &error);
  g_assert_no_error (error);
  cache_writer_set_tracks (f->writer, table, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("wishcast-origin-XXXXXX", &error);
  g_assert_no_error (error);
  open_writer (f);
  start_origin (f);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_remove (path);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  cache_writer_free (f->writer);
  origin_unref (f->origin);
  remove_tree (f->dir);
  g_free (f->dir);
}

static void
store (Fixture *f, ChunkInfo info)
{
  g_autoptr (GBytes) bytes = test_bytes (&info);
  g_autoptr (GError) error = NULL;

  info.size = g_bytes_get_size (bytes);
  cache_writer_append (
      f->writer, &info, g_bytes_get_data (bytes, NULL), &error);
  g_assert_no_error (error);
}

static void
store_epoch (
    Fixture *f, guint32 epoch, guint64 first, guint64 n, gboolean has_audio)
{
  for (guint track = TEST_VIDEO; track <= TEST_AUDIO; track++) {
    ChunkInfo init = test_info (track, epoch, first, 0);

    init.kind = CHUNK_KIND_INIT;
    if (track == TEST_VIDEO || has_audio)
      store (f, init);
  }
  for (guint64 msn = first; msn < first + n; msn++)
    for (guint part = 0; part < TEST_PARTS; part++) {
      store (f, test_info (TEST_VIDEO, epoch, msn, part));
      if (has_audio)
        store (f, test_info (TEST_AUDIO, epoch, msn, part));
    }
}

static void
end_store (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  cache_writer_end (f->writer, &error);
  g_assert_no_error (error);
}

static OriginBroadcast *
publish (Fixture *f, guint64 dvr_window)
{
  OriginWindow window = {2 * NS_PER_S, dvr_window, NS_PER_S / 4};
  g_autoptr (GError) error = NULL;
  OriginBroadcast *broadcast =
      origin_publish (f->origin, "game", &window, &error);

  g_assert_no_error (error);
  return broadcast;
}

static char *
get_text (Fixture *f, const char *path)
{
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, 200);
  return http_reply_text (reply);
}

static void
assert_lists (Fixture *f, const char *path, const char *what, guint times)
{
  g_autofree char *text = get_text (f, path);

  if (test_count (text, what) != times)
    g_test_message ("%s", text);
  g_assert_cmpuint (test_count (text, what), ==, times);
}

static void
assert_status (Fixture *f, const char *path, guint status)
{
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, status);
}

static void
assert_is_chunk (Fixture *f, const char *path, ChunkInfo info)
{
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);
  g_autoptr (GBytes) expected = test_bytes (&info);

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_true (g_bytes_equal (reply->body, expected));
}

static void
test_recording (Fixture *f, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autoptr (HttpReply) reply = NULL;
  ChunkInfo init = test_info (TEST_AUDIO, 0, 0, 0);

  store_epoch (f, 0, 0, 2, TRUE);
  store_epoch (f, 1, 2, 2, FALSE);
  end_store (f);
  text = get_text (f, VIDEO "index.m3u8");
  g_assert_cmpuint (test_count (text, "#EXTINF:2.000000,\n"), ==, 4);
  g_assert_cmpuint (test_count (text, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  g_assert_cmpuint (test_count (text, "#EXT-X-MAP:"), ==, 2);
  g_assert_cmpuint (test_count (text, "PLAYLIST-TYPE:VOD\n"), ==, 1);
  g_assert_cmpuint (test_count (text, "#EXT-X-PART"), ==, 0);
  g_assert_true (g_str_has_suffix (text, "1-3.m4s\n#EXT-X-ENDLIST\n"));
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-GAP\n", 2);
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 1);
  assert_lists (f, "/live/game/master.m3u8", "RESOLUTION=1280x720", 1);

  assert_is_chunk (f, VIDEO "1-3.2.m4s", test_info (TEST_VIDEO, 1, 3, 2));
  init.kind = CHUNK_KIND_INIT;
  assert_is_chunk (f, AUDIO "init-0.mp4", init);
  assert_status (f, AUDIO "1-2.m4s", 404);
  assert_status (f, VIDEO "0-3.m4s", 404);
  assert_status (f, VIDEO "0-3.1.m4s", 404);
  assert_status (f, "/live/game/nothing/index.m3u8", 404);
  reply = http_get (f->port, VIDEO "index.m3u8", NULL);
  g_assert_cmpstr (
      http_reply_header (reply, "cache-control"), ==, "max-age=300");
}

static void
test_range_of_file (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) all = NULL;
  g_autoptr (HttpReply) some = NULL;
  g_autoptr (HttpReply) head = NULL;
  const char *bytes;
  gsize size;

  store_epoch (f, 0, 0, 3, TRUE);
  end_store (f);
  all = http_get (f->port, VIDEO "0-1.m4s", NULL);
  bytes = g_bytes_get_data (all->body, &size);
  some = http_get (f->port, VIDEO "0-1.m4s", "Range: bytes=-1000\r\n");
  g_assert_cmpuint (some->status, ==, 206);
  g_assert_cmpmem (g_bytes_get_data (some->body, NULL),
      g_bytes_get_size (some->body), bytes + size - 1000, 1000);
  head = http_call (f->port, "HEAD", VIDEO "0-1.m4s", NULL);
  g_assert_cmpstr (http_reply_header (head, "content-length"), ==,
      http_reply_header (all, "content-length"));
}

/* The same bytes and the same validator, from memory and from the store. */
static void
test_memory_then_store (Fixture *f, gconstpointer unused)
{
  OriginBroadcast *broadcast = publish (f, 300 * NS_PER_S);
  g_autoptr (TrackTable) table = test_table (TRUE);
  g_autoptr (HttpReply) before = NULL;
  g_autoptr (HttpReply) after = NULL;
  OriginStats stats;

  origin_broadcast_set_tracks (broadcast, table);
  append_ledger_hold ("game");
  for (guint64 msn = 0; msn < 20; msn++) {
    if (msn == 0)
      store_epoch (f, 0, 0, 20, TRUE);
    for (guint part = 0; part < TEST_PARTS; part++) {
      ChunkInfo info = test_info (TEST_VIDEO, 0, msn, part);

      test_push (broadcast, TEST_VIDEO, 0, msn, part);
      append_ledger_appended ("game", &info);
    }
    if (msn == 0)
      before = http_get (f->port, VIDEO "0-0.m4s", NULL);
  }
  origin_broadcast_get_stats (broadcast, &stats);
  g_assert_cmpuint (stats.parts, ==, 20 * TEST_PARTS);
  g_assert_cmpuint (stats.parts_not_stored, ==, 0);
  after = http_get (f->port, VIDEO "0-0.m4s", NULL);
  g_assert_cmpuint (before->status, ==, 200);
  g_assert_cmpuint (after->status, ==, 200);
  g_assert_true (g_bytes_equal (before->body, after->body));
  g_assert_cmpstr (http_reply_header (before, "etag"), ==,
      http_reply_header (after, "etag"));
  assert_is_chunk (f, VIDEO "0-0.1.m4s", test_info (TEST_VIDEO, 0, 0, 1));
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 20);
  append_ledger_release ("game");
  origin_broadcast_leave (broadcast, 0);
}

static void
test_restart (Fixture *f, gconstpointer unused)
{
  OriginBroadcast *broadcast;
  g_autoptr (TrackTable) table = test_table (TRUE);

  store_epoch (f, 0, 0, 3, TRUE);
  store_epoch (f, 1, 3, 20, TRUE);
  broadcast = publish (f, 10 * NS_PER_S);
  origin_broadcast_set_tracks (broadcast, table);
  store_epoch (f, 2, 23, 1, TRUE); /* the store may be ahead of the origin */
  test_push_init (broadcast, TEST_VIDEO, 2, 23);
  test_push_init (broadcast, TEST_AUDIO, 2, 23);
  test_push (broadcast, TEST_VIDEO, 2, 23, 0);
  assert_lists (f, VIDEO "index.m3u8", "MEDIA-SEQUENCE:16\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "DISCONTINUITY-SEQUENCE:1\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 7);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 1);
  assert_lists (f, AUDIO "index.m3u8", "MEDIA-SEQUENCE:16\n", 1);
  assert_lists (f, AUDIO "index.m3u8", "#EXTINF", 7);
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-GAP", 0);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-PART:", 1);
  assert_is_chunk (f, VIDEO "1-20.3.m4s", test_info (TEST_VIDEO, 1, 20, 3));
  origin_broadcast_leave (broadcast, 0);
}

/* Back on air before any publisher is. */
static void
test_reattach (Fixture *f, gconstpointer unused)
{
  OriginBroadcast *broadcast;
  g_autoptr (TrackTable) table = test_table (TRUE);

  store_epoch (f, 0, 0, 3, TRUE);
  origin_broadcast_leave (publish (f, 300 * NS_PER_S), 100 * NS_PER_S);
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 3);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 0);
  assert_lists (f, "/live/game/master.m3u8", "RESOLUTION=1280x720", 1);
  broadcast = publish (f, 300 * NS_PER_S);
  origin_broadcast_set_tracks (broadcast, table);
  test_push (broadcast, TEST_VIDEO, 1, 3, 0);
  assert_lists (f, VIDEO "index.m3u8", "URI=\"1-3.0.m4s\"", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 1);
  origin_broadcast_leave (broadcast, 0);
}

static void
test_unknown_links (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  guint n = g_test_slow () ? 1000000 : 20000;
  gsize before = 0;

  for (guint i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf ("/live/unknown-%u/master.m3u8", i);
    g_autoptr (HttpReply) reply = NULL;

    http_client_get (client, path);
    reply = http_client_read (client, TRUE);
    g_assert_cmpuint (reply->status, ==, 404);
    if (i == n / 10)
      before = mallinfo2 ().uordblks;
  }
  g_assert_cmpuint (mallinfo2 ().uordblks, <=, before + 64 * 1024);
}

static void
test_cleared_link (Fixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->dir, "other", NULL);

  assert_status (f, "/live/other/master.m3u8", 404);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0); /* no store in there */
  assert_status (f, "/live/other/master.m3u8", 404);
  assert_status (f, "/live/other/video_0/0-0.m4s", 404);
}

/* What a reader still has of it is not served any more. */
static void
test_forgotten (Fixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->dir, "game", NULL);

  store_epoch (f, 0, 0, 3, TRUE);
  end_store (f);
  g_assert_cmpint (origin_get_last_read (f->origin, "game"), ==, 0);
  assert_status (f, VIDEO "0-0.m4s", 200);
  g_assert_cmpint (origin_get_last_read (f->origin, "game"), >, 0);
  g_assert_cmpint (origin_get_last_read (f->origin, "other"), ==, 0);
  assert_status (f, VIDEO "index.m3u8", 200);
  remove_tree (path);
  assert_status (f, VIDEO "index.m3u8", 200);
  origin_forget (f->origin, "game");
  g_assert_cmpint (origin_get_last_read (f->origin, "game"), ==, 0);
  assert_status (f, "/live/game/master.m3u8", 404);
  assert_status (f, VIDEO "index.m3u8", 404);
  assert_status (f, VIDEO "0-0.m4s", 404);
}

/* One that is on air is read, and stays; one that has ended goes, though memory
 * has its last minute. */
static void
test_forgotten_on_air (Fixture *f, gconstpointer unused)
{
  g_autoptr (TrackTable) table = test_table (TRUE);
  g_autofree char *path = g_build_filename (f->dir, "game", NULL);
  OriginBroadcast *broadcast = publish (f, 300 * NS_PER_S);

  origin_broadcast_set_tracks (broadcast, table);
  test_push_init (broadcast, TEST_VIDEO, 0, 0);
  test_push_init (broadcast, TEST_AUDIO, 0, 0);
  test_push_segments (broadcast, 0, 0, 3, TRUE);
  g_assert_cmpint (origin_get_last_read (f->origin, "game"), >, 0);
  origin_forget (f->origin, "game");
  assert_status (f, VIDEO "index.m3u8", 200);
  origin_broadcast_leave (broadcast, 0);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 1);
  remove_tree (path);
  origin_forget (f->origin, "game");
  assert_status (f, VIDEO "index.m3u8", 404);
  assert_status (f, "/live/game/master.m3u8", 404);
  g_assert_cmpint (origin_get_last_read (f->origin, "game"), ==, 0);
}

static void
test_other_dir (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (origin_set_cache_dir (f->origin, f->dir, &error));
  g_assert_false (origin_set_cache_dir (f->origin, "/elsewhere", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                        \
  g_test_add ("/originstore/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("recording", test_recording);
  ADD ("range-of-file", test_range_of_file);
  ADD ("memory-then-store", test_memory_then_store);
  ADD ("restart", test_restart);
  ADD ("reattach", test_reattach);
  ADD ("unknown-links", test_unknown_links);
  ADD ("cleared-link", test_cleared_link);
  ADD ("forgotten", test_forgotten);
  ADD ("forgotten-on-air", test_forgotten_on_air);
  ADD ("other-dir", test_other_dir);
  return g_test_run ();
}
