/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cacheindex.h"
#include "storekit.h"

/* Kills of a child that appends. With data on a page cache that outlives it,
 * what it had told of is there, whatever it was doing when it was hit. */
#define N_KILLS 200

/* Reads what the child has told until there are @wanted more bytes or an end.
 * Returns how many there were. */
static guint
count_told (int fd, guint wanted)
{
  guint n = 0;

  while (n < wanted) {
    char bytes[256];
    ssize_t got = read (fd, bytes, MIN (sizeof bytes, wanted - n));

    if (got <= 0)
      break;
    n += got;
  }
  return n;
}

static void
kill_once (const char *dir, guint after, guint *stored)
{
  const char *child = g_getenv ("STORE_CHILD");
  const char *argv[] = {child, dir, NULL};
  g_autoptr (GError) error = NULL;
  guint told, now;
  GPid pid;
  int out;

  g_spawn_async_with_pipes (NULL, (char **)argv, NULL,
      G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  told = count_told (out, after);
  g_assert_cmpuint (told, ==, after);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  told += count_told (out, G_MAXUINT);
  close (out);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);

  now = kit_check_store (dir);
  /* Told or not, one part may have been under way. */
  g_assert_cmpuint (now, >=, *stored + told);
  g_assert_cmpuint (now, <=, *stored + told + 1);
  *stored = now;
}

static void
test_kill (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (4);
  g_autoptr (CacheReader) reader = NULL;
  guint stored = 0;

  for (guint i = 0; i < N_KILLS; i++)
    kill_once (dir, g_rand_int_range (random, 0, 40), &stored);

  cache_writer_free (kit_open_writer (dir));
  g_assert_cmpuint (kit_check_store (dir), ==, stored);
  reader = cache_reader_open (dir, KIT_LINK, NULL);
  g_assert_false (cache_reader_is_incomplete (reader));
  kit_dir_free (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cachestore/kill", test_kill);
  return g_test_run ();
}
