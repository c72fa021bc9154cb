/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The origin as a player sees it: real sockets, synthetic chunks. */

#include <string.h>

#include "appendledger.h"
#include "origintest.h"

#define VIDEO "/live/game/video_0/"
#define AUDIO "/live/game/audio_0/"
#define NS_PER_S G_GUINT64_CONSTANT (1000000000)

typedef struct {
  Origin *origin;
  OriginBroadcast *broadcast;
  guint16 port;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  f->origin = origin_acquire ("127.0.0.1", 0, &error);
  g_assert_no_error (error);
  f->port = origin_get_port (f->origin);
  f->broadcast = test_publish (f->origin, "game");
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  if (f->broadcast != NULL)
    origin_broadcast_leave (f->broadcast, 0);
  g_clear_pointer (&f->origin, origin_unref);
}

static void
leave (Fixture *f, guint64 resume_window)
{
  origin_broadcast_leave (g_steal_pointer (&f->broadcast), resume_window);
}

static char *
get_text (Fixture *f, const char *path)
{
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, 200);
  return http_reply_text (reply);
}

static void
assert_status (Fixture *f, const char *path, guint status)
{
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, status);
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
assert_is_chunk (HttpReply *reply, ChunkInfo info)
{
  g_autoptr (GBytes) expected = test_bytes (&info);

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_true (g_bytes_equal (reply->body, expected));
}

/* --- playlists ------------------------------------------------------------ */

static void
test_progress (Fixture *f, gconstpointer unused)
{
  g_autofree char *first = NULL;

  assert_status (f, VIDEO "index.m3u8", 404);
  assert_status (f, "/live/game/master.m3u8", 404);
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  first = get_text (f, VIDEO "index.m3u8");
  g_assert_cmpstr (first, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:9\n"
      "#EXT-X-TARGETDURATION:4\n"
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500000,"
      "HOLD-BACK=12\n"
      "#EXT-X-PART-INF:PART-TARGET=0.500000\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"0-0.0.m4s\",INDEPENDENT=YES\n"
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0-0.1.m4s\"\n");
  /* A player reads it once: not before it can name the sound as well. */
  assert_status (f, "/live/game/master.m3u8", 404);
  test_push (f->broadcast, TEST_AUDIO, 0, 0, 0);
  assert_lists (f, "/live/game/master.m3u8", "TYPE=AUDIO", 1);
  test_push_segments (f->broadcast, 0, 1, 1, FALSE);
  assert_lists (f, VIDEO "index.m3u8", "TYPE=PART,URI=\"0-2.0.m4s\"\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF:2.000000,\n0-1.m4s\n", 1);
}

static void
test_window_slides (Fixture *f, gconstpointer unused)
{
  test_push_segments (f->broadcast, 0, 0, 30, TRUE);
  /* 12 s, and never less than three target durations behind the newest. */
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 7);
  assert_lists (f, AUDIO "index.m3u8", "#EXTINF", 7);
  assert_lists (f, VIDEO "index.m3u8", "MEDIA-SEQUENCE:23\n", 1);
  assert_lists (f, AUDIO "index.m3u8", "MEDIA-SEQUENCE:23\n", 1);
  /* The hint opens a third. */
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-PART:", 2 * TEST_PARTS);
  /* Removed, but still there for a playlist and its own duration. */
  assert_status (f, VIDEO "0-22.m4s", 200);
  assert_status (f, VIDEO "0-16.3.m4s", 200);
  assert_status (f, VIDEO "0-10.m4s", 404);
}

static void
test_multivariant (Fixture *f, gconstpointer unused)
{
  g_autofree char *text = NULL;

  test_push_segments (f->broadcast, 0, 0, 2, TRUE);
  text = get_text (f, "/live/game/master.m3u8");
  g_assert_nonnull (strstr (text, "CODECS=\"avc1.640020,mp4a.40.2\""));
  g_assert_nonnull (strstr (text, "video_0/index.m3u8\n"));
  g_assert_nonnull (strstr (text, "URI=\"audio_0/index.m3u8\""));
}

static void
test_gap (Fixture *f, gconstpointer unused)
{
  g_autoptr (TrackTable) without = test_table (FALSE);
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;

  test_push_segments (f->broadcast, 0, 0, 2, TRUE);
  test_push (f->broadcast, TEST_VIDEO, 0, 2, 0);
  http_client_get (client, AUDIO "index.m3u8?_HLS_msn=2");
  origin_broadcast_set_tracks (f->broadcast, without);
  for (guint part = 1; part < TEST_PARTS; part++)
    test_push (f->broadcast, TEST_VIDEO, 0, 2, part);
  reply = http_client_read (client, TRUE);
  g_assert_cmpuint (reply->status, ==, 200);
  assert_lists (
      f, AUDIO "index.m3u8", "#EXT-X-GAP\n#EXTINF:2.000000,\n0-2.m4s\n", 1);
  assert_status (f, AUDIO "0-2.m4s", 404);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-GAP", 0);
}

static void
test_discontinuity (Fixture *f, gconstpointer unused)
{
  test_push_segments (f->broadcast, 0, 0, 3, TRUE);
  test_push_init (f->broadcast, TEST_VIDEO, 1, 3);
  test_push_init (f->broadcast, TEST_AUDIO, 1, 3);
  test_push_segments (f->broadcast, 1, 3, 3, TRUE);
  assert_lists (f, VIDEO "index.m3u8",
      "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-1.mp4\"\n", 1);
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "DISCONTINUITY-SEQUENCE:0\n", 1);
  assert_status (f, VIDEO "init-0.mp4", 200);

  test_push_segments (f->broadcast, 1, 6, 4, TRUE);
  /* The segment behind the discontinuity is now the first one. */
  assert_lists (f, VIDEO "index.m3u8", "MEDIA-SEQUENCE:3\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "DISCONTINUITY-SEQUENCE:0\n", 1);
  test_push_segments (f->broadcast, 1, 10, 1, TRUE);
  assert_lists (f, VIDEO "index.m3u8", "DISCONTINUITY-SEQUENCE:1\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 0);
  assert_lists (f, AUDIO "index.m3u8", "DISCONTINUITY-SEQUENCE:1\n", 1);
}

static void
test_wrong_order (Fixture *f, gconstpointer unused)
{
  OriginStats stats;

  test_push_segments (f->broadcast, 0, 5, 2, TRUE);
  test_push (f->broadcast, TEST_VIDEO, 0, 4, 0); /* back */
  test_push (f->broadcast, TEST_VIDEO, 0, 6, 3); /* complete */
  test_push (f->broadcast, TEST_VIDEO, 0, 7, 1); /* part 0 is missing */
  test_push (f->broadcast, 9, 0, 7, 0);          /* no such track */
  test_push (f->broadcast, TEST_VIDEO, 0, 700000, 0);
  origin_broadcast_get_stats (f->broadcast, &stats);
  g_assert_cmpuint (stats.dropped, ==, 5);
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 2);
}

/* --- blocking --------------------------------------------------------------- */

static void
test_blocking_reload (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  http_client_get (client, VIDEO "index.m3u8?_HLS_msn=0&_HLS_part=2");
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 1);
  assert_status (f, VIDEO "0-0.1.m4s", 200);
  g_assert_true (http_client_is_silent (client));
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 2);
  reply = http_client_read (client, TRUE);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpstr (
      http_reply_header (reply, "cache-control"), ==, "max-age=24");
  text = http_reply_text (reply);
  g_assert_nonnull (strstr (text, "0-0.2.m4s"));
}

static void
test_blocking_segment (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) whole = http_client_open (f->port);
  g_autoptr (HttpClient) beyond = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;
  g_autoptr (HttpReply) next = NULL;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  http_client_get (whole, VIDEO "index.m3u8?_HLS_msn=0");
  /* A part beyond the last of a segment is the first of the next one. */
  http_client_get (beyond, VIDEO "index.m3u8?_HLS_msn=0&_HLS_part=4");
  for (guint part = 1; part < TEST_PARTS; part++)
    test_push (f->broadcast, TEST_VIDEO, 0, 0, part);
  reply = http_client_read (whole, TRUE);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_true (http_client_is_silent (beyond));
  test_push (f->broadcast, TEST_VIDEO, 0, 1, 0);
  next = http_client_read (beyond, TRUE);
  g_assert_cmpuint (next->status, ==, 200);
}

static void
test_old_msn (Fixture *f, gconstpointer unused)
{
  test_push_segments (f->broadcast, 0, 0, 20, FALSE);
  assert_lists (f, VIDEO "index.m3u8?_HLS_msn=0", "#EXTINF", 7);
  assert_lists (f, VIDEO "index.m3u8?_HLS_msn=3&_HLS_part=99", "#EXTINF", 7);
}

static void
test_bad_directives (Fixture *f, gconstpointer unused)
{
  test_push_segments (f->broadcast, 0, 0, 2, FALSE);
  assert_status (f, VIDEO "index.m3u8?_HLS_part=0", 400);
  assert_status (f, VIDEO "index.m3u8?_HLS_msn=abc", 400);
  assert_status (f, VIDEO "index.m3u8?_HLS_msn=4", 400);
  assert_status (f, VIDEO "index.m3u8?_HLS_msn=18446744073709551615", 400);
  assert_status (f, VIDEO "index.m3u8?_HLS_msn=2&_HLS_part=6", 400);
}

static void
test_hint_blocks (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  http_client_get (client, VIDEO "0-0.1.m4s");
  assert_status (f, VIDEO "0-0.2.m4s", 404);
  g_assert_true (http_client_is_silent (client));
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 1);
  reply = http_client_read (client, TRUE);
  assert_is_chunk (reply, test_info (TEST_VIDEO, 0, 0, 1));
}

static void
test_hint_that_never_was (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  http_client_get (client, VIDEO "0-0.1.m4s");
  test_push (f->broadcast, TEST_VIDEO, 0, 1, 0);
  reply = http_client_read (client, TRUE);
  g_assert_cmpuint (reply->status, ==, 404);
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
}

static void
test_blocking_times_out (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) origin = origin_acquire ("127.0.0.1", 0, &error);
  g_autoptr (TrackTable) table = test_table (TRUE);
  OriginWindow window = {NS_PER_S, NS_PER_S, 0};
  OriginBroadcast *broadcast;
  g_autoptr (HttpReply) reply = NULL;

  g_assert_no_error (error);
  table->max_segment_duration = NS_PER_S; /* waits three seconds */
  broadcast = origin_publish (origin, "game", &window, &error);
  g_assert_no_error (error);
  origin_broadcast_set_tracks (broadcast, table);
  test_push (broadcast, TEST_VIDEO, 0, 0, 0);
  reply =
      http_get (origin_get_port (origin), VIDEO "index.m3u8?_HLS_msn=0", NULL);
  g_assert_cmpuint (reply->status, ==, 503);
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
  origin_broadcast_leave (broadcast, 0);
}

static void
test_stop_while_blocked (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  http_client_get (client, VIDEO "index.m3u8?_HLS_msn=1");
  assert_status (f, VIDEO "0-0.0.m4s", 200);
  leave (f, NS_PER_S * 100);
  g_clear_pointer (&f->origin, origin_unref);
  g_assert_true (http_client_is_closed (client));
}

/* --- media ------------------------------------------------------------------ */

static void
test_media (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) segment = NULL;
  g_autoptr (HttpReply) init = NULL;
  g_autoptr (GByteArray) whole = g_byte_array_new ();
  ChunkInfo info = test_info (TEST_AUDIO, 0, 0, 0);

  test_push_segments (f->broadcast, 0, 0, 1, TRUE);
  segment = http_get (f->port, VIDEO "0-0.m4s", NULL);
  for (guint part = 0; part < TEST_PARTS; part++) {
    ChunkInfo chunk = test_info (TEST_VIDEO, 0, 0, part);
    g_autoptr (GBytes) bytes = test_bytes (&chunk);

    g_byte_array_append (
        whole, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
  g_assert_cmpmem (g_bytes_get_data (segment->body, NULL),
      g_bytes_get_size (segment->body), whole->data, whole->len);
  g_assert_cmpstr (
      http_reply_header (segment, "content-type"), ==, "video/mp4");
  g_assert_cmpstr (http_reply_header (segment, "cache-control"), ==,
      "public, max-age=1209600, immutable");
  g_assert_cmpstr (
      http_reply_header (segment, "access-control-allow-origin"), ==, "*");

  info.kind = CHUNK_KIND_INIT;
  init = http_get (f->port, AUDIO "init-0.mp4", NULL);
  assert_is_chunk (init, info);
  g_assert_cmpstr (http_reply_header (init, "content-type"), ==, "audio/mp4");
  assert_status (f, AUDIO "init-1.mp4", 404);
  assert_status (f, AUDIO "1-0.m4s", 404);
  assert_status (f, AUDIO "1-0.0.m4s", 404);
  assert_status (f, "/live/game/nothing/0-0.m4s", 404);
}

static void
test_range (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) all = NULL;
  g_autoptr (HttpReply) some = NULL;
  g_autoptr (HttpReply) beyond = NULL;
  g_autoptr (HttpReply) changed = NULL;
  g_autofree char *expected = NULL;
  gsize size;
  const char *bytes;

  test_push_segments (f->broadcast, 0, 0, 1, FALSE);
  all = http_get (f->port, VIDEO "0-0.m4s", NULL);
  bytes = g_bytes_get_data (all->body, &size);
  /* Across the border of two parts. */
  some = http_get (f->port, VIDEO "0-0.m4s", "Range: bytes=100-2999\r\n");
  g_assert_cmpuint (some->status, ==, 206);
  g_assert_cmpmem (g_bytes_get_data (some->body, NULL),
      g_bytes_get_size (some->body), bytes + 100, 2900);
  expected = g_strdup_printf ("bytes 100-2999/%" G_GSIZE_FORMAT, size);
  g_assert_cmpstr (http_reply_header (some, "content-range"), ==, expected);

  beyond = http_get (f->port, VIDEO "0-0.m4s", "Range: bytes=999999-\r\n");
  g_assert_cmpuint (beyond->status, ==, 416);
  g_free (expected);
  expected = g_strdup_printf ("bytes */%" G_GSIZE_FORMAT, size);
  g_assert_cmpstr (http_reply_header (beyond, "content-range"), ==, expected);

  changed = http_get (
      f->port, VIDEO "0-0.m4s", "Range: bytes=0-9\r\nIf-Range: \"other\"\r\n");
  g_assert_cmpuint (changed->status, ==, 200);
}

static void
test_not_modified (Fixture *f, gconstpointer unused)
{
  const char *paths[] = {VIDEO "index.m3u8", VIDEO "0-0.m4s", VIDEO "0-0.1.m4s",
      VIDEO "init-0.mp4", "/live/game/master.m3u8"};

  test_push_segments (f->broadcast, 0, 0, 1, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (HttpReply) first = http_get (f->port, paths[i], NULL);
    const char *etag = http_reply_header (first, "etag");
    g_autofree char *header =
        g_strdup_printf ("If-None-Match: \"x\", %s\r\n", etag);
    g_autoptr (HttpReply) second = http_get (f->port, paths[i], header);

    g_assert_cmpuint (first->status, ==, 200);
    g_assert_cmpuint (second->status, ==, 304);
    g_assert_cmpstr (http_reply_header (second, "etag"), ==, etag);
    g_assert_nonnull (http_reply_header (second, "cache-control"));
  }
}

static void
test_methods (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) head = NULL;
  g_autoptr (HttpReply) get = NULL;
  g_autoptr (HttpReply) post = NULL;
  g_autoptr (HttpReply) options = NULL;

  test_push_segments (f->broadcast, 0, 0, 1, TRUE);
  head = http_call (f->port, "HEAD", VIDEO "0-0.m4s", NULL);
  get = http_get (f->port, VIDEO "0-0.m4s", NULL);
  g_assert_cmpuint (head->status, ==, 200);
  g_assert_cmpstr (http_reply_header (head, "content-length"), ==,
      http_reply_header (get, "content-length"));
  post = http_call (f->port, "POST", VIDEO "0-0.m4s", "Content-Length: 0\r\n");
  g_assert_cmpuint (post->status, ==, 405);
  g_assert_cmpstr (http_reply_header (post, "allow"), ==, "GET, HEAD, OPTIONS");
  options = http_call (f->port, "OPTIONS", VIDEO "0-0.m4s", NULL);
  g_assert_cmpuint (options->status, ==, 204);
  g_assert_nonnull (
      http_reply_header (options, "access-control-allow-headers"));
}

static void
test_gzip (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) packed = NULL;
  g_autoptr (HttpReply) media = NULL;
  g_autofree char *plain = NULL;
  g_autoptr (GConverter) gunzip =
      G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  g_autoptr (GError) error = NULL;
  char text[8192];
  gsize read, written, size;
  const void *data;

  test_push_segments (f->broadcast, 0, 0, 3, FALSE);
  plain = get_text (f, VIDEO "index.m3u8");
  packed =
      http_get (f->port, VIDEO "index.m3u8", "Accept-Encoding: gzip, br\r\n");
  g_assert_cmpstr (http_reply_header (packed, "content-encoding"), ==, "gzip");
  g_assert_cmpstr (http_reply_header (packed, "vary"), ==, "Accept-Encoding");
  data = g_bytes_get_data (packed->body, &size);
  g_assert_cmpint (g_converter_convert (gunzip, data, size, text, sizeof text,
                       G_CONVERTER_INPUT_AT_END, &read, &written, &error),
      ==, G_CONVERTER_FINISHED);
  g_assert_cmpmem (text, written, plain, strlen (plain));
  media = http_get (f->port, VIDEO "0-0.m4s", "Accept-Encoding: gzip\r\n");
  g_assert_null (http_reply_header (media, "content-encoding"));
}

static void
test_keep_alive (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);

  test_push_segments (f->broadcast, 0, 0, 1, FALSE);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (HttpReply) reply = NULL;

    http_client_get (client, i == 1 ? VIDEO "0-9.m4s" : VIDEO "0-0.m4s");
    reply = http_client_read (client, TRUE);
    g_assert_cmpuint (reply->status, ==, i == 1 ? 404 : 200);
  }
}

static void
test_poster (Fixture *f, gconstpointer unused)
{
  g_autoptr (GBytes) jpeg = g_bytes_new_static ("jpeg", 4);
  g_autoptr (HttpReply) reply = NULL;

  assert_status (f, "/live/game/poster.jpg", 404);
  origin_set_poster (f->origin, "game", jpeg);
  reply = http_get (f->port, "/live/game/poster.jpg", NULL);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_true (g_bytes_equal (reply->body, jpeg));
  g_assert_cmpstr (http_reply_header (reply, "content-type"), ==, "image/jpeg");
}

/* --- the life of a link -------------------------------------------------------- */

static void
test_end (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) list = http_client_open (f->port);
  g_autoptr (HttpClient) hint = http_client_open (f->port);
  g_autoptr (HttpReply) listed = NULL;
  g_autoptr (HttpReply) hinted = NULL;
  g_autofree char *text = NULL;

  test_push_segments (f->broadcast, 0, 0, 2, TRUE);
  test_push (f->broadcast, TEST_VIDEO, 0, 2, 0);
  http_client_get (list, VIDEO "index.m3u8?_HLS_msn=3");
  http_client_get (hint, VIDEO "0-2.1.m4s");
  assert_status (f, VIDEO "0-2.0.m4s", 200);
  leave (f, 0);
  listed = http_client_read (list, TRUE);
  g_assert_cmpuint (listed->status, ==, 200);
  text = http_reply_text (listed);
  g_assert_true (
      g_str_has_suffix (text, "#EXTINF:0.500000,\n0-2.m4s\n#EXT-X-ENDLIST\n"));
  hinted = http_client_read (hint, TRUE);
  g_assert_cmpuint (hinted->status, ==, 404);
  /* Directives mean nothing any more. */
  assert_lists (f, VIDEO "index.m3u8?_HLS_msn=99", "#EXT-X-ENDLIST", 1);
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-ENDLIST", 1);
}

static void
test_resume (Fixture *f, gconstpointer unused)
{
  OriginWindow window = {12 * NS_PER_S, 12 * NS_PER_S, NS_PER_S / 4};
  g_autoptr (TrackTable) table = test_table (TRUE);
  g_autoptr (GError) error = NULL;

  test_push_segments (f->broadcast, 0, 0, 2, TRUE);
  g_assert_null (origin_publish (f->origin, "game", &window, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  leave (f, 100 * NS_PER_S);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 0);

  f->broadcast = origin_publish (f->origin, "game", &window, &error);
  g_assert_no_error (error);
  origin_broadcast_set_tracks (f->broadcast, table);
  test_push_init (f->broadcast, TEST_VIDEO, 1, 2);
  test_push_segments (f->broadcast, 1, 2, 1, FALSE);
  assert_lists (f, VIDEO "index.m3u8", "#EXTINF", 3);
  assert_lists (f, VIDEO "index.m3u8",
      "0-1.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-1.mp4\"\n", 1);
  leave (f, 0);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 1);
}

static void
test_resume_other_order (Fixture *f, gconstpointer unused)
{
  OriginWindow window = {12 * NS_PER_S, 12 * NS_PER_S, NS_PER_S / 4};
  g_autoptr (TrackTable) table = track_table_new ();
  g_autoptr (GError) error = NULL;
  ChunkInfo info = test_info (0, 1, 2, 0);
  g_autoptr (GBytes) bytes = test_bytes (&info);
  Track *audio;

  test_push_segments (f->broadcast, 0, 0, 2, TRUE);
  leave (f, 100 * NS_PER_S);
  f->broadcast = origin_publish (f->origin, "game", &window, &error);
  g_assert_no_error (error);
  /* Only audio, which is the publisher's track 0 now. */
  audio = track_table_add (table, "audio_0", TRACK_AUDIO);
  audio->present = TRUE;
  audio->codecs = g_strdup ("mp4a.40.2");
  origin_broadcast_set_tracks (f->broadcast, table);
  info.last = TRUE;
  origin_broadcast_push (f->broadcast, &info, bytes);
  assert_lists (f, AUDIO "index.m3u8", "1-2.m4s\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-GAP\n", 1);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-DISCONTINUITY\n", 1);
}

static void
test_ended_early (Fixture *f, gconstpointer unused)
{
  test_push_segments (f->broadcast, 0, 0, 1, TRUE);
  g_assert_false (origin_end (f->origin, "game"));
  g_assert_false (origin_end (f->origin, "nobody"));
  leave (f, 100 * NS_PER_S);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 0);
  g_assert_true (origin_end (f->origin, "game"));
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-ENDLIST", 1);
  assert_lists (f, AUDIO "index.m3u8", "#EXT-X-ENDLIST", 1);
  /* Nobody goes on with it; who publishes begins anew. */
  origin_end (f->origin, "game");
  f->broadcast = test_publish (f->origin, "game");
  assert_status (f, VIDEO "index.m3u8", 404);
}

static void
test_resume_window_passes (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;

  test_push_segments (f->broadcast, 0, 0, 1, FALSE);
  http_client_get (client, VIDEO "index.m3u8?_HLS_msn=1");
  assert_status (f, VIDEO "0-0.m4s", 200);
  leave (f, NS_PER_S / 10);
  reply = http_client_read (client, TRUE); /* wakes at the end */
  text = http_reply_text (reply);
  g_assert_true (g_str_has_suffix (text, "#EXT-X-ENDLIST\n"));
}

/* --- publish after append ------------------------------------------------------ */

static void
test_after_append (Fixture *f, gconstpointer unused)
{
  ChunkInfo info = test_info (TEST_VIDEO, 0, 0, 1);
  g_autoptr (HttpClient) client = http_client_open (f->port);
  g_autoptr (HttpReply) reply = NULL;
  OriginStats stats;

  append_ledger_hold ("game");
  info = test_info (TEST_VIDEO, 0, 0, 0);
  append_ledger_appended ("game", &info); /* before it is pushed */
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-PART:", 1);
  http_client_get (client, VIDEO "0-0.1.m4s");
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 1);
  info = test_info (TEST_VIDEO, 0, 0, 1);
  append_ledger_appended ("game", &info);
  reply = http_client_read (client, TRUE);
  assert_is_chunk (reply, info);
  origin_broadcast_get_stats (f->broadcast, &stats);
  g_assert_cmpuint (stats.parts, ==, 2);
  g_assert_cmpuint (stats.parts_not_stored, ==, 0);
  append_ledger_release ("game");
}

static void
test_append_grace (Fixture *f, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL;
  OriginStats stats;

  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  append_ledger_hold ("game");
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 1);
  origin_broadcast_get_stats (f->broadcast, &stats);
  g_assert_cmpuint (stats.parts, ==, 1);
  reply =
      http_get (f->port, VIDEO "0-0.1.m4s", NULL); /* until the grace ends */
  g_assert_cmpuint (reply->status, ==, 200);
  origin_broadcast_get_stats (f->broadcast, &stats);
  g_assert_cmpuint (stats.parts, ==, 2);
  g_assert_cmpuint (stats.parts_not_stored, ==, 1);
  append_ledger_release ("game");
}

/* A part is not there for players before the store has it. */
static void
test_part_latency (Fixture *f, gconstpointer unused)
{
  OriginWindow window = {12 * NS_PER_S, 12 * NS_PER_S, 3600 * NS_PER_S};
  g_autoptr (TrackTable) table = test_table (TRUE);
  OriginBroadcast *patient =
      origin_publish (f->origin, "patient", &window, NULL);
  ChunkInfo info = test_info (TEST_VIDEO, 0, 0, 0);
  g_autoptr (GBytes) bytes = test_bytes (&info);
  OriginStats stats;
  guint64 least;

  origin_broadcast_set_tracks (patient, table);
  test_push_init (patient, TEST_VIDEO, 0, 0);
  info.size = g_bytes_get_size (bytes);
  info.arrived = g_get_monotonic_time ();
  append_ledger_hold ("patient");
  origin_broadcast_push (patient, &info, bytes);
  origin_broadcast_get_stats (patient, &stats);
  g_assert_cmpuint (stats.part_latency_median, ==, ORIGIN_NO_LATENCY);
  least = (g_get_monotonic_time () - info.arrived) * 1000;
  append_ledger_appended ("patient", &info);
  origin_broadcast_get_stats (patient, &stats);
  g_assert_cmpuint (stats.part_latency_median, !=, ORIGIN_NO_LATENCY);
  g_assert_cmpuint (stats.part_latency_median, >=, least);
  g_assert_cmpuint (stats.part_latency_p99, ==, stats.part_latency_median);
  append_ledger_release ("patient");
  origin_broadcast_leave (patient, 0);
}

static void
test_store_goes_away (Fixture *f, gconstpointer unused)
{
  append_ledger_hold ("game");
  test_push (f->broadcast, TEST_VIDEO, 0, 0, 0);
  append_ledger_release ("game");
  assert_lists (f, VIDEO "index.m3u8", "#EXT-X-PART:", 1);
}

static void
test_shared_port (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) same = origin_acquire ("127.0.0.1", f->port, &error);
  g_autoptr (Origin) other = NULL;

  g_assert_no_error (error);
  g_assert_true (same == f->origin);
  g_assert_null (origin_acquire ("nowhere", 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                        \
  g_test_add ("/origin/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("playlist/progress", test_progress);
  ADD ("playlist/window-slides", test_window_slides);
  ADD ("playlist/multivariant", test_multivariant);
  ADD ("playlist/gap", test_gap);
  ADD ("playlist/discontinuity", test_discontinuity);
  ADD ("playlist/wrong-order", test_wrong_order);
  ADD ("blocking/reload", test_blocking_reload);
  ADD ("blocking/segment", test_blocking_segment);
  ADD ("blocking/old-msn", test_old_msn);
  ADD ("blocking/bad-directives", test_bad_directives);
  ADD ("blocking/hint", test_hint_blocks);
  ADD ("blocking/hint-that-never-was", test_hint_that_never_was);
  ADD ("blocking/stop", test_stop_while_blocked);
  g_test_add_func ("/origin/blocking/times-out", test_blocking_times_out);
  ADD ("media/bytes", test_media);
  ADD ("media/range", test_range);
  ADD ("media/not-modified", test_not_modified);
  ADD ("media/methods", test_methods);
  ADD ("media/gzip", test_gzip);
  ADD ("media/keep-alive", test_keep_alive);
  ADD ("media/poster", test_poster);
  ADD ("life/end", test_end);
  ADD ("life/resume", test_resume);
  ADD ("life/resume-other-order", test_resume_other_order);
  ADD ("life/ended-early", test_ended_early);
  ADD ("life/resume-window-passes", test_resume_window_passes);
  ADD ("life/shared-port", test_shared_port);
  ADD ("append/after", test_after_append);
  ADD ("append/grace", test_append_grace);
  ADD ("append/part-latency", test_part_latency);
  ADD ("append/store-goes-away", test_store_goes_away);
  return g_test_run ();
}
