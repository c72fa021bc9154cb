/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Requests whose answers are small, to Google's services. */

/* NULL, or the address if it is http://… or https://… with a host, as libsoup
 * wants it. (transfer full) */
GUri *gcs_uri_parse (const char *text);
/* Whether nobody can listen: it is https://…, or of this machine. */
gboolean gcs_uri_is_private (GUri *uri);
/* The service at @endpoint, as in GcsBucketSettings. @has_secrets: what is sent
 * there is for nobody else. NULL and @error: GCS_ERROR_SETTINGS. (transfer
 * full) */
GUri *gcs_endpoint_parse (
    const char *endpoint, gboolean has_secrets, GError **error);

/* For the thread that makes it, or one at a time. Follows no redirects, gives up
 * after 30 s of silence and speaks HTTP/1.1: while it waits for an answer by
 * HTTP/2, libsoup 3.2 does not notice that it was cancelled. */
SoupSession *gcs_session_new (void);
/* Ends its connections. */
void gcs_session_free (SoupSession *session);

typedef struct {
  guint status;
  char *text; /* ends with a zero beyond @length */
  gsize length;
} GcsAnswer;

void gcs_answer_clear (GcsAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GcsAnswer, gcs_answer_clear)

/* Waits 30 s at most for all of the answer. TRUE, whatever its status; FALSE:
 * there was none (GCS_ERROR_AWAY), or one that is too large or from somebody whom
 * TLS does not trust (GCS_ERROR_REFUSED), or it was cancelled. @session: of
 * gcs_session_new(). @what: whatever the request is about, for errors. Runs no
 * source of the caller's main context. */
gboolean gcs_request_send (SoupSession *session, SoupMessage *message,
    const char *what, GcsAnswer *answer, GCancellable *cancellable,
    GError **error);
/* FALSE and @error, with what Google says, unless the status is 2xx. */
gboolean gcs_answer_check (
    const GcsAnswer *answer, const char *what, GError **error);
/* Puts before @error, which is of gcsanswer.h, what the answer was to. FALSE. */
gboolean gcs_answer_refuse (const char *what, GError **error);

G_END_DECLS
