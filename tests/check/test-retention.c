/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is deleted of the recordings, and when: with a real database, and files
 * in a folder. */

#include <glib/gstdio.h>
#include <string.h>

#include "clockguard.h"
#include "logkit.h"
#include "pgkit.h"
#include "retention.h"

#define NODE "node-a"
#define INTERVAL (100 * 1000) /* us */
#define DELETED                                                                \
  "SELECT count (*) FROM wishcast.recording WHERE state = 'deleted'"
#define STATES                                                                 \
  "SELECT link, part, state, deleted_at IS NOT NULL FROM wishcast.recording "  \
  "ORDER BY link, part"

typedef struct {
  PgKit *pg;
  char *dir;
  ArchiveStore *store;
  int wall;   /* s that the clock was set by; atomic */
  int rounds; /* that were begun; atomic */
} Test;

static void
set_up (Test *t, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autoptr (Settings) settings = NULL;

  log_kit_clear ();
  t->pg = pg_kit_new ();
  pg_kit_add_game (t->pg, "portal", "Portal");
  t->dir = g_dir_make_tmp ("wishcast-retention-XXXXXX", NULL);
  text = g_strdup_printf ("[archive]\ndir = %s\n", t->dir);
  settings = settings_parse ("test", text, strlen (text), NULL);
  t->store = archive_store_new (settings, NULL);
  g_assert_nonnull (t->store);
}

static void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

static void
tear_down (Test *t, gconstpointer unused)
{
  archive_store_unref (t->store);
  remove_tree (t->dir);
  g_free (t->dir);
  pg_kit_free (t->pg);
}

/* A broadcast that ended @ended ago, and part 0 of it in the folder. */
static char *
add (Test *t, const char *link, const char *ended, const char *kept)
{
  g_autofree char *sql = g_strdup_printf (
      "UPDATE wishcast.game SET recording_kept = '%s';"
      "SELECT wishcast.set_state (md5 ('%s')::uuid, '%s', 'portal', NULL, '', "
      "'public', '" NODE "', NULL, 'ended', (now () - interval '%s'), '15 s', "
      "NULL, 'developer');"
      "SELECT wishcast.set_recording ('%s', 0, '" NODE "', NULL, "
      "'%s/0.mp4', 'ready', 5, 'AAAAAA==', 1, false)",
      kept, link, link, ended, link, link);
  g_autofree char *folder = g_build_filename (t->dir, link, NULL);
  g_autofree char *path = g_build_filename (folder, "0.mp4", NULL);

  pg_kit_run (t->pg, sql);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0750), ==, 0);
  g_assert_true (g_file_set_contents (path, "media", -1, NULL));
  return g_steal_pointer (&path);
}

static gboolean
is_there (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* A machine that has been up for long, whatever runs the test. */
static void
read_clocks (gint64 *uptime, gint64 *wall, gpointer data)
{
  Test *t = data;

  *uptime = g_get_monotonic_time () + CLOCK_GUARD_YOUNG;
  *wall =
      g_get_real_time () + (gint64)g_atomic_int_get (&t->wall) * G_USEC_PER_SEC;
  g_atomic_int_inc (&t->rounds);
}

static Retention *
start (Test *t, const char *node)
{
  RetentionSettings settings = {
      .conninfo = pg_kit_get_conninfo (t->pg),
      .node = node,
      .store = t->store,
      .interval = INTERVAL,
      .clocks = read_clocks,
      .data = t,
  };

  return retention_new (&settings);
}

/* At the expiry and not before; the row stays. */
static void
test_expiry (Test *t, gconstpointer unused)
{
  g_autofree char *old = add (t, "old", "2 days", "1 day");
  g_autofree char *kept = add (t, "kept", "23 hours", "1 day");
  g_autofree char *soon = add (t, "soon", "1 day", "24 hours 3 s");
  Retention *retention = start (t, NODE);
  RetentionFigures figures;

  pg_kit_await (t->pg, DELETED, "2");
  g_assert_false (is_there (old));
  g_assert_false (is_there (soon));
  g_assert_true (is_there (kept));
  pg_kit_assert (
      t->pg, STATES, "kept|0|ready|f\nold|0|deleted|t\nsoon|0|deleted|t");
  pg_kit_assert (t->pg,
      "SELECT r.deleted_at >= b.recording_expires FROM wishcast.recording r "
      "JOIN wishcast.broadcast b ON b.link = r.link WHERE r.link = 'soon'",
      "t");
  pg_kit_assert (t->pg,
      "SELECT data->'recording'->>'state' FROM wishcast.outbox "
      "WHERE link = 'soon' ORDER BY id DESC LIMIT 1",
      "expired");
  retention_get_figures (retention, &figures);
  g_assert_cmpuint (figures.n_deleted, ==, 2);
  g_assert_false (figures.on_hold);
  g_assert_null (figures.problem);
  retention_figures_clear (&figures);
  retention_free (retention);
}

/* Deleted as soon as it is ready; what is not ready is the archiver's. */
static void
test_not_kept (Test *t, gconstpointer unused)
{
  g_autofree char *path = add (t, "a", "1 s", "0");
  Retention *retention;

  pg_kit_run (t->pg,
      "SELECT wishcast.set_recording ('a', 1, '" NODE "', NULL, 'a/1.mp4', "
      "'uploading', 5, NULL, 1, false)");
  retention = start (t, NODE);
  pg_kit_await (t->pg, DELETED, "1");
  g_assert_false (is_there (path));
  pg_kit_run (t->pg,
      "SELECT wishcast.set_recording ('a', 1, '" NODE "', NULL, 'a/1.mp4', "
      "'ready', 5, 'AAAAAA==', 1, false)");
  pg_kit_await (t->pg, DELETED, "2");
  retention_free (retention);
}

/* What is not of this node's archive is left to others, and told of if they do
 * nothing. */
static void
test_others (Test *t, gconstpointer unused)
{
  g_autofree char *mine = add (t, "mine", "1 day", "1 hour");
  g_autofree char *other = add (t, "other", "1 day", "1 hour");
  g_autofree char *bucket = add (t, "bucket", "1 day", "1 hour");
  Retention *retention;
  RetentionFigures figures;

  pg_kit_run (t->pg, "UPDATE wishcast.recording SET node = 'node-b' "
                     "WHERE link = 'other'");
  pg_kit_run (t->pg, "UPDATE wishcast.recording SET bucket = 'old-bucket' "
                     "WHERE link = 'bucket'");
  retention = start (t, NODE);
  pg_kit_await (t->pg, DELETED, "1");
  g_assert_false (is_there (mine));
  g_assert_true (is_there (other));
  g_assert_true (is_there (bucket));
  do {
    retention_get_figures (retention, &figures);
    if (figures.problem == NULL)
      g_usleep (1000);
  } while (figures.problem == NULL);
  g_assert_cmpstr (figures.problem, ==,
      "1 recordings whose time is over are not in the folder of this node, and "
      "no other node deletes them");
  retention_figures_clear (&figures);
  retention_free (retention);
}

/* Several nodes with one archive, and more of them than a round takes. */
static void
test_two_nodes (Test *t, gconstpointer unused)
{
  Retention *retentions[2];
  RetentionFigures figures[2];

  for (guint i = 0; i < 150; i++) {
    g_autofree char *link = g_strdup_printf ("link-%03u", i);

    g_free (add (t, link, "1 day", "1 hour"));
  }
  pg_kit_run (t->pg, "TRUNCATE wishcast.outbox");
  for (guint i = 0; i < 2; i++)
    retentions[i] = start (t, NODE);
  pg_kit_await (t->pg, DELETED, "150");
  for (guint i = 0; i < 2; i++) {
    retention_get_figures (retentions[i], &figures[i]);
    g_assert_null (figures[i].problem);
    retention_free (retentions[i]);
  }
  g_assert_cmpuint (figures[0].n_deleted + figures[1].n_deleted, >=, 150);
  pg_kit_assert (t->pg, "SELECT count (*) FROM wishcast.outbox", "150");
}

/* Killed when the object was deleted and the row not yet written. */
static void
test_killed (Test *t, gconstpointer unused)
{
  g_autofree char *path = add (t, "a", "1 day", "1 hour");
  Retention *retention;
  RetentionFigures figures;

  g_assert_cmpint (g_unlink (path), ==, 0);
  retention = start (t, NODE);
  pg_kit_await (t->pg, STATES, "a|0|deleted|t");
  retention_get_figures (retention, &figures);
  g_assert_null (figures.problem);
  retention_free (retention);
}

/* The database dies in between. */
static void
test_database_killed (Test *t, gconstpointer unused)
{
  g_autofree char *path = add (t, "a", "1 day", "1 hour");
  Retention *retention;

  /* The row cannot be written while somebody holds it. */
  g_autoptr (PgConnection) holder =
      pg_connection_open (pg_kit_get_conninfo (t->pg), NULL);
  g_autoptr (PgRows) begun =
      pg_connection_query (holder, "BEGIN", 0, NULL, NULL);
  g_autoptr (PgRows) held = pg_connection_query (
      holder, "SELECT 1 FROM wishcast.recording FOR UPDATE", 0, NULL, NULL);

  g_assert_nonnull (held);
  retention = start (t, NODE);
  while (is_there (path))
    g_usleep (1000);
  pg_kit_kill (t->pg);
  pg_kit_await (t->pg, STATES, "a|0|deleted|t");
  retention_free (retention);
}

/* More objects that cannot be deleted than are given up in one round, before one
 * that can. */
static void
test_bad_objects (Test *t, gconstpointer unused)
{
  g_autoptr (GPtrArray) bad = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *good = NULL;
  Retention *retention;
  RetentionFigures figures;

  for (guint i = 0; i < 5; i++) {
    g_autofree char *link = g_strdup_printf ("bad-%u", i);
    g_autofree char *path = add (t, link, "2 days", "1 hour");
    g_autofree char *inside = g_build_filename (path, "x", NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
    g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
    g_assert_true (g_file_set_contents (inside, "x", -1, NULL));
    g_ptr_array_add (bad, g_steal_pointer (&path));
  }
  good = add (t, "good", "1 day", "1 hour");
  retention = start (t, NODE);
  pg_kit_await (t->pg, DELETED, "1");
  g_assert_cmpuint (
      log_kit_count ("The recording * cannot be deleted*"), ==, 1);
  g_assert_cmpuint (
      log_kit_count ("The recording bad-0/0.mp4 cannot *"), ==, 1);
  g_assert_false (is_there (good));
  retention_get_figures (retention, &figures);
  g_assert_cmpuint (figures.n_deleted, ==, 1);
  g_assert_nonnull (strstr (figures.problem, "bad-"));
  retention_figures_clear (&figures);

  for (guint i = 0; i < bad->len; i++)
    remove_tree (bad->pdata[i]);
  pg_kit_await (t->pg, DELETED, "6");
  do {
    retention_get_figures (retention, &figures);
    g_free (figures.problem);
  } while (figures.problem != NULL);
  retention_free (retention);
}

static void
await_hold (Retention *retention, gboolean on_hold)
{
  RetentionFigures figures;

  do {
    g_usleep (1000);
    retention_get_figures (retention, &figures);
    retention_figures_clear (&figures);
  } while (figures.on_hold != on_hold);
}

/* Those that were begun are over, but for one. */
static void
await_rounds (Test *t, int n)
{
  int first = g_atomic_int_get (&t->rounds);

  while (g_atomic_int_get (&t->rounds) < first + n)
    g_usleep (1000);
}

static gboolean
is_on_hold (Retention *retention)
{
  RetentionFigures figures;

  retention_get_figures (retention, &figures);
  g_assert_null (figures.problem);
  return figures.on_hold;
}

/* Nothing is deleted while this node and the database tell different times, nor
 * for some minutes after. */
static void
test_clocks (Test *t, gconstpointer unused)
{
  g_autofree char *path = NULL, *first = add (t, "first", "1 day", "1 hour");
  Retention *retention = start (t, NODE);

  pg_kit_await (t->pg, DELETED, "1");
  g_atomic_int_set (&t->wall, 3600);
  await_rounds (t, 2);
  g_assert_cmpuint (
      log_kit_count ("No recording is deleted: *3600 s ahead of*"), ==, 1);
  g_assert_true (is_on_hold (retention));
  path = add (t, "a", "1 day", "1 hour");
  await_rounds (t, 2);
  g_atomic_int_set (&t->wall, 0);
  await_rounds (t, 2);
  g_assert_cmpuint (log_kit_count ("No recording is deleted for some minutes: "
                                   "*was set by -3600 s"),
      ==, 1);
  g_assert_true (is_on_hold (retention));
  g_assert_true (is_there (path));
  pg_kit_assert (t->pg, DELETED, "1");
  retention_free (retention);

  retention = start (t, NODE);
  pg_kit_await (t->pg, DELETED, "2");
  g_assert_false (is_there (path));
  retention_free (retention);
}

#define ADD(name, func)                                                        \
  g_test_add ("/retention/" name, Test, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  log_kit_begin ();
  ADD ("expiry", test_expiry);
  ADD ("not-kept", test_not_kept);
  ADD ("others", test_others);
  ADD ("two-nodes", test_two_nodes);
  ADD ("killed", test_killed);
  ADD ("database-killed", test_database_killed);
  ADD ("bad-objects", test_bad_objects);
  ADD ("clocks", test_clocks);
  return g_test_run ();
}
