/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uuid5.h"

#include <string.h>

#define SHA1_BYTES 20

char *
uuid5_make (const guint8 space[UUID5_BYTES], const char *name)
{
  g_autoptr (GChecksum) sha1 = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 d[SHA1_BYTES];
  gsize length = sizeof d;

  g_checksum_update (sha1, space, UUID5_BYTES);
  g_checksum_update (sha1, (const guchar *)name, (gssize)strlen (name));
  g_checksum_get_digest (sha1, d, &length);
  d[6] = (d[6] & 0x0f) | 0x50; /* version 5 */
  d[8] = (d[8] & 0x3f) | 0x80; /* variant of the RFC */
  return g_strdup_printf ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                          "%02x%02x%02x%02x%02x%02x",
      d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11],
      d[12], d[13], d[14], d[15]);
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
