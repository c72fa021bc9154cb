/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Signatures of Standard Webhooks (standardwebhooks.com, 1.0): HMAC-SHA256 with
 * shared secrets. Pure. */
typedef struct _WebhookSigner WebhookSigner;

/* @secrets: "whsec_" and base64 of 24 to 64 bytes each. While a secret is being
 * replaced there are two, and both sign. The text of an error never has a secret
 * in it. */
WebhookSigner *webhook_signer_new (const char *const *secrets, GError **error);
void webhook_signer_free (WebhookSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WebhookSigner, webhook_signer_free)
/* The value of the header webhook-signature. @timestamp: s since 1970, the value
 * of webhook-timestamp. (transfer full) */
char *webhook_signer_sign (const WebhookSigner *signer, const char *id,
    gint64 timestamp, const char *body, gsize length);

G_END_DECLS
