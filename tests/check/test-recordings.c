/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Until when a recording is kept, as the tables tell it. */

#include <glib/gstdio.h>
#include <string.h>

#include "migrations.h"
#include "pgkit.h"

#define EXPIRES                                                                \
  "SELECT wishcast.broadcast_json (b)->>'recordingExpires' "                   \
  "FROM wishcast.broadcast b"

static PgKit *kit;

static void
set_up (void)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.outbox RESTART IDENTITY;");
  pg_kit_add_game (kit, "portal", "Portal");
}

/* As its node would write it. */
static void
set_state (const char *state, const char *at)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.set_state (md5 ('a')::uuid, 'a', 'portal', NULL, '', "
      "'public', 'node-a', NULL, '%s', '%s', '15 s', NULL, 'developer')",
      state, at);

  pg_kit_assert (kit, sql, "written");
}

/* The end decides, and who waits for events is told with it. */
static void
test_fixed (void)
{
  set_up ();
  set_state ("live", "2026-03-01 18:00Z");
  pg_kit_assert (kit, EXPIRES, "-");
  set_state ("ended", "2026-03-01 19:30:00.5Z");
  pg_kit_assert (kit, EXPIRES, "2026-03-08T19:30:00.500Z");
  pg_kit_assert (kit,
      "SELECT event, data->>'recordingExpires' FROM wishcast.outbox "
      "ORDER BY id",
      "broadcast.live|-\nbroadcast.ended|2026-03-08T19:30:00.500Z");

  pg_kit_run (kit, "UPDATE wishcast.game SET recording_kept = '1 hour'");
  pg_kit_run (kit, "UPDATE wishcast.broadcast SET title = 'Renamed'");
  set_state ("ended", "2026-03-01 20:30Z");
  pg_kit_assert (kit, EXPIRES, "2026-03-08T19:30:00.500Z");
}

/* Told when all is over, of a broadcast that the database never heard of. */
static void
test_told_late (void)
{
  set_up ();
  pg_kit_run (kit, "UPDATE wishcast.game SET recording_kept = '90 minutes'");
  set_state ("ended", "2026-03-01 19:30Z");
  pg_kit_assert (kit, EXPIRES, "2026-03-01T21:00:00.000Z");
}

/* A node that was taken for dead goes on with its broadcast. */
static void
test_revived (void)
{
  set_up ();
  set_state ("live", "2026-03-01 18:00Z");
  pg_kit_run (kit, "UPDATE wishcast.broadcast SET lease_until = "
                   "'2026-03-01 18:10Z'");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '5 s')", "2");
  pg_kit_assert (kit, EXPIRES, "2026-03-08T18:11:30.000Z");

  pg_kit_run (kit, "UPDATE wishcast.game SET recording_kept = '1 day'");
  set_state ("live", "2026-03-01 18:20Z");
  pg_kit_assert (kit, EXPIRES, "-");
  set_state ("ended", "2026-03-01 19:00Z");
  pg_kit_assert (kit, EXPIRES, "2026-03-02T19:00:00.000Z");
}

static void
test_no_time_below_zero (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);
  g_autoptr (PgRows) rows = NULL;

  set_up ();
  rows = pg_connection_query (connection,
      "UPDATE wishcast.game SET recording_kept = '-1 s'", 0, NULL, &error);
  g_assert_null (rows);
  g_assert_nonnull (strstr (error->message, "recording_kept"));
}

static void
migrate (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);

  g_assert_no_error (error);
  migrations_apply (connection, dir, NULL, &error);
  g_assert_no_error (error);
}

/* The first of the migrations alone, as an older version had it. */
static void
migrate_as_before (void)
{
  g_autofree char *dir = g_dir_make_tmp ("wishcast-sql-XXXXXX", NULL);
  g_autofree char *from =
      g_build_filename (g_getenv ("SQL_DIR"), "001-broadcasts.sql", NULL);
  g_autofree char *to = g_build_filename (dir, "001-broadcasts.sql", NULL);
  g_autofree char *sql = NULL;

  g_assert_true (g_file_get_contents (from, &sql, NULL, NULL));
  g_assert_true (g_file_set_contents (to, sql, -1, NULL));
  migrate (dir);
  g_assert_cmpint (g_unlink (to), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* What ended before the tables knew of it. */
static void
test_migrated (void)
{
  pg_kit_run (kit, "DROP SCHEMA wishcast CASCADE");
  migrate_as_before ();
  pg_kit_add_game (kit, "portal", "Portal");
  pg_kit_run (kit,
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,"
      " changed_at, ended_at) SELECT md5 (link)::uuid, link, 'portal', state, "
      "'node-a', now (), now (), ended_at::timestamptz FROM (VALUES "
      "('a', 'ended', '2026-03-01 19:30Z'), ('b', 'live', NULL), "
      "('c', 'ended', '2026-04-01 10:00Z')) v (link, state, ended_at)");
  migrate (g_getenv ("SQL_DIR"));
  pg_kit_assert (kit, EXPIRES " ORDER BY link",
      "2026-03-08T19:30:00.000Z\n-\n2026-04-08T10:00:00.000Z");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
  g_test_add_func ("/recordings/fixed", test_fixed);
  g_test_add_func ("/recordings/told-late", test_told_late);
  g_test_add_func ("/recordings/revived", test_revived);
  g_test_add_func ("/recordings/no-time-below-zero", test_no_time_below_zero);
  g_test_add_func ("/recordings/migrated", test_migrated);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
