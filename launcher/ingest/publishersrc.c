/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-publishersrc
 * @title: publishersrc
 * @short_description: the source of a broadcast whose media the launcher
 *     receives itself
 *
 * Stands for `${source}` in a pipeline description, with sometimes pads `video`
 * and `audio`; further streams of a kind are `video_1`, `audio_1` and so on. The
 * launcher registers it and pushes through it what a publisher sends; it is not
 * in a plugin, and does nothing in gst-launch-1.0.
 *
 * It has no thread and no queue: the receiver's streaming thread goes on into
 * the broadcast's pipeline. The source is live, so the pipeline does not
 * preroll, and its buffers are stamped in the pipeline's running time. EOS sent
 * to the element ends every pad; with the pipeline stopped the receiver gets
 * GST_FLOW_FLUSHING.
 *
 * ## Example
 * |[
 * publishersrc name=source
 *   source.video ! queue ! h264parse ! cmafpackager name=p
 *   source.audio ! queue ! aacparse ! p.
 * ]| The beginning of a pipeline description after substitution.
 *
 * Since: 0.1
 */

#include "publishersrc.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (publisher_src_debug);
#define GST_CAT_DEFAULT publisher_src_debug

/* How much later than their time buffers come at most: a frame is sent when it
 * is whole, and one with B-frames waits for those before it. */
#define LATENCY (200 * GST_MSECOND)

typedef struct {
  GstPad *pad; /* owned by the element */

  /* with OBJECT_LOCK of the element */
  GstCaps *caps;
  gboolean caps_pending; /* are to be sent before the next buffer */
  gboolean started;      /* stream-start and segment are sent */
  gboolean busy;         /* a buffer is on its way downstream */
  gboolean eos_sent;
} Stream;

struct _PublisherSrc {
  GstElement parent;

  /* with OBJECT_LOCK, which is not held while anything is pushed */
  GPtrArray *streams; /* of Stream; only grows */
  guint group_id;
  gboolean ended;
};

static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE (
    "video", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE (
    "audio", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate further_video_template = GST_STATIC_PAD_TEMPLATE (
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate further_audio_template = GST_STATIC_PAD_TEMPLATE (
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

#define publisher_src_parent_class parent_class
G_DEFINE_FINAL_TYPE (PublisherSrc, publisher_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    publishersrc, "publishersrc", GST_RANK_NONE, PUBLISHER_TYPE_SRC)

static void
stream_free (gpointer data)
{
  Stream *stream = data;

  gst_clear_caps (&stream->caps);
  g_free (stream);
}

static Stream *
get_stream (PublisherSrc *self, guint index)
{
  Stream *stream;

  GST_OBJECT_LOCK (self);
  stream = g_ptr_array_index (self->streams, index);
  GST_OBJECT_UNLOCK (self);
  return stream;
}

/* --- queries ---------------------------------------------------------------- */

static gboolean
answer_caps (PublisherSrc *self, Stream *stream, GstQuery *query)
{
  GstCaps *caps, *filter, *result;

  GST_OBJECT_LOCK (self);
  caps = gst_caps_ref (stream->caps);
  GST_OBJECT_UNLOCK (self);
  gst_query_parse_caps (query, &filter);
  result = filter != NULL ? gst_caps_intersect_full (
                                filter, caps, GST_CAPS_INTERSECT_FIRST)
                          : gst_caps_ref (caps);
  gst_query_set_caps_result (query, result);
  gst_caps_unref (result);
  gst_caps_unref (caps);
  return TRUE;
}

static gboolean
publisher_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch ((int)GST_QUERY_TYPE (query)) {
    case GST_QUERY_LATENCY:
      /* Nothing is lost upstream, however late it is taken: it waits in TCP. */
      gst_query_set_latency (query, TRUE, LATENCY, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_CAPS:
      return answer_caps (
          PUBLISHER_SRC (parent), gst_pad_get_element_private (pad), query);
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

/* --- pads ------------------------------------------------------------------- */

static guint
count_pads (PublisherSrc *self, const char *media)
{
  guint n = 0;

  for (guint i = 0; i < self->streams->len; i++) {
    Stream *stream = g_ptr_array_index (self->streams, i);

    if (g_str_has_prefix (GST_PAD_NAME (stream->pad), media))
      n++;
  }
  return n;
}

static GstPad *
make_pad (PublisherSrc *self, const char *media, guint n)
{
  gboolean is_video = strcmp (media, "video") == 0;
  g_autofree char *name =
      n == 0 ? g_strdup (media) : g_strdup_printf ("%s_%u", media, n);
  GstStaticPadTemplate *template;
  GstPad *pad;

  if (n == 0)
    template = is_video ? &video_template : &audio_template;
  else
    template = is_video ? &further_video_template : &further_audio_template;
  pad = gst_pad_new_from_static_template (template, name);
  gst_pad_set_query_function (pad, publisher_src_query);
  gst_pad_use_fixed_caps (pad);
  return pad;
}

guint
publisher_src_add_stream (PublisherSrc *self, const char *media, GstCaps *caps)
{
  Stream *stream = g_new0 (Stream, 1);
  guint index, n;

  GST_OBJECT_LOCK (self);
  n = count_pads (self, media);
  stream->caps = gst_caps_ref (caps);
  stream->caps_pending = gst_caps_is_fixed (caps);
  stream->pad = make_pad (self, media, n);
  gst_pad_set_element_private (stream->pad, stream);
  index = self->streams->len;
  g_ptr_array_add (self->streams, stream);
  GST_OBJECT_UNLOCK (self);

  /* In a pipeline that is stopped its peer refuses what comes. */
  gst_pad_set_active (stream->pad, TRUE);
  gst_element_add_pad (GST_ELEMENT (self), stream->pad);
  return index;
}

void
publisher_src_no_more_pads (PublisherSrc *self)
{
  gst_element_no_more_pads (GST_ELEMENT (self));
}

/* --- streaming -------------------------------------------------------------- */

void
publisher_src_set_caps (PublisherSrc *self, guint index, GstCaps *caps)
{
  Stream *stream = get_stream (self, index);

  GST_OBJECT_LOCK (self);
  gst_caps_replace (&stream->caps, caps);
  stream->caps_pending = TRUE;
  GST_OBJECT_UNLOCK (self);
}

static void
push_start (PublisherSrc *self, Stream *stream, guint group_id)
{
  g_autofree char *id = gst_pad_create_stream_id (
      stream->pad, GST_ELEMENT (self), GST_PAD_NAME (stream->pad));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_group_id (event, group_id);
  gst_pad_push_event (stream->pad, event);
}

static void
push_segment (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = PUBLISHER_SRC_ZERO;
  gst_pad_push_event (stream->pad, gst_event_new_segment (&segment));
}

/* What must go before the next buffer. */
static void
push_events (PublisherSrc *self, Stream *stream)
{
  g_autoptr (GstCaps) caps = NULL;
  gboolean start;
  guint group_id;

  GST_OBJECT_LOCK (self);
  start = !stream->started;
  stream->started = TRUE;
  group_id = self->group_id;
  if (stream->caps_pending)
    caps = gst_caps_ref (stream->caps);
  stream->caps_pending = FALSE;
  GST_OBJECT_UNLOCK (self);

  if (start)
    push_start (self, stream, group_id);
  if (caps != NULL)
    gst_pad_push_event (stream->pad, gst_event_new_caps (caps));
  if (start)
    push_segment (stream);
}

/* An EOS without these would be refused by some elements. */
static void
push_eos (PublisherSrc *self, Stream *stream)
{
  GST_DEBUG_OBJECT (stream->pad, "end");
  push_events (self, stream);
  gst_pad_push_event (stream->pad, gst_event_new_eos ());
}

/* Whether this thread is the one to send EOS. With OBJECT_LOCK. */
static gboolean
take_eos_locked (PublisherSrc *self, Stream *stream)
{
  if (!self->ended || stream->busy || stream->eos_sent)
    return FALSE;
  stream->eos_sent = TRUE;
  return TRUE;
}

GstFlowReturn
publisher_src_push (PublisherSrc *self, guint index, GstBuffer *buffer)
{
  Stream *stream = get_stream (self, index);
  GstFlowReturn flow;
  gboolean ended, end;

  GST_OBJECT_LOCK (self);
  ended = self->ended;
  stream->busy = !ended;
  GST_OBJECT_UNLOCK (self);
  if (ended) {
    gst_buffer_unref (buffer);
    return GST_FLOW_EOS;
  }

  push_events (self, stream);
  flow = gst_pad_push (stream->pad, buffer);

  GST_OBJECT_LOCK (self);
  stream->busy = FALSE;
  end = take_eos_locked (self, stream);
  GST_OBJECT_UNLOCK (self);
  if (end)
    push_eos (self, stream);
  return flow;
}

void
publisher_src_end (PublisherSrc *self)
{
  g_autoptr (GPtrArray) idle = g_ptr_array_new ();

  GST_OBJECT_LOCK (self);
  self->ended = TRUE;
  for (guint i = 0; i < self->streams->len; i++)
    if (take_eos_locked (self, g_ptr_array_index (self->streams, i)))
      g_ptr_array_add (idle, g_ptr_array_index (self->streams, i));
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; i < idle->len; i++)
    push_eos (self, g_ptr_array_index (idle, i));
}

static gboolean
publisher_src_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (parent_class)->send_event (element, event);
  gst_event_unref (event);
  publisher_src_end (PUBLISHER_SRC (element));
  return TRUE;
}

/* --- states ----------------------------------------------------------------- */

/* Deactivated pads have forgotten their events. */
static void
reset (PublisherSrc *self)
{
  GST_OBJECT_LOCK (self);
  self->ended = FALSE;
  self->group_id = gst_util_group_id_next ();
  for (guint i = 0; i < self->streams->len; i++) {
    Stream *stream = g_ptr_array_index (self->streams, i);

    stream->started = stream->eos_sent = FALSE;
    stream->caps_pending = gst_caps_is_fixed (stream->caps);
  }
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
publisher_src_change_state (GstElement *element, GstStateChange transition)
{
  PublisherSrc *self = PUBLISHER_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    reset (self);
  result = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (result == GST_STATE_CHANGE_SUCCESS &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
          transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

static void
publisher_src_finalize (GObject *object)
{
  PublisherSrc *self = PUBLISHER_SRC (object);

  g_ptr_array_unref (self->streams);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
publisher_src_class_init (PublisherSrcClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      publisher_src_debug, "publishersrc", 0, "source of a broadcast");
  G_OBJECT_CLASS (klass)->finalize = publisher_src_finalize;
  element_class->send_event = GST_DEBUG_FUNCPTR (publisher_src_send_event);
  element_class->change_state = GST_DEBUG_FUNCPTR (publisher_src_change_state);
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_pad_template (
      element_class, &further_video_template);
  gst_element_class_add_static_pad_template (
      element_class, &further_audio_template);
  gst_element_class_set_static_metadata (element_class, "Publisher source",
      "Source", "Passes on what the launcher receives from a publisher",
      "The Wishcast developers");
}

static void
publisher_src_init (PublisherSrc *self)
{
  self->streams = g_ptr_array_new_with_free_func (stream_free);
  self->group_id = gst_util_group_id_next ();
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
