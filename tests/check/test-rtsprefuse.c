/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <signal.h>
#include <string.h>

#include "rtspkit.h"

/* Who is not let in, and how those who are go again. */

#define FFMPEG "ffmpeg -hide_banner -loglevel error "
#define PICTURE "-re -f lavfi -i testsrc2=size=160x90:rate=30 "
#define X264                                                                   \
  "-c:v libx264 -preset ultrafast -tune zerolatency -g 30 -threads 1 "
#define RTSP "-f rtsp -rtsp_transport tcp ${URL}"
#define PUBLISH FFMPEG PICTURE X264 RTSP
#define SINK "source.video ! queue ! fakesink async=false"

typedef struct {
  Broadcasts *kit;
  RtspIngest *ingest;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->kit = rtsp_kit_new ();
  rtsp_kit_set_description (fixture->kit, SINK);
  fixture->ingest = rtsp_ingest_new ("127.0.0.1", 0, fixture->kit, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->ingest, rtsp_ingest_free);
  rtsp_kit_free (fixture->kit);
}

static GSubprocess *
publish (Fixture *fixture, const char *key)
{
  return rtsp_kit_publish (fixture->ingest, key, PUBLISH);
}

/* That @command ends by itself and shows @said to its user, who never sees the
 * secret of a key in what we answer. */
static void
assert_refused (
    Fixture *fixture, const char *key, const char *command, const char *said)
{
  g_autofree char *text = NULL;
  int status =
      rtsp_kit_finish (rtsp_kit_publish (fixture->ingest, key, command), &text);

  g_test_message ("%s", text);
  g_assert_cmpint (status, !=, 0);
  g_assert_nonnull (strstr (text, said));
}

static char *
make_sentence (Admission admission, int status)
{
  return g_strdup_printf ("%d Sentence number %d.", status, admission);
}

static void
assert_key_refused (
    Fixture *fixture, const char *key, Admission admission, int status)
{
  g_autofree char *said = make_sentence (admission, status);

  assert_refused (fixture, key, PUBLISH, said);
  g_assert_cmpuint (rtsp_kit_count_admitted (fixture->kit), ==, 0);
}

static void
test_keys (Fixture *fixture, gconstpointer unused)
{
  assert_key_refused (fixture, KIT_KEY_ELSEWHERE, ADMISSION_ELSEWHERE, 409);
  assert_key_refused (fixture, KIT_KEY_FULL, ADMISSION_FULL, 453);
  assert_key_refused (fixture, KIT_KEY_CLOSED, ADMISSION_CLOSED, 503);
  assert_key_refused (fixture, KIT_KEY_UNKNOWN, ADMISSION_UNKNOWN_KEY, 403);
  assert_key_refused (fixture, KIT_KEY_REVOKED, ADMISSION_REVOKED_KEY, 403);
  /* No key at all, and one that is longer than any. */
  assert_key_refused (fixture, "x", ADMISSION_UNKNOWN_KEY, 403);
  assert_key_refused (fixture, KIT_KEY_A "a", ADMISSION_UNKNOWN_KEY, 403);
  assert_refused (fixture, "a/b", PUBLISH, "404 Publish to rtsp://");
}

static void
test_busy (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *said = make_sentence (ADMISSION_BUSY, 409);
  GSubprocess *first = publish (fixture, KIT_KEY_A);
  guint n;

  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 1);
  assert_refused (fixture, KIT_KEY_A, PUBLISH, said);
  n = rtsp_kit_count_frames (fixture->kit, KIT_KEY_A);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, n + 10);
  g_subprocess_force_exit (first);
  rtsp_kit_finish (first, NULL);
  rtsp_kit_wait_ended (fixture->kit, 1);

  /* Free again at once. */
  first = publish (fixture, KIT_KEY_A);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 1);
  g_subprocess_force_exit (first);
  rtsp_kit_finish (first, NULL);
  rtsp_kit_wait_ended (fixture->kit, 2);
}

static void
test_udp (Fixture *fixture, gconstpointer unused)
{
  assert_refused (fixture, KIT_KEY_A,
      FFMPEG PICTURE X264 "-f rtsp -rtsp_transport udp ${URL}",
      "461 Only interleaved TCP is taken: set rtsp_transport=tcp");
  rtsp_kit_wait_ended (fixture->kit, 1);
}

static void
test_codec (Fixture *fixture, gconstpointer unused)
{
  assert_refused (fixture, KIT_KEY_A, FFMPEG PICTURE "-c:v mjpeg " RTSP,
      "415 The video has the payload type 26 without a codec");
  rtsp_kit_wait_ended (fixture->kit, 1);
  assert_refused (fixture, KIT_KEY_A, FFMPEG PICTURE "-c:v mpeg4 " RTSP,
      "415 The video codec MP4V-ES cannot be received; "
      "H.264, H.265, AAC and Opus can");
  rtsp_kit_wait_ended (fixture->kit, 2);
}

static void
test_broken_pipeline (Fixture *fixture, gconstpointer unused)
{
  assert_refused (fixture, KIT_KEY_BROKEN, PUBLISH,
      "503 The broadcast cannot be started on this node");
  rtsp_kit_wait_ended (fixture->kit, 1);
}

static void
test_player (Fixture *fixture, gconstpointer unused)
{
  assert_refused (fixture, KIT_KEY_A,
      "ffmpeg -hide_banner -loglevel error -rtsp_transport tcp -i ${URL} "
      "-f null -",
      "405 Here one can only publish");
  g_assert_cmpuint (rtsp_kit_count_admitted (fixture->kit), ==, 0);
}

/* A process that is killed leaves its connection to the kernel, which closes
 * it: the same as a publisher that stops without TEARDOWN. */
static void
test_killed (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher = publish (fixture, KIT_KEY_A);

  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 10);
  g_subprocess_send_signal (publisher, SIGKILL);
  rtsp_kit_wait_ended (fixture->kit, 1);
  g_assert_cmpint (rtsp_kit_finish (publisher, NULL), ==, 128 + SIGKILL);
}

static void
test_teardown (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher = publish (fixture, KIT_KEY_A);

  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 10);
  g_subprocess_send_signal (publisher, SIGINT);
  rtsp_kit_wait_ended (fixture->kit, 1);
  rtsp_kit_finish (publisher, NULL);
}

/* It is stopped, but its connection stays. */
static void
test_silent (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher = publish (fixture, KIT_KEY_A);

  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 10);
  g_subprocess_send_signal (publisher, SIGSTOP);
  rtsp_kit_wait_ended (fixture->kit, 1);
  g_subprocess_force_exit (publisher);
  rtsp_kit_finish (publisher, NULL);
}

static void
test_dropped (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher = publish (fixture, KIT_KEY_A);

  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 10);
  rtsp_kit_drop (fixture->kit, KIT_KEY_A);
  rtsp_kit_wait_ended (fixture->kit, 1);
  /* Its connection is closed. */
  g_assert_cmpint (rtsp_kit_finish (publisher, NULL), !=, 0);
}

/* A pipeline that ends with an error takes its publisher along. */
static void
test_pipeline_fails (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher;

  rtsp_kit_set_description (fixture->kit,
      "source.video ! queue ! identity error-after=10 ! fakesink async=false");
  publisher = publish (fixture, KIT_KEY_A);
  rtsp_kit_wait_ended (fixture->kit, 1);
  g_assert_cmpint (rtsp_kit_finish (publisher, NULL), !=, 0);
}

#define STUCK                                                                  \
  "source.video ! queue max-size-buffers=1 ! fakesink sync=true "              \
  "ts-offset=3600000000000 async=false"

/* A pipeline that takes nothing loses its publisher, ... */
static void
test_pipeline_stuck (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher;

  rtsp_kit_set_description (fixture->kit, STUCK);
  publisher = publish (fixture, KIT_KEY_A);
  rtsp_kit_wait_ended (fixture->kit, 1);
  g_assert_cmpint (rtsp_kit_finish (publisher, NULL), !=, 0);
}

/* ... and does not keep the ingest from being stopped. */
static void
test_stop_while_stuck (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher;

  rtsp_kit_set_description (fixture->kit, STUCK);
  publisher = publish (fixture, KIT_KEY_A);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 2);
  g_clear_pointer (&fixture->ingest, rtsp_ingest_free);
  rtsp_kit_wait_ended (fixture->kit, 1);
  g_assert_cmpint (rtsp_kit_finish (publisher, NULL), !=, 0);
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* Those that end here are gone a moment later. */
static void
assert_no_thread_left (guint n_threads)
{
  gint64 until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;

  g_thread_pool_stop_unused_threads ();
  while (count_threads () > n_threads) {
    g_assert_cmpint (g_get_monotonic_time (), <, until);
    g_usleep (10000);
  }
}

static void
test_stop_while_publishing (Fixture *fixture, gconstpointer unused)
{
  static const char *const keys[] = {KIT_KEY_A, KIT_KEY_B, KIT_KEY_C};
  GSubprocess *publishers[G_N_ELEMENTS (keys)];
  g_autoptr (GError) error = NULL;
  guint n_threads;

  /* The threads that GLib keeps are there after the first publisher. */
  publishers[0] = publish (fixture, KIT_KEY_A);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 1);
  rtsp_ingest_free (fixture->ingest);
  g_subprocess_force_exit (publishers[0]);
  rtsp_kit_finish (publishers[0], NULL);
  g_thread_pool_stop_unused_threads ();
  n_threads = count_threads ();

  fixture->ingest = rtsp_ingest_new ("127.0.0.1", 0, fixture->kit, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    publishers[i] = publish (fixture, keys[i]);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    rtsp_kit_wait_frames (fixture->kit, keys[i], 10);
  g_clear_pointer (&fixture->ingest, rtsp_ingest_free);
  rtsp_kit_wait_ended (fixture->kit, 1 + G_N_ELEMENTS (keys));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_assert_cmpint (rtsp_kit_finish (publishers[i], NULL), !=, 0);

  assert_no_thread_left (n_threads);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                        \
  g_test_add ("/rtsprefuse/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("keys", test_keys);
  ADD ("busy", test_busy);
  ADD ("udp", test_udp);
  ADD ("codec", test_codec);
  ADD ("broken-pipeline", test_broken_pipeline);
  ADD ("player", test_player);
  ADD ("killed", test_killed);
  ADD ("teardown", test_teardown);
  ADD ("silent", test_silent);
  ADD ("dropped", test_dropped);
  ADD ("pipeline-fails", test_pipeline_fails);
  ADD ("pipeline-stuck", test_pipeline_stuck);
  ADD ("stop-while-stuck", test_stop_while_stuck);
  ADD ("stop-while-publishing", test_stop_while_publishing);
  return g_test_run ();
}
