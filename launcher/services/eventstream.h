/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "catalogue.h"

G_BEGIN_DECLS

/* The server-sent events of the API (HTML, section 9.2): one stream a client.
 * What a client has not taken stays in the catalogue's memory, which all share,
 * so a stream holds EVENT_STREAM_BATCH at most. Belongs to the thread of the
 * server. */
typedef struct _EventStreams EventStreams;

/* Bytes handed to a connection at a time. */
#define EVENT_STREAM_BATCH (32 * 1024)
/* A client that takes nothing while so many events pass is dropped; it comes
 * back with Last-Event-ID. */
#define EVENT_STREAM_MAX_LAG 500
/* Shorter than the minute after which proxies give up. */
#define EVENT_STREAM_HEARTBEAT 15 /* s */
#define EVENT_STREAM_RETRY 2000   /* ms */

EventStreams *event_streams_new (
    Catalogue *catalogue, GMainContext *context, guint most);
/* Only once the server is disconnected. */
void event_streams_free (EventStreams *streams);
/* Answers @message with the events after @after. @game "": of all games. FALSE:
 * there are as many as may be. */
gboolean event_streams_add (EventStreams *streams, SoupServerMessage *message,
    const char *game, guint64 after);
/* The catalogue has new ones. */
void event_streams_wake (EventStreams *streams);
guint event_streams_count (EventStreams *streams);
guint64 event_streams_count_dropped (EventStreams *streams);

G_END_DECLS
