/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#include "appendledger.h"
#include "broadcastcontext.h"
#include "cacheio.h"
#include "chunk.h"
#include "storekit.h"

/* A disk that takes nothing while it is stalled, or only that much. */
static struct {
  GMutex lock;
  GCond cond;
  gboolean stalled;
  gboolean reached; /* a write waits */
  gint64 room;      /* bytes, below 0: any */
} disk = {.room = -1};

static ssize_t
disk_pwrite (int fd, const void *data, size_t size, off_t offset)
{
  gsize n = size;

  g_mutex_lock (&disk.lock);
  while (disk.stalled) {
    disk.reached = TRUE;
    g_cond_broadcast (&disk.cond);
    g_cond_wait (&disk.cond, &disk.lock);
  }
  if (disk.room >= 0) {
    n = MIN ((gint64)size, disk.room);
    disk.room -= n;
  }
  g_mutex_unlock (&disk.lock);
  if (n == 0) {
    errno = ENOSPC;
    return -1;
  }
  return pwrite (fd, data, n, offset);
}

static void
disk_set (gboolean stalled, gint64 room)
{
  g_mutex_lock (&disk.lock);
  disk.stalled = stalled;
  disk.reached = FALSE;
  disk.room = room;
  g_cond_broadcast (&disk.cond);
  g_mutex_unlock (&disk.lock);
}

static void
disk_wait_reached (void)
{
  g_mutex_lock (&disk.lock);
  while (!disk.reached)
    g_cond_wait (&disk.cond, &disk.lock);
  g_mutex_unlock (&disk.lock);
}

typedef struct {
  char *dir;
  GstHarness *harness;
  GstBus *bus;
  GstFlowReturn flow;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  cache_io.pwrite = disk_pwrite;
  disk_set (FALSE, -1);
  fixture->dir = kit_dir_new ();
}

/* A sink for @link, or one that has to ask if that is NULL. */
static void
start (Fixture *fixture, const char *link)
{
  g_autoptr (TrackTable) table = kit_table ();
  GstElement *element;

  fixture->bus = gst_bus_new ();
  element = gst_element_factory_make ("cachesink", NULL);
  g_object_set (element, "cache-dir", fixture->dir, "link", link, NULL);
  gst_element_set_bus (element, fixture->bus);
  fixture->harness = gst_harness_new_with_element (element, "sink", NULL);
  gst_object_unref (element);
  gst_harness_set_src_caps (fixture->harness, chunk_caps_new (table));
}

static void
stop (Fixture *fixture)
{
  gst_element_set_state (fixture->harness->element, GST_STATE_NULL);
  gst_element_set_bus (fixture->harness->element, NULL);
  g_clear_pointer (&fixture->harness, gst_harness_teardown);
  gst_clear_object (&fixture->bus);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  if (fixture->harness != NULL)
    stop (fixture);
  kit_dir_free (fixture->dir);
  cache_io.pwrite = pwrite;
}

/* A KitFunc. */
static gboolean
push (const ChunkInfo *info, GBytes *bytes, gpointer user_data)
{
  Fixture *fixture = user_data;
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);

  chunk_buffer_set_info (buffer, info);
  fixture->flow = gst_harness_push (fixture->harness, buffer);
  return fixture->flow == GST_FLOW_OK;
}

static void
push_eos (Fixture *fixture)
{
  g_assert_true (
      gst_harness_push_event (fixture->harness, gst_event_new_eos ()));
}

static GstStructure *
get_stats (Fixture *fixture)
{
  GstStructure *stats;

  g_object_get (fixture->harness->element, "stats", &stats, NULL);
  return stats;
}

static guint64
get_count (Fixture *fixture, const char *name)
{
  g_autoptr (GstStructure) stats = get_stats (fixture);
  guint64 count;

  g_assert_true (gst_structure_get_uint64 (stats, name, &count));
  return count;
}

static gboolean
is_incomplete (Fixture *fixture)
{
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  reader = cache_reader_open (fixture->dir, KIT_LINK, &error);
  g_assert_no_error (error);
  return cache_reader_is_incomplete (reader);
}

static gboolean
is_ended (Fixture *fixture)
{
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  reader = cache_reader_open (fixture->dir, KIT_LINK, &error);
  g_assert_no_error (error);
  return cache_reader_is_ended (reader);
}

static void
test_stores (Fixture *fixture, gconstpointer unused)
{
  start (fixture, KIT_LINK);
  g_assert_true (kit_epoch (0, 0, 3, 1, push, fixture));
  push_eos (fixture);
  /* Everything is on the disk when EOS has passed. */
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 6 * KIT_PARTS);
  g_assert_true (is_ended (fixture));
  g_assert_false (is_incomplete (fixture));
  g_assert_cmpuint (
      get_count (fixture, "appended-chunks"), ==, 3 + 6 * KIT_PARTS);
  g_assert_cmpuint (get_count (fixture, "dropped-chunks"), ==, 0);
  g_assert_cmpuint (get_count (fixture, "queued-bytes"), ==, 0);
  stop (fixture);
}

static void
give_context (Fixture *fixture, guint64 resume_window)
{
  BroadcastInfo info = {
      .link = (char *)KIT_LINK, .resume_window = resume_window};
  g_autoptr (GstContext) context = broadcast_context_new (&info);

  gst_element_set_context (fixture->harness->element, context);
}

/* A broadcast that may be resumed does not end with its stream. */
static void
test_link_by_context (Fixture *fixture, gconstpointer unused)
{
  start (fixture, NULL);
  give_context (fixture, 90 * GST_SECOND);
  g_assert_true (kit_epoch (0, 0, 2, 1, push, fixture));
  push_eos (fixture);
  stop (fixture);
  g_assert_false (is_ended (fixture));

  start (fixture, NULL);
  give_context (fixture, 90 * GST_SECOND);
  g_assert_true (kit_epoch (1, 2, 2, 1, push, fixture));
  stop (fixture);
  /* Stopped without EOS, what was queued is stored all the same. */
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 8 * KIT_PARTS);
  g_assert_false (is_incomplete (fixture));
}

static void
assert_error_posted (Fixture *fixture, int code)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      fixture->bus, 60 * GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, code);
}

static void
test_no_link (Fixture *fixture, gconstpointer unused)
{
  start (fixture, NULL);
  g_assert_false (kit_epoch (0, 0, 1, 1, push, fixture));
  g_assert_cmpint (fixture->flow, ==, GST_FLOW_ERROR);
  assert_error_posted (fixture, GST_RESOURCE_ERROR_SETTINGS);
  stop (fixture);
  start (fixture, "../../etc");
  g_assert_false (kit_epoch (0, 0, 1, 1, push, fixture));
  assert_error_posted (fixture, GST_RESOURCE_ERROR_SETTINGS);
}

/* The error comes from the thread that writes; then the stream ends. */
static void
assert_refuses (Fixture *fixture, guint32 epoch, guint64 msn)
{
  start (fixture, KIT_LINK);
  kit_epoch (epoch, msn, 1, 1, push, fixture);
  assert_error_posted (fixture, GST_RESOURCE_ERROR_OPEN_WRITE);
  /* The message is there before the flow fails. */
  while (kit_epoch (epoch, msn, 1, 1, push, fixture))
    ;
  g_assert_cmpint (fixture->flow, ==, GST_FLOW_ERROR);
  /* EOS does not hang on what will never be stored. */
  push_eos (fixture);
  g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
  stop (fixture);
}

static void
test_refuses (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *folder = g_build_filename (fixture->dir, KIT_LINK, NULL);
  CacheWriter *writer = kit_open_writer (fixture->dir);
  g_autoptr (GError) error = NULL;

  kit_epoch (0, 0, 2, 1, kit_append, writer);
  /* Held by another. */
  assert_refuses (fixture, 1, 2);
  cache_writer_free (writer);
  /* Stored already. */
  assert_refuses (fixture, 0, 0);
  assert_refuses (fixture, 0, 2);
  /* Ended. */
  writer = kit_open_writer (fixture->dir);
  g_assert_true (cache_writer_end (writer, &error));
  cache_writer_free (writer);
  assert_refuses (fixture, 1, 2);
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 4 * KIT_PARTS);
  /* Foreign. */
  kit_save (fixture->dir, "index", (const guint8 *)"nonsense", 8);
  assert_refuses (fixture, 1, 2);
}

static void
assert_drop_posted (Fixture *fixture, guint64 *chunks)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      fixture->bus, 60 * GST_SECOND, GST_MESSAGE_ELEMENT);
  const GstStructure *structure;

  g_assert_true (gst_message_has_name (message, "cachesink-chunks-dropped"));
  structure = gst_message_get_structure (message);
  g_assert_cmpstr (gst_structure_get_string (structure, "link"), ==, KIT_LINK);
  g_assert_true (gst_structure_get_uint64 (structure, "chunks", chunks));
}

/* The live branch does not notice a disk that stalls: the pushes below would
 * hang the test if one of them waited for it. */
static void
test_stalled_disk (Fixture *fixture, gconstpointer unused)
{
  guint64 posted, dropped;
  guint n_parts;

  start (fixture, KIT_LINK);
  g_object_set (
      fixture->harness->element, "max-queue-bytes", (guint64)8 * 1024, NULL);
  disk_set (TRUE, -1);
  g_assert_true (kit_epoch (0, 0, 1, 1, push, fixture));
  disk_wait_reached ();
  g_assert_true (kit_epoch (1, 1, 200, 1, push, fixture));
  assert_drop_posted (fixture, &posted);
  g_assert_cmpuint (posted, >, 0);
  dropped = get_count (fixture, "dropped-chunks");
  g_assert_cmpuint (dropped, >, 200);
  g_assert_cmpuint (get_count (fixture, "queued-bytes"), <, 12 * 1024);

  disk_set (FALSE, -1);
  push_eos (fixture);
  /* What was queued is stored, each segment's begin, and the loss is known. */
  n_parts = kit_check_store (fixture->dir);
  g_assert_cmpuint (
      n_parts + get_count (fixture, "dropped-chunks"), ==, 201 * 2 * KIT_PARTS);
  g_assert_true (is_incomplete (fixture));
}

static gpointer
push_eos_thread (gpointer data)
{
  gst_harness_push_event (((Fixture *)data)->harness, gst_event_new_eos ());
  return NULL;
}

/* While EOS waits for the disk, a pause and a stop end the wait. Whether EOS or
 * the stop comes first is left open. */
static void
test_stop_during_drain (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GstPad) pad = NULL;
  GThread *thread;

  start (fixture, KIT_LINK);
  disk_set (TRUE, -1);
  g_assert_true (kit_epoch (0, 0, 1, 1, push, fixture));
  disk_wait_reached ();
  thread = g_thread_new ("eos", push_eos_thread, fixture);
  gst_element_set_state (fixture->harness->element, GST_STATE_PAUSED);
  pad = gst_element_get_static_pad (fixture->harness->element, "sink");
  gst_pad_set_active (pad, FALSE);
  g_thread_join (thread);
  disk_set (FALSE, -1);
  stop (fixture);
  g_assert_cmpuint (kit_check_store (fixture->dir), ==, 2 * KIT_PARTS);
  g_assert_false (is_incomplete (fixture));
}

/* A full disk costs what does not fit, one warning, and not the broadcast. */
static void
test_full_disk (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  guint before;

  start (fixture, KIT_LINK);
  disk_set (FALSE, 8000);
  g_assert_true (kit_epoch (0, 0, 40, 1, push, fixture));
  message = gst_bus_timed_pop_filtered (
      fixture->bus, 60 * GST_SECOND, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  before = kit_check_store (fixture->dir);
  g_assert_cmpuint (before, >, 0);

  disk_set (FALSE, -1);
  g_assert_true (kit_epoch (1, 40, 2, 1, push, fixture));
  push_eos (fixture);
  g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_WARNING));
  g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
  g_assert_cmpuint (kit_check_store (fixture->dir), >=, before + 4 * KIT_PARTS);
  g_assert_true (is_incomplete (fixture));
  g_assert_true (is_ended (fixture));
}

typedef struct {
  gint appended;
  gint released;
} Ledger;

static void
on_append (const ChunkInfo *info, gpointer user_data)
{
  Ledger *ledger = user_data;

  g_atomic_int_inc (info != NULL ? &ledger->appended : &ledger->released);
}

static void
test_ledger (Fixture *fixture, gconstpointer unused)
{
  Ledger ledger = {0};
  guint id = append_ledger_subscribe (KIT_LINK, on_append, &ledger, NULL);

  g_assert_false (append_ledger_is_held (KIT_LINK));
  start (fixture, KIT_LINK);
  g_assert_true (kit_epoch (0, 0, 2, 1, push, fixture));
  g_assert_true (append_ledger_is_held (KIT_LINK));
  push_eos (fixture);
  g_assert_cmpint (g_atomic_int_get (&ledger.appended), ==, 3 + 4 * KIT_PARTS);
  g_assert_cmpint (g_atomic_int_get (&ledger.released), ==, 0);
  stop (fixture);
  g_assert_false (append_ledger_is_held (KIT_LINK));
  g_assert_cmpint (g_atomic_int_get (&ledger.released), ==, 1);
  append_ledger_unsubscribe (id);
}

static void
test_ledger_alone (void)
{
  Ledger one = {0}, two = {0};
  const ChunkInfo info = {.kind = CHUNK_KIND_MEDIA};
  guint first = append_ledger_subscribe ("one", on_append, &one, NULL);
  guint second = append_ledger_subscribe ("two", on_append, &two, NULL);

  append_ledger_hold ("one");
  append_ledger_hold ("one");
  append_ledger_appended ("one", &info);
  append_ledger_release ("one");
  g_assert_true (append_ledger_is_held ("one"));
  g_assert_cmpint (one.released, ==, 0);
  append_ledger_release ("one");
  g_assert_false (append_ledger_is_held ("one"));
  g_assert_cmpint (one.appended, ==, 1);
  g_assert_cmpint (one.released, ==, 1);
  g_assert_cmpint (two.appended + two.released, ==, 0);
  append_ledger_unsubscribe (first);
  append_ledger_appended ("one", &info);
  g_assert_cmpint (one.appended, ==, 1);
  append_ledger_unsubscribe (second);
  append_ledger_unsubscribe (12345);
}

static void
test_foreign_buffer (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GstMessage) message = NULL;

  start (fixture, KIT_LINK);
  g_assert_cmpint (gst_harness_push (fixture->harness,
                       gst_harness_create_buffer (fixture->harness, 10)),
      ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
}

#define ADD(path, func)                                                        \
  g_test_add ("/cachesink/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("stores", test_stores);
  ADD ("link-by-context", test_link_by_context);
  ADD ("no-link", test_no_link);
  ADD ("refuses", test_refuses);
  ADD ("stalled-disk", test_stalled_disk);
  ADD ("stop-during-drain", test_stop_during_drain);
  ADD ("full-disk", test_full_disk);
  ADD ("ledger", test_ledger);
  ADD ("foreign-buffer", test_foreign_buffer);
  g_test_add_func ("/appendledger", test_ledger_alone);
  return g_test_run ();
}
