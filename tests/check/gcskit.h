/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <openssl/evp.h>

G_BEGIN_DECLS

/* The service account of a test. What fails in here fails the test. */

#define GCS_KIT_EMAIL "archiver@shop.iam.gserviceaccount.com"
#define GCS_KIT_KEY_ID "9a0b1c2d3e"

/* Made once for the process. */
EVP_PKEY *gcs_kit_get_key (void);
/* In PEM, with \n for the ends of its lines, as in JSON; with a password, if that
 * is not NULL. (transfer full) */
char *gcs_kit_make_pem (EVP_PKEY *key, const char *password);
/* PEM of our key and of a certificate that it has signed itself, for the IP
 * address @host. (transfer full) */
char *gcs_kit_make_certificate (const char *host);
/* What Google hands out. @token_uri: or NULL. (transfer full) */
char *gcs_kit_make_json (const char *token_uri);
/* The same in a file that only we can read. (transfer full): unlink it. */
char *gcs_kit_write_file (const char *json);
/* Whether @signature is that of @data by our key: RSASSA-PKCS1-v1_5, SHA-256. */
gboolean gcs_kit_verify (const void *data, gsize length,
    const guint8 *signature, gsize signature_length);

G_END_DECLS
