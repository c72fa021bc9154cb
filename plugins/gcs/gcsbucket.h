/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "gcscredentials.h"

G_BEGIN_DECLS

/* Objects of one bucket by the JSON API of Google Cloud Storage. Each call waits
 * for the network, 30 s at most, and can be cancelled; errors are of GCS_ERROR
 * or G_IO_ERROR_CANCELLED. Nothing is tried again here: that is for who knows
 * how long to wait. Belongs to one thread at a time; each thread that needs one
 * makes its own, with shared credentials. */
typedef struct _GcsBucket GcsBucket;

typedef struct {
  const char *bucket;
  /* Of the service: scheme, host, port, nothing more. NULL:
   * $STORAGE_EMULATOR_HOST, else https://storage.googleapis.com. */
  const char *endpoint;
  GcsCredentials *credentials; /* borrowed; a reference is taken */
} GcsBucketSettings;

/* What is known of an object. */
typedef struct {
  guint64 size;      /* bytes */
  gint64 generation; /* of this very content */
  guint32 crc32c;    /* Castagnoli, of the content */
  gboolean has_crc32c;
} GcsObject;

/* What an object is given when it is made. All may be NULL. */
typedef struct {
  const char *content_type;
  const char *cache_control;
  const char *content_disposition;
  const char *custom_time;     /* RFC 3339 */
  const char *const *metadata; /* name, value, name, value, NULL */
} GcsAttributes;

/* The resource "object" that asks for them. (transfer full) */
char *gcs_attributes_to_json (const GcsAttributes *attributes);

/* How credentials are chosen by all of our programs: @path of a key file, else
 * none with an endpoint of http:// or $STORAGE_EMULATOR_HOST, else
 * $GOOGLE_APPLICATION_CREDENTIALS, else the metadata server. */
GcsCredentials *gcs_credentials_find (
    const char *path, const char *endpoint, GError **error);

GcsBucket *gcs_bucket_new (const GcsBucketSettings *settings, GError **error);
void gcs_bucket_free (GcsBucket *bucket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GcsBucket, gcs_bucket_free)

gboolean gcs_bucket_stat (GcsBucket *bucket, const char *object,
    GcsObject *found, GCancellable *cancellable, GError **error);
/* Makes @object of @sources (1 to 32), one after the other. @generation: what it
 * must be of now, 0 for "is not there". Answers like a copy: the sources stay. */
gboolean gcs_bucket_compose (GcsBucket *bucket, const char *const *sources,
    const char *object, gint64 generation, const GcsAttributes *attributes,
    GcsObject *made, GCancellable *cancellable, GError **error);
/* One that is not there is deleted, too. */
gboolean gcs_bucket_delete (GcsBucket *bucket, const char *object,
    GCancellable *cancellable, GError **error);
/* The names that begin with @prefix. (transfer full) */
char **gcs_bucket_list (GcsBucket *bucket, const char *prefix,
    GCancellable *cancellable, GError **error);
/* Whether the bucket is there and we may read, make and delete objects in it
 * (testIamPermissions). @missing: the permissions that we lack, separated by
 * ", ", or NULL. (transfer full) */
gboolean gcs_bucket_check (GcsBucket *bucket, char **missing,
    GCancellable *cancellable, GError **error);
/* An address at which anybody may GET the object until @now + @seconds (1 to
 * 604800; @now us since 1970): V4 signing. Of an emulator without credentials
 * the plain address. @disposition: value of Content-Disposition, or NULL.
 * (transfer full) */
char *gcs_bucket_sign (GcsBucket *bucket, const char *object, gint64 now,
    guint seconds, const char *disposition, const char *content_type,
    GCancellable *cancellable, GError **error);

G_END_DECLS
