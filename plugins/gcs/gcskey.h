/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The key of a service account, as Google hands it out in a file. Cannot be
 * changed once made, so any thread may use it. No error has any of the key in
 * it. */
typedef struct _GcsKey GcsKey;

/* @path: readable by its owner and group only. Errors are GCS_ERROR_SETTINGS and
 * begin with @path. */
GcsKey *gcs_key_load (const char *path, GError **error);
/* What is in such a file. */
GcsKey *gcs_key_parse (const char *text, gsize length, GError **error);
void gcs_key_free (GcsKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GcsKey, gcs_key_free)

/* The account. (transfer none) */
const char *gcs_key_get_email (const GcsKey *key);
/* Where an assertion is exchanged for a token. (transfer none) */
GUri *gcs_key_get_token_uri (const GcsKey *key);
/* RSASSA-PKCS1-v1_5 with SHA-256. */
GBytes *gcs_key_sign (
    const GcsKey *key, const void *data, gsize length, GError **error);
/* The JWT (RFC 7523, RS256) that asks for a token. @now: s since 1970. (transfer
 * full) */
char *gcs_key_make_assertion (const GcsKey *key, gint64 now, GError **error);

G_END_DECLS
