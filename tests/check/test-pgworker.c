/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pgworker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pgkit.h"

#define PATIENCE (20 * G_USEC_PER_SEC)

/* What happened, in the order it did: words with a space behind each. */
typedef struct {
  GMutex lock;
  GCond cond;
  GString *log;
  guint n_destroyed;
  guint n_attempts;
} Fixture;

typedef struct {
  Fixture *fixture;
  const char *sql;
} Statement;

static PgKit *kit;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_mutex_init (&f->lock);
  g_cond_init (&f->cond);
  f->log = g_string_new (NULL);
  f->n_destroyed = f->n_attempts = 0;
  pg_kit_run (kit, "DROP TABLE IF EXISTS t; CREATE TABLE t (n int)");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_string_free (f->log, TRUE);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->cond);
}

G_GNUC_PRINTF (2, 3)
static void
note (Fixture *f, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_mutex_lock (&f->lock);
  g_string_append_vprintf (f->log, format, args);
  g_string_append_c (f->log, ' ');
  g_cond_broadcast (&f->cond);
  g_mutex_unlock (&f->lock);
  va_end (args);
}

static void
await_log (Fixture *f, const char *expected)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&f->lock);
  while (strcmp (f->log->str, expected) != 0)
    if (!g_cond_wait_until (&f->cond, &f->lock, deadline))
      break;
  g_assert_cmpstr (f->log->str, ==, expected);
  g_mutex_unlock (&f->lock);
}

static void
await_begin (Fixture *f, const char *begin)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&f->lock);
  while (!g_str_has_prefix (f->log->str, begin))
    g_assert_true (g_cond_wait_until (&f->cond, &f->lock, deadline));
  g_mutex_unlock (&f->lock);
}

static gboolean
connected (PgConnection *connection, gpointer data, GError **error)
{
  note (data, "connected");
  return TRUE;
}

static gboolean
notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer data, GError **error)
{
  note (data, "%s:%s", channel, payload);
  return TRUE;
}

static void
lost (const GError *error, gpointer data)
{
  note (data, "lost:%d", error->code);
}

static const PgWorkerEvents events = {connected, notified, lost};

static gboolean
run_statement (PgConnection *connection, gpointer data, GError **error)
{
  Statement *statement = data;
  g_autoptr (PgRows) rows = NULL;

  note (statement->fixture, "begin");
  rows = pg_connection_query (connection, statement->sql, 0, NULL, error);
  return rows != NULL;
}

static void
done (const GError *error, gpointer data)
{
  Statement *statement = data;

  note (statement->fixture, error != NULL ? "error:%d" : "done",
      error != NULL ? error->code : 0);
}

static void
statement_free (gpointer data)
{
  Statement *statement = data;

  g_mutex_lock (&statement->fixture->lock);
  statement->fixture->n_destroyed++;
  g_mutex_unlock (&statement->fixture->lock);
  g_free (statement);
}

static void
run (Fixture *f, PgWorker *worker, const char *sql)
{
  Statement *statement = g_new (Statement, 1);

  *statement = (Statement){f, sql};
  pg_worker_run (worker, run_statement, done, statement, statement_free);
}

static PgWorker *
new_worker (Fixture *f, const char *const *channels)
{
  return pg_worker_new (
      "test", pg_kit_get_conninfo (kit), channels, &events, f);
}

/* --- connection ------------------------------------------------------------- */

static PgConnection *
open_connection (void)
{
  g_autoptr (GError) error = NULL;
  PgConnection *connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);

  g_assert_no_error (error);
  return connection;
}

static void
test_values (Fixture *f, gconstpointer data)
{
  g_autoptr (PgConnection) connection = open_connection ();
  g_autoptr (GError) error = NULL;
  const char *values[] = {"'; DROP TABLE t; --", NULL, "ä"};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT $1::text, $2::text, $3::text UNION ALL SELECT '', 'x', 'y'", 3,
      values, &error);
  g_autoptr (PgRows) none =
      pg_connection_query (connection, "SELECT 1 WHERE false", 0, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (pg_rows_count (rows), ==, 2);
  g_assert_cmpuint (pg_rows_width (rows), ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpstr (pg_rows_get (rows, 0, i), ==, values[i]);
  g_assert_cmpstr (pg_rows_get (rows, 1, 0), ==, "");
  g_assert_cmpuint (pg_rows_count (none), ==, 0);
}

static void
test_codes (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *sql;
    PgError code;
    gboolean is_transient;
  } cases[] = {
      {"nonsense", PG_ERROR_QUERY, FALSE},
      {"SELECT 1 / 0", PG_ERROR_QUERY, FALSE},
      {"SELECT * FROM nowhere", PG_ERROR_SCHEMA, FALSE},
      {"SELECT nobody.f ()", PG_ERROR_SCHEMA, FALSE},
      {"SELECT f ()", PG_ERROR_SCHEMA, FALSE},
      {"SELECT x FROM t", PG_ERROR_SCHEMA, FALSE},
      {"DO $$ BEGIN RAISE USING ERRCODE = '40001'; END $$", PG_ERROR_CONFLICT,
          TRUE},
      {"DO $$ BEGIN RAISE USING ERRCODE = '40P01'; END $$", PG_ERROR_CONFLICT,
          TRUE},
      {"DO $$ BEGIN RAISE USING ERRCODE = '57014'; END $$", PG_ERROR_CONFLICT,
          TRUE},
      {"DO $$ BEGIN RAISE USING ERRCODE = '53100'; END $$", PG_ERROR_AWAY,
          TRUE},
      {"DO $$ BEGIN RAISE USING ERRCODE = '42501'; END $$", PG_ERROR_REFUSED,
          FALSE},
  };
  g_autoptr (PgConnection) connection = open_connection ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (
        pg_connection_query (connection, cases[i].sql, 0, NULL, &error));
    g_assert_error (error, PG_ERROR, (gint)cases[i].code);
    g_assert_cmpint (pg_error_is_transient (error), ==, cases[i].is_transient);
    g_assert_null (strchr (error->message, '\n'));
    g_assert_false (pg_connection_is_lost (connection));
  }
}

static void
test_refusals (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *change, *expected;
    PgError code;
  } cases[] = {
      {"user=nobody", "role \"nobody\" does not exist", PG_ERROR_REFUSED},
      {"dbname=nothing", "\"nothing\" does not exist", PG_ERROR_REFUSED},
      {"port=1", "No such file or directory", PG_ERROR_AWAY},
      /* Should the server say the password, we do not. */
      {"user=geheim password=geheim", "role \"***\" does not",
          PG_ERROR_REFUSED},
      {"password=ge heim", "is not understood", PG_ERROR_REFUSED},
      {"nonsense", "is not understood", PG_ERROR_REFUSED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *conninfo =
        g_strdup_printf ("%s %s", pg_kit_get_conninfo (kit), cases[i].change);
    g_autoptr (GError) error = NULL;

    g_assert_null (pg_connection_open (conninfo, &error));
    g_assert_error (error, PG_ERROR, (gint)cases[i].code);
    if (strstr (error->message, cases[i].expected) == NULL)
      g_assert_cmpstr (error->message, ==, cases[i].expected);
    g_assert_null (strstr (error->message, "heim"));
  }
}

static void
test_script (Fixture *f, gconstpointer data)
{
  g_autoptr (PgConnection) connection = open_connection ();
  g_autoptr (GError) error = NULL;

  g_assert_true (pg_connection_run_script (connection,
      "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", &error));
  g_assert_no_error (error);
  /* All or nothing. */
  g_assert_false (pg_connection_run_script (connection,
      "INSERT INTO t VALUES (3); INSERT INTO t VALUES (1 / 0);"
      "INSERT INTO t VALUES (4)",
      &error));
  g_assert_error (error, PG_ERROR, PG_ERROR_QUERY);
  pg_kit_assert (kit, "SELECT sum (n) FROM t", "3");
  g_clear_error (&error);
  g_assert_true (pg_connection_run_script (connection, "", &error));
  g_assert_no_error (error);
  /* Which nobody here can read would block for good. */
  g_assert_false (
      pg_connection_run_script (connection, "COPY t TO STDOUT", &error));
  g_assert_true (pg_connection_is_lost (connection));
  g_clear_error (&error);
  g_assert_null (pg_connection_query (connection, "SELECT 1", 0, NULL, &error));
  g_assert_error (error, PG_ERROR, PG_ERROR_AWAY);
}

/* More than any socket buffers, both ways at once. */
static void
test_large (Fixture *f, gconstpointer data)
{
  g_autoptr (PgConnection) connection = open_connection ();
  g_autofree char *large = g_strnfill (8 << 20, 'x');
  g_autoptr (GError) error = NULL;
  const char *values[] = {large};
  g_autoptr (PgRows) rows =
      pg_connection_query (connection, "SELECT $1::text", 1, values, &error);

  g_assert_no_error (error);
  g_assert_true (strcmp (pg_rows_get (rows, 0, 0), large) == 0);
}

/* --- jobs ------------------------------------------------------------------- */

static void
test_order (Fixture *f, gconstpointer data)
{
  PgWorker *worker = new_worker (f, NULL);

  run (f, worker, "INSERT INTO t VALUES (1)");
  run (f, worker, "nonsense");
  run (f, worker, "INSERT INTO t SELECT count (*) FROM t");
  await_log (f, "connected begin done begin error:3 begin done ");
  g_assert_true (pg_worker_is_connected (worker));
  pg_kit_assert (kit, "SELECT n FROM t", "1\n1");
  pg_worker_free (worker, 0);
  g_assert_cmpuint (f->n_destroyed, ==, 3);
}

static gboolean
conflict_twice (PgConnection *connection, gpointer data, GError **error)
{
  Fixture *f = data;
  g_autoptr (PgRows) rows = NULL;

  rows = pg_connection_query (connection,
      f->n_attempts++ < 2 ? "DO $$ BEGIN RAISE USING ERRCODE = '40001'; END $$"
                          : "INSERT INTO t VALUES (1)",
      0, NULL, error);
  return rows != NULL;
}

/* Again, before any later job. */
static void
test_conflict (Fixture *f, gconstpointer data)
{
  PgWorker *worker = new_worker (f, NULL);

  pg_worker_run (worker, conflict_twice, NULL, f, NULL);
  run (f, worker, "INSERT INTO t SELECT n + 1 FROM t");
  await_log (f, "connected begin done ");
  g_assert_cmpuint (f->n_attempts, ==, 3);
  pg_kit_assert (kit, "SELECT n FROM t", "1\n2");
  pg_worker_free (worker, 0);
}

/* Lost in the middle of a job: it is done again, and told once. */
static void
test_kill (Fixture *f, gconstpointer data)
{
  PgWorker *worker = new_worker (f, NULL);

  run (f, worker,
      "WITH s AS (SELECT pg_sleep (0.5)) INSERT INTO t SELECT 1 FROM s");
  run (f, worker, "INSERT INTO t VALUES (2)");
  await_log (f, "connected begin ");
  pg_kit_kill (kit);
  await_log (f, "connected begin lost:0 connected begin done begin done ");
  pg_kit_assert (kit, "SELECT n FROM t", "1\n2");
  pg_worker_free (worker, 0);
}

/* Told once while it is away, and again when the reason is another one. */
static void
test_reasons (Fixture *f, gconstpointer data)
{
  PgWorker *worker;

  pg_kit_run (kit, "CREATE ROLE somebody LOGIN");
  {
    g_autofree char *conninfo =
        g_strdup_printf ("%s user=somebody", pg_kit_get_conninfo (kit));

    worker = pg_worker_new ("test", conninfo, NULL, &events, f);
  }
  await_log (f, "connected ");
  pg_kit_run (kit, "ALTER ROLE somebody NOLOGIN");
  pg_kit_kill (kit);
  await_log (f, "connected lost:0 lost:1 ");
  pg_kit_run (kit, "ALTER ROLE somebody LOGIN");
  await_log (f, "connected lost:0 lost:1 connected ");
  pg_worker_free (worker, 0);
  pg_kit_run (kit, "DROP ROLE somebody");
}

/* --- notifications and timers ----------------------------------------------- */

static void
test_notifications (Fixture *f, gconstpointer data)
{
  const char *const channels[] = {"one", "Two \"quoted\"", NULL};
  PgWorker *worker = new_worker (f, channels);

  await_log (f, "connected ");
  pg_kit_run (kit, "NOTIFY one, 'a'");
  await_log (f, "connected one:a ");
  pg_kit_run (kit, "NOTIFY \"Two \"\"quoted\"\"\", 'b'; NOTIFY other, 'c'");
  await_log (f, "connected one:a Two \"quoted\":b ");
  /* Together with the answer to a query of its own, so that the socket is
   * quiet afterwards. */
  run (f, worker, "SELECT pg_notify ('one', 'd')");
  await_log (f, "connected one:a Two \"quoted\":b begin done one:d ");
  pg_kit_kill (kit);
  await_log (
      f, "connected one:a Two \"quoted\":b begin done one:d lost:0 connected ");
  pg_kit_run (kit, "NOTIFY one, 'e'");
  await_log (f, "connected one:a Two \"quoted\":b begin done one:d lost:0 "
                "connected one:e ");
  pg_worker_free (worker, 0);
}

static gboolean
fail_once (PgConnection *connection, gpointer data, GError **error)
{
  Fixture *f = data;

  note (f, "connected");
  if (f->n_attempts++ > 0)
    return TRUE;
  g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA, "no tables");
  return FALSE;
}

/* Whatever the error is, it looks again later. */
static void
test_connected_fails (Fixture *f, gconstpointer data)
{
  PgWorkerEvents failing = {fail_once, NULL, lost};
  PgWorker *worker =
      pg_worker_new ("test", pg_kit_get_conninfo (kit), NULL, &failing, f);

  await_log (f, "connected lost:4 connected ");
  pg_worker_free (worker, 0);
}

static gboolean
tick (PgConnection *connection, gpointer data, GError **error)
{
  g_autoptr (PgRows) rows = pg_connection_query (
      connection, "INSERT INTO t VALUES (1)", 0, NULL, error);

  note (data, rows != NULL ? "tick" : "tock");
  return rows != NULL;
}

static void
test_timer (Fixture *f, gconstpointer data)
{
  PgWorker *worker =
      pg_worker_new ("test", pg_kit_get_conninfo (kit), NULL, NULL, NULL);

  pg_worker_add_timer (worker, 20, tick, f);
  await_begin (f, "tick tick tick ");
  /* An error of its own is no reason to stop. */
  pg_kit_run (kit, "ALTER TABLE t RENAME TO u");
  g_mutex_lock (&f->lock);
  g_string_truncate (f->log, 0);
  g_mutex_unlock (&f->lock);
  await_begin (f, "tock tock ");
  pg_kit_run (kit, "ALTER TABLE u RENAME TO t");
  pg_worker_free (worker, 0);
}

/* --- the end ---------------------------------------------------------------- */

/* What was queued a moment ago is done. */
static void
test_patience (Fixture *f, gconstpointer data)
{
  PgWorker *worker = new_worker (f, NULL);

  for (guint i = 0; i < 20; i++)
    run (f, worker, "INSERT INTO t VALUES (1)");
  pg_worker_free (worker, PATIENCE);
  g_assert_cmpuint (f->n_destroyed, ==, 20);
  pg_kit_assert (kit, "SELECT count (*) FROM t", "20");
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  PgWorker *worker = new_worker (f, NULL);

  run (f, worker, "SELECT pg_sleep (1000)");
  run (f, worker, "INSERT INTO t VALUES (1)");
  await_log (f, "connected begin ");
  g_assert_cmpuint (pg_worker_get_queued (worker), ==, 2);
  pg_worker_free (worker, 0);
  g_assert_cmpstr (f->log->str, ==, "connected begin ");
  g_assert_cmpuint (f->n_destroyed, ==, 2);
  pg_kit_assert (kit, "SELECT count (*) FROM t", "0");
}

/* A server that does not even take a connection. */
static void
test_cancel_connecting (Fixture *f, gconstpointer data)
{
  g_autofree char *pid = pg_kit_read (kit,
      "SELECT (regexp_match (pg_read_file ('postmaster.pid'), '^\\d+'))[1]");
  PgWorker *worker;

  g_assert_cmpint (kill (atoi (pid), SIGSTOP), ==, 0);
  worker = new_worker (f, NULL);
  run (f, worker, "INSERT INTO t VALUES (1)");
  pg_worker_free (worker, 10 * 1000);
  g_assert_cmpint (kill (atoi (pid), SIGCONT), ==, 0);
  g_assert_cmpstr (f->log->str, ==, "");
  g_assert_cmpuint (f->n_destroyed, ==, 1);
}

/* It does not wait for what is not there. */
static void
test_free_without_server (Fixture *f, gconstpointer data)
{
  PgWorker *worker = pg_worker_new ("test", "host=/nowhere", NULL, &events, f);

  run (f, worker, "SELECT 1");
  pg_worker_free (worker, G_MAXINT64 / 4);
  g_assert_cmpstr (f->log->str, ==, "lost:0 ");
  g_assert_cmpuint (f->n_destroyed, ==, 1);
  pg_worker_free (NULL, 0);
}

#define ADD(path, func)                                                        \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
  ADD ("/pgconnection/values", test_values);
  ADD ("/pgconnection/codes", test_codes);
  ADD ("/pgconnection/refusals", test_refusals);
  ADD ("/pgconnection/script", test_script);
  ADD ("/pgconnection/large", test_large);
  ADD ("/pgworker/order", test_order);
  ADD ("/pgworker/conflict", test_conflict);
  ADD ("/pgworker/kill", test_kill);
  ADD ("/pgworker/reasons", test_reasons);
  ADD ("/pgworker/notifications", test_notifications);
  ADD ("/pgworker/connected-fails", test_connected_fails);
  ADD ("/pgworker/timer", test_timer);
  ADD ("/pgworker/patience", test_patience);
  ADD ("/pgworker/cancel", test_cancel);
  ADD ("/pgworker/cancel-connecting", test_cancel_connecting);
  ADD ("/pgworker/free-without-server", test_free_without_server);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
