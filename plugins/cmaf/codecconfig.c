/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "codecconfig.h"

#include <gio/gio.h>
#include <gst/pbutils/codec-utils.h>
#include <string.h>

#include "paramsets.h"

static gboolean
unsupported (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s", what);
  return FALSE;
}

static void
codec_config_clear (gpointer data)
{
  CodecConfig *self = data;

  g_free (self->codecs);
  g_clear_pointer (&self->config, g_bytes_unref);
}

CodecConfig *
codec_config_ref (CodecConfig *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
codec_config_unref (CodecConfig *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, codec_config_clear);
}

gboolean
codec_config_equal (const CodecConfig *a, const CodecConfig *b)
{
  return a == b || (a != NULL && b != NULL && a->codec == b->codec &&
                       g_strcmp0 (a->codecs, b->codecs) == 0 &&
                       g_bytes_equal (a->config, b->config) &&
                       a->timescale == b->timescale && a->width == b->width &&
                       a->height == b->height && a->par_n == b->par_n &&
                       a->par_d == b->par_d && a->rate == b->rate &&
                       a->channels == b->channels &&
                       a->frame_samples == b->frame_samples);
}

static GBytes *
codec_data (const GstStructure *structure, GError **error)
{
  const GValue *value = gst_structure_get_value (structure, "codec_data");
  GstBuffer *buffer;
  GstMapInfo map;
  GBytes *bytes;

  if (value == NULL || !GST_VALUE_HOLDS_BUFFER (value)) {
    unsupported (error, "The caps carry no codec_data");
    return NULL;
  }
  buffer = gst_value_get_buffer (value);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    unsupported (error, "The codec_data of the caps cannot be mapped");
    return NULL;
  }
  bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return bytes;
}

static gboolean
read_video (CodecConfig *self, const GstStructure *structure, GError **error)
{
  VideoParams params = {0};
  const guint8 *data;
  gsize size;
  int n, d;

  self->config = codec_data (structure, error);
  if (self->config == NULL)
    return FALSE;
  data = g_bytes_get_data (self->config, &size);
  if (self->codec == CODEC_H264
          ? !param_sets_parse_avcc (data, size, &params, error)
          : !param_sets_parse_hvcc (data, size, &params, error))
    return FALSE;

  self->timescale = 90000;
  self->nal_length_size = params.nal_length_size;
  self->width = params.width;
  self->height = params.height;
  self->fps_n = params.fps_n;
  self->fps_d = params.fps_d;
  self->par_n = self->par_d = 1;
  if (gst_structure_get_fraction (structure, "framerate", &n, &d) && n > 0 &&
      d > 0) {
    self->fps_n = n;
    self->fps_d = d;
  }
  if (gst_structure_get_fraction (structure, "pixel-aspect-ratio", &n, &d) &&
      n > 0 && d > 0) {
    self->par_n = n;
    self->par_d = d;
  }
  return TRUE;
}

static gboolean
read_aac (CodecConfig *self, const GstStructure *structure, GError **error)
{
  const guint8 *data;
  gsize size;

  self->config = codec_data (structure, error);
  if (self->config == NULL)
    return FALSE;
  data = g_bytes_get_data (self->config, &size);
  if (!param_sets_parse_asc (data, size, &self->rate, &self->channels,
          &self->frame_samples, error))
    return FALSE;
  self->object_type = data[0] >> 3;
  self->timescale = self->rate;
  return TRUE;
}

/* The payload of a dOps box (Encapsulation of Opus in ISOBMFF, 4.3.2), from
 * what opusparse put into the caps. */
static gboolean
read_opus (CodecConfig *self, const GstCaps *caps, GError **error)
{
  guint32 rate;
  guint8 channels, family, streams, coupled, mapping[256];
  GByteArray *dops;
  guint8 head[11] = {0};

  /* The parser below logs a critical without it. */
  if (!gst_structure_has_field_typed (gst_caps_get_structure (caps, 0),
          "channel-mapping-family", G_TYPE_INT) ||
      !gst_codec_utils_opus_parse_caps ((GstCaps *)caps, &rate, &channels,
          &family, &streams, &coupled, mapping) ||
      channels == 0 || (family == 0 && channels > 2))
    return unsupported (
        error, "The Opus caps say too little: opusparse completes them");

  head[1] = channels;
  GST_WRITE_UINT16_BE (head + 2, 0);
  GST_WRITE_UINT32_BE (head + 4, rate);
  head[10] = family;
  dops = g_byte_array_new ();
  g_byte_array_append (dops, head, sizeof (head));
  if (family != 0) {
    g_byte_array_append (dops, &streams, 1);
    g_byte_array_append (dops, &coupled, 1);
    g_byte_array_append (dops, mapping, channels);
  }
  self->config = g_byte_array_free_to_bytes (dops);
  self->rate = self->timescale = 48000;
  self->channels = channels;
  return TRUE;
}

static gboolean
read_caps (CodecConfig *self, const GstCaps *caps, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);

  if (gst_structure_has_name (structure, "video/x-h264")) {
    self->codec = CODEC_H264;
    return read_video (self, structure, error);
  }
  if (gst_structure_has_name (structure, "video/x-h265")) {
    self->codec = CODEC_H265;
    return read_video (self, structure, error);
  }
  if (gst_structure_has_name (structure, "audio/mpeg")) {
    self->codec = CODEC_AAC;
    return read_aac (self, structure, error);
  }
  if (gst_structure_has_name (structure, "audio/x-opus")) {
    self->codec = CODEC_OPUS;
    return read_opus (self, caps, error);
  }
  return unsupported (error, "The codec is not one of H.264, H.265, AAC, Opus");
}

/**
 * codec_config_new_from_caps:
 * @caps: fixed caps of a parsed or demuxed stream: video/x-h264 (avc),
 *     video/x-h265 (hvc1), audio/mpeg (raw AAC), audio/x-opus
 *
 * Picture size and frame rate are read from the parameter sets, so a demuxer
 * need not be followed by a parser.
 *
 * Returns: (transfer full) (nullable): the configuration, or %NULL and @error
 *     (G_IO_ERROR_INVALID_DATA, G_IO_ERROR_NOT_SUPPORTED)
 */
CodecConfig *
codec_config_new_from_caps (const GstCaps *caps, GError **error)
{
  g_autoptr (CodecConfig) self = g_atomic_rc_box_new0 (CodecConfig);

  if (!read_caps (self, caps, error))
    return NULL;
  self->codecs = gst_codec_utils_caps_get_mime_codec ((GstCaps *)caps);
  if (self->codecs == NULL) {
    unsupported (error, "The codec configuration has no RFC 6381 name");
    return NULL;
  }
  return g_steal_pointer (&self);
}
