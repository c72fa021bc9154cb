/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

#include "cacheio.h"
#include "cachequeue.h"
#include "storekit.h"

static gint full; /* atomic: the disk takes nothing */

static ssize_t
full_pwrite (int fd, const void *data, size_t size, off_t offset)
{
  if (!g_atomic_int_get (&full))
    return pwrite (fd, data, size, offset);
  errno = ENOSPC;
  return -1;
}

typedef struct {
  char *dir;
  TrackTable *table;
  CacheQueue *queue;
  /* Written on the queue's thread, read after a drain. */
  guint n_appended;
  guint n_failures;
  guint n_fatal;
  guint64 dropped;
} Fixture;

static void
on_appended (const ChunkInfo *info, gpointer user_data)
{
  ((Fixture *)user_data)->n_appended++;
}

static void
on_dropped (guint64 chunks, guint64 bytes, gpointer user_data)
{
  ((Fixture *)user_data)->dropped += chunks;
}

static void
on_failed (const GError *error, gboolean fatal, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_failures++;
  fixture->n_fatal += fatal;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  const CacheQueueFuncs funcs = {on_appended, on_dropped, on_failed};

  g_atomic_int_set (&full, FALSE);
  cache_io.pwrite = full_pwrite;
  fixture->dir = kit_dir_new ();
  fixture->table = kit_table ();
  fixture->queue =
      cache_queue_new (fixture->dir, KIT_LINK, 1 << 20, &funcs, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  cache_queue_free (fixture->queue);
  track_table_unref (fixture->table);
  kit_dir_free (fixture->dir);
  cache_io.pwrite = pwrite;
}

/* A KitFunc. */
static gboolean
push (const ChunkInfo *info, GBytes *bytes, gpointer user_data)
{
  Fixture *fixture = user_data;

  return cache_queue_push (fixture->queue, info, bytes, fixture->table);
}

static void
test_stores (Fixture *fixture, gconstpointer unused)
{
  CacheQueueStats stats;

  g_assert_true (kit_epoch (0, 0, 5, 1, push, fixture));
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 10 * KIT_PARTS);
  g_assert_cmpuint (fixture->n_appended, ==, 3 + 10 * KIT_PARTS);
  cache_queue_get_stats (fixture->queue, &stats);
  g_assert_cmpuint (stats.appended_chunks, ==, fixture->n_appended);
  g_assert_false (stats.incomplete);
}

/* The inits of an epoch that begins while the disk is full are stored when it
 * has room, and so is every segment from then on. */
static void
test_inits_wait (Fixture *fixture, gconstpointer unused)
{
  CacheQueueStats stats;

  g_assert_true (kit_epoch (0, 0, 2, 1, push, fixture));
  g_assert_true (cache_queue_drain (fixture->queue));
  g_atomic_int_set (&full, TRUE);
  g_assert_true (kit_epoch (1, 2, 2, 1, push, fixture));
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 4 * KIT_PARTS);

  g_atomic_int_set (&full, FALSE);
  for (guint64 msn = 4; msn < 6; msn++)
    for (guint32 part = 0; part < KIT_PARTS; part++) {
      ChunkInfo info;
      g_autoptr (GBytes) bytes = kit_part (&info, 0, 1, msn, part);

      g_assert_true (push (&info, bytes, fixture));
    }
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 6 * KIT_PARTS);
  g_assert_cmpuint (fixture->n_failures, ==, 1);
  g_assert_cmpuint (fixture->n_fatal, ==, 0);
  cache_queue_get_stats (fixture->queue, &stats);
  g_assert_cmpuint (stats.dropped_chunks, ==, 4 * KIT_PARTS);
  g_assert_true (stats.incomplete);
  cache_queue_stop (fixture->queue);
  g_assert_cmpuint (fixture->dropped, ==, stats.dropped_chunks);
}

/* A part that cannot be stored costs the rest of its segment in its track. */
static void
test_resync (Fixture *fixture, gconstpointer unused)
{
  ChunkInfo info;

  g_assert_true (kit_epoch (0, 0, 1, 1, push, fixture));
  for (guint64 msn = 1; msn < 3; msn++)
    for (guint32 part = 0; part < KIT_PARTS; part++) {
      g_autoptr (GBytes) bytes = kit_part (&info, 0, 0, msn, part);

      /* Segment 1 loses part 1 on the way to us. */
      if (msn != 1 || part != 1)
        g_assert_true (push (&info, bytes, fixture));
    }
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (
      kit_check_store (fixture->dir), ==, 2 * KIT_PARTS + 1 + KIT_PARTS);
}

static void
test_interrupt (Fixture *fixture, gconstpointer unused)
{
  cache_queue_set_interrupted (fixture->queue, TRUE);
  g_assert_false (cache_queue_drain (fixture->queue));
  cache_queue_set_interrupted (fixture->queue, FALSE);
  g_assert_true (cache_queue_drain (fixture->queue));
}

static void
test_fatal (Fixture *fixture, gconstpointer unused)
{
  cache_queue_push_end (fixture->queue);
  kit_epoch (0, 0, 1, 1, push, fixture);
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (fixture->n_fatal, ==, 1);
  g_assert_false (kit_epoch (0, 0, 1, 1, push, fixture));
  g_assert_true (cache_queue_drain (fixture->queue));
  g_assert_cmpuint (fixture->n_fatal, ==, 1);
}

#define ADD(path, func)                                                        \
  g_test_add ("/cachequeue/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("stores", test_stores);
  ADD ("inits-wait", test_inits_wait);
  ADD ("resync", test_resync);
  ADD ("interrupt", test_interrupt);
  ADD ("fatal", test_fatal);
  return g_test_run ();
}
