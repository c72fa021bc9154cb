/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "apiqueries.h"
#include "apiroutes.h"
#include "catalogue.h"
#include "viewers.h"

G_BEGIN_DECLS

/* The beacon of the pages, and how many watch what. Belongs to the thread of the
 * server. */
typedef struct _ApiViewers ApiViewers;

/* All that is passed must outlive it. */
ApiViewers *api_viewers_new (
    Viewers *viewers, Catalogue *catalogue, ApiQueries *queries);
/* Only once the queries are freed. */
void api_viewers_free (ApiViewers *api_viewers);
/* Answers @message, now or later. */
void api_viewers_request (
    ApiViewers *api_viewers, SoupServerMessage *message, const ApiRoute *route);

G_END_DECLS
