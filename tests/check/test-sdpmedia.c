/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>
#include <string.h>

#include "sdpmedia.h"

#define HEAD "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

static GPtrArray *
read_media (const char *media, GError **error)
{
  g_autofree char *text = g_strconcat (HEAD, media, NULL);
  GstSDPMessage *sdp;
  GPtrArray *codecs;

  gst_sdp_message_new (&sdp);
  g_assert_cmpint (
      gst_sdp_message_parse_buffer ((const guint8 *)text, strlen (text), sdp),
      ==, GST_SDP_OK);
  codecs = sdp_media_read (sdp, error);
  gst_sdp_message_free (sdp);
  return codecs;
}

/* @expected: encodings in order, with spaces. */
static void
assert_codecs (const char *media, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) codecs = read_media (media, &error);
  g_autoptr (GString) got = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < codecs->len; i++) {
    const SdpCodec *codec = g_ptr_array_index (codecs, i);

    g_string_append_printf (got, "%s%s", i > 0 ? " " : "", codec->encoding);
  }
  g_assert_cmpstr (got->str, ==, expected);
}

static void
assert_refused (const char *media, const char *sentence)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (read_media (media, &error));
  g_assert_cmpstr (error->message, ==, sentence);
}

#define H264 "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
#define H265 "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n"
#define AAC "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"
#define LATM "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/48000/2\r\n"
#define OPUS "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n"

static void
test_codecs (void)
{
  assert_codecs (H264 AAC, "H264 MPEG4-GENERIC");
  assert_codecs (LATM H264, "MP4A-LATM H264");
  assert_codecs (H265, "H265");
  assert_codecs (OPUS, "OPUS");
  assert_codecs (H264 AAC OPUS H265, "H264 MPEG4-GENERIC OPUS H265");
  /* The right one of several maps. */
  assert_codecs ("m=video 0 RTP/AVP 98\r\na=rtpmap:96 VP8/90000\r\n"
                 "a=rtpmap:9 VP8/90000\r\na=rtpmap:98 h264/90000\r\n",
      "H264");
}

static void
test_refused (void)
{
  assert_refused ("", "0 streams were announced, 1 to 8 were expected");
  assert_refused (H264 H264 H264 H264 H264 H264 H264 H264 H264,
      "9 streams were announced, 1 to 8 were expected");
  assert_refused ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP9/90000\r\n",
      "The video codec VP9 cannot be received; H.264, H.265, AAC and Opus "
      "can");
  assert_refused (H264 "m=audio 0 RTP/AVP 0\r\n",
      "The audio has the payload type 0 without a codec");
  assert_refused ("m=audio 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
      "The audio codec H264 cannot be received; H.264, H.265, AAC and Opus "
      "can");
  assert_refused (H264 "m=application 0 RTP/AVP 98\r\n",
      "A stream of application cannot be received, only video and audio");
  assert_refused ("m=video 0 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\n",
      "The video is offered as RTP/SAVP, RTP/AVP was expected");
  assert_refused ("m=video 0 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\n",
      "The video is offered in 2 formats, one was expected");
  assert_refused (AAC "a=fmtp:97 mode=AAC-hbr; sizeLength=13; indexLength=3; "
                      "CTSDeltaLength=8\r\n",
      "The AAC has headers of a kind that cannot be received; the mode AAC-hbr "
      "can");
  /* What stands in a line of an answer and of a log. */
  assert_refused ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 \x1b[2J\xc3\xa4"
                  "0123456789012345678901234567890123456789/1\r\n",
      "The video codec ?[2J??01234567890123456789012345 cannot be received; "
      "H.264, H.265, AAC and Opus can");
}

/* Every codec has its elements. */
static void
test_launch (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) codecs = read_media (H264 H265 AAC LATM OPUS, &error);
  g_autofree char *launch = sdp_media_to_launch (codecs);
  g_autoptr (GstElement) bin =
      gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

  g_assert_no_error (error);
  g_assert_true (GST_IS_BIN (bin));
  for (guint i = 0; i < codecs->len; i++) {
    g_autofree char *depay = g_strdup_printf ("depay%u", i);
    g_autofree char *sink = g_strdup_printf ("sink%u", i);
    g_autoptr (GstElement) first = gst_bin_get_by_name (GST_BIN (bin), depay);
    g_autoptr (GstElement) last = gst_bin_get_by_name (GST_BIN (bin), sink);

    g_assert_nonnull (first);
    g_assert_nonnull (last);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sdpmedia/codecs", test_codecs);
  g_test_add_func ("/sdpmedia/refused", test_refused);
  g_test_add_func ("/sdpmedia/launch", test_launch);
  return g_test_run ();
}
