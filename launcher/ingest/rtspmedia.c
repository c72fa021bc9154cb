/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtspmedia.h"

#include <gst/app/gstappsrc.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <stdlib.h>
#include <string.h>

#include "auheaders.h"

/* What has been received goes on air, if the pipeline takes it in that time. */
#define DRAIN_TIME (500 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  GstRTSPMedia parent;

  RtspPublisher *publisher;
  gboolean recording;
} RtspMedia;

typedef struct {
  GstRTSPMediaClass parent;
} RtspMediaClass;

G_DEFINE_TYPE (RtspMedia, rtsp_media, GST_TYPE_RTSP_MEDIA)

#define RTSP_MEDIA(object) ((RtspMedia *)(object))

void
rtsp_media_take_publisher (GstRTSPMedia *media, RtspPublisher *publisher)
{
  RTSP_MEDIA (media)->publisher = publisher;
}

gboolean
rtsp_media_is_recording (GstRTSPMedia *media)
{
  return RTSP_MEDIA (media)->recording;
}

void
rtsp_media_set_recording (GstRTSPMedia *media)
{
  RTSP_MEDIA (media)->recording = TRUE;
}

static void
end_source (const GValue *item, gpointer data)
{
  gst_app_src_end_of_stream (GST_APP_SRC (g_value_get_object (item)));
}

/* Behind what the library has queued. */
static void
drain (RtspMedia *self)
{
  g_autoptr (GstElement) receiver =
      gst_rtsp_media_get_element (GST_RTSP_MEDIA (self));
  g_autoptr (GstObject) pipeline =
      gst_object_get_parent (GST_OBJECT (receiver));
  GstIterator *sources;

  if (pipeline == NULL)
    return;
  sources = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (pipeline), "appsrc");
  while (
      gst_iterator_foreach (sources, end_source, NULL) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (sources);
  gst_iterator_free (sources);
  rtsp_publisher_wait_ended (self->publisher, DRAIN_TIME);
}

/* The class handler runs first where the media is told to stop, whether by
 * TEARDOWN, a closed connection or its end. */
static void
rtsp_media_target_state (GstRTSPMedia *media, GstState state)
{
  RtspMedia *self = RTSP_MEDIA (media);

  if (state != GST_STATE_NULL || self->publisher == NULL)
    return;
  if (self->recording)
    drain (self);
  rtsp_publisher_stop (self->publisher);
}

static gboolean
rtsp_media_handle_message (GstRTSPMedia *media, GstMessage *message)
{
  RtspMedia *self = RTSP_MEDIA (media);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR &&
      self->publisher != NULL)
    rtsp_publisher_fail (self->publisher, "what it sends cannot be read");
  return GST_RTSP_MEDIA_CLASS (rtsp_media_parent_class)
      ->handle_message (media, message);
}

/* The first packet of a stream is the first, as it came over TCP. */
static void
on_new_jitterbuffer (GstElement *rtpbin, GstElement *jitterbuffer,
    guint session, guint ssrc, gpointer data)
{
  g_object_set (jitterbuffer, "faststart-min-packets", 1, NULL);
}

#define RTCP_PAD "recv_rtcp_sink_"

static GstPadProbeReturn
on_rtcp (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  guint stream =
      g_ascii_strtoull (GST_PAD_NAME (pad) + strlen (RTCP_PAD), NULL, 10);

  rtsp_publisher_take_rtcp (data, stream, GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_OK;
}

static void
on_rtpbin_pad (GstElement *rtpbin, GstPad *pad, gpointer data)
{
  RtspMedia *self = data;

  if (g_str_has_prefix (GST_PAD_NAME (pad), RTCP_PAD))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_rtcp,
        rtsp_publisher_ref (self->publisher),
        (GDestroyNotify)rtsp_publisher_unref);
}

static guint
get_bits (const GstStructure *format, const char *name)
{
  const char *text = gst_structure_get_string (format, name);
  int bits = text != NULL ? atoi (text) : 0;

  if (text == NULL)
    gst_structure_get_int (format, name, &bits);
  return (guint)bits;
}

static gboolean
is_good_aac (GstPad *pad, GstBuffer *buffer)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  const GstStructure *s;
  AuFormat format;
  gboolean is_good;

  if (caps == NULL || !gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp))
    return FALSE;
  s = gst_caps_get_structure (caps, 0);
  format = (AuFormat){get_bits (s, "sizelength"), get_bits (s, "indexlength"),
      get_bits (s, "indexdeltalength")};
  is_good = au_headers_check (&format, gst_rtp_buffer_get_payload (&rtp),
      gst_rtp_buffer_get_payload_len (&rtp));
  gst_rtp_buffer_unmap (&rtp);
  return is_good;
}

static gboolean
keep_if_good (GstBuffer **buffer, guint index, gpointer pad)
{
  if (!is_good_aac (pad, *buffer))
    gst_clear_buffer (buffer);
  return TRUE;
}

/* The depayloader writes to NULL where a unit has nothing in it. */
static GstPadProbeReturn
on_aac (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    return is_good_aac (pad, GST_PAD_PROBE_INFO_BUFFER (info))
               ? GST_PAD_PROBE_OK
               : GST_PAD_PROBE_DROP;
  info->data = gst_buffer_list_make_writable (info->data);
  gst_buffer_list_foreach (info->data, keep_if_good, pad);
  return GST_PAD_PROBE_OK;
}

static void
guard_depayloader (const GValue *item, gpointer data)
{
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (g_value_get_object (item), "sink");

  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_aac, NULL,
      NULL);
}

/* Nobody else changes the bin yet, so it needs no second look. */
static void
guard_depayloaders (GstRTSPMedia *media)
{
  g_autoptr (GstElement) receiver = gst_rtsp_media_get_element (media);
  GstIterator *aac = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (receiver), "rtpmp4gdepay");

  gst_iterator_foreach (aac, guard_depayloader, NULL);
  gst_iterator_free (aac);
}

/* Forward error correction is for UDP; and GStreamer's decoder of it aborts the
 * process (have_caps_ssrc) when a packet is missing before its first caps, as
 * anybody who publishes can arrange. Ours is the first handler, so the
 * library's, which always makes one, is not asked. */
static GstElement *
on_request_fec_decoder (GstElement *rtpbin, guint session, gpointer data)
{
  g_signal_stop_emission_by_name (rtpbin, "request-fec-decoder");
  return NULL;
}

static gboolean
rtsp_media_setup_rtpbin (GstRTSPMedia *media, GstElement *rtpbin)
{
  /* The publisher's clock is the clock of the broadcast, as it is by RTMP: what
   * came late over TCP was not made late. A stream has one source; a thousand
   * would have a thousand threads. */
  g_object_set (rtpbin, "max-streams", 1, NULL);
  gst_util_set_object_arg (G_OBJECT (rtpbin), "buffer-mode", "synced");
  /* The streams are put in sync by the publisher, see rtpsync.h: here a report
   * from before the first packet would be lost, and the next one would move the
   * stream at once. Every other difference is greater than this one. */
  g_object_set (rtpbin, "max-ts-offset", G_GINT64_CONSTANT (1), NULL);
  g_signal_connect (
      rtpbin, "new-jitterbuffer", G_CALLBACK (on_new_jitterbuffer), NULL);
  g_signal_connect (rtpbin, "pad-added", G_CALLBACK (on_rtpbin_pad), media);
  g_signal_connect (
      rtpbin, "request-fec-decoder", G_CALLBACK (on_request_fec_decoder), NULL);
  guard_depayloaders (media);
  return TRUE;
}

static void
rtsp_media_finalize (GObject *object)
{
  RtspMedia *self = RTSP_MEDIA (object);

  g_clear_pointer (&self->publisher, rtsp_publisher_unref);
  G_OBJECT_CLASS (rtsp_media_parent_class)->finalize (object);
}

static void
rtsp_media_class_init (RtspMediaClass *klass)
{
  GstRTSPMediaClass *media_class = GST_RTSP_MEDIA_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = rtsp_media_finalize;
  media_class->target_state = rtsp_media_target_state;
  media_class->handle_message = rtsp_media_handle_message;
  media_class->setup_rtpbin = rtsp_media_setup_rtpbin;
}

static void
rtsp_media_init (RtspMedia *self)
{
}
