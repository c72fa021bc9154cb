/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called as `test-privatepostgres DIR` it is another process that uses the
 * database below DIR until it is killed. */

#include "privatepostgres.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgconnection.h"

#define PATIENCE (20 * G_USEC_PER_SEC)

/* A data-dir below a temporary folder. */
typedef struct {
  char *parent;
  char *dir;
} Fixture;

static const char *program;
/* Of the tests that leave a good cluster behind, since making one takes
 * seconds. */
static Fixture shared;

static void
make_dir (Fixture *f, gconstpointer name)
{
  g_autoptr (GError) error = NULL;

  f->parent = g_dir_make_tmp ("wishcast-pp-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (f->parent, 0711), ==, 0);
  f->dir = g_build_filename (f->parent, name, NULL);
}

static void
remove_dir (Fixture *f, gconstpointer data)
{
  const char *argv[] = {"rm", "-rf", f->parent, NULL};

  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (f->parent);
  g_free (f->dir);
}

static void
share_dir (Fixture *f, gconstpointer data)
{
  *f = shared;
}

static PrivatePostgres *
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  PrivatePostgres *postgres = private_postgres_start (f->dir, &error);

  g_assert_no_error (error);
  return postgres;
}

static void
assert_refused (Fixture *f, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (private_postgres_start (f->dir, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (error->domain, ==, G_IO_ERROR);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
}

/* Waits for a server if there is none right now. (transfer full) */
static char *
ask (PrivatePostgres *postgres, const char *sql)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PgConnection) connection =
        pg_connection_open (private_postgres_get_conninfo (postgres), &error);
    g_autoptr (PgRows) rows = NULL;

    if (connection != NULL)
      rows = pg_connection_query (connection, sql, 0, NULL, &error);
    if (rows != NULL)
      return g_strdup (
          pg_rows_count (rows) > 0 ? pg_rows_get (rows, 0, 0) : NULL);
    if (g_get_monotonic_time () > deadline || !pg_error_is_transient (error))
      g_assert_no_error (error);
    g_usleep (10 * 1000);
  }
}

static void
assert_answer (PrivatePostgres *postgres, const char *sql, const char *expected)
{
  g_autofree char *answer = ask (postgres, sql);

  g_assert_cmpstr (answer, ==, expected);
}

static char *
get_path (Fixture *f, const char *name)
{
  return g_build_filename (f->dir, "postgres", name, NULL);
}

static int
read_pid (Fixture *f)
{
  g_autofree char *path = get_path (f, "data/postmaster.pid");
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? atoi (text) : 0;
}

static void
test_begin_and_go_on (Fixture *f, gconstpointer data)
{
  PrivatePostgres *postgres = start (f);
  g_autofree char *path = get_path (f, "");
  struct stat st;

  assert_answer (
      postgres, "CREATE TABLE IF NOT EXISTS t AS SELECT 42 AS n", NULL);
  /* Nobody but the owner gets in, and it is the users' data. */
  assert_answer (postgres, "SHOW listen_addresses", "");
  assert_answer (postgres, "SHOW fsync", "on");
  assert_answer (postgres, "SHOW server_encoding", "UTF8");
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 077, ==, 0);
  g_assert_cmpint (st.st_uid, !=, 0);
  private_postgres_free (postgres);
  g_assert_cmpint (read_pid (f), ==, 0);

  postgres = start (f);
  assert_answer (postgres, "SELECT n FROM t", "42");
  private_postgres_free (postgres);
}

/* Two users of one database: the one that started it leaves first. */
static void
test_join (Fixture *f, gconstpointer data)
{
  PrivatePostgres *first = start (f);
  PrivatePostgres *second = start (f);
  int pid = read_pid (f);

  g_assert_cmpstr (private_postgres_get_conninfo (first), ==,
      private_postgres_get_conninfo (second));
  assert_answer (first, "CREATE TABLE IF NOT EXISTS t AS SELECT 42 AS n", NULL);
  assert_answer (second, "SELECT n FROM t", "42");
  private_postgres_free (first);
  assert_answer (second, "SELECT n FROM t", "42");
  g_assert_cmpint (read_pid (f), !=, pid);
  private_postgres_free (second);
  g_assert_cmpint (read_pid (f), ==, 0);
}

static void
test_killed (Fixture *f, gconstpointer data)
{
  PrivatePostgres *postgres = start (f);

  assert_answer (
      postgres, "CREATE TABLE IF NOT EXISTS t AS SELECT 42 AS n", NULL);
  for (guint i = 0; i < 3; i++) {
    int pid = read_pid (f);

    g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
    while (kill (pid, 0) == 0)
      g_usleep (1000);
    assert_answer (postgres, "SELECT n FROM t", "42");
  }
  private_postgres_free (postgres);
}

static GSubprocess *
spawn_user (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, f->dir, NULL);
  char ready[1];

  g_assert_no_error (error);
  g_input_stream_read (
      g_subprocess_get_stdout_pipe (process), ready, 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ready[0], ==, '+');
  return process;
}

/* kill -9 of the process that runs it, again and again: the server does not
 * stay behind, and the next one finds all that was written. */
static void
test_owner_killed (Fixture *f, gconstpointer data)
{
  PrivatePostgres *postgres = start (f);

  assert_answer (
      postgres, "CREATE TABLE IF NOT EXISTS t AS SELECT 42 AS n", NULL);
  private_postgres_free (postgres);
  for (guint i = 0; i < 4; i++) {
    g_autoptr (GSubprocess) process = spawn_user (f);

    /* Alone, and while somebody else uses it. */
    postgres = i % 2 == 0 ? start (f) : NULL;
    g_subprocess_force_exit (process);
    g_assert_true (g_subprocess_wait (process, NULL, NULL));
    if (postgres == NULL)
      postgres = start (f);
    assert_answer (postgres, "SELECT n FROM t", "42");
    private_postgres_free (postgres);
    g_assert_cmpint (read_pid (f), ==, 0);
  }
}

/* The number of a dead server is that of another process now. */
static void
test_stale_pid (Fixture *f, gconstpointer data)
{
  g_autofree char *path = get_path (f, "data/postmaster.pid");
  g_autofree char *text = NULL;
  PrivatePostgres *postgres = start (f);

  private_postgres_free (postgres);
  text = g_strdup_printf ("%d\n/nowhere\n1\n5432\n\n\n", getppid ());
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  postgres = start (f);
  assert_answer (postgres, "SELECT 1", "1");
  private_postgres_free (postgres);
}

/* Killed in the middle of initdb. */
static void
test_unfinished (Fixture *f, gconstpointer data)
{
  g_autofree char *unfinished = get_path (f, "data.unfinished/base/1");
  g_autofree char *finished = get_path (f, "data");
  g_autofree char *other = get_path (f, "aside");
  PrivatePostgres *postgres = start (f);

  private_postgres_free (postgres);
  g_assert_cmpint (g_rename (finished, other), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (unfinished, 0700), ==, 0);
  postgres = start (f);
  assert_answer (postgres, "SELECT 1", "1");
  private_postgres_free (postgres);
}

/* Longer than the path of a socket may be, or full of characters that mean
 * something in lists, addresses and command lines. */
static void
test_names (Fixture *f, gconstpointer name)
{
  PrivatePostgres *postgres = start (f);
  PrivatePostgres *second = start (f);
  const char *conninfo = private_postgres_get_conninfo (postgres);
  g_auto (GStrv) words = g_strsplit (conninfo, " ", 2);
  const char *socket_dir = words[0] + strlen ("host=");

  assert_answer (postgres, "SELECT 1", "1");
  g_assert_null (strstr (conninfo, name));
  private_postgres_free (postgres);
  assert_answer (second, "SELECT 1", "1");
  private_postgres_free (second);
  g_assert_cmpint (g_rmdir (socket_dir), ==, 0);
}

static void
test_out_of_reach (Fixture *f, gconstpointer data)
{
  if (geteuid () != 0) {
    g_test_skip ("only root runs it as somebody else");
    return;
  }
  g_assert_cmpint (g_chmod (f->parent, 0700), ==, 0);
  assert_refused (f, "PostgreSQL runs as the user postgres, who cannot reach");
  g_assert_cmpint (g_chmod (f->parent, 0711), ==, 0);
  private_postgres_free (start (f));
}

static void
test_other_version (Fixture *f, gconstpointer data)
{
  g_autofree char *path = get_path (f, "data/PG_VERSION");
  g_autofree char *version = NULL;

  private_postgres_free (start (f));
  g_assert_true (g_file_get_contents (path, &version, NULL, NULL));
  g_assert_true (g_file_set_contents (path, "9\n", -1, NULL));
  assert_refused (f, "is of PostgreSQL 9, which is not installed");
  g_assert_true (g_file_set_contents (path, version, -1, NULL));
}

static void
test_broken (Fixture *f, gconstpointer data)
{
  g_autofree char *path = get_path (f, "data/global/pg_control");
  g_autofree char *aside = get_path (f, "data/global/pg_control.aside");
  g_autofree char *log = get_path (f, "postgres.log");

  private_postgres_free (start (f));
  g_assert_cmpint (g_rename (path, aside), ==, 0);
  assert_refused (f, "does not start: ");
  assert_refused (f, log);
  g_assert_cmpint (g_rename (aside, path), ==, 0);
  private_postgres_free (start (f));
}

static void
test_not_a_folder (Fixture *f, gconstpointer data)
{
  g_assert_true (g_file_set_contents (f->dir, "", 0, NULL));
  assert_refused (f, "cannot be made: Not a directory");
}

static int
use_until_killed (const char *dir)
{
  PrivatePostgres *postgres = private_postgres_start (dir, NULL);

  if (postgres == NULL || write (STDOUT_FILENO, "+", 1) != 1)
    return 1;
  while (TRUE)
    pause ();
}

#define ADD(path, func, name)                                                  \
  g_test_add (                                                                 \
      "/privatepostgres/" path, Fixture, name, make_dir, func, remove_dir)
#define ADD_SHARED(path, func)                                                 \
  g_test_add ("/privatepostgres/" path, Fixture, NULL, share_dir, func, NULL)

int
main (int argc, char **argv)
{
  int result;

  if (argc == 2 && argv[1][0] == '/')
    return use_until_killed (argv[1]);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  make_dir (&shared, "data");
  ADD_SHARED ("begin-and-go-on", test_begin_and_go_on);
  ADD_SHARED ("join", test_join);
  ADD_SHARED ("killed", test_killed);
  ADD_SHARED ("owner-killed", test_owner_killed);
  ADD_SHARED ("stale-pid", test_stale_pid);
  ADD_SHARED ("other-version", test_other_version);
  ADD_SHARED ("broken", test_broken);
  ADD_SHARED ("unfinished", test_unfinished);
  ADD ("long-name", test_names,
      "a-name-that-is-so-long-that-no-socket-can-be-in-this-folder-or-below-"
      "it-because-sun-path-has-108-bytes");
  ADD ("odd-name", test_names, "it's, \"odd\" = %41 name");
  ADD ("out-of-reach", test_out_of_reach, "data");
  ADD ("not-a-folder", test_not_a_folder, "data");
  result = g_test_run ();
  remove_dir (&shared, NULL);
  return result;
}
