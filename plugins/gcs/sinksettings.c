/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinksettings.h"

#include "gcserror.h"
#include "gcsupload.h"

/* Twice that is held. A round trip of 20 ms between two chunks costs a ninth of
 * what a line of 800 Mbit/s carries; with chunks of 2 MiB it would be a half. */
#define DEFAULT_CHUNK_SIZE (16 * 1024 * 1024)
#define MOST_CHUNK_SIZE (256 * 1024 * 1024)
#define DEFAULT_CONTENT_TYPE "application/octet-stream"

void
gcs_sink_settings_init (GcsSinkSettings *settings)
{
  *settings = (GcsSinkSettings){
      .content_type = g_strdup (DEFAULT_CONTENT_TYPE),
      .if_generation_match = -1,
      .chunk_size = DEFAULT_CHUNK_SIZE,
  };
}

void
gcs_sink_settings_clear (GcsSinkSettings *settings)
{
  g_clear_pointer (&settings->bucket, g_free);
  g_clear_pointer (&settings->object, g_free);
  g_clear_pointer (&settings->endpoint, g_free);
  g_clear_pointer (&settings->credentials, g_free);
  g_clear_pointer (&settings->content_type, g_free);
  g_clear_pointer (&settings->cache_control, g_free);
  g_clear_pointer (&settings->custom_time, g_free);
  g_clear_pointer (&settings->metadata, gst_structure_free);
  g_clear_pointer (&settings->state_file, g_free);
}

/* Like the service, an empty text is none. */
static char *
copy_text (const char *text)
{
  return text != NULL && *text != '\0' ? g_strdup (text) : NULL;
}

void
gcs_sink_settings_copy (GcsSinkSettings *to, const GcsSinkSettings *from)
{
  *to = (GcsSinkSettings){
      .bucket = copy_text (from->bucket),
      .object = copy_text (from->object),
      .endpoint = copy_text (from->endpoint),
      .credentials = copy_text (from->credentials),
      .content_type = copy_text (from->content_type),
      .cache_control = copy_text (from->cache_control),
      .custom_time = copy_text (from->custom_time),
      .metadata =
          from->metadata != NULL ? gst_structure_copy (from->metadata) : NULL,
      .if_generation_match = from->if_generation_match,
      .state_file = copy_text (from->state_file),
      .chunk_size = from->chunk_size,
  };
}

char **
gcs_sink_settings_find_text (GcsSinkSettings *settings, guint id)
{
  switch (id) {
    case GCS_SINK_PROP_BUCKET:
      return &settings->bucket;
    case GCS_SINK_PROP_OBJECT:
      return &settings->object;
    case GCS_SINK_PROP_ENDPOINT:
      return &settings->endpoint;
    case GCS_SINK_PROP_CREDENTIALS:
      return &settings->credentials;
    case GCS_SINK_PROP_CONTENT_TYPE:
      return &settings->content_type;
    case GCS_SINK_PROP_CACHE_CONTROL:
      return &settings->cache_control;
    case GCS_SINK_PROP_CUSTOM_TIME:
      return &settings->custom_time;
    case GCS_SINK_PROP_STATE_FILE:
      return &settings->state_file;
    default:
      return NULL;
  }
}

gboolean
gcs_sink_settings_check (const GcsSinkSettings *settings, GError **error)
{
  g_autoptr (GDateTime) time = NULL;

  if (settings->chunk_size % GCS_UPLOAD_UNIT != 0) {
    g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "chunk-size is not a multiple of 262144");
    return FALSE;
  }
  if (settings->custom_time == NULL)
    return TRUE;
  time = g_date_time_new_from_iso8601 (settings->custom_time, NULL);
  if (time == NULL)
    g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "custom-time is not like 2030-01-31T12:00:00Z");
  return time != NULL;
}

/* name, value, ..., NULL; what is no text as GStreamer writes it. */
GPtrArray *
gcs_sink_settings_list_metadata (const GstStructure *metadata)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  int n = metadata != NULL ? gst_structure_n_fields (metadata) : 0;

  for (int i = 0; i < n; i++) {
    const char *name = gst_structure_nth_field_name (metadata, (guint)i);
    const GValue *value = gst_structure_get_value (metadata, name);

    g_ptr_array_add (list, g_strdup (name));
    g_ptr_array_add (list, G_VALUE_HOLDS_STRING (value)
                               ? g_value_dup_string (value)
                               : gst_value_serialize (value));
  }
  g_ptr_array_add (list, NULL);
  return list;
}

static void
install_target_properties (GParamSpec **props)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  /**
   * GstGcsSink:bucket:
   *
   * The bucket that the object is made in. Must be set.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_BUCKET] = g_param_spec_string (
      "bucket", "Bucket", "Bucket to store the object in", NULL, flags);
  /**
   * GstGcsSink:object:
   *
   * The name of the object, 1 to 1024 bytes of UTF-8. Must be set.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_OBJECT] = g_param_spec_string (
      "object", "Object", "Name of the object (1 to 1024 bytes)", NULL, flags);
  /**
   * GstGcsSink:endpoint:
   *
   * Scheme, host and port of the service.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_ENDPOINT] = g_param_spec_string ("endpoint", "Endpoint",
      "Address of the service, as https://HOST:PORT (unset = "
      "STORAGE_EMULATOR_HOST, else https://storage.googleapis.com)",
      NULL, flags);
  /**
   * GstGcsSink:credentials:
   *
   * A service account's key file.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_CREDENTIALS] = g_param_spec_string ("credentials",
      "Credentials",
      "Path of a service account's key file (unset = none for an endpoint of "
      "http:// or an emulator, else GOOGLE_APPLICATION_CREDENTIALS, else the "
      "metadata server)",
      NULL, flags);
  /**
   * GstGcsSink:if-generation-match:
   *
   * Which generation may be replaced; 0: there must be no such object; -1: any.
   * If it is another one, but has the very bytes of the stream (an earlier
   * process did not come to tell), that is no error.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_IF_GENERATION_MATCH] = g_param_spec_int64 (
      "if-generation-match", "If generation match",
      "Generation of the object that may be replaced (0 = there must be none, "
      "-1 = any)",
      -1, G_MAXINT64, -1, flags);
}

static void
install_attribute_properties (GParamSpec **props)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  /**
   * GstGcsSink:content-type:
   *
   * The media type that the object is served with.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_CONTENT_TYPE] = g_param_spec_string ("content-type",
      "Content type", "Media type of the object", DEFAULT_CONTENT_TYPE, flags);
  /**
   * GstGcsSink:cache-control:
   *
   * The value of Cache-Control that the object is served with.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_CACHE_CONTROL] =
      g_param_spec_string ("cache-control", "Cache control",
          "Value of Cache-Control that the object is served with (unset = what "
          "the service takes)",
          NULL, flags);
  /**
   * GstGcsSink:custom-time:
   *
   * A time of the object's own, by which lifecycle rules can delete it.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_CUSTOM_TIME] =
      g_param_spec_string ("custom-time", "Custom time",
          "Time for lifecycle rules, as 2030-01-31T12:00:00Z (RFC 3339)", NULL,
          flags);
  /**
   * GstGcsSink:metadata:
   *
   * What else is known of the object: a text a field.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_METADATA] = g_param_spec_boxed ("metadata", "Metadata",
      "Custom metadata of the object, as metadata,game=half-life",
      GST_TYPE_STRUCTURE, flags);
}

static void
install_running_properties (GParamSpec **props)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  /**
   * GstGcsSink:state-file:
   *
   * Where the upload is noted, so that another process can go on with it. It is
   * removed when the object is stored.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_STATE_FILE] = g_param_spec_string ("state-file",
      "State file",
      "File that an upload is noted in, to go on with it after a crash (unset "
      "= it begins anew)",
      NULL, flags);
  /**
   * GstGcsSink:chunk-size:
   *
   * How much is sent with one request, in bytes; twice that is held in memory.
   * What has waited for ten seconds is sent in smaller pieces. After each request
   * the line is empty until the service has answered: the larger, the faster.
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_CHUNK_SIZE] =
      g_param_spec_uint ("chunk-size", "Chunk size",
          "Bytes of one request, a multiple of 262144; twice that is held",
          GCS_UPLOAD_UNIT, MOST_CHUNK_SIZE, DEFAULT_CHUNK_SIZE, flags);
  /**
   * GstGcsSink:stats:
   *
   * Of this run: `received-bytes`, up to where the stream has come;
   * `stored-bytes`, up to where the service has it; `sent-bytes`, with what was
   * sent again; `failures`, attempts after which it waited; `sessions` that
   * were begun (all guint64).
   *
   * Since: 0.1
   */
  props[GCS_SINK_PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of this run: received-bytes, stored-bytes, sent-bytes, "
      "failures, sessions (guint64)",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

void
gcs_sink_settings_install (GObjectClass *object_class)
{
  GParamSpec *props[GCS_SINK_N_PROPS] = {NULL};

  install_target_properties (props);
  install_attribute_properties (props);
  install_running_properties (props);
  g_object_class_install_properties (object_class, GCS_SINK_N_PROPS, props);
}
