/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>
#include <string.h>

#include "chunk.h"

static GstBuffer *
make_chunk (ChunkInfo *info)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);

  gst_buffer_memset (buffer, 0, 7, 100);
  *info = (ChunkInfo){.kind = CHUNK_KIND_MEDIA,
      .track = 3,
      .independent = TRUE,
      .last = TRUE,
      .epoch = G_MAXUINT32,
      .msn = G_MAXUINT64 - 1,
      .part = 19,
      .pts = 66 * GST_MSECOND,
      .dts = 5 * GST_MSECOND,
      .duration = 500 * GST_MSECOND,
      .wallclock = 1700000000000000,
      .arrived = 1234567890123,
      .size = 100};
  chunk_buffer_set_info (buffer, info);
  return buffer;
}

static void
assert_info_equal (const ChunkInfo *a, const ChunkInfo *b)
{
  g_assert_cmpint (a->kind, ==, b->kind);
  g_assert_cmpuint (a->track, ==, b->track);
  g_assert_cmpint (a->independent, ==, b->independent);
  g_assert_cmpint (a->last, ==, b->last);
  g_assert_cmpuint (a->epoch, ==, b->epoch);
  g_assert_cmpuint (a->msn, ==, b->msn);
  g_assert_cmpuint (a->part, ==, b->part);
  g_assert_cmpuint (a->pts, ==, b->pts);
  g_assert_cmpuint (a->dts, ==, b->dts);
  g_assert_cmpuint (a->duration, ==, b->duration);
  g_assert_cmpint (a->wallclock, ==, b->wallclock);
  g_assert_cmpint (a->arrived, ==, b->arrived);
  g_assert_cmpuint (a->size, ==, b->size);
}

static void
test_meta (void)
{
  ChunkInfo info, read = {0};
  g_autoptr (GstBuffer) buffer = make_chunk (&info);
  g_autoptr (GstBuffer) copy = gst_buffer_copy (buffer);
  g_autoptr (GError) error = NULL;

  g_assert_true (chunk_buffer_get_info (buffer, &read, &error));
  assert_info_equal (&info, &read);
  /* As tee and queues hand it on. */
  g_assert_true (chunk_buffer_get_info (copy, &read, &error));
  g_assert_no_error (error);
  assert_info_equal (&info, &read);
}

static void
test_no_meta (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, 4, NULL);
  g_autoptr (GError) error = NULL;
  ChunkInfo read = {.msn = 42};

  g_assert_false (chunk_buffer_get_info (buffer, &read, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpuint (read.msn, ==, 42);
}

static void
test_partial (void)
{
  ChunkInfo info, read = {.msn = 42};
  g_autoptr (GstBuffer) buffer = make_chunk (&info);
  g_autoptr (GError) error = NULL;

  gst_buffer_resize (buffer, 0, 99);
  g_assert_false (chunk_buffer_get_info (buffer, &read, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  g_assert_cmpuint (read.msn, ==, 42);
}

static void
test_bytes_are_shared (void)
{
  ChunkInfo info;
  GstBuffer *buffer = make_chunk (&info);
  g_autoptr (GBytes) bytes = chunk_buffer_get_bytes (buffer);
  GstMapInfo map;

  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 100);
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_true (g_bytes_get_data (bytes, NULL) == map.data);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  /* They outlive the caller's reference. */
  g_assert_cmpuint (
      ((const guint8 *)g_bytes_get_data (bytes, NULL))[99], ==, 7);
}

static void
test_caps (void)
{
  g_autoptr (TrackTable) table = track_table_new ();
  g_autoptr (TrackTable) read = NULL;
  g_autoptr (GstCaps) caps = NULL, same = NULL, written = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  Track *track = track_table_add (table, "video_0", TRACK_VIDEO);

  track->present = TRUE;
  track->codecs = g_strdup ("avc1.64001f");
  table->part_duration = 500 * GST_MSECOND;
  caps = chunk_caps_new (table);
  same = chunk_caps_new (table);
  g_assert_true (gst_caps_is_fixed (caps));
  g_assert_true (gst_caps_is_equal (caps, same));

  /* Also through the text that a pipeline description or a log holds. */
  text = gst_caps_to_string (caps);
  written = gst_caps_from_string (text);
  read = chunk_caps_parse (written, &error);
  g_assert_no_error (error);
  g_assert_true (track_table_equal (table, read));
}

static void
test_foreign_caps (void)
{
  static const char *cases[] = {
      CHUNK_CAPS_NAME,
      CHUNK_CAPS_NAME ", track-table=(int)1",
      CHUNK_CAPS_NAME ", track-table=(string)\"\"",
      CHUNK_CAPS_NAME ", track-table=(string)\" \"",
      CHUNK_CAPS_NAME ", track-table=(string)\"{\"",
      CHUNK_CAPS_NAME ", track-table=(string)\"{}\"",
      CHUNK_CAPS_NAME ", track-table=(string)\"null\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i]);
    g_autoptr (GError) error = NULL;

    g_assert_nonnull (caps);
    g_assert_null (chunk_caps_parse (caps, &error));
    g_assert_nonnull (error);
    g_assert_null (chunk_caps_parse (caps, NULL));
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/chunk/meta", test_meta);
  g_test_add_func ("/chunk/no-meta", test_no_meta);
  g_test_add_func ("/chunk/partial", test_partial);
  g_test_add_func ("/chunk/bytes-are-shared", test_bytes_are_shared);
  g_test_add_func ("/chunk/caps", test_caps);
  g_test_add_func ("/chunk/foreign-caps", test_foreign_caps);
  return g_test_run ();
}
