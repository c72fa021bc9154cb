/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "testmedia.h"

/* Whether @element exists; if not, the running test is skipped. */
gboolean
test_media_has (const char *element)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (element);

  if (factory == NULL)
    g_test_skip (element);
  return factory != NULL;
}

/* Running time, a second later: decode times may be negative. */
static GstClockTime
shift (const GstSegment *segment, GstClockTime time)
{
  guint64 result;
  int sign;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return time;
  sign = gst_segment_to_running_time_full (
      segment, GST_FORMAT_TIME, time, &result);
  return GST_SECOND + (sign < 0 ? -result : result);
}

static void
on_handoff (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  TestMedia *media = data;
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  GstBuffer *copy = gst_buffer_copy (buffer);
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  GST_BUFFER_PTS (copy) = shift (segment, GST_BUFFER_PTS (buffer));
  GST_BUFFER_DTS (copy) = shift (segment, GST_BUFFER_DTS (buffer));
  if (media->caps == NULL)
    media->caps = gst_pad_get_current_caps (pad);
  g_ptr_array_add (media->buffers, copy);
}

/**
 * test_media_encode:
 * @description: of a stream that ends, in the syntax of gst-launch
 *
 * Returns: (transfer full): all of it, with its first caps, in running time
 *     that begins at one second
 */
TestMedia *
test_media_encode (const char *description)
{
  TestMedia *media = g_new0 (TestMedia, 1);
  g_autofree char *full = g_strdup_printf (
      "%s ! fakesink name=sink signal-handoffs=true sync=false", description);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (full, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  media->buffers =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_buffer_unref);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), media);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (media->buffers->len, >, 0);
  return media;
}

void
test_media_free (TestMedia *media)
{
  gst_clear_caps (&media->caps);
  g_ptr_array_unref (media->buffers);
  g_free (media);
}

/**
 * test_media_codec_data:
 *
 * Returns: (transfer full): codec_data of the caps
 */
GBytes *
test_media_codec_data (const TestMedia *media)
{
  const GValue *value = gst_structure_get_value (
      gst_caps_get_structure (media->caps, 0), "codec_data");
  GstBuffer *buffer = gst_value_get_buffer (value);
  GstMapInfo map;
  GBytes *bytes;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return bytes;
}
