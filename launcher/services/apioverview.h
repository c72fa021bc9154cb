/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "apigate.h"

G_BEGIN_DECLS

/* Answers what all nodes do, from memory, to the operator alone. Belongs to the
 * thread of the server. */
typedef struct _ApiOverview ApiOverview;

/* All that is passed must outlive it. */
ApiOverview *api_overview_new (const ApiSettings *settings, ApiGate *gate);
void api_overview_free (ApiOverview *overview);
void api_overview_request (ApiOverview *overview, SoupServerMessage *message);

G_END_DECLS
