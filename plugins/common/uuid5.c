/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uuid5.h"

#include <string.h>

#define SHA1_BYTES 20

/* Written a million times for one broadcast, where printf is too slow. */
static void
format (const guint8 bytes[UUID5_BYTES], char *text)
{
  static const char digits[] = "0123456789abcdef";

  for (guint i = 0; i < UUID5_BYTES; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *text++ = '-';
    *text++ = digits[bytes[i] >> 4];
    *text++ = digits[bytes[i] & 0x0f];
  }
  *text = '\0';
}

void
uuid5_write (const guint8 space[UUID5_BYTES], const char *name,
    char text[UUID5_LENGTH + 1])
{
  g_autoptr (GChecksum) sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[SHA1_BYTES];
  gsize length = sizeof digest;

  g_checksum_update (sha1, space, UUID5_BYTES);
  g_checksum_update (sha1, (const guchar *)name, (gssize)strlen (name));
  g_checksum_get_digest (sha1, digest, &length);
  digest[6] = (digest[6] & 0x0f) | 0x50; /* version 5 */
  digest[8] = (digest[8] & 0x3f) | 0x80; /* variant of the RFC */
  format (digest, text);
}

char *
uuid5_make (const guint8 space[UUID5_BYTES], const char *name)
{
  char *text = g_malloc (UUID5_LENGTH + 1);

  uuid5_write (space, name, text);
  return text;
}

gboolean
uuid5_parse (const char *text, guint8 bytes[UUID5_BYTES])
{
  guint n = 0;

  memset (bytes, 0, UUID5_BYTES);
  for (; *text != '\0'; text++) {
    if (*text == '-')
      continue;
    if (!g_ascii_isxdigit (*text) || n == 2 * UUID5_BYTES)
      return FALSE;
    bytes[n / 2] = (guint8)(bytes[n / 2] << 4 | g_ascii_xdigit_value (*text));
    n++;
  }
  return n == 2 * UUID5_BYTES;
}
