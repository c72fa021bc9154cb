/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "cloudstub.h"
#include "gcserror.h"
#include "uploadanswer.h"
#include "uploadqueue.h"
#include "uploadstate.h"

/* --- headers -----------------------------------------------------------------------*/

static void
test_range (void)
{
  static const char *const wrong[] = {"", "bytes=0-", "bytes=1-2", "bytes 0-1",
      "bytes=0-1,3-4", "bytes=0--1", "bytes=0-1 ", "bytes=0-0x1",
      "bytes=0-18446744073709551615", "items=0-1"};
  guint64 persisted;

  g_assert_true (upload_answer_parse_range (NULL, &persisted));
  g_assert_cmpuint (persisted, ==, 0);
  g_assert_true (upload_answer_parse_range ("bytes=0-0", &persisted));
  g_assert_cmpuint (persisted, ==, 1);
  g_assert_true (upload_answer_parse_range ("bytes=0-262143", &persisted));
  g_assert_cmpuint (persisted, ==, 262144);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (upload_answer_parse_range (wrong[i], &persisted));
}

static void
test_retry_after (void)
{
  g_assert_cmpint (upload_answer_parse_retry_after (NULL), ==, 0);
  g_assert_cmpint (upload_answer_parse_retry_after ("0"), ==, 0);
  g_assert_cmpint (upload_answer_parse_retry_after ("7"), ==, 7000000);
  g_assert_cmpint (upload_answer_parse_retry_after ("999999"), ==, 3600000000);
  g_assert_cmpint (
      upload_answer_parse_retry_after ("Wed, 21 Oct 2026 07:28:00 GMT"), ==, 0);
}

/* --- the state file ------------------------------------------------------------------*/

static void
test_state (void)
{
  const UploadState state = {
      .session = (char *)"https://host/upload?id=1",
      .bucket = (char *)"b",
      .object = (char *)"o \"p\" \xc3\xa4",
      .fingerprint = (char *)"f",
      .offset = G_GUINT64_CONSTANT (9007199254740993),
      .crc32c = 0xdeadbeef,
      .begun = 1795910400000000,
  };
  g_autofree char *text = upload_state_render (&state);
  g_auto (UploadState) read = {0};
  g_autoptr (GError) error = NULL;

  g_assert_true (upload_state_parse (text, strlen (text), &read, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (read.session, ==, state.session);
  g_assert_cmpstr (read.bucket, ==, state.bucket);
  g_assert_cmpstr (read.object, ==, state.object);
  g_assert_cmpstr (read.fingerprint, ==, state.fingerprint);
  g_assert_cmpuint (read.offset, ==, state.offset);
  g_assert_cmpuint (read.crc32c, ==, state.crc32c);
  g_assert_cmpint (read.begun, ==, state.begun);
}

/* Cut anywhere it is refused, and the secret in it is not told. */
static void
test_state_cut (void)
{
  const UploadState state = {
      .session = (char *)"https://host/secret",
      .bucket = (char *)"b",
      .object = (char *)"o",
      .fingerprint = (char *)"f",
  };
  g_autofree char *text = upload_state_render (&state);

  for (gsize n = 0; n < strlen (text); n++) {
    g_auto (UploadState) read = {0};
    g_autoptr (GError) error = NULL;

    g_assert_false (upload_state_parse (text, n, &read, &error));
    g_assert_error (error, GCS_ERROR, GCS_ERROR_REFUSED);
    g_assert_null (strstr (error->message, "secret"));
    g_assert_null (read.session);
  }
}

/* --- the queue -----------------------------------------------------------------------*/

static void
on_event (gpointer data)
{
}

static gboolean
on_seek (guint64 position, gpointer data)
{
  return FALSE;
}

static void
on_troubled (const GError *error, gint64 wait, gpointer data)
{
}

static void
on_moved (guint64 stored, gpointer data)
{
}

static void
on_complained (const char *text, gpointer data)
{
}

static void
on_stored (const GcsObject *object, gpointer data)
{
  g_atomic_int_inc ((int *)data);
}

static void
on_failed (const GError *error, gpointer data)
{
  g_assert_not_reached ();
}

/* What waits is sent after a while, as far as it fills units. */
static void
test_idle (void)
{
  static const UploadQueueFuncs funcs = {on_event, on_seek, on_seek,
      on_troubled, on_moved, on_complained, on_stored, on_failed};
  CloudStub *cloud = cloud_stub_new ();
  g_autoptr (GcsCredentials) nobody = gcs_credentials_new_anonymous ();
  const GcsUploadSettings of_upload = {.bucket = "b",
      .object = "o/p",
      .endpoint = cloud->url,
      .credentials = nobody,
      .if_generation_match = -1};
  const UploadQueueSettings of_queue = {
      "b", "o/p", NULL, 4 * GCS_UPLOAD_UNIT, 10 * G_TIME_SPAN_MILLISECOND};
  gsize size = 2 * GCS_UPLOAD_UNIT + 5, taken;
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);
  g_autoptr (GError) error = NULL;
  g_autofree char *list = NULL;
  int stored = 0;
  GcsUpload *upload = gcs_upload_new (&of_upload, &error);
  UploadQueue *queue;

  g_assert_no_error (error);
  queue = upload_queue_new (upload, &of_queue, &funcs, &stored);
  g_assert_cmpint (upload_queue_push (
                       queue, 0, g_bytes_get_data (bytes, NULL), size, &taken),
      ==, UPLOAD_DONE);
  g_assert_cmpuint (taken, ==, size);
  /* Nobody says that this is the end. */
  cloud_stub_await (cloud, 2);
  g_assert_cmpint (upload_queue_push_end (queue, size), ==, UPLOAD_DONE);
  g_assert_cmpint (upload_queue_drain (queue), ==, UPLOAD_DONE);
  g_assert_cmpint (stored, ==, 1);
  cloud_stub_assert_object (cloud, bytes);
  list = cloud_stub_list (cloud);
  g_assert_cmpstr (
      list, ==, "POST\nPUT bytes 0-524287/*\nPUT bytes 524288-524292/524293\n");
  upload_queue_free (queue);
  cloud_stub_free (cloud);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gcsupload/range", test_range);
  g_test_add_func ("/gcsupload/retry-after", test_retry_after);
  g_test_add_func ("/gcsupload/state", test_state);
  g_test_add_func ("/gcsupload/state/cut", test_state_cut);
  g_test_add_func ("/gcsupload/idle", test_idle);
  return g_test_run ();
}
