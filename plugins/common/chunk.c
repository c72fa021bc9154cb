/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chunk.h"

#include <gio/gio.h>

/* The caps carry the table as the JSON text that broadcast.json has too: one
 * form, one parser. Equal tables give equal text, so caps compare as tables. */
#define FIELD_TRACKS "track-table"

static const GstMetaInfo *
chunk_meta_info (void)
{
  static gsize once;

  /* GStreamer refuses a second registration of the name in a process. */
  if (g_once_init_enter (&once)) {
    static const char *tags[] = {NULL};
    const GstMetaInfo *info;

    info = gst_meta_register_custom (CHUNK_META_NAME, tags, NULL, NULL, NULL);
    g_once_init_leave (&once, (gsize)info);
  }
  return (const GstMetaInfo *)once;
}

/**
 * chunk_caps_new:
 * @table: the tracks of the stream
 *
 * Returns: (transfer full): caps application/x-cmaf-chunks that carry @table
 */
GstCaps *
chunk_caps_new (const TrackTable *table)
{
  g_autoptr (JsonNode) node = track_table_to_json (table);
  g_autofree char *text = json_to_string (node, FALSE);

  return gst_caps_new_simple (
      CHUNK_CAPS_NAME, FIELD_TRACKS, G_TYPE_STRING, text, NULL);
}

/**
 * chunk_caps_parse:
 * @caps: fixed caps application/x-cmaf-chunks
 *
 * Returns: (transfer full) (nullable): the table in @caps, or %NULL and @error
 */
TrackTable *
chunk_caps_parse (const GstCaps *caps, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *text = gst_structure_get_string (structure, FIELD_TRACKS);
  g_autoptr (JsonNode) node = NULL;

  if (text == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The caps have no field " FIELD_TRACKS
        ": only cmafpackager makes them");
    return NULL;
  }
  node = json_from_string (text, error);
  if (node == NULL) {
    if (error != NULL && *error == NULL)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "The track table in the caps is empty");
    return NULL;
  }
  return track_table_from_json (node, error);
}

/**
 * chunk_buffer_set_info:
 * @buffer: a writable buffer that holds one whole chunk
 *
 * Puts the meta `wishcast-chunk` and the timestamps on @buffer.
 */
void
chunk_buffer_set_info (GstBuffer *buffer, const ChunkInfo *info)
{
  GstCustomMeta *meta;

  chunk_meta_info ();
  meta = gst_buffer_add_custom_meta (buffer, CHUNK_META_NAME);
  gst_structure_set (gst_custom_meta_get_structure (meta), "kind", G_TYPE_UINT,
      (guint)info->kind, "track", G_TYPE_UINT, (guint)info->track,
      "independent", G_TYPE_BOOLEAN, info->independent, "last", G_TYPE_BOOLEAN,
      info->last, "epoch", G_TYPE_UINT, info->epoch, "msn", G_TYPE_UINT64,
      info->msn, "part", G_TYPE_UINT, info->part, "pts", G_TYPE_UINT64,
      info->pts, "dts", G_TYPE_UINT64, info->dts, "duration", G_TYPE_UINT64,
      info->duration, "wallclock", G_TYPE_INT64, info->wallclock, "arrived",
      G_TYPE_INT64, info->arrived, "size", G_TYPE_UINT, info->size, NULL);
}

/**
 * chunk_buffer_get_info:
 * @info: (out): untouched on failure
 *
 * Returns: %FALSE and @error if @buffer was not made by cmafpackager or is only
 *     a piece of what it made
 */
gboolean
chunk_buffer_get_info (GstBuffer *buffer, ChunkInfo *info, GError **error)
{
  GstCustomMeta *meta;
  ChunkInfo read = {0};
  guint kind, track;

  chunk_meta_info ();
  meta = gst_buffer_get_custom_meta (buffer, CHUNK_META_NAME);
  if (meta == NULL ||
      !gst_structure_get (gst_custom_meta_get_structure (meta), "kind",
          G_TYPE_UINT, &kind, "track", G_TYPE_UINT, &track, "independent",
          G_TYPE_BOOLEAN, &read.independent, "last", G_TYPE_BOOLEAN, &read.last,
          "epoch", G_TYPE_UINT, &read.epoch, "msn", G_TYPE_UINT64, &read.msn,
          "part", G_TYPE_UINT, &read.part, "pts", G_TYPE_UINT64, &read.pts,
          "dts", G_TYPE_UINT64, &read.dts, "duration", G_TYPE_UINT64,
          &read.duration, "wallclock", G_TYPE_INT64, &read.wallclock, "arrived",
          G_TYPE_INT64, &read.arrived, "size", G_TYPE_UINT, &read.size, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The buffer carries no complete meta " CHUNK_META_NAME
        ": only cmafpackager makes it");
    return FALSE;
  }
  if (gst_buffer_get_size (buffer) != read.size) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
        "The buffer has %" G_GSIZE_FORMAT " bytes of a chunk of %u",
        gst_buffer_get_size (buffer), read.size);
    return FALSE;
  }
  read.kind = kind;
  read.track = track;
  *info = read;
  return TRUE;
}

typedef struct {
  GstBuffer *buffer;
  GstMapInfo map;
} MappedBuffer;

static void
mapped_buffer_free (gpointer data)
{
  MappedBuffer *mapped = data;

  gst_buffer_unmap (mapped->buffer, &mapped->map);
  gst_buffer_unref (mapped->buffer);
  g_free (mapped);
}

/**
 * chunk_buffer_get_bytes:
 * @buffer: a chunk in one memory
 *
 * Returns: (transfer full): the bytes of @buffer, shared, not copied; they hold
 *     a reference on it
 */
GBytes *
chunk_buffer_get_bytes (GstBuffer *buffer)
{
  MappedBuffer *mapped = g_new (MappedBuffer, 1);

  mapped->buffer = gst_buffer_ref (buffer);
  if (!gst_buffer_map (buffer, &mapped->map, GST_MAP_READ)) {
    gst_buffer_unref (mapped->buffer);
    g_free (mapped);
    g_return_val_if_reached (NULL);
  }
  return g_bytes_new_with_free_func (
      mapped->map.data, mapped->map.size, mapped_buffer_free, mapped);
}
