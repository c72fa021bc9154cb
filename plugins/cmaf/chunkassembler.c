/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chunkassembler.h"

#include <string.h>

#include "cmafwriter.h"
#include "nalunits.h"
#include "packagerinput.h"

/* More than a segment of 10 s has, if every frame of 60 a second is one. */
#define MAX_PARTS 1024

void
chunk_assembler_init (ChunkAssembler *self)
{
  self->header = g_byte_array_new ();
  self->samples = g_array_new (FALSE, FALSE, sizeof (CmafSample));
}

void
chunk_assembler_clear (ChunkAssembler *self)
{
  g_clear_pointer (&self->header, g_byte_array_unref);
  g_clear_pointer (&self->samples, g_array_unref);
}

static guint64
to_ticks (gint64 time, guint timescale)
{
  return gst_util_uint64_scale_round (MAX (time, 0), timescale, GST_SECOND);
}

static gint32
to_signed_ticks (gint64 time, guint timescale)
{
  gint64 ticks =
      gst_util_uint64_scale_round (ABS (time), timescale, GST_SECOND);

  return CLAMP (time < 0 ? -ticks : ticks, G_MININT32, G_MAXINT32);
}

static gboolean
is_h265 (const CodecConfig *codec)
{
  return codec->codec == CODEC_H265;
}

/* Bytes that @buffer gives the chunk: all but parameter sets. */
static guint32
payload_size (const CodecConfig *codec, GstBuffer *buffer)
{
  NalSummary summary = {0};
  GstMapInfo map;

  if (!codec_is_video (codec->codec))
    return gst_buffer_get_size (buffer);
  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    nal_units_inspect (
        map.data, map.size, is_h265 (codec), codec->nal_length_size, &summary);
    gst_buffer_unmap (buffer, &map);
  }
  return summary.stripped_size;
}

static void
copy_payload (
    const CodecConfig *codec, GstBuffer *buffer, guint8 *to, guint32 size)
{
  GstMapInfo map;

  if (size == gst_buffer_get_size (buffer)) {
    gst_buffer_extract (buffer, 0, to, size);
    return;
  }
  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    nal_units_copy_stripped (
        to, map.data, map.size, is_h265 (codec), codec->nal_length_size);
    gst_buffer_unmap (buffer, &map);
  }
}

/* Fills self->samples. Durations are differences of rounded times, so that no
 * rounding adds up. Returns the payload's bytes. */
static gsize
collect_samples (ChunkAssembler *self, const SegmenterPart *part, gint64 offset)
{
  const CodecConfig *codec =
      ((const InputFormat *)part->samples[0].config)->codec;
  gint64 end = part->dts + part->duration;
  gsize payload = 0;

  g_array_set_size (self->samples, part->n_samples);
  for (guint i = 0; i < part->n_samples; i++) {
    const SegmenterSample *in = &part->samples[i];
    CmafSample *out = &g_array_index (self->samples, CmafSample, i);
    gint64 next = i + 1 < part->n_samples ? in[1].time : end;

    out->duration = to_ticks (next + offset, codec->timescale) -
                    to_ticks (in->time + offset, codec->timescale);
    out->cts = to_signed_ticks (in->cts, codec->timescale);
    out->key = in->key;
    out->size = payload_size (codec, in->data);
    payload += out->size;
  }
  return payload;
}

static guint64
earliest_pts (const SegmenterPart *part, gint64 offset)
{
  gint64 pts = G_MAXINT64;

  for (guint i = 0; i < part->n_samples; i++)
    pts = MIN (pts, part->samples[i].time + part->samples[i].cts);
  return MAX (pts + offset, 0);
}

static GstBuffer *
assemble (ChunkAssembler *self, const SegmenterPart *part, gsize payload)
{
  const CodecConfig *codec =
      ((const InputFormat *)part->samples[0].config)->codec;
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, self->header->len + payload, NULL);
  GstMapInfo map;
  guint8 *to;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  memcpy (map.data, self->header->data, self->header->len);
  to = map.data + self->header->len;
  for (guint i = 0; i < part->n_samples; i++) {
    guint32 size = g_array_index (self->samples, CmafSample, i).size;

    copy_payload (codec, part->samples[i].data, to, size);
    to += size;
  }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/**
 * chunk_assembler_make:
 * @part: its samples' configs are InputFormats, their data GstBuffers
 * @base: ns from the segmenter's media time to that in the chunk
 * @info: (out): all but the wall clock
 *
 * Returns: (transfer full): the chunk, in one memory
 */
GstBuffer *
chunk_assembler_make (ChunkAssembler *self, const SegmenterPart *part,
    gint64 base, ChunkInfo *info)
{
  const InputFormat *format = part->samples[0].config;
  /* The segmenter counts from the first presentation time of each track. */
  gint64 offset = base - format->clock.shift;
  gsize payload = collect_samples (self, part, offset);
  CmafChunk chunk = {
      .track_id = part->track + 1,
      /* Rises within a track, also across a restart. */
      .sequence = part->msn * MAX_PARTS + MIN (part->part, MAX_PARTS - 1),
      .decode_time = to_ticks (part->dts + offset, format->codec->timescale),
      .video = codec_is_video (format->codec->codec),
      .samples = (const CmafSample *)self->samples->data,
      .n_samples = part->n_samples,
  };

  g_byte_array_set_size (self->header, 0);
  cmaf_write_chunk_header (self->header, &chunk);
  *info = (ChunkInfo){
      .kind = CHUNK_KIND_MEDIA,
      .track = part->track,
      .independent = part->independent,
      .last = part->last,
      .epoch = part->epoch,
      .msn = part->msn,
      .part = part->part,
      .pts = earliest_pts (part, offset),
      .dts = MAX ((gint64)part->dts + offset, 0),
      .duration = part->duration,
      .arrived = part->samples[part->n_samples - 1].arrived,
      .size = self->header->len + payload,
  };
  return assemble (self, part, payload);
}
