/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* V4 signing of Google Cloud Storage (GOOG4-RSA-SHA256): addresses that allow
 * one request until a time. Pure, a function a step, in this order. */

/* s, the longest that one can be of use. */
#define GCS_SIGN_MOST_SECONDS 604800

typedef struct {
  const char *method;
  const char *host;  /* as the header has it: with its port, if that is not the
                        scheme's own */
  const char *email; /* of who signs */
  const char *bucket;
  const char *object;         /* in UTF-8, as it is */
  const char *const *query;   /* name, value, ..., NULL; or NULL */
  const char *const *headers; /* beside host, that the request must have: name,
                                 value, ..., NULL; or NULL */
  gint64 now;                 /* us since 1970 */
  guint seconds;              /* 1 to GCS_SIGN_MOST_SECONDS */
} GcsSignRequest;

/* "/BUCKET/OBJECT", escaped. (transfer full) */
char *gcs_sign_make_path (const char *bucket, const char *object);
/* The query without the signature: sorted, escaped. (transfer full) */
char *gcs_sign_make_query (const GcsSignRequest *request);
/* (transfer full) */
char *gcs_sign_make_canonical_request (const GcsSignRequest *request);
/* What is signed with RSASSA-PKCS1-v1_5 and SHA-256. (transfer full) */
char *gcs_sign_make_string (const GcsSignRequest *request);
/* @scheme: "https". (transfer full) */
char *gcs_sign_make_address (
    const GcsSignRequest *request, const char *scheme, GBytes *signature);

G_END_DECLS
