/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodewatch.h"

#include <stdlib.h>
#include <string.h>

#include "pgworker.h"
#include "registrar.h"

/* Leases are renewed without an event. */
#define LOOK_INTERVAL (REGISTRAR_RENEWAL / 1000)

#define CHANNEL_ENDS "wishcast_ends"
#define CHANNEL_EVENTS "wishcast_events"

typedef struct {
  char *node;
  gint64 lease_until; /* us since 1970; 0: interrupted */
  gint64 until;
} Entry;

struct _NodeWatch {
  char *node;
  char *window; /* the resume window, as an interval */
  NodeWatchEnd end;
  gpointer data;
  PgWorker *worker;
  GMutex lock;
  GHashTable *entries; /* broadcaster (gint64) -> Entry; with lock */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->node);
  g_free (entry);
}

void
elsewhere_free (Elsewhere *elsewhere)
{
  if (elsewhere == NULL)
    return;
  g_free (elsewhere->node);
  g_free (elsewhere);
}

/* --- what others have ------------------------------------------------------------- */

/* The database tells what is left, so its clock and ours need not agree. */
static void
add_row (GHashTable *entries, const PgRows *rows, guint row, gint64 now)
{
  const char *lease = pg_rows_get (rows, row, 2);
  gint64 broadcaster = g_ascii_strtoll (pg_rows_get (rows, row, 0), NULL, 10);
  Entry *entry = g_new0 (Entry, 1);

  entry->node = g_strdup (pg_rows_get (rows, row, 1));
  if (lease != NULL)
    entry->lease_until = now + g_ascii_strtoll (lease, NULL, 10);
  entry->until = now + g_ascii_strtoll (pg_rows_get (rows, row, 3), NULL, 10);
  g_hash_table_replace (
      entries, g_memdup2 (&broadcaster, sizeof broadcaster), entry);
}

/* A lease that ran out makes a broadcast interrupted since then, whether or not
 * the sweep has written it already. */
static gboolean
look (PgConnection *connection, gpointer user_data, GError **error)
{
  NodeWatch *watch = user_data;
  const char *values[] = {watch->node, watch->window};
  gint64 now = g_get_real_time ();
  GHashTable *entries;
  g_autoptr (GHashTable) old = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT broadcaster, node, "
      "  (extract (epoch FROM lease_until - now ()) * 1000000)::bigint, "
      "  (extract (epoch FROM coalesce (resume_until, "
      "    lease_until + $2::interval) - now ()) * 1000000)::bigint "
      "FROM wishcast.broadcast "
      "WHERE state <> 'ended' AND node <> $1 AND broadcaster IS NOT NULL "
      "  AND coalesce (resume_until, lease_until + $2::interval) > now ()",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL)
    return FALSE;
  entries =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, entry_free);
  for (guint i = 0; i < pg_rows_count (rows); i++)
    add_row (entries, rows, i, now);
  g_mutex_lock (&watch->lock);
  old = g_steal_pointer (&watch->entries);
  watch->entries = entries;
  g_mutex_unlock (&watch->lock);
  return TRUE;
}

Elsewhere *
node_watch_find (NodeWatch *watch, gint64 broadcaster, gint64 now)
{
  Elsewhere *elsewhere = NULL;
  const Entry *entry;

  g_mutex_lock (&watch->lock);
  entry = watch->entries != NULL
              ? g_hash_table_lookup (watch->entries, &broadcaster)
              : NULL;
  if (entry != NULL && now < entry->until) {
    elsewhere = g_new0 (Elsewhere, 1);
    elsewhere->node = g_strdup (entry->node);
    elsewhere->is_interrupted = now >= entry->lease_until;
    elsewhere->until = entry->until;
  }
  g_mutex_unlock (&watch->lock);
  return elsewhere;
}

/* --- what is to end ----------------------------------------------------------------- */

static gboolean
catch_up (PgConnection *connection, gpointer user_data, GError **error)
{
  NodeWatch *watch = user_data;
  const char *values[] = {watch->node};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT link FROM wishcast.broadcast "
      "WHERE node = $1 AND state <> 'ended' AND end_requested_at IS NOT NULL",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < pg_rows_count (rows); i++)
    watch->end (pg_rows_get (rows, i, 0), watch->data);
  return look (connection, user_data, error);
}

static gboolean
on_notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer user_data, GError **error)
{
  NodeWatch *watch = user_data;

  if (strcmp (channel, CHANNEL_EVENTS) == 0)
    return look (connection, user_data, error);
  watch->end (payload, watch->data);
  return TRUE;
}

/* --- public -------------------------------------------------------------------------- */

NodeWatch *
node_watch_new (const char *conninfo, const char *node, gint64 resume_window,
    NodeWatchEnd end, gpointer data)
{
  static const char *const channels[] = {CHANNEL_ENDS, CHANNEL_EVENTS, NULL};
  PgWorkerEvents events = {.connected = catch_up, .notified = on_notified};
  NodeWatch *watch = g_new0 (NodeWatch, 1);

  watch->node = g_strdup (node);
  watch->window =
      g_strdup_printf ("%" G_GINT64_FORMAT " microseconds", resume_window);
  watch->end = end;
  watch->data = data;
  g_mutex_init (&watch->lock);
  watch->worker =
      pg_worker_new ("node-watch", conninfo, channels, &events, watch);
  pg_worker_add_timer (watch->worker, LOOK_INTERVAL, look, watch);
  return watch;
}

void
node_watch_free (NodeWatch *watch)
{
  if (watch == NULL)
    return;
  pg_worker_free (watch->worker, 0);
  g_clear_pointer (&watch->entries, g_hash_table_unref);
  g_mutex_clear (&watch->lock);
  g_free (watch->window);
  g_free (watch->node);
  g_free (watch);
}
