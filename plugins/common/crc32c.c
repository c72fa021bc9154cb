/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crc32c.h"

#include <isa-l/crc.h>
#include <string.h>

/* Polynomials are written as the checksum is: the bit of x^0 is the highest. */
#define POLYNOMIAL 0x82F63B78u /* without its x^32 */
#define X_TO_0 (1u << 31)
#define X_TO_1 (1u << 30)
/* ISA-L counts bytes in an int. */
#define MOST_AT_ONCE (1u << 30)

guint32
crc32c_update (guint32 crc, const void *data, gsize size)
{
  const guint8 *bytes = data;

  while (size > 0) {
    gsize n = MIN (size, MOST_AT_ONCE);

    /* ISA-L leaves out the inversions, and const. */
    crc = ~crc32_iscsi ((guint8 *)bytes, (int)n, ~crc);
    bytes += n;
    size -= n;
  }
  return crc;
}

/* The product of two polynomials, modulo ours. */
static guint32
multiply (guint32 a, guint32 b)
{
  guint32 product = 0;

  for (guint32 bit = X_TO_0; bit != 0; bit >>= 1) {
    if ((a & bit) != 0)
      product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? POLYNOMIAL : 0);
  }
  return product;
}

guint32
crc32c_combine (guint32 first, guint32 second, guint64 size)
{
  guint32 power = X_TO_1;
  guint32 shift = X_TO_0;

  /* The first text is followed by @size bytes: times x^(8 * size). */
  for (guint i = 0; i < 3; i++)
    power = multiply (power, power);
  for (; size > 0; size >>= 1) {
    if ((size & 1) != 0)
      shift = multiply (shift, power);
    power = multiply (power, power);
  }
  return multiply (first, shift) ^ second;
}

void
crc32c_to_base64 (guint32 crc, char text[9])
{
  guint32 bytes = GUINT32_TO_BE (crc);
  g_autofree char *base64 = g_base64_encode ((guchar *)&bytes, sizeof bytes);

  memcpy (text, base64, 9);
}

gboolean
crc32c_from_base64 (const char *text, guint32 *crc)
{
  g_autofree guchar *bytes = NULL;
  guint32 found;
  char again[9];
  gsize length;

  if (strlen (text) != 8)
    return FALSE;
  bytes = g_base64_decode (text, &length);
  if (length != sizeof found)
    return FALSE;
  memcpy (&found, bytes, sizeof found);
  found = GUINT32_FROM_BE (found);
  /* GLib's decoder passes over what is no base64. */
  crc32c_to_base64 (found, again);
  if (strcmp (again, text) != 0)
    return FALSE;
  *crc = found;
  return TRUE;
}
