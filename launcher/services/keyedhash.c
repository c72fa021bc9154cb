/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keyedhash.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

struct _KeyedHash {
  guint8 key[32];
};

KeyedHash *
keyed_hash_new (void)
{
  KeyedHash *hash = g_new0 (KeyedHash, 1);

  if (RAND_bytes (hash->key, sizeof hash->key) != 1)
    g_error ("There are no random bytes to be had");
  return hash;
}

void
keyed_hash_free (KeyedHash *hash)
{
  if (hash == NULL)
    return;
  OPENSSL_cleanse (hash->key, sizeof hash->key);
  g_free (hash);
}

guint64
keyed_hash_compute (const KeyedHash *hash, const char *text, gsize length)
{
  g_autoptr (GHmac) hmac =
      g_hmac_new (G_CHECKSUM_SHA256, hash->key, sizeof hash->key);
  guint8 digest[32];
  gsize size = sizeof digest;
  guint64 result;

  g_hmac_update (hmac, (const guchar *)text, (gssize)length);
  g_hmac_get_digest (hmac, digest, &size);
  memcpy (&result, digest, sizeof result);
  return result;
}
