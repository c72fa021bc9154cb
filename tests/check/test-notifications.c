/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pgkit.h"

/* What data/sql/003-notifications.sql and 005-notice-codes.sql promise. */

#define JOBS                                                                   \
  "SELECT link, state, reason FROM wishcast.notification_job ORDER BY link"
#define PROGRESS                                                               \
  "SELECT state, cursor, pages, sent FROM wishcast.notification_job"
#define REFUSED                                                                \
  "SELECT user_id, username, language, reason "                                \
  "FROM wishcast.notification_refused ORDER BY user_id"

static PgKit *kit;

static void
set_up (void)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.notification_job CASCADE");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  pg_kit_add_game (kit, "portal", "Portal");
}

static void
add_broadcast (const char *link, const char *state, const char *visibility)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.broadcast (id, link, game, state, visibility, node,"
      " created_at, changed_at) VALUES (md5 ('%s')::uuid, '%s', 'half-life', "
      "'%s', '%s', 'node', now (), now ())",
      link, link, state, visibility);

  pg_kit_run (kit, sql);
}

/* @minutes: after a time. */
static void
file (const char *link, const char *game, guint minutes, const char *expected)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.file_notification (md5 ('%s')::uuid, '%s', '%s', "
      "'2026-01-01Z'::timestamptz + interval '%u minutes', '30 minutes')",
      link, link, game, minutes);

  pg_kit_assert (kit, sql, expected);
}

/* @expected: the link, or "". */
static void
lease (const char *node, const char *expected)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT link FROM wishcast.lease_notification ('%s', '1 hour')", node);

  pg_kit_assert (kit, sql, expected);
}

/* @cursor: with its quotes, or NULL. @refused: JSON. */
static void
advance (const char *node, guint pages, const char *cursor, guint sent,
    const char *refused, const char *expected)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.advance_notification (md5 ('a')::uuid, '%s', %u, %s, %u,"
      " '%s', '1 hour', %s)",
      node, pages, cursor != NULL ? cursor : "NULL", sent, refused,
      cursor == NULL ? "true" : "false");

  pg_kit_assert (kit, sql, expected);
}

static void
postpone (const char *node, const char *give_up)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.postpone_notification (md5 ('a')::uuid, '%s', 'status "
      "500', '1 hour', %s, 'status-500')",
      node, give_up);

  pg_kit_run (kit, sql);
}

static void
cancel (const char *expected)
{
  pg_kit_assert (kit, "SELECT wishcast.cancel_notification ('a')", expected);
}

static void
retry (const char *expected)
{
  pg_kit_assert (kit, "SELECT wishcast.retry_notification ('a')", expected);
}

static void
expire_lease (void)
{
  pg_kit_run (kit, "UPDATE wishcast.notification_job SET lease_until = now () "
                   "- interval '1 second'");
}

/* A job that can be leased. */
static void
file_job (void)
{
  set_up ();
  add_broadcast ("a", "live", "public");
  file ("a", "half-life", 0, "filed");
}

/* --- Filing ---------------------------------------------------------------------*/

static void
test_once (void)
{
  set_up ();
  file ("a", "half-life", 0, "filed");
  file ("a", "half-life", 0, "filed-before");
  file ("a", "half-life", 1000, "filed-before");
  file ("a", "portal", 1000, "filed-before");
  pg_kit_assert (kit, JOBS, "a|pending|-");
}

static void
test_quiet (void)
{
  set_up ();
  file ("a", "half-life", 0, "filed");
  file ("b", "half-life", 29, "quiet");
  file ("c", "portal", 29, "filed");
  /* It is the last notice that counts, and "b" was none. */
  file ("d", "half-life", 31, "filed");
  /* Written late, about what was before "d". */
  file ("e", "half-life", 30, "quiet");
  file ("b", "half-life", 1000, "filed-before");
  pg_kit_assert (kit, JOBS,
      "a|pending|-\nb|skipped|quiet\nc|pending|-\nd|pending|-\n"
      "e|skipped|quiet");
}

static void
test_no_game (void)
{
  set_up ();
  file ("a", "quake", 0, "no-game");
  pg_kit_assert (kit, JOBS, "");
}

static void
test_late (void)
{
  set_up ();
  add_broadcast ("a", "ended", "public");
  file ("a", "half-life", 0, "late");
  /* Nobody was told, so the next one is. */
  file ("b", "half-life", 1, "filed");
  pg_kit_assert (kit, JOBS, "a|skipped|ended\nb|pending|-");
}

static gpointer
file_beside (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);
  g_autoptr (PgRows) rows = NULL;

  g_assert_no_error (error);
  rows = pg_connection_query (connection,
      "SELECT wishcast.file_notification (md5 ('b')::uuid, 'b', 'half-life', "
      "'2026-01-01Z', '30 minutes')",
      0, NULL, &error);
  g_assert_no_error (error);
  return g_strdup (pg_rows_get (rows, 0, 0));
}

/* Of two at a time, one is told of. */
static void
test_at_a_time (void)
{
  g_autofree char *answer = NULL;
  GThread *thread;

  set_up ();
  pg_kit_run (kit, "BEGIN");
  file ("a", "half-life", 0, "filed");
  thread = g_thread_new ("beside", file_beside, NULL);
  pg_kit_await (kit,
      "SELECT count (*) FROM pg_locks WHERE locktype = 'advisory' "
      "AND NOT granted",
      "1");
  pg_kit_run (kit, "COMMIT");
  answer = g_thread_join (thread);
  g_assert_cmpstr (answer, ==, "quiet");
}

/* --- Taking ---------------------------------------------------------------------*/

/* The job may be written first. */
static void
test_before_the_row (void)
{
  set_up ();
  file ("a", "half-life", 0, "filed");
  lease ("node-1", "");
  add_broadcast ("a", "starting", "public");
  lease ("node-1", "a");
}

static void
test_skipped (void)
{
  set_up ();
  file ("a", "half-life", 0, "filed");
  file ("b", "half-life", 100, "filed");
  file ("c", "half-life", 200, "filed");
  add_broadcast ("a", "live", "hidden");
  add_broadcast ("b", "live", "rehearsal");
  add_broadcast ("c", "ended", "public");
  lease ("node-1", "");
  pg_kit_assert (
      kit, JOBS, "a|skipped|hidden\nb|skipped|hidden\nc|skipped|ended");
  retry ("f");
}

/* Over when some have been told: so are the others. */
static void
test_over_meanwhile (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, "'u1'", 1, "[]", "t");
  pg_kit_run (kit, "UPDATE wishcast.broadcast SET state = 'ended'");
  expire_lease ();
  lease ("node-2", "a");
}

static void
test_lease (void)
{
  file_job ();
  lease ("node-1", "a");
  lease ("node-2", "");
  expire_lease ();
  lease ("node-2", "a");
  advance ("node-1", 0, "'u1'", 1, "[]", "f");
  advance ("node-2", 0, "'u1'", 1, "[]", "t");
  /* What is lost is the answer. */
  advance ("node-2", 0, "'u1'", 1, "[]", "f");
  pg_kit_assert (kit, PROGRESS, "running|u1|1|1");
}

/* It has been killed: nobody else has the name. */
static void
test_own_lease (void)
{
  file_job ();
  lease ("node-1", "a");
  lease ("node-1", "a");
}

static void
test_release (void)
{
  file_job ();
  lease ("node-1", "a");
  pg_kit_run (
      kit, "SELECT wishcast.release_notification (md5 ('a')::uuid, 'node-2')");
  lease ("node-2", "");
  pg_kit_run (
      kit, "SELECT wishcast.release_notification (md5 ('a')::uuid, 'node-1')");
  lease ("node-2", "a");
}

static void
test_two_jobs (void)
{
  file_job ();
  add_broadcast ("b", "live", "public");
  file ("b", "half-life", 100, "filed");
  lease ("node-1", "a");
  lease ("node-2", "b");
  lease ("node-3", "");
}

/* --- Progress -------------------------------------------------------------------*/

static void
test_done (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, "'u5'", 5, "[]", "t");
  advance ("node-1", 1, NULL, 2, "[]", "t");
  pg_kit_assert (kit, PROGRESS, "done|u5|2|7");
  pg_kit_assert (kit,
      "SELECT finished_at IS NULL, lease_until FROM wishcast.notification_job",
      "f|-");
  advance ("node-1", 2, NULL, 2, "[]", "f");
  lease ("node-1", "");
  retry ("f");
}

#define PROBLEM                                                                \
  "SELECT state, failures, problem, wishcast.notification_json (j) ->> "       \
  "'problemCode' FROM wishcast.notification_job j"

static void
test_postpone (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, "'u5'", 5, "[]", "t");
  postpone ("node-2", "NULL");
  pg_kit_assert (kit, PROGRESS, "running|u5|1|5");
  postpone ("node-1", "NULL");
  pg_kit_assert (kit, PROBLEM, "pending|1|status 500|status-500");
  lease ("node-1", "");
  /* It need not wait, if somebody says so. */
  retry ("t");
  lease ("node-1", "a");
  advance ("node-1", 1, "'u6'", 1, "[]", "t");
  pg_kit_assert (kit, PROBLEM, "running|0|-|-");
}

static void
test_give_up (void)
{
  file_job ();
  lease ("node-1", "a");
  postpone ("node-1", "'disabled'");
  pg_kit_assert (kit, JOBS, "a|cancelled|disabled");
  lease ("node-1", "");
}

static void
test_cancel (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, "'u5'", 5, "[]", "t");
  cancel ("t");
  cancel ("f");
  pg_kit_assert (kit, JOBS, "a|cancelled|operator");
  advance ("node-1", 1, "'u6'", 1, "[]", "f");
  postpone ("node-1", "NULL");
  lease ("node-1", "");
  retry ("t");
  retry ("t");
  lease ("node-1", "a");
  retry ("f");
  pg_kit_assert (kit, PROGRESS, "running|u5|1|5");
}

/* --- The refused ----------------------------------------------------------------*/

static void
test_refused (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, "'u5'", 3,
      "[{\"user_id\": \"u2\", \"username\": \"O''Neil\", \"language\": null, "
      "\"reason\": \"status 400\"}, {\"user_id\": \"u4\", \"username\": \"B\", "
      "\"language\": \"ru\", \"reason\": \"status 422\"}]",
      "t");
  advance ("node-1", 1, NULL, 1,
      "[{\"user_id\": \"u7\", \"username\": \"C\", \"reason\": \"status "
      "400\"}]",
      "t");
  pg_kit_assert (kit, REFUSED,
      "u2|O'Neil|-|status 400\nu4|B|ru|status 422\nu7|C|-|status 400");
  retry ("t");
  pg_kit_assert (kit,
      "SELECT state, retrying, cursor, pages FROM wishcast.notification_job",
      "pending|t|-|2");
  lease ("node-1", "a");
  /* u2 is taken now, u4 is not. */
  advance ("node-1", 2, "'u4'", 1,
      "[{\"user_id\": \"u4\", \"username\": \"B\", \"reason\": \"again\"}]",
      "t");
  pg_kit_assert (kit, REFUSED, "u4|B|-|again\nu7|C|-|status 400");
  advance ("node-1", 3, NULL, 1, "[]", "t");
  pg_kit_assert (kit, REFUSED, "u4|B|-|again");
  pg_kit_assert (kit,
      "SELECT state, retrying, pages, sent FROM wishcast.notification_job",
      "done|f|4|6");
}

/* By two ways, or twice on the page. */
static void
test_refused_twice (void)
{
  file_job ();
  lease ("node-1", "a");
  advance ("node-1", 0, NULL, 0,
      "[{\"user_id\": \"u2\", \"username\": \"A\", \"reason\": \"first\"}, "
      "{\"user_id\": \"u2\", \"username\": \"A\", \"reason\": \"second\"}]",
      "t");
  pg_kit_assert (
      kit, "SELECT user_id FROM wishcast.notification_refused", "u2");
}

/* What the API tells of how far it is. */
static void
test_progress (void)
{
  static const char figures[] =
      "SELECT p ->> 'sent', p ->> 'refused', p ->> 'left', p ->> 'rate', "
      "p ->> 'secondsLeft' FROM (SELECT wishcast.notification_json (j) AS p "
      "FROM wishcast.notification_job j) AS jobs";

  file_job ();
  pg_kit_assert (kit, figures, "0|0|-|-|-");
  lease ("n", "a");
  pg_kit_run (kit, "UPDATE wishcast.notification_job SET total = 100");
  advance ("n", 0, "'b'", 59,
      "[{\"user_id\": \"b\", \"username\": \"B\", \"reason\": \"no\"}]", "t");
  /* In one statement, whose time stands still. */
  pg_kit_assert (kit,
      "WITH j AS (UPDATE wishcast.notification_job SET started_at = "
      "now () - interval '10 s' RETURNING *) "
      "SELECT p ->> 'sent', p ->> 'refused', p ->> 'left', p ->> 'rate', "
      "p ->> 'secondsLeft' FROM (SELECT wishcast.notification_json "
      "(ROW (j.*)::wishcast.notification_job) AS p FROM j) AS jobs",
      "59|1|40|5.9|7");
  advance ("n", 1, NULL, 40, "[]", "t");
  pg_kit_assert (kit,
      "SELECT p ->> 'left', p ->> 'secondsLeft' FROM (SELECT "
      "wishcast.notification_json (j) AS p FROM wishcast.notification_job j) "
      "AS jobs",
      "-|-");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
#define ADD(path, func) g_test_add_func ("/notifications/" path, func)
  ADD ("once", test_once);
  ADD ("quiet", test_quiet);
  ADD ("no-game", test_no_game);
  ADD ("late", test_late);
  ADD ("at-a-time", test_at_a_time);
  ADD ("before-the-row", test_before_the_row);
  ADD ("skipped", test_skipped);
  ADD ("over-meanwhile", test_over_meanwhile);
  ADD ("lease", test_lease);
  ADD ("own-lease", test_own_lease);
  ADD ("release", test_release);
  ADD ("two-jobs", test_two_jobs);
  ADD ("done", test_done);
  ADD ("progress", test_progress);
  ADD ("postpone", test_postpone);
  ADD ("give-up", test_give_up);
  ADD ("cancel", test_cancel);
  ADD ("refused", test_refused);
  ADD ("refused-twice", test_refused_twice);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
