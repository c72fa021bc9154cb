/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcsrequest.h"

#include <string.h>

#include "gcsanswer.h"
#include "gcserror.h"

#define SERVICE "https://storage.googleapis.com"
/* A page of 1000 names of 1024 bytes, each byte written as \u00XX, is 6 MB. */
#define MOST_BYTES (8 * 1024 * 1024)
/* Answers of bytes are read in pieces, as most of them have less than one. */
#define PIECE (16 * 1024)
/* s, for all of an answer. */
#define PATIENCE 30

/* --- addresses ------------------------------------------------------------ */

GUri *
gcs_uri_parse (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  if (host == NULL || *host == '\0' ||
      (!g_str_equal (g_uri_get_scheme (uri), "http") &&
          !g_str_equal (g_uri_get_scheme (uri), "https")))
    return NULL;
  return g_steal_pointer (&uri);
}

gboolean
gcs_uri_is_private (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (g_str_equal (g_uri_get_scheme (uri), "https"))
    return TRUE;
  return address != NULL ? g_inet_address_get_is_loopback (address)
                         : g_str_equal (host, "localhost");
}

GUri *
gcs_endpoint_parse (const char *endpoint, gboolean has_secrets, GError **error)
{
  const char *emulator = g_getenv ("STORAGE_EMULATOR_HOST");
  g_autofree char *text = NULL;
  g_autoptr (GUri) uri = NULL;

  if (endpoint != NULL)
    text = g_strdup (endpoint);
  else if (emulator == NULL || *emulator == '\0')
    text = g_strdup (SERVICE);
  else if (strstr (emulator, "://") != NULL)
    text = g_strdup (emulator);
  else
    text = g_strconcat ("http://", emulator, NULL);
  uri = gcs_uri_parse (text);
  if (uri == NULL || g_uri_get_query (uri) != NULL ||
      g_uri_get_fragment (uri) != NULL || g_uri_get_userinfo (uri) != NULL ||
      !g_str_equal (g_uri_get_path (uri), "/")) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "The address of Google Cloud Storage must be http://HOST:PORT or "
        "https://HOST:PORT and nothing more%s",
        endpoint == NULL ? " in STORAGE_EMULATOR_HOST" : "");
    return NULL;
  }
  if (has_secrets && !gcs_uri_is_private (uri)) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "Credentials are not sent to http://%s, as anybody on the way could "
        "read them: use https",
        g_uri_get_host (uri));
    return NULL;
  }
  return g_steal_pointer (&uri);
}

/* --- a session ------------------------------------------------------------ */

/* All that we do with a session is done in one context, as its connections stay
 * with the one they were made in. */
static GMainContext *
get_context (SoupSession *session)
{
  static const char key[] = "wishcast-gcs-context";
  GMainContext *context = g_object_get_data (G_OBJECT (session), key);

  if (context == NULL) {
    context = g_main_context_new ();
    g_object_set_data_full (
        G_OBJECT (session), key, context, (GDestroyNotify)g_main_context_unref);
  }
  return context;
}

static void
on_network_event (SoupMessage *message, GSocketClientEvent event,
    GIOStream *connection, gpointer unused)
{
  static const char *const protocols[] = {"http/1.1", NULL};

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_advertised_protocols (
        G_TLS_CONNECTION (connection), protocols);
}

static void
on_queued (SoupSession *session, SoupMessage *message, gpointer unused)
{
  /* Our token is for nobody else. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  g_signal_connect (
      message, "network-event", G_CALLBACK (on_network_event), NULL);
}

SoupSession *
gcs_session_new (void)
{
  SoupSession *session = soup_session_new_with_options (
      "user-agent", "wishcast", "timeout", PATIENCE, NULL);

  g_signal_connect (session, "request-queued", G_CALLBACK (on_queued), NULL);
  return session;
}

void
gcs_session_free (SoupSession *session)
{
  g_autoptr (GMainContext) context = NULL;

  if (session == NULL)
    return;
  context = g_main_context_ref (get_context (session));
  g_main_context_push_thread_default (context);
  soup_session_abort (session);
  g_object_unref (session);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
}

/* --- a request ------------------------------------------------------------ */

typedef struct {
  GCancellable *cancellable; /* by the deadline, or by the caller */
  GInputStream *stream;
  GByteArray *bytes; /* of the answer, MOST_BYTES + PIECE at most */
  GError *error;
  gboolean is_done;
} Call;

static void
call_clear (Call *call)
{
  g_clear_object (&call->cancellable);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->bytes, g_byte_array_unref);
  g_clear_error (&call->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_clear)

static void
on_read (GObject *stream, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GBytes) piece = g_input_stream_read_bytes_finish (
      G_INPUT_STREAM (stream), result, &call->error);
  gsize size = piece != NULL ? g_bytes_get_size (piece) : 0;

  if (size > 0)
    g_byte_array_append (
        call->bytes, g_bytes_get_data (piece, NULL), (guint)size);
  if (size == 0 || call->bytes->len > MOST_BYTES)
    call->is_done = TRUE;
  else
    g_input_stream_read_bytes_async (call->stream, PIECE, G_PRIORITY_DEFAULT,
        call->cancellable, on_read, call);
}

static void
on_answer (GObject *session, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->stream =
      soup_session_send_finish (SOUP_SESSION (session), result, &call->error);
  if (call->stream == NULL) {
    call->is_done = TRUE;
    return;
  }
  call->bytes = g_byte_array_new ();
  g_input_stream_read_bytes_async (call->stream, PIECE, G_PRIORITY_DEFAULT,
      call->cancellable, on_read, call);
}

static gboolean
on_deadline (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer ours)
{
  g_cancellable_cancel (ours);
}

/* Until it is done, however that ends. */
static void
run_call (SoupSession *session, SoupMessage *message, Call *call,
    GCancellable *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_ref (get_context (session));
  g_autoptr (GSource) deadline = g_timeout_source_new_seconds (PATIENCE);
  gulong handler = 0;

  call->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (on_cancelled), call->cancellable, NULL);
  g_main_context_push_thread_default (context);
  g_source_set_callback (deadline, on_deadline, call->cancellable, NULL);
  g_source_attach (deadline, context);
  soup_session_send_async (
      session, message, G_PRIORITY_DEFAULT, call->cancellable, on_answer, call);
  while (!call->is_done)
    g_main_context_iteration (context, TRUE);
  /* Gives the connection back, or ends it if there was more to come. */
  if (call->stream != NULL)
    g_input_stream_close (call->stream, NULL, NULL);
  g_source_destroy (deadline);
  g_main_context_pop_thread_default (context);
  g_cancellable_disconnect (cancellable, handler);
}

static gboolean
judge_failure (
    const GError *why, SoupMessage *message, const char *what, GError **error)
{
  const char *host = g_uri_get_host (soup_message_get_uri (message));

  if (g_error_matches (why, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
        "%s: %s has a certificate that is not trusted", what, host);
  else if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error (error, GCS_ERROR, GCS_ERROR_AWAY,
        "%s: %s does not answer within %d s", what, host, PATIENCE);
  else
    g_set_error (error, GCS_ERROR, GCS_ERROR_AWAY, "%s: no answer from %s: %s",
        what, host, why->message);
  return FALSE;
}

gboolean
gcs_request_send (SoupSession *session, SoupMessage *message, const char *what,
    GcsAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_auto (Call) call = {0};

  run_call (session, message, &call, cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (call.error != NULL)
    return judge_failure (call.error, message, what, error);
  if (call.bytes->len > MOST_BYTES) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
        "%s: the answer has more than 8 MiB", what);
    return FALSE;
  }
  answer->status = soup_message_get_status (message);
  answer->length = call.bytes->len;
  g_byte_array_append (call.bytes, (const guint8 *)"", 1);
  answer->text =
      (char *)g_byte_array_free (g_steal_pointer (&call.bytes), FALSE);
  return TRUE;
}

/* --- an answer ------------------------------------------------------------ */

void
gcs_answer_clear (GcsAnswer *answer)
{
  g_clear_pointer (&answer->text, g_free);
  answer->length = 0;
  answer->status = 0;
}

gboolean
gcs_answer_check (const GcsAnswer *answer, const char *what, GError **error)
{
  g_autofree char *complaint = NULL;

  if (SOUP_STATUS_IS_SUCCESSFUL (answer->status))
    return TRUE;
  complaint = gcs_answer_read_complaint (answer->text, answer->length);
  g_set_error (error, GCS_ERROR, gcs_error_from_status (answer->status),
      "%s: answered with status %u%s%s", what, answer->status,
      complaint != NULL ? ": " : "", complaint != NULL ? complaint : "");
  return FALSE;
}

gboolean
gcs_answer_refuse (const char *what, GError **error)
{
  g_prefix_error (error, "%s: the answer cannot be used: ", what);
  return FALSE;
}
