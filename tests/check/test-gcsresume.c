/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An upload that another process goes on with: what a kill leaves behind is the
 * state file, and what the service has. */

#include <gst/check/gstharness.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "cloudstub.h"
#include "crc32c.h"
#include "uploadstate.h"

#define UNIT (256 * 1024)
#define SIZE (6 * UNIT + 7)

typedef struct {
  CloudStub *cloud;
  char *dir;
  char *source;
  char *state;
  GBytes *bytes;
  GstElement *pipeline;
  GstBus *bus;
} Fixture;

/* --- fixture ---------------------------------------------------------------------*/

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->cloud = cloud_stub_new ();
  f->dir = g_dir_make_tmp ("gcsresume-XXXXXX", &error);
  g_assert_no_error (error);
  f->source = g_build_filename (f->dir, "source", NULL);
  f->state = g_build_filename (f->dir, "state", NULL);
  f->bytes = cloud_stub_make_bytes (SIZE);
  g_file_set_contents (f->source, g_bytes_get_data (f->bytes, NULL),
      (gssize)g_bytes_get_size (f->bytes), &error);
  g_assert_no_error (error);
}

static void
stop (Fixture *f)
{
  if (f->pipeline == NULL)
    return;
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  gst_clear_object (&f->bus);
  gst_clear_object (&f->pipeline);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *aside = g_strconcat (f->state, ".unusable", NULL);

  stop (f);
  cloud_stub_free (f->cloud);
  g_unlink (f->source);
  g_unlink (f->state);
  g_unlink (aside);
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->dir);
  g_free (f->source);
  g_free (f->state);
  g_bytes_unref (f->bytes);
}

/* A new process, as far as the element can tell. */
static void
play (Fixture *f, const char *between)
{
  g_autofree char *line = g_strdup_printf (
      "filesrc location=%s blocksize=50000 %s ! gcssink name=sink bucket=b "
      "object=o/p endpoint=%s chunk-size=%d state-file=%s",
      f->source, between, f->cloud->url, UNIT, f->state);
  g_autoptr (GError) error = NULL;

  f->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  f->bus = gst_element_get_bus (f->pipeline);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
}

static GstMessage *
await_message (Fixture *f, GstMessageType type)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (f->bus, 60 * GST_SECOND, type);

  g_assert_nonnull (message);
  return message;
}

static void
finish (Fixture *f)
{
  g_autoptr (GstMessage) message =
      await_message (f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  cloud_stub_assert_object (f->cloud, f->bytes);
  g_assert_false (g_file_test (f->state, G_FILE_TEST_EXISTS));
}

static void
assert_error (Fixture *f, GstResourceError code)
{
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int)code);
}

/* The requests since the last time. */
static void
assert_requests (Fixture *f, const char *expected)
{
  g_autofree char *list = cloud_stub_list (f->cloud);

  g_assert_cmpstr (list, ==, expected);
  g_mutex_lock (&f->cloud->lock);
  g_ptr_array_set_size (f->cloud->requests, 0);
  g_mutex_unlock (&f->cloud->lock);
}

/* The @data-th request (a guint) is never answered, nor is what it has taken. */
static gboolean
go_silent (CloudStub *cloud, guint n, const StubRequest *request,
    StubAnswer *answer, gpointer data)
{
  if (n != GPOINTER_TO_UINT (data))
    return FALSE;
  answer->manner = STUB_SILENCE;
  return TRUE;
}

/* Uploads until the @n-th request, which is not answered, and ends there. */
static void
play_until (Fixture *f, guint n)
{
  cloud_stub_set_fault (f->cloud, go_silent, GUINT_TO_POINTER (n));
  play (f, "");
  cloud_stub_await (f->cloud, n + 1);
  stop (f);
  cloud_stub_set_fault (f->cloud, NULL, NULL);
  g_mutex_lock (&f->cloud->lock);
  g_ptr_array_set_size (f->cloud->requests, 0);
  g_mutex_unlock (&f->cloud->lock);
}

static void
load (Fixture *f, UploadState *state)
{
  g_autoptr (GError) error = NULL;

  upload_state_load (f->state, state, &error);
  g_assert_no_error (error);
}

static void
save (Fixture *f, const UploadState *state)
{
  g_autoptr (GError) error = NULL;

  upload_state_save (f->state, state, &error);
  g_assert_no_error (error);
}

/* --- the file ----------------------------------------------------------------------*/

static void
test_state_file (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0};
  g_autofree char *session = g_strconcat (f->cloud->url, "/session/1", NULL);
  GStatBuf info;

  play_until (f, 3);
  g_assert_cmpint (g_stat (f->state, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0600);
  load (f, &state);
  g_assert_cmpstr (state.session, ==, session);
  g_assert_cmpstr (state.bucket, ==, "b");
  g_assert_cmpstr (state.object, ==, "o/p");
  g_assert_cmpuint (state.offset, ==, 2 * UNIT);
  g_assert_cmpuint (state.crc32c, ==,
      crc32c_update (0, g_bytes_get_data (f->bytes, NULL), 2 * UNIT));
}

static void
expect_anew (Fixture *f)
{
  finish (f);
  assert_requests (f, "POST\n"
                      "PUT bytes 0-262143/*\n"
                      "PUT bytes 262144-524287/*\n"
                      "PUT bytes 524288-786431/*\n"
                      "PUT bytes 786432-1048575/*\n"
                      "PUT bytes 1048576-1310719/*\n"
                      "PUT bytes 1310720-1572863/*\n"
                      "PUT bytes 1572864-1572870/1572871\n");
}

static void
expect_warning (Fixture *f)
{
  g_autofree char *aside = g_strconcat (f->state, ".unusable", NULL);
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_WARNING);
  g_autofree char *detail = NULL;

  gst_message_parse_warning (message, NULL, &detail);
  g_assert_nonnull (strstr (detail, aside));
  g_assert_null (strstr (detail, "/session/"));
  g_assert_true (g_file_test (aside, G_FILE_TEST_IS_REGULAR));
  expect_anew (f);
}

static void
test_readable (Fixture *f, gconstpointer data)
{
  play_until (f, 3);
  g_assert_cmpint (g_chmod (f->state, 0640), ==, 0);
  play (f, "");
  expect_warning (f);
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_file_set_contents_full (
      f->state, "{\"format\":", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
  play (f, "");
  expect_warning (f);
}

/* Never overwritten: it may be all that another upload has. */
static void
test_of_another (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0}, after = {0};

  play_until (f, 3);
  load (f, &state);
  g_free (state.object);
  state.object = g_strdup ("other");
  save (f, &state);
  play (f, "");
  assert_error (f, GST_RESOURCE_ERROR_SETTINGS);
  assert_requests (f, "");
  stop (f);
  load (f, &after);
  g_assert_cmpstr (after.object, ==, "other");
  g_assert_cmpstr (after.session, ==, state.session);
}

static void
test_of_other_settings (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0};

  play_until (f, 3);
  load (f, &state);
  state.fingerprint[0] ^= 1;
  save (f, &state);
  play (f, "");
  expect_anew (f);
}

static void
test_too_old (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0};

  play_until (f, 3);
  load (f, &state);
  state.begun -= 8 * G_TIME_SPAN_DAY;
  save (f, &state);
  play (f, "");
  expect_anew (f);
}

/* --- going on ----------------------------------------------------------------------*/

static void
test_resume (Fixture *f, gconstpointer between)
{
  play_until (f, 3);
  play (f, between);
  finish (f);
  assert_requests (f, "PUT bytes */*\n"
                      "PUT bytes 524288-786431/*\n"
                      "PUT bytes 786432-1048575/*\n"
                      "PUT bytes 1048576-1310719/*\n"
                      "PUT bytes 1310720-1572863/*\n"
                      "PUT bytes 1572864-1572870/1572871\n");
}

/* A crash leaves a file that is behind what the service has. */
static void
fall_behind (Fixture *f, gsize offset)
{
  g_auto (UploadState) state = {0};

  load (f, &state);
  state.offset = offset;
  state.crc32c = crc32c_update (0, g_bytes_get_data (f->bytes, NULL), offset);
  save (f, &state);
}

/* What lies between is read, not sent. */
static void
resume_behind (Fixture *f, gsize offset)
{
  play_until (f, 4);
  fall_behind (f, offset);
  play (f, "");
  finish (f);
  assert_requests (f, "PUT bytes */*\n"
                      "PUT bytes 786432-1048575/*\n"
                      "PUT bytes 1048576-1310719/*\n"
                      "PUT bytes 1310720-1572863/*\n"
                      "PUT bytes 1572864-1572870/1572871\n");
}

static void
test_behind (Fixture *f, gconstpointer data)
{
  resume_behind (f, UNIT);
}

static void
test_behind_begin (Fixture *f, gconstpointer data)
{
  resume_behind (f, 0);
}

/* It has less: it was read anew. */
static void
test_ahead (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0};

  play_until (f, 3);
  load (f, &state);
  state.offset = 3 * UNIT;
  save (f, &state);
  play (f, "");
  finish (f);
  assert_requests (f, "PUT bytes */*\n"
                      "PUT bytes 524288-786431/*\n"
                      "PUT bytes 786432-1048575/*\n"
                      "PUT bytes 1048576-1310719/*\n"
                      "PUT bytes 1310720-1572863/*\n"
                      "PUT bytes 1572864-1572870/1572871\n");
}

static gboolean
forget_session (CloudStub *cloud, guint n, const StubRequest *request,
    StubAnswer *answer, gpointer data)
{
  if (n == GPOINTER_TO_UINT (data))
    g_clear_pointer (&cloud->given, g_byte_array_unref);
  return FALSE;
}

static void
test_session_over (Fixture *f, gconstpointer data)
{
  play_until (f, 3);
  cloud_stub_set_fault (f->cloud, forget_session, GUINT_TO_POINTER (0));
  play (f, "");
  finish (f);
  assert_requests (f, "PUT bytes */*\n"
                      "POST\n"
                      "PUT bytes 0-262143/*\n"
                      "PUT bytes 262144-524287/*\n"
                      "PUT bytes 524288-786431/*\n"
                      "PUT bytes 786432-1048575/*\n"
                      "PUT bytes 1048576-1310719/*\n"
                      "PUT bytes 1310720-1572863/*\n"
                      "PUT bytes 1572864-1572870/1572871\n");
}

/* Under way, when the ring has the begin no more: it is read again. */
static void
test_session_lost (Fixture *f, gconstpointer data)
{
  cloud_stub_set_fault (f->cloud, forget_session, GUINT_TO_POINTER (5));
  play (f, "");
  finish (f);
  g_assert_cmpuint (f->cloud->n_sessions, ==, 2);
}

/* So it is at the end. */
static void
test_session_lost_at_end (Fixture *f, gconstpointer data)
{
  cloud_stub_set_fault (f->cloud, forget_session, GUINT_TO_POINTER (7));
  play (f, "! queue");
  finish (f);
  g_assert_cmpuint (f->cloud->n_sessions, ==, 2);
}

static gboolean
tell_wrong (CloudStub *cloud, guint n, const StubRequest *request,
    StubAnswer *answer, gpointer data)
{
  cloud->wrong = n <= GPOINTER_TO_UINT (data);
  return FALSE;
}

/* The object is not what was sent: all of it once more. */
static void
test_corrupt (Fixture *f, gconstpointer data)
{
  cloud_stub_set_fault (f->cloud, tell_wrong, GUINT_TO_POINTER (7));
  play (f, "");
  finish (f);
  g_assert_cmpuint (f->cloud->n_sessions, ==, 2);
}

/* What is resumed is another file now: where it is read again, it shows. */
static void
test_changed (Fixture *f, gconstpointer data)
{
  guint8 *other;

  play_until (f, 4);
  fall_behind (f, UNIT);
  other = g_memdup2 (g_bytes_get_data (f->bytes, NULL), SIZE);
  other[UNIT + 17] ^= 1;
  g_bytes_unref (f->bytes);
  f->bytes = g_bytes_new_take (other, SIZE);
  g_file_set_contents (f->source, (const char *)other, SIZE, NULL);
  play (f, "");
  finish (f);
  g_assert_cmpuint (f->cloud->n_sessions, ==, 2);
}

/* And it is shorter than what the service has. */
static void
test_shorter (Fixture *f, gconstpointer data)
{
  play_until (f, 4);
  g_bytes_unref (f->bytes);
  f->bytes = cloud_stub_make_bytes (UNIT);
  g_file_set_contents (
      f->source, g_bytes_get_data (f->bytes, NULL), UNIT, NULL);
  play (f, "");
  finish (f);
}

/* Killed after the last answer, before the file was removed. */
static void
test_was_done (Fixture *f, gconstpointer data)
{
  g_auto (UploadState) state = {0};

  play_until (f, 3);
  load (f, &state);
  play (f, "");
  finish (f);
  stop (f);
  save (f, &state);
  g_mutex_lock (&f->cloud->lock);
  g_ptr_array_set_size (f->cloud->requests, 0);
  g_mutex_unlock (&f->cloud->lock);
  play (f, "");
  finish (f);
  assert_requests (f, "PUT bytes */*\n");
  g_assert_cmpint (f->cloud->generation, ==, 1);
}

/* Who cannot seek has another stream, for all we know. */
static void
test_not_seekable (Fixture *f, gconstpointer data)
{
  GstHarness *harness;
  GstElement *sink;

  play_until (f, 3);
  sink = gst_element_factory_make ("gcssink", NULL);
  g_object_set (sink, "bucket", "b", "object", "o/p", "endpoint", f->cloud->url,
      "chunk-size", UNIT, "state-file", f->state, NULL);
  harness = gst_harness_new_with_element (sink, "sink", NULL);
  gst_harness_set_src_caps_str (harness, "application/x-anything");
  g_assert_cmpint (
      gst_harness_push (harness, gst_buffer_new_wrapped_bytes (f->bytes)), ==,
      GST_FLOW_OK);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  cloud_stub_assert_object (f->cloud, f->bytes);
  g_assert_cmpuint (f->cloud->n_sessions, ==, 2);
  gst_harness_teardown (harness);
  gst_object_unref (sink);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, func)                                                  \
  g_test_add ("/gcsresume/" path, Fixture, data, set_up, func, tear_down)
  ADD ("state-file", NULL, test_state_file);
  ADD ("state-file/readable", NULL, test_readable);
  ADD ("state-file/damaged", NULL, test_damaged);
  ADD ("state-file/of-another", NULL, test_of_another);
  ADD ("state-file/of-other-settings", NULL, test_of_other_settings);
  ADD ("state-file/too-old", NULL, test_too_old);
  ADD ("resume", "", test_resume);
  ADD ("resume/behind-queue", "! queue", test_resume);
  ADD ("behind", NULL, test_behind);
  ADD ("behind/begin", NULL, test_behind_begin);
  ADD ("ahead", NULL, test_ahead);
  ADD ("session/over", NULL, test_session_over);
  ADD ("session/lost", NULL, test_session_lost);
  ADD ("session/lost-at-end", NULL, test_session_lost_at_end);
  ADD ("corrupt", NULL, test_corrupt);
  ADD ("changed", NULL, test_changed);
  ADD ("shorter", NULL, test_shorter);
  ADD ("was-done", NULL, test_was_done);
  ADD ("not-seekable", NULL, test_not_seekable);
#undef ADD
  return g_test_run ();
}
