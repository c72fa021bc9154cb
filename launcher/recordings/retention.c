/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "retention.h"

#include <stdio.h>
#include <time.h>

#include "backoff.h"
#include "clockguard.h"
#include "pgworker.h"

/* How often the database is asked, unless something expires before or there is
 * more than a round takes. */
#define INTERVAL (5 * G_USEC_PER_SEC)
#define TICK 500 /* ms */
/* Objects of one round: the figures and the end of the service wait for no more
 * than that. */
#define BATCH 64
/* One object that cannot be deleted does not hold up the others; an archive that
 * is away fails with each of them. */
#define FAILURES_IN_A_ROW 3
#define BACKOFF_FIRST (5 * G_USEC_PER_SEC)
#define BACKOFF_MOST (10 * 60 * G_USEC_PER_SEC)
/* That are remembered, so that they can be passed over. With more of them than
 * this the archive takes no deletion at all. */
#define MAX_FAILING 1000
/* What stands for an hour need not be counted more often. */
#define STRANDED_INTERVAL (60 * G_USEC_PER_SEC)

/* An object that could not be deleted. */
typedef struct {
  Backoff backoff;
  gint64 due;        /* monotonic */
  gboolean is_found; /* in this round */
} Failing;

struct _Retention {
  char *node;
  ArchiveStore *store;
  gint64 interval;
  RetentionClocks clocks;
  gpointer data;
  GCancellable *cancellable; /* of what waits for the archive */
  PgWorker *worker;

  /* of the worker's thread: */
  gint64 due;       /* monotonic: of the next round */
  gint64 count_due; /* of the count of stranded ones */
  ClockGuard guard;
  ClockVerdict verdict;
  GHashTable *failing; /* object -> Failing */
  char *failure;       /* the last of those */
  char *stranded;      /* what to say of stranded ones, or NULL */

  GMutex lock;
  RetentionFigures figures; /* with lock */
};

static void
read_clocks (gint64 *uptime, gint64 *wall, gpointer unused)
{
  struct timespec time;

  clock_gettime (CLOCK_BOOTTIME, &time);
  *uptime = time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
  *wall = g_get_real_time ();
}

static void
tell_figures (Retention *self, const char *problem)
{
  g_mutex_lock (&self->lock);
  g_free (self->figures.problem);
  self->figures.problem = g_strdup (problem);
  self->figures.on_hold = self->verdict != CLOCKS_AGREE;
  g_mutex_unlock (&self->lock);
}

/* --- the clocks ---------------------------------------------------------------- */

static void
say_verdict (Retention *self, gint64 wall, gint64 database)
{
  switch (self->verdict) {
    case CLOCKS_DIFFER:
      g_message ("No recording is deleted: the clock of this node is %.0f s "
                 "%s that of the database",
          (double)ABS (wall - database) / G_USEC_PER_SEC,
          wall < database ? "behind" : "ahead of");
      break;
    case CLOCKS_JUMPED:
      if (self->guard.jump != 0)
        g_message ("No recording is deleted for some minutes: the clock of "
                   "this node was set by %+.0f s",
            (double)self->guard.jump / G_USEC_PER_SEC);
      else
        g_message ("No recording is deleted for some minutes: the clocks of "
                   "this node and the database agree only now");
      break;
    case CLOCKS_YOUNG:
      g_message ("No recording is deleted for some minutes: this machine has "
                 "just been started, and its clock may not be right yet");
      break;
    case CLOCKS_AGREE:
    default:
      g_message ("Recordings whose time is over are deleted again");
      break;
  }
}

/* @database: when it answered, by its own clock. */
static gboolean
check_clocks (Retention *self, gint64 database)
{
  ClockVerdict verdict;
  gint64 uptime, wall;

  self->clocks (&uptime, &wall, self->data);
  verdict = clock_guard_check (&self->guard, uptime, wall, database);
  if (verdict != self->verdict) {
    self->verdict = verdict;
    say_verdict (self, wall, database);
  }
  return verdict == CLOCKS_AGREE;
}

/* --- what cannot be deleted ------------------------------------------------------ */

static void
note_failure (Retention *self, const char *object, const GError *error)
{
  Failing *failing = g_hash_table_lookup (self->failing, object);

  if (g_hash_table_size (self->failing) == 0)
    g_message ("The recording %s cannot be deleted, which is tried again: %s",
        object, error->message);
  g_free (self->failure);
  self->failure = g_strdup_printf ("%s: %s", object, error->message);
  if (failing == NULL) {
    failing = g_new0 (Failing, 1);
    failing->backoff = (Backoff){BACKOFF_FIRST, BACKOFF_MOST, 0};
    g_hash_table_insert (self->failing, g_strdup (object), failing);
  }
  failing->is_found = TRUE;
  failing->due = g_get_monotonic_time () +
                 backoff_next (&failing->backoff, g_random_double ());
}

/* Whether it is its turn: first comes what has not failed yet, @is_retry is then
 * for what has, and has waited. */
static gboolean
has_turn (Retention *self, const char *object, gboolean is_retry)
{
  Failing *failing = g_hash_table_lookup (self->failing, object);

  if (failing == NULL)
    return !is_retry;
  failing->is_found = TRUE;
  return is_retry && g_get_monotonic_time () >= failing->due;
}

/* What another node has deleted meanwhile fails no more. */
static gboolean
was_not_found (gpointer object, gpointer failing, gpointer unused)
{
  gboolean is_found = ((Failing *)failing)->is_found;

  ((Failing *)failing)->is_found = FALSE;
  return !is_found;
}

static void
forget_failures (Retention *self)
{
  gboolean had_any = g_hash_table_size (self->failing) > 0;

  g_hash_table_foreach_remove (self->failing, was_not_found, NULL);
  if (g_hash_table_size (self->failing) > 0)
    return;
  g_clear_pointer (&self->failure, g_free);
  if (had_any)
    g_message ("All recordings whose time is over are deleted now");
}

/* --- a round ----------------------------------------------------------------------- */

/* The object goes before the row, so that a row that says `deleted` is true;
 * killed in between, the next one finds nothing to delete, which is as good. */
static gboolean
delete_one (Retention *self, PgConnection *connection, const char *link,
    const char *part, const char *object, gboolean *is_deleted, GError **error)
{
  const char *values[] = {link, part};
  g_autoptr (GError) why = NULL;
  g_autoptr (PgRows) rows = NULL;

  *is_deleted =
      archive_store_delete (self->store, object, self->cancellable, &why);
  if (!*is_deleted) {
    if (!g_cancellable_is_cancelled (self->cancellable))
      note_failure (self, object, why);
    return TRUE;
  }
  rows = pg_connection_query (connection,
      "SELECT wishcast.forget_recording ($1, $2::integer)",
      G_N_ELEMENTS (values), values, error);
  if (rows == NULL)
    return FALSE;
  g_hash_table_remove (self->failing, object);
  g_debug ("The recording %s was deleted", object);
  g_mutex_lock (&self->lock);
  self->figures.n_deleted++;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* Columns: now, when the next one expires, link, part, object; the last three
 * NULL if nothing has expired. */
static PgRows *
ask (Retention *self, PgConnection *connection, guint limit, GError **error)
{
  char text[16];
  const char *values[] = {
      self->node, archive_store_get_bucket (self->store), text};

  snprintf (text, sizeof text, "%u", limit);
  return pg_connection_query (connection,
      "SELECT (extract (epoch FROM now ()) * 1000000)::bigint, "
      "(extract (epoch FROM wishcast.next_expiry ($1, $2)) * 1000000)::bigint, "
      "e.link, e.part, e.object FROM (SELECT) AS always LEFT JOIN "
      "wishcast.expired_recordings ($1, $2, $3::integer) e ON true",
      G_N_ELEMENTS (values), values, error);
}

/* What became of a round so far. */
typedef struct {
  guint n_deleted;
  guint n_failed; /* in a row */
} Round;

static gboolean
is_over (Retention *self, const Round *round)
{
  return round->n_deleted == BATCH || round->n_failed == FAILURES_IN_A_ROW ||
         g_cancellable_is_cancelled (self->cancellable);
}

static gboolean
delete_some (Retention *self, PgConnection *connection, const PgRows *rows,
    gboolean is_retry, Round *round, GError **error)
{
  for (guint i = 0; i < pg_rows_count (rows) && !is_over (self, round); i++) {
    const char *object = pg_rows_get (rows, i, 4);
    gboolean is_deleted;

    if (object == NULL || !has_turn (self, object, is_retry))
      continue;
    if (!delete_one (self, connection, pg_rows_get (rows, i, 2),
            pg_rows_get (rows, i, 3), object, &is_deleted, error))
      return FALSE;
    round->n_deleted += is_deleted;
    round->n_failed = is_deleted ? 0 : round->n_failed + 1;
  }
  return TRUE;
}

/* @limit: that many rows were asked for. */
static gboolean
delete_all (Retention *self, PgConnection *connection, const PgRows *rows,
    guint limit, guint *n_deleted, GError **error)
{
  Round round = {0};

  if (!delete_some (self, connection, rows, FALSE, &round, error) ||
      !delete_some (self, connection, rows, TRUE, &round, error))
    return FALSE;
  *n_deleted = round.n_deleted;
  /* Only who has seen all knows what is not there. */
  if (!is_over (self, &round) && pg_rows_count (rows) < limit)
    forget_failures (self);
  return TRUE;
}

static gboolean
count_stranded (Retention *self, PgConnection *connection, GError **error)
{
  const char *bucket = archive_store_get_bucket (self->store);
  const char *values[] = {self->node, bucket};
  gboolean was_told = self->stranded != NULL;
  g_autoptr (PgRows) rows = NULL;
  gint64 now = g_get_monotonic_time ();
  const char *n;

  if (now < self->count_due)
    return TRUE;
  rows = pg_connection_query (connection,
      "SELECT wishcast.count_stranded_recordings ($1, $2)",
      G_N_ELEMENTS (values), values, error);
  if (rows == NULL)
    return FALSE;
  self->count_due = now + STRANDED_INTERVAL;
  n = pg_rows_get (rows, 0, 0);
  g_clear_pointer (&self->stranded, g_free);
  if (g_str_equal (n, "0"))
    return TRUE;
  self->stranded = g_strdup_printf (
      "%s recordings whose time is over are not in %s, and no other node "
      "deletes them",
      n, bucket != NULL ? bucket : "the folder of this node");
  if (!was_told)
    g_message ("%s", self->stranded);
  return TRUE;
}

/* When to look again: the database's clock and ours go equally fast. */
static gint64
find_due (Retention *self, const PgRows *rows, gint64 now)
{
  const char *next = pg_rows_get (rows, 0, 1);
  gint64 wait;

  if (next == NULL)
    return now + self->interval;
  wait = g_ascii_strtoll (next, NULL, 10) -
         g_ascii_strtoll (pg_rows_get (rows, 0, 0), NULL, 10);
  return now + MIN (wait, self->interval);
}

static gboolean
run_round (Retention *self, PgConnection *connection, GError **error)
{
  guint limit = BATCH + MIN (g_hash_table_size (self->failing), MAX_FAILING);
  g_autoptr (PgRows) rows = ask (self, connection, limit, error);
  guint n_deleted = 0;

  if (rows == NULL)
    return FALSE;
  self->due = find_due (self, rows, g_get_monotonic_time ());
  if (check_clocks (
          self, g_ascii_strtoll (pg_rows_get (rows, 0, 0), NULL, 10)) &&
      !delete_all (self, connection, rows, limit, &n_deleted, error))
    return FALSE;
  /* There are more. */
  if (n_deleted == BATCH)
    self->due = 0;
  return count_stranded (self, connection, error);
}

static gboolean
on_tick (PgConnection *connection, gpointer user_data, GError **error)
{
  Retention *self = user_data;
  GError *why = NULL;

  if (g_get_monotonic_time () < self->due)
    return TRUE;
  if (run_round (self, connection, &why)) {
    tell_figures (self, self->failure != NULL ? self->failure : self->stranded);
    return TRUE;
  }
  self->due = g_get_monotonic_time () + self->interval;
  tell_figures (self, why->message);
  g_propagate_error (error, why);
  return FALSE;
}

/* --- life ----------------------------------------------------------------------------- */

Retention *
retention_new (const RetentionSettings *settings)
{
  Retention *self = g_new0 (Retention, 1);

  self->node = g_strdup (settings->node);
  self->store = archive_store_ref (settings->store);
  self->interval = settings->interval != 0 ? settings->interval : INTERVAL;
  self->clocks = settings->clocks != NULL ? settings->clocks : read_clocks;
  self->data = settings->data;
  self->cancellable = g_cancellable_new ();
  self->failing =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_mutex_init (&self->lock);
  self->worker =
      pg_worker_new ("retention", settings->conninfo, NULL, NULL, NULL);
  pg_worker_add_timer (self->worker, TICK, on_tick, self);
  return self;
}

void
retention_free (Retention *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  pg_worker_free (self->worker, 0);
  archive_store_unref (self->store);
  g_object_unref (self->cancellable);
  g_hash_table_unref (self->failing);
  retention_figures_clear (&self->figures);
  g_mutex_clear (&self->lock);
  g_free (self->failure);
  g_free (self->stranded);
  g_free (self->node);
  g_free (self);
}

void
retention_get_figures (Retention *self, RetentionFigures *figures)
{
  g_mutex_lock (&self->lock);
  *figures = self->figures;
  figures->problem = g_strdup (self->figures.problem);
  g_mutex_unlock (&self->lock);
}

void
retention_figures_clear (RetentionFigures *figures)
{
  g_clear_pointer (&figures->problem, g_free);
}
