/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiconnections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "serversocket.h"

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
  ServerSocket *listener;
  guint most;
  GHashTable *open; /* of Connection; no references */
  GSource *sweep;
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

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  if (connection->owner != NULL)
    g_hash_table_remove (connection->owner->open, connection);
  g_object_unref (connection->socket);
  g_free (connection);
}

static void
take (GSocket *socket, gpointer data)
{
  ApiConnections *connections = data;
  g_autoptr (GSocketAddress) remote =
      g_socket_get_remote_address (socket, NULL);
  Connection *connection;

  if (remote == NULL ||
      g_hash_table_size (connections->open) >= connections->most)
    return;
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
  server_socket_give (connections->server, socket, remote);
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
  connections->most = most;
  connections->open = g_hash_table_new (NULL, NULL);
  g_signal_connect (server, "request-read", G_CALLBACK (on_request_read), NULL);
  connections->sweep = g_timeout_source_new_seconds (SWEEP);
  g_source_set_callback (connections->sweep, on_sweep, connections, NULL);
  g_source_attach (connections->sweep, context);
  connections->listener = server_socket_new (socket, take, connections);
  return connections;
}

void
api_connections_stop (ApiConnections *connections)
{
  g_clear_pointer (&connections->listener, server_socket_free);
}

void
api_connections_free (ApiConnections *connections)
{
  GHashTableIter iter;
  gpointer key;

  if (connections == NULL)
    return;
  g_source_destroy (connections->sweep);
  g_source_unref (connections->sweep);
  /* Messages that are still referenced keep their address. */
  g_hash_table_iter_init (&iter, connections->open);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    ((Connection *)key)->owner = NULL;
  g_hash_table_unref (connections->open);
  g_free (connections);
}

guint
api_connections_count (ApiConnections *connections)
{
  return g_hash_table_size (connections->open);
}
