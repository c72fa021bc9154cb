/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "migrations.h"

#include <glib/gstdio.h>
#include <string.h>

#include "pgkit.h"

static PgKit *kit;

typedef struct {
  char *dir;
  PgConnection *connection;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("wishcast-sql-XXXXXX", &error);
  g_assert_no_error (error);
  f->connection = pg_connection_open (pg_kit_get_conninfo (kit), &error);
  g_assert_no_error (error);
  pg_kit_run (kit, "DROP SCHEMA IF EXISTS wishcast CASCADE");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (f->dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (f->dir, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  pg_connection_free (f->connection);
  g_free (f->dir);
}

static void
write_file (Fixture *f, const char *name, const char *sql)
{
  g_autofree char *path = g_build_filename (f->dir, name, NULL);

  g_assert_true (g_file_set_contents (path, sql, -1, NULL));
}

static guint
apply (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  guint n = 99;

  migrations_apply (f->connection, f->dir, &n, &error);
  g_assert_no_error (error);
  return n;
}

static guint
count_missing (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  guint n = 99;

  migrations_count_missing (f->connection, f->dir, &n, &error);
  g_assert_no_error (error);
  return n;
}

static void
assert_refused (Fixture *f, const char *expected)
{
  g_autoptr (GError) error = NULL;
  guint n = 99;

  g_assert_false (migrations_apply (f->connection, f->dir, &n, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, expected));
  g_assert_cmpuint (n, ==, 99);
}

static void
test_each_once (Fixture *f, gconstpointer data)
{
  write_file (f, "001-a.sql", "CREATE TABLE wishcast.a (n int);");
  write_file (f, "README", "not a migration");
  g_assert_cmpuint (count_missing (f), ==, 1);
  g_assert_cmpuint (apply (f), ==, 1);
  g_assert_cmpuint (count_missing (f), ==, 0);
  g_assert_cmpuint (apply (f), ==, 0);
  write_file (f, "002-b.sql",
      "INSERT INTO wishcast.a VALUES (1); INSERT INTO wishcast.a VALUES (2)");
  write_file (f, "003-c.sql", "UPDATE wishcast.a SET n = n * 10");
  g_assert_cmpuint (count_missing (f), ==, 2);
  g_assert_cmpuint (apply (f), ==, 2);
  pg_kit_assert (kit, "SELECT n FROM wishcast.a ORDER BY n", "10\n20");
  pg_kit_assert (kit,
      "SELECT version, name, length (checksum) FROM wishcast.schema_migrations "
      "ORDER BY version",
      "1|001-a.sql|64\n2|002-b.sql|64\n3|003-c.sql|64");
}

static void
test_all_or_nothing (Fixture *f, gconstpointer data)
{
  write_file (f, "001-a.sql", "CREATE TABLE wishcast.a (n int);");
  write_file (f, "002-b.sql", "CREATE TABLE wishcast.b (n int); nonsense");
  assert_refused (f, "002-b.sql: syntax error");
  pg_kit_assert (kit,
      "SELECT count (*) FROM pg_namespace WHERE nspname = "
      "'wishcast'",
      "0");
  write_file (f, "002-b.sql", "CREATE TABLE wishcast.b (n int)");
  g_assert_cmpuint (apply (f), ==, 2);
}

static void
test_edited (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint n;

  write_file (f, "001-a.sql", "CREATE TABLE wishcast.a (n int);");
  apply (f);
  write_file (f, "001-a.sql", "CREATE TABLE wishcast.a (n bigint);");
  assert_refused (f, "001-a.sql: is not what was applied");
  g_assert_false (migrations_count_missing (f->connection, f->dir, &n, &error));
  g_assert_error (error, PG_ERROR, PG_ERROR_SCHEMA);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  write_file (f, "001-a.sql", "CREATE TABLE wishcast.a (n int);");
  apply (f);
  pg_kit_run (kit, "INSERT INTO wishcast.schema_migrations "
                   "VALUES (2, '002-future.sql', 'x')");
  g_assert_cmpuint (count_missing (f), ==, G_MAXUINT);
  assert_refused (f, "newer version");
}

static void
test_names (Fixture *f, gconstpointer data)
{
  assert_refused (f, "there are no files like 001-what.sql");
  write_file (f, "002-b.sql", "");
  assert_refused (f, "002-b.sql: expected number 001 here");
  write_file (f, "001-a.sql", "");
  write_file (f, "001-b.sql", "");
  assert_refused (f, "expected number 002 here");
  write_file (f, "01-c.sql", "");
  assert_refused (f, "01-c.sql: expected a name like 001-what.sql");
}

static gpointer
apply_on_thread (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (pg_kit_get_conninfo (kit), &error);
  guint n;

  g_assert_no_error (error);
  migrations_apply (connection, data, &n, &error);
  g_assert_no_error (error);
  return GUINT_TO_POINTER (n);
}

/* Several nodes start together. */
static void
test_together (Fixture *f, gconstpointer data)
{
  GThread *threads[8];
  guint sum = 0;

  write_file (f, "001-a.sql",
      "CREATE TABLE wishcast.a (n int); SELECT pg_sleep (0.1);"
      "INSERT INTO wishcast.a VALUES (1)");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("node", apply_on_thread, f->dir);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    sum += GPOINTER_TO_UINT (g_thread_join (threads[i]));
  g_assert_cmpuint (sum, ==, 1);
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.a", "1");
}

#define ADD(path, func)                                                        \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
  ADD ("/migrations/each-once", test_each_once);
  ADD ("/migrations/all-or-nothing", test_all_or_nothing);
  ADD ("/migrations/edited", test_edited);
  ADD ("/migrations/newer", test_newer);
  ADD ("/migrations/names", test_names);
  ADD ("/migrations/together", test_together);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
