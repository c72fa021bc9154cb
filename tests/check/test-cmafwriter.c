/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "boxwriter.h"
#include "cmafwriter.h"
#include "mp4reader.h"

static void
assert_bytes (GByteArray *bytes, const char *hex)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < bytes->len; i++)
    g_string_append_printf (text, "%02x", bytes->data[i]);
  g_assert_cmpstr (text->str, ==, hex);
}

static void
test_boxes (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  BoxWriter w = BOX_WRITER_INIT (bytes);

  box_begin (&w, "aaaa");
  box_begin_full (&w, "bbbb", 1, 0xfff00002);
  box_u8 (&w, 0x12);
  box_u16 (&w, 0x3456);
  box_u64 (&w, G_GUINT64_CONSTANT (0x0102030405060708));
  box_end (&w);
  box_zeros (&w, 3);
  box_fourcc (&w, "cccc");
  box_end (&w);
  box_u32 (&w, 5);
  assert_bytes (bytes, "00000026"
                       "61616161"
                       "00000017"
                       "62626262"
                       "01f00002"
                       "12"
                       "3456"
                       "0102030405060708"
                       "000000"
                       "63636363"
                       "00000005");
  g_assert_cmpuint (w.depth, ==, 0);
}

/* Every byte of the smallest audio chunk. */
static void
test_audio_chunk_bytes (void)
{
  const CmafSample sample = {.duration = 1024, .size = 4, .key = TRUE};
  const CmafChunk chunk = {
      .track_id = 2,
      .sequence = 7,
      .decode_time = G_GUINT64_CONSTANT (0x100000001),
      .samples = &sample,
      .n_samples = 1,
  };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  cmaf_write_chunk_header (bytes, &chunk);
  assert_bytes (bytes, "00000064"
                       "6d6f6f66"
                       "00000010"
                       "6d666864"
                       "00000000"
                       "00000007"
                       "0000004c"
                       "74726166"
                       "00000018"
                       "74666864"
                       "00020028"
                       "00000002"
                       "00000400"
                       "02000000"
                       "00000014"
                       "74666474"
                       "01000000"
                       "0000000100000001"
                       "00000018"
                       "7472756e"
                       "01000201"
                       "00000001"
                       "0000006c"
                       "00000004"
                       "0000000c"
                       "6d646174");
}

static void
read_back (const CmafChunk *chunk, Mp4Chunk *read, GByteArray *bytes)
{
  cmaf_write_chunk_header (bytes, chunk);
  for (guint i = 0; i < chunk->n_samples; i++) {
    g_autofree guint8 *payload = g_malloc (chunk->samples[i].size);

    memset (payload, i, chunk->samples[i].size);
    g_byte_array_append (bytes, payload, chunk->samples[i].size);
  }
  mp4_read_chunk (bytes->data, bytes->len, read);
  g_assert_cmpuint (read->track_id, ==, chunk->track_id);
  g_assert_cmpuint (read->sequence, ==, chunk->sequence);
  g_assert_cmpuint (read->decode_time, ==, chunk->decode_time);
  g_assert_cmpuint (read->samples->len, ==, chunk->n_samples);
  for (guint i = 0; i < chunk->n_samples; i++) {
    const Mp4Sample *sample = &g_array_index (read->samples, Mp4Sample, i);

    g_assert_cmpuint (sample->duration, ==, chunk->samples[i].duration);
    g_assert_cmpuint (sample->size, ==, chunk->samples[i].size);
    g_assert_cmpint (sample->cts, ==, chunk->samples[i].cts);
    g_assert_cmphex (
        sample->flags, ==, chunk->samples[i].key ? 0x02000000 : 0x01010000);
    g_assert_cmpuint (sample->data[0], ==, i);
    g_assert_cmpuint (sample->data[sample->size - 1], ==, i);
  }
}

static void
test_chunks (void)
{
  static const CmafSample uniform[] = {
      {3000, 10, 6000, TRUE}, {3000, 20, -3000, FALSE}, {3000, 30, 0, FALSE}};
  static const CmafSample uneven[] = {
      {3003, 10, 0, FALSE}, {3002, 1, G_MININT32, TRUE}};
  static const CmafSample audio[] = {{1024, 1, 0, TRUE}, {1023, 2, 0, TRUE}};
  static const CmafChunk cases[] = {
      {1, 1, 0, TRUE, uniform, 3},
      {1, 2, 9000, TRUE, uniform, 1},
      {4, G_MAXUINT32, G_MAXUINT64, TRUE, uneven, 2},
      {2, 3, G_MAXUINT32, FALSE, audio, 2},
      {2, 3, G_MAXUINT32, FALSE, audio, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    Mp4Chunk read;

    read_back (&cases[i], &read, bytes);
    mp4_chunk_clear (&read);
  }
}

static CodecConfig
make_video (Codec codec, gconstpointer config, gsize size)
{
  return (CodecConfig){.codec = codec,
      .timescale = 90000,
      .width = 720,
      .height = 576,
      .par_n = 1,
      .par_d = 1,
      .config = g_bytes_new (config, size)};
}

static CodecConfig
make_audio (Codec codec, gconstpointer config, gsize size)
{
  return (CodecConfig){.codec = codec,
      .timescale = 48000,
      .rate = 48000,
      .channels = 2,
      .config = g_bytes_new (config, size)};
}

static const guint8 *
find_fourcc (GBytes *bytes, const char *fourcc)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return memmem (data, size, fourcc, 4);
}

static void
test_joint_init (void)
{
  CodecConfig h264 = make_video (CODEC_H264, "avcC-payload", 12);
  CodecConfig h265 = make_video (CODEC_H265, "hvcC", 4);
  CodecConfig aac = make_audio (CODEC_AAC, "\x11\x90", 2);
  CodecConfig opus = make_audio (CODEC_OPUS, "dOps-payload", 12);
  const CodecConfig *configs[] = {&h264, &h265, &aac, &opus};
  const guint32 ids[] = {1, 2, 5, 7};
  static const char *entries[] = {"avc1", "hvc1", "mp4a", "Opus"};
  g_autoptr (GBytes) bytes = cmaf_write_init (configs, ids, 4);
  Mp4Init init;

  mp4_read_init (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &init);
  g_assert_cmpuint (init.n_tracks, ==, 4);
  g_assert_cmpuint (init.next_track_id, ==, 8);
  for (guint i = 0; i < 4; i++) {
    const Mp4Track *track = &init.tracks[i];
    gsize size;
    const guint8 *config = g_bytes_get_data (configs[i]->config, &size);

    g_assert_cmpuint (track->id, ==, ids[i]);
    g_assert_cmpuint (track->timescale, ==, configs[i]->timescale);
    g_assert_cmpstr (track->handler, ==, i < 2 ? "vide" : "soun");
    g_assert_cmpstr (track->entry, ==, entries[i]);
    g_assert_cmpuint (track->width, ==, i < 2 ? 720 : 0);
    g_assert_cmpuint (track->height, ==, i < 2 ? 576 : 0);
    g_assert_cmpuint (track->rate, ==, i < 2 ? 0 : 48000);
    g_assert_cmpuint (track->channels, ==, i < 2 ? 0 : 2);
    if (i != 2)
      g_assert_cmpmem (track->config, track->config_size, config, size);
    g_bytes_unref (configs[i]->config);
  }
  /* esds: a DecoderSpecificInfo with the AudioSpecificConfig, then an
   * SLConfigDescriptor */
  g_assert_cmpmem (init.tracks[2].config + init.tracks[2].config_size - 13, 13,
      "\x05\x80\x80\x80\x02\x11\x90\x06\x80\x80\x80\x01\x02", 13);
}

static void
test_pixel_aspect_ratio (void)
{
  CodecConfig config = make_video (CODEC_H264, "a", 1);
  const CodecConfig *configs[] = {&config};
  const guint32 id = 1;
  g_autoptr (GBytes) square = cmaf_write_init (configs, &id, 1);
  g_autoptr (GBytes) wide = NULL;
  const guint8 *pasp, *tkhd;

  g_assert_null (find_fourcc (square, "pasp"));
  config.par_n = 16;
  config.par_d = 15;
  wide = cmaf_write_init (configs, &id, 1);
  pasp = find_fourcc (wide, "pasp");
  g_assert_cmpmem (pasp + 4, 8, "\0\0\0\x10\0\0\0\x0f", 8);
  /* 720 * 16 / 15 = 768, 16.16 */
  tkhd = find_fourcc (wide, "tkhd");
  g_assert_cmpmem (tkhd + 80, 8, "\x03\0\0\0\x02\x40\0\0", 8);
  g_bytes_unref (config.config);
}

/* What makes a restart continue a recording. */
static void
test_same_bytes (void)
{
  CodecConfig config = make_audio (CODEC_OPUS, "x", 1);
  const CodecConfig *configs[] = {&config};
  const guint32 id = 1;
  g_autoptr (GBytes) a = cmaf_write_init (configs, &id, 1);
  g_autoptr (GBytes) b = cmaf_write_init (configs, &id, 1);

  g_assert_true (g_bytes_equal (a, b));
  g_bytes_unref (config.config);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf-writer/boxes", test_boxes);
  g_test_add_func ("/cmaf-writer/audio-chunk-bytes", test_audio_chunk_bytes);
  g_test_add_func ("/cmaf-writer/chunks", test_chunks);
  g_test_add_func ("/cmaf-writer/joint-init", test_joint_init);
  g_test_add_func ("/cmaf-writer/pixel-aspect-ratio", test_pixel_aspect_ratio);
  g_test_add_func ("/cmaf-writer/same-bytes", test_same_bytes);
  return g_test_run ();
}
