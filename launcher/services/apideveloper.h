/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "apigate.h"
#include "apiqueries.h"
#include "catalogue.h"

G_BEGIN_DECLS

/* GET /api/v1/developer: what a stream key opens. Belongs to the thread of the
 * server. */
typedef struct _ApiDeveloper ApiDeveloper;

/* Of @settings it keeps nothing. All else that is passed must outlive it. */
ApiDeveloper *api_developer_new (const ApiSettings *settings, ApiGate *gate,
    Catalogue *catalogue, ApiQueries *queries);
/* Only once the server is disconnected and the queries are freed. */
void api_developer_free (ApiDeveloper *developer);
/* Answers @message, now or later. */
void api_developer_request (
    ApiDeveloper *developer, SoupServerMessage *message);

G_END_DECLS
