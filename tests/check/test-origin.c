/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The origin as a player sees it: real sockets, synthetic chunks. */

#include <string.h>

#include "origintest.h"

#define VIDEO "/live/game/video_0/"
#define AUDIO "/live/game/audio_0/"

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
  origin_unref (f->origin);
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
test_playlist_progresses (Fixture *f, gconstpointer unused)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  assert_status (f, VIDEO "index.m3u8", 404);
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
  test_push_segments (f->broadcast, 0, 1, 1, FALSE);
  second = get_text (f, VIDEO "index.m3u8");
  g_assert_nonnull (
      strstr (second, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0-2.0.m4s\"\n"));
  g_assert_nonnull (strstr (second, "#EXTINF:2.000000,\n0-1.m4s\n"));
}

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                        \
  g_test_add ("/origin/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("playlist-progresses", test_playlist_progresses);
  ADD ("blocking-reload", test_blocking_reload);
  return g_test_run ();
}
