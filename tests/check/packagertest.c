/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "packagertest.h"

/**
 * packager_test_init:
 * @properties: (nullable): as in a pipeline description
 */
void
packager_test_init (PackagerTest *self, const char *properties)
{
  g_autofree char *launch =
      g_strdup_printf ("cmafpackager %s", properties != NULL ? properties : "");
  g_autoptr (GError) error = NULL;

  *self = (PackagerTest){.element = gst_parse_launch (launch, &error)};
  g_assert_no_error (error);
  gst_object_ref_sink (self->element);
  self->bus = gst_bus_new ();
  gst_element_set_bus (self->element, self->bus);
  self->out = gst_harness_new_with_element (self->element, NULL, "src");
}

/**
 * packager_test_add_pad:
 * @caps: (nullable) (transfer none):
 *
 * Returns: (transfer none): the harness that pushes into the new pad @name
 */
GstHarness *
packager_test_add_pad (PackagerTest *self, const char *name, GstCaps *caps)
{
  GstHarness *in = gst_harness_new_with_element (self->element, name, NULL);

  g_assert_cmpuint (self->n_in, <, PACKAGER_TEST_MAX_PADS);
  self->in[self->n_in++] = in;
  if (caps != NULL)
    gst_harness_set_src_caps (in, gst_caps_ref (caps));
  return in;
}

void
packager_test_add_media (PackagerTest *self, const char *name, TestMedia *media)
{
  packager_test_add_pad (self, name, media->caps);
}

static GstClockTime
decode_time (GstBuffer *buffer)
{
  return GST_BUFFER_DTS_OR_PTS (buffer);
}

/**
 * packager_test_push:
 * @media: one a pad, in the order of packager_test_add_pad(), or %NULL
 *
 * Pushes all of it, later by @offset, in the order of decode time.
 */
void
packager_test_push (
    PackagerTest *self, TestMedia *const *media, guint n, GstClockTime offset)
{
  guint next[PACKAGER_TEST_MAX_PADS] = {0};

  for (;;) {
    int first = -1;
    GstBuffer *buffer = NULL;

    for (guint i = 0; i < n; i++) {
      GstBuffer *candidate;

      if (media[i] == NULL || next[i] == media[i]->buffers->len)
        continue;
      candidate = g_ptr_array_index (media[i]->buffers, next[i]);
      if (first < 0 || decode_time (candidate) < decode_time (buffer)) {
        first = i;
        buffer = candidate;
      }
    }
    if (first < 0)
      return;
    next[first]++;
    buffer = gst_buffer_copy (buffer);
    GST_BUFFER_PTS (buffer) += offset;
    if (GST_BUFFER_DTS_IS_VALID (buffer))
      GST_BUFFER_DTS (buffer) += offset;
    g_assert_cmpint (
        gst_harness_push (self->in[first], buffer), ==, GST_FLOW_OK);
  }
}

void
packager_test_end (PackagerTest *self)
{
  for (guint i = 0; i < self->n_in; i++)
    g_assert_true (gst_harness_push_event (self->in[i], gst_event_new_eos ()));
}

static void
test_chunk_clear (gpointer data)
{
  TestChunk *chunk = data;

  gst_buffer_unref (chunk->buffer);
  g_bytes_unref (chunk->bytes);
}

static void
check_media (const TestChunk *chunk)
{
  Mp4Chunk media;
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk->bytes, &size);
  gboolean key = FALSE;

  mp4_read_chunk (data, size, &media);
  g_assert_cmpuint (media.track_id, ==, chunk->info.track + 1u);
  for (guint i = 0; i < media.samples->len; i++)
    key |= g_array_index (media.samples, Mp4Sample, i).flags == 0x02000000;
  g_assert_cmpint (key, ==, chunk->info.independent);
  mp4_chunk_clear (&media);
  g_assert_cmpuint (GST_BUFFER_PTS (chunk->buffer), ==, chunk->info.pts);
  g_assert_cmpuint (
      GST_BUFFER_DURATION (chunk->buffer), ==, chunk->info.duration);
}

/**
 * packager_test_pull:
 *
 * Returns: (transfer full): of TestChunk: what came out since, checked one by
 *     one
 */
GArray *
packager_test_pull (PackagerTest *self)
{
  GArray *chunks = g_array_new (FALSE, FALSE, sizeof (TestChunk));
  GstBuffer *buffer;

  g_array_set_clear_func (chunks, test_chunk_clear);
  while ((buffer = gst_harness_try_pull (self->out)) != NULL) {
    TestChunk chunk = {.buffer = buffer};
    g_autoptr (GError) error = NULL;
    Mp4Init init;

    chunk_buffer_get_info (buffer, &chunk.info, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, 1);
    chunk.bytes = chunk_buffer_get_bytes (buffer);
    if (chunk.info.kind == CHUNK_KIND_MEDIA)
      check_media (&chunk);
    else
      mp4_read_init (g_bytes_get_data (chunk.bytes, NULL),
          g_bytes_get_size (chunk.bytes), &init);
    g_array_append_val (chunks, chunk);
  }
  return chunks;
}

/**
 * packager_test_count_messages:
 * @name: (nullable): of the structure
 *
 * Returns: how many such messages were posted since
 */
guint
packager_test_count_messages (
    PackagerTest *self, GstMessageType type, const char *name)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (self->bus, type)) != NULL) {
    const GstStructure *structure = gst_message_get_structure (message);

    if (name == NULL || gst_structure_has_name (structure, name))
      n++;
    gst_message_unref (message);
  }
  return n;
}

guint64
packager_test_stat (PackagerTest *self, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (self->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

void
packager_test_clear (PackagerTest *self)
{
  for (guint i = 0; i < self->n_in; i++)
    gst_harness_teardown (self->in[i]);
  gst_harness_teardown (self->out);
  gst_bus_set_flushing (self->bus, TRUE);
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->bus);
  gst_object_unref (self->element);
}

TestChunk *
test_chunk (GArray *chunks, guint index)
{
  return &g_array_index (chunks, TestChunk, index);
}

/**
 * test_chunks_count:
 * @track: or -1 for all
 */
guint
test_chunks_count (GArray *chunks, ChunkKind kind, int track)
{
  guint n = 0;

  for (guint i = 0; i < chunks->len; i++) {
    const ChunkInfo *info = &test_chunk (chunks, i)->info;

    n += info->kind == kind && (track < 0 || info->track == track);
  }
  return n;
}

/**
 * test_chunks_join:
 *
 * Returns: (transfer full): a fragmented MP4 file: the joint init, then all
 *     media
 */
GBytes *
test_chunks_join (GArray *chunks)
{
  GByteArray *file = g_byte_array_new ();

  for (guint i = 0; i < chunks->len; i++) {
    const TestChunk *chunk = test_chunk (chunks, i);
    gsize size;
    gconstpointer data = g_bytes_get_data (chunk->bytes, &size);

    if (chunk->info.kind != CHUNK_KIND_INIT)
      g_byte_array_append (file, data, size);
  }
  return g_byte_array_free_to_bytes (file);
}
