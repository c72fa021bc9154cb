/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cdnoriginsink
 * @title: cdnoriginsink
 * @short_description: serves a broadcast to players and CDN edges over HTTP
 *
 * Puts what cmafpackager makes on air as HLS and low-latency HLS (version 9).
 * The HTTP server belongs to the process, not to the element: sinks with the
 * same address and port share one, and find each other through the context
 * `wishcast.origin` (fields `origin`, a boxed handle; `address`, string;
 * `port`, guint). It has its own threads; the streaming thread only hands bytes
 * over and never waits for a disk or a network.
 *
 * Which broadcast this is the property #GstCdnOriginSink:link says, or else the
 * context `wishcast.broadcast`, asked for at the first buffer.
 *
 * Where a cachesink of the same process stores the same link, a part is listed
 * once it is stored, or after #GstCdnOriginSink:append-grace; what a player has
 * seen is then there after a restart, too. With #GstCdnOriginSink:cache-dir the
 * element serves what has left memory from that store, and recordings of links
 * that have ended.
 *
 * At EOS, and when the element stops, the broadcast stays on air for the
 * resume-window of the context and then ends; with only the property `link` it
 * ends at once. The server closes its port when its last user is gone.
 *
 * Caps `image/jpeg` make the sink one for posters: the latest picture is served
 * as `poster.jpg` of the link. Where there may be no picture, because the
 * publisher may send only sound, #GstCdnOriginSink:poster says that the pipeline
 * has ended without the sink.
 *
 * The server is meant to stand behind nginx or a CDN, so it listens on the
 * loopback interface unless told otherwise. Connections, held requests, header
 * sizes and slow peers are bounded.
 *
 * ## Messages
 *
 * `cdnoriginsink-published`, an element message, once a broadcast, when the
 * first part is listed:
 *
 * * `link` (string): the broadcast
 * * `url` (string): its multivariant playlist
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=I420 ! \
 *     x264enc tune=zerolatency key-int-max=60 ! h264parse ! cmafpackager ! \
 *     cdnoriginsink link=test
 * ]| A test picture at http://127.0.0.1:8080/live/test/master.m3u8
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! \
 *         video/x-raw,format=I420,framerate=30/1 ! tee name=v \
 *     v. ! queue ! x264enc tune=zerolatency key-int-max=60 ! h264parse ! \
 *         cmafpackager ! cdnoriginsink link=test \
 *     v. ! queue ! videorate ! video/x-raw,framerate=1/2 ! jpegenc ! \
 *         cdnoriginsink link=test
 * ]| The same with a poster that is renewed every two seconds.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gio/gio.h>
#include <string.h>

#include "broadcastcontext.h"
#include "chunk.h"
#include "link.h"
#include "origin.h"
#include "origincontext.h"

#include "gstcdnoriginsink.h"

GST_DEBUG_CATEGORY_STATIC (cdn_origin_sink_debug);
#define GST_CAT_DEFAULT cdn_origin_sink_debug

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 8080
#define DEFAULT_MEMORY_WINDOW ORIGIN_MEMORY_WINDOW
#define DEFAULT_DVR_WINDOW 0
#define DEFAULT_APPEND_GRACE ORIGIN_APPEND_GRACE

enum {
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_LINK,
  PROP_MEMORY_WINDOW,
  PROP_DVR_WINDOW,
  PROP_CACHE_DIR,
  PROP_APPEND_GRACE,
  PROP_POSTER,
  PROP_URL,
  PROP_STATS,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

struct _GstCdnOriginSink {
  GstBaseSink parent;

  /* settings, with OBJECT_LOCK */
  char *address;
  guint port;
  char *link;
  guint64 memory_window;
  guint64 dvr_window;
  char *cache_dir;
  guint64 append_grace;

  /* from start to stop */
  Origin *origin;

  /* streaming state */
  gboolean is_poster;
  TrackTable *table;   /* to be handed over before the next chunk */
  BroadcastInfo *info; /* asked for at the first buffer */
  gboolean is_announced;

  /* written by the streaming thread with OBJECT_LOCK, read with either */
  OriginBroadcast *broadcast;
  char *url;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (CHUNK_CAPS_NAME "; image/jpeg"));

G_DEFINE_FINAL_TYPE (GstCdnOriginSink, gst_cdn_origin_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE (
    cdnoriginsink, "cdnoriginsink", GST_RANK_NONE, GST_TYPE_CDN_ORIGIN_SINK)

/* --- properties ------------------------------------------------------------- */

static void
gst_cdn_origin_sink_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_ADDRESS:
      g_free (self->address);
      self->address = g_value_dup_string (value);
      break;
    case PROP_PORT:
      self->port = g_value_get_uint (value);
      break;
    case PROP_LINK:
      g_free (self->link);
      self->link = g_value_dup_string (value);
      break;
    case PROP_MEMORY_WINDOW:
      self->memory_window = g_value_get_uint64 (value);
      break;
    case PROP_DVR_WINDOW:
      self->dvr_window = g_value_get_uint64 (value);
      break;
    case PROP_CACHE_DIR:
      g_free (self->cache_dir);
      self->cache_dir = g_value_dup_string (value);
      break;
    case PROP_APPEND_GRACE:
      self->append_grace = g_value_get_uint64 (value);
      break;
    case PROP_POSTER:
      /* A bin waits for the EOS of the elements with this flag. */
      if (g_value_get_boolean (value))
        GST_OBJECT_FLAG_UNSET (self, GST_ELEMENT_FLAG_SINK);
      else
        GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static GstStructure *
make_stats (GstCdnOriginSink *self)
{
  OriginStats stats = {
      .part_latency_median = ORIGIN_NO_LATENCY,
  };
  GstStructure *structure;

  GST_OBJECT_LOCK (self);
  if (self->broadcast != NULL)
    origin_broadcast_get_stats (self->broadcast, &stats);
  GST_OBJECT_UNLOCK (self);
  structure = gst_structure_new ("application/x-cdnoriginsink-stats", "parts",
      G_TYPE_UINT64, stats.parts, "parts-not-stored", G_TYPE_UINT64,
      stats.parts_not_stored, "dropped", G_TYPE_UINT64, stats.dropped,
      "waiting", G_TYPE_UINT, stats.waiting, NULL);
  if (stats.part_latency_median != ORIGIN_NO_LATENCY)
    gst_structure_set (structure, "part-latency-median", G_TYPE_UINT64,
        stats.part_latency_median, "part-latency-p99", G_TYPE_UINT64,
        stats.part_latency_p99, NULL);
  return structure;
}

static void
gst_cdn_origin_sink_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_LINK:
      g_value_set_string (value, self->link);
      break;
    case PROP_MEMORY_WINDOW:
      g_value_set_uint64 (value, self->memory_window);
      break;
    case PROP_DVR_WINDOW:
      g_value_set_uint64 (value, self->dvr_window);
      break;
    case PROP_CACHE_DIR:
      g_value_set_string (value, self->cache_dir);
      break;
    case PROP_APPEND_GRACE:
      g_value_set_uint64 (value, self->append_grace);
      break;
    case PROP_POSTER:
      g_value_set_boolean (
          value, !GST_OBJECT_FLAG_IS_SET (self, GST_ELEMENT_FLAG_SINK));
      break;
    case PROP_URL:
      g_value_set_string (value, self->url);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* --- streaming ---------------------------------------------------------------- */

/* Where a person on this machine finds the link. */
static char *
make_url (GstCdnOriginSink *self, const char *link)
{
  const char *host = self->address;
  gboolean is_ipv6 = strchr (host, ':') != NULL;

  if (strcmp (host, "0.0.0.0") == 0)
    host = "127.0.0.1";
  else if (strcmp (host, "::") == 0)
    host = "::1";
  return g_strdup_printf (is_ipv6 ? "http://[%s]:%u/live/%s/master.m3u8"
                                  : "http://%s:%u/live/%s/master.m3u8",
      host, origin_get_port (self->origin), link);
}

static gboolean
find_broadcast (GstCdnOriginSink *self)
{
  g_autofree char *link = NULL;

  if (self->info != NULL)
    return TRUE;
  GST_OBJECT_LOCK (self);
  link = g_strdup (self->link);
  GST_OBJECT_UNLOCK (self);
  if (link != NULL && !link_is_valid (link)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("\"%s\" cannot be a link.", link), ("A link is " LINK_RULE "."));
    return FALSE;
  }
  self->info = broadcast_context_ask (GST_ELEMENT (self), link);
  if (self->info == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("It is not known which broadcast this is."),
        ("Set the property link, or put a broadcastregister upstream."));
    return FALSE;
  }
  return TRUE;
}

static OriginWindow
get_window (GstCdnOriginSink *self)
{
  OriginWindow window;

  GST_OBJECT_LOCK (self);
  window.memory_window = self->memory_window;
  window.append_grace = self->append_grace;
  window.dvr_window = self->dvr_window;
  if (window.dvr_window == 0)
    window.dvr_window = self->cache_dir != NULL ? ORIGIN_CACHED_DVR_WINDOW
                                                : self->memory_window;
  GST_OBJECT_UNLOCK (self);
  return window;
}

static gboolean
publish (GstCdnOriginSink *self)
{
  g_autoptr (GError) error = NULL;
  OriginBroadcast *broadcast;
  OriginWindow window = get_window (self);
  char *url;

  if (!find_broadcast (self))
    return FALSE;
  broadcast = origin_publish (self->origin, self->info->link, &window, &error);
  if (broadcast == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, BUSY,
        ("The broadcast \"%s\" cannot go on air.", self->info->link),
        ("%s", error->message));
    return FALSE;
  }
  url = make_url (self, self->info->link);
  GST_OBJECT_LOCK (self);
  self->broadcast = broadcast;
  g_free (self->url);
  self->url = url;
  GST_OBJECT_UNLOCK (self);
  self->is_announced = FALSE;
  return TRUE;
}

static void
leave (GstCdnOriginSink *self)
{
  OriginBroadcast *broadcast;

  GST_OBJECT_LOCK (self);
  broadcast = g_steal_pointer (&self->broadcast);
  GST_OBJECT_UNLOCK (self);
  if (broadcast != NULL)
    origin_broadcast_leave (broadcast, self->info->resume_window);
}

/* With a store, the first part is listed some time after it was pushed. */
static void
announce_when_listed (GstCdnOriginSink *self)
{
  OriginStats stats;

  if (self->is_announced)
    return;
  origin_broadcast_get_stats (self->broadcast, &stats);
  if (stats.parts == 0)
    return;
  self->is_announced = TRUE;
  GST_INFO_OBJECT (self, "on air: %s", self->url);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("cdnoriginsink-published", "link", G_TYPE_STRING,
              self->info->link, "url", G_TYPE_STRING, self->url, NULL)));
}

static gboolean
gst_cdn_origin_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (sink);
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  g_autoptr (GError) error = NULL;
  TrackTable *table;

  self->is_poster = gst_structure_has_name (structure, "image/jpeg");
  if (self->is_poster)
    return TRUE;
  table = chunk_caps_parse (caps, &error);
  if (table == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The stream does not say which tracks it has."),
        ("%s", error->message));
    return FALSE;
  }
  g_clear_pointer (&self->table, track_table_unref);
  self->table = table;
  return TRUE;
}

static GstFlowReturn
render_poster (GstCdnOriginSink *self, GstBuffer *buffer)
{
  g_autoptr (GBytes) jpeg = NULL;

  if (!find_broadcast (self))
    return GST_FLOW_ERROR;
  jpeg = chunk_buffer_get_bytes (buffer);
  origin_set_poster (self->origin, self->info->link, jpeg);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_cdn_origin_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (sink);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  ChunkInfo info;

  if (self->is_poster)
    return render_poster (self, buffer);
  if (!chunk_buffer_get_info (buffer, &info, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The stream is not made of whole chunks."), ("%s", error->message));
    return GST_FLOW_ERROR;
  }
  if (self->broadcast == NULL && !publish (self))
    return GST_FLOW_ERROR;
  if (self->table != NULL) {
    origin_broadcast_set_tracks (self->broadcast, self->table);
    g_clear_pointer (&self->table, track_table_unref);
  }
  bytes = chunk_buffer_get_bytes (buffer);
  origin_broadcast_push (self->broadcast, &info, bytes);
  announce_when_listed (self);
  return GST_FLOW_OK;
}

static gboolean
gst_cdn_origin_sink_event (GstBaseSink *sink, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    leave (GST_CDN_ORIGIN_SINK (sink));
  return GST_BASE_SINK_CLASS (gst_cdn_origin_sink_parent_class)
      ->event (sink, event);
}

/* --- life ------------------------------------------------------------------- */

static gboolean
join_origin (GstCdnOriginSink *self, const char *address, guint16 port)
{
  g_autoptr (GError) error = NULL;

  self->origin = origin_context_ask (GST_ELEMENT (self), address, port);
  if (self->origin == NULL)
    self->origin = origin_acquire (address, port, &error);
  if (self->origin != NULL)
    return TRUE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    GST_ELEMENT_ERROR (self, RESOURCE, BUSY,
        ("Port %u of %s is taken by another program.", port, address),
        ("%s", error->message));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
        ("Cannot listen on port %u of %s.", port, address),
        ("%s", error->message));
  return FALSE;
}

/* The other sinks of the pipeline will ask for it. */
static void
share_origin (GstCdnOriginSink *self, const char *address)
{
  g_autoptr (GstContext) context = origin_context_new (self->origin, address);

  gst_element_set_context (GST_ELEMENT (self), context);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_have_context (
                              GST_OBJECT (self), g_steal_pointer (&context)));
}

static gboolean
gst_cdn_origin_sink_start (GstBaseSink *sink)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (sink);
  g_autofree char *address = NULL;
  g_autofree char *cache_dir = NULL;
  g_autoptr (GError) error = NULL;
  guint port;

  GST_OBJECT_LOCK (self);
  address = g_strdup (self->address);
  port = self->port;
  cache_dir = g_strdup (self->cache_dir);
  GST_OBJECT_UNLOCK (self);

  if (!join_origin (self, address, port))
    return FALSE;
  if (cache_dir != NULL &&
      !origin_set_cache_dir (self->origin, cache_dir, &error)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("The origin cannot serve from \"%s\".", cache_dir),
        ("%s", error->message));
    g_clear_pointer (&self->origin, origin_unref);
    return FALSE;
  }
  share_origin (self, address);
  return TRUE;
}

static gboolean
gst_cdn_origin_sink_stop (GstBaseSink *sink)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (sink);

  leave (self);
  g_clear_pointer (&self->table, track_table_unref);
  g_clear_pointer (&self->info, broadcast_info_free);
  g_clear_pointer (&self->origin, origin_unref);
  GST_OBJECT_LOCK (self);
  g_clear_pointer (&self->url, g_free);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static void
gst_cdn_origin_sink_finalize (GObject *object)
{
  GstCdnOriginSink *self = GST_CDN_ORIGIN_SINK (object);

  g_free (self->address);
  g_free (self->link);
  g_free (self->cache_dir);
  G_OBJECT_CLASS (gst_cdn_origin_sink_parent_class)->finalize (object);
}

static void
install_addresses (GParamFlags flags)
{
  /**
   * GstCdnOriginSink:address:
   *
   * The IPv4 or IPv6 address to listen on, numeric.
   *
   * Since: 0.1
   */
  props[PROP_ADDRESS] = g_param_spec_string ("address", "Address",
      "IPv4 or IPv6 address to listen on", DEFAULT_ADDRESS, flags);
  /**
   * GstCdnOriginSink:port:
   *
   * The TCP port to listen on. 0 takes any free one, which
   * #GstCdnOriginSink:url tells.
   *
   * Since: 0.1
   */
  props[PROP_PORT] = g_param_spec_uint ("port", "Port",
      "TCP port to listen on (0 = any free one)", 0, G_MAXUINT16, DEFAULT_PORT,
      flags);
  /**
   * GstCdnOriginSink:link:
   *
   * The public name of the broadcast. Not set: what the context
   * `wishcast.broadcast` says.
   *
   * Since: 0.1
   */
  props[PROP_LINK] = g_param_spec_string ("link", "Link",
      "Public name of the broadcast: " LINK_RULE
      " (unset = what the context wishcast.broadcast says)",
      NULL, flags);
}

static void
install_windows (GParamFlags flags)
{
  /**
   * GstCdnOriginSink:memory-window:
   *
   * How much media stays in memory although it is in the cache as well, in ns.
   *
   * Since: 0.1
   */
  props[PROP_MEMORY_WINDOW] =
      g_param_spec_uint64 ("memory-window", "Memory window",
          "How much media is kept in memory when it is also in the cache (ns)",
          0, G_MAXUINT64, DEFAULT_MEMORY_WINDOW, flags);
  /**
   * GstCdnOriginSink:dvr-window:
   *
   * How far back a live playlist reaches, in ns. 0: 300 s with a cache, else the
   * memory window. Never less than three target durations.
   *
   * Since: 0.1
   */
  props[PROP_DVR_WINDOW] = g_param_spec_uint64 ("dvr-window", "DVR window",
      "How far back a live playlist reaches (ns; 0 = 300 s with a cache, else "
      "the memory window; never less than three target durations)",
      0, G_MAXUINT64, DEFAULT_DVR_WINDOW, flags);
  /**
   * GstCdnOriginSink:cache-dir:
   *
   * The folder that a cachesink stores in. What is not in memory is served from
   * there. All sinks of one address and port have the same, or none.
   *
   * Since: 0.1
   */
  props[PROP_CACHE_DIR] = g_param_spec_string ("cache-dir", "Cache directory",
      "Where a cachesink stores; serves what is not in memory (unset = none)",
      NULL, flags);
  /**
   * GstCdnOriginSink:append-grace:
   *
   * How long a part waits for the store before it is listed anyway, in ns.
   *
   * Since: 0.1
   */
  props[PROP_APPEND_GRACE] =
      g_param_spec_uint64 ("append-grace", "Append grace",
          "How long a part waits for the store before it is listed anyway (ns)",
          0, G_MAXUINT64, DEFAULT_APPEND_GRACE, flags);
  /**
   * GstCdnOriginSink:poster:
   *
   * The sink takes pictures only, and there may be none: the pipeline does not
   * wait for its EOS.
   *
   * Since: 0.1
   */
  props[PROP_POSTER] = g_param_spec_boolean ("poster", "Poster",
      "For pictures only: the pipeline does not wait for its EOS", FALSE,
      flags);
}

static void
install_properties (GObjectClass *class)
{
  GParamFlags settings =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  install_addresses (settings);
  install_windows (settings);
  /**
   * GstCdnOriginSink:url:
   *
   * The address of the multivariant playlist, once the link is known.
   *
   * Since: 0.1
   */
  props[PROP_URL] = g_param_spec_string ("url", "URL",
      "Address of the multivariant playlist once the link is known", NULL,
      read_only);
  /**
   * GstCdnOriginSink:stats:
   *
   * Of the broadcast of this publisher: `parts` listed, `parts-not-stored` of
   * these because the store was late, chunks `dropped` because they did not
   * continue it (guint64), and requests `waiting` now (guint). If parts were
   * listed in the last 10 s, `part-latency-median` and `part-latency-p99`
   * (guint64, ns) say how long that took from the moment at which the last frame
   * of a part came to cmafpackager: 99 of 100 parts took no longer than the
   * latter.
   *
   * Since: 0.1
   */
  props[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Of this publisher's broadcast: parts (guint64) listed, "
      "parts-not-stored (guint64) of these because the store was late, dropped "
      "(guint64) chunks that did not continue it, waiting (guint) requests "
      "held now; part-latency-median and part-latency-p99 (guint64, ns) of the "
      "last 10 s, from the last frame to the listing",
      GST_TYPE_STRUCTURE, read_only);
  g_object_class_install_properties (class, N_PROPS, props);
}

static void
gst_cdn_origin_sink_class_init (GstCdnOriginSinkClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      cdn_origin_sink_debug, "cdnoriginsink", 0, "HTTP origin");

  object_class->set_property = gst_cdn_origin_sink_set_property;
  object_class->get_property = gst_cdn_origin_sink_get_property;
  object_class->finalize = gst_cdn_origin_sink_finalize;
  install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "CDN origin sink",
      "Sink/Network", "Serves a broadcast to players and CDN edges over HTTP",
      "The Wishcast developers");

  sink_class->set_caps = GST_DEBUG_FUNCPTR (gst_cdn_origin_sink_set_caps);
  sink_class->render = GST_DEBUG_FUNCPTR (gst_cdn_origin_sink_render);
  sink_class->event = GST_DEBUG_FUNCPTR (gst_cdn_origin_sink_event);
  sink_class->start = GST_DEBUG_FUNCPTR (gst_cdn_origin_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR (gst_cdn_origin_sink_stop);
}

static void
gst_cdn_origin_sink_init (GstCdnOriginSink *self)
{
  self->address = g_strdup (DEFAULT_ADDRESS);
  self->port = DEFAULT_PORT;
  self->memory_window = DEFAULT_MEMORY_WINDOW;
  self->dvr_window = DEFAULT_DVR_WINDOW;
  self->append_grace = DEFAULT_APPEND_GRACE;
  /* Sinks hang on one tee without queues, and players keep their own time. */
  gst_base_sink_set_async_enabled (GST_BASE_SINK (self), FALSE);
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
}
