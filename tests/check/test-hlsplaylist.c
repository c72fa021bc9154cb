/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hlsplaylist.h"
#include "ratemeter.h"

#define S G_GUINT64_CONSTANT (1000000000)

static char *
render (const HlsMediaPlaylist *playlist)
{
  g_autoptr (GBytes) bytes = hls_media_playlist_render (playlist);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return g_strndup (data, size);
}

static void
test_live (void)
{
  HlsPart parts[] = {{S / 2, TRUE}, {S / 2 + 1, FALSE}};
  HlsSegment segments[] = {
      {.epoch = 1,
          .msn = 7,
          .duration = 4 * S + 3 * S / 4,
          .wallclock = 1767225599999999,
          .complete = TRUE},
      {.epoch = 1, .msn = 8, .duration = S, .complete = TRUE, .gap = TRUE},
      {.epoch = 2,
          .msn = 9,
          .duration = S,
          .discontinuity = TRUE,
          .parts = parts,
          .n_parts = 2},
  };
  HlsMediaPlaylist playlist = {
      .type = HLS_PLAYLIST_LIVE,
      .target_duration = 4,
      .part_target = S / 2,
      .media_sequence = 7,
      .discontinuity_sequence = 3,
      .segments = segments,
      .n_segments = G_N_ELEMENTS (segments),
      .hint_epoch = 2,
      .hint_msn = 9,
      .hint_part = 2,
  };
  g_autofree char *text = render (&playlist);

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:9\n"
      "#EXT-X-TARGETDURATION:4\n"
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500000,"
      "HOLD-BACK=12\n"
      "#EXT-X-PART-INF:PART-TARGET=0.500000\n"
      "#EXT-X-MEDIA-SEQUENCE:7\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
      "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-12-31T23:59:59.999Z\n"
      "#EXTINF:4.499999,\n"
      "1-7.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n"
      "#EXT-X-GAP\n"
      "#EXTINF:1.000000,\n"
      "1-8.m4s\n"
      "#EXT-X-DISCONTINUITY\n"
      "#EXT-X-MAP:URI=\"init-2.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"2-9.0.m4s\",INDEPENDENT=YES\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"2-9.1.m4s\"\n"
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2-9.2.m4s\"\n");
}

static void
test_vod (void)
{
  HlsPart part = {S, TRUE};
  HlsSegment segment = {
      .duration = S, .complete = TRUE, .parts = &part, .n_parts = 1};
  HlsMediaPlaylist playlist = {
      .type = HLS_PLAYLIST_VOD,
      .target_duration = 2,
      .part_target = S,
      .independent_segments = TRUE,
      .segments = &segment,
      .n_segments = 1,
  };
  g_autofree char *text = render (&playlist);

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:9\n"
      "#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-PLAYLIST-TYPE:VOD\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n"
      "#EXTINF:1.000000,\n"
      "0-0.m4s\n"
      "#EXT-X-ENDLIST\n");
}

static void
test_multivariant (void)
{
  g_autoptr (TrackTable) table = track_table_new ();
  Track *video = track_table_add (table, "v", TRACK_VIDEO);
  Track *audio = track_table_add (table, "a", TRACK_AUDIO);
  HlsRendition renditions[2];
  g_autoptr (GBytes) both = NULL;
  g_autoptr (GBytes) alone = NULL;

  video->codecs = g_strdup ("avc1.64001f");
  video->width = 1280;
  video->height = 720;
  video->fps_n = 30000;
  video->fps_d = 1001;
  video->bitrate = 3000000;
  audio->codecs = g_strdup ("mp4a.40.2");
  audio->channels = 2;
  renditions[0] = (HlsRendition){video, 2000000, 1900000};
  renditions[1] = (HlsRendition){audio, 130000, 128000};

  both = hls_multivariant_render (renditions, 2, TRUE);
  g_assert_cmpstr (g_bytes_get_data (both, NULL), ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:9\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"a\",DEFAULT=YES,"
      "AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a/index.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3130000,AVERAGE-BANDWIDTH=2028000,"
      "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"
      "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
      "v/index.m3u8\n");
  alone = hls_multivariant_render (renditions + 1, 1, FALSE);
  g_assert_cmpstr (g_bytes_get_data (alone, NULL), ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:9\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,"
      "CODECS=\"mp4a.40.2\"\n"
      "a/index.m3u8\n");
}

static void
test_target_duration (void)
{
  g_assert_cmpuint (hls_target_duration (0), ==, 1);
  g_assert_cmpuint (hls_target_duration (4 * S), ==, 4);
  g_assert_cmpuint (hls_target_duration (4 * S + 1), ==, 5);
}

static void
test_rate_meter (void)
{
  RateMeter meter = {0};

  rate_meter_add (&meter, 1000000, S / 100, 4); /* short: no peak of its own */
  g_assert_cmpuint (meter.peak, ==, 0);
  rate_meter_add (&meter, 1000000, 2 * S - S / 100, 4);
  g_assert_cmpuint (meter.peak, ==, 8000001);
  rate_meter_add (&meter, 500000, 2 * S, 4);
  g_assert_cmpuint (meter.peak, ==, 8000001);
  g_assert_cmpuint (rate_meter_average (&meter), ==, 5000001);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hls/live", test_live);
  g_test_add_func ("/hls/vod", test_vod);
  g_test_add_func ("/hls/multivariant", test_multivariant);
  g_test_add_func ("/hls/target-duration", test_target_duration);
  g_test_add_func ("/hls/rate-meter", test_rate_meter);
  return g_test_run ();
}
