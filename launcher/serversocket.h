/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Connections for a SoupServer. In the place of soup_server_listen(), whose
 * backlog is 10, which listens no more once there was no descriptor for a
 * connection, and which (libsoup 3.2) leaks the GSocket of each. */
typedef struct _ServerSocket ServerSocket;

/* What becomes of a connection: most give it to their server. */
typedef void (*ServerSocketTake) (GSocket *accepted, gpointer data);

/* A socket that listens. @port 0 takes a free one, and has it afterwards.
 * Errors are of G_IO_ERROR and name the address. (transfer full) */
GSocket *server_socket_listen (
    const char *address, guint16 *port, GError **error);
/* Takes connections from @socket in the context that is the default of the
 * calling thread. */
ServerSocket *server_socket_new (
    GSocket *socket, ServerSocketTake take, gpointer data);
/* In the same context, before soup_server_disconnect(). Closes the socket. */
void server_socket_free (ServerSocket *listener);
/* Hands @accepted to @server, with @remote as the address of its peer. */
void server_socket_give (
    SoupServer *server, GSocket *accepted, GSocketAddress *remote);

G_END_DECLS
