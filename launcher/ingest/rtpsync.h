/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "sdpmedia.h"

G_BEGIN_DECLS

/* Puts the streams of one RTP publisher in sync.
 *
 * A stream has times of its own, which begin when its first packet arrives; a
 * sender report says what an RTP time is on the clock that all streams share.
 * This finds what is to be added to the times of each stream. Nothing ever
 * jumps: a stream whose report is there in time begins where it belongs, and
 * what a later report finds wrong is corrected slowly.
 *
 * No threads, no clock. Begins as zeroes. */

typedef struct {
  guint32 ssrc, rtp_time;
  gint64 time; /* ns: by the clock of the publisher, or by the receiver */
} RtpSyncMark;

typedef struct {
  gboolean has_report, has_packet, has_relation, started;
  RtpSyncMark report, packet; /* the last of each */
  gint clock_rate;            /* Hz; of the packet */
  gboolean is_related;        /* the report is in the relation */
  gint64 relation;   /* ns: the publisher's clock less the receiver's times */
  gint64 correction; /* ns: what is added now */
  gint64 last_time;  /* ns: the latest that was asked for */
} RtpSyncStream;

typedef struct {
  guint reference; /* its times are never touched once it has begun */
  RtpSyncStream streams[SDP_MEDIA_MAX_STREAMS];
} RtpSync;

/* Reads what came as RTCP of @stream; whatever is no sender report is ignored.
 */
void rtp_sync_take_rtcp (RtpSync *sync, guint stream, GstBuffer *rtcp);
/* A packet of @stream: @time is what the receiver gave it, in ns, and
 * @clock_rate in Hz; 0: not known. */
void rtp_sync_take_packet (RtpSync *sync, guint stream, guint32 ssrc,
    guint32 rtp_time, gint clock_rate, gint64 time);
/* Whether a report and a packet of @stream have come. */
gboolean rtp_sync_has_relation (const RtpSync *sync, guint stream);
/* What is to be added to the times of the frame at @time, in ns. */
gint64 rtp_sync_correct (RtpSync *sync, guint stream, gint64 time);

G_END_DECLS
