/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streamkey.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyz234567";

/* 5 bits a character; the alphabet has 32, so each is as likely as any. */
static void
fill_random (char *text, gsize length)
{
  guint8 bytes[STREAM_KEY_SECRET_LENGTH];

  g_assert (length <= sizeof bytes);
  /* OpenSSL fails here only if the kernel has no randomness to give. */
  if (RAND_bytes (bytes, (int)length) != 1)
    g_error ("There are no random bytes to be had");
  for (gsize i = 0; i < length; i++)
    text[i] = ALPHABET[bytes[i] & 31];
  OPENSSL_cleanse (bytes, sizeof bytes);
}

static void
hash_text (StreamKey *key)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = sizeof key->hash;

  g_checksum_update (checksum, (const guchar *)key->text, STREAM_KEY_LENGTH);
  g_checksum_get_digest (checksum, key->hash, &length);
}

void
stream_key_new (StreamKey *key)
{
  memset (key, 0, sizeof *key);
  fill_random (key->id, STREAM_KEY_ID_LENGTH);
  memcpy (key->text, key->id, STREAM_KEY_ID_LENGTH);
  key->text[STREAM_KEY_ID_LENGTH] = '-';
  fill_random (key->text + STREAM_KEY_ID_LENGTH + 1, STREAM_KEY_SECRET_LENGTH);
  hash_text (key);
}

void
stream_key_clear (StreamKey *key)
{
  OPENSSL_cleanse (key, sizeof *key);
}

static gboolean
is_in_alphabet (const char *text, gsize length)
{
  return strspn (text, ALPHABET) >= length;
}

gboolean
stream_key_parse (StreamKey *key, const char *text)
{
  memset (key, 0, sizeof *key);
  if (strlen (text) != STREAM_KEY_LENGTH ||
      !is_in_alphabet (text, STREAM_KEY_ID_LENGTH) ||
      text[STREAM_KEY_ID_LENGTH] != '-' ||
      !is_in_alphabet (
          text + STREAM_KEY_ID_LENGTH + 1, STREAM_KEY_SECRET_LENGTH))
    return FALSE;
  memcpy (key->text, text, STREAM_KEY_LENGTH);
  memcpy (key->id, text, STREAM_KEY_ID_LENGTH);
  hash_text (key);
  return TRUE;
}

gboolean
stream_key_hash_equal (const guint8 *a, const guint8 *b)
{
  return CRYPTO_memcmp (a, b, STREAM_KEY_HASH_LENGTH) == 0;
}

const char *
stream_key_redact (const char *text, char *buffer)
{
  gsize length = strnlen (text, STREAM_KEY_ID_LENGTH + 1);

  if (length <= STREAM_KEY_ID_LENGTH ||
      !is_in_alphabet (text, STREAM_KEY_ID_LENGTH) ||
      text[STREAM_KEY_ID_LENGTH] != '-')
    return "-";
  memcpy (buffer, text, STREAM_KEY_ID_LENGTH);
  buffer[STREAM_KEY_ID_LENGTH] = '\0';
  return buffer;
}
