/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gcsbucket.h"

G_BEGIN_DECLS

/* The steps of a resumable upload to Google Cloud Storage, one request each. Each
 * waits for the network and can be cancelled; nothing is tried again here.
 * Belongs to one thread. Errors are of GCS_ERROR or G_IO_ERROR_CANCELLED, and no
 * text has the address of a session in it, which is a secret. */
typedef struct _GcsUpload GcsUpload;

/* Every chunk but the last is a multiple of it. */
#define GCS_UPLOAD_UNIT (256 * 1024)
/* A session lives so long, in us. */
#define GCS_UPLOAD_LIFE (7 * G_TIME_SPAN_DAY)

typedef struct {
  const char *bucket;
  const char *object;
  const char *endpoint;        /* as GcsBucketSettings has it */
  GcsCredentials *credentials; /* borrowed; a reference is taken */
  GcsAttributes attributes;
  /* What must be there now: 0 nothing, -1 anything. */
  gint64 if_generation_match;
} GcsUploadSettings;

typedef struct {
  gboolean complete;
  guint64 persisted; /* bytes that the service has, unless complete */
  GcsObject object;  /* if complete */
} GcsUploadAnswer;

GcsUpload *gcs_upload_new (const GcsUploadSettings *settings, GError **error);
void gcs_upload_free (GcsUpload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GcsUpload, gcs_upload_free)

/* The same for the same settings: what a session was begun with is what it is
 * gone on with. (transfer none) */
const char *gcs_upload_get_fingerprint (GcsUpload *upload);
/* Begins a session. GCS_ERROR_EXISTS: another generation is there. */
gboolean gcs_upload_begin (
    GcsUpload *upload, GCancellable *cancellable, GError **error);
/* Goes on with one that was begun before, or with none (NULL). */
void gcs_upload_set_session (GcsUpload *upload, const char *session);
/* (transfer none) (nullable) */
const char *gcs_upload_get_session (GcsUpload *upload);

/* Bytes of the object from @offset on. */
typedef struct {
  GInputStream *body; /* which can be sought in */
  guint64 offset;
  gsize length;
  gint64 total;   /* bytes of the object if these are its last, else -1; */
  guint32 crc32c; /* and that of the whole then */
  /* The next @n of them were written; in the thread of the call. */
  void (*wrote) (gsize n, gpointer data);
  gpointer data;
} GcsUploadChunk;

/* Sends them. GCS_ERROR_GONE: there is no such session any more;
 * GCS_ERROR_EXISTS: somebody else made the object. */
gboolean gcs_upload_put (GcsUpload *upload, const GcsUploadChunk *chunk,
    GcsUploadAnswer *answer, GCancellable *cancellable, GError **error);
/* What the service has. Errors as above. */
gboolean gcs_upload_query (GcsUpload *upload, GcsUploadAnswer *answer,
    GCancellable *cancellable, GError **error);
/* How long the service wanted to be left alone when it last answered, us; or 0. */
gint64 gcs_upload_get_retry_after (GcsUpload *upload);

/* The object that is there, whoever made it. */
gboolean gcs_upload_find (GcsUpload *upload, GcsObject *found,
    GCancellable *cancellable, GError **error);
/* Deletes the object if it is of that generation. */
gboolean gcs_upload_discard (GcsUpload *upload, gint64 generation,
    GCancellable *cancellable, GError **error);

G_END_DECLS
