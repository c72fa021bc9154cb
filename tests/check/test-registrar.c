/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "registrar.h"

#include <string.h>

#include "link.h"
#include "pgkit.h"

#define PATIENCE (20 * G_USEC_PER_SEC)
/* 2026-01-01 00:00:00 UTC, us since 1970 */
#define EPOCH G_GINT64_CONSTANT (1767225600000000)
#define SECONDS(n) (EPOCH + (n)*G_USEC_PER_SEC)

/* What the registrar answered, in the order it did. */
typedef struct {
  GMutex lock;
  GCond cond;
  GString *answers; /* e.g. "live:written " */
  guint n_answers, n_destroyed;
} Log;

typedef struct {
  Log *log;
  char *label;
} Told;

static PgKit *kit;

static void
set_up (Log *log, gconstpointer data)
{
  g_mutex_init (&log->lock);
  g_cond_init (&log->cond);
  log->answers = g_string_new (NULL);
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.outbox RESTART IDENTITY");
  pg_kit_add_game (kit, "half-life", "Half-Life");
}

static void
tear_down (Log *log, gconstpointer data)
{
  g_string_free (log->answers, TRUE);
  g_mutex_clear (&log->lock);
  g_cond_clear (&log->cond);
}

static void
told (RegistrarAnswer answer, const char *detail, gpointer data)
{
  static const char *const names[] = {
      "written", "elsewhere", "over", "no-game", "failed"};
  Told *t = data;

  g_assert_cmpint (detail != NULL, ==, answer == REGISTRAR_FAILED);
  g_mutex_lock (&t->log->lock);
  g_string_append_printf (t->log->answers, "%s:%s ", t->label, names[answer]);
  t->log->n_answers++;
  g_cond_broadcast (&t->log->cond);
  g_mutex_unlock (&t->log->lock);
}

static void
told_free (gpointer data)
{
  Told *t = data;

  g_mutex_lock (&t->log->lock);
  t->log->n_destroyed++;
  g_cond_broadcast (&t->log->cond);
  g_mutex_unlock (&t->log->lock);
  g_free (t->label);
  g_free (t);
}

/* @at: seconds after EPOCH. */
static void
write_full (Registrar *registrar, Log *log, const char *link, const char *node,
    const char *game, BroadcastState state, gint64 at, const char *reason)
{
  g_autofree char *id = link_to_uuid (link);
  BroadcastChange change = {
      .link = link,
      .id = id,
      .game = game,
      .title = "A title",
      .visibility = "public",
      .node = node,
      .state = state,
      .at = SECONDS (at),
      .resume_until = state == BROADCAST_INTERRUPTED ? SECONDS (at + 90) : 0,
      .reason = reason,
  };
  Told *t = g_new0 (Told, 1);

  t->log = log;
  t->label = g_strdup (broadcast_state_to_string (state));
  registrar_write (registrar, &change, told, t, told_free);
}

static void
write_state (Registrar *registrar, Log *log, const char *link,
    BroadcastState state, gint64 at)
{
  write_full (registrar, log, link, "node", "half-life", state, at,
      state == BROADCAST_ENDED ? "stream-ended" : NULL);
}

static void
await_answers (Log *log, guint n, const char *expected)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&log->lock);
  while (log->n_answers < n || log->n_destroyed < n)
    if (!g_cond_wait_until (&log->cond, &log->lock, deadline))
      g_assert_not_reached ();
  g_assert_cmpstr (log->answers->str, ==, expected);
  g_mutex_unlock (&log->lock);
}

static void
await_connected (Registrar *registrar)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (!registrar_is_connected (registrar)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10 * 1000);
  }
}

static void
await_disconnected (Registrar *registrar)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (registrar_is_connected (registrar)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10 * 1000);
  }
}

#define ROW                                                                    \
  "SELECT state, extract (epoch FROM created_at - '2026-01-01Z')::int,"        \
  "  extract (epoch FROM started_at - '2026-01-01Z')::int,"                    \
  "  extract (epoch FROM changed_at - '2026-01-01Z')::int,"                    \
  "  extract (epoch FROM ended_at - '2026-01-01Z')::int, end_reason,"          \
  "  extract (epoch FROM resume_until - '2026-01-01Z')::int,"                  \
  "  lease_until > now () FROM wishcast.broadcast WHERE link = 'a'"
#define EVENTS "SELECT event, link FROM wishcast.outbox ORDER BY id"

static void
test_life (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_STARTING, 1);
  await_answers (log, 1, "starting:written ");
  pg_kit_assert (kit, ROW, "starting|1|-|1|-|-|-|t");
  write_state (registrar, log, "a", BROADCAST_LIVE, 2);
  await_answers (log, 2, "starting:written live:written ");
  pg_kit_assert (kit, ROW, "live|1|2|2|-|-|-|t");
  write_state (registrar, log, "a", BROADCAST_INTERRUPTED, 3);
  await_answers (log, 3, "starting:written live:written interrupted:written ");
  pg_kit_assert (kit, ROW, "interrupted|1|2|3|-|-|93|-");
  write_state (registrar, log, "a", BROADCAST_LIVE, 4);
  await_answers (log, 4,
      "starting:written live:written interrupted:written live:written ");
  pg_kit_assert (kit, ROW, "live|1|2|4|-|-|-|t");
  write_state (registrar, log, "a", BROADCAST_ENDED, 5);
  await_answers (log, 5,
      "starting:written live:written interrupted:written live:written "
      "ended:written ");
  pg_kit_assert (kit, ROW, "ended|1|2|5|5|stream-ended|-|-");
  pg_kit_assert (kit, EVENTS,
      "broadcast.starting|a\nbroadcast.live|a\nbroadcast.interrupted|a\n"
      "broadcast.live|a\nbroadcast.ended|a");
  g_assert_cmpuint (registrar_get_queued (registrar), ==, 0);
}

/* The publisher comes and goes while the server is away: one row, right, and
 * the first `live` is not lost. */
static void
test_away (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  await_connected (registrar);
  pg_kit_stop (kit);
  await_disconnected (registrar);
  write_state (registrar, log, "a", BROADCAST_STARTING, 1);
  for (guint i = 0; i < 100; i++) {
    write_state (registrar, log, "a", BROADCAST_LIVE, 2 + 2 * i);
    write_state (registrar, log, "a", BROADCAST_INTERRUPTED, 3 + 2 * i);
  }
  write_state (registrar, log, "b", BROADCAST_STARTING, 7);
  g_assert_cmpuint (registrar_get_queued (registrar), ==, 2);
  pg_kit_start (kit);
  await_answers (log, 2, "interrupted:written starting:written ");
  pg_kit_assert (kit, ROW, "interrupted|1|2|201|-|-|291|-");
  pg_kit_assert (kit, EVENTS, "broadcast.interrupted|a\nbroadcast.starting|b");
  g_assert_cmpuint (log->n_destroyed, ==, 202);
}

/* An end is not superseded by what comes after it. */
static void
test_end_stays (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  await_connected (registrar);
  pg_kit_stop (kit);
  await_disconnected (registrar);
  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  write_full (registrar, log, "a", "node", "half-life", BROADCAST_ENDED, 2,
      "developer");
  write_state (registrar, log, "a", BROADCAST_INTERRUPTED, 3);
  write_state (registrar, log, "a", BROADCAST_STARTING, 4);
  pg_kit_start (kit);
  await_answers (log, 2, "ended:written starting:over ");
  pg_kit_assert (kit, ROW, "ended|1|1|2|2|developer|-|-");
}

static void
test_answers (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_full (registrar, log, "a", "node", "nope", BROADCAST_STARTING, 1, NULL);
  await_answers (log, 1, "starting:no-game ");
  write_state (registrar, log, "a", BROADCAST_LIVE, 2);
  await_answers (log, 2, "starting:no-game live:written ");
  write_full (
      registrar, log, "a", "other", "half-life", BROADCAST_LIVE, 3, NULL);
  await_answers (log, 3, "starting:no-game live:written live:elsewhere ");
  write_full (registrar, log, "a", "node", "half-life", BROADCAST_ENDED, 4,
      "nonsense\xff");
  await_answers (
      log, 4, "starting:no-game live:written live:elsewhere ended:failed ");
  write_state (registrar, log, "a", BROADCAST_ENDED, 5);
  write_state (registrar, log, "b", BROADCAST_ENDED, 5);
  await_answers (log, 6,
      "starting:no-game live:written live:elsewhere ended:failed "
      "ended:written ended:written ");
  /* Twice is no mistake, but it does not begin again. */
  write_state (registrar, log, "a", BROADCAST_ENDED, 6);
  await_answers (log, 7,
      "starting:no-game live:written live:elsewhere ended:failed "
      "ended:written ended:written ended:written ");
  write_state (registrar, log, "a", BROADCAST_STARTING, 7);
  await_answers (log, 8,
      "starting:no-game live:written live:elsewhere ended:failed "
      "ended:written ended:written ended:written starting:over ");
  pg_kit_assert (kit, ROW, "ended|2|2|5|5|stream-ended|-|-");
}

static guint
index_of (const char *text, const char *what)
{
  const char *found = strstr (text, what);

  g_assert_nonnull (found);
  return (guint)(found - text);
}

/* kill -9 again and again while many links change. */
static void
test_kills (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));
  g_autofree char *events = NULL;

  for (guint round = 0; round < 3; round++) {
    await_connected (registrar);
    for (guint i = 0; i < 100; i++) {
      g_autofree char *link = g_strdup_printf ("%u-%u", round, i);

      write_state (registrar, log, link, BROADCAST_STARTING, 1);
      write_state (registrar, log, link, BROADCAST_LIVE, 2);
      if (i == 20)
        pg_kit_kill (kit);
      if (i % 2 == 0)
        write_state (registrar, log, link, BROADCAST_ENDED, 3);
    }
  }
  pg_kit_await (kit,
      "SELECT state, started_at = '2026-01-01 00:00:02Z', count (*) "
      "FROM wishcast.broadcast GROUP BY 1, 2 ORDER BY 1",
      "ended|t|150\nlive|t|150");
  /* For each link the events come in the order of its life, none twice. */
  events = pg_kit_read (kit,
      "SELECT link || ':' || string_agg (substr (event, 11), ' ' ORDER BY id) "
      "FROM wishcast.outbox GROUP BY link ORDER BY link");
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < 100; i++) {
      g_autofree char *line = g_strdup_printf ("%u-%u:", round, i);
      g_autofree char *life = g_strndup (events + index_of (events, line),
          strcspn (events + index_of (events, line), "\n"));

      g_assert_true (g_regex_match_simple (
          i % 2 == 0 ? ":(starting )?(live )?ended$" : ":(starting )?live$",
          life, 0, 0));
    }
}

/* What is on air is told again when the database lost it: by a sweeper that
 * took the node for dead, while it was away. */
static void
test_revival (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_STARTING, 1);
  await_answers (log, 1, "starting:written ");
  write_state (registrar, log, "a", BROADCAST_LIVE, 2);
  await_answers (log, 2, "starting:written live:written ");
  pg_kit_run (kit, "UPDATE wishcast.broadcast SET lease_until = '2026-01-01Z'");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '5 s')", "2");
  pg_kit_assert (kit, ROW, "ended|1|2|90|90|node-lost|-|-");
  /* Reconnecting looks at once, instead of when the renewal is due. */
  pg_kit_kill (kit);
  pg_kit_await (kit, ROW, "live|1|2|2|-|-|-|t");
  pg_kit_assert (kit, EVENTS " DESC LIMIT 1", "broadcast.live|a");
  g_assert_cmpuint (log->n_answers, ==, 2);
}

static void
test_leases (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  write_state (registrar, log, "b", BROADCAST_INTERRUPTED, 1);
  write_state (registrar, log, "c", BROADCAST_STARTING, 1);
  await_answers (log, 3, "live:written interrupted:written starting:written ");
  pg_kit_run (kit, "UPDATE wishcast.broadcast SET lease_until = now () + "
                   "interval '1 ms' WHERE lease_until IS NOT NULL");
  pg_kit_await (kit,
      "SELECT link FROM wishcast.broadcast WHERE "
      "lease_until > now () + interval '10 s' ORDER BY link",
      "a\nc");
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.outbox", "3");
}

static void
test_sweep (Log *log, gconstpointer data)
{
  Registrar *registrar = registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  write_state (registrar, log, "b", BROADCAST_INTERRUPTED, 1);
  await_answers (log, 2, "live:written interrupted:written ");
  registrar_unref (registrar);

  pg_kit_run (kit, "UPDATE wishcast.broadcast SET lease_until = now () - "
                   "interval '4 s' WHERE link = 'a'");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '5 s')", "1");
  pg_kit_assert (kit,
      "SELECT link, state, end_reason FROM wishcast.broadcast "
      "ORDER BY link",
      "a|live|-\nb|ended|node-lost");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '3 s')", "1");
  pg_kit_assert (kit,
      "SELECT state, resume_until - changed_at, lease_until "
      "FROM wishcast.broadcast WHERE link = 'a'",
      "interrupted|00:01:30|-");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '3 s')", "0");
}

static void
test_health (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  registrar_write_health (registrar, "a", "[{\"code\": \"old\"}]");
  pg_kit_await (
      kit, "SELECT health FROM wishcast.broadcast", "[{\"code\": \"old\"}]");
  pg_kit_stop (kit);
  for (guint i = 0; i <= 1000; i++) {
    g_autofree char *json = g_strdup_printf ("[%u]", i);

    registrar_write_health (registrar, "a", json);
  }
  registrar_write_health (registrar, "nobody", "[]");
  registrar_write_health (registrar, "nonsense", "[");
  pg_kit_start (kit);
  pg_kit_await (kit, "SELECT health FROM wishcast.broadcast", "[1000]");
  /* It is no event. */
  pg_kit_assert (kit, EVENTS, "broadcast.live|a");
}

static gpointer
write_on_thread (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 50; i++) {
    g_autofree char *link = g_strdup_printf ("%s-%u", (char *)data, i);
    g_autofree char *id = link_to_uuid (link);
    const char *values[] = {id, link, data};
    g_autoptr (PgRows) rows = pg_connection_query (connection,
        "SELECT wishcast.set_state ($1, $2, 'half-life', NULL, '', 'public', "
        "$3, NULL, 'live', now (), '15 s', NULL, NULL), pg_sleep (random () "
        "/ 500)",
        3, values, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (pg_rows_get (rows, 0, 0), ==, "written");
  }
  return NULL;
}

/* Who reads by `id > last` while others write misses none. */
static void
test_outbox_order (Log *log, gconstpointer data)
{
  const char *const nodes[] = {"x", "y", "z"};
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GThread *threads[G_N_ELEMENTS (nodes)];
  g_autofree char *last = g_strdup ("0");
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    threads[i] = g_thread_new (nodes[i], write_on_thread, (gpointer)nodes[i]);
  while (g_hash_table_size (seen) < 150) {
    g_autofree char *sql = g_strdup_printf (
        "SELECT id, link FROM wishcast.outbox WHERE id > %s ORDER BY id", last);
    g_autoptr (PgRows) rows = pg_kit_query (kit, sql);

    for (guint i = 0; i < pg_rows_count (rows); i++) {
      g_free (last);
      last = g_strdup (pg_rows_get (rows, i, 0));
      g_assert_true (
          g_hash_table_add (seen, g_strdup (pg_rows_get (rows, i, 1))));
    }
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    g_thread_join (threads[i]);
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.outbox", "150");
}

static void
test_request_end (Log *log, gconstpointer data)
{
  g_autoptr (Registrar) registrar =
      registrar_acquire (pg_kit_get_conninfo (kit));

  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  await_answers (log, 1, "live:written ");
  pg_kit_assert (kit, "SELECT wishcast.request_end ('a')", "t");
  pg_kit_assert (kit, "SELECT wishcast.request_end ('b')", "f");
  pg_kit_assert (kit,
      "SELECT state, end_requested_at IS NOT NULL FROM "
      "wishcast.broadcast",
      "live|t");
  write_state (registrar, log, "a", BROADCAST_ENDED, 2);
  await_answers (log, 2, "live:written ended:written ");
  pg_kit_assert (kit, "SELECT wishcast.request_end ('a')", "f");
}

/* The last one to leave writes what there is to write. */
static void
test_last_words (Log *log, gconstpointer data)
{
  for (guint i = 0; i < 20; i++) {
    Registrar *registrar = registrar_acquire (pg_kit_get_conninfo (kit));
    g_autofree char *link = g_strdup_printf ("link-%u", i);

    write_state (registrar, log, link, BROADCAST_ENDED, 1);
    registrar_unref (registrar);
  }
  g_assert_cmpuint (log->n_answers, ==, 20);
  g_assert_cmpuint (log->n_destroyed, ==, 20);
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.broadcast", "20");
}

/* Nobody there: it does not hang, and nothing leaks. */
static void
test_nobody (Log *log, gconstpointer data)
{
  Registrar *registrar = registrar_acquire ("host=/nowhere");
  Registrar *same = registrar_acquire ("host=/nowhere");

  g_assert_true (registrar == same);
  registrar_unref (same);
  write_state (registrar, log, "a", BROADCAST_LIVE, 1);
  write_state (registrar, log, "a", BROADCAST_ENDED, 1);
  write_state (registrar, log, "a", BROADCAST_STARTING, 1);
  registrar_write_health (registrar, "a", "[]");
  registrar_unref (registrar);
  g_assert_cmpuint (log->n_answers, ==, 0);
  g_assert_cmpuint (log->n_destroyed, ==, 3);
}

static void
test_bound (Log *log, gconstpointer data)
{
  Registrar *registrar = registrar_acquire ("host=/nowhere");

  for (guint i = 0; i < REGISTRAR_MAX_QUEUED + 2; i++) {
    g_autofree char *link = g_strdup_printf ("link-%u", i);

    write_state (registrar, log, link, BROADCAST_LIVE, 1);
  }
  g_assert_cmpstr (log->answers->str, ==, "live:failed live:failed ");
  g_assert_cmpuint (registrar_get_queued (registrar), ==, REGISTRAR_MAX_QUEUED);
  registrar_unref (registrar);
  g_assert_cmpuint (log->n_destroyed, ==, REGISTRAR_MAX_QUEUED + 2);
}

#define ADD(path, func) g_test_add (path, Log, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
  ADD ("/registrar/life", test_life);
  ADD ("/registrar/answers", test_answers);
  ADD ("/registrar/away", test_away);
  ADD ("/registrar/end-stays", test_end_stays);
  ADD ("/registrar/kills", test_kills);
  ADD ("/registrar/revival", test_revival);
  ADD ("/registrar/leases", test_leases);
  ADD ("/registrar/sweep", test_sweep);
  ADD ("/registrar/health", test_health);
  ADD ("/registrar/outbox-order", test_outbox_order);
  ADD ("/registrar/request-end", test_request_end);
  ADD ("/registrar/last-words", test_last_words);
  ADD ("/registrar/nobody", test_nobody);
  ADD ("/registrar/bound", test_bound);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
