/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "silence.h"

#include <gst/check/gstharness.h>

/* Decodes @n times @frame. Returns the samples a frame, all of which are
 * silent. */
static gsize
decode (const char *decoder, const char *caps, guint channels,
    const guint8 *frame, gsize size, guint n)
{
  g_autofree char *launch =
      g_strdup_printf ("%s ! audioconvert ! capsfilter "
                       "caps=audio/x-raw,format=F32LE,channels=%u,"
                       "layout=interleaved",
          decoder, channels);
  GstHarness *h = gst_harness_new_parse (launch);
  gsize samples = 0;

  gst_harness_set_src_caps_str (h, caps);
  for (guint i = 0; i < n; i++) {
    GstBuffer *buffer = gst_buffer_new_memdup (frame, size);

    GST_BUFFER_PTS (buffer) = i * 20 * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    g_assert_cmpint (gst_harness_push (h, buffer), ==, GST_FLOW_OK);
  }
  g_assert_true (gst_harness_push_event (h, gst_event_new_eos ()));
  for (;;) {
    GstBuffer *buffer = gst_harness_try_pull (h);
    GstMapInfo map;

    if (buffer == NULL)
      break;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    for (gsize i = 0; i < map.size / sizeof (float); i++)
      g_assert_cmpfloat (ABS (((const float *)map.data)[i]), <, 0.0001);
    samples += map.size / sizeof (float) / channels;
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  return samples / n;
}

static void
test_aac (void)
{
  g_autoptr (GstElementFactory) decoder =
      gst_element_factory_find ("avdec_aac");

  if (decoder == NULL) {
    g_test_skip ("avdec_aac");
    return;
  }
  for (guint channels = 1; channels <= 2; channels++) {
    guint8 frame[SILENCE_MAX_SIZE];
    gsize size = silence_aac (2, channels, frame);
    g_autofree char *caps = g_strdup_printf (
        "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=%u,"
        "framed=true,codec_data=(buffer)11%02x",
        channels, 0x80 | channels << 3);

    g_assert_cmpuint (size, >, 0);
    g_assert_cmpuint (
        decode ("avdec_aac", caps, channels, frame, size, 20), ==, 1024);
  }
}

static void
test_opus (void)
{
  static const guint lengths[] = {120, 240, 480, 960, 1920, 2880, 5760};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (lengths); i++) {
    guint channels = 1 + i % 2, length = lengths[i / 2];
    guint8 frame[SILENCE_MAX_SIZE];
    gsize size = silence_opus (channels, length, frame);
    g_autofree char *caps = g_strdup_printf (
        "audio/x-opus,rate=48000,channels=%u,channel-mapping-family=0,"
        "stream-count=1,coupled-count=%u",
        channels, channels - 1);

    g_assert_cmpuint (size, >, 0);
    g_assert_cmpuint (
        decode ("opusdec", caps, channels, frame, size, 20), ==, length);
  }
}

static void
test_unknown (void)
{
  guint8 frame[SILENCE_MAX_SIZE];

  g_assert_cmpuint (silence_aac (5, 2, frame), ==, 0);
  g_assert_cmpuint (silence_aac (2, 0, frame), ==, 0);
  g_assert_cmpuint (silence_aac (2, 6, frame), ==, 0);
  g_assert_cmpuint (silence_opus (0, 960, frame), ==, 0);
  g_assert_cmpuint (silence_opus (2, 0, frame), ==, 0);
  g_assert_cmpuint (silence_opus (2, 961, frame), ==, 0);
  g_assert_cmpuint (silence_opus (2, 6720, frame), ==, 0);
  g_assert_cmpuint (silence_opus (6, 960, frame), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/silence/aac", test_aac);
  g_test_add_func ("/silence/opus", test_opus);
  g_test_add_func ("/silence/unknown", test_unknown);
  return g_test_run ();
}
