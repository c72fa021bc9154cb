/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "eventstream.h"

#include <string.h>

#include "apianswer.h"
#include "apiconnections.h"

struct _EventStreams {
  Catalogue *catalogue;
  guint most;
  GPtrArray *streams; /* of Stream, owned */
  GSource *heartbeat;
  guint64 n_dropped;
};

typedef struct {
  EventStreams *owner;
  SoupServerMessage *message;
  char *game;          /* NULL: any */
  guint64 after;       /* the last event that was handed over */
  gsize pending;       /* bytes that were handed over and are not written */
  gboolean is_dropped; /* libsoup will say so in a moment */
} Stream;

static void
stream_free (gpointer data)
{
  Stream *stream = data;

  g_signal_handlers_disconnect_by_data (stream->message, stream);
  g_object_unref (stream->message);
  g_free (stream->game);
  g_free (stream);
}

static void
send_bytes (Stream *stream, GBytes *bytes)
{
  stream->pending += g_bytes_get_size (bytes);
  soup_message_body_append_bytes (
      soup_server_message_get_response_body (stream->message), bytes);
  soup_server_message_unpause (stream->message);
}

static void
send_text (Stream *stream, char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  send_bytes (stream, bytes);
}

/* The client's list may be wrong from here on: it has to read it anew. */
static void
send_reset (Stream *stream)
{
  stream->after = catalogue_get_last_event (stream->owner->catalogue);
  send_text (stream, g_strdup_printf ("id: %" G_GUINT64_FORMAT
                                      "\nevent: catalogue.reset\ndata: {}\n\n",
                         stream->after));
}

/* Hands over what is new, once all before it was written. */
static void
pump (Stream *stream)
{
  Catalogue *catalogue = stream->owner->catalogue;
  g_autoptr (GBytes) bytes = NULL;

  if (stream->pending > 0) {
    if (catalogue_get_last_event (catalogue) >
            stream->after + EVENT_STREAM_MAX_LAG &&
        !stream->is_dropped) {
      stream->is_dropped = TRUE;
      stream->owner->n_dropped++;
      api_connection_drop (stream->message);
    }
    return;
  }
  bytes = catalogue_get_events (
      catalogue, stream->game, EVENT_STREAM_BATCH, &stream->after);
  if (bytes == NULL)
    send_reset (stream);
  else if (g_bytes_get_size (bytes) > 0)
    send_bytes (stream, bytes);
}

static void
on_written (SoupServerMessage *message, guint size, gpointer data)
{
  Stream *stream = data;

  stream->pending -= MIN (size, stream->pending);
  if (stream->pending == 0)
    pump (stream);
}

static void
on_gone (SoupServerMessage *message, gpointer data)
{
  Stream *stream = data;

  g_ptr_array_remove_fast (stream->owner->streams, stream);
}

static gboolean
on_heartbeat (gpointer data)
{
  EventStreams *streams = data;

  /* A comment. It also finds out who has left. */
  for (guint i = 0; i < streams->streams->len; i++) {
    Stream *stream = g_ptr_array_index (streams->streams, i);

    if (stream->pending == 0)
      send_text (stream, g_strdup (":\n\n"));
  }
  return G_SOURCE_CONTINUE;
}

EventStreams *
event_streams_new (Catalogue *catalogue, GMainContext *context, guint most)
{
  EventStreams *streams = g_new0 (EventStreams, 1);

  streams->catalogue = catalogue;
  streams->most = most;
  streams->streams = g_ptr_array_new_with_free_func (stream_free);
  streams->heartbeat = g_timeout_source_new_seconds (EVENT_STREAM_HEARTBEAT);
  g_source_set_callback (streams->heartbeat, on_heartbeat, streams, NULL);
  g_source_attach (streams->heartbeat, context);
  return streams;
}

void
event_streams_free (EventStreams *streams)
{
  if (streams == NULL)
    return;
  g_source_destroy (streams->heartbeat);
  g_source_unref (streams->heartbeat);
  g_ptr_array_unref (streams->streams);
  g_free (streams);
}

gboolean
event_streams_add (EventStreams *streams, SoupServerMessage *message,
    const char *game, guint64 after)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);
  Stream *stream;

  if (streams->streams->len >= streams->most)
    return FALSE;
  api_answer (message, SOUP_STATUS_OK, NULL, API_NO_STORE, NULL);
  soup_message_headers_set_content_type (headers, "text/event-stream", NULL);
  /* nginx hands each event on at once. */
  soup_message_headers_replace (headers, "X-Accel-Buffering", "no");
  soup_message_headers_set_encoding (
      headers, soup_server_message_get_http_version (message) == SOUP_HTTP_1_0
                   ? SOUP_ENCODING_EOF
                   : SOUP_ENCODING_CHUNKED);
  soup_message_body_set_accumulate (
      soup_server_message_get_response_body (message), FALSE);

  if (strcmp (soup_server_message_get_method (message), "HEAD") == 0)
    return TRUE;

  stream = g_new0 (Stream, 1);
  stream->owner = streams;
  stream->message = g_object_ref (message);
  stream->game = *game != '\0' ? g_strdup (game) : NULL;
  stream->after = after;
  g_ptr_array_add (streams->streams, stream);
  g_signal_connect (
      message, "wrote-body-data", G_CALLBACK (on_written), stream);
  g_signal_connect (message, "finished", G_CALLBACK (on_gone), stream);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_gone), stream);
  /* The id alone is no event, but where a reconnect goes on. */
  send_text (
      stream, g_strdup_printf ("retry: %d\nid: %" G_GUINT64_FORMAT "\n\n",
                  EVENT_STREAM_RETRY, after));
  return TRUE;
}

void
event_streams_wake (EventStreams *streams)
{
  for (guint i = 0; i < streams->streams->len; i++)
    pump (g_ptr_array_index (streams->streams, i));
}

guint
event_streams_count (EventStreams *streams)
{
  return streams->streams->len;
}

guint64
event_streams_count_dropped (EventStreams *streams)
{
  return streams->n_dropped;
}
