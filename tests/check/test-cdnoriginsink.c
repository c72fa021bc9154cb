/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <string.h>

#include "broadcastcontext.h"
#include "chunk.h"
#include "origincontext.h"
#include "origintest.h"

#define VIDEO "/live/game/video_0/"

static GstHarness *
make_sink (const char *link, guint16 port)
{
  GstElement *sink = gst_element_factory_make ("cdnoriginsink", NULL);
  GstHarness *harness;

  g_object_set (sink, "link", link, "port", port, NULL);
  harness = gst_harness_new_with_element (sink, "sink", NULL);
  gst_object_unref (sink);
  return harness;
}

static void
set_chunk_caps (GstHarness *harness)
{
  g_autoptr (TrackTable) table = test_table (TRUE);

  gst_harness_set_src_caps (harness, chunk_caps_new (table));
}

static GstBuffer *
make_chunk (ChunkInfo info)
{
  g_autoptr (GBytes) bytes = test_bytes (&info);
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);

  info.size = g_bytes_get_size (bytes);
  chunk_buffer_set_info (buffer, &info);
  return buffer;
}

static GstElement *
get_sink (GstHarness *harness)
{
  return gst_object_ref (harness->element);
}

static GstMessage *
pop_element_message (GstBus *bus, const char *name)
{
  GstMessage *message;

  while ((message = gst_bus_timed_pop_filtered (
              bus, 10 * GST_SECOND, GST_MESSAGE_ELEMENT)) != NULL) {
    if (gst_message_has_name (message, name))
      return message;
    gst_message_unref (message);
  }
  return NULL;
}

static guint16
port_of (const char *url)
{
  g_assert_true (g_str_has_prefix (url, "http://127.0.0.1:"));
  return g_ascii_strtoull (url + strlen ("http://127.0.0.1:"), NULL, 10);
}

static void
test_publishes (void)
{
  GstHarness *harness = make_sink ("game", 0);
  g_autoptr (GstElement) sink = get_sink (harness);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;
  GstStructure *stats;
  guint64 parts;
  const char *url;
  guint16 port;

  gst_element_set_bus (sink, bus);
  set_chunk_caps (harness);
  gst_harness_push (harness, make_chunk (test_info (0, 0, 0, 0)));
  message = pop_element_message (bus, "cdnoriginsink-published");
  g_assert_nonnull (message);
  url = gst_structure_get_string (gst_message_get_structure (message), "url");
  g_assert_true (g_str_has_suffix (url, "/live/game/master.m3u8"));
  port = port_of (url);
  reply = http_get (port, VIDEO "index.m3u8", NULL);
  g_assert_cmpuint (reply->status, ==, 200);

  g_object_get (sink, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "parts", &parts);
  g_assert_cmpuint (parts, ==, 1);
  g_assert_false (gst_structure_has_field (stats, "part-latency-median"));
  g_assert_false (gst_structure_has_field (stats, "part-latency-p99"));
  gst_structure_free (stats);

  gst_harness_push_event (harness, gst_event_new_eos ());
  g_clear_pointer (&reply, http_reply_free);
  reply = http_get (port, VIDEO "index.m3u8", NULL);
  text = http_reply_text (reply);
  g_assert_true (g_str_has_suffix (text, "#EXT-X-ENDLIST\n"));
  gst_element_set_bus (sink, NULL);
  gst_harness_teardown (harness);
}

/* From the last frame of a part until it is listed. */
static void
test_part_latency (void)
{
  GstHarness *harness = make_sink ("game", 0);
  g_autoptr (GstElement) sink = get_sink (harness);
  gint64 begin = g_get_monotonic_time ();
  GstStructure *stats;
  guint64 median = 0, p99 = 0, most;

  set_chunk_caps (harness);
  for (guint i = 0; i < 3; i++) {
    ChunkInfo info = test_info (0, 0, 0, i);

    info.arrived = begin - (i + 1) * G_USEC_PER_SEC;
    gst_harness_push (harness, make_chunk (info));
  }
  most = (g_get_monotonic_time () - begin) * 1000;
  g_object_get (sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "part-latency-median", G_TYPE_UINT64,
      &median, "part-latency-p99", G_TYPE_UINT64, &p99, NULL));
  g_assert_cmpuint (median, >=, 2 * GST_SECOND);
  g_assert_cmpuint (median, <=, 2 * GST_SECOND + most);
  g_assert_cmpuint (p99, >=, 3 * GST_SECOND);
  g_assert_cmpuint (p99, <=, 3 * GST_SECOND + most);
  gst_structure_free (stats);
  gst_harness_teardown (harness);
}

static void
test_context (void)
{
  GstHarness *harness = make_sink (NULL, 0);
  g_autoptr (GstElement) sink = get_sink (harness);
  BroadcastInfo info = {.link = (char *)"game", .resume_window = GST_SECOND};
  g_autoptr (GstContext) context = broadcast_context_new (&info);
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;
  g_autofree char *url = NULL;

  gst_element_set_context (sink, context);
  set_chunk_caps (harness);
  gst_harness_push (harness, make_chunk (test_info (0, 0, 0, 0)));
  g_object_get (sink, "url", &url, NULL);
  gst_harness_push_event (harness, gst_event_new_eos ());
  /* Interrupted, not ended: this request is held until the window passes. */
  reply = http_get (port_of (url), VIDEO "index.m3u8?_HLS_msn=1", NULL);
  text = http_reply_text (reply);
  g_assert_true (g_str_has_suffix (text, "#EXT-X-ENDLIST\n"));
  gst_harness_teardown (harness);
}

static void
test_poster_shares_origin (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) origin = origin_acquire ("127.0.0.1", 0, &error);
  guint16 port = origin_get_port (origin);
  GstHarness *chunks = make_sink ("game", port);
  GstHarness *poster = make_sink ("game", port);
  GstBuffer *jpeg = gst_buffer_new_memdup ("jpeg", 4);
  g_autoptr (HttpReply) reply = NULL;

  set_chunk_caps (chunks);
  gst_harness_push (chunks, make_chunk (test_info (0, 0, 0, 0)));
  gst_harness_set_src_caps_str (poster, "image/jpeg");
  gst_harness_push (poster, jpeg);
  reply = http_get (port, "/live/game/poster.jpg", NULL);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpmem (g_bytes_get_data (reply->body, NULL),
      g_bytes_get_size (reply->body), "jpeg", 4);
  gst_harness_teardown (chunks);
  gst_harness_teardown (poster);
}

/* Two sinks of one pipeline with port 0 use one port. */
static void
test_pipeline_shares_origin (void)
{
  g_autoptr (GstElement) pipeline = gst_pipeline_new (NULL);
  GstElement *a = gst_element_factory_make ("cdnoriginsink", NULL);
  GstElement *b = gst_element_factory_make ("cdnoriginsink", NULL);
  g_autoptr (GstContext) one = NULL;
  g_autoptr (GstContext) two = NULL;
  guint port_one = 0, port_two = 0;

  gst_object_ref_sink (pipeline);
  g_object_set (a, "port", 0, NULL);
  g_object_set (b, "port", 0, NULL);
  gst_bin_add_many (GST_BIN (pipeline), a, b, NULL);
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_READY), ==,
      GST_STATE_CHANGE_SUCCESS);
  one = gst_element_get_context (a, ORIGIN_CONTEXT_TYPE);
  two = gst_element_get_context (b, ORIGIN_CONTEXT_TYPE);
  g_assert_nonnull (one);
  g_assert_nonnull (two);
  gst_structure_get_uint (gst_context_get_structure (one), "port", &port_one);
  gst_structure_get_uint (gst_context_get_structure (two), "port", &port_two);
  g_assert_cmpuint (port_one, ==, port_two);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
assert_error (GstElement *sink, GstBus *bus, GQuark domain, int code)
{
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
}

static void
test_port_taken (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  GstElement *sink = gst_element_factory_make ("cdnoriginsink", NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_object_ref_sink (sink);
  gst_element_set_bus (sink, bus);
  g_object_set (sink, "port", port, NULL);
  g_assert_cmpint (gst_element_set_state (sink, GST_STATE_READY), ==,
      GST_STATE_CHANGE_FAILURE);
  assert_error (sink, bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_element_set_bus (sink, NULL);
  gst_object_unref (sink);
}

static void
push_and_expect (const char *link, GstBuffer *buffer, GQuark domain, int code)
{
  GstHarness *harness = make_sink (link, 0);
  g_autoptr (GstElement) sink = get_sink (harness);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (sink, bus);
  set_chunk_caps (harness);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_ERROR);
  assert_error (sink, bus, domain, code);
  gst_element_set_bus (sink, NULL);
  gst_harness_teardown (harness);
}

static void
test_refuses (void)
{
  GstBuffer *piece = make_chunk (test_info (0, 0, 0, 0));

  push_and_expect (NULL, make_chunk (test_info (0, 0, 0, 0)),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  push_and_expect ("a/b", make_chunk (test_info (0, 0, 0, 0)),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  gst_buffer_resize (piece, 0, 10);
  push_and_expect ("game", piece, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  push_and_expect ("game", gst_buffer_new_memdup ("x", 1), GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT);
}

static void
test_states (void)
{
  GstElement *sink = gst_element_factory_make ("cdnoriginsink", NULL);
  GstState path[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL};

  gst_object_ref_sink (sink);
  g_object_set (sink, "port", 0, NULL);
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (path); i++)
      g_assert_cmpint (
          gst_element_set_state (sink, path[i]), ==, GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (sink);
}

/* A poster for which no picture comes does not hold up the end. */
static void
test_poster_without_picture (void)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch ("fakesrc num-buffers=1 ! fakesink "
                                           "cdnoriginsink poster=true port=0",
      &error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cdnoriginsink/publishes", test_publishes);
  g_test_add_func ("/cdnoriginsink/part-latency", test_part_latency);
  g_test_add_func ("/cdnoriginsink/context", test_context);
  g_test_add_func ("/cdnoriginsink/poster", test_poster_shares_origin);
  g_test_add_func (
      "/cdnoriginsink/poster-without-picture", test_poster_without_picture);
  g_test_add_func ("/cdnoriginsink/pipeline", test_pipeline_shares_origin);
  g_test_add_func ("/cdnoriginsink/port-taken", test_port_taken);
  g_test_add_func ("/cdnoriginsink/refuses", test_refuses);
  g_test_add_func ("/cdnoriginsink/states", test_states);
  return g_test_run ();
}
