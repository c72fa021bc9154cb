/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/sdp/gstsdpmessage.h>

G_BEGIN_DECLS

/* What of a publisher's SDP can be received, and by which elements. */

/* Far more than any description uses; each costs four threads. */
#define SDP_MEDIA_MAX_STREAMS 8

typedef struct {
  const char *encoding; /* of the rtpmap, in capitals */
  const char *media;    /* "video" or "audio" */
  const char *caps;     /* of all that this gives */
  const char *receiver; /* launch line after the depayloader's name */
  const char *depay;    /* its factory */
} SdpCodec;

/* The codec of each stream, in the order of @sdp: of const SdpCodec *. NULL if
 * one of them cannot be received: @error is a sentence for the developer that
 * names it. (transfer full) */
GPtrArray *sdp_media_read (const GstSDPMessage *sdp, GError **error);
/* The bin that receives them: depayloaders depay0, depay1, ... as GstRTSPMedia
 * looks for them, each ending in an appsink sink0, sink1, ... (transfer full) */
char *sdp_media_to_launch (const GPtrArray *codecs);

G_END_DECLS
