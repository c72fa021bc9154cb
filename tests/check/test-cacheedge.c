/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <string.h>

#include "boxreader.h"
#include "cacheedge.h"
#include "cachepacer.h"
#include "storekit.h"

#define MS G_GINT64_CONSTANT (1000000)

static CacheEdge *
open_edge (const char *dir, const char *names)
{
  g_autoptr (GError) error = NULL;
  CacheReader *reader = cache_reader_open (dir, KIT_LINK, &error);

  g_assert_no_error (error);
  return cache_edge_new (
      reader, names != NULL ? g_strsplit (names, ",", -1) : NULL);
}

static void
append_part (CacheWriter *writer, guint16 track, guint32 epoch, guint64 msn,
    guint32 part)
{
  ChunkInfo info;
  g_autoptr (GBytes) bytes = kit_part (&info, track, epoch, msn, part);

  g_assert_true (kit_append (&info, bytes, writer));
}

/* What the next part says it is; asserts that there is one. */
static CacheEdgePart
expect (CacheEdge *edge, guint64 msn, guint32 number)
{
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  g_assert_cmpint (cache_edge_next (edge, &part, &error), ==, CACHE_EDGE_PART);
  g_assert_no_error (error);
  g_assert_cmpuint (part.dts, ==, (msn * KIT_PARTS + number) * KIT_PART_TIME);
  return part;
}

static void
expect_result (CacheEdge *edge, CacheEdgeResult wanted)
{
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  g_assert_true (cache_edge_refresh (edge, &error));
  g_assert_cmpint (cache_edge_next (edge, &part, &error), ==, wanted);
  g_assert_no_error (error);
}

/* Joins at the newest segment, though it is not whole, and goes on by part. */
static void
test_join (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  g_autoptr (CacheEdge) edge = NULL;
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  kit_epoch (0, 0, 5, 1, kit_append, writer);
  append_part (writer, KIT_VIDEO, 0, 5, 0);
  append_part (writer, KIT_VIDEO, 0, 5, 1);
  append_part (writer, KIT_AUDIO, 0, 5, 0);

  edge = open_edge (dir, NULL);
  part = expect (edge, 5, 0);
  g_assert_true (part.first);
  g_assert_nonnull (part.init);
  g_assert_cmpuint (part.pts, ==, part.dts + 40 * MS);
  g_assert_cmpint (
      part.wallclock, ==, 1700000000000000 + (gint64)(part.dts / 1000));
  /* The other track, which comes along. */
  part = expect (edge, 5, 0);
  g_assert_false (part.first);
  g_assert_null (part.init);
  expect (edge, 5, 1);
  expect_result (edge, CACHE_EDGE_NONE);

  /* It does not wait for the track that is behind. */
  append_part (writer, KIT_VIDEO, 0, 5, 2);
  g_assert_true (cache_edge_refresh (edge, &error));
  expect (edge, 5, 2);
  append_part (writer, KIT_AUDIO, 0, 5, 1);
  g_assert_true (cache_edge_refresh (edge, &error));
  expect (edge, 5, 1);
  expect_result (edge, CACHE_EDGE_NONE);

  g_assert_true (cache_writer_end (writer, &error));
  expect_result (edge, CACHE_EDGE_ENDED);
  kit_dir_free (dir);
}

static void
test_segments_and_tracks (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  g_autoptr (CacheEdge) edge = open_edge (dir, "audio_0");
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  expect_result (edge, CACHE_EDGE_NONE);
  kit_epoch (0, 0, 2, 1, kit_append, writer);
  g_assert_true (cache_edge_refresh (edge, &error));
  for (guint i = 0; i < KIT_PARTS; i++)
    part = expect (edge, 1, i);
  kit_epoch (0, 2, 1, 1, kit_append, writer);
  g_assert_true (cache_edge_refresh (edge, &error));
  for (guint i = 0; i < KIT_PARTS; i++)
    part = expect (edge, 2, i);
  g_assert_cmpuint (part.epoch, ==, 0);
  kit_dir_free (dir);
}

/* A new epoch goes on; the header comes again only if it is another. */
static void
test_epochs (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  g_autoptr (CacheEdge) edge = NULL;
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  kit_epoch (3, 0, 1, 1, kit_append, writer);
  edge = open_edge (dir, "video_0");
  for (guint i = 0; i < KIT_PARTS; i++)
    expect (edge, 0, i);
  cache_writer_free (writer);

  writer = kit_open_writer (dir);
  kit_epoch (4, 1, 1, 1, kit_append, writer);
  g_assert_true (cache_edge_refresh (edge, &error));
  part = expect (edge, 1, 0);
  g_assert_true (part.first);
  g_assert_null (part.init);
  g_assert_cmpuint (part.epoch, ==, 4);
  cache_writer_free (writer);

  writer = kit_open_writer (dir);
  kit_epoch (5, 2, 2, 2, kit_append, writer);
  g_assert_true (cache_edge_refresh (edge, &error));
  /* What is left of the one before comes first. */
  for (guint i = 1; i < KIT_PARTS; i++)
    expect (edge, 1, i);
  part = expect (edge, 3, 0);
  g_assert_true (part.first);
  g_assert_nonnull (part.init);
  g_assert_cmpuint (part.epoch, ==, 5);
  cache_writer_free (writer);
  kit_dir_free (dir);
}

static void
test_no_track (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  g_autoptr (CacheEdge) edge = NULL;
  g_autoptr (GError) error = NULL;
  CacheEdgePart part;

  kit_epoch (0, 0, 1, 1, kit_append, writer);
  edge = open_edge (dir, "video_9");
  g_assert_cmpint (
      cache_edge_next (edge, &part, &error), ==, CACHE_EDGE_FAILED);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  kit_dir_free (dir);
}

static void
test_pacer (void)
{
  const gint64 day = 1700000000000 * MS;
  guint64 delay;
  CachePacer pacer;

  cache_pacer_init (&pacer, 500 * MS);
  cache_pacer_anchor (&pacer, 10000 * MS, day);
  g_assert_cmpuint (pacer.delay, ==, 800 * MS);
  /* Due a delay after its capture, whatever was captured before or after. */
  g_assert_cmpint (
      cache_pacer_until_due (&pacer, 10000 * MS, day), ==, 800 * MS);
  g_assert_cmpint (
      cache_pacer_until_due (&pacer, 9000 * MS, day), ==, -200 * MS);
  g_assert_cmpint (
      cache_pacer_until_due (&pacer, 12000 * MS, day + 2800 * MS), ==, 0);

  /* Three late ones are a hiccup. */
  for (guint i = 0; i < 3; i++)
    g_assert_false (cache_pacer_arrived (&pacer, 10000 * MS, day + 1300 * MS));
  g_assert_false (cache_pacer_arrived (&pacer, 10000 * MS, day + 700 * MS));
  g_assert_cmpuint (pacer.delay, ==, 800 * MS);

  /* Four are late for good: by the least of them, and some room. */
  for (guint i = 0; i < 3; i++)
    g_assert_false (cache_pacer_arrived (
        &pacer, 10000 * MS, day + (i == 1 ? 1000 : 1500) * MS));
  g_assert_true (cache_pacer_arrived (&pacer, 10000 * MS, day + 1500 * MS));
  delay = pacer.delay;
  g_assert_cmpuint (delay, ==, (800 + 200 + 300) * MS);
  for (guint i = 0; i < 10; i++)
    g_assert_false (cache_pacer_arrived (&pacer, 10000 * MS, day + 1300 * MS));
  g_assert_cmpuint (pacer.delay, ==, delay);
}

/* The element */

typedef struct {
  char *dir;
  GstHarness *harness;
  GstBus *bus;
} Live;

static void
live_start (Live *live, char *dir)
{
  live->dir = dir;
  live->harness = gst_harness_new ("cachesrc");
  live->bus = gst_bus_new ();
  gst_element_set_bus (live->harness->element, live->bus);
  g_object_set (live->harness->element, "cache-dir", dir, "link", KIT_LINK,
      "live-edge", TRUE, NULL);
  gst_harness_use_systemclock (live->harness);
  gst_harness_play (live->harness);
}

static void
live_clear (Live *live)
{
  gst_element_set_bus (live->harness->element, NULL);
  gst_harness_teardown (live->harness);
  gst_object_unref (live->bus);
  kit_dir_free (live->dir);
}

static void
assert_pulls (Live *live, guint64 msn, guint32 number, guint16 track)
{
  g_autoptr (GstBuffer) buffer = gst_harness_pull (live->harness);
  ChunkInfo info;
  g_autoptr (GBytes) bytes = kit_part (&info, track, 0, msn, number);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size);
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, data, size), ==, 0);
}

/* The segment that was sent last. */
static GstSegment
pull_segment (Live *live)
{
  g_autoptr (GstEvent) event = NULL;
  GstSegment segment;
  gboolean found = FALSE;

  while ((event = gst_harness_try_pull_event (live->harness)) != NULL) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
      gst_event_copy_segment (event, &segment);
      found = TRUE;
    }
    gst_clear_event (&event);
  }
  g_assert_true (found);
  return segment;
}

/* The header first, then each part as one buffer, bytes as they are stored, in
 * a segment of time that puts them where they were captured. */
static void
test_live (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBuffer) header = NULL;
  g_autoptr (GstMessage) message = NULL;
  const GstStructure *structure;
  gboolean ended = FALSE, is_live;
  guint64 delay, time, least, most;
  gint64 wallclock;
  GstSegment segment;
  GstQuery *query;
  GstMapInfo map;
  Live live;
  Box moov;

  kit_epoch (0, 0, 2, 1, kit_append, writer);
  live_start (&live, dir);
  header = gst_harness_pull (live.harness);
  g_assert_true (gst_buffer_map (header, &map, GST_MAP_READ));
  g_assert_true (box_find (map.data, map.size, BOX_TYPE ("moov"), &moov));
  gst_buffer_unmap (header, &map);
  for (guint i = 0; i < KIT_PARTS; i++) {
    assert_pulls (&live, 1, i, KIT_VIDEO);
    assert_pulls (&live, 1, i, KIT_AUDIO);
  }
  segment = pull_segment (&live);
  g_assert_cmpint (segment.format, ==, GST_FORMAT_TIME);
  /* The kit's media was captured years ago: all of it is before the start. */
  g_assert_cmpuint (segment.base, ==, 0);
  g_assert_cmpuint (segment.start, >, 365 * 24 * 3600 * GST_SECOND);

  message = gst_bus_pop_filtered (live.bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "cachesrc-time-set"));
  g_assert_cmpstr (gst_structure_get_string (structure, "link"), ==, KIT_LINK);
  g_assert_true (
      gst_structure_get (structure, "time", G_TYPE_UINT64, &time, "wallclock",
          G_TYPE_INT64, &wallclock, "delay", G_TYPE_UINT64, &delay, NULL));
  g_assert_cmpuint (time, ==, 2000 * MS + 40 * MS);
  g_assert_cmpint (wallclock, ==, 1700000000000000 + 2000000);
  /* The kit's parts are 500 ms. */
  g_assert_cmpuint (delay, ==, 800 * MS);

  query = gst_query_new_latency ();
  g_assert_true (gst_pad_peer_query (live.harness->sinkpad, query));
  gst_query_parse_latency (query, &is_live, &least, &most);
  gst_query_unref (query);
  g_assert_true (is_live);
  g_assert_cmpuint (least, ==, 0);
  g_assert_cmpuint (most, ==, GST_CLOCK_TIME_NONE);

  g_assert_true (cache_writer_end (writer, &error));
  while (!ended) {
    g_autoptr (GstEvent) event = gst_harness_pull_event (live.harness);

    g_assert_nonnull (event);
    ended = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  }
  live_clear (&live);
}

/* It stops while it waits, before there is anything and after. */
static void
test_live_stops (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  Live live;

  live_start (&live, dir);
  gst_element_set_state (live.harness->element, GST_STATE_NULL);
  gst_harness_play (live.harness);
  kit_epoch (0, 0, 1, 1, kit_append, writer);
  gst_buffer_unref (gst_harness_pull (live.harness));
  live_clear (&live);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cacheedge/join", test_join);
  g_test_add_func ("/cacheedge/segments-and-tracks", test_segments_and_tracks);
  g_test_add_func ("/cacheedge/epochs", test_epochs);
  g_test_add_func ("/cacheedge/no-track", test_no_track);
  g_test_add_func ("/cacheedge/pacer", test_pacer);
  g_test_add_func ("/cacheedge/live", test_live);
  g_test_add_func ("/cacheedge/live-stops", test_live_stops);
  return g_test_run ();
}
