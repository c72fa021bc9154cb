/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/rtp/gstrtcpbuffer.h>

#include "rtpsync.h"

/* A video of 90 kHz and its sound of 48 kHz, in ms of the publisher's clock. */

#define VIDEO 0
#define AUDIO 1
#define MS ((gint64)GST_MSECOND)
#define NTP G_GUINT64_CONSTANT (0xe0000000)

/* Both near the end of their 32 bits, so that they wrap around. */
static const guint32 BASE[] = {0xfffff000, 0xffffff00};
static const gint RATE[] = {90000, 48000};

static guint32
to_rtp (guint stream, gint64 ms)
{
  return BASE[stream] + (guint32)(ms * RATE[stream] / 1000);
}

static GstBuffer *
make_report (guint stream, guint64 ntp, gint64 ms, guint32 ssrc)
{
  guint8 data[28] = {0x80, 200, 0, 6};

  GST_WRITE_UINT32_BE (data + 4, ssrc);
  GST_WRITE_UINT64_BE (data + 8, ntp);
  GST_WRITE_UINT32_BE (data + 16, to_rtp (stream, ms));
  return gst_buffer_new_memdup (data, sizeof data);
}

static void
take (RtpSync *sync, guint stream, GstBuffer *rtcp)
{
  rtp_sync_take_rtcp (sync, stream, rtcp);
  gst_buffer_unref (rtcp);
}

/* What was made at @made has arrived at @arrived. */
static void
packet (RtpSync *sync, guint stream, gint64 made, gint64 arrived)
{
  rtp_sync_take_packet (
      sync, stream, 1, to_rtp (stream, made), RATE[stream], arrived * MS);
}

static void
report (RtpSync *sync, guint stream, gint64 ms)
{
  take (sync, stream,
      make_report (stream, (NTP << 32) + ((guint64)ms << 32) / 1000, ms, 1));
}

/* In ms, rounded. */
static gint64
correct (RtpSync *sync, guint stream, gint64 arrived)
{
  return (rtp_sync_correct (sync, stream, arrived * MS) + 3600000 * MS +
             MS / 2) /
             MS -
         3600000;
}

/* Each report is older than the first packet, as with ffmpeg. */
static void
test_late_audio (void)
{
  RtpSync sync = {.reference = AUDIO};

  report (&sync, VIDEO, 0);
  g_assert_false (rtp_sync_has_relation (&sync, VIDEO));
  packet (&sync, VIDEO, 0, 40);
  g_assert_true (rtp_sync_has_relation (&sync, VIDEO));
  g_assert_cmpint (correct (&sync, VIDEO, 40), ==, 0);
  /* Made at 700 ms, it arrives at 190 instead of 740. */
  report (&sync, AUDIO, 140);
  packet (&sync, AUDIO, 700, 190);
  g_assert_cmpint (correct (&sync, AUDIO, 190), ==, 550);
  /* The next reports say the same. */
  for (gint64 ms = 0; ms < 20000; ms += 20) {
    packet (&sync, VIDEO, ms, ms + 40);
    packet (&sync, AUDIO, 700 + ms, 190 + ms);
    if (ms % 5000 == 0) {
      report (&sync, VIDEO, ms);
      report (&sync, AUDIO, ms);
    }
    g_assert_cmpint (correct (&sync, VIDEO, ms + 40), ==, 0);
    g_assert_cmpint (correct (&sync, AUDIO, ms + 190), ==, 550);
  }
}

/* The report follows the packet, by its own thread. */
static void
test_report_behind_packet (void)
{
  RtpSync sync = {.reference = AUDIO};

  packet (&sync, AUDIO, 0, 500);
  report (&sync, AUDIO, 0);
  g_assert_true (rtp_sync_has_relation (&sync, AUDIO));
  g_assert_cmpint (correct (&sync, AUDIO, 500), ==, 0);
  packet (&sync, VIDEO, 700, 500);
  report (&sync, VIDEO, 400);
  g_assert_cmpint (correct (&sync, VIDEO, 500), ==, 700);
}

/* Reports that come when both have begun: the picture is moved, slowly. */
static void
test_late_reports (void)
{
  RtpSync sync = {.reference = AUDIO};
  gint64 last = 0;

  for (gint64 ms = 0; ms < 20000; ms += 20) {
    gint64 now;

    packet (&sync, VIDEO, ms, ms + 100);
    packet (&sync, AUDIO, ms, ms);
    if (ms == 2000) {
      report (&sync, AUDIO, ms);
      report (&sync, VIDEO, ms);
    }
    g_assert_cmpint (correct (&sync, AUDIO, ms), ==, 0);
    now = rtp_sync_correct (&sync, VIDEO, (ms + 100) * MS);
    g_assert_cmpint (now, <=, last);
    g_assert_cmpint (now, >=, last - 20 * MS / 25);
    if (ms < 2000)
      g_assert_cmpint (now, ==, 0);
    last = now;
  }
  /* Until it is as near as no one can tell. */
  g_assert_cmpint (last, <=, -80 * MS);
  g_assert_cmpint (last, >=, -81 * MS);
}

/* What differs by less, or by more than it can, moves nothing. */
static void
test_ignored (void)
{
  static const gint64 lateness[] = {19, -19, 3100, -3100};

  for (guint i = 0; i < G_N_ELEMENTS (lateness); i++) {
    RtpSync sync = {.reference = AUDIO};

    report (&sync, AUDIO, 0);
    packet (&sync, AUDIO, 0, 5000);
    correct (&sync, AUDIO, 5000);
    g_assert_cmpint (correct (&sync, VIDEO, 5000 + lateness[i]), ==, 0);
    packet (&sync, VIDEO, 0, 5000 + lateness[i]);
    report (&sync, VIDEO, 0);
    g_assert_cmpint (correct (&sync, VIDEO, 9000 + lateness[i]), ==, 0);
  }
}

/* B-frames go back and forth; what is corrected by is their common time. */
static void
test_b_frames (void)
{
  RtpSync sync = {.reference = AUDIO};

  report (&sync, AUDIO, 0);
  packet (&sync, AUDIO, 0, 0);
  correct (&sync, AUDIO, 0);
  correct (&sync, VIDEO, 0);
  packet (&sync, VIDEO, 500, 0);
  report (&sync, VIDEO, 500);
  for (guint i = 0; i < 100; i++) {
    rtp_sync_correct (&sync, VIDEO, 100 * MS);
    rtp_sync_correct (&sync, VIDEO, 0);
  }
  g_assert_cmpint (rtp_sync_correct (&sync, VIDEO, 100 * MS), ==, 4 * MS);
}

static void
test_hostile (void)
{
  static const guint8 junk[64] = {0x80, 200, 0xff, 0xff};
  RtpSync sync = {.reference = AUDIO};

  for (gsize size = 1; size < sizeof junk; size++)
    take (&sync, AUDIO, gst_buffer_new_memdup (junk, size));
  /* A clock that does not go, of a source that is another. */
  take (&sync, AUDIO, make_report (AUDIO, 0, 0, 1));
  packet (&sync, AUDIO, 0, 0);
  g_assert_false (rtp_sync_has_relation (&sync, AUDIO));
  take (&sync, AUDIO, make_report (AUDIO, NTP << 32, 0, 2));
  g_assert_false (rtp_sync_has_relation (&sync, AUDIO));
  /* Rates and times that none has. */
  rtp_sync_take_packet (&sync, AUDIO, 1, 0x7fffffff, 0, 0);
  take (&sync, AUDIO, make_report (AUDIO, G_MAXUINT64, 0, 1));
  rtp_sync_take_packet (&sync, AUDIO, 1, 0x7fffffff, -1, 0);
  rtp_sync_take_packet (&sync, AUDIO, 1, 0x7fffffff, 90000, -1);
  rtp_sync_take_packet (&sync, AUDIO, 1, 0x7fffffff, 90000, G_MAXINT64);
  g_assert_false (rtp_sync_has_relation (&sync, AUDIO));
  /* As far apart as they get. */
  rtp_sync_take_packet (&sync, AUDIO, 1, 0x7fffffff, 1000, 0);
  g_assert_true (rtp_sync_has_relation (&sync, AUDIO));
  g_assert_cmpint (rtp_sync_correct (&sync, AUDIO, 0), ==, 0);
  take (&sync, VIDEO, make_report (VIDEO, 1, 0, 1));
  rtp_sync_take_packet (&sync, VIDEO, 1, 0x80000000, 1000, G_MAXINT64 / 4);
  g_assert_true (rtp_sync_has_relation (&sync, VIDEO));
  g_assert_cmpint (rtp_sync_correct (&sync, VIDEO, G_MAXINT64), ==, 0);
  g_assert_cmpint (rtp_sync_correct (&sync, VIDEO, 0), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rtpsync/late-audio", test_late_audio);
  g_test_add_func ("/rtpsync/report-behind-packet", test_report_behind_packet);
  g_test_add_func ("/rtpsync/late-reports", test_late_reports);
  g_test_add_func ("/rtpsync/ignored", test_ignored);
  g_test_add_func ("/rtpsync/b-frames", test_b_frames);
  g_test_add_func ("/rtpsync/hostile", test_hostile);
  return g_test_run ();
}
