/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "apigate.h"
#include "apiqueries.h"
#include "catalogue.h"

G_BEGIN_DECLS

/* POST /api/v1/broadcasts/{link}/end: how it is done, here or on the node that
 * has the broadcast. Belongs to the thread of the server. */
typedef struct _ApiEnds ApiEnds;

/* All that is passed must outlive it; @broadcasts may be NULL. */
ApiEnds *api_ends_new (Broadcasts *broadcasts, ApiGate *gate,
    Catalogue *catalogue, ApiQueries *queries, GMainContext *context);
/* Only once the server is disconnected and the queries are freed, on the thread
 * of the context. Waits for what is being ended. */
void api_ends_free (ApiEnds *ends);
/* Answers @message, now or later. */
void api_ends_request (
    ApiEnds *ends, SoupServerMessage *message, const char *link);
/* The catalogue has news: somebody may wait for it. */
void api_ends_wake (ApiEnds *ends);

G_END_DECLS
