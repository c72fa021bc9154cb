/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auheaders.h"

/* More than any field has. */
#define MOST_BITS 32

static guint32
read_bits (const guint8 *bytes, gsize at, guint n)
{
  guint32 value = 0;

  for (gsize i = at; i < at + n; i++)
    value = value << 1 | ((bytes[i / 8] >> (7 - i % 8)) & 1);
  return value;
}

gboolean
au_headers_check (const AuFormat *format, const guint8 *payload, gsize size)
{
  gsize end, left, at = 0;

  if (format->size_length == 0)
    return size > 0;
  if (size < 2 || format->size_length > MOST_BITS ||
      format->index_length > MOST_BITS || format->delta_length > MOST_BITS)
    return FALSE;
  end = (gsize)payload[0] << 8 | payload[1];
  if (end == 0 || 2 + (end + 7) / 8 > size)
    return FALSE;
  left = size - 2 - (end + 7) / 8;
  while (at < end) {
    guint index = at == 0 ? format->index_length : format->delta_length;
    guint32 length;

    if (format->size_length + index > end - at)
      return FALSE;
    length = read_bits (payload + 2, at, format->size_length);
    if (length == 0 || left == 0)
      return FALSE;
    /* A fragment says how long the whole is. */
    left -= MIN (left, length);
    at += format->size_length + index;
  }
  return TRUE;
}
