/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "broadcasts.h"
#include "rtmpcall.h"

G_BEGIN_DECLS

/* Who publishes by RTMP, and who would like to: the decisions behind the RTMP
 * hook. All but new and free are called on the thread that runs @context. */
typedef struct _RtmpPublishers RtmpPublishers;

/* @pull and @control as in RtmpIngestSettings; with @context as the default of
 * the thread. */
RtmpPublishers *rtmp_publishers_new (const char *pull, const char *control,
    GMainContext *context, Broadcasts *broadcasts);
/* Everybody leaves, and nobody is let in. */
void rtmp_publishers_stop (RtmpPublishers *publishers);
/* After stop, when no thread runs the context. Waits until all have ended. */
void rtmp_publishers_free (RtmpPublishers *publishers);

/* Answers @message now or later: 302 with the name that nginx shall give the
 * stream, or 403. Clears @call. */
void rtmp_publishers_publish (
    RtmpPublishers *publishers, SoupServerMessage *message, RtmpCall *call);
/* These return the status to answer. */
guint rtmp_publishers_publish_done (
    RtmpPublishers *publishers, const RtmpCall *call);
guint rtmp_publishers_play (RtmpPublishers *publishers, const RtmpCall *call);
guint rtmp_publishers_update (RtmpPublishers *publishers, const RtmpCall *call);

G_END_DECLS
