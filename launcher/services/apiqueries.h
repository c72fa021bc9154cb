/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"

G_BEGIN_DECLS

/* Questions to the database whose answers somebody waits for: each is over
 * after API_QUERY_DEADLINE, with rows or an error. They wait for each other on
 * one connection. Belongs to the thread of @context. */
typedef struct _ApiQueries ApiQueries;

#define API_QUERY_DEADLINE (3 * G_USEC_PER_SEC)

/* On the thread of the context, once for each. @rows NULL: @error is of the
 * domain PG_ERROR, or of G_IO_ERROR if time or room ran out. */
typedef void (*ApiQueryDone) (
    const PgRows *rows, const GError *error, gpointer data);

ApiQueries *api_queries_new (const char *conninfo, GMainContext *context);
/* Those that are under way fail. */
void api_queries_free (ApiQueries *queries);
/* @sql must be static. Never calls @done before it returns. */
void api_queries_run (ApiQueries *queries, const char *sql, guint n_values,
    const char *const *values, ApiQueryDone done, gpointer data);

G_END_DECLS
