/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sinktest.h"

#include "crc32c.h"

void
sink_test_set_up (SinkTest *f, gconstpointer data)
{
  f->cloud = cloud_stub_new ();
  f->sink = gst_object_ref_sink (gst_element_factory_make ("gcssink", NULL));
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->sink, f->bus);
  g_object_set (f->sink, "bucket", "b", "object", "o/p", "endpoint",
      f->cloud->url, "chunk-size", 2 * UNIT, NULL);
}

void
sink_test_play (SinkTest *f)
{
  f->harness = gst_harness_new_with_element (f->sink, "sink", NULL);
  gst_harness_set_src_caps_str (f->harness, "application/x-anything");
}

void
sink_test_tear_down (SinkTest *f, gconstpointer data)
{
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_clear_pointer (&f->harness, gst_harness_teardown);
  gst_bus_set_flushing (f->bus, TRUE);
  gst_element_set_bus (f->sink, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->sink);
  cloud_stub_free (f->cloud);
}

GstFlowReturn
sink_test_push (SinkTest *f, GBytes *bytes, gsize offset, gsize size)
{
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, offset, size);

  return gst_harness_push (f->harness, gst_buffer_new_wrapped_bytes (part));
}

/* In buffers of @size. */
void
sink_test_push_all (SinkTest *f, GBytes *bytes, gsize size)
{
  gsize all = g_bytes_get_size (bytes);

  for (gsize offset = 0; offset < all; offset += size)
    g_assert_cmpint (
        sink_test_push (f, bytes, offset, MIN (size, all - offset)), ==,
        GST_FLOW_OK);
}

void
sink_test_push_end (SinkTest *f)
{
  g_assert_true (gst_harness_push_event (f->harness, gst_event_new_eos ()));
}

GstMessage *
sink_test_await_message (SinkTest *f, GstMessageType type)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (f->bus, 60 * GST_SECOND, type);

  g_assert_nonnull (message);
  return message;
}

void
sink_test_assert_uploaded (SinkTest *f, GBytes *bytes)
{
  g_autoptr (GstMessage) message =
      sink_test_await_message (f, GST_MESSAGE_ELEMENT);
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

void
sink_test_assert_error (SinkTest *f, GstResourceError code)
{
  g_autoptr (GstMessage) message =
      sink_test_await_message (f, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int)code);
}

void
sink_test_assert_requests (SinkTest *f, const char *expected)
{
  g_autofree char *list = cloud_stub_list (f->cloud);

  g_assert_cmpstr (list, ==, expected);
}

guint64
sink_test_get_stat (SinkTest *f, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

void
sink_test_upload (SinkTest *f, gsize size, gsize buffer, const char *requests)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);

  sink_test_play (f);
  sink_test_push_all (f, bytes, buffer);
  sink_test_push_end (f);
  sink_test_assert_uploaded (f, bytes);
  sink_test_assert_requests (f, requests);
}
