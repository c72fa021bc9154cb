/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* Carries the frames of one publisher from the appsinks of its RTSP media into
 * the pipeline of its broadcast, on the streaming threads of the media. Owns the
 * publication. */
typedef struct _RtspPublisher RtspPublisher;

/* Told on any thread, once at most, never after rtsp_publisher_stop(). Must not
 * call back. */
typedef void (*RtspPublisherFailed) (const char *reason, gpointer data);

/* Takes @publication. @codecs: see sdp_media_read(); @receiver: the bin of
 * sdp_media_to_launch(), whose streams are put in sync here. */
RtspPublisher *rtsp_publisher_new (Publication *publication,
    const GPtrArray *codecs, GstElement *receiver, RtspPublisherFailed failed,
    gpointer data);
/* Starts the pipeline of the broadcast, with its pads. */
gboolean rtsp_publisher_start (RtspPublisher *publisher, GError **error);
/* What is wrong at @now (monotonic, us), or NULL: nothing has come for long, or
 * the pipeline does not take what came. */
const char *rtsp_publisher_check (RtspPublisher *publisher, gint64 now);
/* What came as RTCP of @stream. From any thread. */
void rtsp_publisher_take_rtcp (
    RtspPublisher *publisher, guint stream, GstBuffer *rtcp);
/* The media cannot be read. From any thread. */
void rtsp_publisher_fail (RtspPublisher *publisher, const char *reason);
/* Waits until every stream has ended, for at most @patience us. */
void rtsp_publisher_wait_ended (RtspPublisher *publisher, gint64 patience);
/* Ends the publication. What the media still sends is refused. */
void rtsp_publisher_stop (RtspPublisher *publisher);
RtspPublisher *rtsp_publisher_ref (RtspPublisher *publisher);
/* The last after rtsp_publisher_stop(). */
void rtsp_publisher_unref (RtspPublisher *publisher);

G_END_DECLS
