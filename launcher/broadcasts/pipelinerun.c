/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipelinerun.h"

#include <gio/gio.h>

#include "healthprobe.h"

/* Kinds of warnings that are told; a pipeline has few, and what repeats is told
 * once. */
#define MAX_TOLD 32

/* How often a stop looks whether the watch took the end. */
#define STOP_SLICE (20 * GST_MSECOND)

/* Counted (g_atomic_rc_box): a message may be in work when the run stops. */
typedef struct {
  PipelineRunEvents events;
  gpointer data;
  GDestroyNotify destroy;
  int is_live;      /* atomic */
  int is_over;      /* atomic: EOS or an error was taken from the bus */
  GHashTable *told; /* texts of warnings; the context's thread only */
} Watch;

struct _PipelineRun {
  GstElement *pipeline;
  GstBus *bus;
  HealthProbe *probe; /* NULL without a source */
  GSource *source;
  Watch *watch;
};

static void
watch_clear (gpointer user_data)
{
  Watch *watch = user_data;

  g_hash_table_unref (watch->told);
  watch->destroy (watch->data);
}

static void
watch_unref (gpointer watch)
{
  g_atomic_rc_box_release_full (watch, watch_clear);
}

/* --- messages ----------------------------------------------------------------- */

static void
end_watch (Watch *watch, const char *reason)
{
  if (g_atomic_int_exchange (&watch->is_over, TRUE))
    return;
  watch->events.over (reason, watch->data);
}

static void
warn (Watch *watch, const char *text)
{
  if (g_hash_table_size (watch->told) < MAX_TOLD &&
      g_hash_table_add (watch->told, g_strdup (text)))
    watch->events.warned (text, watch->data);
}

/* The sentence for people only: the details may have addresses in them. */
static void
on_error (Watch *watch, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  end_watch (watch, error->message);
}

static void
on_warning (Watch *watch, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_warning (message, &error, NULL);
  warn (watch, error->message);
}

static void
on_element (Watch *watch, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);

  if (gst_message_has_name (message, "cachesink-chunks-dropped")) {
    warn (watch, "the disk is too slow: the recording has a hole");
  } else if (gst_message_has_name (message, "cmafpackager-epoch-begun") &&
             !g_atomic_int_exchange (&watch->is_live, TRUE)) {
    watch->events.live (watch->data);
  } else if (gst_message_has_name (message, "broadcastregister-refused") &&
             g_strcmp0 (gst_structure_get_string (structure, "reason"),
                 "ended") == 0) {
    watch->events.ended (watch->data);
  }
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Watch *watch = user_data;

  switch ((guint)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      on_error (watch, message);
      break;
    case GST_MESSAGE_WARNING:
      on_warning (watch, message);
      break;
    case GST_MESSAGE_EOS:
      end_watch (watch, "the stream ended");
      break;
    case GST_MESSAGE_ELEMENT:
      on_element (watch, message);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* --- start and stop -------------------------------------------------------------- */

static Watch *
watch_new (
    const PipelineRunEvents *events, gpointer data, GDestroyNotify destroy)
{
  Watch *watch = g_atomic_rc_box_new0 (Watch);

  watch->events = *events;
  watch->data = data;
  watch->destroy = destroy;
  watch->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return watch;
}

static void
run_free (PipelineRun *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  if (run->probe != NULL)
    health_probe_free (run->probe);
  if (run->source != NULL)
    g_source_unref (run->source);
  watch_unref (run->watch);
  gst_object_unref (run->bus);
  gst_object_unref (run->pipeline);
  g_free (run);
}

/* Why it does not start is on the bus. */
static void
take_error (PipelineRun *run, GError **error)
{
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (run->bus, GST_MESSAGE_ERROR);
  GError *why = NULL;

  if (message != NULL) {
    gst_message_parse_error (message, &why, NULL);
    g_propagate_error (error, why);
  } else {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_FAILED, "The pipeline does not start");
  }
}

PipelineRun *
pipeline_run_start (GstElement *pipeline, GMainContext *context,
    const PipelineRunEvents *events, gpointer data, GDestroyNotify destroy,
    GError **error)
{
  PipelineRun *run = g_new0 (PipelineRun, 1);
  g_autoptr (GstElement) source = NULL;

  run->pipeline = gst_object_ref_sink (pipeline);
  run->bus = gst_element_get_bus (pipeline);
  run->watch = watch_new (events, data, destroy);
  source = pipeline_run_get_source (run);
  if (source != NULL)
    run->probe = health_probe_new (source);
  if (gst_element_set_state (pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE) {
    take_error (run, error);
    run_free (run);
    return NULL;
  }
  run->source = gst_bus_create_watch (run->bus);
  g_source_set_callback (run->source, G_SOURCE_FUNC (on_message),
      g_atomic_rc_box_acquire (run->watch), watch_unref);
  g_source_attach (run->source, context);
  return run;
}

/* A streaming thread that is stuck in the pipeline has the lock that an EOS
 * waits for; so another thread sends it. */
static void
send_eos (GstElement *pipeline, gpointer unused)
{
  gst_element_send_event (pipeline, gst_event_new_eos ());
}

/* Before the first media there is nothing to be finished, and a demuxer without
 * pads has nobody to pass an EOS to. */
static gboolean
is_under_way (PipelineRun *run)
{
  return g_atomic_int_get (&run->watch->is_live) &&
         !g_atomic_int_get (&run->watch->is_over);
}

gboolean
pipeline_run_stop (PipelineRun *run, gint64 patience)
{
  gint64 deadline = g_get_monotonic_time () + patience;
  GstMessage *message = NULL;
  gboolean ended;

  g_source_destroy (run->source);
  if (is_under_way (run))
    gst_element_call_async (run->pipeline, send_eos, NULL, NULL);
  while (message == NULL && is_under_way (run) &&
         g_get_monotonic_time () < deadline)
    message = gst_bus_timed_pop_filtered (
        run->bus, STOP_SLICE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  ended = message != NULL || !is_under_way (run);
  g_clear_pointer (&message, gst_message_unref);
  run_free (run);
  return ended;
}

/* --- looking at it ------------------------------------------------------------------ */

GstElement *
pipeline_run_get_source (PipelineRun *run)
{
  return gst_bin_get_by_name (GST_BIN (run->pipeline), "source");
}

char *
pipeline_run_tick (PipelineRun *run, gint64 now)
{
  return run->probe != NULL ? health_probe_tick (run->probe, now) : NULL;
}

guint64
pipeline_run_get_bytes (PipelineRun *run)
{
  return run->probe != NULL ? health_probe_get_bytes (run->probe) : 0;
}

/* Of several, as the sinks of the posters are, the one that has more to say. */
static void
keep_busiest (const GValue *item, gpointer user_data)
{
  GstStructure **best = user_data;
  GstStructure *stats = NULL;
  guint64 parts = 0, most = 0;

  g_object_get (g_value_get_object (item), "stats", &stats, NULL);
  if (stats == NULL)
    return;
  if (*best != NULL) {
    gst_structure_get_uint64 (stats, "parts", &parts);
    gst_structure_get_uint64 (*best, "parts", &most);
    if (parts <= most) {
      gst_structure_free (stats);
      return;
    }
    gst_structure_free (*best);
  }
  *best = stats;
}

GstStructure *
pipeline_run_get_stats (PipelineRun *run, const char *factory)
{
  GstStructure *stats = NULL;
  GstIterator *elements = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (run->pipeline), factory);

  gst_iterator_foreach (elements, keep_busiest, &stats);
  gst_iterator_free (elements);
  return stats;
}
