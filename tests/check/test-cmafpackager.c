/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "packagertest.h"

#include <gio/gio.h>
#include <string.h>

#define PICTURE                                                                \
  "videotestsrc num-buffers=90 ! "                                             \
  "video/x-raw,format=I420,width=160,height=90,framerate=30/1 ! "
#define SMALL_PICTURE                                                          \
  "videotestsrc num-buffers=90 ! "                                             \
  "video/x-raw,format=I420,width=80,height=46,framerate=30/1 ! "
#define SOUND                                                                  \
  "audiotestsrc num-buffers=150 samplesperbuffer=960 ! "                       \
  "audio/x-raw,rate=48000,channels=2 ! "

static gboolean
have_encoders (void)
{
  return test_media_has ("x264enc") && test_media_has ("x265enc") &&
         test_media_has ("avenc_aac") && test_media_has ("opusenc");
}

static guint
count_samples (GArray *chunks, guint track)
{
  guint n = 0;

  for (guint i = 0; i < chunks->len; i++) {
    const TestChunk *chunk = test_chunk (chunks, i);
    Mp4Chunk media;

    if (chunk->info.kind != CHUNK_KIND_MEDIA || chunk->info.track != track)
      continue;
    mp4_read_chunk (g_bytes_get_data (chunk->bytes, NULL),
        g_bytes_get_size (chunk->bytes), &media);
    n += media.samples->len;
    mp4_chunk_clear (&media);
  }
  return n;
}

static char *
to_string (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return size > 0 ? g_strndup (data, size) : g_strdup ("");
}

/* What ffprobe says of @chunks as a file; empty errors. */
static char *
probe (GArray *chunks, const char *entries)
{
  g_autoptr (GBytes) bytes = test_chunks_join (chunks);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *complaints = NULL, *program = NULL;
  char *output;

  program = g_find_program_in_path ("ffprobe");
  if (program == NULL)
    return NULL;
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                  G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                  G_SUBPROCESS_FLAGS_STDERR_PIPE,
      &error, program, "-v", "warning", "-count_frames", "-show_entries",
      entries, "-of", "csv=p=0", "-", NULL);
  g_assert_no_error (error);
  {
    g_autoptr (GBytes) out = NULL, err = NULL;

    g_subprocess_communicate (process, bytes, NULL, &out, &err, &error);
    g_assert_no_error (error);
    output = to_string (out);
    complaints = to_string (err);
  }
  g_assert_cmpstr (complaints, ==, "");
  return output;
}

/* The joint init first, one init a track, then chunks; all of it readable. */
static void
package (const char *const *descriptions, const char *const *pads,
    const char *const *codecs, guint n)
{
  TestMedia *media[PACKAGER_TEST_MAX_PADS];
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;
  g_autoptr (TrackTable) table = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autofree char *probed = NULL;

  packager_test_init (&test, "segment-duration=1000000000");
  for (guint i = 0; i < n; i++) {
    media[i] = test_media_encode (descriptions[i]);
    packager_test_add_media (&test, pads[i], media[i]);
  }
  packager_test_push (&test, media, n, 0);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpint (
      test_chunk (chunks, 0)->info.kind, ==, CHUNK_KIND_JOINT_INIT);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (
      test_chunk (chunks, 0)->buffer, GST_BUFFER_FLAG_HEADER));
  g_assert_cmpuint (
      test_chunks_count (chunks, CHUNK_KIND_JOINT_INIT, -1), ==, 1);

  caps = gst_pad_get_current_caps (test.out->sinkpad);
  table = chunk_caps_parse (caps, NULL);
  g_assert_cmpuint (track_table_size (table), ==, n);
  probed = probe (chunks, "stream=codec_name,nb_read_frames");
  for (guint i = 0; i < n; i++) {
    g_autofree char *line = NULL;
    guint n_samples = count_samples (chunks, i);

    g_assert_cmpint (
        test_chunk (chunks, i + 1)->info.kind, ==, CHUNK_KIND_INIT);
    g_assert_cmpuint (test_chunk (chunks, i + 1)->info.track, ==, i);
    g_assert_cmpstr (track_table_get (table, i)->name, ==, pads[i]);
    g_assert_true (track_table_get (table, i)->present);
    /* Sound before the first picture is of no use. */
    g_assert_cmpuint (n_samples, <=, media[i]->buffers->len);
    g_assert_cmpuint (n_samples + 2, >=, media[i]->buffers->len);
    if (probed != NULL) {
      line = g_strdup_printf ("%s,%u\n", codecs[i], n_samples);
      if (strstr (probed, line) == NULL)
        g_error ("no %s in %s", line, probed);
    }
  }
  for (guint i = 0; i < n; i++)
    test_media_free (media[i]);
  packager_test_clear (&test);
}

static void
test_codecs (void)
{
  if (!have_encoders ())
    return;
  package ((const char *const[]){PICTURE TEST_H264},
      (const char *const[]){"video_0"}, (const char *const[]){"h264"}, 1);
  package ((const char *const[]){PICTURE TEST_H265, SOUND TEST_OPUS},
      (const char *const[]){"video_0", "audio_0"},
      (const char *const[]){"hevc", "opus"}, 2);
  package ((const char *const[]){SOUND TEST_AAC, PICTURE TEST_H264_B_FRAMES},
      (const char *const[]){"audio_0", "video_0"},
      (const char *const[]){"aac", "h264"}, 2);
  package ((const char *const[]){PICTURE TEST_H264, SMALL_PICTURE TEST_H264,
               SOUND TEST_AAC, SOUND TEST_OPUS},
      (const char *const[]){"video_0", "video_1", "audio_0", "audio_1"},
      (const char *const[]){"h264", "h264", "aac", "opus"}, 4);
}

/* With reordering, picture and sound that had the same time still have. */
static void
test_av_offset (void)
{
  g_autoptr (TestMedia) video = NULL, audio = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;
  gint64 offset = G_MININT64;
  g_autofree char *probed = NULL;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264_B_FRAMES);
  audio = test_media_encode (SOUND TEST_AAC);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  packager_test_add_media (&test, "audio_0", audio);
  packager_test_push (&test, (TestMedia *[]){video, audio}, 2, 0);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  for (guint i = 0; i < chunks->len; i++) {
    const ChunkInfo *info = &test_chunk (chunks, i)->info;
    guint64 source;

    if (info->kind != CHUNK_KIND_MEDIA || info->msn != 0 || info->part != 0)
      continue;
    /* Sound before the picture is dropped: look for the frame that is there. */
    source = GST_SECOND;
    if (info->track == 1) {
      guint missing = audio->buffers->len - count_samples (chunks, 1);

      source = GST_BUFFER_PTS (
          (GstBuffer *)g_ptr_array_index (audio->buffers, missing));
    }
    if (offset == G_MININT64)
      offset = info->pts - source;
    else
      g_assert_cmpint (ABS ((gint64)(info->pts - source) - offset), <, 100000);
  }
  g_assert_cmpint (offset, !=, G_MININT64);
  packager_test_clear (&test);
}

/* What comes before the first key frame is no fault of the publisher's. */
static void
test_before_first_key_frame (void)
{
  g_autoptr (TestMedia) video = NULL, audio = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;
  guint n_before = 0;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  audio = test_media_encode (SOUND TEST_AAC);
  /* As who joins between two key frames. */
  g_ptr_array_remove_index (video->buffers, 0);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  packager_test_add_media (&test, "audio_0", audio);
  packager_test_push (&test, (TestMedia *[]){video, audio}, 2, 0);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  for (guint i = 0; i < video->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (video->buffers, i);

    if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
      break;
    n_before++;
  }
  g_assert_cmpuint (n_before, >, 0);
  g_assert_cmpuint (
      count_samples (chunks, 0), ==, video->buffers->len - n_before);
  g_assert_cmpuint (count_samples (chunks, 1), <, audio->buffers->len);
  g_assert_cmpuint (packager_test_stat (&test, "dropped-frames"), ==, 0);
  packager_test_clear (&test);
}

/* The same caps once more, as repeated parameter sets cause them. */
static void
test_repeated_caps (void)
{
  g_autoptr (TestMedia) video = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, "segment-duration=1000000000");
  packager_test_add_media (&test, "video_0", video);
  for (guint i = 0; i < 3; i++) {
    GstCaps *caps = gst_caps_copy (video->caps);

    gst_caps_set_simple (caps, "profile", G_TYPE_STRING, "x", "level",
        G_TYPE_STRING, i % 2 ? "1" : "2", NULL);
    gst_harness_set_src_caps (test.in[0], caps);
    packager_test_push (&test, &video, 1, i * 3 * GST_SECOND);
  }
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpuint (
      test_chunks_count (chunks, CHUNK_KIND_JOINT_INIT, -1), ==, 1);
  g_assert_cmpuint (packager_test_stat (&test, "segments"), ==, 9);
  g_assert_cmpuint (count_samples (chunks, 0), ==, 270);
  packager_test_clear (&test);
}

static void
test_resolution_change (void)
{
  g_autoptr (TestMedia) video = NULL, small = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;
  guint64 msn = 0;
  guint32 epoch = 0;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  small = test_media_encode (SMALL_PICTURE TEST_H264);
  packager_test_init (&test, "first-msn=40 epoch=3 first-time=5000000000");
  packager_test_add_media (&test, "video_0", video);
  packager_test_push (&test, &video, 1, 0);
  gst_harness_set_src_caps (test.in[0], gst_caps_ref (small->caps));
  packager_test_push (&test, &small, 1, 3 * GST_SECOND);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpuint (
      test_chunks_count (chunks, CHUNK_KIND_JOINT_INIT, -1), ==, 2);
  g_assert_cmpuint (test_chunk (chunks, 0)->info.msn, ==, 40);
  g_assert_cmpuint (test_chunk (chunks, 0)->info.epoch, ==, 3);
  g_assert_cmpuint (test_chunk (chunks, 0)->info.dts, ==, 5 * GST_SECOND);
  for (guint i = 0; i < chunks->len; i++) {
    const ChunkInfo *info = &test_chunk (chunks, i)->info;

    if (info->epoch == 4 && epoch == 3)
      g_assert_cmpuint (info->msn, ==, msn + 1);
    msn = info->msn;
    epoch = info->epoch;
  }
  g_assert_cmpuint (epoch, ==, 4);
  g_assert_cmpuint (count_samples (chunks, 0), ==, 180);
  g_assert_cmpuint (packager_test_count_messages (
                        &test, GST_MESSAGE_ELEMENT, "cmafpackager-epoch-begun"),
      ==, 2);
  packager_test_clear (&test);
}

static void
test_malformed (void)
{
  static const guint8 garbage[] = {0, 0, 1, 0, 0x65, 1, 2, 3};
  g_autoptr (TestMedia) video = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  for (guint i = 0; i < 5; i++) {
    GstBuffer *buffer = gst_buffer_new_memdup (garbage, sizeof (garbage));

    if (i > 0)
      GST_BUFFER_PTS (buffer) = GST_SECOND;
    g_assert_cmpint (gst_harness_push (test.in[0], buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpint (
      gst_harness_push (test.in[0], gst_buffer_new ()), ==, GST_FLOW_OK);
  packager_test_push (&test, &video, 1, 0);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpuint (count_samples (chunks, 0), ==, 90);
  g_assert_cmpuint (
      packager_test_count_messages (&test, GST_MESSAGE_WARNING, NULL), ==, 1);
  g_assert_cmpuint (packager_test_stat (&test, "dropped-frames"), ==, 6);
  packager_test_clear (&test);
}

static void
test_wrong_caps (void)
{
  static const char *const cases[][2] = {
      {"video_0", "video/x-h264,stream-format=avc"},
      {"video_0", "video/x-h264,stream-format=avc,codec_data=(buffer)0142"},
      {"video_0",
          "video/x-h265,stream-format=hvc1,alignment=au,codec_data=(buffer)01"},
      {"audio_0", "audio/mpeg,mpegversion=4,stream-format=raw"},
      {"audio_0", "audio/x-opus,rate=48000,channels=2"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i][1]);
    PackagerTest test;
    GstHarness *in;

    packager_test_init (&test, NULL);
    in = packager_test_add_pad (&test, cases[i][0], caps);
    g_assert_cmpint (
        gst_harness_push (in, gst_buffer_new ()), ==, GST_FLOW_NOT_NEGOTIATED);
    g_assert_cmpuint (
        packager_test_count_messages (&test, GST_MESSAGE_ERROR, NULL), ==, 1);
    packager_test_clear (&test);
  }
}

static void
test_independent_segments (void)
{
  g_autoptr (TestMedia) video = NULL;
  PackagerTest test;
  GstFlowReturn flow = GST_FLOW_OK;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, "independent-segments=true "
                             "segment-duration=500000000 "
                             "max-segment-duration=700000000");
  packager_test_add_media (&test, "video_0", video);
  for (guint i = 0; i < video->buffers->len && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (
        test.in[0], gst_buffer_ref (g_ptr_array_index (video->buffers, i)));
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  g_assert_cmpuint (
      packager_test_count_messages (&test, GST_MESSAGE_ERROR, NULL), ==, 1);
  g_assert_cmpuint (packager_test_stat (&test, "forced-cuts"), ==, 1);
  packager_test_clear (&test);
}

static void
test_pads_while_running (void)
{
  g_autoptr (TestMedia) video = NULL, audio = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  audio = test_media_encode (SOUND TEST_AAC);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  packager_test_push (&test, &video, 1, 0);
  packager_test_add_media (&test, "audio_0", audio);
  packager_test_push (&test, (TestMedia *[]){video, audio}, 2, 3 * GST_SECOND);
  gst_harness_teardown (test.in[--test.n_in]);
  packager_test_push (&test, &video, 1, 6 * GST_SECOND);
  packager_test_add_media (&test, "audio_0", audio);
  packager_test_push (&test, (TestMedia *[]){video, audio}, 2, 9 * GST_SECOND);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpuint (count_samples (chunks, 0), ==, 360);
  g_assert_cmpuint (count_samples (chunks, 1), >, 250);
  g_assert_cmpuint (
      test_chunks_count (chunks, CHUNK_KIND_JOINT_INIT, -1), >=, 2);
  packager_test_clear (&test);
}

static void
test_latency (void)
{
  PackagerTest test;
  GstHarness *in;

  packager_test_init (&test, "part-duration=300000000");
  in = packager_test_add_pad (&test, "video_0", NULL);
  gst_harness_set_upstream_latency (in, 40 * GST_MSECOND);
  g_assert_cmpuint (
      gst_harness_query_latency (test.out), ==, 340 * GST_MSECOND);
  packager_test_clear (&test);
}

static void
test_flush (void)
{
  g_autoptr (TestMedia) video = NULL;
  PackagerTest test;
  g_autoptr (GArray) chunks = NULL;
  GstSegment segment;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  packager_test_push (&test, &video, 1, 0);
  packager_test_end (&test);
  for (guint i = 1; i < 3; i++) {
    g_assert_true (
        gst_harness_push_event (test.in[0], gst_event_new_flush_start ()));
    g_assert_true (
        gst_harness_push_event (test.in[0], gst_event_new_flush_stop (TRUE)));
    g_assert_true (
        gst_harness_push_event (test.in[0], gst_event_new_segment (&segment)));
    packager_test_push (&test, &video, 1, i * 3 * GST_SECOND);
  }
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  g_assert_cmpuint (count_samples (chunks, 0), >=, 90);
  packager_test_clear (&test);
}

static void
test_eos_without_data (void)
{
  PackagerTest test;
  GstEvent *event;
  GstEventType type = GST_EVENT_UNKNOWN;

  packager_test_init (&test, NULL);
  packager_test_add_pad (&test, "video_0", NULL);
  packager_test_add_pad (&test, "audio_0", NULL);
  packager_test_end (&test);
  while ((event = gst_harness_try_pull_event (test.out)) != NULL) {
    type = GST_EVENT_TYPE (event);
    gst_event_unref (event);
  }
  g_assert_cmpint (type, ==, GST_EVENT_EOS);
  packager_test_clear (&test);
}

static gpointer
read_segments (gpointer test)
{
  return GUINT_TO_POINTER (packager_test_stat (test, "segments"));
}

static GstPadProbeReturn
read_stats (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  g_thread_join (g_thread_new ("stats", read_segments, user_data));
  return GST_PAD_PROBE_REMOVE;
}

/* The pads for what a publisher does not send have no source: the end comes
 * without theirs. */
static void
test_eos_without_source (void)
{
  static const char *const lines[] = {
      "audiotestsrc num-buffers=50 ! audio/x-raw,rate=48000,channels=2 ! "
      "avenc_aac ! p.audio_0 "
      "tee name=t t. ! queue ! identity ! p.video_0 "
      "cmafpackager name=p ! fakesink async=false",
      "videotestsrc num-buffers=30 ! x264enc tune=zerolatency ! p.video_0 "
      "identity ! p.audio_0 cmafpackager name=p ! fakesink async=false",
  };

  if (!have_encoders ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (GError) error = NULL;
    GstElement *pipeline = gst_parse_launch (lines[i], &error);
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
}

/* Statistics are there also while downstream blocks. */
static void
test_stats_while_blocked (void)
{
  g_autoptr (TestMedia) video = NULL;
  PackagerTest test;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  gst_pad_add_probe (
      test.out->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, read_stats, &test, NULL);
  packager_test_push (&test, &video, 1, 0);
  packager_test_clear (&test);
}

static GstPadProbeReturn
note_time (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  gint64 now = g_get_monotonic_time ();

  g_array_append_val ((GArray *)user_data, now);
  return GST_PAD_PROBE_OK;
}

/* A part says when the last of its frames came. */
static void
test_arrived (void)
{
  g_autoptr (TestMedia) video = NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) chunks = NULL;
  PackagerTest test;
  guint n = 0;

  if (!have_encoders ())
    return;
  video = test_media_encode (PICTURE TEST_H264);
  packager_test_init (&test, NULL);
  packager_test_add_media (&test, "video_0", video);
  gst_pad_add_probe (
      test.in[0]->srcpad, GST_PAD_PROBE_TYPE_BUFFER, note_time, times, NULL);
  packager_test_push (&test, &video, 1, 0);
  packager_test_end (&test);
  chunks = packager_test_pull (&test);
  for (guint i = 0; i < chunks->len; i++) {
    const TestChunk *chunk = test_chunk (chunks, i);
    Mp4Chunk media;

    if (chunk->info.kind != CHUNK_KIND_MEDIA) {
      g_assert_cmpint (chunk->info.arrived, ==, 0);
      continue;
    }
    mp4_read_chunk (g_bytes_get_data (chunk->bytes, NULL),
        g_bytes_get_size (chunk->bytes), &media);
    n += media.samples->len;
    mp4_chunk_clear (&media);
    g_assert_cmpint (
        chunk->info.arrived, >=, g_array_index (times, gint64, n - 1));
    if (n < times->len)
      g_assert_cmpint (
          chunk->info.arrived, <=, g_array_index (times, gint64, n));
  }
  g_assert_cmpuint (n, ==, times->len);
  packager_test_clear (&test);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/cmafpackager/" path, function)
  ADD ("codecs", test_codecs);
  ADD ("av-offset", test_av_offset);
  ADD ("before-first-key-frame", test_before_first_key_frame);
  ADD ("repeated-caps", test_repeated_caps);
  ADD ("resolution-change", test_resolution_change);
  ADD ("malformed", test_malformed);
  ADD ("wrong-caps", test_wrong_caps);
  ADD ("independent-segments", test_independent_segments);
  ADD ("pads-while-running", test_pads_while_running);
  ADD ("latency", test_latency);
  ADD ("arrived", test_arrived);
  ADD ("flush", test_flush);
  ADD ("eos-without-data", test_eos_without_data);
  ADD ("eos-without-source", test_eos_without_source);
  ADD ("stats-while-blocked", test_stats_while_blocked);
  return g_test_run ();
}
