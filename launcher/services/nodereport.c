/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nodereport.h"

#include <string.h>

#include "pgworker.h"

#define INTERVAL (5 * G_USEC_PER_SEC)
/* Without a word for so long a node is not alive. By the clock of the database,
 * as those of nodes may disagree. */
#define ALIVE (15 * G_USEC_PER_SEC)
#define ALIVE_TEXT "interval '15 s'"
#define FORGOTTEN "interval '1 day'"

struct _NodeReport {
  char *name;
  Viewers *viewers;
  Overview *overview; /* or NULL */
  NodeFigures *figures;
  GThread *thread;
  PgWorker *worker;

  GMutex lock;
  GCond stopping;
  /* with lock: */
  gboolean is_stopping;
  char *newest;       /* report, as JSON */
  gboolean is_queued; /* a job of the worker will take it */

  /* of the worker's thread: */
  gint64 connected_at; /* monotonic */
  gboolean is_told;    /* that the database refuses it */
};

/* --- On the worker's thread ------------------------------------------------*/

/* Who others watch is told to those who ask here. */
static void
take_viewers (NodeReport *self, const char *node, JsonObject *report)
{
  g_autoptr (GArray) list = g_array_new (FALSE, TRUE, sizeof (ViewerFigures));
  JsonObjectIter iter;
  const char *link;
  JsonNode *value;

  json_object_iter_init (
      &iter, json_object_get_object_member (report, "viewers"));
  while (json_object_iter_next (&iter, &link, &value)) {
    JsonObject *counted = json_node_get_object (value);
    ViewerFigures figures = {
        .pages = json_object_get_int_member (counted, "pages"),
        .players = json_object_get_int_member (counted, "players"),
        .egress = json_object_get_int_member (counted, "egress"),
    };

    g_strlcpy (figures.link, link, sizeof figures.link);
    g_array_append_val (list, figures);
  }
  viewers_set_remote (self->viewers, node, (const ViewerFigures *)list->data,
      list->len, g_get_monotonic_time ());
}

static void
take_others (NodeReport *self, const PgRows *rows)
{
  gboolean is_settled = g_get_monotonic_time () > self->connected_at + ALIVE;
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (OverviewNode));
  g_autoptr (GPtrArray) reports =
      g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);

  for (guint i = 0; i < pg_rows_count (rows); i++) {
    OverviewNode node = {
        .name = pg_rows_get (rows, i, 0),
        .seen_at = g_ascii_strtoll (pg_rows_get (rows, i, 1), NULL, 10),
        .is_alive = strcmp (pg_rows_get (rows, i, 2), "t") == 0,
        .report = json_from_string (pg_rows_get (rows, i, 3), NULL),
    };

    g_ptr_array_add (reports, node.report);
    g_array_append_val (nodes, node);
    if (node.is_alive)
      take_viewers (self, node.name, json_node_get_object (node.report));
  }
  overview_set_others (self->overview, (const OverviewNode *)nodes->data,
      nodes->len, is_settled);
}

static gboolean
read_others (NodeReport *self, PgConnection *connection, GError **error)
{
  const char *values[] = {self->name};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT name, (extract (epoch FROM seen_at) * 1000000)::bigint, "
      "seen_at > now () - " ALIVE_TEXT ", report "
      "FROM wishcast.node WHERE name <> $1 ORDER BY name",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL)
    return FALSE;
  take_others (self, rows);
  return TRUE;
}

static gboolean
exchange (PgConnection *connection, gpointer data, GError **error)
{
  NodeReport *self = data;
  g_autofree char *report = NULL;
  g_autoptr (PgRows) none = NULL;
  const char *values[] = {self->name, NULL};

  g_mutex_lock (&self->lock);
  values[1] = report = g_strdup (self->newest);
  g_mutex_unlock (&self->lock);
  none = pg_connection_query (connection,
      "WITH forgotten AS (DELETE FROM wishcast.node "
      "  WHERE seen_at < now () - " FORGOTTEN " AND name <> $1) "
      "INSERT INTO wishcast.node (name, started_at, seen_at, report) "
      "SELECT $1, (r->>'startedAt')::timestamptz, now (), r "
      "FROM (SELECT $2::jsonb) AS v (r) "
      "ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, "
      "  seen_at = excluded.seen_at, report = excluded.report",
      G_N_ELEMENTS (values), values, error);
  return none != NULL &&
         (self->overview == NULL || read_others (self, connection, error));
}

static void
set_stale (NodeReport *self)
{
  if (self->overview != NULL)
    overview_set_stale (self->overview, g_get_real_time ());
}

static void
on_exchanged (const GError *error, gpointer data)
{
  NodeReport *self = data;

  g_mutex_lock (&self->lock);
  self->is_queued = FALSE;
  g_mutex_unlock (&self->lock);
  if (error != NULL) {
    set_stale (self);
    if (!self->is_told)
      g_warning (
          "What nodes tell of themselves is not exchanged: %s", error->message);
  }
  self->is_told = error != NULL;
}

static gboolean
on_connected (PgConnection *connection, gpointer data, GError **error)
{
  NodeReport *self = data;

  self->connected_at = g_get_monotonic_time ();
  return TRUE;
}

static void
on_lost (const GError *error, gpointer data)
{
  set_stale (data);
}

/* --- On the thread that collects -------------------------------------------*/

static void
tell_overview (NodeReport *self, JsonNode *report)
{
  gint64 now = g_get_real_time ();
  g_autofree char *viewers =
      viewers_write_json (self->viewers, g_get_monotonic_time ());

  overview_set_own (self->overview, report, now);
  overview_sample (self->overview, viewers, now);
}

/* At most one job waits, however long the database is away. */
static void
tell_database (NodeReport *self, JsonNode *report)
{
  char *text = json_to_string (report, FALSE);
  gboolean was_queued;

  g_mutex_lock (&self->lock);
  g_free (self->newest);
  self->newest = text;
  was_queued = self->is_queued;
  self->is_queued = TRUE;
  g_mutex_unlock (&self->lock);
  if (!was_queued)
    pg_worker_run (self->worker, exchange, on_exchanged, self, NULL);
}

static void
report_once (NodeReport *self)
{
  g_autoptr (JsonNode) report = node_figures_collect (self->figures,
      pg_worker_is_connected (self->worker), g_get_monotonic_time ());

  tell_database (self, report);
  if (self->overview != NULL)
    tell_overview (self, report);
}

/* FALSE: it is to stop. */
static gboolean
wait_until (NodeReport *self, gint64 time)
{
  gboolean is_stopping;

  g_mutex_lock (&self->lock);
  while (!self->is_stopping &&
         g_cond_wait_until (&self->stopping, &self->lock, time))
    ;
  is_stopping = self->is_stopping;
  g_mutex_unlock (&self->lock);
  return !is_stopping;
}

static gpointer
run (gpointer data)
{
  NodeReport *self = data;

  do
    report_once (self);
  while (wait_until (self, g_get_monotonic_time () + INTERVAL));
  return NULL;
}

/* --- Public ----------------------------------------------------------------*/

NodeReport *
node_report_new (const NodeFiguresSettings *settings, Overview *overview)
{
  PgWorkerEvents events = {.connected = on_connected, .lost = on_lost};
  NodeReport *self = g_new0 (NodeReport, 1);

  self->name = g_strdup (settings->name);
  self->viewers = settings->viewers;
  self->overview = overview;
  self->figures = node_figures_new (settings);
  g_mutex_init (&self->lock);
  g_cond_init (&self->stopping);
  self->worker =
      pg_worker_new ("node-exchange", settings->conninfo, NULL, &events, self);
  self->thread = g_thread_new ("node-report", run, self);
  return self;
}

void
node_report_free (NodeReport *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  g_cond_signal (&self->stopping);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  pg_worker_free (self->worker, 0);
  node_figures_free (self->figures);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->stopping);
  g_free (self->newest);
  g_free (self->name);
  g_free (self);
}
