/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pgkit.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "migrations.h"
#include "privatepostgres.h"

#define PATIENCE (20 * G_USEC_PER_SEC)

struct _PgKit {
  char *dir;
  GSubprocess *cleaner; /* removes it when we are gone, however we end */
  char *conninfo;
  PrivatePostgres *postgres;
  PgConnection *connection; /* of the test, opened when it is needed */
};

static void
migrate (PgKit *kit)
{
  const char *dir = g_getenv ("SQL_DIR");
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (kit->conninfo, &error);

  g_assert_no_error (error);
  g_assert_nonnull (dir);
  migrations_apply (connection, dir, NULL, &error);
  g_assert_no_error (error);
}

/* Its input ends with us. A server that is shutting down still makes files. */
static void
start_cleaner (PgKit *kit)
{
  g_autoptr (GError) error = NULL;

  kit->cleaner =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "setsid", "sh",
          "-c", "cat; until rm -rf \"$0\" 2>/dev/null; do sleep 0.1; done",
          kit->dir, NULL);
  g_assert_no_error (error);
}

PgKit *
pg_kit_new (void)
{
  PgKit *kit = g_new0 (PgKit, 1);
  g_autoptr (GError) error = NULL;

  kit->dir = g_dir_make_tmp ("wishcast-pg-XXXXXX", &error);
  g_assert_no_error (error);
  /* If we are root, the server is somebody else, who must get there. */
  g_assert_cmpint (g_chmod (kit->dir, 0711), ==, 0);
  start_cleaner (kit);
  pg_kit_start (kit);
  kit->conninfo = g_strdup (private_postgres_get_conninfo (kit->postgres));
  migrate (kit);
  return kit;
}

void
pg_kit_free (PgKit *kit)
{
  pg_connection_free (kit->connection);
  private_postgres_free (kit->postgres);
  g_output_stream_close (
      g_subprocess_get_stdin_pipe (kit->cleaner), NULL, NULL);
  g_assert_true (g_subprocess_wait_check (kit->cleaner, NULL, NULL));
  g_object_unref (kit->cleaner);
  g_free (kit->conninfo);
  g_free (kit->dir);
  g_free (kit);
}

const char *
pg_kit_get_conninfo (PgKit *kit)
{
  return kit->conninfo;
}

void
pg_kit_kill (PgKit *kit)
{
  g_autofree char *path =
      g_build_filename (kit->dir, "postgres", "data", "postmaster.pid", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&kit->connection, pg_connection_free);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (atoi (text), >, 1);
  g_assert_cmpint (kill (atoi (text), SIGKILL), ==, 0);
}

void
pg_kit_stop (PgKit *kit)
{
  pg_kit_kill (kit);
  g_clear_pointer (&kit->postgres, private_postgres_free);
}

void
pg_kit_start (PgKit *kit)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (kit->postgres);
  kit->postgres = private_postgres_start (kit->dir, &error);
  g_assert_no_error (error);
}

/* After pg_kit_kill() it takes a moment. */
static PgConnection *
get_connection (PgKit *kit)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  g_autoptr (GError) error = NULL;

  while (kit->connection == NULL) {
    g_clear_error (&error);
    kit->connection = pg_connection_open (kit->conninfo, &error);
    if (kit->connection != NULL)
      break;
    if (g_get_monotonic_time () > deadline)
      g_assert_no_error (error);
    g_usleep (10 * 1000);
  }
  return kit->connection;
}

void
pg_kit_run (PgKit *kit, const char *sql)
{
  g_autoptr (GError) error = NULL;

  pg_connection_run_script (get_connection (kit), sql, &error);
  g_assert_no_error (error);
}

PgRows *
pg_kit_query (PgKit *kit, const char *sql)
{
  g_autoptr (GError) error = NULL;
  PgRows *rows =
      pg_connection_query (get_connection (kit), sql, 0, NULL, &error);

  g_assert_no_error (error);
  return rows;
}

char *
pg_kit_read (PgKit *kit, const char *sql)
{
  g_autoptr (PgRows) rows = pg_kit_query (kit, sql);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pg_rows_count (rows); i++) {
    if (i > 0)
      g_string_append_c (text, '\n');
    for (guint j = 0; j < pg_rows_width (rows); j++) {
      const char *value = pg_rows_get (rows, i, j);

      if (j > 0)
        g_string_append_c (text, '|');
      g_string_append (text, value != NULL ? value : "-");
    }
  }
  return g_string_free (text, FALSE);
}

void
pg_kit_await (PgKit *kit, const char *sql, const char *expected)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autofree char *text = pg_kit_read (kit, sql);

    if (strcmp (text, expected) == 0)
      return;
    if (g_get_monotonic_time () > deadline)
      g_assert_cmpstr (text, ==, expected);
    g_usleep (10 * 1000);
  }
}

void
pg_kit_add_game (PgKit *kit, const char *id, const char *title)
{
  const char *values[] = {id, title};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (get_connection (kit),
      "INSERT INTO wishcast.game (id, title) VALUES ($1, $2)", 2, values,
      &error);

  g_assert_no_error (error);
}
