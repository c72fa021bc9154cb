/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "paramsets.h"

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gsth264parser.h>
#include <gst/codecparsers/gsth265parser.h>

/* Larger pictures than H.264 and H.265 know a level for. */
#define MAX_SIDE 16384

/* Of AAC */
#define MAX_RATE 192000

static gboolean
malformed (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "The codec configuration is malformed: %s", what);
  return FALSE;
}

static gboolean
check_size (const VideoParams *params, GError **error)
{
  if (params->width == 0 || params->height == 0 || params->width > MAX_SIDE ||
      params->height > MAX_SIDE)
    return malformed (error, "its picture size is absurd");
  return TRUE;
}

static gboolean
parse_h264_sps (
    const guint8 *data, gsize size, VideoParams *params, GError **error)
{
  GstH264NalParser *parser = gst_h264_nal_parser_new ();
  GstH264NalUnit nal;
  GstH264SPS sps;
  gboolean ok = FALSE;

  if (gst_h264_parser_identify_nalu_unchecked (parser, data, 0, size, &nal) ==
          GST_H264_PARSER_OK &&
      nal.type == GST_H264_NAL_SPS &&
      gst_h264_parse_sps (&nal, &sps) == GST_H264_PARSER_OK) {
    int fps_n = 0, fps_d = 0;

    params->width = sps.frame_cropping_flag ? sps.crop_rect_width : sps.width;
    params->height =
        sps.frame_cropping_flag ? sps.crop_rect_height : sps.height;
    gst_h264_video_calculate_framerate (&sps, 0, 0, &fps_n, &fps_d);
    params->fps_n = MAX (fps_n, 0);
    params->fps_d = MAX (fps_d, 0);
    gst_h264_sps_clear (&sps);
    ok = TRUE;
  }
  gst_h264_nal_parser_free (parser);
  return ok ? TRUE
            : malformed (error, "its sequence parameter set is unreadable");
}

static gboolean
parse_h265_sps (
    const guint8 *data, gsize size, VideoParams *params, GError **error)
{
  GstH265Parser *parser = gst_h265_parser_new ();
  GstH265NalUnit nal;
  GstH265SPS sps;
  gboolean ok = FALSE;

  params->fps_n = params->fps_d = 0;
  if (gst_h265_parser_identify_nalu_unchecked (parser, data, 0, size, &nal) ==
          GST_H265_PARSER_OK &&
      nal.type == GST_H265_NAL_SPS &&
      gst_h265_parse_sps (parser, &nal, &sps, TRUE) == GST_H265_PARSER_OK) {
    params->width =
        sps.conformance_window_flag ? sps.crop_rect_width : sps.width;
    params->height =
        sps.conformance_window_flag ? sps.crop_rect_height : sps.height;
    /* The parser's own fps_num is never set for H.265. */
    if (sps.vui_parameters_present_flag &&
        sps.vui_params.timing_info_present_flag) {
      params->fps_n = MIN (sps.vui_params.time_scale, G_MAXINT32);
      params->fps_d = MIN (sps.vui_params.num_units_in_tick, G_MAXINT32);
    }
    ok = TRUE;
  }
  gst_h265_parser_free (parser);
  return ok ? TRUE
            : malformed (error, "its sequence parameter set is unreadable");
}

/* GST_READ_UINT16_BE wants an aligned address. */
static guint
read_u16 (const guint8 *data)
{
  return data[0] << 8 | data[1];
}

/* A NAL unit behind two bytes of length, as both records have them. */
static gboolean
next_nal (const guint8 **data, gsize *left, const guint8 **nal, gsize *size)
{
  if (*left < 2)
    return FALSE;
  *size = read_u16 (*data);
  if (*size == 0 || *size > *left - 2)
    return FALSE;
  *nal = *data + 2;
  *data += 2 + *size;
  *left -= 2 + *size;
  return TRUE;
}

/* The NAL parsers look for a start code. */
static GByteArray *
with_start_code (const guint8 *nal, gsize size)
{
  static const guint8 start_code[] = {0, 0, 0, 1};
  GByteArray *bytes = g_byte_array_sized_new (size + sizeof (start_code));

  g_byte_array_append (bytes, start_code, sizeof (start_code));
  g_byte_array_append (bytes, nal, size);
  return bytes;
}

/**
 * param_sets_parse_avcc:
 * @data: an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)
 * @params: (out): what its first sequence parameter set says
 *
 * Returns: %FALSE and @error (G_IO_ERROR_INVALID_DATA) if it is malformed
 */
gboolean
param_sets_parse_avcc (
    const guint8 *data, gsize size, VideoParams *params, GError **error)
{
  const guint8 *position, *nal, *sps = NULL;
  gsize left, nal_size, sps_size = 0;
  guint count;
  g_autoptr (GByteArray) bytes = NULL;

  if (size < 7 || data[0] != 1)
    return malformed (error, "it is no AVCDecoderConfigurationRecord");
  params->nal_length_size = (data[4] & 3) + 1;
  position = data + 6;
  left = size - 6;
  count = data[5] & 0x1f;
  for (guint i = 0; i < count; i++) {
    if (!next_nal (&position, &left, &nal, &nal_size))
      return malformed (error, "a sequence parameter set is cut off");
    if (sps == NULL) {
      sps = nal;
      sps_size = nal_size;
    }
  }
  if (sps == NULL || left < 1)
    return malformed (error, "it has no sequence parameter set");
  count = *position++;
  left--;
  for (guint i = 0; i < count; i++)
    if (!next_nal (&position, &left, &nal, &nal_size))
      return malformed (error, "a picture parameter set is cut off");

  bytes = with_start_code (sps, sps_size);
  return parse_h264_sps (bytes->data, bytes->len, params, error) &&
         check_size (params, error);
}

/**
 * param_sets_parse_hvcc:
 * @data: an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)
 * @params: (out): what its first sequence parameter set says
 *
 * Returns: %FALSE and @error (G_IO_ERROR_INVALID_DATA) if it is malformed
 */
gboolean
param_sets_parse_hvcc (
    const guint8 *data, gsize size, VideoParams *params, GError **error)
{
  const guint8 *position, *nal, *sps = NULL;
  gsize left, nal_size, sps_size = 0;
  guint arrays;
  g_autoptr (GByteArray) bytes = NULL;

  if (size < 23 || data[0] != 1)
    return malformed (error, "it is no HEVCDecoderConfigurationRecord");
  params->nal_length_size = (data[21] & 3) + 1;
  arrays = data[22];
  position = data + 23;
  left = size - 23;
  for (guint i = 0; i < arrays; i++) {
    guint type, count;

    if (left < 3)
      return malformed (error, "an array of parameter sets is cut off");
    type = position[0] & 0x3f;
    count = read_u16 (position + 1);
    position += 3;
    left -= 3;
    for (guint j = 0; j < count; j++) {
      if (!next_nal (&position, &left, &nal, &nal_size))
        return malformed (error, "a parameter set is cut off");
      if (type == GST_H265_NAL_SPS && sps == NULL) {
        sps = nal;
        sps_size = nal_size;
      }
    }
  }
  if (sps == NULL)
    return malformed (error, "it has no sequence parameter set");

  bytes = with_start_code (sps, sps_size);
  return parse_h265_sps (bytes->data, bytes->len, params, error) &&
         check_size (params, error);
}

typedef struct {
  const guint8 *data;
  gsize left; /* bits */
  guint position;
} BitReader;

/* Past the end come zeros, and `left` stays 0. */
static guint
get_bits (BitReader *r, guint bits)
{
  guint value = 0;

  while (bits-- > 0) {
    value <<= 1;
    if (r->left == 0)
      continue;
    value |= r->data[r->position / 8] >> (7 - r->position % 8) & 1;
    r->position++;
    r->left--;
  }
  return value;
}

/* ISO/IEC 14496-3, table 1.18 */
static guint
get_sample_rate (BitReader *r)
{
  static const guint rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
      22050, 16000, 12000, 11025, 8000, 7350};
  guint index = get_bits (r, 4);

  if (index == 15)
    return get_bits (r, 24);
  return index < G_N_ELEMENTS (rates) ? rates[index] : 0;
}

/**
 * param_sets_parse_asc:
 * @data: an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
 * @rate: (out): Hz, of the core codec
 * @channels: (out):
 * @frame_samples: (out): samples a frame at @rate
 *
 * Returns: %FALSE and @error (G_IO_ERROR_INVALID_DATA) if it is malformed
 */
gboolean
param_sets_parse_asc (const guint8 *data, gsize size, guint *rate,
    guint *channels, guint *frame_samples, GError **error)
{
  /* Channels by channelConfiguration; 0: told elsewhere, which no publisher
   * does. */
  static const guint8 counts[16] = {
      0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0};
  BitReader r = {data, size * 8, 0};
  guint type = get_bits (&r, 5);

  if (type == 31)
    type = 32 + get_bits (&r, 6);
  *rate = get_sample_rate (&r);
  *channels = counts[get_bits (&r, 4)];
  if (r.left == 0)
    return malformed (error, "the AudioSpecificConfig is cut off");
  if (*rate == 0 || *rate > MAX_RATE || *channels == 0)
    return malformed (error, "its sample rate or channels are absurd");
  /* frameLengthFlag of the plain object types: 960 instead of 1024 */
  *frame_samples = type >= 1 && type <= 4 && get_bits (&r, 1) ? 960 : 1024;
  return TRUE;
}
