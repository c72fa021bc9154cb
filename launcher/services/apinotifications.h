/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "apigate.h"
#include "apiqueries.h"

G_BEGIN_DECLS

/* The jobs of notices, for operators. Belongs to the thread of the server. */
typedef struct _ApiNotifications ApiNotifications;

/* @gate and @queries must outlive it. */
ApiNotifications *api_notifications_new (
    ApiGate *gate, ApiQueries *queries, GMainContext *context);
/* Asks nothing more by itself: before the queries end. */
void api_notifications_stop (ApiNotifications *notifications);
/* Only once the queries are over. */
void api_notifications_free (ApiNotifications *notifications);
void api_notifications_request (
    ApiNotifications *notifications, SoupServerMessage *message);
/* How many jobs of all nodes are not over, as of some seconds ago. FALSE: not
 * known, as the database is away. */
gboolean api_notifications_count (
    ApiNotifications *notifications, guint *n_pending, guint *n_running);

G_END_DECLS
