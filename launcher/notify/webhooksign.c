/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "webhooksign.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

#define PREFIX "whsec_"
#define LEAST_BYTES 24
#define MOST_BYTES 64
/* An id and a time, usually. */
#define MOST_HEAD 128

typedef struct {
  guchar *bytes;
  gsize length;
} Secret;

struct _WebhookSigner {
  GArray *secrets; /* of Secret */
};

static void
secret_clear (gpointer data)
{
  Secret *secret = data;

  OPENSSL_cleanse (secret->bytes, secret->length);
  g_free (secret->bytes);
}

/* Whether @text is what they are written as: GLib's decoder passes over what is
 * no base64, and whoever checks the signature may not. */
static gboolean
is_written_as (const Secret *secret, const char *text)
{
  g_autofree char *again = g_base64_encode (secret->bytes, secret->length);
  gboolean is_same = strcmp (again, text) == 0;

  OPENSSL_cleanse (again, strlen (again));
  return is_same;
}

static gboolean
add_secret (WebhookSigner *signer, const char *text)
{
  Secret secret = {0};

  if (!g_str_has_prefix (text, PREFIX))
    return FALSE;
  text += strlen (PREFIX);
  secret.bytes = g_base64_decode (text, &secret.length);
  if (secret.length < LEAST_BYTES || secret.length > MOST_BYTES ||
      !is_written_as (&secret, text)) {
    secret_clear (&secret);
    return FALSE;
  }
  g_array_append_val (signer->secrets, secret);
  return TRUE;
}

WebhookSigner *
webhook_signer_new (const char *const *secrets, GError **error)
{
  g_autoptr (WebhookSigner) signer = g_new0 (WebhookSigner, 1);

  signer->secrets = g_array_new (FALSE, FALSE, sizeof (Secret));
  g_array_set_clear_func (signer->secrets, secret_clear);
  for (guint i = 0; secrets[i] != NULL; i++)
    if (!add_secret (signer, secrets[i])) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "Secret %u of the webhook must be \"" PREFIX "\" and the base64 of "
          "%d to %d bytes",
          i + 1, LEAST_BYTES, MOST_BYTES);
      return NULL;
    }
  if (signer->secrets->len == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "The webhook has no secret to sign with");
    return NULL;
  }
  return g_steal_pointer (&signer);
}

void
webhook_signer_free (WebhookSigner *signer)
{
  if (signer == NULL)
    return;
  g_array_unref (signer->secrets);
  g_free (signer);
}

char *
webhook_signer_sign (const WebhookSigner *signer, const char *id,
    gint64 timestamp, const char *body, gsize length)
{
  g_autoptr (GString) content = g_string_sized_new (length + MOST_HEAD);
  GString *header = g_string_new (NULL);

  g_string_printf (content, "%s.%" G_GINT64_FORMAT ".", id, timestamp);
  g_string_append_len (content, body, (gssize)length);
  for (guint i = 0; i < signer->secrets->len; i++) {
    const Secret *secret = &g_array_index (signer->secrets, Secret, i);
    guint8 digest[SHA256_DIGEST_LENGTH];
    g_autofree char *text = NULL;

    /* That of GLib takes several times as long. */
    HMAC (EVP_sha256 (), secret->bytes, (int)secret->length,
        (const guchar *)content->str, content->len, digest, NULL);
    text = g_base64_encode (digest, sizeof digest);
    g_string_append_printf (header, "%sv1,%s", i > 0 ? " " : "", text);
  }
  return g_string_free (header, FALSE);
}
