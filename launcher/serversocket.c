/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serversocket.h"

#define LISTEN_BACKLOG 1024
/* Accepted in one go, so that what is open already has its turn as well. */
#define MOST_AT_ONCE 32
/* How long nothing is accepted after an error: of descriptors, or memory. */
#define PAUSE_MS 200

struct _ServerSocket {
  GSocket *socket;
  ServerSocketTake take;
  gpointer data;
  GMainContext *context;
  GSource *source; /* of connections, or of the end of a pause */
};

static void watch (ServerSocket *listener);

static void
set_source (ServerSocket *listener, GSource *source, GSourceFunc function)
{
  if (listener->source) {
    g_source_destroy (listener->source);
    g_source_unref (listener->source);
  }
  listener->source = source;
  g_source_set_callback (source, function, listener, NULL);
  g_source_attach (source, listener->context);
}

static gboolean
on_pause_over (gpointer data)
{
  watch (data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connections (GSocket *socket, GIOCondition condition, gpointer data)
{
  ServerSocket *listener = data;

  for (guint i = 0; i < MOST_AT_ONCE; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);

    if (accepted) {
      listener->take (accepted, listener->data);
    } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      break;
    } else {
      g_message ("No connections are taken for a moment: %s", error->message);
      set_source (listener, g_timeout_source_new (PAUSE_MS), on_pause_over);
      return G_SOURCE_REMOVE;
    }
  }
  return G_SOURCE_CONTINUE;
}

static void
watch (ServerSocket *listener)
{
  set_source (listener,
      g_socket_create_source (listener->socket, G_IO_IN, NULL),
      G_SOURCE_FUNC (on_connections));
}

GSocket *
server_socket_listen (const char *address, guint16 *port, GError **error)
{
  g_autoptr (GSocketAddress) wanted =
      g_inet_socket_address_new_from_string (address, *port);
  g_autoptr (GSocketAddress) got = NULL;
  g_autoptr (GSocket) socket = NULL;

  if (wanted == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not a numeric IPv4 or IPv6 address", address);
    return NULL;
  }
  socket = g_socket_new (g_socket_address_get_family (wanted),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog (socket, LISTEN_BACKLOG);
  g_socket_set_blocking (socket, FALSE);
  if (!g_socket_bind (socket, wanted, TRUE, error) ||
      !g_socket_listen (socket, error)) {
    g_prefix_error (error, "Port %u of %s: ", *port, address);
    return NULL;
  }
  got = g_socket_get_local_address (socket, error);
  if (got == NULL)
    return NULL;
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  return g_steal_pointer (&socket);
}

ServerSocket *
server_socket_new (GSocket *socket, ServerSocketTake take, gpointer data)
{
  ServerSocket *listener = g_new0 (ServerSocket, 1);

  listener->socket = g_object_ref (socket);
  listener->take = take;
  listener->data = data;
  listener->context = g_main_context_ref_thread_default ();
  watch (listener);
  return listener;
}

void
server_socket_free (ServerSocket *listener)
{
  g_source_destroy (listener->source);
  g_source_unref (listener->source);
  g_socket_close (listener->socket, NULL);
  g_object_unref (listener->socket);
  g_main_context_unref (listener->context);
  g_free (listener);
}

void
server_socket_give (
    SoupServer *server, GSocket *accepted, GSocketAddress *remote)
{
  g_autoptr (GSocketConnection) connection =
      g_socket_connection_factory_create_connection (accepted);
  g_autoptr (GSocketAddress) local =
      g_socket_get_local_address (accepted, NULL);

  /* Without an address it has been closed already. */
  if (local != NULL)
    soup_server_accept_iostream (
        server, G_IO_STREAM (connection), local, remote, NULL);
}
