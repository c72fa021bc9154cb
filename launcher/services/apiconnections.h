/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* The connections of a SoupServer, bounded, which its own listeners are not:
 * in number, in the time to send a request, in the bytes of one that is not
 * read. Belongs to the thread of the server. */
typedef struct _ApiConnections ApiConnections;

/* Accepts from @socket for @server from now on. */
ApiConnections *api_connections_new (
    SoupServer *server, GSocket *socket, GMainContext *context, guint most);
/* No more are accepted; before the server is disconnected. */
void api_connections_stop (ApiConnections *connections);
/* Only once the server is disconnected. */
void api_connections_free (ApiConnections *connections);
/* Cuts off the client of @message: its socket fails from now on, and libsoup
 * lets go of both. */
void api_connection_drop (SoupServerMessage *message);
guint api_connections_count (ApiConnections *connections);

G_END_DECLS
