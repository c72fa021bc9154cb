/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which stores of a real cache are cleared. */

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archiver.h"
#include "cachekeeper.h"
#include "cachelayout.h"
#include "logkit.h"
#include "storekit.h"

#define SECOND G_GUINT64_CONSTANT (1000000000)
#define WINDOW 300
#define OLD (2 * WINDOW) /* s */

typedef struct {
  char *dir;
  char *state_dir;
  CacheKeeper *keeper;
} Test;

/* --- In the place of the archiver ------------------------------------------*/

static GMutex done_lock;
static GHashTable *done; /* set of links; with done_lock */

ArchiveProgress
archiver_get_progress (const char *state_dir, const char *link)
{
  gboolean is_done;

  g_mutex_lock (&done_lock);
  is_done = g_hash_table_contains (done, link);
  g_mutex_unlock (&done_lock);
  return is_done ? ARCHIVE_DONE : ARCHIVE_UPLOADING;
}

void
archiver_forget (const char *state_dir, const char *link)
{
  g_mutex_lock (&done_lock);
  g_hash_table_remove (done, link);
  g_mutex_unlock (&done_lock);
}

static void
set_done (const char *link)
{
  g_mutex_lock (&done_lock);
  g_hash_table_add (done, g_strdup (link));
  g_mutex_unlock (&done_lock);
}

/* --- A cache ---------------------------------------------------------------*/

static void
set_up (Test *t, gconstpointer unused)
{
  log_kit_clear ();
  t->dir = kit_dir_new ();
  t->state_dir = kit_dir_new ();
  done = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
tear_down (Test *t, gconstpointer unused)
{
  g_hash_table_unref (done);
  kit_dir_free (t->dir);
  kit_dir_free (t->state_dir);
}

static char *
path_of (Test *t, const char *link, const char *name)
{
  return g_build_filename (t->dir, link, name, NULL);
}

static gboolean
is_there (Test *t, const char *link)
{
  g_autofree char *path = path_of (t, link, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* As if it was written last @age s ago. */
static void
set_age (Test *t, const char *link, gint64 age)
{
  g_autofree char *index = path_of (t, link, CACHE_INDEX_NAME);
  gint64 seconds = g_get_real_time () / G_USEC_PER_SEC - age;
  struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

  g_assert_cmpint (utimensat (AT_FDCWD, index, times, 0), ==, 0);
}

/* (transfer full) */
static CacheWriter *
begin (Test *t, const char *link)
{
  g_autoptr (GError) error = NULL;
  CacheWriter *writer = cache_writer_open (t->dir, link, &error);
  g_autoptr (TrackTable) table = kit_table ();

  g_assert_no_error (error);
  g_assert_true (cache_writer_set_tracks (writer, table, NULL));
  g_assert_true (kit_epoch (0, 0, 2, 320, kit_append, writer));
  return writer;
}

static void
add (Test *t, const char *link, gint64 age, gboolean is_archived)
{
  g_autoptr (CacheWriter) writer = begin (t, link);

  g_assert_true (cache_writer_end (writer, NULL));
  set_age (t, link, age);
  if (is_archived)
    set_done (link);
}

/* Of a larger broadcast, as far as the disk can tell. */
static void
enlarge (Test *t, const char *link, guint64 size)
{
  g_autofree char *path = path_of (t, link, "more.cmaf");

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_cmpint (truncate (path, size), ==, 0);
}

static void
start (Test *t, const char *max_size)
{
  CacheKeeperSettings settings = {
      .cache_dir = t->dir,
      .state_dir = t->state_dir,
      .max_size = max_size,
      .dvr_window = WINDOW * SECOND,
  };

  t->keeper = cache_keeper_new (&settings);
}

/* Once it has looked. */
static void
stop (Test *t, CacheKeeperFigures *figures)
{
  do {
    g_usleep (1000);
    cache_keeper_get_figures (t->keeper, figures);
  } while (figures->budget == 0);
  cache_keeper_free (t->keeper);
}

static void
run (Test *t, const char *max_size, CacheKeeperFigures *figures)
{
  start (t, max_size);
  stop (t, figures);
}

/* --- Tests -----------------------------------------------------------------*/

static void
test_rules (Test *t, gconstpointer unused)
{
  g_autoptr (CacheWriter) on_air = NULL;
  g_autoptr (CacheWriter) left = NULL;
  CacheKeeperFigures figures;

  add (t, "over", OLD, TRUE);
  add (t, "window", WINDOW / 2, TRUE);
  add (t, "unarchived", OLD, FALSE);
  on_air = begin (t, "on-air");
  set_done ("on-air");
  set_age (t, "on-air", WINDOW);
  left = begin (t, "left");
  g_clear_pointer (&left, cache_writer_free);
  set_done ("left");
  set_age (t, "left", 2 * OLD);
  run (t, "100 %", &figures);

  g_assert_false (is_there (t, "over"));
  g_assert_false (is_there (t, "left"));
  g_assert_true (is_there (t, "window"));
  g_assert_true (is_there (t, "unarchived"));
  g_assert_true (is_there (t, "on-air"));
  g_assert_cmpuint (figures.n_cleared, ==, 2);
  g_assert_cmpuint (figures.unarchived, <, figures.size);
  g_assert_cmpuint (figures.unarchived, >, 0);
  g_assert_false (g_hash_table_contains (done, "over"));
  g_assert_true (g_hash_table_contains (done, "window"));
}

/* A writer that is silent for long is one still. */
static void
test_writer (Test *t, gconstpointer unused)
{
  g_autoptr (CacheWriter) writer = begin (t, "a");
  CacheKeeperFigures figures;

  set_done ("a");
  set_age (t, "a", 2 * OLD);
  run (t, "100 %", &figures);
  g_assert_cmpuint (
      log_kit_count ("a: its cache cannot be cleared: *on air*"), ==, 1);
  g_assert_true (is_there (t, "a"));
  g_assert_cmpuint (figures.n_cleared, ==, 0);
  g_assert_true (g_hash_table_contains (done, "a"));
}

/* By whichever process. */
static void
test_reader (Test *t, gconstpointer unused)
{
  CacheReader *reader;
  CacheKeeperFigures figures;

  add (t, "a", OLD, TRUE);
  reader = cache_reader_open (t->dir, "a", NULL);
  run (t, "100 %", &figures);
  g_assert_true (is_there (t, "a"));
  start (t, "100 %");
  cache_reader_free (reader);
  while (is_there (t, "a"))
    g_usleep (1000);
  stop (t, &figures);
}

/* The oldest of those that are archived, even in the DVR window, even read; no
 * more of them than it takes. */
static void
test_budget (Test *t, gconstpointer unused)
{
  static const char *const links[] = {"e", "d", "c", "b", "a"};
  CacheKeeperFigures figures;

  for (guint i = 0; i < G_N_ELEMENTS (links); i++) {
    add (t, links[i], 10 * (i + 1), i != 4);
    enlarge (t, links[i], 300000);
  }
  run (t, "2 MB", &figures);
  g_assert_cmpuint (figures.n_cleared, ==, 0);
  run (t, "1 MB", &figures);
  g_assert_cmpuint (figures.n_cleared, ==, 2);
  g_assert_cmpuint (figures.budget, ==, 1000000);
  g_assert_cmpuint (figures.size, <, 1000000);
  g_assert_true (is_there (t, "a"));
  g_assert_false (is_there (t, "b"));
  g_assert_false (is_there (t, "c"));
  g_assert_true (is_there (t, "d"));
  g_assert_true (is_there (t, "e"));
}

/* Never what is not archived, however full it is; the operator is told once. */
static void
test_full (Test *t, gconstpointer unused)
{
  CacheKeeperFigures figures;

  add (t, "a", OLD, FALSE);
  enlarge (t, "a", 850000);
  run (t, "1 MB", &figures);
  g_assert_cmpuint (
      log_kit_count (
          "The cache has 8*kB that is not archived yet or on air, of "
          "the 1.0*MB that it may have in all"),
      ==, 1);
  add (t, "b", OLD, FALSE);
  enlarge (t, "b", 850000);
  run (t, "1 MB", &figures);
  g_assert_cmpuint (log_kit_count ("The cache has 1.7*MB of the 1.0*MB that it "
                                   "may have, and the rest*"),
      ==, 1);
  g_assert_true (is_there (t, "a"));
  g_assert_true (is_there (t, "b"));
  g_assert_cmpuint (figures.unarchived, ==, figures.size);
}

static void
make_remains (Test *t, const char *name, const char *file)
{
  g_autofree char *folder = path_of (t, name, NULL);
  g_autofree char *path = path_of (t, name, file);

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

/* What a kill has left, in the middle of the deletion and behind it. */
static void
test_remains (Test *t, gconstpointer unused)
{
  g_autofree char *state = g_build_filename (t->state_dir, "gone.json", NULL);
  g_autofree char *other = g_build_filename (t->state_dir, "new.json", NULL);
  CacheKeeperFigures figures;

  make_remains (t, ".cleared-half", "video.cmaf");
  make_remains (t, ".cleared-foreign", "photo.jpeg");
  add (t, "new", 1, TRUE);
  set_done ("gone");
  g_assert_true (g_file_set_contents (state, "", 0, NULL));
  g_assert_true (g_file_set_contents (other, "", 0, NULL));
  run (t, "100 %", &figures);
  g_assert_false (is_there (t, ".cleared-half"));
  g_assert_true (is_there (t, ".cleared-foreign"));
  g_assert_false (g_hash_table_contains (done, "gone"));
  g_assert_true (g_hash_table_contains (done, "new"));
}

/* Without its disk, what it holds is not forgotten. */
static void
test_no_disk (Test *t, gconstpointer unused)
{
  g_autofree char *state = g_build_filename (t->state_dir, "a.json", NULL);
  CacheKeeperFigures figures;

  set_done ("a");
  g_assert_true (g_file_set_contents (state, "", 0, NULL));
  run (t, "100 %", &figures);
  g_assert_true (g_hash_table_contains (done, "a"));
}

#define ADD(name, func)                                                        \
  g_test_add ("/cache-keeper/" name, Test, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  log_kit_begin ();
  ADD ("rules", test_rules);
  ADD ("writer", test_writer);
  ADD ("reader", test_reader);
  ADD ("budget", test_budget);
  ADD ("full", test_full);
  ADD ("remains", test_remains);
  ADD ("no-disk", test_no_disk);
  return g_test_run ();
}
