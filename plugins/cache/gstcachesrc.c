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
 * in bytes.
 *
 * Where the movie header changes (another resolution, a track less), one file
 * cannot go on: the stream ends with EOS and a message, and another cachesrc
 * with #GstCacheSrc:first-epoch reads what follows.
 *
 * ## Messages
 *
 * `cachesrc-init-changed` (element): before the EOS that is not the end.
 *
 * * `link` (string)
 * * `epoch` (guint): which has another header
 * * `msn` (guint64): its first segment
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
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcachesrc.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cachelayout.h"
#include "cachepiece.h"
#include "link.h"

GST_DEBUG_CATEGORY_STATIC (cachesrc_debug);
#define GST_CAT_DEFAULT cachesrc_debug

#define DEFAULT_FOLLOW FALSE
#define DEFAULT_PIECE CACHE_PIECE_WHOLE
#define DEFAULT_FIRST_EPOCH 0

/* A call a segment's fraction rather than thousands. */
#define BLOCK_SIZE (64 * 1024)

/* Inotify tells of growth at once. This is for file systems of which it tells
 * nothing, as those of a network. */
#define POLL_INTERVAL GST_SECOND

enum {
  PROP_0,
  PROP_CACHE_DIR,
  PROP_LINK,
  PROP_TRACKS,
  PROP_FOLLOW,
  PROP_PIECE,
  PROP_FIRST_EPOCH,
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

  /* Between start and stop; streaming thread only. */
  CachePiece *piece;
  char *reading; /* the link */
  gboolean following;
  gboolean change_posted;
  GstPoll *poll;
  GstPollFD watch; /* -1 without inotify */

  /* With OBJECT_LOCK: what queries are told. */
  guint64 size;
  gboolean fixed; /* `size` is final for this run */
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
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
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

static gboolean
refresh (GstCacheSrc *self)
{
  g_autoptr (GError) error = NULL;

  if (!cache_piece_refresh (self->piece, &error)) {
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
  guint32 epoch;
  guint64 msn;

  if (self->change_posted || offset < cache_piece_get_size (self->piece) ||
      cache_piece_get_state (self->piece) != CACHE_PIECE_CHANGED)
    return;
  cache_piece_get_change (self->piece, &epoch, &msn);
  self->change_posted = TRUE;
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("cachesrc-init-changed", "link", G_TYPE_STRING,
              self->reading, "epoch", G_TYPE_UINT, epoch, "msn", G_TYPE_UINT64,
              msn, NULL)));
}

static void
forget_events (GstCacheSrc *self)
{
  char events[4096];

  while (
      self->watch.fd >= 0 && read (self->watch.fd, events, sizeof events) > 0)
    ;
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
    if (gst_poll_wait (self->poll, POLL_INTERVAL) < 0 && errno == EBUSY)
      return GST_FLOW_FLUSHING;
    forget_events (self);
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
  seekable = self->fixed && !self->following;
  GST_OBJECT_UNLOCK (self);
  return seekable;
}

static gboolean
gst_cache_src_unlock (GstBaseSrc *src)
{
  gst_poll_set_flushing (GST_CACHE_SRC (src)->poll, TRUE);
  return TRUE;
}

static gboolean
gst_cache_src_unlock_stop (GstBaseSrc *src)
{
  gst_poll_set_flushing (GST_CACHE_SRC (src)->poll, FALSE);
  return TRUE;
}

/* Before the first look, so that nothing is missed between. */
static void
watch_index (GstCacheSrc *self, const char *cache_dir)
{
  g_autofree char *path =
      g_build_filename (cache_dir, self->reading, CACHE_INDEX_NAME, NULL);
  int fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);

  if (fd >= 0 && inotify_add_watch (
                     fd, path, IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF) >= 0) {
    self->watch.fd = fd;
    gst_poll_add_fd (self->poll, &self->watch);
    gst_poll_fd_ctl_read (self->poll, &self->watch, TRUE);
    return;
  }
  GST_WARNING_OBJECT (self, "cannot watch %s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

static gboolean
open_piece (GstCacheSrc *self)
{
  g_autofree char *cache_dir = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  CachePieceKind kind;
  CacheReader *reader;
  guint32 first_epoch;

  GST_OBJECT_LOCK (self);
  cache_dir = g_strdup (self->cache_dir);
  self->reading = g_strdup (self->link);
  self->following = self->follow;
  kind = self->piece_kind;
  first_epoch = self->first_epoch;
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
  if (self->following)
    watch_index (self, cache_dir);
  reader = cache_reader_open (cache_dir, self->reading, &error);
  if (reader == NULL) {
    post_read_error (self, error);
    return FALSE;
  }
  self->piece = cache_piece_new (
      reader, g_steal_pointer (&names), first_epoch, kind, self->following);
  return refresh (self);
}

static gboolean
gst_cache_src_stop (GstBaseSrc *src)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);

  if (self->watch.fd >= 0) {
    gst_poll_remove_fd (self->poll, &self->watch);
    close (self->watch.fd);
    self->watch.fd = -1;
  }
  g_clear_pointer (&self->piece, cache_piece_free);
  g_clear_pointer (&self->reading, g_free);
  GST_OBJECT_LOCK (self);
  self->size = 0;
  self->fixed = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_cache_src_start (GstBaseSrc *src)
{
  GstCacheSrc *self = GST_CACHE_SRC (src);

  self->change_posted = FALSE;
  if (open_piece (self))
    return TRUE;
  gst_cache_src_stop (src);
  return FALSE;
}

static void
gst_cache_src_finalize (GObject *object)
{
  GstCacheSrc *self = GST_CACHE_SRC (object);

  gst_poll_free (self->poll);
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
  src_class->fill = GST_DEBUG_FUNCPTR (gst_cache_src_fill);
  src_class->get_size = GST_DEBUG_FUNCPTR (gst_cache_src_get_size);
  src_class->is_seekable = GST_DEBUG_FUNCPTR (gst_cache_src_is_seekable);
  src_class->unlock = GST_DEBUG_FUNCPTR (gst_cache_src_unlock);
  src_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_cache_src_unlock_stop);
}

static void
gst_cache_src_init (GstCacheSrc *self)
{
  self->piece_kind = DEFAULT_PIECE;
  self->poll = gst_poll_new (TRUE);
  gst_poll_fd_init (&self->watch);
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_BYTES);
  gst_base_src_set_blocksize (GST_BASE_SRC (self), BLOCK_SIZE);
}
