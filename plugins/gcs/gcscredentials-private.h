/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gcscredentials.h"
#include "gcsrequest.h"

G_BEGIN_DECLS

/* A request that may have to be made twice. */
typedef struct {
  const char *method;
  GUri *uri;
  GBytes *body; /* JSON, or NULL */
  const char *what;
} GcsRequest;

/* Sends it with our token; if that is refused (401) once more with a new one. As
 * gcs_request_send(). */
gboolean gcs_credentials_send (GcsCredentials *credentials,
    SoupSession *session, const GcsRequest *request, GcsAnswer *answer,
    GCancellable *cancellable, GError **error);

/* The token at @now, of g_get_monotonic_time(); NULL without @error of nobody.
 * (transfer full) */
gboolean gcs_credentials_get_token_at (GcsCredentials *credentials,
    SoupSession *session, gint64 now, char **token, GCancellable *cancellable,
    GError **error);
/* With a stand-in for https://iamcredentials.googleapis.com. */
GcsCredentials *gcs_credentials_new_from_services (
    const char *metadata_host, const char *iam_url);

G_END_DECLS
