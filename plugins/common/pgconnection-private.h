/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "pgconnection.h"

G_BEGIN_DECLS

/* What PgWorker needs beyond pgconnection.h. */

/* Like pg_connection_open(). Once @cancellable is cancelled, opening and every
 * query fail with PG_ERROR_AWAY, and the connection is lost. */
PgConnection *pg_connection_open_cancellable (
    const char *conninfo, GCancellable *cancellable, GError **error);
/* Becomes readable when something arrives. It may change with each query. */
int pg_connection_get_fd (PgConnection *connection);
gboolean pg_connection_listen (
    PgConnection *connection, const char *channel, GError **error);
/* Reads what has arrived, without waiting. */
gboolean pg_connection_receive (PgConnection *connection, GError **error);
/* The next notification of those that have arrived, also in the course of a
 * query. (transfer full) */
gboolean pg_connection_take_notification (
    PgConnection *connection, char **channel, char **payload);

G_END_DECLS
