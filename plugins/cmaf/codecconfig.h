/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum {
  CODEC_H264,
  CODEC_H265,
  CODEC_AAC,
  CODEC_OPUS,
} Codec;

/* Everything of a track that its init segment and its line in the playlists
 * say. Immutable; equal configurations make byte-identical init segments. */
typedef struct {
  Codec codec;
  char *codecs;   /* RFC 6381 */
  GBytes *config; /* avcC, hvcC, AudioSpecificConfig or dOps payload */
  guint timescale;
  guint nal_length_size; /* video */
  guint width, height;
  guint fps_n, fps_d; /* 0 if unknown */
  guint par_n, par_d;
  guint rate, channels; /* audio */
  guint object_type;    /* AAC: MPEG-4 audio object type */
  guint frame_samples;  /* audio: per frame, 0 if frames say it themselves */
} CodecConfig;

CodecConfig *codec_config_new_from_caps (const GstCaps *caps, GError **error);
CodecConfig *codec_config_ref (CodecConfig *self);
void codec_config_unref (CodecConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecConfig, codec_config_unref)
gboolean codec_config_equal (const CodecConfig *a, const CodecConfig *b);

static inline gboolean
codec_is_video (Codec codec)
{
  return codec == CODEC_H264 || codec == CODEC_H265;
}

G_END_DECLS
