/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-gcssink
 * @title: gcssink
 * @short_description: stores a stream as an object in Google Cloud Storage
 *
 * Uploads what it gets, whatever it is, into one object, while it comes: by a
 * resumable upload of the JSON API. The object appears when the stream has ended
 * and the service has the same bytes as we had (size and CRC32C).
 *
 * A thread of the element talks to the service; the streaming thread copies into
 * a ring of two chunks and waits only for room in it. So a slow service slows
 * the stream down; where it must not, put a `queue` that leaks, or a store, in
 * between. At EOS everything is uploaded before the EOS message.
 *
 * A service that is away, slow or overloaded is no error: the element waits, each
 * time longer, up to a minute or as long as the service says, asks what has
 * arrived and goes on from there. It does so until it is stopped. What cannot
 * succeed later either (no permission, no such bucket, another object in the
 * place) is an ERROR.
 *
 * ## Going on in another process
 *
 * With #GstGcsSink:state-file an upload that was cut off by a crash is gone on
 * with, if upstream can be sought in, in bytes (filesrc; cachesrc with
 * `piece=body`): it is sought to where the file says, what the service has got
 * beyond is read but not sent, and the checksum at the end is of the whole. The
 * file has the address of the session in it, with which anybody could write the
 * object: it is for its owner only, and one that others can read is not used.
 * Another upload's file is an ERROR; one that is damaged, older than the week
 * that a session lives, or of other settings, is not used. If upstream cannot be
 * sought in, it is taken for another stream and uploaded from its begin.
 *
 * So it is, too, when the service loses a session under way, or has stored
 * something else than it was sent, which then is deleted (once; then it is an
 * ERROR). A seek flushes the pipeline, thus also the other branches of a tee.
 *
 * If upstream starts again from its begin (after a flush), so does the object.
 * An element that wants to write elsewhere than at the end cannot be upstream:
 * let mp4mux make fragments.
 *
 * ## Messages
 *
 * PROGRESS with the code `upload`: start with the first data, continue with each
 * trouble and every ten seconds, complete or error.
 *
 * `gcssink-object-uploaded` (element): the object is there.
 *
 * * `bucket`, `object` (string)
 * * `size` (guint64): bytes
 * * `generation` (gint64): of the object
 * * `crc32c` (guint): of its content
 *
 * ## Example launch lines
 *
 * |[
 * gst-launch-1.0 filesrc location=test.mp4 ! gcssink bucket=recordings object=test.mp4 content-type=video/mp4 credentials=key.json state-file=/var/tmp/test.upload
 * ]|
 * Uploads a file. The same line again after a crash sends only the rest.
 *
 * |[
 * gst-launch-1.0 cachesrc cache-dir=/tmp/cache link=test follow=true piece=body ! gcssink bucket=recordings object=test.body endpoint=http://localhost:4443
 * ]|
 * Archives a broadcast while it is live, in an emulator.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! x264enc ! mpegtsmux ! gcssink bucket=recordings object=test.ts if-generation-match=0
 * ]|
 * Encodes into the cloud, if there is no such object yet.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstgcssink.h"

#include "gcserror.h"
#include "sinksettings.h"
#include "uploadqueue.h"

GST_DEBUG_CATEGORY_STATIC (gcssink_debug);
#define GST_CAT_DEFAULT gcssink_debug

/* A live stream of few bytes is in the cloud soon, too. */
#define MOST_WAIT (10 * G_TIME_SPAN_SECOND)
#define PROGRESS_CODE "upload"

struct _GstGcsSink {
  GstBaseSink parent;

  GcsSinkSettings settings; /* with OBJECT_LOCK */

  /* Streaming state, with STREAM_LOCK. */
  guint64 position; /* of the next byte */
  gboolean flushed; /* since the last segment */

  /* Between start and stop. OBJECT_LOCK guards the pointer for stats. */
  UploadQueue *queue;
  GcsSinkSettings running;     /* what the queue was made with */
  UploadQueueStats last_stats; /* with OBJECT_LOCK: of the queue that is gone */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE (GstGcsSink, gst_gcs_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (gcssink, "gcssink", GST_RANK_NONE,
    GST_TYPE_GCS_SINK,
    GST_DEBUG_CATEGORY_INIT (
        gcssink_debug, "gcssink", 0, "upload to Google Cloud Storage"));

/* Properties */

static GstStructure *
create_stats (GstGcsSink *self)
{
  UploadQueueStats stats;

  GST_OBJECT_LOCK (self);
  stats = self->last_stats;
  if (self->queue != NULL)
    upload_queue_get_stats (self->queue, &stats);
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new ("application/x-gcssink-stats", "received-bytes",
      G_TYPE_UINT64, stats.position, "stored-bytes", G_TYPE_UINT64,
      stats.stored, "sent-bytes", G_TYPE_UINT64, stats.sent, "failures",
      G_TYPE_UINT64, stats.failures, "sessions", G_TYPE_UINT64, stats.sessions,
      NULL);
}

static void
gst_gcs_sink_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstGcsSink *self = GST_GCS_SINK (object);
  char **text;

  GST_OBJECT_LOCK (self);
  text = gcs_sink_settings_find_text (&self->settings, id);
  if (text != NULL) {
    g_free (*text);
    *text = g_value_dup_string (value);
  } else if (id == GCS_SINK_PROP_METADATA) {
    g_clear_pointer (&self->settings.metadata, gst_structure_free);
    self->settings.metadata = g_value_dup_boxed (value);
  } else if (id == GCS_SINK_PROP_IF_GENERATION_MATCH) {
    self->settings.if_generation_match = g_value_get_int64 (value);
  } else if (id == GCS_SINK_PROP_CHUNK_SIZE) {
    self->settings.chunk_size = g_value_get_uint (value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_gcs_sink_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstGcsSink *self = GST_GCS_SINK (object);
  char **text;

  if (id == GCS_SINK_PROP_STATS) {
    g_value_take_boxed (value, create_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  text = gcs_sink_settings_find_text (&self->settings, id);
  if (text != NULL)
    g_value_set_string (value, *text);
  else if (id == GCS_SINK_PROP_METADATA)
    g_value_set_boxed (value, self->settings.metadata);
  else if (id == GCS_SINK_PROP_IF_GENERATION_MATCH)
    g_value_set_int64 (value, self->settings.if_generation_match);
  else if (id == GCS_SINK_PROP_CHUNK_SIZE)
    g_value_set_uint (value, self->settings.chunk_size);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

/* The queue's thread */

static void post_progress (GstGcsSink *self, GstProgressType type,
    const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
post_progress (GstGcsSink *self, GstProgressType type, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_progress (GST_OBJECT (self), type, PROGRESS_CODE, text));
}

/* Not before there is data: an application that starts up (gst-launch-1.0) waits
 * in PAUSED until what is in progress is complete. */
static void
on_begun (gpointer user_data)
{
  GstGcsSink *self = user_data;

  post_progress (self, GST_PROGRESS_TYPE_START, "Uploading gs://%s/%s.",
      self->running.bucket, self->running.object);
}

static gboolean
can_seek (guint64 position, gpointer user_data)
{
  GstGcsSink *self = user_data;
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_BYTES);
  gboolean seekable = FALSE;
  gint64 end = -1;

  if (!gst_pad_peer_query (GST_BASE_SINK_PAD (self), query))
    return FALSE;
  gst_query_parse_seeking (query, NULL, &seekable, NULL, &end);
  return seekable && (end < 0 || position <= (guint64)end);
}

static gboolean
on_seek (guint64 position, gpointer user_data)
{
  GstGcsSink *self = user_data;

  GST_INFO_OBJECT (self, "seeking to %" G_GUINT64_FORMAT, position);
  return gst_pad_push_event (GST_BASE_SINK_PAD (self),
      gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, (gint64)position, GST_SEEK_TYPE_NONE, -1));
}

static void
on_troubled (const GError *error, gint64 wait, gpointer user_data)
{
  GstGcsSink *self = user_data;

  GST_WARNING_OBJECT (self, "%s; trying again in %" G_GINT64_FORMAT " ms",
      error->message, wait / G_TIME_SPAN_MILLISECOND);
  post_progress (self, GST_PROGRESS_TYPE_CONTINUE,
      "%s. The next attempt is in %.1f s.", error->message,
      (double)wait / G_TIME_SPAN_SECOND);
}

static void
on_moved (guint64 stored, gpointer user_data)
{
  post_progress (user_data, GST_PROGRESS_TYPE_CONTINUE,
      "%" G_GUINT64_FORMAT " bytes are stored.", stored);
}

static void
on_complained (const char *text, gpointer user_data)
{
  GstGcsSink *self = user_data;

  GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
      ("After a crash, the upload of gs://%s/%s may have to begin anew.",
          self->running.bucket, self->running.object),
      ("%s", text));
}

static void
on_stored (const GcsObject *object, gpointer user_data)
{
  GstGcsSink *self = user_data;

  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("gcssink-object-uploaded", "bucket", G_TYPE_STRING,
              self->running.bucket, "object", G_TYPE_STRING,
              self->running.object, "size", G_TYPE_UINT64, object->size,
              "generation", G_TYPE_INT64, object->generation, "crc32c",
              G_TYPE_UINT, object->crc32c, NULL)));
  post_progress (self, GST_PROGRESS_TYPE_COMPLETE, "Uploaded gs://%s/%s.",
      self->running.bucket, self->running.object);
}

/* The one place where what went wrong there becomes an error here. */
static void
post_error (GstGcsSink *self, const GError *error)
{
  GstResourceError code = GST_RESOURCE_ERROR_WRITE;
  const char *text = "The object cannot be stored in Google Cloud Storage.";

  if (g_error_matches (error, GCS_ERROR, GCS_ERROR_DENIED)) {
    code = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    text = "Google Cloud Storage does not allow the upload.";
  } else if (g_error_matches (error, GCS_ERROR, GCS_ERROR_NOT_FOUND)) {
    code = GST_RESOURCE_ERROR_NOT_FOUND;
    text = "There is no such bucket in Google Cloud Storage.";
  } else if (g_error_matches (error, GCS_ERROR, GCS_ERROR_EXISTS)) {
    code = GST_RESOURCE_ERROR_OPEN_WRITE;
    text = "There is another object of that name in Google Cloud Storage.";
  } else if (g_error_matches (error, GCS_ERROR, GCS_ERROR_GONE)) {
    text =
        "Google Cloud Storage has lost the upload, and it cannot begin anew.";
  } else if (g_error_matches (error, GCS_ERROR, GCS_ERROR_CORRUPT)) {
    text = "Google Cloud Storage has not stored what it was sent.";
  } else if (g_error_matches (error, GCS_ERROR, GCS_ERROR_SETTINGS)) {
    code = GST_RESOURCE_ERROR_SETTINGS;
    text = "The settings of the upload cannot be used.";
  }
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR,
      GST_RESOURCE_ERROR, (int)code, g_strdup (text), g_strdup (error->message),
      __FILE__, GST_FUNCTION, __LINE__);
}

static void
on_failed (const GError *error, gpointer user_data)
{
  GstGcsSink *self = user_data;

  post_progress (self, GST_PROGRESS_TYPE_ERROR, "%s", error->message);
  post_error (self, error);
}

/* Streaming */

/* To wait for the service. PREROLL_LOCK is let go meanwhile, as whoever goes from
 * PAUSED to PLAYING wants it, and interrupts nobody for that. What interrupts, a
 * pause, a flush or the end, begins before it takes the lock. */
static void
begin_waiting (GstGcsSink *self)
{
  upload_queue_arm (self->queue);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
}

static void
end_waiting (GstGcsSink *self)
{
  GST_BASE_SINK_PREROLL_LOCK (self);
}

/* Called with PREROLL_LOCK. What did not go in of @object; or, if the stream was
 * interrupted, whether to try again (OK), once it plays. */
static GstFlowReturn
judge (GstGcsSink *self, UploadResult result, GstMiniObject *object)
{
  switch (result) {
    case UPLOAD_DONE:
      return GST_FLOW_OK;
    case UPLOAD_INTERRUPTED:
      if (GST_PAD_IS_FLUSHING (GST_BASE_SINK_PAD (self)))
        return GST_FLOW_FLUSHING;
      return gst_base_sink_do_preroll (GST_BASE_SINK (self), object);
    case UPLOAD_MISPLACED:
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("The stream is not written from its begin to its end."),
          ("an object cannot be gone on with at byte %" G_GUINT64_FORMAT,
              self->position));
      return GST_FLOW_ERROR;
    case UPLOAD_FAILED:
    default:
      return GST_FLOW_ERROR;
  }
}

static GstFlowReturn
gst_gcs_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstGcsSink *self = GST_GCS_SINK (sink);
  GstFlowReturn ret = GST_FLOW_OK;
  UploadResult result;
  gsize done = 0;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL), ("cannot map a buffer"));
    return GST_FLOW_ERROR;
  }
  do {
    gsize taken;

    begin_waiting (self);
    result = upload_queue_push (
        self->queue, self->position, map.data + done, map.size - done, &taken);
    end_waiting (self);
    done += taken;
    self->position += taken;
    ret = judge (self, result, GST_MINI_OBJECT (buffer));
  } while (ret == GST_FLOW_OK && result != UPLOAD_DONE);
  gst_buffer_unmap (buffer, &map);
  return ret;
}

/* Interrupted by a pause, it goes on in PLAYING. */
static GstFlowReturn
end_stream (GstGcsSink *self, GstEvent *event)
{
  UploadResult result;
  GstFlowReturn ret;

  do {
    begin_waiting (self);
    result = upload_queue_push_end (self->queue, self->position);
    end_waiting (self);
    ret = judge (self, result, GST_MINI_OBJECT (event));
  } while (ret == GST_FLOW_OK && result != UPLOAD_DONE);
  while (ret == GST_FLOW_OK) {
    begin_waiting (self);
    result = upload_queue_drain (self->queue);
    end_waiting (self);
    ret = judge (self, result, GST_MINI_OBJECT (event));
    if (result == UPLOAD_DONE)
      break;
  }
  return ret;
}

static GstFlowReturn
gst_gcs_sink_wait_event (GstBaseSink *sink, GstEvent *event)
{
  GstFlowReturn ret =
      GST_BASE_SINK_CLASS (gst_gcs_sink_parent_class)->wait_event (sink, event);

  if (ret != GST_FLOW_OK || GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return ret;
  return end_stream (GST_GCS_SINK (sink), event);
}

/* Where the stream goes on: after a flush at its begin, unless it says. */
static void
take_segment (GstGcsSink *self, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (segment->format == GST_FORMAT_BYTES)
    self->position = segment->start;
  else if (self->flushed)
    self->position = 0;
  self->flushed = FALSE;
}

static gboolean
gst_gcs_sink_event (GstBaseSink *sink, GstEvent *event)
{
  GstGcsSink *self = GST_GCS_SINK (sink);

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    take_segment (self, event);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    self->flushed = TRUE;
  return GST_BASE_SINK_CLASS (gst_gcs_sink_parent_class)->event (sink, event);
}

/* Muxers ask whether they can come back to their headers. */
static gboolean
gst_gcs_sink_query (GstBaseSink *sink, GstQuery *query)
{
  GstFormat format;

  if (GST_QUERY_TYPE (query) != GST_QUERY_SEEKING)
    return GST_BASE_SINK_CLASS (gst_gcs_sink_parent_class)->query (sink, query);
  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  gst_query_set_seeking (query, format, FALSE, 0, -1);
  return TRUE;
}

static gboolean
gst_gcs_sink_unlock (GstBaseSink *sink)
{
  upload_queue_begin_interrupt (GST_GCS_SINK (sink)->queue);
  return TRUE;
}

static gboolean
gst_gcs_sink_unlock_stop (GstBaseSink *sink)
{
  upload_queue_end_interrupt (GST_GCS_SINK (sink)->queue);
  return TRUE;
}

/* Start and stop */

static UploadQueue *
make_queue (GstGcsSink *self, GError **error)
{
  static const UploadQueueFuncs funcs = {on_begun, can_seek, on_seek,
      on_troubled, on_moved, on_complained, on_stored, on_failed};
  const GcsSinkSettings *settings = &self->running;
  g_autoptr (GPtrArray) metadata =
      gcs_sink_settings_list_metadata (settings->metadata);
  g_autoptr (GcsCredentials) credentials = NULL;
  GcsUploadSettings of_upload = {
      .bucket = settings->bucket,
      .object = settings->object,
      .endpoint = settings->endpoint,
      .attributes = {.content_type = settings->content_type,
          .cache_control = settings->cache_control,
          .custom_time = settings->custom_time,
          .metadata = (const char *const *)metadata->pdata},
      .if_generation_match = settings->if_generation_match,
  };
  const UploadQueueSettings of_queue = {settings->bucket, settings->object,
      settings->state_file, settings->chunk_size, MOST_WAIT};
  GcsUpload *upload;

  if (!gcs_sink_settings_check (settings, error))
    return NULL;
  credentials =
      gcs_credentials_find (settings->credentials, settings->endpoint, error);
  if (credentials == NULL)
    return NULL;
  of_upload.credentials = credentials;
  upload = gcs_upload_new (&of_upload, error);
  if (upload == NULL)
    return NULL;
  return upload_queue_new (upload, &of_queue, &funcs, self);
}

static gboolean
gst_gcs_sink_start (GstBaseSink *sink)
{
  GstGcsSink *self = GST_GCS_SINK (sink);
  g_autoptr (GError) error = NULL;
  UploadQueue *queue;

  GST_OBJECT_LOCK (self);
  gcs_sink_settings_copy (&self->running, &self->settings);
  self->last_stats = (UploadQueueStats){0};
  GST_OBJECT_UNLOCK (self);
  self->position = 0;
  self->flushed = FALSE;
  queue = make_queue (self, &error);
  if (queue == NULL) {
    post_error (self, error);
    gcs_sink_settings_clear (&self->running);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->queue = queue;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_gcs_sink_stop (GstBaseSink *sink)
{
  GstGcsSink *self = GST_GCS_SINK (sink);
  UploadQueue *queue;

  /* Stays reachable for stats until its thread is gone. */
  upload_queue_stop (self->queue);
  GST_OBJECT_LOCK (self);
  queue = g_steal_pointer (&self->queue);
  upload_queue_get_stats (queue, &self->last_stats);
  GST_OBJECT_UNLOCK (self);
  upload_queue_free (queue);
  gcs_sink_settings_clear (&self->running);
  return TRUE;
}

static void
gst_gcs_sink_finalize (GObject *object)
{
  gcs_sink_settings_clear (&GST_GCS_SINK (object)->settings);
  G_OBJECT_CLASS (gst_gcs_sink_parent_class)->finalize (object);
}

static void
gst_gcs_sink_class_init (GstGcsSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  object_class->set_property = gst_gcs_sink_set_property;
  object_class->get_property = gst_gcs_sink_get_property;
  object_class->finalize = gst_gcs_sink_finalize;
  gcs_sink_settings_install (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "Cloud store",
      "Sink/Network", "Stores a stream in Google Cloud Storage",
      "The Wishcast developers");

  sink_class->render = GST_DEBUG_FUNCPTR (gst_gcs_sink_render);
  sink_class->event = GST_DEBUG_FUNCPTR (gst_gcs_sink_event);
  sink_class->wait_event = GST_DEBUG_FUNCPTR (gst_gcs_sink_wait_event);
  sink_class->query = GST_DEBUG_FUNCPTR (gst_gcs_sink_query);
  sink_class->unlock = GST_DEBUG_FUNCPTR (gst_gcs_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_gcs_sink_unlock_stop);
  sink_class->start = GST_DEBUG_FUNCPTR (gst_gcs_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR (gst_gcs_sink_stop);
}

static void
gst_gcs_sink_init (GstGcsSink *self)
{
  gcs_sink_settings_init (&self->settings);
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
  gst_base_sink_set_async_enabled (GST_BASE_SINK (self), FALSE);
  /* Nobody looks at it, and it would hold on to a buffer. */
  gst_base_sink_set_last_sample_enabled (GST_BASE_SINK (self), FALSE);
}
