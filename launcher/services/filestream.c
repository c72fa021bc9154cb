/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "filestream.h"

#include "apianswer.h"
#include "apiconnections.h"

/* Enough for a disk, and for the socket to be busy until the next one is there:
 * the kernel keeps half as much of a client that is slow. */
#define BLOCK (256 * 1024)

struct _FileStreams {
  GMainContext *context;
  guint most;
  guint n_open;        /* that still have a client, or a read under way */
  GHashTable *streams; /* of Stream that have a client; no references */
};

/* Ends once it has neither a client nor a read under way. */
typedef struct {
  FileStreams *owner;
  SoupServerMessage *message; /* held; NULL: the client has gone */
  GInputStream *file;
  GCancellable *cancellable;
  GSource *deadline;
  guint64 left;  /* bytes to read */
  gsize pending; /* bytes that were handed over and are not written */
  gboolean is_reading;
} Stream;

static void
maybe_free (Stream *stream)
{
  if (stream->message != NULL || stream->is_reading)
    return;
  stream->owner->n_open--;
  g_object_unref (stream->file);
  g_object_unref (stream->cancellable);
  g_free (stream);
}

/* --- The client ------------------------------------------------------------*/

static void
let_go (Stream *stream)
{
  g_hash_table_remove (stream->owner->streams, stream);
  g_signal_handlers_disconnect_by_data (stream->message, stream);
  g_clear_object (&stream->message);
  g_source_destroy (stream->deadline);
  g_clear_pointer (&stream->deadline, g_source_unref);
  g_cancellable_cancel (stream->cancellable);
  maybe_free (stream);
}

static void
on_gone (SoupServerMessage *message, gpointer stream)
{
  let_go (stream);
}

static void
hand_over (Stream *stream, GBytes *bytes)
{
  stream->pending += g_bytes_get_size (bytes);
  soup_message_body_append_bytes (
      soup_server_message_get_response_body (stream->message), bytes);
  soup_server_message_unpause (stream->message);
}

/* What is there is less than was promised. libsoup finds out that the client
 * was dropped when it writes. */
static void
break_off (Stream *stream)
{
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 1);

  api_connection_drop (stream->message);
  hand_over (stream, nothing);
}

static gboolean
on_deadline (gpointer data)
{
  Stream *stream = data;

  /* Between two blocks, the next one finds it out. */
  api_connection_drop (stream->message);
  return G_SOURCE_CONTINUE;
}

/* --- The file --------------------------------------------------------------*/

static void
on_read (GObject *file, GAsyncResult *result, gpointer data)
{
  Stream *stream = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (file), result, &error);

  stream->is_reading = FALSE;
  if (stream->message == NULL) {
    maybe_free (stream);
    return;
  }
  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    g_warning ("A recording cannot be read to its end: %s",
        error != NULL ? error->message : "it has become shorter");
    break_off (stream);
    return;
  }
  stream->left -= g_bytes_get_size (bytes);
  hand_over (stream, bytes);
}

static void
read_on (Stream *stream)
{
  stream->is_reading = TRUE;
  g_input_stream_read_bytes_async (stream->file, MIN (stream->left, BLOCK),
      G_PRIORITY_DEFAULT, stream->cancellable, on_read, stream);
}

static void
on_written (SoupServerMessage *message, guint size, gpointer data)
{
  Stream *stream = data;

  stream->pending -= MIN (size, stream->pending);
  if (stream->pending == 0 && stream->left > 0 && !stream->is_reading)
    read_on (stream);
}

/* --- Public ----------------------------------------------------------------*/

FileStreams *
file_streams_new (GMainContext *context, guint most)
{
  FileStreams *streams = g_new0 (FileStreams, 1);

  streams->context = g_main_context_ref (context);
  streams->most = most;
  streams->streams = g_hash_table_new (NULL, NULL);
  return streams;
}

void
file_streams_free (FileStreams *streams)
{
  g_autoptr (GList) open = NULL;

  if (streams == NULL)
    return;
  open = g_hash_table_get_keys (streams->streams);
  for (GList *l = open; l != NULL; l = l->next)
    let_go (l->data);
  /* A read of a block cannot be broken off, but it ends. */
  while (streams->n_open > 0)
    g_main_context_iteration (streams->context, TRUE);
  g_hash_table_unref (streams->streams);
  g_main_context_unref (streams->context);
  g_free (streams);
}

gboolean
file_streams_is_full (FileStreams *streams)
{
  return streams->n_open >= streams->most;
}

void
file_streams_add (FileStreams *streams, SoupServerMessage *message,
    GInputStream *file, guint64 length, gint64 deadline)
{
  gint64 ms = (deadline - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
  Stream *stream;

  if (length == 0 || api_is_gone (message)) {
    api_release (message);
    g_object_unref (file);
    return;
  }
  stream = g_new0 (Stream, 1);
  stream->owner = streams;
  stream->message = message;
  stream->file = file;
  stream->left = length;
  stream->cancellable = g_cancellable_new ();
  stream->deadline = g_timeout_source_new (CLAMP (ms, 0, G_MAXINT));
  g_source_set_callback (stream->deadline, on_deadline, stream, NULL);
  g_source_attach (stream->deadline, streams->context);
  streams->n_open++;
  g_hash_table_add (streams->streams, stream);
  soup_message_body_set_accumulate (
      soup_server_message_get_response_body (message), FALSE);
  g_signal_connect (
      message, "wrote-body-data", G_CALLBACK (on_written), stream);
  g_signal_connect (message, "finished", G_CALLBACK (on_gone), stream);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_gone), stream);
  read_on (stream);
}
