/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the moment the buffer that closes a part enters cmafpackager to the last
 * byte of that part at a client that waits for it, over a socket. 720p30 at five
 * times real time, so a part closes every 100 ms. Prints median and 99th
 * percentile in ms. */

#include <gst/gst.h>

#include "chunk.h"
#include "httpclient.h"
#include "testmedia.h"

#define SPEED 5
#define N_PARTS 200
#define PARTS_A_SEGMENT 4
#define SEGMENT (2 * GST_SECOND)
/* Before the client begins: the playlist must exist. */
#define WARM_UP_PARTS 4

typedef struct {
  GstElement *pipeline;
  GstPad *pad; /* feeds the packager */
  TestMedia *media;
  guint16 port;
  gint64 entered;         /* us; when the latest frame was pushed */
  gint64 closed[N_PARTS]; /* us; `entered` of the frame that closed the part */
  gint64 arrived[N_PARTS];
} Bench;

static GstPadProbeReturn
on_chunk (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Bench *bench = user_data;
  ChunkInfo chunk;
  guint64 index;

  if (!chunk_buffer_get_info (GST_PAD_PROBE_INFO_BUFFER (info), &chunk, NULL) ||
      chunk.kind != CHUNK_KIND_MEDIA)
    return GST_PAD_PROBE_OK;
  index = chunk.msn * PARTS_A_SEGMENT + chunk.part;
  if (index < N_PARTS)
    bench->closed[index] = bench->entered;
  return GST_PAD_PROBE_OK;
}

static gpointer
run_client (gpointer user_data)
{
  Bench *bench = user_data;
  g_autoptr (HttpClient) client = http_client_open (bench->port);

  for (guint i = WARM_UP_PARTS; i < N_PARTS; i++) {
    g_autofree char *path = g_strdup_printf ("/live/bench/video_0/0-%u.%u.m4s",
        i / PARTS_A_SEGMENT, i % PARTS_A_SEGMENT);
    g_autoptr (HttpReply) reply = NULL;

    http_client_get (client, path);
    reply = http_client_read (client, TRUE);
    bench->arrived[i] = g_get_monotonic_time ();
    if (reply->status != 200)
      g_error ("%s: %u", path, reply->status);
  }
  return NULL;
}

static void
start (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) packager = NULL;
  g_autoptr (GstPad) sinkpad = NULL, srcpad = NULL;
  GstSegment segment;

  bench->media = test_media_encode (
      "videotestsrc num-buffers=60 pattern=ball ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! "
      "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=60 "
      "bitrate=3000 pass=cbr ! h264parse ! "
      "video/x-h264,stream-format=avc,alignment=au");
  bench->pipeline = gst_parse_launch (
      "cmafpackager name=p ! cdnoriginsink name=s link=bench port=0 sync=false "
      "async=false",
      &error);
  g_assert_no_error (error);
  packager = gst_bin_get_by_name (GST_BIN (bench->pipeline), "p");
  srcpad = gst_element_get_static_pad (packager, "src");
  gst_pad_add_probe (srcpad, GST_PAD_PROBE_TYPE_BUFFER, on_chunk, bench, NULL);

  bench->pad = gst_pad_new ("src", GST_PAD_SRC);
  sinkpad = gst_element_request_pad_simple (packager, "video_0");
  gst_pad_link (bench->pad, sinkpad);
  gst_pad_set_active (bench->pad, TRUE);
  gst_element_set_state (bench->pipeline, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (bench->pad, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (bench->pad, gst_event_new_caps (bench->media->caps));
  gst_pad_push_event (bench->pad, gst_event_new_segment (&segment));
}

static void
find_port (Bench *bench)
{
  g_autoptr (GstElement) sink =
      gst_bin_get_by_name (GST_BIN (bench->pipeline), "s");
  g_autofree char *url = NULL;
  g_autoptr (GUri) uri = NULL;

  g_object_get (sink, "url", &url, NULL);
  uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  bench->port = g_uri_get_port (uri);
}

/* Waits until media time @time is due. */
static void
wait_for (GstClock *clock, GstClockTime start, GstClockTime time)
{
  GstClockID id = gst_clock_new_single_shot_id (clock, start + time / SPEED);

  gst_clock_id_wait (id, NULL);
  gst_clock_id_unref (id);
}

static void
run (Bench *bench)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();
  GstClockTime begin = gst_clock_get_time (clock);
  GPtrArray *frames = bench->media->buffers;
  GThread *client = NULL;
  guint n = (N_PARTS / PARTS_A_SEGMENT + 1) * frames->len;

  for (guint i = 0; i < n; i++) {
    GstClockTime shift = i / frames->len * SEGMENT;
    GstBuffer *buffer =
        gst_buffer_copy (g_ptr_array_index (frames, i % frames->len));

    GST_BUFFER_PTS (buffer) += shift;
    GST_BUFFER_DTS (buffer) += shift;
    wait_for (clock, begin, GST_BUFFER_PTS (buffer));
    bench->entered = g_get_monotonic_time ();
    if (gst_pad_push (bench->pad, buffer) != GST_FLOW_OK)
      g_error ("the pipeline failed");
    if (client == NULL && bench->closed[WARM_UP_PARTS - 1] != 0) {
      find_port (bench);
      client = g_thread_new ("client", run_client, bench);
    }
  }
  g_thread_join (client);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

static void
report (const Bench *bench)
{
  gint64 latencies[N_PARTS];
  guint n = 0;

  /* The client's first request may come late. */
  for (guint i = WARM_UP_PARTS + 1; i < N_PARTS; i++)
    latencies[n++] = bench->arrived[i] - bench->closed[i];
  qsort (latencies, n, sizeof (*latencies), compare);
  g_print ("part_latency_median_ms %.2f\n", latencies[n / 2] / 1000.0);
  g_print ("part_latency_p99_ms %.2f\n", latencies[n * 99 / 100] / 1000.0);
}

int
main (int argc, char **argv)
{
  Bench bench = {NULL};

  gst_init (&argc, &argv);
  start (&bench);
  run (&bench);
  report (&bench);
  gst_element_set_state (bench.pipeline, GST_STATE_NULL);
  gst_pad_set_active (bench.pad, FALSE);
  gst_object_unref (bench.pad);
  gst_object_unref (bench.pipeline);
  test_media_free (bench.media);
  return 0;
}
