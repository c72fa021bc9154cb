/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <string.h>

#include "cloudstub.h"
#include "crc32c.h"

#define UNIT (256 * 1024)

typedef struct {
  CloudStub *cloud;
  GstElement *sink;
  GstBus *bus;
  GstHarness *harness;
} Fixture;

/* --- fixture ---------------------------------------------------------------------*/

static void
set_up (Fixture *f, gconstpointer data)
{
  f->cloud = cloud_stub_new ();
  f->sink = gst_object_ref_sink (gst_element_factory_make ("gcssink", NULL));
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->sink, f->bus);
  g_object_set (f->sink, "bucket", "b", "object", "o/p", "endpoint",
      f->cloud->url, "chunk-size", 2 * UNIT, NULL);
}

static void
play (Fixture *f)
{
  f->harness = gst_harness_new_with_element (f->sink, "sink", NULL);
  gst_harness_set_src_caps_str (f->harness, "application/x-anything");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_clear_pointer (&f->harness, gst_harness_teardown);
  gst_bus_set_flushing (f->bus, TRUE);
  gst_element_set_bus (f->sink, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->sink);
  cloud_stub_free (f->cloud);
}

static GstFlowReturn
push (Fixture *f, GBytes *bytes, gsize offset, gsize size)
{
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, offset, size);

  return gst_harness_push (f->harness, gst_buffer_new_wrapped_bytes (part));
}

/* In buffers of @size. */
static void
push_all (Fixture *f, GBytes *bytes, gsize size)
{
  gsize all = g_bytes_get_size (bytes);

  for (gsize offset = 0; offset < all; offset += size)
    g_assert_cmpint (
        push (f, bytes, offset, MIN (size, all - offset)), ==, GST_FLOW_OK);
}

static void
push_end (Fixture *f)
{
  g_assert_true (gst_harness_push_event (f->harness, gst_event_new_eos ()));
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
assert_uploaded (Fixture *f, GBytes *bytes)
{
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_ELEMENT);
  const GstStructure *fields = gst_message_get_structure (message);
  guint64 size;
  gint64 generation;
  guint crc;

  g_assert_true (gst_structure_has_name (fields, "gcssink-object-uploaded"));
  g_assert_true (
      gst_structure_get (fields, "size", G_TYPE_UINT64, &size, "generation",
          G_TYPE_INT64, &generation, "crc32c", G_TYPE_UINT, &crc, NULL));
  g_assert_cmpstr (gst_structure_get_string (fields, "bucket"), ==, "b");
  g_assert_cmpstr (gst_structure_get_string (fields, "object"), ==, "o/p");
  g_assert_cmpuint (size, ==, g_bytes_get_size (bytes));
  g_assert_cmpint (generation, ==, f->cloud->generation);
  g_assert_cmpuint (
      crc, ==, crc32c_update (0, g_bytes_get_data (bytes, NULL), size));
  cloud_stub_assert_object (f->cloud, bytes);
}

static void
assert_error (Fixture *f, GstResourceError code)
{
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int)code);
}

static void
assert_requests (Fixture *f, const char *expected)
{
  g_autofree char *list = cloud_stub_list (f->cloud);

  g_assert_cmpstr (list, ==, expected);
}

static guint64
get_stat (Fixture *f, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

static void
upload (Fixture *f, gsize size, gsize buffer, const char *requests)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);

  play (f);
  push_all (f, bytes, buffer);
  push_end (f);
  assert_uploaded (f, bytes);
  assert_requests (f, requests);
}

/* --- without faults ----------------------------------------------------------------*/

static void
test_chunks (Fixture *f, gconstpointer data)
{
  upload (f, 5 * UNIT + 7, 1000,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1310726/1310727\n");
  g_assert_cmpuint (get_stat (f, "stored-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (get_stat (f, "sent-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (get_stat (f, "failures"), ==, 0);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  upload (f, 0, 1, "POST\nPUT bytes */0\n");
}

typedef struct {
  gsize size;
  const char *requests;
} Size;

static const Size sizes[] = {
    {1, "POST\nPUT bytes 0-0/1\n"},
    {UNIT - 1, "POST\nPUT bytes 0-262142/262143\n"},
    {UNIT, "POST\nPUT bytes 0-262143/262144\n"},
    {UNIT + 1, "POST\nPUT bytes 0-262144/262145\n"},
    {2 * UNIT - 1, "POST\nPUT bytes 0-524286/524287\n"},
    {2 * UNIT + 1,
        "POST\nPUT bytes 0-524287/*\nPUT bytes 524288-524288/524289\n"},
};

static void
test_size (Fixture *f, gconstpointer data)
{
  const Size *size = data;

  upload (f, size->size, 100 * 1000, size->requests);
}

/* In the buffers of a source that has large ones. */
static void
test_large_buffer (Fixture *f, gconstpointer data)
{
  upload (f, 9 * UNIT + 1, 9 * UNIT + 1,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1572863/*\n"
      "PUT bytes 1572864-2097151/*\n"
      "PUT bytes 2097152-2359296/2359297\n");
}

static void
test_attributes (Fixture *f, gconstpointer data)
{
  gst_util_set_object_arg (
      G_OBJECT (f->sink), "metadata", "metadata,game=half-life,round=(int)3");
  g_object_set (f->sink, "content-type", "video/mp4", "cache-control",
      "private", "custom-time", "2030-01-31T12:00:00Z", "if-generation-match",
      G_GINT64_CONSTANT (0), NULL);
  upload (f, 10, 10, "POST\nPUT bytes 0-9/10\n");
  g_assert_true (f->cloud->only_new);
  g_assert_cmpstr (f->cloud->metadata, ==,
      "{\"name\":\"o/p\",\"contentType\":\"video/mp4\",\"cacheControl\":"
      "\"private\",\"customTime\":\"2030-01-31T12:00:00Z\",\"metadata\":{"
      "\"game\":\"half-life\",\"round\":\"3\"}}");
}

/* --- what goes wrong ---------------------------------------------------------------*/

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
    {"corrupt-and-refused", UNIT, {{1, FAULT_STATUS, 400}},
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
test_fault (Fixture *f, gconstpointer data)
{
  const Case *c = data;

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)c->faults);
  upload (f, c->size, 100 * 1000, c->requests);
}

/* The connection ends in the middle of a chunk. */
static void
test_broken_chunk (Fixture *f, gconstpointer data)
{
  http_stub_break_after (f->cloud->http, 100 * 1000);
  upload (f, UNIT, 1000,
      "POST\n"
      "PUT bytes */*\n"
      "PUT bytes 0-262143/262144\n");
  g_assert_cmpuint (get_stat (f, "sent-bytes"), ==, 2 * UNIT);
}

static void
test_retry_after (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_RETRY_AFTER}, {0}};
  GstProgressType type = GST_PROGRESS_TYPE_START;
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (10);
  g_autofree char *text = NULL;

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)faults);
  play (f);
  push_all (f, bytes, 10);
  push_end (f);
  while (type != GST_PROGRESS_TYPE_CONTINUE) {
    g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_PROGRESS);

    g_clear_pointer (&text, g_free);
    gst_message_parse_progress (message, &type, NULL, &text);
  }
  g_assert_true (
      g_str_has_suffix (text, "status 503. The next attempt is in 1.0 s."));
  assert_uploaded (f, bytes);
  assert_requests (
      f, "POST\nPUT bytes 0-9/10\nPUT bytes */*\nPUT bytes 0-9/10\n");
}

static void
assert_fails (Fixture *f, const Fault *faults, gsize size,
    GstResourceError code, const char *requests)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);
  GstFlowReturn ret = GST_FLOW_OK;

  cloud_stub_set_fault (
      f->cloud, faults != NULL ? on_fault : NULL, (gpointer)faults);
  play (f);
  for (gsize at = 0; at < size && ret == GST_FLOW_OK; at += MIN (size, UNIT))
    ret = push (f, bytes, at, MIN (size - at, UNIT));
  gst_harness_push_event (f->harness, gst_event_new_eos ());
  assert_error (f, code);
  /* Once. */
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR));
  g_assert_cmpint (push (f, bytes, 0, 1), !=, GST_FLOW_OK);
  assert_requests (f, requests);
}

static void
test_denied (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{0, FAULT_STATUS, 403}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "POST\n");
}

static void
test_no_bucket (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{0, FAULT_STATUS, 404}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_NOT_FOUND, "POST\n");
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {
      {1, FAULT_STATUS, 400}, {3, FAULT_STATUS, 400}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_WRITE,
      "POST\nPUT bytes 0-9/10\nPOST\nPUT bytes 0-9/10\n");
}

/* No redirect is followed with our bytes. */
static void
test_redirected (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_STATUS, 307}, {0}};

  assert_fails (
      f, faults, 10, GST_RESOURCE_ERROR_WRITE, "POST\nPUT bytes 0-9/10\n");
}

static void
test_corrupt_twice (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_WRONG, 1}, {0}};

  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_WRITE,
      "POST\nPUT bytes 0-9/10\nDELETE\nPOST\nPUT bytes 0-9/10\nDELETE\n");
  g_assert_null (f->cloud->object);
}

/* What is in the ring no more cannot be sent again. */
static void
test_session_lost (Fixture *f, gconstpointer data)
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
test_exists_equal (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (3 * UNIT + 1);

  f->cloud->object = g_byte_array_new ();
  cloud_stub_append (f->cloud->object, 3 * UNIT + 1);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  upload (f, 3 * UNIT + 1, 1000, "POST\nGET\n");
}

static void
test_exists_unequal (Fixture *f, gconstpointer data)
{
  f->cloud->object = g_byte_array_new ();
  g_byte_array_append (f->cloud->object, (const guint8 *)"0123456789", 10);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  assert_fails (f, NULL, 10, GST_RESOURCE_ERROR_OPEN_WRITE, "POST\nGET\n");
  g_assert_cmpuint (f->cloud->object->len, ==, 10);
}

/* Found out long before the end. */
static void
test_exists_shorter (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (UNIT);

  f->cloud->object = g_byte_array_new ();
  cloud_stub_append (f->cloud->object, 10);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  play (f);
  push_all (f, bytes, UNIT);
  assert_error (f, GST_RESOURCE_ERROR_OPEN_WRITE);
}

static void
test_appears_equal (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{2, FAULT_APPEARS, 3 * UNIT}, {0}};

  cloud_stub_set_fault (f->cloud, on_fault, (gpointer)faults);
  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  upload (f, 3 * UNIT, 1000,
      "POST\nPUT bytes 0-524287/*\nPUT bytes 524288-786431/786432\nGET\n");
}

static void
test_appears_unequal (Fixture *f, gconstpointer data)
{
  static const Fault faults[] = {{1, FAULT_APPEARS, 9}, {0}};

  g_object_set (f->sink, "if-generation-match", G_GINT64_CONSTANT (0), NULL);
  assert_fails (f, faults, 10, GST_RESOURCE_ERROR_OPEN_WRITE,
      "POST\nPUT bytes 0-9/10\nGET\n");
}

/* --- states -----------------------------------------------------------------------*/

/* The answer to the request @data (a guint) waits for the fault to be taken away. */
static gboolean
hold (CloudStub *cloud, guint n, const StubRequest *request, StubAnswer *answer,
    gpointer data)
{
  while (n == GPOINTER_TO_UINT (data) && cloud->fault == hold)
    g_cond_wait (&cloud->changed, &cloud->lock);
  return FALSE;
}

static gboolean
stay_silent (CloudStub *cloud, guint n, const StubRequest *request,
    StubAnswer *answer, gpointer data)
{
  if (n != GPOINTER_TO_UINT (data))
    return FALSE;
  answer->manner = STUB_SILENCE;
  return TRUE;
}

typedef struct {
  Fixture *fixture;
  GBytes *bytes;
  GThread *thread;
} Pusher;

static gpointer
run_pusher (gpointer data)
{
  Pusher *pusher = data;

  push_all (pusher->fixture, pusher->bytes, 10 * 1000);
  push_end (pusher->fixture);
  return NULL;
}

static void
begin_pushing (Pusher *pusher, Fixture *f, gsize size)
{
  pusher->fixture = f;
  pusher->bytes = cloud_stub_make_bytes (size);
  pusher->thread = g_thread_new ("pusher", run_pusher, pusher);
}

static void
end_pushing (Pusher *pusher)
{
  g_thread_join (pusher->thread);
  g_bytes_unref (pusher->bytes);
}

static void
test_stop_while_silent (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (2 * UNIT);
  guint n = GPOINTER_TO_UINT (data);

  cloud_stub_set_fault (f->cloud, stay_silent, (gpointer)data);
  play (f);
  push_all (f, bytes, UNIT);
  cloud_stub_await (f->cloud, n + 1);
  g_assert_cmpint (gst_element_set_state (f->sink, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR));
}

/* More than the ring holds: the pusher waits for room. */
static void
test_pause (Fixture *f, gconstpointer data)
{
  Pusher pusher;

  cloud_stub_set_fault (f->cloud, hold, GUINT_TO_POINTER (1));
  play (f);
  begin_pushing (&pusher, f, 9 * UNIT);
  cloud_stub_await (f->cloud, 2);
  while (get_stat (f, "received-bytes") < 4 * UNIT)
    g_thread_yield ();
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (gst_element_set_state (f->sink, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (f->sink, GST_STATE_PLAYING);
  }
  gst_element_set_state (f->sink, GST_STATE_PAUSED);
  cloud_stub_set_fault (f->cloud, NULL, NULL);
  g_cond_broadcast (&f->cloud->changed);
  gst_element_set_state (f->sink, GST_STATE_PLAYING);
  assert_uploaded (f, pusher.bytes);
  end_pushing (&pusher);
}

static void
test_end_waits (Fixture *f, gconstpointer data)
{
  g_autoptr (GstMessage) end = NULL;
  Pusher pusher;

  cloud_stub_set_fault (f->cloud, hold, GUINT_TO_POINTER (2));
  play (f);
  begin_pushing (&pusher, f, 3 * UNIT);
  cloud_stub_await (f->cloud, 3);
  gst_element_set_state (f->sink, GST_STATE_PAUSED);
  gst_element_set_state (f->sink, GST_STATE_PLAYING);
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_EOS));
  g_assert_cmpuint (get_stat (f, "stored-bytes"), ==, 2 * UNIT);
  cloud_stub_set_fault (f->cloud, NULL, NULL);
  g_cond_broadcast (&f->cloud->changed);
  end = await_message (f, GST_MESSAGE_EOS);
  end_pushing (&pusher);
  cloud_stub_assert_object (f->cloud, pusher.bytes);
}

/* A stream that was flushed begins again, and so does the object. */
static void
test_flush (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) first = cloud_stub_make_bytes (3 * UNIT);
  g_autoptr (GBytes) second = cloud_stub_make_bytes (UNIT + 9);
  GstSegment segment;

  play (f);
  push_all (f, first, UNIT);
  gst_harness_push_event (f->harness, gst_event_new_flush_start ());
  g_assert_cmpint (push (f, first, 0, 1), ==, GST_FLOW_FLUSHING);
  gst_harness_push_event (f->harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  push_all (f, second, UNIT);
  push_end (f);
  assert_uploaded (f, second);
}

/* After its end, too. */
static void
test_flush_after_end (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (UNIT + 9);
  GstSegment segment;

  play (f);
  for (guint i = 0; i < 3; i++) {
    push_all (f, bytes, UNIT);
    push_end (f);
    assert_uploaded (f, bytes);
    gst_harness_push_event (f->harness, gst_event_new_flush_start ());
    gst_harness_push_event (f->harness, gst_event_new_flush_stop (TRUE));
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  }
  g_assert_cmpint (f->cloud->generation, ==, 3);
}

static void
test_misplaced (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (10);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  play (f);
  push_all (f, bytes, 10);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  segment.start = segment.time = 4;
  gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  g_assert_cmpint (push (f, bytes, 0, 1), ==, GST_FLOW_ERROR);
  message = await_message (f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_settings (Fixture *f, gconstpointer data)
{
  static const char *const wrong[][2] = {
      {"bucket", ""},
      {"bucket", "a/b"},
      {"object", ""},
      {"object", "a\nb"},
      {"endpoint", "ftp://127.0.0.1"},
      {"endpoint", "http://127.0.0.1/path"},
      {"credentials", "/nowhere/key.json"},
      {"custom-time", "tomorrow"},
      {"chunk-size", "262145"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    GstElement *sink =
        gst_object_ref_sink (gst_element_factory_make ("gcssink", NULL));

    gst_element_set_bus (sink, f->bus);
    g_object_set (
        sink, "bucket", "b", "object", "o", "endpoint", f->cloud->url, NULL);
    gst_util_set_object_arg (G_OBJECT (sink), wrong[i][0], wrong[i][1]);
    g_assert_cmpint (gst_element_set_state (sink, GST_STATE_READY), ==,
        GST_STATE_CHANGE_FAILURE);
    assert_error (f, GST_RESOURCE_ERROR_SETTINGS);
    gst_element_set_state (sink, GST_STATE_NULL);
    gst_element_set_bus (sink, NULL);
    gst_object_unref (sink);
    /* The base class complains, too. */
    gst_bus_set_flushing (f->bus, TRUE);
    gst_bus_set_flushing (f->bus, FALSE);
  }
  assert_requests (f, "");
}

static void
add_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcssink/size/%zu", sizes[i].size);

    g_test_add (path, Fixture, &sizes[i], set_up, test_size, tear_down);
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcssink/fault/%s", cases[i].name);

    g_test_add (path, Fixture, &cases[i], set_up, test_fault, tear_down);
  }
}

#define ADD(path, data, func)                                                  \
  g_test_add ("/gcssink/" path, Fixture, data, set_up, func, tear_down)

static void
add_failures (void)
{
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
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("chunks", NULL, test_chunks);
  ADD ("empty", NULL, test_empty);
  ADD ("large-buffer", NULL, test_large_buffer);
  ADD ("attributes", NULL, test_attributes);
  add_cases ();
  add_failures ();
  ADD ("stop/begin", GUINT_TO_POINTER (0), test_stop_while_silent);
  ADD ("stop/chunk", GUINT_TO_POINTER (1), test_stop_while_silent);
  ADD ("pause", NULL, test_pause);
  ADD ("end-waits", NULL, test_end_waits);
  ADD ("flush", NULL, test_flush);
  ADD ("flush-after-end", NULL, test_flush_after_end);
  ADD ("misplaced", NULL, test_misplaced);
  ADD ("settings", NULL, test_settings);
  return g_test_run ();
}
