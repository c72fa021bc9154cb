/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include "healthprobe.h"

/* Media as a publisher sends it, in a file that a demuxer takes apart as it
 * would a connection: with no parser behind. */
typedef struct {
  char *dir;
  char *path;
} Recording;

static void
run_to_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    g_assert_no_error (error);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
record (Recording *recording, const char *video, const char *audio)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  recording->dir = g_dir_make_tmp ("wishcast-health-XXXXXX", &error);
  g_assert_no_error (error);
  recording->path = g_build_filename (recording->dir, "a.flv", NULL);
  line = g_strdup_printf ("flvmux name=m ! filesink location=%s %s%s",
      recording->path, video, audio);
  pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  run_to_end (pipeline);
}

static void
recording_clear (Recording *recording)
{
  g_remove (recording->path);
  g_rmdir (recording->dir);
  g_free (recording->path);
  g_free (recording->dir);
}

static gboolean
has (const char *json, const char *code)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  JsonArray *array = json_node_get_array (node);

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (g_str_equal (json_object_get_string_member (
                         json_array_get_object_element (array, i), "code"),
            code))
      return TRUE;
  return FALSE;
}

/* The findings after all of @description, in which `source` is watched. The
 * clock is put ahead, so that rules that wait are sure. */
static char *
judge (const char *description, guint64 *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) source = NULL;
  g_autofree char *last = g_strdup ("[]");
  HealthProbe *probe;
  gint64 now;

  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  probe = health_probe_new (source);
  now = g_get_monotonic_time ();
  g_assert_null (health_probe_tick (probe, now));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  run_to_end (pipeline);
  now = g_get_monotonic_time ();
  for (guint i = 0; i < 4; i++) {
    char *json = health_probe_tick (probe, now + i * G_USEC_PER_SEC);

    if (json != NULL) {
      g_free (last);
      last = json;
    }
  }
  *bytes = health_probe_get_bytes (probe);
  health_probe_free (probe);
  return g_steal_pointer (&last);
}

#define VIDEO(size, frames, settings)                                          \
  "videotestsrc num-buffers=" frames                                           \
  " pattern=ball ! video/x-raw,format=I420," size                              \
  ",framerate=30/1 ! x264enc speed-preset=ultrafast " settings                 \
  " ! h264parse ! m. "
#define AUDIO(rate)                                                            \
  "audiotestsrc num-buffers=600 samplesperbuffer=1024 ! "                      \
  "audio/x-raw,rate=" rate ",channels=2 ! avenc_aac ! aacparse ! m. "
#define SIZE "width=320,height=180"

/* Real encoders through the demuxer of RTMP, whose pads come late. */
static void
test_flv (void)
{
  static const struct {
    const char *video, *audio;
    const char *codes[3];
    const char *not_codes[4];
  } cases[] = {
      {VIDEO (SIZE, "300", "tune=zerolatency key-int-max=60"), AUDIO ("48000"),
          {NULL},
          {"key-interval-long", "b-frames", "key-interval-irregular",
              "resolution-odd"}},
      /* As OBS is installed. */
      {VIDEO (SIZE, "600",
           "bframes=2 b-adapt=false key-int-max=250 "
           "option-string=scenecut=0"),
          AUDIO ("48000"), {"key-interval-long", "b-frames"},
          {"audio-rate-odd"}},
      {VIDEO ("width=322,height=182", "120", "tune=zerolatency key-int-max=60"),
          AUDIO ("22050"), {"resolution-odd", "audio-rate-odd"}, {"b-frames"}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = NULL, *json = NULL;
    Recording recording;
    guint64 bytes;

    record (&recording, cases[i].video, cases[i].audio);
    line = g_strdup_printf ("filesrc location=%s ! flvdemux name=source "
                            "source.video ! queue ! fakesink async=false "
                            "source.audio ! queue ! fakesink async=false",
        recording.path);
    json = judge (line, &bytes);
    g_test_message ("%u: %s", i, json);
    for (guint k = 0; k < G_N_ELEMENTS (cases[i].codes); k++)
      g_assert_true (
          cases[i].codes[k] == NULL || has (json, cases[i].codes[k]));
    for (guint k = 0; k < G_N_ELEMENTS (cases[i].not_codes); k++)
      g_assert_false (
          cases[i].not_codes[k] != NULL && has (json, cases[i].not_codes[k]));
    g_assert_cmpuint (bytes, >, 10000);
    recording_clear (&recording);
  }
}

/* Pads that are there before the probe; caps and segment came before as well. */
static void
test_existing_pad (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) source = NULL;
  HealthProbe *probe;
  gint64 now = g_get_monotonic_time ();

  pipeline = gst_parse_launch (
      "audiotestsrc num-buffers=1 ! audio/x-raw,rate=32000 ! mulawenc "
      "name=source ! fakesink",
      &error);
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (
      gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
      GST_STATE_CHANGE_SUCCESS);
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  probe = health_probe_new (source);
  json = health_probe_tick (probe, now);
  g_assert_nonnull (json);
  g_assert_true (has (json, "audio-codec-unsupported"));
  g_assert_true (has (json, "audio-rate-odd"));
  /* Nothing is told twice. */
  g_assert_null (health_probe_tick (probe, now));
  /* Freed while the pipeline runs. */
  health_probe_free (probe);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  run_to_end (pipeline);
}

/* Streams beyond the first of their kind only count. */
static void
test_more_streams (void)
{
  g_autofree char *json = NULL;
  Recording recording;
  guint64 both, one;
  g_autofree char *line = NULL;

  record (&recording,
      VIDEO (SIZE, "60", "tune=zerolatency key-int-max=60 bitrate=500"), "");
  line = g_strdup_printf ("filesrc location=%s ! flvdemux name=source "
                          "source.video ! fakesink",
      recording.path);
  json = judge (line, &one);
  g_free (line);
  line = g_strdup_printf (
      "filesrc location=%s ! flvdemux ! video/x-h264 ! tee name=source "
      "source. ! queue ! fakesink source. ! queue ! fakesink",
      recording.path);
  g_free (json);
  json = judge (line, &both);
  g_assert_cmpuint (both, ==, 2 * one);
  recording_clear (&recording);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/healthprobe/flv", test_flv);
  g_test_add_func ("/healthprobe/existing-pad", test_existing_pad);
  g_test_add_func ("/healthprobe/more-streams", test_more_streams);
  return g_test_run ();
}
