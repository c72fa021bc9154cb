/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cachesink
 * @title: cachesink
 * @short_description: stores a broadcast by its link
 *
 * Appends the chunks of cmafpackager to `<cache-dir>/<link>/`, where cachesrc
 * and cdnoriginsink find them. The link is that of the property, or the one
 * that the pipeline's broadcastregister gives by the context
 * `wishcast.broadcast`.
 *
 * A thread of the element writes; the streaming thread only queues, so a
 * stalled disk never holds up the other branches of a tee. The queue is bounded
 * by #GstCacheSink:max-queue-bytes. What does not fit is dropped, a track up to
 * its next segment; the recording is marked incomplete for good and the
 * application is told. A full or failing disk costs chunks in the same way, and
 * one WARNING message: the broadcast goes on.
 *
 * A store that cannot be written at all (a foreign or damaged file, another
 * writer, an ended link, segments that are stored already) is an ERROR.
 *
 * At EOS everything queued is stored before the EOS message. If the broadcast
 * cannot be resumed (its resume-window is 0, or the link came by property) the
 * link is marked as ended and takes no more chunks.
 *
 * The element does not wait for the clock and needs no preroll (`sync` and
 * `async` are FALSE by default), so that it can hang on a tee without a queue.
 *
 * ## Messages
 *
 * `cachesink-chunks-dropped` (element): at once when a loss begins, then every
 * five seconds while it lasts.
 *
 * * `link` (string)
 * * `chunks` (guint64), `bytes` (guint64): dropped since the last message
 *
 * ## Example launch line
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! x264enc key-int-max=30 ! \
 *     h264parse ! cmafpackager ! cachesink cache-dir=/tmp/cache link=test
 * ]|
 * Stores ten seconds as the ended link `test`.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcachesink.h"

#include "appendledger.h"
#include "broadcastcontext.h"
#include "cachequeue.h"
#include "chunk.h"
#include "link.h"

GST_DEBUG_CATEGORY_STATIC (cachesink_debug);
#define GST_CAT_DEFAULT cachesink_debug

/* Forty seconds at 3 Mbit/s: a disk that stalls longer is not slow but broken,
 * and a process of many broadcasts must not die of it. */
#define DEFAULT_MAX_QUEUE_BYTES (16 * 1024 * 1024)

enum {
  PROP_0,
  PROP_CACHE_DIR,
  PROP_LINK,
  PROP_MAX_QUEUE_BYTES,
  PROP_STATS,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

struct _GstCacheSink {
  GstBaseSink parent;

  /* Settings, with OBJECT_LOCK. */
  char *cache_dir;
  char *link;
  guint64 max_queue_bytes;

  /* Streaming state, with STREAM_LOCK. */
  TrackTable *table;
  BroadcastInfo *broadcast;

  /* Made on the streaming thread at the first buffer, freed in stop; OBJECT_LOCK
   * guards the pointer for unlock and stats. */
  CacheQueue *queue;
  gboolean unlocked;          /* with OBJECT_LOCK */
  CacheQueueStats last_stats; /* with OBJECT_LOCK: of the queue that is gone */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CHUNK_CAPS_NAME));

G_DEFINE_FINAL_TYPE (GstCacheSink, gst_cache_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cachesink, "cachesink", GST_RANK_NONE,
    GST_TYPE_CACHE_SINK,
    GST_DEBUG_CATEGORY_INIT (cachesink_debug, "cachesink", 0, "store by link"));

/* Properties */

static GstStructure *
create_stats (GstCacheSink *self)
{
  CacheQueueStats stats;

  GST_OBJECT_LOCK (self);
  stats = self->last_stats;
  if (self->queue != NULL)
    cache_queue_get_stats (self->queue, &stats);
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new ("application/x-cachesink-stats", "appended-chunks",
      G_TYPE_UINT64, stats.appended_chunks, "appended-bytes", G_TYPE_UINT64,
      stats.appended_bytes, "dropped-chunks", G_TYPE_UINT64,
      stats.dropped_chunks, "dropped-bytes", G_TYPE_UINT64, stats.dropped_bytes,
      "queued-bytes", G_TYPE_UINT64, stats.queued_bytes, "incomplete",
      G_TYPE_BOOLEAN, stats.incomplete, NULL);
}

static void
gst_cache_sink_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCacheSink *self = GST_CACHE_SINK (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_CACHE_DIR:
      g_free (self->cache_dir);
      self->cache_dir = g_value_dup_string (value);
      break;
    case PROP_LINK:
      g_free (self->link);
      self->link = g_value_dup_string (value);
      break;
    case PROP_MAX_QUEUE_BYTES:
      self->max_queue_bytes = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cache_sink_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCacheSink *self = GST_CACHE_SINK (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, create_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_CACHE_DIR:
      g_value_set_string (value, self->cache_dir);
      break;
    case PROP_LINK:
      g_value_set_string (value, self->link);
      break;
    case PROP_MAX_QUEUE_BYTES:
      g_value_set_uint64 (value, self->max_queue_bytes);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* The queue's thread */

static void
on_appended (const ChunkInfo *info, gpointer user_data)
{
  GstCacheSink *self = user_data;

  append_ledger_appended (self->broadcast->link, info);
}

static void
on_dropped (guint64 chunks, guint64 bytes, gpointer user_data)
{
  GstCacheSink *self = user_data;

  GST_WARNING_OBJECT (self,
      "dropped %" G_GUINT64_FORMAT " chunks, %" G_GUINT64_FORMAT " bytes",
      chunks, bytes);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("cachesink-chunks-dropped", "link", G_TYPE_STRING,
              self->broadcast->link, "chunks", G_TYPE_UINT64, chunks, "bytes",
              G_TYPE_UINT64, bytes, NULL)));
}

static void
on_failed (const GError *failure, gboolean fatal, gpointer user_data)
{
  GstCacheSink *self = user_data;
  gboolean full = g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  if (fatal)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
        ("The broadcast cannot be stored: %s.", failure->message), (NULL));
  else if (full)
    GST_ELEMENT_WARNING (self, RESOURCE, NO_SPACE_LEFT,
        ("The disk is full, the recording will be incomplete."),
        ("%s", failure->message));
  else
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("The disk fails, the recording will be incomplete."),
        ("%s", failure->message));
}

/* Streaming */

static gboolean
gst_cache_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstCacheSink *self = GST_CACHE_SINK (sink);
  g_autoptr (GError) error = NULL;
  TrackTable *table = chunk_caps_parse (caps, &error);

  if (table == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL), ("%s", error->message));
    return FALSE;
  }
  g_clear_pointer (&self->table, track_table_unref);
  self->table = table;
  return TRUE;
}

static gboolean
open_queue (GstCacheSink *self)
{
  static const CacheQueueFuncs funcs = {on_appended, on_dropped, on_failed};
  g_autofree char *cache_dir = NULL;
  g_autofree char *link = NULL;
  CacheQueue *queue;
  guint64 max_bytes;

  GST_OBJECT_LOCK (self);
  cache_dir = g_strdup (self->cache_dir);
  link = g_strdup (self->link);
  max_bytes = self->max_queue_bytes;
  GST_OBJECT_UNLOCK (self);

  self->broadcast = broadcast_context_ask (GST_ELEMENT (self), link);
  if (self->broadcast == NULL || !link_is_valid (self->broadcast->link)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("It is not known which broadcast to store."),
        ("the property link is %s and no element gave a link; it is " LINK_RULE,
            link != NULL ? "no link" : "not set"));
    g_clear_pointer (&self->broadcast, broadcast_info_free);
    return FALSE;
  }
  /* Before the first chunk can reach another branch of the pipeline. */
  append_ledger_hold (self->broadcast->link);
  queue = cache_queue_new (
      cache_dir, self->broadcast->link, max_bytes, &funcs, self);
  GST_OBJECT_LOCK (self);
  self->queue = queue;
  cache_queue_set_interrupted (queue, self->unlocked);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static GstFlowReturn
gst_cache_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstCacheSink *self = GST_CACHE_SINK (sink);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  ChunkInfo info;

  if (self->table == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!chunk_buffer_get_info (buffer, &info, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL), ("%s", error->message));
    return GST_FLOW_ERROR;
  }
  if (info.track >= track_table_size (self->table) &&
      (info.track != CHUNK_TRACK_ALL || info.kind != CHUNK_KIND_JOINT_INIT)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("a chunk is of track %u of %u", info.track,
            track_table_size (self->table)));
    return GST_FLOW_ERROR;
  }
  if (self->queue == NULL && !open_queue (self))
    return GST_FLOW_ERROR;
  bytes = chunk_buffer_get_bytes (buffer);
  /* On FALSE the queue's thread has posted the error. */
  return cache_queue_push (self->queue, &info, bytes, self->table)
             ? GST_FLOW_OK
             : GST_FLOW_ERROR;
}

static GstFlowReturn
drain (GstCacheSink *self)
{
  /* Interrupted by a pause, it goes on in PLAYING. */
  while (!cache_queue_drain (self->queue)) {
    GstFlowReturn ret = gst_base_sink_wait_preroll (GST_BASE_SINK (self));

    if (ret != GST_FLOW_OK)
      return ret;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_cache_sink_wait_event (GstBaseSink *sink, GstEvent *event)
{
  GstCacheSink *self = GST_CACHE_SINK (sink);
  GstFlowReturn ret = GST_BASE_SINK_CLASS (gst_cache_sink_parent_class)
                          ->wait_event (sink, event);

  if (ret != GST_FLOW_OK || GST_EVENT_TYPE (event) != GST_EVENT_EOS ||
      self->queue == NULL)
    return ret;
  if (self->broadcast->resume_window == 0)
    cache_queue_push_end (self->queue);
  return drain (self);
}

static void
set_unlocked (GstCacheSink *self, gboolean unlocked)
{
  GST_OBJECT_LOCK (self);
  self->unlocked = unlocked;
  if (self->queue != NULL)
    cache_queue_set_interrupted (self->queue, unlocked);
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_cache_sink_unlock (GstBaseSink *sink)
{
  set_unlocked (GST_CACHE_SINK (sink), TRUE);
  return TRUE;
}

static gboolean
gst_cache_sink_unlock_stop (GstBaseSink *sink)
{
  set_unlocked (GST_CACHE_SINK (sink), FALSE);
  return TRUE;
}

static gboolean
gst_cache_sink_start (GstBaseSink *sink)
{
  GstCacheSink *self = GST_CACHE_SINK (sink);
  gboolean has_dir;

  GST_OBJECT_LOCK (self);
  has_dir = self->cache_dir != NULL && *self->cache_dir != '\0';
  self->last_stats = (CacheQueueStats){0};
  GST_OBJECT_UNLOCK (self);
  if (!has_dir)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("No folder is set to store broadcasts in."),
        ("the property cache-dir is not set"));
  return has_dir;
}

static gboolean
gst_cache_sink_stop (GstBaseSink *sink)
{
  GstCacheSink *self = GST_CACHE_SINK (sink);
  CacheQueue *queue;

  /* Stays reachable for stats until its thread is gone. */
  cache_queue_stop (self->queue);
  GST_OBJECT_LOCK (self);
  queue = g_steal_pointer (&self->queue);
  if (queue != NULL)
    cache_queue_get_stats (queue, &self->last_stats);
  GST_OBJECT_UNLOCK (self);
  cache_queue_free (queue);
  if (self->broadcast != NULL)
    append_ledger_release (self->broadcast->link);
  g_clear_pointer (&self->broadcast, broadcast_info_free);
  g_clear_pointer (&self->table, track_table_unref);
  return TRUE;
}

static void
gst_cache_sink_finalize (GObject *object)
{
  GstCacheSink *self = GST_CACHE_SINK (object);

  g_free (self->cache_dir);
  g_free (self->link);
  G_OBJECT_CLASS (gst_cache_sink_parent_class)->finalize (object);
}

static void
gst_cache_sink_class_init (GstCacheSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  object_class->set_property = gst_cache_sink_set_property;
  object_class->get_property = gst_cache_sink_get_property;
  object_class->finalize = gst_cache_sink_finalize;

  /**
   * GstCacheSink:cache-dir:
   *
   * The folder of all links; made if it does not exist.
   *
   * Since: 0.1
   */
  props[PROP_CACHE_DIR] = g_param_spec_string ("cache-dir", "Cache folder",
      "Folder that holds a folder for each link", NULL, flags);
  /**
   * GstCacheSink:link:
   *
   * The broadcast's link. Not set: upstream or the application is asked.
   *
   * Since: 0.1
   */
  props[PROP_LINK] = g_param_spec_string ("link", "Link",
      "The broadcast's link: " LINK_RULE
      " (unset = what the context wishcast.broadcast says)",
      NULL, flags);
  /**
   * GstCacheSink:max-queue-bytes:
   *
   * How much media may wait for the disk.
   *
   * Since: 0.1
   */
  props[PROP_MAX_QUEUE_BYTES] =
      g_param_spec_uint64 ("max-queue-bytes", "Maximum queue size",
          "Bytes of media that may wait for the disk before chunks are dropped",
          1, G_MAXUINT64, DEFAULT_MAX_QUEUE_BYTES, flags);
  /**
   * GstCacheSink:stats:
   *
   * Since the element was started: `appended-chunks`, `appended-bytes`,
   * `dropped-chunks`, `dropped-bytes` and `queued-bytes` (guint64), and whether
   * the recording is `incomplete` (boolean).
   *
   * Since: 0.1
   */
  props[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of this run: appended-chunks, appended-bytes, dropped-chunks, "
      "dropped-bytes, queued-bytes (guint64), incomplete (boolean)",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "Broadcast store",
      "Sink/File", "Stores the chunks of a broadcast by its link",
      "The Wishcast developers");

  sink_class->set_caps = GST_DEBUG_FUNCPTR (gst_cache_sink_set_caps);
  sink_class->render = GST_DEBUG_FUNCPTR (gst_cache_sink_render);
  sink_class->wait_event = GST_DEBUG_FUNCPTR (gst_cache_sink_wait_event);
  sink_class->unlock = GST_DEBUG_FUNCPTR (gst_cache_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_cache_sink_unlock_stop);
  sink_class->start = GST_DEBUG_FUNCPTR (gst_cache_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR (gst_cache_sink_stop);
}

static void
gst_cache_sink_init (GstCacheSink *self)
{
  self->max_queue_bytes = DEFAULT_MAX_QUEUE_BYTES;
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
  gst_base_sink_set_async_enabled (GST_BASE_SINK (self), FALSE);
}
