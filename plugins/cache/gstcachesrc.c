/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cachesrc
 * @title: cachesrc
 * @short_description: reads a stored broadcast as one MP4 file
 *
 * Gives what cachesink stored for a link as one fragmented MP4 file of chosen
 * tracks: the movie header, an index of segments (sidx) if the broadcast has
 * ended, then the chunks, segment by segment. Nothing is remuxed; the body is
 * the same byte by byte whether it is followed live or read years later.
 *
 * A broadcast that is still live is read up to its last whole segment, or with
 * #GstCacheSrc:follow to its end. A file that does not grow can be seeked in,
 * in bytes; so can a body that is followed, up to where it is stored, because
 * what is there does not change any more.
 *
 * Where the movie header changes (another resolution, a track less), one file
 * cannot go on: the stream ends with EOS and a message, and another cachesrc
 * with #GstCacheSrc:first-epoch reads what follows.
 *
 * With #GstCacheSrc:live-edge it is a live source instead, for a preview: it
 * begins with the newest key frame and gives part by part as they are stored,
 * in the order of arrival. Its segment puts each frame where its capture was,
 * plus a delay that lets whole parts come in time: one part and 300 ms at
 * first, more where parts keep coming late. So sinks that synchronise show it
 * evenly, and skip what is older. Where the movie header changes, the new one
 * stands in the stream; a demuxer goes on with it.
 *
 * ## Messages
 *
 * `cachesrc-init-changed` (element): before the EOS that is not the end.
 *
 * * `link` (string)
 * * `epoch` (guint): which has another header
 * * `msn` (guint64): its first segment
 *
 * `cachesrc-laid-out` (element): with #GstCacheSrc:follow, once it is known where
 * the stream ends. That is before its last bytes were read.
 *
 * * `link` (string)
 * * `size` (guint64): bytes of the whole stream
 * * `crc32c` (guint): of them (Castagnoli), as the store's index has it
 * * `duration` (guint64): ns of media in its body
 * * `incomplete` (gboolean): chunks were lost before they were stored
 * * `changed` (gboolean): the movie header changes, so another stream follows
 * * `epoch` (guint): which then has it
 *
 * `cachesrc-time-set` (element): when the media was captured, at the live edge;
 * when an epoch begins and when the delay grows.
 *
 * * `link` (string)
 * * `epoch` (guint)
 * * `time` (guint64): ns, a time of presentation in the media
 * * `wallclock` (gint64): µs since 1970 at which that was captured
 * * `delay` (guint64): ns from capture until it is due
 *
 * ## Example launch lines
 *
 * |[
 * gst-launch-1.0 cachesrc cache-dir=/tmp/cache link=test ! filesink location=test.mp4
 * ]|
 * Saves a broadcast as a file that any player opens.
 *
 * |[
 * gst-launch-1.0 cachesrc cache-dir=/tmp/cache link=test follow=true tracks=video_0 ! qtdemux ! h264parse ! avdec_h264 ! autovideosink
 * ]|
 * Shows the picture of a live broadcast, a segment late.
 *
 * |[
 * gst-launch-1.0 cachesrc cache-dir=/tmp/cache link=test live-edge=true ! decodebin3 name=d   d. ! videoconvert ! autovideosink   d. ! audioconvert ! audioresample ! autoaudiosink
 * ]|
 * Shows and plays a live broadcast about a second after its capture.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcachesrc.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#include "cacheedge.h"
#include "cachepacer.h"
#include "cachepiece.h"
#include "cachestart.h"
#include "gstcachemessages.h"
#include "gstcachewatch.h"
#include "link.h"

GST_DEBUG_CATEGORY_STATIC (cachesrc_debug);
#define GST_CAT_DEFAULT cachesrc_debug

#define DEFAULT_FOLLOW FALSE
#define DEFAULT_PIECE CACHE_PIECE_WHOLE
#define DEFAULT_FIRST_EPOCH 0
#define DEFAULT_LIVE_EDGE FALSE

/* A call a segment's fraction rather than thousands. */
#define BLOCK_SIZE (64 * 1024)

enum {
  PROP_0,
  PROP_CACHE_DIR,
  PROP_LINK,
  PROP_TRACKS,
  PROP_FOLLOW,
  PROP_PIECE,
  PROP_FIRST_EPOCH,
  PROP_LIVE_EDGE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

struct _GstCacheSrc {
  GstBaseSrc parent;

  /* Settings, with OBJECT_LOCK. */
  char *cache_dir;
  char *link;
  char *tracks;
  gboolean follow;
  CachePieceKind piece_kind;
  guint32 first_epoch;
  gboolean live_edge;

  /* Between start and stop; streaming thread only. */
  CachePiece *piece; /* or, at the live edge, */
  CacheEdge *edge;
  CachePacer pacer;
  gboolean holding;   /* a part that comes next, */
  CacheEdgePart held; /* this one */
  char *reading;      /* the link */
  gboolean following;
  gboolean change_posted;
  gboolean end_posted;
  GstCacheWatch watch;

  /* With OBJECT_LOCK: what queries are told. */
  guint64 size;
  gboolean fixed;   /* `size` is final for this run */
  gboolean is_body; /* what there is of it never changes */
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/quicktime"));

#define GST_TYPE_CACHE_PIECE (gst_cache_piece_get_type ())

static GType
gst_cache_piece_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {CACHE_PIECE_WHOLE, "Head and body", "whole"},
      {CACHE_PIECE_HEAD, "The movie header, and the index of an ended link",
          "head"},
      {CACHE_PIECE_BODY, "The chunks", "body"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstCachePiece", values));
  return type;
}

G_DEFINE_FINAL_TYPE (GstCacheSrc, gst_cache_src, GST_TYPE_BASE_SRC)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cachesrc, "cachesrc", GST_RANK_NONE,
    GST_TYPE_CACHE_SRC,
    GST_DEBUG_CATEGORY_INIT (cachesrc_debug, "cachesrc", 0, "read by link"));

/* Properties */

static void
gst_cache_src_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCacheSrc *self = GST_CACHE_SRC (object);

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
    case PROP_TRACKS:
      g_free (self->tracks);
      self->tracks = g_value_dup_string (value);
      break;
    case PROP_FOLLOW:
      self->follow = g_value_get_boolean (value);
      break;
    case PROP_PIECE:
      self->piece_kind = g_value_get_enum (value);
      break;
    case PROP_FIRST_EPOCH:
      self->first_epoch = g_value_get_uint (value);
      break;
    case PROP_LIVE_EDGE:
      self->live_edge = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
  /* What depends on it is fixed before the state changes. */
  if (id == PROP_LIVE_EDGE) {
    gst_base_src_set_live (GST_BASE_SRC (self), g_value_get_boolean (value));
    gst_base_src_set_format (GST_BASE_SRC (self),
        g_value_get_boolean (value) ? GST_FORMAT_TIME : GST_FORMAT_BYTES);
  }
}

static void
gst_cache_src_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCacheSrc *self = GST_CACHE_SRC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_CACHE_DIR:
      g_value_set_string (value, self->cache_dir);
      break;
    case PROP_LINK:
      g_value_set_string (value, self->link);
      break;
    case PROP_TRACKS:
      g_value_set_string (value, self->tracks);
      break;
    case PROP_FOLLOW:
      g_value_set_boolean (value, self->follow);
      break;
    case PROP_PIECE:
      g_value_set_enum (value, self->piece_kind);
      break;
    case PROP_FIRST_EPOCH:
      g_value_set_uint (value, self->first_epoch);
      break;
    case PROP_LIVE_EDGE:
      g_value_set_boolean (value, self->live_edge);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Reading */

static void
post_read_error (GstCacheSrc *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("There is no such recording: %s.", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        ("The recording cannot be read: %s.", error->message), (NULL));
}

/* Whoever stores the stream can check what came of it. */
static gboolean
post_end (GstCacheSrc *self, GError **error)
{
  GstMessage *message;

  if (self->end_posted ||
      cache_piece_get_state (self->piece) == CACHE_PIECE_GROWING)
    return TRUE;
  message = gst_cache_message_laid_out (
      GST_OBJECT (self), self->reading, self->piece, error);
  self->end_posted = message != NULL;
  if (message != NULL)
    gst_element_post_message (GST_ELEMENT (self), message);
  return self->end_posted;
}

static gboolean
refresh (GstCacheSrc *self)
{
  g_autoptr (GError) error = NULL;

  if (!cache_piece_refresh (self->piece, &error) ||
      (self->following && !post_end (self, &error))) {
    post_read_error (self, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->size = cache_piece_get_size (self->piece);
  self->fixed = !self->following ||
                cache_piece_get_state (self->piece) != CACHE_PIECE_GROWING;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* Once everything before the change was read. The base class asks for nothing
 * beyond a size it knows, so the last read has to tell. */
static void
post_change (GstCacheSrc *self, guint64 offset)
{
  if (self->change_posted || offset < cache_piece_get_size (self->piece) ||
      cache_piece_get_state (self->piece) != CACHE_PIECE_CHANGED)
    return;
  self->change_posted = TRUE;
  gst_element_post_message (
      GST_ELEMENT (self), gst_cache_message_init_changed (
                              GST_OBJECT (self), self->reading, self->piece));
}

/* Waits until there are bytes at @offset. */
static GstFlowReturn
wait_for (GstCacheSrc *self, guint64 offset)
{
  while (cache_piece_get_size (self->piece) <= offset) {
    if (!self->following ||
        cache_piece_get_state (self->piece) != CACHE_PIECE_GROWING) {
      post_change (self, offset);
      return GST_FLOW_EOS;
    }
    if (!gst_cache_watch_wait (&self->watch))
      return GST_FLOW_FLUSHING;
    if (!refresh (self))
      return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_cache_src_fill (
    GstBaseSrc *src, guint64 offset, guint size, GstBuffer *buffer)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret;
  GstMapInfo map;
  gssize n;

  ret = wait_for (self, offset);
  if (ret != GST_FLOW_OK)
    return ret;
  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL), ("cannot map a buffer"));
    return GST_FLOW_ERROR;
  }
  n = cache_piece_read (self->piece, offset, map.data, size, &error);
  gst_buffer_unmap (buffer, &map);
  if (n < 0) {
    post_read_error (self, error);
    return GST_FLOW_ERROR;
  }
  post_change (self, offset + n);
  gst_buffer_set_size (buffer, n);
  GST_BUFFER_OFFSET (buffer) = offset;
  GST_BUFFER_OFFSET_END (buffer) = offset + n;
  return GST_FLOW_OK;
}

/* The live edge */

static gint64
time_of_day (void)
{
  return g_get_real_time () * GST_USECOND;
}

static gint64
running_time (GstCacheSrc *self)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));

  if (clock == NULL)
    return 0;
  return (gint64)(gst_clock_get_time (clock) -
                  gst_element_get_base_time (GST_ELEMENT (self)));
}

/* From here on media time is due as the pacer says. */
static void
begin_segment (GstCacheSrc *self, guint32 epoch)
{
  const CachePacer *pacer = &self->pacer;
  gint64 due = running_time (self) +
               cache_pacer_until_due (pacer, pacer->pts, time_of_day ());
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  /* What was due before the pipeline ran is outside. */
  segment.start = pacer->pts + (guint64)MAX (-due, 0);
  segment.base = (guint64)MAX (due, 0);
  segment.time = segment.position = segment.start;
  gst_base_src_new_segment (GST_BASE_SRC (self), &segment);
  gst_element_post_message (
      GST_ELEMENT (self), gst_cache_message_time_set (
                              GST_OBJECT (self), self->reading, epoch, pacer));
}

static GstBuffer *
read_part (GstCacheSrc *self, const CacheEdgePart *part)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, part->extent.length, NULL);
  g_autoptr (GError) error = NULL;
  GstMapInfo map;
  gboolean done;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  done = cache_extent_read (
      &part->extent, 0, map.data, part->extent.length, &error);
  gst_buffer_unmap (buffer, &map);
  if (!done) {
    post_read_error (self, error);
    gst_clear_buffer (&buffer);
  }
  return buffer;
}

/* The next part, waited for if need be. */
static GstFlowReturn
wait_for_part (GstCacheSrc *self, CacheEdgePart *part, gboolean *waited)
{
  g_autoptr (GError) error = NULL;

  *waited = FALSE;
  while (TRUE) {
    switch (cache_edge_next (self->edge, part, &error)) {
      case CACHE_EDGE_PART:
        return GST_FLOW_OK;
      case CACHE_EDGE_ENDED:
        return GST_FLOW_EOS;
      case CACHE_EDGE_NONE:
        if (*waited && !gst_cache_watch_wait (&self->watch))
          return GST_FLOW_FLUSHING;
        *waited = TRUE;
        if (cache_edge_refresh (self->edge, &error))
          break;
        /* fallthrough */
      case CACHE_EDGE_FAILED:
      default:
        post_read_error (self, error);
        return GST_FLOW_ERROR;
    }
  }
}

static GstFlowReturn
create_live (GstCacheSrc *self, GstBuffer **buffer)
{
  CacheEdgePart part = self->held;
  gboolean waited = FALSE, delayed = FALSE;

  if (!self->holding) {
    GstFlowReturn ret = wait_for_part (self, &part, &waited);

    if (ret != GST_FLOW_OK)
      return ret;
    if (part.init != NULL) {
      /* Before the segment of what follows: qtdemux begins to count bytes with
       * each, and takes a header at the same place for one that it has. */
      self->holding = TRUE;
      self->held = part;
      *buffer = gst_buffer_new_wrapped_bytes (part.init);
      return GST_FLOW_OK;
    }
  }
  self->holding = FALSE;
  if (part.first)
    cache_pacer_anchor (&self->pacer, part.pts, part.wallclock * GST_USECOND);
  else if (waited)
    delayed = cache_pacer_arrived (&self->pacer, part.dts, time_of_day ());
  *buffer = read_part (self, &part);
  if (*buffer == NULL)
    return GST_FLOW_ERROR;
  if (part.first || delayed) {
    begin_segment (self, part.epoch);
    GST_BUFFER_FLAG_SET (*buffer, GST_BUFFER_FLAG_DISCONT);
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_cache_src_create (
    GstBaseSrc *src, guint64 offset, guint size, GstBuffer **buffer)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);

  if (gst_base_src_is_live (src))
    return create_live (self, buffer);
  return GST_BASE_SRC_CLASS (gst_cache_src_parent_class)
      ->create (src, offset, size, buffer);
}

/* What base classes ask */

static gboolean
gst_cache_src_get_size (GstBaseSrc *src, guint64 *size)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);
  gboolean fixed;

  GST_OBJECT_LOCK (self);
  *size = self->size;
  fixed = self->fixed;
  GST_OBJECT_UNLOCK (self);
  return fixed;
}

static gboolean
gst_cache_src_is_seekable (GstBaseSrc *src)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);
  gboolean seekable;

  GST_OBJECT_LOCK (self);
  seekable = self->is_body || (self->fixed && !self->following);
  GST_OBJECT_UNLOCK (self);
  return seekable;
}

/* A body that grows has no size for the base class, but can be sought in. */
static gboolean
answer_seeking (GstCacheSrc *self, GstQuery *query)
{
  GstFormat format;
  gboolean is_body;
  guint64 size;

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format != GST_FORMAT_BYTES)
    return FALSE;
  GST_OBJECT_LOCK (self);
  is_body = self->is_body;
  size = self->size;
  GST_OBJECT_UNLOCK (self);
  if (is_body)
    gst_query_set_seeking (query, format, TRUE, 0, (gint64)size);
  return is_body;
}

static gboolean
gst_cache_src_query (GstBaseSrc *src, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_SEEKING &&
      answer_seeking (GST_CACHE_SRC (src), query))
    return TRUE;
  /* The delay is in the running time already, and the store keeps what is not
   * taken yet. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY &&
      gst_base_src_is_live (src)) {
    gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return GST_BASE_SRC_CLASS (gst_cache_src_parent_class)->query (src, query);
}

static gboolean
gst_cache_src_unlock (GstBaseSrc *src)
{
  gst_cache_watch_set_flushing (&GST_CACHE_SRC (src)->watch, TRUE);
  return TRUE;
}

static gboolean
gst_cache_src_unlock_stop (GstBaseSrc *src)
{
  gst_cache_watch_set_flushing (&GST_CACHE_SRC (src)->watch, FALSE);
  return TRUE;
}

static gboolean
open_link (GstCacheSrc *self)
{
  g_autofree char *cache_dir = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  CachePieceKind kind;
  CacheReader *reader;
  guint32 first_epoch;
  gboolean live_edge;

  GST_OBJECT_LOCK (self);
  cache_dir = g_strdup (self->cache_dir);
  self->reading = g_strdup (self->link);
  live_edge = self->live_edge;
  self->following = self->follow || live_edge;
  kind = self->piece_kind;
  first_epoch = self->first_epoch;
  self->is_body = kind == CACHE_PIECE_BODY && !live_edge;
  if (self->tracks != NULL && *self->tracks != '\0')
    names = g_strsplit (self->tracks, ",", -1);
  GST_OBJECT_UNLOCK (self);

  if (cache_dir == NULL || *cache_dir == '\0' ||
      !link_is_valid (self->reading)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("It is not known which broadcast to read."),
        ("cache-dir and link must be set; a link is " LINK_RULE));
    return FALSE;
  }
  for (char **name = names; name != NULL && *name != NULL; name++)
    g_strstrip (*name);
  if (self->following &&
      !gst_cache_watch_start (&self->watch, cache_dir, self->reading))
    GST_WARNING_OBJECT (
        self, "cannot watch %s: %s", self->reading, g_strerror (errno));
  reader = cache_reader_open (cache_dir, self->reading, &error);
  if (reader == NULL) {
    post_read_error (self, error);
    return FALSE;
  }
  if (live_edge) {
    self->edge = cache_edge_new (reader, g_steal_pointer (&names));
    cache_pacer_init (&self->pacer, cache_edge_get_part_duration (self->edge));
    self->holding = FALSE;
    return TRUE;
  }
  self->piece = cache_piece_new (
      reader, g_steal_pointer (&names), first_epoch, kind, self->following);
  return refresh (self);
}

static gboolean
gst_cache_src_stop (GstBaseSrc *src)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);

  gst_cache_watch_stop (&self->watch);
  g_clear_pointer (&self->piece, cache_piece_free);
  g_clear_pointer (&self->edge, cache_edge_free);
  g_clear_pointer (&self->reading, g_free);
  GST_OBJECT_LOCK (self);
  self->size = 0;
  self->fixed = self->is_body = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_cache_src_start (GstBaseSrc *src)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);

  self->change_posted = self->end_posted = FALSE;
  if (open_link (self))
    return TRUE;
  gst_cache_src_stop (src);
  return FALSE;
}

static void
gst_cache_src_finalize (GObject *object)
{
  GstCacheSrc *self = GST_CACHE_SRC (object);

  gst_cache_watch_clear (&self->watch);
  g_free (self->cache_dir);
  g_free (self->link);
  g_free (self->tracks);
  G_OBJECT_CLASS (gst_cache_src_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  /**
   * GstCacheSrc:cache-dir:
   *
   * The folder of all links.
   *
   * Since: 0.1
   */
  props[PROP_CACHE_DIR] = g_param_spec_string ("cache-dir", "Cache folder",
      "Folder that holds a folder for each link", NULL, flags);
  /**
   * GstCacheSrc:link:
   *
   * The broadcast's link.
   *
   * Since: 0.1
   */
  props[PROP_LINK] = g_param_spec_string (
      "link", "Link", "The broadcast's link: " LINK_RULE, NULL, flags);
  /**
   * GstCacheSrc:tracks:
   *
   * Names of the tracks to read, separated by commas. Not set: the first video
   * and the first audio track.
   *
   * Since: 0.1
   */
  props[PROP_TRACKS] = g_param_spec_string ("tracks", "Tracks",
      "Names of the tracks to read, separated by commas (unset = the first "
      "video and the first audio track)",
      NULL, flags);
  /**
   * GstCacheSrc:follow:
   *
   * Whether to wait for what a live broadcast appends, to its end.
   *
   * Since: 0.1
   */
  props[PROP_FOLLOW] = g_param_spec_boolean ("follow", "Follow",
      "Wait for more of a live broadcast, to its end", DEFAULT_FOLLOW, flags);
  /**
   * GstCacheSrc:piece:
   *
   * Which part of the file to read. Head and body make the whole. The head of a
   * live broadcast that is followed comes at its end.
   *
   * Since: 0.1
   */
  props[PROP_PIECE] = g_param_spec_enum ("piece", "Piece",
      "Part of the file to read", GST_TYPE_CACHE_PIECE, DEFAULT_PIECE, flags);
  /**
   * GstCacheSrc:first-epoch:
   *
   * The epoch to begin with, 0 for the oldest: as the message
   * `cachesrc-init-changed` gives it.
   *
   * Since: 0.1
   */
  props[PROP_FIRST_EPOCH] = g_param_spec_uint ("first-epoch", "First epoch",
      "Epoch to begin with (0 = the oldest)", 0, G_MAXUINT32,
      DEFAULT_FIRST_EPOCH, flags);
  /**
   * GstCacheSrc:live-edge:
   *
   * Whether to be a live source, from the newest key frame on, instead of a
   * file. Then #GstCacheSrc:follow, #GstCacheSrc:piece and
   * #GstCacheSrc:first-epoch do not count.
   *
   * Since: 0.1
   */
  props[PROP_LIVE_EDGE] = g_param_spec_boolean ("live-edge", "Live edge",
      "Be a live source, from the newest key frame on", DEFAULT_LIVE_EDGE,
      flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
gst_cache_src_class_init (GstCacheSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  object_class->set_property = gst_cache_src_set_property;
  object_class->get_property = gst_cache_src_get_property;
  object_class->finalize = gst_cache_src_finalize;
  install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Broadcast reader",
      "Source/File", "Reads a stored broadcast as one MP4 file",
      "The Wishcast developers");
  gst_type_mark_as_plugin_api (GST_TYPE_CACHE_PIECE, 0);

  src_class->start = GST_DEBUG_FUNCPTR (gst_cache_src_start);
  src_class->stop = GST_DEBUG_FUNCPTR (gst_cache_src_stop);
  src_class->create = GST_DEBUG_FUNCPTR (gst_cache_src_create);
  src_class->fill = GST_DEBUG_FUNCPTR (gst_cache_src_fill);
  src_class->get_size = GST_DEBUG_FUNCPTR (gst_cache_src_get_size);
  src_class->query = GST_DEBUG_FUNCPTR (gst_cache_src_query);
  src_class->is_seekable = GST_DEBUG_FUNCPTR (gst_cache_src_is_seekable);
  src_class->unlock = GST_DEBUG_FUNCPTR (gst_cache_src_unlock);
  src_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_cache_src_unlock_stop);
}

static void
gst_cache_src_init (GstCacheSrc *self)
{
  self->piece_kind = DEFAULT_PIECE;
  gst_cache_watch_init (&self->watch);
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_BYTES);
  gst_base_src_set_blocksize (GST_BASE_SRC (self), BLOCK_SIZE);
}
