/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sdpmedia.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

/* The sentence goes back to the publisher in one line. */
#define MAX_NAME 32

/* RTP carries no decode times: the timestampers find them from the order of the
 * pictures, without delay where there are no B-frames. The order in which
 * players want parameter sets and lengths is that of MP4. */
static const SdpCodec CODECS[] = {
    {"H264", "video", "video/x-h264, stream-format=avc, alignment=au",
        "! h264parse ! video/x-h264,stream-format=avc,alignment=au "
        "! h264timestamper",
        "rtph264depay"},
    {"H265", "video", "video/x-h265, stream-format=hvc1, alignment=au",
        "! h265parse ! video/x-h265,stream-format=hvc1,alignment=au "
        "! h265timestamper",
        "rtph265depay"},
    {"MP4A-LATM", "audio", "audio/mpeg, mpegversion=4, stream-format=raw", "",
        "rtpmp4adepay"},
    {"MPEG4-GENERIC", "audio", "audio/mpeg, mpegversion=4, stream-format=raw",
        "", "rtpmp4gdepay"},
    {"OPUS", "audio", "audio/x-opus", "", "rtpopusdepay"},
};

static const SdpCodec *
find_codec (const char *encoding, const char *media)
{
  for (guint i = 0; i < G_N_ELEMENTS (CODECS); i++)
    if (g_ascii_strcasecmp (CODECS[i].encoding, encoding) == 0 &&
        strcmp (CODECS[i].media, media) == 0)
      return &CODECS[i];
  return NULL;
}

/* What a stranger calls it, so that it can stand in a line of text. */
static char *
make_printable (const char *text)
{
  char *copy = g_strndup (text != NULL ? text : "", MAX_NAME);

  for (char *c = copy; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c))
      *c = '?';
  return copy;
}

/* The encoding in "96 H264/90000", or NULL. */
static char *
find_encoding (const GstSDPMedia *media, const char *format)
{
  for (guint i = 0;; i++) {
    const char *rtpmap = gst_sdp_media_get_attribute_val_n (media, "rtpmap", i);
    gsize length = strlen (format);
    const char *name;

    if (rtpmap == NULL)
      return NULL;
    if (strncmp (rtpmap, format, length) != 0 || rtpmap[length] != ' ')
      continue;
    name = rtpmap + length + strspn (rtpmap + length, " ");
    return g_strndup (name, strcspn (name, "/ "));
  }
}

/* What AU headers may have beside sizes and indices (RFC 3640, section 3.3.6),
 * nobody sends for AAC; auheaders.c, which must read them before GStreamer does,
 * does not know it. */
static gboolean
has_plain_au_headers (const GstSDPMedia *media, const char *format)
{
  static const char *const others[] = {"auxiliarydatasizelength",
      "ctsdeltalength", "dtsdeltalength", "randomaccessindication",
      "streamstateindication"};
  g_autoptr (GstCaps) caps =
      gst_sdp_media_get_caps_from_media (media, atoi (format));

  if (caps == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (gst_structure_has_field (gst_caps_get_structure (caps, 0), others[i]))
      return FALSE;
  return TRUE;
}

static const SdpCodec *
read_stream (const GstSDPMedia *media, GError **error)
{
  g_autofree char *kind = make_printable (gst_sdp_media_get_media (media));
  g_autofree char *encoding = NULL, *name = NULL;
  const SdpCodec *codec;

  if (strcmp (kind, "video") != 0 && strcmp (kind, "audio") != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "A stream of %s cannot be received, only video and audio", kind);
    return NULL;
  }
  if (g_strcmp0 (gst_sdp_media_get_proto (media), "RTP/AVP") != 0) {
    name = make_printable (gst_sdp_media_get_proto (media));
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The %s is offered as %s, RTP/AVP was expected", kind, name);
    return NULL;
  }
  if (gst_sdp_media_formats_len (media) != 1) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The %s is offered in %u formats, one was expected", kind,
        gst_sdp_media_formats_len (media));
    return NULL;
  }
  encoding = find_encoding (media, gst_sdp_media_get_format (media, 0));
  if (encoding == NULL) {
    name = make_printable (gst_sdp_media_get_format (media, 0));
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The %s has the payload type %s without a codec", kind, name);
    return NULL;
  }
  codec = find_codec (encoding, kind);
  if (codec == NULL) {
    name = make_printable (encoding);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The %s codec %s cannot be received; H.264, H.265, AAC and Opus can",
        kind, name);
    return NULL;
  }
  if (strcmp (codec->depay, "rtpmp4gdepay") == 0 &&
      !has_plain_au_headers (media, gst_sdp_media_get_format (media, 0))) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The AAC has headers of a kind that cannot be received; the mode "
        "AAC-hbr can");
    return NULL;
  }
  return codec;
}

GPtrArray *
sdp_media_read (const GstSDPMessage *sdp, GError **error)
{
  g_autoptr (GPtrArray) codecs = g_ptr_array_new ();
  guint n = gst_sdp_message_medias_len (sdp);

  if (n == 0 || n > SDP_MEDIA_MAX_STREAMS) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%u streams were announced, 1 to %d were expected", n,
        SDP_MEDIA_MAX_STREAMS);
    return NULL;
  }
  for (guint i = 0; i < n; i++) {
    const SdpCodec *codec =
        read_stream (gst_sdp_message_get_media (sdp, i), error);

    if (codec == NULL)
      return NULL;
    g_ptr_array_add (codecs, (gpointer)codec);
  }
  return g_steal_pointer (&codecs);
}

char *
sdp_media_to_launch (const GPtrArray *codecs)
{
  GString *launch = g_string_new ("(");

  for (guint i = 0; i < codecs->len; i++) {
    const SdpCodec *codec = g_ptr_array_index (codecs, i);

    /* Neither waits nor keeps anything: what it gets is passed on at once. */
    g_string_append_printf (launch,
        " %s name=depay%u %s "
        "! appsink name=sink%u sync=false async=false max-buffers=1 "
        "enable-last-sample=false",
        codec->depay, i, codec->receiver, i);
  }
  g_string_append (launch, " )");
  return g_string_free (launch, FALSE);
}
