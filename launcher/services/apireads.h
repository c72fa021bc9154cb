/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "apiqueries.h"
#include "apiroutes.h"
#include "broadcasts.h"
#include "catalogue.h"

G_BEGIN_DECLS

/* What is read of broadcasts and games: from memory where that reaches, else
 * from the database. Belongs to the thread of the server. */
typedef struct _ApiReads ApiReads;

/* All that is passed must outlive it; @broadcasts may be NULL. */
ApiReads *api_reads_new (
    Broadcasts *broadcasts, Catalogue *catalogue, ApiQueries *queries);
/* Only once the queries are freed. */
void api_reads_free (ApiReads *reads);
/* Answers @message, now or later. */
void api_reads_request (
    ApiReads *reads, SoupServerMessage *message, const ApiRoute *route);

G_END_DECLS
