/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiconnections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define BACKLOG 1024
/* From connect to the last byte of the request; also how long a write may make
 * no progress. There is one request a connection: libsoup keeps none open that
 * it has not accepted itself, and its own accepting knows no bounds and ends
 * for good once there are no file descriptors. A proxy connects on loopback,
 * and caches. */
#define REQUEST_TIMEOUT 30 /* s */
#define SWEEP 5            /* s */
/* What the kernel keeps for a client that does not read. */
#define SEND_BUFFER (128 * 1024)

struct _ApiConnections {
  SoupServer *server;
  GSocket *socket;
  GMainContext *context;
  guint most;
  GHashTable *open; /* of Connection; no references */
  GSource *accept, *sweep;
};

/* Held by its remote address, which lives as long as libsoup knows the
 * connection, and which every message of it gives back. */
typedef struct {
  ApiConnections *owner;
  GSocket *socket;
  gint64 deadline; /* monotonic us for the request; 0 while it is answered */
} Connection;

static GQuark
connection_quark (void)
{
  return g_quark_from_static_string ("wishcast-connection");
}

GSocket *
api_listen (const char *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) local =
      g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocket) socket = NULL;

  if (local == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not a numeric IPv4 or IPv6 address", address);
    return NULL;
  }
  socket = g_socket_new (g_socket_address_get_family (local),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, local, TRUE, error) ||
      !g_socket_listen (socket, error)) {
    g_prefix_error (
        error, "The API cannot listen at %s port %u: ", address, port);
    return NULL;
  }
  return g_steal_pointer (&socket);
}

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  if (connection->owner != NULL)
    g_hash_table_remove (connection->owner->open, connection);
  g_object_unref (connection->socket);
  g_free (connection);
}

static gboolean
take (ApiConnections *connections, GSocket *socket)
{
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, NULL);
  g_autoptr (GSocketAddress) remote =
      g_socket_get_remote_address (socket, NULL);
  g_autoptr (GSocketConnection) stream = NULL;
  Connection *connection;

  if (local == NULL || remote == NULL)
    return FALSE;
  g_socket_set_timeout (socket, REQUEST_TIMEOUT);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  g_socket_set_option (socket, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER, NULL);
  connection = g_new0 (Connection, 1);
  connection->owner = connections;
  connection->socket = g_object_ref (socket);
  connection->deadline =
      g_get_monotonic_time () + REQUEST_TIMEOUT * G_USEC_PER_SEC;
  g_hash_table_add (connections->open, connection);
  g_object_set_qdata_full (
      G_OBJECT (remote), connection_quark (), connection, connection_free);
  stream = g_socket_connection_factory_create_connection (socket);
  return soup_server_accept_iostream (
      connections->server, G_IO_STREAM (stream), local, remote, NULL);
}

static void watch (ApiConnections *connections);

static gboolean
watch_again (gpointer data)
{
  watch (data);
  return G_SOURCE_REMOVE;
}

static void
replace_source (ApiConnections *connections, GSource *source)
{
  if (connections->accept != NULL) {
    g_source_destroy (connections->accept);
    g_source_unref (connections->accept);
  }
  connections->accept = source;
  if (source != NULL)
    g_source_attach (source, connections->context);
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer data)
{
  ApiConnections *connections = data;

  while (TRUE) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);

    if (accepted == NULL) {
      GSource *pause;

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
        return G_SOURCE_CONTINUE;
      /* No file descriptors, mostly: the socket stays readable. */
      g_warning ("The API cannot accept connections: %s", error->message);
      pause = g_timeout_source_new_seconds (1);
      g_source_set_callback (pause, watch_again, connections, NULL);
      replace_source (connections, pause);
      return G_SOURCE_REMOVE;
    }
    if (g_hash_table_size (connections->open) < connections->most)
      take (connections, accepted);
  }
}

static void
watch (ApiConnections *connections)
{
  GSource *source = g_socket_create_source (connections->socket, G_IO_IN, NULL);

  g_source_set_callback (
      source, G_SOURCE_FUNC (on_readable), connections, NULL);
  replace_source (connections, source);
}

static Connection *
get_connection (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  return remote != NULL
             ? g_object_get_qdata (G_OBJECT (remote), connection_quark ())
             : NULL;
}

void
api_connection_drop (SoupServerMessage *message)
{
  Connection *connection = get_connection (message);

  if (connection != NULL)
    g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
}

static void
on_request_read (
    SoupServer *server, SoupServerMessage *message, gpointer unused)
{
  Connection *connection = get_connection (message);

  if (connection != NULL)
    connection->deadline = 0;
}

/* Who sends a byte now and then would keep its connection for ever. */
static gboolean
on_sweep (gpointer data)
{
  ApiConnections *connections = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, connections->open);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    Connection *connection = key;

    if (connection->deadline != 0 && connection->deadline < now)
      g_socket_shutdown (connection->socket, TRUE, TRUE, NULL);
  }
  return G_SOURCE_CONTINUE;
}

ApiConnections *
api_connections_new (
    SoupServer *server, GSocket *socket, GMainContext *context, guint most)
{
  ApiConnections *connections = g_new0 (ApiConnections, 1);

  connections->server = server;
  connections->socket = g_object_ref (socket);
  connections->context = context;
  connections->most = most;
  connections->open = g_hash_table_new (NULL, NULL);
  g_signal_connect (server, "request-read", G_CALLBACK (on_request_read), NULL);
  connections->sweep = g_timeout_source_new_seconds (SWEEP);
  g_source_set_callback (connections->sweep, on_sweep, connections, NULL);
  g_source_attach (connections->sweep, context);
  watch (connections);
  return connections;
}

void
api_connections_free (ApiConnections *connections)
{
  GHashTableIter iter;
  gpointer key;

  if (connections == NULL)
    return;
  replace_source (connections, NULL);
  g_source_destroy (connections->sweep);
  g_source_unref (connections->sweep);
  /* Messages that are still referenced keep their address. */
  g_hash_table_iter_init (&iter, connections->open);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    ((Connection *)key)->owner = NULL;
  g_hash_table_unref (connections->open);
  g_object_unref (connections->socket);
  g_free (connections);
}

guint
api_connections_count (ApiConnections *connections)
{
  return g_hash_table_size (connections->open);
}
