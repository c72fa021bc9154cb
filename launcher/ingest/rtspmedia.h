/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

#include "rtsppublisher.h"

G_BEGIN_DECLS

/* The media of one publisher: ends its publication before it is stopped, since
 * its threads may wait in the pipeline of the broadcast. */

/* In ms. Over TCP nothing is late or lost, so packets never wait for this; it
 * bounds what a jitterbuffer keeps for a pipeline that does not take it. */
#define RTSP_MEDIA_LATENCY 4000

GType rtsp_media_get_type (void);

/* (transfer full) */
void rtsp_media_take_publisher (GstRTSPMedia *media, RtspPublisher *publisher);
/* Whether its publication has been started. */
gboolean rtsp_media_is_recording (GstRTSPMedia *media);
void rtsp_media_set_recording (GstRTSPMedia *media);

G_END_DECLS
