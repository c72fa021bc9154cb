/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtsppublisher.h"

#include <gst/app/gstappsink.h>
#include <gst/pbutils/pbutils.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <string.h>

#include "latmframe.h"
#include "publishersrc.h"
#include "rtpsync.h"
#include "sdpmedia.h"

/* A publisher whose network has gone silently is given up after that long; OBS
 * sends at least some audio all the time. */
#define SILENCE (10 * G_TIME_SPAN_SECOND)
/* A pipeline that has not taken one frame for that long is stuck. */
#define STUCK (10 * G_TIME_SPAN_SECOND)
/* ffmpeg and OBS send a sender report ahead of the first packet, but it comes
 * here by a thread of its own. Others send theirs seconds later. */
#define REPORT_TIME (200 * G_TIME_SPAN_MILLISECOND)

#define LATM "rtpmp4adepay"

typedef struct {
  RtspPublisher *publisher;
  const SdpCodec *codec;
  guint index;

  /* only its streaming thread */
  GstCaps *caps;
  GstClockTime frame_duration; /* or none: not known */
  GstClockTime next_pts;       /* of a frame that has none, or none */
  gboolean begun;
  gboolean has_forwarded;

  /* with lock */
  gint64 pushing_since; /* monotonic, us; 0: not pushing */
  gboolean ended;
} Stream;

struct _RtspPublisher {
  gatomicrefcount refs;
  RtspPublisherFailed failed;
  gpointer data;

  /* only the thread of the connection */
  Publication *publication;

  GMutex lock;
  GCond changed;        /* a stream has ended, a report has come, stopped */
  PublisherSrc *source; /* set while running */
  gboolean stopped;
  gboolean has_failed;
  gint64 last_frame; /* monotonic, us; from start */
  /* The broadcast's running time less that of the media, from the first frame
   * of any stream. */
  gboolean has_offset;
  GstClockTimeDiff offset;
  RtpSync sync;

  guint n_streams;
  Stream streams[SDP_MEDIA_MAX_STREAMS];
};

RtspPublisher *
rtsp_publisher_ref (RtspPublisher *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
rtsp_publisher_unref (RtspPublisher *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  for (guint i = 0; i < self->n_streams; i++)
    gst_clear_caps (&self->streams[i].caps);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* --- streaming threads of the media ----------------------------------------- */

/* The time since @element began to play, or 0 if it has not yet. */
static GstClockTime
get_running_time (GstElement *element)
{
  GstClockTime now = gst_element_get_current_running_time (element);

  return GST_CLOCK_TIME_IS_VALID (now) ? now : 0;
}

static GstClockTime
to_source_time (
    const GstSegment *segment, GstClockTime time, GstClockTimeDiff offset)
{
  GstClockTime running;
  GstClockTimeDiff result;
  int sign;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_TIME_NONE;
  sign = gst_segment_to_running_time_full (
      segment, GST_FORMAT_TIME, time, &running);
  if (sign == 0)
    return GST_CLOCK_TIME_NONE;
  result = (sign > 0 ? (GstClockTimeDiff)running : -(GstClockTimeDiff)running) +
           offset + (GstClockTimeDiff)PUBLISHER_SRC_ZERO;
  return result >= 0 ? (GstClockTime)result : GST_CLOCK_TIME_NONE;
}

/* The pipelines have clocks and base times of their own; what comes first is
 * played as if it were made now. */
static GstClockTimeDiff
get_clock_difference (PublisherSrc *source, GstElement *sink)
{
  return GST_CLOCK_DIFF (
      get_running_time (sink), get_running_time (GST_ELEMENT (source)));
}

void
rtsp_publisher_fail (RtspPublisher *self, const char *reason)
{
  g_mutex_lock (&self->lock);
  /* With the lock, so that it is over when stop returns. */
  if (!self->has_failed && !self->stopped)
    self->failed (reason, self->data);
  self->has_failed = TRUE;
  g_mutex_unlock (&self->lock);
}

/* AAC-LC has 1024 samples in a frame; pictures have no fixed time. */
static GstClockTime
get_frame_duration (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const GValue *value = gst_structure_get_value (structure, "codec_data");
  GstMapInfo map;
  guint rate;

  if (!gst_structure_has_name (structure, "audio/mpeg") || value == NULL ||
      !gst_buffer_map (gst_value_get_buffer (value), &map, GST_MAP_READ))
    return GST_CLOCK_TIME_NONE;
  rate = gst_codec_utils_aac_get_sample_rate (map.data, map.size);
  gst_buffer_unmap (gst_value_get_buffer (value), &map);
  return rate > 0 ? gst_util_uint64_scale (1024, GST_SECOND, rate)
                  : GST_CLOCK_TIME_NONE;
}

/* Of several frames in a packet, rtpmp4gdepay stamps only the first for as long
 * as it has not found out how long they are, that is in the first packet. */
static void
stamp (Stream *stream, GstBuffer *buffer)
{
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    GST_BUFFER_PTS (buffer) = stream->next_pts;
  stream->next_pts = GST_CLOCK_TIME_NONE;
  if (GST_BUFFER_PTS_IS_VALID (buffer) &&
      GST_CLOCK_TIME_IS_VALID (stream->frame_duration))
    stream->next_pts = GST_BUFFER_PTS (buffer) + stream->frame_duration;
}

static void
forward_caps (Stream *stream, PublisherSrc *source, GstCaps *caps)
{
  if (caps == NULL ||
      (stream->caps != NULL && gst_caps_is_equal (stream->caps, caps)))
    return;
  gst_caps_replace (&stream->caps, caps);
  stream->frame_duration = get_frame_duration (caps);
  publisher_src_set_caps (source, stream->index, caps);
}

/* The first frame of LATM; players end where one is broken. */
static void
strip_prefix (GstBuffer *buffer)
{
  GstMapInfo map;
  gsize prefix;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  prefix = latm_frame_get_prefix (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (prefix > 0)
    gst_buffer_resize (buffer, (gssize)prefix, -1);
}

static GstFlowReturn
forward (Stream *stream, PublisherSrc *source, GstClockTimeDiff offset,
    GstSample *sample)
{
  GstSegment *segment = gst_sample_get_segment (sample);
  GstBuffer *buffer = gst_sample_get_buffer (sample);

  forward_caps (stream, source, gst_sample_get_caps (sample));
  /* Shares the memory, so that only the stamps are copied. */
  buffer = gst_buffer_copy (buffer);
  if (!stream->has_forwarded && strcmp (stream->codec->depay, LATM) == 0)
    strip_prefix (buffer);
  stream->has_forwarded = TRUE;
  stamp (stream, buffer);
  GST_BUFFER_PTS (buffer) =
      to_source_time (segment, GST_BUFFER_PTS (buffer), offset);
  GST_BUFFER_DTS (buffer) =
      to_source_time (segment, GST_BUFFER_DTS (buffer), offset);
  return publisher_src_push (source, stream->index, buffer);
}

static void
wait_for_report_locked (RtspPublisher *self, guint stream)
{
  gint64 until = g_get_monotonic_time () + REPORT_TIME;

  while (self->source != NULL && !rtp_sync_has_relation (&self->sync, stream) &&
         g_cond_wait_until (&self->changed, &self->lock, until))
    ;
}

/* What is to be added to the times of @stream at @time. */
static GstClockTimeDiff
find_offset_locked (
    RtspPublisher *self, Stream *stream, GstElement *sink, GstClockTime time)
{
  if (!self->has_offset)
    self->offset = get_clock_difference (self->source, sink);
  self->has_offset = TRUE;
  return self->offset + rtp_sync_correct (&self->sync, stream->index,
                            GST_CLOCK_TIME_IS_VALID (time) ? (gint64)time : 0);
}

static GstFlowReturn
on_sample (GstAppSink *sink, gpointer data)
{
  Stream *stream = data;
  RtspPublisher *self = stream->publisher;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  g_autoptr (GstObject) source = NULL;
  GstClockTimeDiff offset = 0;
  GstFlowReturn flow = GST_FLOW_FLUSHING;

  if (sample == NULL)
    return GST_FLOW_EOS;
  g_mutex_lock (&self->lock);
  if (!stream->begun)
    wait_for_report_locked (self, stream->index);
  stream->begun = TRUE;
  if (self->source != NULL) {
    source = gst_object_ref (self->source);
    offset = find_offset_locked (self, stream, GST_ELEMENT (sink),
        GST_BUFFER_PTS (gst_sample_get_buffer (sample)));
    self->last_frame = stream->pushing_since = g_get_monotonic_time ();
  }
  g_mutex_unlock (&self->lock);
  if (source == NULL)
    return GST_FLOW_FLUSHING;

  flow = forward (stream, PUBLISHER_SRC (source), offset, sample);

  g_mutex_lock (&self->lock);
  stream->pushing_since = 0;
  g_mutex_unlock (&self->lock);
  /* A description need not use every stream. */
  if (flow == GST_FLOW_NOT_LINKED)
    return GST_FLOW_OK;
  if (flow != GST_FLOW_OK)
    rtsp_publisher_fail (self, "the pipeline of the broadcast takes no more");
  /* An error of the broadcast is not one of the media. */
  return flow == GST_FLOW_OK ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

static void
on_eos (GstAppSink *sink, gpointer data)
{
  Stream *stream = data;

  g_mutex_lock (&stream->publisher->lock);
  stream->ended = TRUE;
  g_cond_broadcast (&stream->publisher->changed);
  g_mutex_unlock (&stream->publisher->lock);
}

static void
release_stream (gpointer data)
{
  Stream *stream = data;

  rtsp_publisher_unref (stream->publisher);
}

static GstPadProbeReturn
on_packet (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Stream *stream = data;
  RtspPublisher *self = stream->publisher;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gint clock_rate = 0;

  if (caps == NULL || !GST_BUFFER_PTS_IS_VALID (buffer) ||
      !gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp))
    return GST_PAD_PROBE_OK;
  gst_structure_get_int (
      gst_caps_get_structure (caps, 0), "clock-rate", &clock_rate);
  g_mutex_lock (&self->lock);
  rtp_sync_take_packet (&self->sync, stream->index,
      gst_rtp_buffer_get_ssrc (&rtp), gst_rtp_buffer_get_timestamp (&rtp),
      clock_rate, GST_BUFFER_PTS (buffer));
  g_mutex_unlock (&self->lock);
  gst_rtp_buffer_unmap (&rtp);
  return GST_PAD_PROBE_OK;
}

void
rtsp_publisher_take_rtcp (RtspPublisher *self, guint stream, GstBuffer *rtcp)
{
  g_mutex_lock (&self->lock);
  if (stream < self->n_streams)
    rtp_sync_take_rtcp (&self->sync, stream, rtcp);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* --- thread of the connection ----------------------------------------------- */

static void
connect_sink (Stream *stream, GstElement *receiver)
{
  GstAppSinkCallbacks callbacks = {.eos = on_eos, .new_sample = on_sample};
  g_autofree char *name = g_strdup_printf ("sink%u", stream->index);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (receiver), name);

  rtsp_publisher_ref (stream->publisher);
  gst_app_sink_set_callbacks (
      GST_APP_SINK (sink), &callbacks, stream, release_stream);
}

static void
probe_packets (Stream *stream, GstElement *receiver)
{
  g_autofree char *name = g_strdup_printf ("depay%u", stream->index);
  g_autoptr (GstElement) depay = gst_bin_get_by_name (GST_BIN (receiver), name);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (depay, "sink");

  rtsp_publisher_ref (stream->publisher);
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, on_packet, stream, release_stream);
}

/* Where sound skips one hears it; where pictures move by less than one no one
 * sees it. */
static guint
choose_reference (const GPtrArray *codecs)
{
  for (guint i = 0; i < codecs->len; i++) {
    const SdpCodec *codec = g_ptr_array_index (codecs, i);

    if (strcmp (codec->media, "audio") == 0)
      return i;
  }
  return 0;
}

RtspPublisher *
rtsp_publisher_new (Publication *publication, const GPtrArray *codecs,
    GstElement *receiver, RtspPublisherFailed failed, gpointer data)
{
  RtspPublisher *self = g_new0 (RtspPublisher, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->publication = publication;
  self->failed = failed;
  self->data = data;
  self->sync.reference = choose_reference (codecs);
  self->n_streams = codecs->len;
  for (guint i = 0; i < codecs->len; i++) {
    self->streams[i].publisher = self;
    self->streams[i].codec = g_ptr_array_index (codecs, i);
    self->streams[i].index = i;
    self->streams[i].frame_duration = GST_CLOCK_TIME_NONE;
    self->streams[i].next_pts = GST_CLOCK_TIME_NONE;
    connect_sink (&self->streams[i], receiver);
    probe_packets (&self->streams[i], receiver);
  }
  return self;
}

gboolean
rtsp_publisher_start (RtspPublisher *self, GError **error)
{
  PublisherSrc *source;

  if (!publication_start (self->publication, "publishersrc name=source", error))
    return FALSE;
  source = PUBLISHER_SRC (publication_get_source (self->publication));
  for (guint i = 0; i < self->n_streams; i++) {
    const SdpCodec *codec = self->streams[i].codec;
    g_autoptr (GstCaps) caps = gst_caps_from_string (codec->caps);

    publisher_src_add_stream (source, codec->media, caps);
  }
  publisher_src_no_more_pads (source);
  g_mutex_lock (&self->lock);
  self->source = source;
  self->last_frame = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
  return TRUE;
}

const char *
rtsp_publisher_check (RtspPublisher *self, gint64 now)
{
  const char *reason = NULL;

  g_mutex_lock (&self->lock);
  if (self->source != NULL) {
    if (now - self->last_frame > SILENCE)
      reason = "nothing came for 10 s";
    for (guint i = 0; i < self->n_streams; i++)
      if (self->streams[i].pushing_since != 0 &&
          now - self->streams[i].pushing_since > STUCK)
        reason = "the pipeline of the broadcast is stuck";
  }
  g_mutex_unlock (&self->lock);
  return reason;
}

static gboolean
is_under_way_locked (RtspPublisher *self)
{
  for (guint i = 0; i < self->n_streams; i++)
    if (!self->streams[i].ended)
      return TRUE;
  return FALSE;
}

void
rtsp_publisher_wait_ended (RtspPublisher *self, gint64 patience)
{
  gint64 until = g_get_monotonic_time () + patience;

  g_mutex_lock (&self->lock);
  while (self->source != NULL && is_under_way_locked (self) &&
         g_cond_wait_until (&self->changed, &self->lock, until))
    ;
  g_mutex_unlock (&self->lock);
}

void
rtsp_publisher_stop (RtspPublisher *self)
{
  PublisherSrc *source;

  g_mutex_lock (&self->lock);
  source = g_steal_pointer (&self->source);
  self->stopped = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  /* This also frees a streaming thread that waits in the pipeline. */
  g_clear_pointer (&self->publication, publication_end);
  gst_clear_object (&source);
}
