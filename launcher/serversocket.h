/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Connections for a SoupServer. In the place of soup_server_listen(), whose
 * backlog is 10, which listens no more once there was no descriptor for a
 * connection, and which (libsoup 3.2) leaks the GSocket of each. */
typedef struct _ServerSocket ServerSocket;

/* Takes connections in the context that is the default of the calling thread,
 * which must also run @server. @port 0 takes a free one. */
ServerSocket *server_socket_new (
    SoupServer *server, const char *address, guint16 port, GError **error);
guint16 server_socket_get_port (ServerSocket *listener);
/* In the same context, before soup_server_disconnect(). */
void server_socket_free (ServerSocket *listener);

G_END_DECLS
