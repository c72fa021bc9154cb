/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivestore-private.h"
#include "crc32c.h"
#include "description.h"
#include "gcsbucket.h"
#include "gcserror.h"

#define CONTENT_TYPE "video/mp4"
/* Many broadcasts go at a time, each at its own pace: little memory for each
 * counts for more than how fast one could go. */
#define CHUNK_SIZE "2097152"

typedef struct {
  ArchiveStore parent;
  char *endpoint;         /* or NULL */
  char *credentials_file; /* or NULL */
  GcsCredentials *credentials;
} ArchiveCloud;

static void
archive_cloud_free (ArchiveStore *store)
{
  ArchiveCloud *cloud = (ArchiveCloud *)store;

  g_clear_pointer (&cloud->credentials, gcs_credentials_unref);
  g_free (cloud->credentials_file);
  g_free (cloud->endpoint);
  g_free (cloud);
}

/* One for each call, as calls come on any thread. */
static GcsBucket *
open_bucket (ArchiveStore *store, GError **error)
{
  ArchiveCloud *cloud = (ArchiveCloud *)store;
  GcsBucketSettings settings = {
      .bucket = store->bucket,
      .endpoint = cloud->endpoint,
      .credentials = cloud->credentials,
  };

  return gcs_bucket_new (&settings, error);
}

/* The session that the sink keeps knows what the cloud has. */
static gboolean
archive_cloud_prepare (
    ArchiveStore *store, const char *object, guint64 *offset, GError **error)
{
  *offset = 0;
  return TRUE;
}

static void
add_property (GString *text, const char *name, const char *value)
{
  g_autofree char *quoted = NULL;

  if (value == NULL)
    return;
  quoted = description_quote (value);
  g_string_append_printf (text, " %s=%s", name, quoted);
}

static char *
archive_cloud_describe_sink (
    ArchiveStore *store, const char *object, const char *state_file)
{
  ArchiveCloud *cloud = (ArchiveCloud *)store;
  GString *text = g_string_new ("gcssink");

  add_property (text, "bucket", store->bucket);
  add_property (text, "object", object);
  add_property (text, "endpoint", cloud->endpoint);
  add_property (text, "credentials", cloud->credentials_file);
  add_property (text, "content-type", CONTENT_TYPE);
  add_property (text, "state-file", state_file);
  add_property (text, "chunk-size", CHUNK_SIZE);
  return g_string_free (text, FALSE);
}

static gboolean
is_expected (const GcsObject *object, const ArchiveObject *expected)
{
  return object->size == expected->size && object->has_crc32c &&
         object->crc32c == expected->crc32c;
}

static gboolean
refuse (const char *object, guint64 size, guint32 crc32c,
    const ArchiveObject *expected, GError **error)
{
  g_set_error (error, GCS_ERROR, GCS_ERROR_CORRUPT,
      "\"%s\" in the cloud is not what was sent: %" G_GUINT64_FORMAT
      " bytes with CRC-32C %08x instead of %" G_GUINT64_FORMAT " with %08x",
      object, size, crc32c, expected->size, expected->crc32c);
  return FALSE;
}

/* Before they are composed: nothing else than the recording ever has its name. */
static gboolean
check_pieces (GcsBucket *bucket, const char *head, const char *body,
    const char *object, const ArchiveObject *expected,
    GCancellable *cancellable, GError **error)
{
  GcsObject of_head, of_body, both;

  if (!gcs_bucket_stat (bucket, head, &of_head, cancellable, error) ||
      !gcs_bucket_stat (bucket, body, &of_body, cancellable, error))
    return FALSE;
  both = (GcsObject){
      .size = of_head.size + of_body.size,
      .crc32c = crc32c_combine (of_head.crc32c, of_body.crc32c, of_body.size),
      .has_crc32c = of_head.has_crc32c && of_body.has_crc32c,
  };
  return is_expected (&both, expected) ||
         refuse (object, both.size, both.crc32c, expected, error);
}

/* RFC 3339, in whole seconds that are not before it. (transfer full) */
static char *
format_time (gint64 time)
{
  g_autoptr (GDateTime) date =
      g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC + 1);

  return time != 0 ? g_date_time_format (date, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static gboolean
compose (GcsBucket *bucket, const char *head, const char *body,
    const char *object, gint64 generation, const ArchiveObject *expected,
    gint64 expires, GCancellable *cancellable, GError **error)
{
  const char *const sources[] = {head, body, NULL};
  g_autofree char *custom_time = format_time (expires);
  const GcsAttributes attributes = {
      .content_type = CONTENT_TYPE, .custom_time = custom_time};
  GcsObject made;

  if (!check_pieces (
          bucket, head, body, object, expected, cancellable, error) ||
      !gcs_bucket_compose (bucket, sources, object, generation, &attributes,
          &made, cancellable, error))
    return FALSE;
  return is_expected (&made, expected) ||
         refuse (object, made.size, made.crc32c, expected, error);
}

static gboolean
archive_cloud_join (ArchiveStore *store, const char *head, const char *body,
    const char *object, const ArchiveObject *expected, gint64 expires,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GcsBucket) bucket = open_bucket (store, error);
  g_autoptr (GError) why = NULL;
  GcsObject found = {0};

  if (bucket == NULL)
    return FALSE;
  if (!gcs_bucket_stat (bucket, object, &found, cancellable, &why) &&
      !g_error_matches (why, GCS_ERROR, GCS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  /* A crash may have come before the pieces were deleted. */
  if ((why != NULL || !is_expected (&found, expected)) &&
      !compose (bucket, head, body, object, why != NULL ? 0 : found.generation,
          expected, expires, cancellable, error))
    return FALSE;
  return gcs_bucket_delete (bucket, head, cancellable, error) &&
         gcs_bucket_delete (bucket, body, cancellable, error);
}

static gboolean
archive_cloud_stat (ArchiveStore *store, const char *object,
    ArchiveObject *found, GCancellable *cancellable, GError **error)
{
  g_autoptr (GcsBucket) bucket = open_bucket (store, error);
  GcsObject known;

  if (bucket == NULL ||
      !gcs_bucket_stat (bucket, object, &known, cancellable, error))
    return FALSE;
  *found = (ArchiveObject){known.size, known.crc32c};
  return TRUE;
}

static gboolean
archive_cloud_delete (ArchiveStore *store, const char *object,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GcsBucket) bucket = open_bucket (store, error);

  return bucket != NULL &&
         gcs_bucket_delete (bucket, object, cancellable, error);
}

static gboolean
archive_cloud_open (ArchiveStore *store, const char *object, gint64 now,
    guint seconds, const char *disposition, char **address, char **path,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GcsBucket) bucket = open_bucket (store, error);

  if (bucket == NULL)
    return FALSE;
  *address = gcs_bucket_sign (bucket, object, now, seconds, disposition,
      CONTENT_TYPE, cancellable, error);
  return *address != NULL;
}

static const ArchiveStoreKind kind = {
    .free = archive_cloud_free,
    .prepare = archive_cloud_prepare,
    .describe_sink = archive_cloud_describe_sink,
    .join = archive_cloud_join,
    .stat = archive_cloud_stat,
    .delete = archive_cloud_delete,
    .open = archive_cloud_open,
};

ArchiveStore *
archive_cloud_new (const Settings *settings, GError **error)
{
  const char *endpoint = settings_get_string (settings, SETTING_CLOUD_ENDPOINT);
  const char *file =
      settings_get_string (settings, SETTING_CLOUD_CREDENTIALS_FILE);
  GcsCredentials *credentials = gcs_credentials_find (file, endpoint, error);
  ArchiveCloud *cloud;

  if (credentials == NULL)
    return NULL;
  cloud = g_new0 (ArchiveCloud, 1);
  cloud->parent.kind = &kind;
  cloud->parent.bucket =
      g_strdup (settings_get_string (settings, SETTING_CLOUD_BUCKET));
  cloud->parent.prefix =
      g_strdup (settings_get_string (settings, SETTING_CLOUD_PREFIX));
  cloud->endpoint = g_strdup (endpoint);
  cloud->credentials_file = g_strdup (file);
  cloud->credentials = credentials;
  return &cloud->parent;
}
