/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweeper.h"

#include <stdlib.h>
#include <string.h>

#include "pgworker.h"
#include "registrar.h"

#define INTERVAL 5000 /* ms */
#define QUIET (2 * REGISTRAR_LEASE)
/* A node ends its own broadcasts first, in its own words. */
#define GRACE "5 seconds"

struct _Sweeper {
  char *window; /* interval */
  PgWorker *worker;
  SweepRule rule; /* of the worker's thread */
};

void
sweep_rule_connected (SweepRule *rule, gint64 now)
{
  rule->since = now;
}

void
sweep_rule_lost (SweepRule *rule)
{
  rule->since = 0;
}

gboolean
sweep_rule_is_due (const SweepRule *rule, gint64 now)
{
  return rule->since != 0 && now >= rule->since + QUIET;
}

static gboolean
on_connected (PgConnection *connection, gpointer user_data, GError **error)
{
  Sweeper *sweeper = user_data;

  sweep_rule_connected (&sweeper->rule, g_get_monotonic_time ());
  return TRUE;
}

static void
on_lost (const GError *error, gpointer user_data)
{
  Sweeper *sweeper = user_data;

  sweep_rule_lost (&sweeper->rule);
}

static gboolean
sweep (PgConnection *connection, gpointer user_data, GError **error)
{
  Sweeper *sweeper = user_data;
  const char *values[] = {sweeper->window, GRACE};
  g_autoptr (PgRows) rows = NULL;
  const char *n;

  if (!sweep_rule_is_due (&sweeper->rule, g_get_monotonic_time ()))
    return TRUE;
  rows = pg_connection_query (connection,
      "SELECT wishcast.sweep ($1::interval, $2::interval)",
      G_N_ELEMENTS (values), values, error);
  if (rows == NULL)
    return FALSE;
  n = pg_rows_get (rows, 0, 0);
  if (strcmp (n, "0") != 0)
    g_message (
        "%s broadcasts of nodes that are gone were interrupted or ended", n);
  return TRUE;
}

Sweeper *
sweeper_new (const char *conninfo, gint64 resume_window)
{
  PgWorkerEvents events = {.connected = on_connected, .lost = on_lost};
  Sweeper *sweeper = g_new0 (Sweeper, 1);

  sweeper->window =
      g_strdup_printf ("%" G_GINT64_FORMAT " microseconds", resume_window);
  sweeper->worker = pg_worker_new ("sweeper", conninfo, NULL, &events, sweeper);
  pg_worker_add_timer (sweeper->worker, INTERVAL, sweep, sweeper);
  return sweeper;
}

void
sweeper_free (Sweeper *sweeper)
{
  if (sweeper == NULL)
    return;
  pg_worker_free (sweeper->worker, 0);
  g_free (sweeper->window);
  g_free (sweeper);
}
