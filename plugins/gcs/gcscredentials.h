/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Who we are to Google Cloud: a service account by its key file, the account of
 * the machine by the metadata server, or nobody, for emulators. Reference
 * counted and thread-safe: a token is fetched once for all who share it, and
 * anew when four fifths of its life are over.
 *
 * Errors are of the domain GCS_ERROR (gcserror.h). No text has a secret in it. */
typedef struct _GcsCredentials GcsCredentials;

/* @path: JSON of `"type": "service_account"` (RFC 7523 by RS256). Refuses a file
 * that everybody can read, lacks a field or has no RSA key, naming file and
 * field. */
GcsCredentials *gcs_credentials_new_from_file (
    const char *path, GError **error);
/* @host: of the metadata server, or NULL: $GCE_METADATA_HOST, else
 * metadata.google.internal. Contacts nobody yet. */
GcsCredentials *gcs_credentials_new_from_metadata (const char *host);
GcsCredentials *gcs_credentials_new_anonymous (void);
GcsCredentials *gcs_credentials_ref (GcsCredentials *credentials);
void gcs_credentials_unref (GcsCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GcsCredentials, gcs_credentials_unref)

/* Whether they are nobody's. */
gboolean gcs_credentials_is_anonymous (GcsCredentials *credentials);
/* Sets the header Authorization. Fetches a token by @session if it must, so it
 * may wait for the network. */
gboolean gcs_credentials_authorize (GcsCredentials *credentials,
    SoupSession *session, SoupMessage *message, GCancellable *cancellable,
    GError **error);
/* After a 401: the token was revoked, the next is fetched. */
void gcs_credentials_forget_token (GcsCredentials *credentials);
/* The account's e-mail, or NULL of nobody. (transfer full) */
char *gcs_credentials_get_email (GcsCredentials *credentials,
    SoupSession *session, GCancellable *cancellable, GError **error);
/* RSASSA-PKCS1-v1_5 with SHA-256 of @data: with the key of the file, or by the
 * IAM service (signBlob) where only the metadata server knows us. */
GBytes *gcs_credentials_sign (GcsCredentials *credentials, SoupSession *session,
    const char *data, GCancellable *cancellable, GError **error);

G_END_DECLS
