/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmphook.h"

#include <libsoup/soup.h>
#include <string.h>

#include "maincontext.h"
#include "rtmppublishers.h"
#include "serversocket.h"

/* A form of nginx has six values of a client, each bounded by nginx. */
#define MOST_BODY (16 * 1024)

struct _RtmpIngest {
  Broadcasts *broadcasts;
  char *pull;
  char *control;
  GInetAddress *nginx; /* host in @pull, or NULL if it has a name */
  guint16 hook_port;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;

  /* Hook thread only. */
  SoupServer *server;
  ServerSocket *listener;
  RtmpPublishers *publishers;
};

/* --- What nginx asks ----------------------------------------------------- */

static gboolean
is_nginx (RtmpIngest *ingest, SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  GInetAddress *address;

  if (!G_IS_INET_SOCKET_ADDRESS (remote))
    return FALSE;
  address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  return g_inet_address_get_is_loopback (address) ||
         (ingest->nginx && g_inet_address_equal (address, ingest->nginx));
}

/* Before the body is read. A status that is set here is the answer. */
static void
on_headers (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  RtmpIngest *ingest = data;
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  guint status = 0;

  /* A browser on this machine, on the page of a stranger, names that page. */
  if (!is_nginx (ingest, message) ||
      soup_message_headers_get_one (headers, "Origin"))
    status = SOUP_STATUS_FORBIDDEN;
  else if (soup_server_message_get_method (message) != SOUP_METHOD_POST)
    status = SOUP_STATUS_METHOD_NOT_ALLOWED;
  else if (soup_message_headers_get_encoding (headers) !=
               SOUP_ENCODING_CONTENT_LENGTH ||
           soup_message_headers_get_content_length (headers) > MOST_BODY)
    status = SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE;
  if (!status)
    return;
  soup_message_body_set_accumulate (
      soup_server_message_get_request_body (message), FALSE);
  soup_server_message_set_status (message, status, NULL);
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  RtmpIngest *ingest = data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  guint status = SOUP_STATUS_NOT_FOUND;
  RtmpCall call;

  if (!rtmp_call_parse (&call, text ? text : "", length, &error)) {
    g_debug ("rtmp: what nginx asks at %s is wrong: %s", path, error->message);
    soup_server_message_set_status (message, SOUP_STATUS_BAD_REQUEST, NULL);
    return;
  }
  if (strcmp (path, "/publish") == 0) {
    rtmp_publishers_publish (ingest->publishers, message, &call);
    return;
  }
  if (strcmp (path, "/publish-done") == 0)
    status = rtmp_publishers_publish_done (ingest->publishers, &call);
  else if (strcmp (path, "/play") == 0)
    status = rtmp_publishers_play (ingest->publishers, &call);
  else if (strcmp (path, "/update") == 0)
    status = rtmp_publishers_update (ingest->publishers, &call);
  soup_server_message_set_status (message, status, NULL);
  rtmp_call_clear (&call);
}

/* --- The thread, and the whole ------------------------------------------- */

static void
take (GSocket *accepted, gpointer server)
{
  g_autoptr (GSocketAddress) remote =
      g_socket_get_remote_address (accepted, NULL);

  if (remote != NULL)
    server_socket_give (server, accepted, remote);
}

static gboolean
listen_for_nginx (
    RtmpIngest *ingest, const char *address, guint16 port, GError **error)
{
  g_autoptr (GSocket) socket = server_socket_listen (address, &port, error);

  if (socket == NULL) {
    g_prefix_error_literal (error, "Where nginx asks: ");
    return FALSE;
  }
  ingest->hook_port = port;
  /* Server and session live in the context that is the default here. */
  g_main_context_push_thread_default (ingest->context);
  ingest->publishers = rtmp_publishers_new (
      ingest->pull, ingest->control, ingest->context, ingest->broadcasts);
  ingest->server = soup_server_new (NULL, NULL);
  soup_server_add_early_handler (
      ingest->server, NULL, on_headers, ingest, NULL);
  soup_server_add_handler (ingest->server, NULL, on_request, ingest, NULL);
  ingest->listener = server_socket_new (socket, take, ingest->server);
  g_main_context_pop_thread_default (ingest->context);
  return TRUE;
}

/* libsoup writes and closes in its own time. */
static void
finish_iterations (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}

static gpointer
run (gpointer data)
{
  RtmpIngest *ingest = data;

  g_main_context_push_thread_default (ingest->context);
  g_main_loop_run (ingest->loop);
  finish_iterations (ingest->context); /* The last answers. */
  soup_server_disconnect (ingest->server);
  finish_iterations (ingest->context);
  g_main_context_pop_thread_default (ingest->context);
  return NULL;
}

static gboolean
read_pull (RtmpIngest *ingest, const char *pull, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (pull, G_URI_FLAGS_NONE, error);
  const char *path;

  if (!uri)
    return FALSE;
  path = g_uri_get_path (uri);
  if (strcmp (g_uri_get_scheme (uri), "rtmp") != 0 || !g_uri_get_host (uri) ||
      *path != '/' || strlen (path) < 2 || strchr (path + 1, '/')) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s is no address to pull from, as rtmp://127.0.0.1:1935/live would be",
        pull);
    return FALSE;
  }
  ingest->pull = g_strdup (pull);
  ingest->nginx = g_inet_address_new_from_string (g_uri_get_host (uri));
  return TRUE;
}

RtmpIngest *
rtmp_ingest_new (
    const RtmpIngestSettings *settings, Broadcasts *broadcasts, GError **error)
{
  g_autoptr (RtmpIngest) ingest = g_new0 (RtmpIngest, 1);

  ingest->broadcasts = broadcasts;
  ingest->control = g_strdup (settings->control);
  ingest->context = g_main_context_new ();
  ingest->loop = g_main_loop_new (ingest->context, FALSE);
  if (!read_pull (ingest, settings->pull, error) ||
      !listen_for_nginx (
          ingest, settings->hook_address, settings->hook_port, error))
    return NULL;
  ingest->thread = g_thread_new ("rtmp-hook", run, ingest);
  return g_steal_pointer (&ingest);
}

guint16
rtmp_ingest_get_hook_port (RtmpIngest *ingest)
{
  return ingest->hook_port;
}

/* On the hook thread. */
static gboolean
on_stop (gpointer data)
{
  RtmpIngest *ingest = data;

  server_socket_free (ingest->listener);
  rtmp_publishers_stop (ingest->publishers);
  g_main_loop_quit (ingest->loop);
  return G_SOURCE_REMOVE;
}

void
rtmp_ingest_free (RtmpIngest *ingest)
{
  if (ingest->thread) {
    main_context_call (ingest->context, on_stop, ingest);
    g_thread_join (ingest->thread);
  }
  g_clear_object (&ingest->server);
  g_clear_pointer (&ingest->publishers, rtmp_publishers_free);
  g_main_loop_unref (ingest->loop);
  g_main_context_unref (ingest->context);
  g_clear_object (&ingest->nginx);
  g_free (ingest->control);
  g_free (ingest->pull);
  g_free (ingest);
}
