/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>

#include "messagetext.h"

static GstElement *pipeline, *element;

static void
assert_text (GstMessage *message, const char *expected)
{
  g_autofree char *text = message_to_text (message, pipeline);

  g_assert_cmpstr (text, ==, expected);
  gst_message_unref (message);
}

static void
test_messagetext_problems (void)
{
  g_autoptr (GError) error = g_error_new_literal (
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "The disk is full.");

  assert_text (
      gst_message_new_error (GST_OBJECT (element), error, "file.c(3)\nENOSPC"),
      "Error: sink: The disk is full.\n    file.c(3)\n    ENOSPC");
  assert_text (gst_message_new_warning (GST_OBJECT (element), error, NULL),
      "Warning: sink: The disk is full.");
  assert_text (gst_message_new_info (GST_OBJECT (element), error, ""),
      "Note: sink: The disk is full.");
}

/* As GStreamer itself words it. */
static void
test_messagetext_missing_stream (void)
{
  g_autoptr (GError) error = NULL;
  GstElement *line = gst_parse_launch (
      "flvdemux name=source source.audio ! fakesink async=false", &error);
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (line), "source");
  g_autoptr (GstBus) bus = gst_element_get_bus (line);

  g_assert_no_error (error);
  gst_element_no_more_pads (source);
  assert_text (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING),
      "Note: source: there is no audio");
  gst_object_unref (line);
}

static void
test_messagetext_states (void)
{
  assert_text (gst_message_new_state_changed (GST_OBJECT (pipeline),
                   GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_VOID_PENDING),
      "Running.");
  assert_text (gst_message_new_state_changed (GST_OBJECT (pipeline),
                   GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING),
      NULL);
  assert_text (gst_message_new_state_changed (GST_OBJECT (element),
                   GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_VOID_PENDING),
      NULL);
  assert_text (gst_message_new_eos (GST_OBJECT (pipeline)), "The end.");
  assert_text (gst_message_new_progress (GST_OBJECT (element),
                   GST_PROGRESS_TYPE_START, "open", "Opening"),
      "sink: Opening");
}

static void
test_messagetext_elements (void)
{
  assert_text (
      gst_message_new_element (GST_OBJECT (element),
          gst_structure_new ("fakesink-chunks-dropped", "link", G_TYPE_STRING,
              "a b", "chunks", G_TYPE_UINT64, G_GUINT64_CONSTANT (7), NULL)),
      "sink: chunks-dropped: link=a b, chunks=7");
  assert_text (gst_message_new_element (GST_OBJECT (element),
                   gst_structure_new_empty ("fakesinks-noise")),
      NULL);
  assert_text (gst_message_new_element (
                   GST_OBJECT (element), gst_structure_new_empty ("level")),
      NULL);
}

int
main (int argc, char **argv)
{
  int status;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  element = gst_object_ref_sink (gst_element_factory_make ("fakesink", "sink"));
  g_test_add_func ("/messagetext/problems", test_messagetext_problems);
  g_test_add_func (
      "/messagetext/missing-stream", test_messagetext_missing_stream);
  g_test_add_func ("/messagetext/states", test_messagetext_states);
  g_test_add_func ("/messagetext/elements", test_messagetext_elements);
  status = g_test_run ();
  gst_object_unref (element);
  gst_object_unref (pipeline);
  return status;
}
