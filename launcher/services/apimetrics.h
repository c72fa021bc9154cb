/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "apinotifications.h"
#include "apiroutes.h"
#include "catalogue.h"
#include "eventstream.h"

G_BEGIN_DECLS

/* What /metrics says. Belongs to the thread of the server. */
typedef struct _ApiMetrics ApiMetrics;

/* All that is passed must outlive it. */
ApiMetrics *api_metrics_new (const ApiSettings *settings, Catalogue *catalogue,
    EventStreams *streams, ApiNotifications *notifications);
void api_metrics_free (ApiMetrics *metrics);
void api_metrics_count (ApiMetrics *metrics, ApiRouteKind route, guint status);
/* (transfer full) */
char *api_metrics_write (ApiMetrics *metrics, guint n_connections);

G_END_DECLS
