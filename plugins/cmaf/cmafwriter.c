/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cmafwriter.h"

#include "boxwriter.h"

/* Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other; depends on
 * others and is no sync sample. */
#define FLAGS_SYNC 0x02000000
#define FLAGS_NON_SYNC 0x01010000

/* tfhd */
#define DEFAULT_BASE_IS_MOOF 0x020000
#define DEFAULT_DURATION 0x000008
#define DEFAULT_FLAGS 0x000020
/* trun */
#define DATA_OFFSET 0x000001
#define SAMPLE_DURATION 0x000100
#define SAMPLE_SIZE 0x000200
#define SAMPLE_FLAGS 0x000400
#define SAMPLE_CTS 0x000800

/* Nothing says when a file was made: the same configuration must give the same
 * bytes after a restart, or a recording would break there. */
#define NO_DATE 0

#define MOVIE_TIMESCALE 1000

static void
write_ftyp (BoxWriter *w)
{
  box_begin (w, "ftyp");
  box_fourcc (w, "cmf2");
  box_u32 (w, 0);
  box_fourcc (w, "cmf2");
  box_fourcc (w, "cmfc");
  box_fourcc (w, "iso6");
  box_fourcc (w, "mp41");
  box_end (w);
}

static void
write_matrix (BoxWriter *w)
{
  static const guint32 unity[] = {
      0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000};

  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    box_u32 (w, unity[i]);
}

static void
write_mvhd (BoxWriter *w, guint32 next_track_id)
{
  box_begin_full (w, "mvhd", 0, 0);
  box_u32 (w, NO_DATE);
  box_u32 (w, NO_DATE);
  box_u32 (w, MOVIE_TIMESCALE);
  box_u32 (w, 0);          /* duration: in the fragments */
  box_u32 (w, 0x00010000); /* rate */
  box_u16 (w, 0x0100);     /* volume */
  box_zeros (w, 10);
  write_matrix (w);
  box_zeros (w, 24);
  box_u32 (w, next_track_id);
  box_end (w);
}

static void
write_tkhd (BoxWriter *w, const CodecConfig *config, guint32 track_id)
{
  gboolean video = codec_is_video (config->codec);
  guint64 width = video ? config->width : 0;

  if (video && config->par_n != config->par_d)
    width = width * config->par_n / config->par_d;
  box_begin_full (w, "tkhd", 0, 7); /* enabled, in movie, in preview */
  box_u32 (w, NO_DATE);
  box_u32 (w, NO_DATE);
  box_u32 (w, track_id);
  box_u32 (w, 0);
  box_u32 (w, 0); /* duration */
  box_zeros (w, 8);
  box_u16 (w, 0);                  /* layer */
  box_u16 (w, video ? 0 : 1);      /* alternate group */
  box_u16 (w, video ? 0 : 0x0100); /* volume */
  box_u16 (w, 0);
  write_matrix (w);
  box_u32 (w, MIN (width, 0xffff) << 16);
  box_u32 (w, video ? config->height << 16 : 0);
  box_end (w);
}

static void
write_mdhd (BoxWriter *w, const CodecConfig *config)
{
  box_begin_full (w, "mdhd", 0, 0);
  box_u32 (w, NO_DATE);
  box_u32 (w, NO_DATE);
  box_u32 (w, config->timescale);
  box_u32 (w, 0);
  box_u16 (w, 0x55c4); /* language: und */
  box_u16 (w, 0);
  box_end (w);
}

static void
write_hdlr (BoxWriter *w, gboolean video)
{
  box_begin_full (w, "hdlr", 0, 0);
  box_u32 (w, 0);
  box_fourcc (w, video ? "vide" : "soun");
  box_zeros (w, 12);
  box_u8 (w, 0); /* name */
  box_end (w);
}

static void
write_config_box (BoxWriter *w, const char *fourcc, GBytes *config)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (config, &size);

  box_begin (w, fourcc);
  box_bytes (w, data, size);
  box_end (w);
}

static void
write_video_entry (BoxWriter *w, const CodecConfig *config)
{
  gboolean h264 = config->codec == CODEC_H264;

  box_begin (w, h264 ? "avc1" : "hvc1");
  box_zeros (w, 6);
  box_u16 (w, 1); /* data reference */
  box_zeros (w, 16);
  box_u16 (w, config->width);
  box_u16 (w, config->height);
  box_u32 (w, 0x00480000); /* 72 dpi */
  box_u32 (w, 0x00480000);
  box_u32 (w, 0);
  box_u16 (w, 1);      /* frames a sample */
  box_zeros (w, 32);   /* compressor name */
  box_u16 (w, 0x0018); /* depth */
  box_u16 (w, G_MAXUINT16);
  write_config_box (w, h264 ? "avcC" : "hvcC", config->config);
  if (config->par_n != config->par_d) {
    box_begin (w, "pasp");
    box_u32 (w, config->par_n);
    box_u32 (w, config->par_d);
    box_end (w);
  }
  box_end (w);
}

/* A descriptor of ISO/IEC 14496-1 with its size in four bytes. */
static void
write_descriptor (BoxWriter *w, guint8 tag, guint32 size)
{
  box_u8 (w, tag);
  box_u8 (w, 0x80 | (size >> 21 & 0x7f));
  box_u8 (w, 0x80 | (size >> 14 & 0x7f));
  box_u8 (w, 0x80 | (size >> 7 & 0x7f));
  box_u8 (w, size & 0x7f);
}

static void
write_esds (BoxWriter *w, const CodecConfig *config)
{
  gsize size;
  gconstpointer asc = g_bytes_get_data (config->config, &size);
  guint32 decoder_config = 13 + 5 + size;

  box_begin_full (w, "esds", 0, 0);
  write_descriptor (w, 0x03, 3 + 5 + decoder_config + 5 + 1);
  box_u16 (w, 0); /* ES_ID: that of the track */
  box_u8 (w, 0);
  write_descriptor (w, 0x04, decoder_config);
  box_u8 (w, 0x40); /* MPEG-4 audio */
  box_u8 (w, 0x15); /* audio stream */
  box_zeros (w, 3);
  box_u32 (w, 0); /* highest and mean bit rate: not known */
  box_u32 (w, 0);
  write_descriptor (w, 0x05, size);
  box_bytes (w, asc, size);
  write_descriptor (w, 0x06, 1);
  box_u8 (w, 2);
  box_end (w);
}

static void
write_audio_entry (BoxWriter *w, const CodecConfig *config)
{
  box_begin (w, config->codec == CODEC_AAC ? "mp4a" : "Opus");
  box_zeros (w, 6);
  box_u16 (w, 1); /* data reference */
  box_zeros (w, 8);
  box_u16 (w, config->channels);
  box_u16 (w, 16);
  box_u32 (w, 0);
  box_u32 (w, MIN (config->rate, G_MAXUINT16) << 16);
  if (config->codec == CODEC_AAC)
    write_esds (w, config);
  else
    write_config_box (w, "dOps", config->config);
  box_end (w);
}

/* Tables that a fragmented file leaves empty. */
static void
write_empty_tables (BoxWriter *w)
{
  static const char *names[] = {"stts", "stsc", "stco"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    box_begin_full (w, names[i], 0, 0);
    box_u32 (w, 0);
    box_end (w);
  }
  box_begin_full (w, "stsz", 0, 0);
  box_u32 (w, 0);
  box_u32 (w, 0);
  box_end (w);
}

static void
write_minf (BoxWriter *w, const CodecConfig *config)
{
  gboolean video = codec_is_video (config->codec);

  box_begin (w, "minf");
  box_begin_full (w, video ? "vmhd" : "smhd", 0, video ? 1 : 0);
  box_zeros (w, video ? 8 : 4);
  box_end (w);

  box_begin (w, "dinf");
  box_begin_full (w, "dref", 0, 0);
  box_u32 (w, 1);
  box_begin_full (w, "url ", 0, 1); /* in this file */
  box_end (w);
  box_end (w);
  box_end (w);

  box_begin (w, "stbl");
  box_begin_full (w, "stsd", 0, 0);
  box_u32 (w, 1);
  if (video)
    write_video_entry (w, config);
  else
    write_audio_entry (w, config);
  box_end (w);
  write_empty_tables (w);
  box_end (w);
  box_end (w);
}

static void
write_trak (BoxWriter *w, const CodecConfig *config, guint32 track_id)
{
  box_begin (w, "trak");
  write_tkhd (w, config, track_id);
  box_begin (w, "mdia");
  write_mdhd (w, config);
  write_hdlr (w, codec_is_video (config->codec));
  write_minf (w, config);
  box_end (w);
  box_end (w);
}

static void
write_trex (BoxWriter *w, guint32 track_id)
{
  box_begin_full (w, "trex", 0, 0);
  box_u32 (w, track_id);
  box_u32 (w, 1); /* sample description */
  box_u32 (w, 0); /* duration, size, flags: each fragment says */
  box_u32 (w, 0);
  box_u32 (w, 0);
  box_end (w);
}

/**
 * cmaf_write_init:
 * @configs: of the tracks, @n of them
 * @track_ids: of the same tracks, from 1
 *
 * Returns: (transfer full): ftyp and moov (ISO/IEC 23000-19, 7.3.1): a CMAF
 *     header of one track, or the joint header of several
 */
GBytes *
cmaf_write_init (
    const CodecConfig *const *configs, const guint32 *track_ids, guint n)
{
  BoxWriter w = BOX_WRITER_INIT (g_byte_array_new ());
  guint32 highest = 0;

  for (guint i = 0; i < n; i++)
    highest = MAX (highest, track_ids[i]);
  write_ftyp (&w);
  box_begin (&w, "moov");
  write_mvhd (&w, highest + 1);
  for (guint i = 0; i < n; i++)
    write_trak (&w, configs[i], track_ids[i]);
  box_begin (&w, "mvex");
  for (guint i = 0; i < n; i++)
    write_trex (&w, track_ids[i]);
  box_end (&w);
  box_end (&w);
  return g_byte_array_free_to_bytes (w.bytes);
}

static gboolean
is_uniform (const CmafChunk *chunk)
{
  for (guint i = 1; i < chunk->n_samples; i++)
    if (chunk->samples[i].duration != chunk->samples[0].duration)
      return FALSE;
  return TRUE;
}

/* Returns the position of the data offset. */
static guint
write_trun (BoxWriter *w, const CmafChunk *chunk, gboolean uniform)
{
  guint32 flags = DATA_OFFSET | SAMPLE_SIZE;
  guint position;

  if (!uniform)
    flags |= SAMPLE_DURATION;
  if (chunk->video)
    flags |= SAMPLE_FLAGS | SAMPLE_CTS;
  box_begin_full (w, "trun", 1, flags);
  box_u32 (w, chunk->n_samples);
  position = w->bytes->len;
  box_u32 (w, 0);
  for (guint i = 0; i < chunk->n_samples; i++) {
    const CmafSample *sample = &chunk->samples[i];

    if (!uniform)
      box_u32 (w, sample->duration);
    box_u32 (w, sample->size);
    if (chunk->video) {
      box_u32 (w, sample->key ? FLAGS_SYNC : FLAGS_NON_SYNC);
      box_u32 (w, (guint32)sample->cts);
    }
  }
  box_end (w);
  return position;
}

/**
 * cmaf_write_chunk_header:
 * @bytes: what is appended to
 * @chunk: with at least one sample
 *
 * Writes all of a CMAF chunk (ISO/IEC 23000-19, 7.3.2.3) but the samples, which
 * follow in order: moof, the head of mdat. No styp opens a segment, as it may:
 * in a recording it would stand between chunks, where FFmpeg does not know that
 * it has read the one behind it, and gives out its samples once more after a seek
 * back.
 */
void
cmaf_write_chunk_header (GByteArray *bytes, const CmafChunk *chunk)
{
  BoxWriter w = BOX_WRITER_INIT (bytes);
  gboolean uniform = is_uniform (chunk);
  guint moof, data_offset;
  guint64 payload = 0;

  for (guint i = 0; i < chunk->n_samples; i++)
    payload += chunk->samples[i].size;

  moof = bytes->len;
  box_begin (&w, "moof");
  box_begin_full (&w, "mfhd", 0, 0);
  box_u32 (&w, chunk->sequence);
  box_end (&w);
  box_begin (&w, "traf");
  box_begin_full (&w, "tfhd", 0,
      DEFAULT_BASE_IS_MOOF | (uniform ? DEFAULT_DURATION : 0) |
          (chunk->video ? 0 : DEFAULT_FLAGS));
  box_u32 (&w, chunk->track_id);
  if (uniform)
    box_u32 (&w, chunk->samples[0].duration);
  if (!chunk->video)
    box_u32 (&w, FLAGS_SYNC);
  box_end (&w);
  box_begin_full (&w, "tfdt", 1, 0);
  box_u64 (&w, chunk->decode_time);
  box_end (&w);
  data_offset = write_trun (&w, chunk, uniform);
  box_end (&w);
  box_end (&w);
  box_patch_u32 (&w, data_offset, bytes->len - moof + 8);
  box_u32 (&w, payload + 8);
  box_fourcc (&w, "mdat");
}
