/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiqueries.h"

#include <gio/gio.h>

#include "pgworker.h"

/* Questions take a millisecond, so these are more than the deadline allows. */
#define MAX_WAITING 64
#define MAX_VALUES 8

struct _ApiQueries {
  PgWorker *worker;
  GMainContext *context;
  GHashTable *waiting; /* of Query that are not answered; no references */
};

/* Held by the context's side until it is answered, by the job until the worker
 * lets go of it, and by the answer on its way between them. */
typedef struct {
  ApiQueries *queries; /* NULL once it is answered; context's thread */
  ApiQueryDone done;
  gpointer data;
  GSource *deadline;
  GMainContext *context; /* not held: it holds answers on their way */
  const char *sql;
  guint n_values;
  char *values[MAX_VALUES];
  gint is_over; /* atomic: nobody waits, so the worker need not ask */
  PgRows *rows; /* of the job, then of the answer */
  GError *error;
} Query;

static void
query_clear (gpointer data)
{
  Query *query = data;

  for (guint i = 0; i < query->n_values; i++)
    g_free (query->values[i]);
  pg_rows_free (query->rows);
  g_clear_error (&query->error);
}

static void
query_unref (gpointer query)
{
  g_atomic_rc_box_release_full (query, query_clear);
}

/* --- On the worker's thread ------------------------------------------------*/

static gboolean
run (PgConnection *connection, gpointer data, GError **error)
{
  Query *query = data;

  if (g_atomic_int_get (&query->is_over))
    return TRUE;
  query->rows = pg_connection_query (connection, query->sql, query->n_values,
      (const char *const *)query->values, error);
  return query->rows != NULL;
}

static gboolean deliver (gpointer data);

static void
on_done (const GError *error, gpointer data)
{
  Query *query = data;

  if (error != NULL)
    query->error = g_error_copy (error);
  g_main_context_invoke_full (query->context, G_PRIORITY_DEFAULT, deliver,
      g_atomic_rc_box_acquire (query), query_unref);
}

/* --- On the context's thread -----------------------------------------------*/

static void
answer (Query *query, const PgRows *rows, const GError *error)
{
  if (query->queries == NULL)
    return;
  g_hash_table_remove (query->queries->waiting, query);
  query->queries = NULL;
  g_atomic_int_set (&query->is_over, TRUE);
  g_source_destroy (query->deadline);
  g_clear_pointer (&query->deadline, g_source_unref);
  query->done (rows, error, query->data);
  query_unref (query);
}

static gboolean
deliver (gpointer data)
{
  Query *query = data;

  answer (query, query->rows, query->error);
  return G_SOURCE_REMOVE;
}

static void
fail (Query *query, const char *text)
{
  g_autoptr (GError) error =
      g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, text);

  answer (query, NULL, error);
}

static gboolean
on_deadline (gpointer data)
{
  fail (data, "The database did not answer in time");
  return G_SOURCE_REMOVE;
}

ApiQueries *
api_queries_new (const char *conninfo, GMainContext *context)
{
  static const PgWorkerEvents events = {NULL, NULL, NULL};
  ApiQueries *queries = g_new0 (ApiQueries, 1);

  queries->context = g_main_context_ref (context);
  queries->waiting = g_hash_table_new (NULL, NULL);
  queries->worker =
      pg_worker_new ("api-queries", conninfo, NULL, &events, NULL);
  return queries;
}

void
api_queries_free (ApiQueries *queries)
{
  g_autoptr (GList) waiting = NULL;

  if (queries == NULL)
    return;
  pg_worker_free (queries->worker, 0);
  waiting = g_hash_table_get_keys (queries->waiting);
  for (GList *l = waiting; l != NULL; l = l->next)
    fail (l->data, "This node is shutting down");
  g_hash_table_unref (queries->waiting);
  g_main_context_unref (queries->context);
  g_free (queries);
}

void
api_queries_run (ApiQueries *queries, const char *sql, guint n_values,
    const char *const *values, ApiQueryDone done, gpointer data)
{
  /* Away or busy: said at once, not after the deadline. */
  gboolean is_hopeless = !pg_worker_is_connected (queries->worker) ||
                         g_hash_table_size (queries->waiting) >= MAX_WAITING;
  Query *query = g_atomic_rc_box_new0 (Query);

  g_assert (n_values <= MAX_VALUES);
  query->queries = queries;
  query->context = queries->context;
  query->sql = sql;
  query->n_values = n_values;
  for (guint i = 0; i < n_values; i++)
    query->values[i] = g_strdup (values[i]);
  query->done = done;
  query->data = data;
  query->deadline = g_timeout_source_new (
      is_hopeless ? 0 : API_QUERY_DEADLINE / G_TIME_SPAN_MILLISECOND);
  g_source_set_callback (query->deadline, on_deadline, query, NULL);
  g_source_attach (query->deadline, queries->context);
  g_hash_table_add (queries->waiting, query);
  if (!is_hopeless)
    pg_worker_run (queries->worker, run, on_done,
        g_atomic_rc_box_acquire (query), query_unref);
}
