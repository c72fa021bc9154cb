/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "apiqueries.h"
#include "apiroutes.h"
#include "archivestore.h"

G_BEGIN_DECLS

/* Recordings for who has the link: a signed address of the cloud, or the bytes
 * of this node's folder, until the second they expire by the clock of the
 * database. Belongs to the thread of the server. */
typedef struct _ApiRecordings ApiRecordings;

/* @store may be NULL: this node has none. @most: files sent at a time. All that
 * is passed must outlive it. */
ApiRecordings *api_recordings_new (ArchiveStore *store, const char *node,
    ApiQueries *queries, GMainContext *context, guint most);
/* Only once the queries are freed and the server is disconnected. */
void api_recordings_free (ApiRecordings *recordings);
/* Answers @message, now or later. */
void api_recordings_request (ApiRecordings *recordings,
    SoupServerMessage *message, const ApiRoute *route);

G_END_DECLS
