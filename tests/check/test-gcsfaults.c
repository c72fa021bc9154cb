/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gcssink against a cloud that fails at each stage of the protocol. */

#include <gst/gst.h>
#include <string.h>

#include "sinktest.h"

typedef enum {
  FAULT_NONE,
  FAULT_STATUS,       /* @number */
  FAULT_STATUS_TAKEN, /* the same, but it has taken the chunk */
  FAULT_RETRY_AFTER,  /* 503, @number s */
  FAULT_RANGE,        /* 308 with @text, or without; nothing is taken */
  FAULT_TAKE,         /* the first @number bytes */
  FAULT_RESET,
  FAULT_RESET_DONE, /* the object is made, but nobody is told */
  FAULT_APPEARS,    /* somebody else makes the object; then as it should be */
  FAULT_WRONG,      /* the checksum of what is stored; from here on right */
  FAULT_NONSENSE,
  FAULT_DEAD, /* the session is over: 410 */
} FaultKind;

typedef struct {
  guint n; /* of the request */
  FaultKind kind;
  guint number;
  const char *text;
} Fault;

typedef struct {
  const char *name;
  gsize size;
  Fault faults[6];
  const char *requests;
} Case;

static void
make_object (CloudStub *cloud)
{
  cloud->object = g_byte_array_ref (cloud->given);
  cloud->generation++;
}

static gboolean
apply (const Fault *fault, CloudStub *cloud, const StubRequest *request,
    StubAnswer *answer)
{
  StubAnswer unused = {0};

  switch (fault->kind) {
    case FAULT_STATUS_TAKEN:
      cloud_stub_take (cloud, request, request->length, &unused);
      /* fallthrough */
    case FAULT_STATUS:
      answer->status = fault->number;
      return TRUE;
    case FAULT_RETRY_AFTER:
      answer->status = 503;
      answer->headers = "Retry-After: 1\r\n";
      return TRUE;
    case FAULT_RANGE:
      cloud_stub_resume (answer, fault->text);
      return TRUE;
    case FAULT_TAKE:
      cloud_stub_take (cloud, request, fault->number, answer);
      return TRUE;
    case FAULT_RESET_DONE:
      cloud_stub_take (cloud, request, request->length, &unused);
      make_object (cloud);
      /* fallthrough */
    case FAULT_RESET:
      answer->manner = STUB_RESET;
      return TRUE;
    case FAULT_APPEARS:
      cloud->object = g_byte_array_new ();
      cloud_stub_append (cloud->object, fault->number);
      return FALSE;
    case FAULT_WRONG:
      cloud->wrong = fault->number;
      return FALSE;
    case FAULT_NONSENSE:
      answer->manner = STUB_NONSENSE;
      answer->body = g_strdup ("HTTP/1.1 never\r\n\r\n");
      return TRUE;
    case FAULT_DEAD:
      g_clear_pointer (&cloud->given, g_byte_array_unref);
      return FALSE;
    case FAULT_NONE:
    default:
      return FALSE;
  }
}

static gboolean
on_fault (CloudStub *cloud, guint n, const StubRequest *request,
    StubAnswer *answer, gpointer data)
{
  const Fault *faults = data;

  for (; faults->kind != FAULT_NONE; faults++)
    if (faults->n == n)
      return apply (faults, cloud, request, answer);
  return FALSE;
}

static const Case cases[] = {
    {"truncated", 5 * UNIT + 7, {{1, FAULT_TAKE, UNIT}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 262144-786431/*\n"
        "PUT bytes 786432-1310719/*\n"
        "PUT bytes 1310720-1310726/1310727\n"},
    {"truncated-anywhere", 5 * UNIT + 7, {{1, FAULT_TAKE, 300000}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 300000-824287/*\n"
        "PUT bytes 824288-1310726/1310727\n"},
    {"truncated-end", 3 * UNIT, {{2, FAULT_TAKE, 1000}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"
        "PUT bytes 525288-786431/786432\n"},
    {"range-absent", 3 * UNIT, {{1, FAULT_RANGE, 0, NULL}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes */*\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"range-nonsense", 3 * UNIT, {{1, FAULT_RANGE, 0, "bytes 0-7"}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes */*\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"range-beyond", 3 * UNIT, {{1, FAULT_RANGE, 0, "bytes=0-524288"}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"range-backwards", 4 * UNIT - 1, {{2, FAULT_RANGE, 0, "bytes=0-262143"}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-1048574/1048575\n"
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-1048574/1048575\n"},
    {"unavailable", 3 * UNIT,
        {{0, FAULT_STATUS, 503}, {2, FAULT_STATUS, 503},
            {3, FAULT_STATUS, 500}},
        "POST\n"
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes */*\n"
        "PUT bytes */*\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"unavailable-but-taken", 3 * UNIT, {{1, FAULT_STATUS_TAKEN, 503}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes */*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"overloaded", UNIT, {{1, FAULT_STATUS, 429}, {2, FAULT_STATUS, 408}},
        "POST\n"
        "PUT bytes 0-262143/262144\n"
        "PUT bytes */*\n"
        "PUT bytes */*\n"
        "PUT bytes 0-262143/262144\n"},
    {"reset", UNIT, {{0, FAULT_RESET}, {2, FAULT_RESET}, {3, FAULT_NONSENSE}},
        "POST\n"
        "POST\n"
        "PUT bytes 0-262143/262144\n"
        "PUT bytes */*\n"
        "PUT bytes */*\n"
        "PUT bytes 0-262143/262144\n"},
    /* Where an HTTP library likes to send it again. */
    {"reset-old-connection", 3 * UNIT, {{2, FAULT_RESET}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"
        "PUT bytes */*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"no-address", 10, {{0, FAULT_STATUS, 200}},
        "POST\nPOST\nPUT bytes 0-9/10\n"},
    {"checksum-refused", 10, {{1, FAULT_STATUS, 400}},
        "POST\nPUT bytes 0-9/10\nPOST\nPUT bytes 0-9/10\n"},
    {"done-but-not-told", UNIT, {{1, FAULT_RESET_DONE}},
        "POST\n"
        "PUT bytes 0-262143/262144\n"
        "PUT bytes */*\n"},
    {"session-dead", 3 * UNIT, {{2, FAULT_DEAD}},
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"
        "POST\n"
        "PUT bytes 0-524287/*\n"
        "PUT bytes 524288-786431/786432\n"},
    {"session-unknown", UNIT, {{1, FAULT_STATUS, 404}},
        "POST\n"
        "PUT bytes 0-262143/262144\n"
        "POST\n"
        "PUT bytes 0-262143/262144\n"},
    {"corrupt-once", UNIT, {{1, FAULT_WRONG, 1}, {2, FAULT_WRONG, 0}},
        "POST\n"
        "PUT bytes 0-262143/262144\n"
        "DELETE\n"
        "POST\n"
        "PUT bytes 0-262143/262144\n"},
};

static void
test_fault (SinkTest *f, gconstpointer data)
{
  const Case *c = data;

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)c->faults);
  sink_test_upload (f, c->size, 100 * 1000, c->requests);
}

/* The connection ends in the middle of a chunk. */
static void
test_broken_chunk (SinkTest *f, gconstpointer data)
{
  http_stub_break_after (f->cloud->http, 100 * 1000);
  sink_test_upload (f, UNIT, 1000,
      "POST\n"
      "PUT bytes */*\n"
      "PUT bytes 0-262143/262144\n");
  g_assert_cmpuint (sink_test_get_stat (f, "sent-bytes"), ==, 2 * UNIT);
}

static void
test_retry_after (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_RETRY_AFTER}, {0}};
  GstProgressType type = GST_PROGRESS_TYPE_START;
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (10);
  g_autofree char *text = NULL;

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)faults);
  sink_test_play (f);
  sink_test_push_all (f, bytes, 10);
  sink_test_push_end (f);
  while (type != GST_PROGRESS_TYPE_CONTINUE) {
    g_autoptr (GstMessage) message =
        sink_test_await_message (f, GST_MESSAGE_PROGRESS);

    g_clear_pointer (&text, g_free);
    gst_message_parse_progress (message, &type, NULL, &text);
  }
  g_assert_true (
      g_str_has_suffix (text, "status 503. The next attempt is in 1.0 s."));
  sink_test_assert_uploaded (f, bytes);
  sink_test_assert_requests (
      f, "POST\nPUT bytes 0-9/10\nPUT bytes */*\nPUT bytes 0-9/10\n");
}

static void
assert_fails (SinkTest *f, const Fault *faults, gsize size,
    GstResourceError code, const char *requests)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);
  GstFlowReturn ret = GST_FLOW_OK;

  cloud_stub_set_fault (
      f->cloud, faults != NULL ? on_fault : NULL, (gpointer)faults);
  sink_test_play (f);
  for (gsize at = 0; at < size && ret == GST_FLOW_OK; at += MIN (size, UNIT))
    ret = sink_test_push (f, bytes, at, MIN (size - at, UNIT));
  gst_harness_push_event (f->harness, gst_event_new_eos ());
  sink_test_assert_error (f, code);
  /* Once. */
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR));
  g_assert_cmpint (sink_test_push (f, bytes, 0, 1), !=, GST_FLOW_OK);
  sink_test_assert_requests (f, requests);
}

static void
test_denied (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{0, FAULT_STATUS, 403}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "POST\n");
}

static void
test_no_bucket (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{0, FAULT_STATUS, 404}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_NOT_FOUND, "POST\n");
}

static void
test_refused (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_STATUS, 400}, {0}};

  assert_fails (f, faults, 3 * UNIT, GST_RESOURCE_ERROR_WRITE,
      "POST\nPUT bytes 0-524287/*\n");
}

/* No redirect is followed with our bytes. */
static void
test_redirected (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_STATUS, 307}, {0}};

  assert_fails (
      f, faults, 10, GST_RESOURCE_ERROR_WRITE, "POST\nPUT bytes 0-9/10\n");
}

static void
test_corrupt_twice (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_WRONG, 1}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_WRITE,
      "POST\nPUT bytes 0-9/10\nDELETE\nPOST\nPUT bytes 0-9/10\nDELETE\n");
  g_assert_null (f->cloud->object);
}

/* What is in the ring no more cannot be sent again. */
static void
test_session_lost (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{3, FAULT_DEAD}, {0}};

  assert_fails (f, faults, 6 * UNIT, GST_RESOURCE_ERROR_WRITE,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1572863/1572864\n");
}

/* --- the object is there already ---------------------------------------------------*/

static void
test_exists_equal (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (3 * UNIT + 1);

  f->cloud->object = g_byte_array_new ();
  cloud_stub_append (f->cloud->object, 3 * UNIT + 1);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  sink_test_upload (f, 3 * UNIT + 1, 1000, "POST\nGET\n");
}

static void
test_exists_unequal (SinkTest *f, gconstpointer data)
{
  f->cloud->object = g_byte_array_new ();
  g_byte_array_append (f->cloud->object, (const guint8 *)"0123456789", 10);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  assert_fails (f, NULL, 10, GST_RESOURCE_ERROR_OPEN_WRITE, "POST\nGET\n");
  g_assert_cmpuint (f->cloud->object->len, ==, 10);
}

/* Found out long before the end. */
static void
test_exists_shorter (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (UNIT);

  f->cloud->object = g_byte_array_new ();
  cloud_stub_append (f->cloud->object, 10);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  sink_test_play (f);
  sink_test_push_all (f, bytes, UNIT);
  sink_test_assert_error (f, GST_RESOURCE_ERROR_OPEN_WRITE);
}

static void
test_appears_equal (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{2, FAULT_APPEARS, 3 * UNIT}, {0}};

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)faults);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  sink_test_upload (f, 3 * UNIT, 1000,
      "POST\nPUT bytes 0-524287/*\nPUT bytes 524288-786431/786432\nGET\n");
}

static void
test_appears_unequal (SinkTest *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_APPEARS, 9}, {0}};

  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_OPEN_WRITE,
      "POST\nPUT bytes 0-9/10\nGET\n");
}

#define ADD(path, data, func)                                                  \
  g_test_add ("/gcsfaults/" path, SinkTest, data, sink_test_set_up, func,      \
      sink_test_tear_down)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcsfaults/fault/%s", cases[i].name);

    g_test_add (path, SinkTest, &cases[i], sink_test_set_up, test_fault,
        sink_test_tear_down);
  }
  ADD ("broken-chunk", NULL, test_broken_chunk);
  ADD ("retry-after", NULL, test_retry_after);
  ADD ("denied", NULL, test_denied);
  ADD ("no-bucket", NULL, test_no_bucket);
  ADD ("refused", NULL, test_refused);
  ADD ("redirected", NULL, test_redirected);
  ADD ("corrupt-twice", NULL, test_corrupt_twice);
  ADD ("session-lost", NULL, test_session_lost);
  ADD ("exists/equal", NULL, test_exists_equal);
  ADD ("exists/unequal", NULL, test_exists_unequal);
  ADD ("exists/shorter", NULL, test_exists_shorter);
  ADD ("appears/equal", NULL, test_appears_equal);
  ADD ("appears/unequal", NULL, test_appears_unequal);
  return g_test_run ();
}
