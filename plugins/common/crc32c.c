/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crc32c.h"

#include <isa-l/crc.h>
#include <string.h>

/* x^32 + x^28 + ... + 1, least significant bit the highest power. */
#define POLYNOMIAL 0x82f63b78u
#define ONE (1u << 31)     /* x^0 */
#define X_TO_8 (ONE >> 8)  /* a byte further */
#define LARGEST (1u << 30) /* that an int can have */

guint32
crc32c_update (guint32 crc, const void *data, gsize size)
{
  const guint8 *at = data;

  crc = ~crc;
  while (size > 0) {
    gsize n = MIN (size, LARGEST);

    crc = crc32_iscsi ((guint8 *)at, (int)n, crc);
    at += n;
    size -= n;
  }
  return ~crc;
}

/* The product of two remainders. */
static guint32
multiply (guint32 a, guint32 b)
{
  guint32 product = 0;

  for (; a != 0; a <<= 1) {
    if ((a & ONE) != 0)
      product ^= b;
    b = (b & 1) != 0 ? (b >> 1) ^ POLYNOMIAL : b >> 1;
  }
  return product;
}

/* Bytes behind a text multiply its remainder by x^8 each. What each sum has
 * before and behind it for its own sake falls out. */
guint32
crc32c_combine (guint32 first, guint32 second, guint64 size)
{
  guint32 power = X_TO_8;

  for (; size != 0; size >>= 1) {
    if ((size & 1) != 0)
      first = multiply (first, power);
    power = multiply (power, power);
  }
  return first ^ second;
}

void
crc32c_to_base64 (guint32 crc, char text[9])
{
  guint32 raw = GUINT32_TO_BE (crc);
  g_autofree char *base64 = g_base64_encode ((const guchar *)&raw, sizeof raw);

  g_strlcpy (text, base64, 9);
}

gboolean
crc32c_from_base64 (const char *text, guint32 *crc)
{
  g_autofree guchar *raw = NULL;
  char again[9];
  gsize size;
  guint32 value;

  if (strlen (text) != sizeof again - 1)
    return FALSE;
  raw = g_base64_decode (text, &size);
  if (size != sizeof value)
    return FALSE;
  memcpy (&value, raw, sizeof value);
  *crc = GUINT32_FROM_BE (value);
  crc32c_to_base64 (*crc, again);
  return strcmp (again, text) == 0;
}
