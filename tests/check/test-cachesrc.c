/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <string.h>

#include "boxreader.h"
#include "crc32c.h"
#include "storekit.h"

static void
store (const char *dir, guint32 epoch, guint64 first_msn, guint n, guint width,
    gboolean end)
{
  g_autoptr (CacheWriter) writer = kit_open_writer (dir);
  g_autoptr (GError) error = NULL;

  g_assert_true (kit_epoch (epoch, first_msn, n, width, kit_append, writer));
  if (end)
    g_assert_true (cache_writer_end (writer, &error));
  g_assert_no_error (error);
}

typedef struct {
  GstElement *pipeline;
  GstElement *src;
  GMutex lock;
  GCond grown;
  GByteArray *bytes; /* with lock, until the end */
  GstStructure *changed;
  GstStructure *laid_out;
  GError *error;
} Run;

static void
on_handoff (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Run *run = data;
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_mutex_lock (&run->lock);
  g_byte_array_append (run->bytes, map.data, map.size);
  g_cond_broadcast (&run->grown);
  g_mutex_unlock (&run->lock);
  gst_buffer_unmap (buffer, &map);
}

static void
run_start (Run *run, const char *dir, const char *settings)
{
  g_autofree char *line =
      g_strdup_printf ("cachesrc name=src cache-dir=%s link=" KIT_LINK " %s ! "
                       "fakesink name=sink signal-handoffs=true sync=false",
          dir, settings);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) sink = NULL;

  *run = (Run){.bytes = g_byte_array_new ()};
  g_mutex_init (&run->lock);
  g_cond_init (&run->grown);
  run->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  run->src = gst_bin_get_by_name (GST_BIN (run->pipeline), "src");
  sink = gst_bin_get_by_name (GST_BIN (run->pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), run);
  gst_element_set_state (run->pipeline, GST_STATE_PLAYING);
}

static void
take_message (Run *run, GstMessage *message)
{
  GstStructure **place = &run->laid_out;

  if (!gst_message_has_name (message, "cachesrc-laid-out")) {
    g_assert_true (gst_message_has_name (message, "cachesrc-init-changed"));
    place = &run->changed;
  }
  g_assert_null (*place);
  *place = gst_structure_copy (gst_message_get_structure (message));
}

static void
run_wait (Run *run)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipeline);
  gboolean done = FALSE;

  while (!done) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
            GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);

    g_assert_nonnull (message);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT) {
      take_message (run, message);
    } else {
      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
        gst_message_parse_error (message, &run->error, NULL);
      done = TRUE;
    }
  }
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
}

static void
run_clear (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_clear_object (&run->src);
  gst_clear_object (&run->pipeline);
  g_byte_array_unref (run->bytes);
  g_mutex_clear (&run->lock);
  g_cond_clear (&run->grown);
  g_clear_pointer (&run->changed, gst_structure_free);
  g_clear_pointer (&run->laid_out, gst_structure_free);
  g_clear_error (&run->error);
}

/* What a cachesrc with @settings gives. */
static GByteArray *
read_all (const char *dir, const char *settings)
{
  GByteArray *bytes;
  Run run;

  run_start (&run, dir, settings);
  run_wait (&run);
  g_assert_no_error (run.error);
  bytes = g_byte_array_ref (run.bytes);
  run_clear (&run);
  return bytes;
}

/* The body as it should be: segments in order, in each the tracks in order. */
static GByteArray *
expect_body (guint32 epoch, guint64 first_msn, guint n, guint tracks)
{
  GByteArray *body = g_byte_array_new ();

  for (guint64 msn = first_msn; msn < first_msn + n; msn++)
    for (guint16 track = 0; track < 2; track++)
      for (guint32 part = 0; part < KIT_PARTS; part++) {
        ChunkInfo info;
        GBytes *bytes = kit_part (&info, track, epoch, msn, part);

        if (tracks & 1u << track)
          g_byte_array_append (body, g_bytes_get_data (bytes, NULL), info.size);
        g_bytes_unref (bytes);
      }
  return body;
}

static void
assert_same (GByteArray *a, GByteArray *b)
{
  g_assert_cmpmem (a->data, a->len, b->data, b->len);
}

static void
test_pieces (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) whole = NULL, head = NULL, body = NULL, wanted = NULL;

  store (dir, 0, 5, 4, 1, TRUE);
  body = read_all (dir, "piece=body");
  wanted = expect_body (0, 5, 4, 3);
  assert_same (body, wanted);
  head = read_all (dir, "piece=head");
  whole = read_all (dir, "");
  g_byte_array_append (head, body->data, body->len);
  assert_same (whole, head);
  kit_dir_free (dir);
}

static guint16
get_uint16 (const guint8 *data)
{
  return data[0] << 8 | data[1];
}

/* The index of the sound names every chunk of the file. Those of the picture take
 * no time, and are at that of the sound behind them, which is a moment after that
 * of the picture. */
static void
check_chunks (const GByteArray *whole, const Box *sidx, guint64 at, guint n)
{
  guint64 pts = box_get_uint32 (sidx->content + 16);
  guint64 begin;

  g_assert_cmpuint (box_get_uint32 (sidx->content + 4), ==, 2);
  g_assert_cmpuint (box_get_uint32 (sidx->content + 8), ==, 48000);
  g_assert_cmpuint (box_get_uint32 (sidx->content + 28 - 4), ==, 0);
  g_assert_cmpuint (get_uint16 (sidx->content + 30), ==, n);
  for (guint i = 0; i < n; i++) {
    const guint8 *reference = sidx->content + 32 + 12 * i;
    gboolean sound = i / KIT_PARTS % 2;
    guint64 msn = 5 + i / (2 * KIT_PARTS);
    Box moof;

    g_assert_true (
        box_find (whole->data + at, whole->len - at, BOX_TYPE ("moof"), &moof));
    g_assert_cmpuint (moof.offset, ==, 0);
    g_assert_cmpuint (box_get_uint32 (moof.content + 8), ==, msn);
    begin = msn * 2 * 48000 + 48000 / 25 + 48;
    if (sound)
      begin += i % KIT_PARTS * (2 * 48000 / KIT_PARTS);
    g_assert_cmpuint (pts, ==, begin);
    g_assert_cmphex (
        box_get_uint32 (reference + 8), ==, sound ? 0x90000000 : 0);
    pts += box_get_uint32 (reference + 4);
    at += box_get_uint32 (reference);
  }
  g_assert_cmpuint (at, ==, whole->len);
}

/* The index of segments spans the file to its last byte. */
static void
test_sidx (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) whole = NULL;
  guint64 at;
  Box sidx, other;
  guint n;

  store (dir, 0, 5, 4, 1, TRUE);
  whole = read_all (dir, "");
  g_assert_true (box_find (whole->data, whole->len, BOX_TYPE ("sidx"), &sidx));
  g_assert_cmpuint (sidx.content[0], ==, 1);
  g_assert_cmpuint (box_get_uint32 (sidx.content + 4), ==, 1);
  g_assert_cmpuint (box_get_uint32 (sidx.content + 8), ==, 90000);
  /* 5 segments of 2 s and the reordering of 40 ms. */
  g_assert_cmpuint (box_get_uint32 (sidx.content + 16), ==, 10 * 90000 + 3600);
  n = get_uint16 (sidx.content + 30);
  g_assert_cmpuint (n, ==, 4);
  at = sidx.offset + sidx.total;
  g_assert_true (
      box_find (whole->data + at, whole->len - at, BOX_TYPE ("sidx"), &other));
  g_assert_cmpuint (other.offset, ==, 0);
  g_assert_cmpuint (box_get_uint32 (sidx.content + 28 - 4), ==, other.total);
  at += other.total;
  check_chunks (whole, &other, at, n * 2 * KIT_PARTS);
  for (guint i = 0; i < n; i++) {
    const guint8 *reference = sidx.content + 32 + 12 * i;
    Box moof;

    g_assert_true (
        box_find (whole->data + at, whole->len - at, BOX_TYPE ("moof"), &moof));
    g_assert_cmpuint (moof.offset, ==, 0);
    /* The helper says in the moof which segment it is. */
    g_assert_cmpuint (box_get_uint32 (moof.content + 8), ==, 5 + i);
    g_assert_cmpuint (box_get_uint32 (moof.content + 12), ==, 0);
    g_assert_cmpuint (box_get_uint32 (reference + 4), ==, 2 * 90000);
    g_assert_cmphex (box_get_uint32 (reference + 8), ==, 0x90000000);
    at += box_get_uint32 (reference);
  }
  g_assert_cmpuint (at, ==, whole->len);
  kit_dir_free (dir);
}

/* Nobody is sent to a segment that begins without a key frame. */
static void
test_cut_group (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) whole = NULL;
  g_autoptr (GError) error = NULL;
  CacheWriter *writer = kit_open_writer (dir);
  const guint8 *reference;
  Box sidx, moof;
  guint64 at;

  kit_epoch (0, 0, 2, 1, kit_append, writer);
  for (guint part = 0; part < KIT_PARTS; part++)
    for (guint16 track = 0; track < 2; track++) {
      ChunkInfo info;
      g_autoptr (GBytes) bytes = kit_part (&info, track, 0, 2, part);

      info.independent = track == KIT_AUDIO;
      kit_append (&info, bytes, writer);
    }
  g_assert_true (cache_writer_end (writer, &error));
  g_assert_no_error (error);
  cache_writer_free (writer);
  whole = read_all (dir, "");
  g_assert_true (box_find (whole->data, whole->len, BOX_TYPE ("sidx"), &sidx));
  g_assert_cmpuint (get_uint16 (sidx.content + 30), ==, 2);
  reference = sidx.content + 32;
  g_assert_cmpuint (box_get_uint32 (reference + 4), ==, 2 * 90000);
  g_assert_cmpuint (box_get_uint32 (reference + 12 + 4), ==, 4 * 90000);
  at = sidx.offset + sidx.total + box_get_uint32 (sidx.content + 28 - 4) +
       box_get_uint32 (reference);
  g_assert_true (
      box_find (whole->data + at, whole->len - at, BOX_TYPE ("moof"), &moof));
  g_assert_cmpuint (moof.offset, ==, 0);
  g_assert_cmpuint (box_get_uint32 (moof.content + 8), ==, 1);
  at += box_get_uint32 (reference + 12);
  g_assert_cmpuint (at, ==, whole->len);
  g_assert_cmphex (box_get_uint32 (reference + 12 + 8), ==, 0x90000000);
  kit_dir_free (dir);
}

static guint
count_boxes (const Box *parent, guint32 type)
{
  BoxReader reader;
  guint n = 0;
  Box box;

  box_reader_init (&reader, parent->content, parent->size);
  while (box_reader_next (&reader, &box))
    n += box.type == type;
  return n;
}

static void
test_tracks (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) body = NULL, wanted = NULL, whole = NULL;
  g_autoptr (GByteArray) both = NULL, named = NULL;
  Box moov, mvex;
  Run run;

  store (dir, 0, 0, 2, 1, TRUE);
  body = read_all (dir, "piece=body tracks=audio_0");
  wanted = expect_body (0, 0, 2, 1 << KIT_AUDIO);
  assert_same (body, wanted);

  whole = read_all (dir, "tracks=audio_0");
  g_assert_true (box_find (whole->data, whole->len, BOX_TYPE ("moov"), &moov));
  g_assert_cmpuint (count_boxes (&moov, BOX_TYPE ("trak")), ==, 1);
  g_assert_true (box_find (moov.content, moov.size, BOX_TYPE ("mvex"), &mvex));
  g_assert_cmpuint (count_boxes (&mvex, BOX_TYPE ("trex")), ==, 1);

  /* The order of names does not matter. */
  both = read_all (dir, "");
  named = read_all (dir, "tracks=\"audio_0, video_0\"");
  assert_same (both, named);

  run_start (&run, dir, "tracks=video_7");
  run_wait (&run);
  g_assert_error (run.error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (run.error->message, "video_7"));
  run_clear (&run);
  kit_dir_free (dir);
}

/* Of a live link only whole segments are read. */
static void
test_live_snapshot (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) body = NULL, wanted = NULL, whole = NULL;
  CacheWriter *writer;
  ChunkInfo info;
  GBytes *bytes;
  Box sidx;

  writer = kit_open_writer (dir);
  kit_epoch (0, 0, 2, 1, kit_append, writer);
  for (guint part = 0; part < KIT_PARTS; part++) {
    bytes = kit_part (&info, KIT_VIDEO, 0, 2, part);
    kit_append (&info, bytes, writer);
    g_bytes_unref (bytes);
  }
  body = read_all (dir, "piece=body");
  wanted = expect_body (0, 0, 2, 3);
  assert_same (body, wanted);
  whole = read_all (dir, "");
  g_assert_false (box_find (whole->data, whole->len, BOX_TYPE ("sidx"), &sidx));
  cache_writer_free (writer);
  kit_dir_free (dir);
}

/* What was said of the stream is so. @epoch: that another stream begins with, or
 * 0. */
static void
check_laid_out (Run *run, guint epoch)
{
  guint64 size, duration;
  guint crc, next;
  gboolean incomplete, changed;

  g_assert_nonnull (run->laid_out);
  g_assert_cmpstr (
      gst_structure_get_string (run->laid_out, "link"), ==, KIT_LINK);
  g_assert_true (gst_structure_get (run->laid_out, "size", G_TYPE_UINT64, &size,
      "crc32c", G_TYPE_UINT, &crc, "duration", G_TYPE_UINT64, &duration,
      "incomplete", G_TYPE_BOOLEAN, &incomplete, "changed", G_TYPE_BOOLEAN,
      &changed, "epoch", G_TYPE_UINT, &next, NULL));
  g_assert_cmpuint (size, ==, run->bytes->len);
  g_assert_cmphex (
      crc, ==, crc32c_update (0, run->bytes->data, run->bytes->len));
  g_assert_cmpuint (duration, ==, (epoch != 0 ? 3 : 33) * 2 * GST_SECOND);
  g_assert_false (incomplete);
  g_assert_cmpint (changed, ==, epoch != 0);
  g_assert_cmpuint (next, ==, epoch);
}

/* Followed while it is written, part by part, it is the same body. */
static void
test_follow (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  g_autoptr (GByteArray) after = NULL;
  g_autoptr (GByteArray) head = NULL;
  g_autoptr (GError) error = NULL;
  Run body, late, heading;

  run_start (&body, dir, "piece=body follow=true");
  kit_epoch (0, 0, 3, 1, kit_append, writer);
  run_start (&late, dir, "piece=body follow=true");
  run_start (&heading, dir, "piece=head follow=true");
  cache_writer_free (writer);
  /* The same init: one file goes on. */
  writer = kit_open_writer (dir);
  kit_epoch (1, 3, 30, 1, kit_append, writer);
  g_assert_true (cache_writer_end (writer, &error));
  cache_writer_free (writer);

  run_wait (&body);
  run_wait (&late);
  run_wait (&heading);
  g_assert_no_error (body.error);
  after = read_all (dir, "piece=body");
  assert_same (after, body.bytes);
  assert_same (after, late.bytes);
  head = read_all (dir, "piece=head");
  assert_same (head, heading.bytes);
  g_assert_cmpuint (after->len, >, 33 * 2 * KIT_PARTS * 80);
  check_laid_out (&body, 0);
  check_laid_out (&late, 0);
  check_laid_out (&heading, 0);
  run_clear (&body);
  run_clear (&late);
  run_clear (&heading);
  kit_dir_free (dir);
}

/* A pipeline that follows can be stopped, and started again. */
static void
test_follow_stops (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  Run run;

  kit_epoch (0, 0, 1, 1, kit_append, writer);
  run_start (&run, dir, "follow=true");
  gst_element_set_state (run.pipeline, GST_STATE_NULL);
  gst_element_set_state (run.pipeline, GST_STATE_PLAYING);
  gst_element_set_state (run.pipeline, GST_STATE_NULL);
  run_clear (&run);
  cache_writer_free (writer);
  kit_dir_free (dir);
}

static void
test_init_changed (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) wanted = NULL;
  guint epoch;
  guint64 msn;
  Run run;

  store (dir, 4, 0, 3, 1, FALSE);
  store (dir, 5, 3, 2, 2, TRUE);
  run_start (&run, dir, "piece=body follow=true");
  run_wait (&run);
  g_assert_no_error (run.error);
  wanted = expect_body (4, 0, 3, 3);
  assert_same (run.bytes, wanted);
  g_assert_nonnull (run.changed);
  g_assert_cmpstr (
      gst_structure_get_string (run.changed, "link"), ==, KIT_LINK);
  g_assert_true (gst_structure_get (run.changed, "epoch", G_TYPE_UINT, &epoch,
      "msn", G_TYPE_UINT64, &msn, NULL));
  g_assert_cmpuint (epoch, ==, 5);
  g_assert_cmpuint (msn, ==, 3);
  check_laid_out (&run, 5);
  run_clear (&run);

  run_start (&run, dir, "piece=body first-epoch=5");
  run_wait (&run);
  g_byte_array_unref (g_steal_pointer (&wanted));
  wanted = expect_body (5, 3, 2, 3);
  assert_same (run.bytes, wanted);
  g_assert_null (run.changed);
  /* Only with follow. */
  g_assert_null (run.laid_out);
  run_clear (&run);
  kit_dir_free (dir);
}

static void
assert_error (const char *dir, const char *settings, int code)
{
  Run run;

  run_start (&run, dir, settings);
  run_wait (&run);
  g_assert_error (run.error, GST_RESOURCE_ERROR, code);
  run_clear (&run);
}

static void
test_errors (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer;
  g_autoptr (GError) error = NULL;

  assert_error (dir, "", GST_RESOURCE_ERROR_NOT_FOUND);
  assert_error (dir, "link=a/b", GST_RESOURCE_ERROR_SETTINGS);
  assert_error (dir, "cache-dir=\"\"", GST_RESOURCE_ERROR_SETTINGS);
  /* Ended without a chunk. */
  writer = kit_open_writer (dir);
  g_assert_true (cache_writer_end (writer, &error));
  cache_writer_free (writer);
  assert_error (dir, "", GST_RESOURCE_ERROR_NOT_FOUND);
  kit_save (dir, "index", (const guint8 *)"nonsense", 8);
  assert_error (dir, "", GST_RESOURCE_ERROR_READ);
  kit_dir_free (dir);
}

static void
test_seek (void)
{
  char *dir = kit_dir_new ();
  g_autoptr (GByteArray) whole = NULL;
  g_autoptr (GstElement) src = NULL;
  g_autoptr (GstPad) pad = NULL;
  gint64 size;

  store (dir, 0, 0, 20, 1, TRUE);
  whole = read_all (dir, "");
  src = gst_element_factory_make ("cachesrc", NULL);
  gst_object_ref_sink (src);
  g_object_set (src, "cache-dir", dir, "link", KIT_LINK, NULL);
  pad = gst_element_get_static_pad (src, "src");
  g_assert_true (gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, TRUE));
  g_assert_true (gst_pad_query_duration (pad, GST_FORMAT_BYTES, &size));
  g_assert_cmpint (size, ==, whole->len);
  for (guint at = 0; at < whole->len; at += 997) {
    guint want = MIN (1500, whole->len - at);
    GstBuffer *buffer = NULL;

    g_assert_cmpint (
        gst_pad_get_range (pad, at, want, &buffer), ==, GST_FLOW_OK);
    g_assert_cmpuint (gst_buffer_get_size (buffer), ==, want);
    g_assert_cmpint (
        gst_buffer_memcmp (buffer, 0, whole->data + at, want), ==, 0);
    gst_buffer_unref (buffer);
  }
  g_assert_true (gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, FALSE));
  kit_dir_free (dir);
}

/* Waits until @run has got @n bytes since it last began; its bytes are those of
 * its streaming thread, which waits for more meanwhile. */
static void
await_bytes (Run *run, guint n)
{
  g_mutex_lock (&run->lock);
  while (run->bytes->len < n)
    g_cond_wait (&run->grown, &run->lock);
  g_mutex_unlock (&run->lock);
}

static void
seek (Run *run, gint64 offset)
{
  g_assert_true (gst_element_seek (run->src, 1.0, GST_FORMAT_BYTES,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, offset, GST_SEEK_TYPE_NONE, -1));
}

/* A body that is followed can be sought in as far as it is stored, also while it
 * waits for more, and goes on to its end. */
static void
test_seek_following (void)
{
  char *dir = kit_dir_new ();
  CacheWriter *writer = kit_open_writer (dir);
  g_autoptr (GByteArray) begun = NULL, all = NULL;
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_BYTES);
  g_autoptr (GError) error = NULL;
  gboolean seekable;
  gint64 start, end;
  Run run, whole;

  kit_epoch (0, 0, 3, 1, kit_append, writer);
  begun = read_all (dir, "piece=body");
  run_start (&run, dir, "piece=body follow=true");
  await_bytes (&run, begun->len);
  g_assert_true (gst_element_query (run.src, query));
  gst_query_parse_seeking (query, NULL, &seekable, &start, &end);
  g_assert_true (seekable);
  g_assert_cmpint (start, ==, 0);
  g_assert_cmpint (end, ==, begun->len);
  run_start (&whole, dir, "piece=whole follow=true");
  await_bytes (&whole, begun->len);
  g_assert_true (gst_element_query (whole.src, query));
  gst_query_parse_seeking (query, NULL, &seekable, NULL, NULL);
  g_assert_false (seekable);

  g_mutex_lock (&run.lock);
  g_byte_array_set_size (run.bytes, 0);
  g_mutex_unlock (&run.lock);
  seek (&run, 777);
  await_bytes (&run, begun->len - 777);
  kit_epoch (0, 3, 5, 1, kit_append, writer);
  g_assert_true (cache_writer_end (writer, &error));
  cache_writer_free (writer);
  run_wait (&run);
  run_wait (&whole);
  g_assert_no_error (run.error);
  all = read_all (dir, "piece=body");
  g_assert_cmpmem (
      run.bytes->data, run.bytes->len, all->data + 777, all->len - 777);
  run_clear (&run);
  run_clear (&whole);
  kit_dir_free (dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cachesrc/pieces", test_pieces);
  g_test_add_func ("/cachesrc/sidx", test_sidx);
  g_test_add_func ("/cachesrc/cut-group", test_cut_group);
  g_test_add_func ("/cachesrc/tracks", test_tracks);
  g_test_add_func ("/cachesrc/live-snapshot", test_live_snapshot);
  g_test_add_func ("/cachesrc/follow", test_follow);
  g_test_add_func ("/cachesrc/follow-stops", test_follow_stops);
  g_test_add_func ("/cachesrc/init-changed", test_init_changed);
  g_test_add_func ("/cachesrc/errors", test_errors);
  g_test_add_func ("/cachesrc/seek", test_seek);
  g_test_add_func ("/cachesrc/seek-following", test_seek_following);
  return g_test_run ();
}
