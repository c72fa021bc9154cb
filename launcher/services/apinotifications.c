/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apinotifications.h"

#include "apianswer.h"

/* As many as openapi.json says. */
#define MOST 50
/* s; who reads metrics does not wait for the database. */
#define COUNT_INTERVAL 5

struct _ApiNotifications {
  ApiGate *gate;
  ApiQueries *queries;
  GSource *timer;
  gboolean is_counted, is_counting;
  guint n_pending, n_running;
};

/* --- Counting --------------------------------------------------------------*/

static guint
get_count (const PgRows *rows, guint column)
{
  return (guint)g_ascii_strtoull (pg_rows_get (rows, 0, column), NULL, 10);
}

static void
on_counts (const PgRows *rows, const GError *error, gpointer data)
{
  ApiNotifications *self = data;

  self->is_counting = FALSE;
  self->is_counted = rows != NULL;
  if (rows == NULL)
    return;
  self->n_pending = get_count (rows, 0);
  self->n_running = get_count (rows, 1);
}

static gboolean
count (gpointer data)
{
  ApiNotifications *self = data;

  if (self->is_counting)
    return G_SOURCE_CONTINUE;
  self->is_counting = TRUE;
  /* Written for the index of the jobs that are not over. */
  api_queries_run (self->queries,
      "SELECT count (*) FILTER (WHERE state = 'pending'), "
      "count (*) FILTER (WHERE state = 'running') "
      "FROM wishcast.notification_job WHERE state IN ('pending', 'running')",
      0, NULL, on_counts, self);
  return G_SOURCE_CONTINUE;
}

gboolean
api_notifications_count (
    ApiNotifications *self, guint *n_pending, guint *n_running)
{
  *n_pending = self->n_pending;
  *n_running = self->n_running;
  return self->is_counted;
}

/* --- The list --------------------------------------------------------------*/

static void
on_list (const PgRows *rows, const GError *error, gpointer data)
{
  SoupServerMessage *message = data;

  if (rows != NULL)
    api_answer (message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
        g_strdup_printf (
            "{\"notifications\": [%s]}", pg_rows_get (rows, 0, 0)));
  else
    api_answer_later (message, 2, "The database is away.");
  api_release (message);
}

void
api_notifications_request (ApiNotifications *self, SoupServerMessage *message)
{
  g_autoptr (KeyOwner) nobody = NULL;

  if (!api_gate_let_in (self->gate, message, API_GATE_OPERATOR, &nobody))
    return;
  api_queries_run (self->queries,
      "SELECT coalesce (string_agg (json, ', '), '') FROM ("
      "SELECT wishcast.notification_json (j)::text AS json "
      "FROM wishcast.notification_job j "
      "ORDER BY j.created_at DESC, j.id LIMIT " G_STRINGIFY (MOST) ") newest",
      0, NULL, on_list, api_hold (message));
}

/* --- Public ----------------------------------------------------------------*/

ApiNotifications *
api_notifications_new (
    ApiGate *gate, ApiQueries *queries, GMainContext *context)
{
  ApiNotifications *self = g_new0 (ApiNotifications, 1);

  self->gate = gate;
  self->queries = queries;
  self->timer = g_timeout_source_new_seconds (COUNT_INTERVAL);
  g_source_set_callback (self->timer, count, self, NULL);
  g_source_attach (self->timer, context);
  count (self);
  return self;
}

void
api_notifications_stop (ApiNotifications *self)
{
  g_source_destroy (self->timer);
}

void
api_notifications_free (ApiNotifications *self)
{
  if (self == NULL)
    return;
  g_source_unref (self->timer);
  g_free (self);
}
