/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "paramsets.h"

#include <string.h>

#include "codecconfig.h"
#include "testmedia.h"

#define PICTURE                                                                \
  "videotestsrc num-buffers=2 ! "                                              \
  "video/x-raw,format=I420,width=322,height=182,framerate=30000/1001 ! "

typedef gboolean (*ParseFunc) (
    const guint8 *data, gsize size, VideoParams *params, GError **error);

static TestMedia *
make_h264 (void)
{
  return test_media_encode (PICTURE TEST_H264);
}

static TestMedia *
make_h265 (void)
{
  return test_media_encode (PICTURE TEST_H265);
}

static TestMedia *
make_aac (void)
{
  return test_media_encode ("audiotestsrc num-buffers=3 ! "
                            "audio/x-raw,rate=44100,channels=2 ! " TEST_AAC);
}

static void
assert_damage_is_survived (ParseFunc parse, GBytes *config)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config, &size);

  for (gsize n = 0; n < size; n++) {
    g_autofree guint8 *cut = g_memdup2 (data, n);
    g_autoptr (GError) error = NULL;
    VideoParams params;

    if (!parse (cut, n, &params, &error))
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  }
  for (gsize bit = 0; bit < size * 8; bit++) {
    g_autofree guint8 *flipped = g_memdup2 (data, size);
    g_autoptr (GError) error = NULL;
    VideoParams params;

    flipped[bit / 8] ^= 0x80 >> bit % 8;
    if (parse (flipped, size, &params, &error)) {
      g_assert_cmpuint (params.width, >, 0);
      g_assert_cmpuint (params.width, <=, 16384);
      g_assert_cmpuint (params.height, >, 0);
      g_assert_cmpuint (params.height, <=, 16384);
    } else {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
  }
}

static void
test_avcc (void)
{
  g_autoptr (TestMedia) media = NULL;
  g_autoptr (GBytes) config = NULL;
  g_autoptr (GError) error = NULL;
  VideoParams params;
  const guint8 *data;
  gsize size;

  if (!test_media_has ("x264enc"))
    return;
  media = make_h264 ();
  config = test_media_codec_data (media);
  data = g_bytes_get_data (config, &size);
  g_assert_true (param_sets_parse_avcc (data, size, &params, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (params.nal_length_size, ==, 4);
  g_assert_cmpuint (params.width, ==, 322);
  g_assert_cmpuint (params.height, ==, 182);
  g_assert_cmpuint (params.fps_n * 1001, ==, params.fps_d * 30000);
  assert_damage_is_survived (param_sets_parse_avcc, config);
}

static void
test_hvcc (void)
{
  g_autoptr (TestMedia) media = NULL;
  g_autoptr (GBytes) config = NULL;
  g_autoptr (GError) error = NULL;
  VideoParams params;
  const guint8 *data;
  gsize size;

  if (!test_media_has ("x265enc"))
    return;
  media = make_h265 ();
  config = test_media_codec_data (media);
  data = g_bytes_get_data (config, &size);
  g_assert_true (param_sets_parse_hvcc (data, size, &params, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (params.nal_length_size, ==, 4);
  g_assert_cmpuint (params.width, ==, 322);
  g_assert_cmpuint (params.height, ==, 182);
  g_assert_cmpuint (params.fps_n * 1001, ==, params.fps_d * 30000);
  assert_damage_is_survived (param_sets_parse_hvcc, config);
}

static void
test_refused (void)
{
  static const struct {
    guint8 bytes[32];
    gsize size;
  } cases[] = {
      {{0}, 0}, {{1}, 1}, {{0, 66, 0, 30, 0xff, 0xe0, 0}, 7}, /* version 0 */
      {{1, 66, 0, 30, 0xff, 0xe0, 0}, 7},                     /* no set */
      {{1, 66, 0, 30, 0xff, 0xe1, 0, 0, 0}, 9},               /* an empty one */
      {{1, 66, 0, 30, 0xff, 0xe1, 0xff, 0xff, 0x67}, 9},
      {{1, 66, 0, 30, 0xff, 0xe1, 0, 1, 0x67, 0}, 10},
      {{1, 66, 0, 30, 0xff, 0xe1, 0, 1, 0x68, 0}, 10}, /* a PPS for an SPS */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    VideoParams params;

    g_assert_false (
        param_sets_parse_avcc (cases[i].bytes, cases[i].size, &params, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    g_clear_error (&error);
    g_assert_false (
        param_sets_parse_hvcc (cases[i].bytes, cases[i].size, &params, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  }
}

static void
test_asc (void)
{
  static const struct {
    guint8 bytes[8];
    gsize size;
    guint rate, channels, samples; /* rate 0: refused */
  } cases[] = {
      {{0x11, 0x90}, 2, 48000, 2, 1024}, {{0x12, 0x10}, 2, 44100, 2, 1024},
      {{0x12, 0x08}, 2, 44100, 1, 1024}, {{0x11, 0x94}, 2, 48000, 2, 960},
      /* an explicit rate of 48000 */
      {{0x17, 0x80, 0x5d, 0xc0, 0x10}, 5, 48000, 2, 1024},
      {{0x17, 0x80, 0x5d, 0xc0, 0x14}, 5, 48000, 2, 960},
      /* HE-AAC, said explicitly: core at 24000 */
      {{0x2b, 0x11, 0x88, 0x00}, 4, 24000, 2, 1024}, {{0}, 0}, {{0x11}, 1},
      {{0x17, 0x80}, 2}, /* the explicit rate is cut off */
      {{0x16, 0x90}, 2}, /* a reserved rate */
      {{0x11, 0x80}, 2}, /* channels are told elsewhere */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree guint8 *data = g_memdup2 (cases[i].bytes, cases[i].size);
    g_autoptr (GError) error = NULL;
    guint rate, channels, samples;

    if (!param_sets_parse_asc (
            data, cases[i].size, &rate, &channels, &samples, &error)) {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      g_assert_cmpuint (cases[i].rate, ==, 0);
      continue;
    }
    g_assert_cmpuint (rate, ==, cases[i].rate);
    g_assert_cmpuint (channels, ==, cases[i].channels);
    g_assert_cmpuint (samples, ==, cases[i].samples);
  }
}

static void
test_asc_damaged (void)
{
  for (guint value = 0; value < 65536; value++) {
    const guint8 data[] = {value >> 8, value & 0xff};
    guint rate, channels, samples;

    if (param_sets_parse_asc (data, 2, &rate, &channels, &samples, NULL)) {
      g_assert_cmpuint (rate, >, 0);
      g_assert_cmpuint (channels, >, 0);
    }
  }
}

static void
assert_config (TestMedia *media, Codec codec, const char *codecs)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CodecConfig) config =
      codec_config_new_from_caps (media->caps, &error);
  g_autoptr (CodecConfig) same = codec_config_new_from_caps (media->caps, NULL);

  g_assert_no_error (error);
  g_assert_cmpint (config->codec, ==, codec);
  g_assert_true (g_str_has_prefix (config->codecs, codecs));
  g_assert_true (codec_config_equal (config, same));
  g_assert_false (codec_config_equal (config, NULL));
}

static void
test_caps (void)
{
  g_autoptr (TestMedia) h264 = NULL, h265 = NULL, aac = NULL, opus = NULL;

  if (!test_media_has ("x264enc") || !test_media_has ("x265enc") ||
      !test_media_has ("avenc_aac") || !test_media_has ("opusenc"))
    return;
  h264 = make_h264 ();
  assert_config (h264, CODEC_H264, "avc1.");
  h265 = make_h265 ();
  assert_config (h265, CODEC_H265, "hvc1.");
  aac = make_aac ();
  assert_config (aac, CODEC_AAC, "mp4a.40.2");
  opus = test_media_encode (
      "audiotestsrc num-buffers=3 ! audio/x-raw,rate=48000 ! " TEST_OPUS);
  assert_config (opus, CODEC_OPUS, "opus");
}

/* Frame rate and aspect ratio of the caps win over those of the SPS. */
static void
test_caps_win (void)
{
  g_autoptr (TestMedia) media = NULL;
  g_autoptr (CodecConfig) config = NULL;
  g_autoptr (GstCaps) caps = NULL;

  if (!test_media_has ("x264enc"))
    return;
  media = make_h264 ();
  caps = gst_caps_copy (media->caps);
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 25, 1,
      "pixel-aspect-ratio", GST_TYPE_FRACTION, 16, 11, NULL);
  config = codec_config_new_from_caps (caps, NULL);
  g_assert_cmpuint (config->fps_n, ==, 25);
  g_assert_cmpuint (config->par_n, ==, 16);
  g_assert_cmpuint (config->par_d, ==, 11);
}

static void
test_caps_refused (void)
{
  static const char *cases[] = {
      "video/x-h264, stream-format=avc",
      "video/x-h264, stream-format=avc, codec_data=(int)3",
      "video/x-h264, stream-format=avc, codec_data=(buffer)01",
      "video/x-h265, stream-format=hvc1",
      "video/x-h265, stream-format=hvc1, codec_data=(buffer)0102",
      "audio/mpeg, mpegversion=4, stream-format=raw",
      "audio/mpeg, mpegversion=4, stream-format=raw, codec_data=(buffer)11",
      "audio/x-opus",
      "audio/x-opus, channels=0",
      "audio/x-opus, channels=6, channel-mapping-family=0",
      "video/x-vp9",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i]);
    g_autoptr (GError) error = NULL;
    g_autoptr (CodecConfig) config = NULL;

    g_assert_nonnull (caps);
    config = codec_config_new_from_caps (caps, &error);
    if (config != NULL)
      g_error ("accepted: %s", cases[i]);
    g_assert_nonnull (error);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/param-sets/avcc", test_avcc);
  g_test_add_func ("/param-sets/hvcc", test_hvcc);
  g_test_add_func ("/param-sets/refused", test_refused);
  g_test_add_func ("/param-sets/asc", test_asc);
  g_test_add_func ("/param-sets/asc-damaged", test_asc_damaged);
  g_test_add_func ("/codec-config/caps", test_caps);
  g_test_add_func ("/codec-config/caps-win", test_caps_win);
  g_test_add_func ("/codec-config/caps-refused", test_caps_refused);
  return g_test_run ();
}
