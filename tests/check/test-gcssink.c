/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <string.h>

#include "sinktest.h"

/* --- without faults ----------------------------------------------------------------*/

static void
test_chunks (SinkTest *f, gconstpointer data)
{
  sink_test_upload (f, 5 * UNIT + 7, 1000,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1310726/1310727\n");
  g_assert_cmpuint (sink_test_get_stat (f, "stored-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (sink_test_get_stat (f, "sent-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (sink_test_get_stat (f, "failures"), ==, 0);
}

static void
test_empty (SinkTest *f, gconstpointer data)
{
  sink_test_upload (f, 0, 1, "POST\nPUT bytes */0\n");
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
test_size (SinkTest *f, gconstpointer data)
{
  const Size *size = data;

  sink_test_upload (f, size->size, 100 * 1000, size->requests);
}

/* In the buffers of a source that has large ones. */
static void
test_large_buffer (SinkTest *f, gconstpointer data)
{
  sink_test_upload (f, 9 * UNIT + 1, 9 * UNIT + 1,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1572863/*\n"
      "PUT bytes 1572864-2097151/*\n"
      "PUT bytes 2097152-2359296/2359297\n");
}

static void
test_attributes (SinkTest *f, gconstpointer data)
{
  gst_util_set_object_arg (
      G_OBJECT (f->sink), "metadata", "metadata,game=half-life,round=(int)3");
  g_object_set (f->sink, "content-type", "video/mp4", "cache-control",
      "private", "custom-time", "2030-01-31T12:00:00Z", "if-generation-match",
      G_GINT64_CONSTANT (0), NULL);
  sink_test_upload (f, 10, 10, "POST\nPUT bytes 0-9/10\n");
  g_assert_true (f->cloud->only_new);
  g_assert_cmpstr (f->cloud->metadata, ==,
      "{\"name\":\"o/p\",\"contentType\":\"video/mp4\",\"cacheControl\":"
      "\"private\",\"customTime\":\"2030-01-31T12:00:00Z\",\"metadata\":{"
      "\"game\":\"half-life\",\"round\":\"3\"}}");
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
  SinkTest *fixture;
  GBytes *bytes;
  GThread *thread;
} Pusher;

static gpointer
run_pusher (gpointer data)
{
  Pusher *pusher = data;

  sink_test_push_all (pusher->fixture, pusher->bytes, 10 * 1000);
  sink_test_push_end (pusher->fixture);
  return NULL;
}

static void
begin_pushing (Pusher *pusher, SinkTest *f, gsize size)
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
test_stop_while_silent (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (2 * UNIT);
  guint n = GPOINTER_TO_UINT (data);

  cloud_stub_set_fault (f->cloud, stay_silent, (gpointer)data);
  sink_test_play (f);
  sink_test_push_all (f, bytes, UNIT);
  cloud_stub_await (f->cloud, n + 1);
  g_assert_cmpint (gst_element_set_state (f->sink, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR));
  /* It was not that the request ended by itself, after its time. */
  g_assert_cmpuint (sink_test_get_stat (f, "failures"), ==, 0);
}

/* More than the ring holds: the pusher waits for room. */
static void
test_pause (SinkTest *f, gconstpointer data)
{
  Pusher pusher;

  cloud_stub_set_fault (f->cloud, hold, GUINT_TO_POINTER (1));
  sink_test_play (f);
  begin_pushing (&pusher, f, 9 * UNIT);
  cloud_stub_await (f->cloud, 2);
  while (sink_test_get_stat (f, "received-bytes") < 4 * UNIT)
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
  sink_test_assert_uploaded (f, pusher.bytes);
  end_pushing (&pusher);
}

static void
test_end_waits (SinkTest *f, gconstpointer data)
{
  g_autoptr (GstMessage) end = NULL;
  Pusher pusher;

  cloud_stub_set_fault (f->cloud, hold, GUINT_TO_POINTER (2));
  sink_test_play (f);
  begin_pushing (&pusher, f, 3 * UNIT);
  cloud_stub_await (f->cloud, 3);
  gst_element_set_state (f->sink, GST_STATE_PAUSED);
  gst_element_set_state (f->sink, GST_STATE_PLAYING);
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_EOS));
  g_assert_cmpuint (sink_test_get_stat (f, "stored-bytes"), ==, 2 * UNIT);
  cloud_stub_set_fault (f->cloud, NULL, NULL);
  g_cond_broadcast (&f->cloud->changed);
  end = sink_test_await_message (f, GST_MESSAGE_EOS);
  cloud_stub_assert_object (f->cloud, pusher.bytes);
  end_pushing (&pusher);
}

/* A stream that was flushed begins again, and so does the object. */
static void
test_flush (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) first = cloud_stub_make_bytes (3 * UNIT);
  g_autoptr (GBytes) second = cloud_stub_make_bytes (UNIT + 9);
  GstSegment segment;

  sink_test_play (f);
  sink_test_push_all (f, first, UNIT);
  gst_harness_push_event (f->harness, gst_event_new_flush_start ());
  g_assert_cmpint (sink_test_push (f, first, 0, 1), ==, GST_FLOW_FLUSHING);
  gst_harness_push_event (f->harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  sink_test_push_all (f, second, UNIT);
  sink_test_push_end (f);
  sink_test_assert_uploaded (f, second);
}

/* After its end, too. */
static void
test_flush_after_end (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (UNIT + 9);
  GstSegment segment;

  sink_test_play (f);
  for (guint i = 0; i < 3; i++) {
    sink_test_push_all (f, bytes, UNIT);
    sink_test_push_end (f);
    sink_test_assert_uploaded (f, bytes);
    gst_harness_push_event (f->harness, gst_event_new_flush_start ());
    gst_harness_push_event (f->harness, gst_event_new_flush_stop (TRUE));
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  }
  g_assert_cmpint (f->cloud->generation, ==, 3);
}

static void
test_misplaced (SinkTest *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (10);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  sink_test_play (f);
  sink_test_push_all (f, bytes, 10);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  segment.start = segment.time = 4;
  gst_harness_push_event (f->harness, gst_event_new_segment (&segment));
  g_assert_cmpint (sink_test_push (f, bytes, 0, 1), ==, GST_FLOW_ERROR);
  message = sink_test_await_message (f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_settings (SinkTest *f, gconstpointer data)
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
    sink_test_assert_error (f, GST_RESOURCE_ERROR_SETTINGS);
    gst_element_set_state (sink, GST_STATE_NULL);
    gst_element_set_bus (sink, NULL);
    gst_object_unref (sink);
    /* The base class complains, too. */
    gst_bus_set_flushing (f->bus, TRUE);
    gst_bus_set_flushing (f->bus, FALSE);
  }
  sink_test_assert_requests (f, "");
}

#define ADD(path, data, func)                                                  \
  g_test_add ("/gcssink/" path, SinkTest, data, sink_test_set_up, func,        \
      sink_test_tear_down)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("chunks", NULL, test_chunks);
  ADD ("empty", NULL, test_empty);
  ADD ("large-buffer", NULL, test_large_buffer);
  ADD ("attributes", NULL, test_attributes);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcssink/size/%zu", sizes[i].size);

    g_test_add (path, SinkTest, &sizes[i], sink_test_set_up, test_size,
        sink_test_tear_down);
  }
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
