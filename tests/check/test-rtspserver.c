/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <string.h>

#include "cachereader.h"
#include "rtspkit.h"

/* Real publishers, and what of them arrives in the store. */

#define PACKAGER "cmafpackager name=p max-segment-duration=10000000000 "
#define STORE " p. ! cachesink link=LINK cache-dir=DIR"
#define VIDEO "source.video ! queue ! h264parse ! " PACKAGER
#define AUDIO " source.audio ! queue ! aacparse ! p."

#define FFMPEG "ffmpeg -hide_banner -loglevel error "
#define PICTURE "-f lavfi -i testsrc2=size=320x180:rate=30:duration=3 "
#define TONE "-f lavfi -i sine=sample_rate=48000:duration=3 "
#define X264 "-c:v libx264 -preset ultrafast -tune zerolatency -g 30 "
#define B_FRAMES "-c:v libx264 -preset veryfast -bf 2 -g 250 -b:v 1M "
#define AAC "-c:a aac -b:a 64k "
#define TO_URL "-f rtsp -rtsp_transport tcp ${URL}"

#define GST_VIDEO                                                              \
  "gst-launch-1.0 -q videotestsrc is-live=true ! "                             \
  "video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! x264enc "     \
  "tune=zerolatency key-int-max=30 ! video/x-h264,profile=main ! s. "
#define GST_AAC "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! s. "
#define GST_AUDIO "audiotestsrc is-live=true samplesperbuffer=1024 ! " GST_AAC
#define GST_SINK " rtspclientsink name=s protocols=tcp location=${URL}"

typedef struct {
  Broadcasts *kit;
  RtspIngest *ingest;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->kit = rtsp_kit_new ();
  fixture->ingest = rtsp_ingest_new ("127.0.0.1", 0, fixture->kit, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rtsp_ingest_get_port (fixture->ingest), !=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  rtsp_ingest_free (fixture->ingest);
  rtsp_kit_free (fixture->kit);
}

/* Runs @command to its end, through @description. */
static const KitRecord *
publish (Fixture *fixture, const char *description, const char *command)
{
  g_autofree char *text = NULL;
  int status;

  rtsp_kit_set_description (fixture->kit, description);
  status = rtsp_kit_finish (
      rtsp_kit_publish (fixture->ingest, KIT_KEY_A, command), &text);
  g_test_message ("%s", text);
  g_assert_cmpint (status, ==, 0);
  rtsp_kit_wait_ended (fixture->kit, 1);
  return rtsp_kit_get_record (fixture->kit, 0);
}

static const KitStream *
assert_stream (const KitRecord *record, const char *name, const char *media,
    guint n_least, guint n_most)
{
  const KitStream *stream = kit_record_find (record, name);
  const GstStructure *structure;

  g_assert_nonnull (stream);
  g_test_message ("%s: %u frames, %u keys, %.3f to %.3f s, %u unordered", name,
      stream->n_frames, stream->n_keys, stream->first_pts / 1e9,
      stream->last_pts / 1e9, stream->n_unordered);
  g_assert_nonnull (stream->caps);
  structure = gst_caps_get_structure (stream->caps, 0);
  g_assert_true (gst_structure_has_name (structure, media));
  g_assert_cmpuint (stream->n_frames, >=, n_least);
  g_assert_cmpuint (stream->n_frames, <=, n_most);
  g_assert_cmpuint (stream->n_unordered, ==, 0);
  g_assert_cmpuint (stream->n_unstamped, ==, 0);
  g_assert_false (stream->has_prefix);
  return stream;
}

/* What is to be heard with a picture has its time, by 100 ms. */
static void
assert_in_sync (const KitStream *video, const KitStream *audio)
{
  g_assert_cmpint (ABS (video->first_pts - audio->first_pts), <=, 100000000);
  g_assert_cmpint (ABS ((video->last_pts - video->first_pts) -
                        (audio->last_pts - audio->first_pts)),
      <=, 100000000);
}

/* That the store has just these codecs, and how much media. */
static void
assert_stored (Fixture *fixture, const KitRecord *record, const char *video,
    const char *audio, double seconds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader =
      cache_reader_open (rtsp_kit_get_dir (fixture->kit), record->link, &error);
  const TrackTable *table;
  guint64 next_msn, end;
  guint32 epoch;
  guint n = 0;

  g_assert_no_error (error);
  table = cache_reader_get_tracks (reader);
  for (guint i = 0; i < table->tracks->len; i++) {
    const Track *track = g_ptr_array_index (table->tracks, i);

    g_test_message ("%s: %s %ux%u", track->name, track->codecs, track->width,
        track->height);
    g_assert_true (g_str_has_prefix (
        track->codecs, track->type == TRACK_VIDEO ? video : audio));
    n++;
  }
  g_assert_cmpuint (n, ==, (video != NULL) + (audio != NULL));
  g_assert_true (cache_reader_get_tail (reader, &epoch, &next_msn, &end));
  g_assert_cmpuint (epoch, ==, 0);
  g_test_message ("%.3f s in %u segments", end / 1e9, (guint)next_msn);
  g_assert_cmpfloat_with_epsilon (end / 1e9, seconds, 0.2);
  g_assert_true (cache_reader_is_ended (reader));
}

static void
test_ffmpeg (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record =
      publish (fixture, VIDEO AUDIO STORE, FFMPEG PICTURE TONE X264 AAC TO_URL);
  const KitStream *video =
      assert_stream (record, "video", "video/x-h264", 90, 90);
  const KitStream *audio =
      assert_stream (record, "audio", "audio/mpeg", 136, 143);

  g_assert_cmpuint (video->n_keys, ==, 3);
  assert_in_sync (video, audio);
  assert_stored (fixture, record, "avc1", "mp4a", 3);
}

static void
test_ffmpeg_video_only (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record =
      publish (fixture, VIDEO STORE, FFMPEG PICTURE X264 TO_URL);

  g_assert_cmpuint (record->streams->len, ==, 1);
  assert_stream (record, "video", "video/x-h264", 90, 90);
  assert_stored (fixture, record, "avc1", NULL, 3);
}

static void
test_ffmpeg_audio_only (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record =
      publish (fixture, "source.audio ! queue ! aacparse ! " PACKAGER STORE,
          FFMPEG TONE AAC TO_URL);

  g_assert_cmpuint (record->streams->len, ==, 1);
  assert_stream (record, "audio", "audio/mpeg", 136, 143);
  assert_stored (fixture, record, NULL, "mp4a", 3);
}

/* As OBS does in its simple mode, but for the length. */
static void
test_ffmpeg_b_frames (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record = publish (
      fixture, VIDEO AUDIO STORE, FFMPEG PICTURE TONE B_FRAMES AAC TO_URL);
  const KitStream *video =
      assert_stream (record, "video", "video/x-h264", 90, 90);
  const KitStream *audio =
      assert_stream (record, "audio", "audio/mpeg", 136, 143);

  g_assert_cmpuint (video->n_keys, ==, 1);
  assert_in_sync (video, audio);
  assert_stored (fixture, record, "avc1", "mp4a", 3);
}

static void
test_ffmpeg_h265_opus (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record = publish (fixture,
      "source.video ! queue ! h265parse ! " PACKAGER
      " source.audio ! queue ! opusparse ! p." STORE,
      FFMPEG PICTURE TONE "-c:v libx265 -preset ultrafast -x265-params "
                          "log-level=error:keyint=30 -c:a libopus " TO_URL);
  const KitStream *video =
      assert_stream (record, "video", "video/x-h265", 90, 90);
  const KitStream *audio =
      assert_stream (record, "audio", "audio/x-opus", 149, 152);

  assert_in_sync (video, audio);
  assert_stored (fixture, record, "hvc1", "opus", 3);
}

/* That neither jumps. */
static void
assert_steps (const KitStream *video, const KitStream *audio)
{
  g_test_message ("steps of %.1f and %.1f ms", video->max_step / 1e6,
      audio->max_step / 1e6);
  g_assert_cmpint (video->max_step, <=, 60000000);
  /* A packet has several frames. */
  g_assert_cmpint (audio->max_step, <=, 250000000);
}

/* That sound begins @lateness ms behind the picture. */
static void
assert_late (const KitStream *video, const KitStream *audio, gint64 lateness)
{
  gint64 difference = audio->first_pts - video->first_pts;

  g_test_message ("%.3f s late", difference / 1e9);
  g_assert_cmpint (ABS (difference - lateness * 1000000), <=, 60000000);
  assert_steps (video, audio);
}

#define LONG_PICTURE                                                           \
  "-re -f lavfi -i testsrc2=size=320x180:rate=30:duration=12 "
#define LONG_TONE "-re -f lavfi -i sine=sample_rate=48000:duration=12 "

/* Until there are two more reports of each, which come each 5 s. */
static void
test_late_audio (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record = publish (fixture, VIDEO AUDIO STORE,
      FFMPEG LONG_PICTURE "-itsoffset 0.7 " LONG_TONE B_FRAMES AAC TO_URL);
  const KitStream *video =
      assert_stream (record, "video", "video/x-h264", 360, 360);
  const KitStream *audio =
      assert_stream (record, "audio", "audio/mpeg", 550, 566);

  assert_late (video, audio, 700);
  assert_stored (fixture, record, "avc1", "mp4a", 12.7);
}

static void
test_late_video (Fixture *fixture, gconstpointer unused)
{
  const KitRecord *record = publish (fixture, VIDEO AUDIO STORE,
      FFMPEG "-itsoffset 0.7 " LONG_PICTURE LONG_TONE B_FRAMES AAC
             "-map 0:v -map 1:a -fps_mode passthrough " TO_URL);
  const KitStream *video =
      assert_stream (record, "video", "video/x-h264", 360, 360);
  const KitStream *audio =
      assert_stream (record, "audio", "audio/mpeg", 550, 566);

  assert_late (video, audio, -700);
  /* It begins with a picture. */
  assert_stored (fixture, record, "avc1", "mp4a", 12);
}

/* Writes two seconds of that size, to follow each other, and gives its path. */
static char *
write_picture (Fixture *fixture, const char *size, guint start)
{
  char *path =
      g_strdup_printf ("%s/%s.ts", rtsp_kit_get_dir (fixture->kit), size);
  g_autofree char *command = g_strdup_printf (FFMPEG
      "-f lavfi -i testsrc2=size=%s:rate=30:duration=2 " X264
      "-output_ts_offset %u -f mpegts '%s'",
      size, start, path);
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_command_line_sync (command, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  return path;
}

/* As when a streamer changes the size without leaving: the new SPS is only in
 * the stream, not in the SDP. */
static void
test_size_changes (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *small = write_picture (fixture, "320x180", 0);
  g_autofree char *large = write_picture (fixture, "640x360", 2);
  g_autofree char *command = g_strdup_printf (
      FFMPEG "-re -i 'concat:%s|%s' -c copy " TO_URL, small, large);
  const KitRecord *record = publish (fixture, VIDEO STORE, command);
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader =
      cache_reader_open (rtsp_kit_get_dir (fixture->kit), record->link, &error);
  const Track *track;
  guint64 next_msn, end;
  guint32 epoch;

  g_assert_no_error (error);
  assert_stream (record, "video", "video/x-h264", 120, 120);
  track = g_ptr_array_index (cache_reader_get_tracks (reader)->tracks, 0);
  g_assert_cmpuint (track->width, ==, 640);
  g_assert_cmpuint (cache_reader_count_epochs (reader), ==, 2);
  g_assert_true (cache_reader_get_tail (reader, &epoch, &next_msn, &end));
  g_assert_cmpuint (epoch, ==, 1);
  g_assert_cmpfloat_with_epsilon (end / 1e9, 4, 0.1);
  g_assert_true (cache_reader_is_ended (reader));
}

/* It is killed: at its end it hangs now and then. */
static void
test_rtspclientsink (Fixture *fixture, gconstpointer environment)
{
  g_autofree char *command = g_strconcat (
      (const char *)environment, GST_VIDEO GST_AUDIO GST_SINK, NULL);
  GSubprocess *publisher;
  const KitRecord *record;
  const KitStream *video, *audio;

  rtsp_kit_set_description (fixture->kit, VIDEO AUDIO STORE);
  publisher = rtsp_kit_publish (fixture->ingest, KIT_KEY_A, command);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 60 + 94);
  g_subprocess_force_exit (publisher);
  rtsp_kit_finish (publisher, NULL);
  rtsp_kit_wait_ended (fixture->kit, 1);

  record = rtsp_kit_get_record (fixture->kit, 0);
  video = assert_stream (record, "video", "video/x-h264", 55, 200);
  audio = assert_stream (record, "audio", "audio/mpeg", 80, 300);
  assert_in_sync (video, audio);
  assert_stored (fixture, record, "avc1", "mp4a",
      (video->last_pts - video->first_pts) / 1e9);
}

/* Its first reports come seconds later, and until sound begins it keeps the
 * picture back, so that both arrive at once: from then on they come closer. */
static void
test_rtspclientsink_late (Fixture *fixture, gconstpointer unused)
{
  GSubprocess *publisher;
  const KitRecord *record;
  const KitStream *video, *audio;
  double expected, got;

  rtsp_kit_set_description (fixture->kit, VIDEO AUDIO STORE);
  publisher = rtsp_kit_publish (fixture->ingest, KIT_KEY_A,
      GST_VIDEO "audiotestsrc timestamp-offset=400000000 "
                "samplesperbuffer=1024 ! clocksync ! " GST_AAC GST_SINK);
  rtsp_kit_wait_frames (fixture->kit, KIT_KEY_A, 660 + 1000);
  g_subprocess_force_exit (publisher);
  rtsp_kit_finish (publisher, NULL);
  rtsp_kit_wait_ended (fixture->kit, 1);

  record = rtsp_kit_get_record (fixture->kit, 0);
  video = assert_stream (record, "video", "video/x-h264", 600, 1000);
  audio = assert_stream (record, "audio", "audio/mpeg", 900, 1500);
  assert_steps (video, audio);
  expected = 0.4 + (audio->n_frames - 1) * 1024 / 48000.0 -
             (video->n_frames - 1) / 30.0;
  got = (audio->last_pts - video->last_pts) / 1e9;
  g_test_message ("%.3f s late, expected %.3f s", got, expected);
  g_assert_cmpfloat_with_epsilon (got, expected, 0.06);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, data, func)                                                  \
  g_test_add ("/rtspserver/" name, Fixture, data, set_up, func, tear_down)
  ADD ("ffmpeg", NULL, test_ffmpeg);
  ADD ("ffmpeg-video-only", NULL, test_ffmpeg_video_only);
  ADD ("ffmpeg-audio-only", NULL, test_ffmpeg_audio_only);
  ADD ("ffmpeg-b-frames", NULL, test_ffmpeg_b_frames);
  ADD ("ffmpeg-h265-opus", NULL, test_ffmpeg_h265_opus);
  ADD ("late-audio", NULL, test_late_audio);
  ADD ("late-video", NULL, test_late_video);
  ADD ("size-changes", NULL, test_size_changes);
  ADD ("rtspclientsink-latm", "", test_rtspclientsink);
  ADD ("rtspclientsink-generic", "env GST_PLUGIN_FEATURE_RANK=rtpmp4apay:NONE ",
      test_rtspclientsink);
  ADD ("rtspclientsink-late-audio", NULL, test_rtspclientsink_late);
  return g_test_run ();
}
