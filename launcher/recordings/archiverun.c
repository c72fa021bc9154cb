/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archiverun.h"

#include <gio/gio.h>

#include "description.h"

#define SOURCE "cachesrc"

struct _ArchiveRun {
  GstElement *pipeline;
  GstElement *sink; /* that has `stats`, or NULL */
  GSource *watch;
  ArchiveRunOver over;
  gpointer data;
  gboolean is_known; /* the piece */
  ArchivePiece piece;
  guint64 failures; /* of the sink, that are known */
  char *trouble;    /* of the last one, until it gets on */

  GMutex lock;
  guint64 position; /* with lock */
  guint64 bytes;    /* with lock; since they were taken */
};

/* --- Messages ------------------------------------------------------------------*/

static void
on_laid_out (ArchiveRun *run, const GstStructure *structure)
{
  ArchivePiece *piece = &run->piece;

  run->is_known = gst_structure_get (structure, "size", G_TYPE_UINT64,
      &piece->size, "crc32c", G_TYPE_UINT, &piece->crc32c, "duration",
      G_TYPE_UINT64, &piece->duration, "incomplete", G_TYPE_BOOLEAN,
      &piece->is_incomplete, "changed", G_TYPE_BOOLEAN, &piece->is_changed,
      "epoch", G_TYPE_UINT, &piece->epoch, NULL);
}

/* FALSE: the sink does not tell. */
static gboolean
get_stat (ArchiveRun *run, const char *field, guint64 *value)
{
  GstStructure *stats = NULL;
  gboolean found;

  if (run->sink == NULL)
    return FALSE;
  g_object_get (run->sink, "stats", &stats, NULL);
  found = stats != NULL && gst_structure_get_uint64 (stats, field, value);
  g_clear_pointer (&stats, gst_structure_free);
  return found;
}

/* One that waits for its service says so, each time. */
static void
on_progress (ArchiveRun *run, GstMessage *message)
{
  g_autofree char *text = NULL;
  guint64 failures;

  gst_message_parse_progress (message, NULL, NULL, &text);
  if (!get_stat (run, "failures", &failures))
    return;
  g_clear_pointer (&run->trouble, g_free);
  if (failures > run->failures)
    run->trouble = g_steal_pointer (&text);
  run->failures = failures;
}

/* The last thing that is done with the run: it may be freed in it. */
static void
end (ArchiveRun *run, GError *error)
{
  g_autoptr (GError) why = error;
  ArchivePiece piece = run->piece;

  g_source_destroy (run->watch);
  if (why == NULL && !run->is_known)
    g_set_error_literal (&why, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The archive's pipeline ended without a word of its " SOURCE);
  run->over (&piece, why, run->data);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  ArchiveRun *run = data;
  GError *error = NULL;

  switch ((guint)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name (message, SOURCE "-laid-out"))
        on_laid_out (run, gst_message_get_structure (message));
      return G_SOURCE_CONTINUE;
    case GST_MESSAGE_PROGRESS:
      on_progress (run, message);
      return G_SOURCE_CONTINUE;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      end (run, error);
      return G_SOURCE_REMOVE;
    case GST_MESSAGE_EOS:
      end (run, NULL);
      return G_SOURCE_REMOVE;
    default:
      return G_SOURCE_CONTINUE;
  }
}

/* --- Bytes ---------------------------------------------------------------------*/

/* On the streaming thread, which comes again only when the sink has taken what
 * was before. */
static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  ArchiveRun *run = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  g_mutex_lock (&run->lock);
  run->bytes += gst_buffer_get_size (buffer);
  if (GST_BUFFER_OFFSET_END_IS_VALID (buffer))
    run->position = GST_BUFFER_OFFSET_END (buffer);
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

guint64
archive_run_get_position (ArchiveRun *run)
{
  guint64 position;

  if (get_stat (run, "stored-bytes", &position))
    return position;
  g_mutex_lock (&run->lock);
  position = run->position;
  g_mutex_unlock (&run->lock);
  return position;
}

gboolean
archive_run_has_begun (ArchiveRun *run)
{
  gboolean has_begun;

  g_mutex_lock (&run->lock);
  has_begun = run->position > 0;
  g_mutex_unlock (&run->lock);
  return has_begun;
}

const char *
archive_run_get_trouble (ArchiveRun *run)
{
  return run->trouble;
}

guint64
archive_run_take_bytes (ArchiveRun *run)
{
  guint64 bytes;

  g_mutex_lock (&run->lock);
  bytes = run->bytes;
  run->bytes = 0;
  g_mutex_unlock (&run->lock);
  return bytes;
}

/* --- Start and stop ------------------------------------------------------------*/

static GstElement *
parse (const ArchiveRunSettings *settings, GError **error)
{
  g_autofree char *epoch = g_strdup_printf ("%u", settings->first_epoch);
  g_autoptr (GHashTable) variables = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (
      variables, (gpointer) "cache-dir", (gpointer)settings->cache_dir);
  g_hash_table_insert (variables, (gpointer) "link", (gpointer)settings->link);
  g_hash_table_insert (
      variables, (gpointer) "piece", (gpointer)settings->piece);
  g_hash_table_insert (variables, (gpointer) "first-epoch", epoch);
  g_hash_table_insert (variables, (gpointer) "sink", (gpointer)settings->sink);
  return description_launch (settings->pipeline, variables, error);
}

/* (transfer full) */
static GstElement *
find_source (GstElement *pipeline, const char *path, GError **error)
{
  g_auto (GValue) item = G_VALUE_INIT;
  GstElement *source = NULL;
  GstIterator *found =
      gst_bin_iterate_all_by_element_factory_name (GST_BIN (pipeline), SOURCE);

  if (gst_iterator_next (found, &item) == GST_ITERATOR_OK)
    source = g_value_dup_object (&item);
  gst_iterator_free (found);
  if (source == NULL)
    g_set_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_PIPELINE,
        "%s: there is no " SOURCE " in it", path);
  return source;
}

/* (transfer full) (nullable) */
static GstElement *
find_sink (GstElement *pipeline)
{
  g_auto (GValue) item = G_VALUE_INIT;
  GstElement *sink = NULL;
  GstIterator *sinks = gst_bin_iterate_sinks (GST_BIN (pipeline));

  if (gst_iterator_next (sinks, &item) == GST_ITERATOR_OK)
    sink = g_value_get_object (&item);
  gst_iterator_free (sinks);
  /* filesink has statistics of another kind. */
  if (sink == NULL || g_object_class_find_property (
                          G_OBJECT_GET_CLASS (sink), "state-file") == NULL)
    return NULL;
  return gst_object_ref (sink);
}

/* A source that is not active yet keeps the seek until it is. */
static void
set_offset (ArchiveRun *run, GstElement *source, guint64 offset)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");

  run->position = offset;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, run, NULL);
  if (offset > 0)
    gst_element_send_event (
        source, gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_NONE,
                    GST_SEEK_TYPE_SET, (gint64)offset, GST_SEEK_TYPE_NONE, -1));
}

/* Why it does not start is on the bus, mostly. */
static void
take_error (GstBus *bus, GError **error)
{
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GError *why = NULL;

  if (message != NULL) {
    gst_message_parse_error (message, &why, NULL);
    g_propagate_error (error, why);
  } else {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The archive's pipeline does not start");
  }
}

ArchiveRun *
archive_run_start (const ArchiveRunSettings *settings, ArchiveRunOver over,
    gpointer data, GError **error)
{
  g_autoptr (ArchiveRun) run = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstBus) bus = NULL;
  GstElement *pipeline = parse (settings, error);

  if (pipeline == NULL)
    return NULL;
  run = g_new0 (ArchiveRun, 1);
  g_mutex_init (&run->lock);
  run->pipeline = gst_object_ref_sink (pipeline);
  run->over = over;
  run->data = data;
  source = find_source (pipeline, settings->pipeline, error);
  if (source == NULL)
    return NULL;
  run->sink = find_sink (pipeline);
  bus = gst_element_get_bus (pipeline);
  set_offset (run, source, settings->offset);
  if (gst_element_set_state (pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE) {
    take_error (bus, error);
    return NULL;
  }
  run->watch = gst_bus_create_watch (bus);
  g_source_set_callback (run->watch, G_SOURCE_FUNC (on_message), run, NULL);
  g_source_attach (run->watch, settings->context);
  return g_steal_pointer (&run);
}

void
archive_run_free (ArchiveRun *run)
{
  if (run == NULL)
    return;
  if (run->watch != NULL) {
    g_source_destroy (run->watch);
    g_source_unref (run->watch);
  }
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_clear_object (&run->sink);
  gst_object_unref (run->pipeline);
  g_free (run->trouble);
  g_mutex_clear (&run->lock);
  g_free (run);
}
