/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtpsync.h"

#include <gst/rtp/gstrtcpbuffer.h>

/* Streams of one publisher do not arrive that far from where they belong: the
 * report is wrong, as it is where each stream has a clock of its own. */
#define MAX_CORRECTION (3 * (gint64)GST_SECOND)
/* Reports are true by a tick or two, and no one sees or hears that much: what
 * is right is left as it is. */
#define TOLERANCE (20 * (gint64)GST_MSECOND)
/* A twenty-fifth of the time that goes by, as films are sped up for television.
 */
#define CORRECTION_SHARE 25
/* That is no time between two frames. */
#define MAX_STEP ((gint64)GST_SECOND)
/* What is beyond these is in no use, and would let sums overflow. */
#define MIN_CLOCK_RATE 1000
#define MAX_TIME (G_MAXINT64 / 4)

/* Once for each report, while the two are near: RTP times wrap around. */
static void
relate (RtpSyncStream *stream)
{
  const RtpSyncMark *report = &stream->report, *packet = &stream->packet;
  gint64 elapsed;

  if (!stream->has_report || !stream->has_packet || stream->is_related ||
      report->ssrc != packet->ssrc)
    return;
  elapsed = (gint32)(packet->rtp_time - report->rtp_time) * (gint64)GST_SECOND /
            stream->clock_rate;
  stream->relation = report->time + elapsed - packet->time;
  stream->has_relation = stream->is_related = TRUE;
}

static void
take_report (RtpSyncStream *stream, GstRTCPPacket *packet)
{
  guint64 ntp;

  gst_rtcp_packet_sr_get_sender_info (
      packet, &stream->report.ssrc, &ntp, &stream->report.rtp_time, NULL, NULL);
  /* 32 bits of seconds, and as many of their fraction. */
  stream->report.time =
      gst_util_uint64_scale (ntp, GST_SECOND, G_GUINT64_CONSTANT (1) << 32);
  /* 0 is for those who have no clock. */
  stream->has_report = ntp != 0;
  stream->is_related = FALSE;
  relate (stream);
}

void
rtp_sync_take_rtcp (RtpSync *self, guint index, GstBuffer *buffer)
{
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;

  /* ffmpeg and OBS send a report alone, without the CNAME that RFC 3550 demands
   * with it. */
  if (!gst_rtcp_buffer_validate_reduced (buffer) ||
      !gst_rtcp_buffer_map (buffer, GST_MAP_READ, &rtcp))
    return;
  if (gst_rtcp_buffer_get_first_packet (&rtcp, &packet) &&
      gst_rtcp_packet_get_type (&packet) == GST_RTCP_TYPE_SR)
    take_report (&self->streams[index], &packet);
  gst_rtcp_buffer_unmap (&rtcp);
}

void
rtp_sync_take_packet (RtpSync *self, guint index, guint32 ssrc,
    guint32 rtp_time, gint clock_rate, gint64 time)
{
  RtpSyncStream *stream = &self->streams[index];

  stream->has_packet =
      clock_rate >= MIN_CLOCK_RATE && time >= 0 && time <= MAX_TIME;
  stream->packet = (RtpSyncMark){ssrc, rtp_time, time};
  stream->clock_rate = clock_rate;
  relate (stream);
}

gboolean
rtp_sync_has_relation (const RtpSync *self, guint index)
{
  return self->streams[index].has_relation;
}

/* The reference, or while that has not begun another one. */
static const RtpSyncStream *
find_other (const RtpSync *self, const RtpSyncStream *stream)
{
  const RtpSyncStream *other = &self->streams[self->reference];

  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++) {
    if (other != stream && other->started && other->has_relation)
      return other;
    other = &self->streams[i];
  }
  return NULL;
}

/* By how much the correction of @stream is wrong; 0 if no one can tell. */
static gint64
find_error (const RtpSyncStream *stream, const RtpSyncStream *other)
{
  gint64 correction, error;

  if (!stream->has_relation || other == NULL)
    return 0;
  correction = other->correction + stream->relation - other->relation;
  error = correction - stream->correction;
  return ABS (error) <= MAX_CORRECTION && ABS (correction) <= MAX_CORRECTION
             ? error
             : 0;
}

static gint64
take_step (RtpSyncStream *stream, gint64 time)
{
  gint64 step = CLAMP (time - stream->last_time, 0, MAX_STEP);

  /* B-frames go back and forth. */
  stream->last_time = MAX (stream->last_time, time);
  return step;
}

gint64
rtp_sync_correct (RtpSync *self, guint index, gint64 time)
{
  RtpSyncStream *stream = &self->streams[index];
  const RtpSyncStream *reference = &self->streams[self->reference];
  gint64 most, error;

  if (!stream->started) {
    stream->started = TRUE;
    stream->last_time = time;
    stream->correction = find_error (stream, find_other (self, stream));
    return stream->correction;
  }
  most = take_step (stream, time) / CORRECTION_SHARE;
  if (stream == reference || !reference->started || !reference->has_relation)
    return stream->correction;
  error = find_error (stream, reference);
  if (ABS (error) > TOLERANCE)
    stream->correction += CLAMP (error, -most, most);
  return stream->correction;
}
