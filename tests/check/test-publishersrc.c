/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <string.h>

#include "publishersrc.h"

#define FRAME (GST_SECOND / 30)

typedef struct {
  GstElement *pipeline;
  PublisherSrc *source;
  GstBus *bus;
} Fixture;

static void
launch (Fixture *fixture, const char *rest)
{
  g_autofree char *text = g_strconcat ("publishersrc name=source ", rest, NULL);
  g_autoptr (GError) error = NULL;

  fixture->pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  fixture->source = PUBLISHER_SRC (
      gst_bin_get_by_name (GST_BIN (fixture->pipeline), "source"));
  fixture->bus = gst_element_get_bus (fixture->pipeline);
}

static void
stop (Fixture *fixture)
{
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  gst_clear_object (&fixture->source);
  gst_clear_object (&fixture->bus);
  gst_clear_object (&fixture->pipeline);
}

static guint
add (Fixture *fixture, const char *media, const char *text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  return publisher_src_add_stream (fixture->source, media, caps);
}

static GstBuffer *
make_buffer (guint index, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, index, size);
  GST_BUFFER_PTS (buffer) = PUBLISHER_SRC_ZERO + index * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static GstFlowReturn
push (Fixture *fixture, guint stream, guint index)
{
  return publisher_src_push (fixture->source, stream, make_buffer (index, 16));
}

static void
assert_eos (Fixture *fixture)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      fixture->bus, 60 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
}

/* --- what comes out --------------------------------------------------------- */

typedef struct {
  GString *order; /* s(tream-start), c(aps), S(egment), b(uffer), e(nd) */
  guint group_id;
  char *caps;
  GstClockTime running_time; /* of the first buffer */
} Seen;

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Seen *seen = data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    g_autoptr (GstEvent) sticky =
        gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
    const GstSegment *segment;

    gst_event_parse_segment (sticky, &segment);
    if (strchr (seen->order->str, 'b') == NULL)
      seen->running_time = gst_segment_to_running_time (segment,
          GST_FORMAT_TIME, GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
    g_string_append_c (seen->order, 'b');
    return GST_PAD_PROBE_OK;
  }
  switch ((int)GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      g_assert_true (gst_event_parse_group_id (event, &seen->group_id));
      g_string_append_c (seen->order, 's');
      break;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      g_free (seen->caps);
      seen->caps = gst_caps_to_string (caps);
      g_string_append_c (seen->order, 'c');
      break;
    case GST_EVENT_SEGMENT:
      g_string_append_c (seen->order, 'S');
      break;
    case GST_EVENT_EOS:
      g_string_append_c (seen->order, 'e');
      break;
    default:
      break;
  }
  return GST_PAD_PROBE_OK;
}

static void
watch (Fixture *fixture, const char *name, Seen *seen)
{
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (GST_ELEMENT (fixture->source), name);

  g_assert_nonnull (pad);
  seen->order = g_string_new (NULL);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data,
      seen, NULL);
}

static void
seen_clear (Seen *seen)
{
  g_string_free (seen->order, TRUE);
  g_free (seen->caps);
}

static void
test_events (void)
{
  Fixture fixture;
  Seen video = {0}, audio = {0};
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-h264, width=1");

  launch (&fixture, "source.video ! fakesink async=false "
                    "source.audio ! fakesink async=false");
  gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
  g_assert_cmpuint (add (&fixture, "video", "video/x-h264"), ==, 0);
  g_assert_cmpuint (add (&fixture, "audio", "audio/mpeg"), ==, 1);
  publisher_src_no_more_pads (fixture.source);
  watch (&fixture, "video", &video);
  watch (&fixture, "audio", &audio);
  publisher_src_set_caps (fixture.source, 0, caps);
  g_assert_cmpint (push (&fixture, 0, 3), ==, GST_FLOW_OK);
  g_assert_cmpint (push (&fixture, 1, 0), ==, GST_FLOW_OK);
  g_assert_cmpint (push (&fixture, 1, 1), ==, GST_FLOW_OK);
  publisher_src_set_caps (fixture.source, 0, caps);
  g_assert_cmpint (push (&fixture, 0, 4), ==, GST_FLOW_OK);
  publisher_src_end (fixture.source);
  g_assert_cmpint (push (&fixture, 0, 5), ==, GST_FLOW_EOS);
  assert_eos (&fixture);

  g_assert_cmpstr (video.order->str, ==, "scSbcbe");
  g_assert_cmpstr (audio.order->str, ==, "scSbbe");
  g_assert_cmpuint (video.group_id, ==, audio.group_id);
  g_assert_cmpstr (video.caps, ==, "video/x-h264, width=(int)1");
  g_assert_cmpuint (video.running_time, ==, 3 * FRAME);
  stop (&fixture);
  seen_clear (&video);
  seen_clear (&audio);
}

static void
test_pads (void)
{
  Fixture fixture;
  static const char *const names[] = {"video", "audio", "video_1", "audio_1"};

  /* The kind of a stream decides what its pad can be linked to, long before
   * the stream begins. */
  launch (&fixture, "source.video ! video/x-h264 ! fakesink async=false "
                    "source.audio ! audio/mpeg ! fakesink async=false");
  gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 2; i++) {
    add (&fixture, "video", "video/x-h264, alignment=au");
    add (&fixture, "audio", "audio/mpeg, mpegversion=4");
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstPad) pad =
        gst_element_get_static_pad (GST_ELEMENT (fixture.source), names[i]);

    g_assert_nonnull (pad);
    g_assert_true (gst_pad_is_linked (pad) == (i < 2));
    g_assert_cmpint (
        push (&fixture, i, 0), ==, i < 2 ? GST_FLOW_OK : GST_FLOW_NOT_LINKED);
  }
  stop (&fixture);
}

static void
test_latency (void)
{
  Fixture fixture;
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  g_autoptr (GstPad) pad = NULL;
  GstClockTime min, max;
  gboolean live;

  launch (&fixture, "fakesink");
  add (&fixture, "video", "video/x-h264");
  pad = gst_element_get_static_pad (GST_ELEMENT (fixture.source), "video");
  g_assert_true (gst_pad_query (pad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  g_assert_true (live);
  g_assert_cmpuint (min, >, 0);
  g_assert_cmpuint (max, ==, GST_CLOCK_TIME_NONE);
  stop (&fixture);
}

/* --- whole pipelines -------------------------------------------------------- */

/* A sink that prerolls, an encoder, a queue: what a live source is asked for. */
static void
test_encoder (void)
{
  Fixture fixture;
  guint n = 30;

  launch (&fixture, "source.video ! queue ! x264enc tune=zerolatency "
                    "speed-preset=ultrafast ! h264parse ! fakesink sync=true");
  g_assert_cmpint (gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING),
      !=, GST_STATE_CHANGE_FAILURE);
  add (&fixture, "video",
      "video/x-raw, format=I420, width=64, height=64, framerate=30/1");
  publisher_src_no_more_pads (fixture.source);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (publisher_src_push (
                         fixture.source, 0, make_buffer (i, 64 * 64 * 3 / 2)),
        ==, GST_FLOW_OK);
  /* As a bin does it with each of its sources. */
  gst_element_send_event (fixture.pipeline, gst_event_new_eos ());
  assert_eos (&fixture);
  stop (&fixture);
}

static void
test_not_running (void)
{
  Fixture fixture;

  launch (&fixture, "source.video ! queue ! fakesink async=false");
  add (&fixture, "video", "video/x-h264");
  g_assert_cmpint (push (&fixture, 0, 0), ==, GST_FLOW_FLUSHING);
  gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
  g_assert_cmpint (push (&fixture, 0, 1), ==, GST_FLOW_OK);
  gst_element_set_state (fixture.pipeline, GST_STATE_NULL);
  g_assert_cmpint (push (&fixture, 0, 2), ==, GST_FLOW_FLUSHING);
  gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
  g_assert_cmpint (push (&fixture, 0, 3), ==, GST_FLOW_OK);
  stop (&fixture);
}

static gpointer
push_until_refused (gpointer data)
{
  Fixture *fixture = data;
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; flow == GST_FLOW_OK; i++)
    flow = push (fixture, 0, i);
  return GINT_TO_POINTER (flow);
}

static GstPadProbeReturn
on_first (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((int *)data);
  return GST_PAD_PROBE_OK;
}

/* The pipeline goes while the receiver pushes. What it hears is either; an error
 * if it is the caps that come to a queue that goes: gst_pad_push() says so. */
static void
test_stop_while_pushing (void)
{
  for (guint i = 0; i < 50; i++) {
    Fixture fixture;
    GThread *thread;
    GstFlowReturn flow;

    launch (&fixture, "source.video ! queue max-size-buffers=2 ! identity ! "
                      "fakesink async=false");
    gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
    add (&fixture, "video", "video/x-h264");
    thread = g_thread_new ("receiver", push_until_refused, &fixture);
    if (i % 2)
      g_usleep (g_test_rand_int_range (0, 2000));
    gst_element_set_state (fixture.pipeline, GST_STATE_NULL);
    flow = GPOINTER_TO_INT (g_thread_join (thread));
    g_assert_true (flow == GST_FLOW_FLUSHING || flow == GST_FLOW_ERROR);
    stop (&fixture);
  }
}

/* A sink that is not due for an hour. */
static void
test_end_while_stuck (void)
{
  Fixture fixture;
  GThread *thread;
  g_autoptr (GstPad) pad = NULL;
  int n = 0;

  launch (&fixture, "source.video ! fakesink async=false sync=true "
                    "ts-offset=3600000000000");
  gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
  add (&fixture, "video", "video/x-h264");
  pad = gst_element_get_static_pad (GST_ELEMENT (fixture.source), "video");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_first, &n, NULL);
  thread = g_thread_new ("receiver", push_until_refused, &fixture);
  while (g_atomic_int_get (&n) == 0)
    g_thread_yield ();
  /* Does not wait for it. */
  publisher_src_end (fixture.source);
  gst_element_set_state (fixture.pipeline, GST_STATE_NULL);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), !=, GST_FLOW_OK);
  stop (&fixture);
}

/* From a second thread, in the middle of what the first pushes: the end comes
 * once, and last. */
static void
test_end_while_pushing (void)
{
  for (guint i = 0; i < 50; i++) {
    Fixture fixture;
    Seen seen = {0};
    GThread *thread;

    launch (&fixture, "source.video ! fakesink async=false");
    gst_element_set_state (fixture.pipeline, GST_STATE_PLAYING);
    add (&fixture, "video", "video/x-h264");
    watch (&fixture, "video", &seen);
    thread = g_thread_new ("receiver", push_until_refused, &fixture);
    g_usleep (g_test_rand_int_range (0, 2000));
    publisher_src_end (fixture.source);
    assert_eos (&fixture);
    g_assert_cmpint (
        GPOINTER_TO_INT (g_thread_join (thread)), ==, GST_FLOW_EOS);
    stop (&fixture);
    g_assert_true (g_str_has_prefix (seen.order->str, "scS"));
    g_assert_cmpuint (strchr (seen.order->str, 'e') - seen.order->str, ==,
        seen.order->len - 1);
    seen_clear (&seen);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  GST_ELEMENT_REGISTER (publishersrc, NULL);

  g_test_add_func ("/publishersrc/events", test_events);
  g_test_add_func ("/publishersrc/pads", test_pads);
  g_test_add_func ("/publishersrc/latency", test_latency);
  g_test_add_func ("/publishersrc/encoder", test_encoder);
  g_test_add_func ("/publishersrc/not-running", test_not_running);
  g_test_add_func ("/publishersrc/stop-while-pushing", test_stop_while_pushing);
  g_test_add_func ("/publishersrc/end-while-stuck", test_end_while_stuck);
  g_test_add_func ("/publishersrc/end-while-pushing", test_end_while_pushing);
  return g_test_run ();
}
