/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httprange.h"

#include <string.h>

#define UNIT "bytes="

/* Reads digits. A number beyond 64 bits is as good as the largest: every body
 * is shorter. FALSE if there is no digit. */
static gboolean
read_number (const char **text, guint64 *number)
{
  const char *p = *text;
  guint64 value = 0;

  if (!g_ascii_isdigit (*p))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++) {
    guint digit = *p - '0';

    value =
        value > (G_MAXUINT64 - digit) / 10 ? G_MAXUINT64 : value * 10 + digit;
  }
  *text = p;
  *number = value;
  return TRUE;
}

static const char *
skip_space (const char *text)
{
  return text + strspn (text, " \t");
}

/**
 * http_range_parse:
 * @header: (nullable): the value of a Range header (RFC 9110, 14.2)
 * @size: of the body, in bytes
 * @range: (out): set if the result is %HTTP_RANGE_PARTIAL; lies within @size
 *
 * A header that is malformed, of another unit, or asks for several ranges is
 * ignored, as RFC 9110 allows: a player never needs multipart/byteranges.
 */
HttpRangeResult
http_range_parse (const char *header, guint64 size, HttpRange *range)
{
  guint64 first = 0, last = G_MAXUINT64;
  gboolean has_first, has_last;
  const char *p;

  if (header == NULL || g_ascii_strncasecmp (header, UNIT, strlen (UNIT)) != 0)
    return HTTP_RANGE_WHOLE;
  p = skip_space (header + strlen (UNIT));
  has_first = read_number (&p, &first);
  if (*p++ != '-')
    return HTTP_RANGE_WHOLE;
  has_last = read_number (&p, &last);
  if (*skip_space (p) != '\0' || (!has_first && !has_last) ||
      (has_first && last < first))
    return HTTP_RANGE_WHOLE;

  if (!has_first) { /* the last @last bytes */
    if (last == 0 || size == 0)
      return HTTP_RANGE_UNSATISFIABLE;
    range->length = MIN (last, size);
    range->offset = size - range->length;
    return HTTP_RANGE_PARTIAL;
  }
  if (first >= size)
    return HTTP_RANGE_UNSATISFIABLE;
  range->offset = first;
  range->length = MIN (last, size - 1) - first + 1;
  return HTTP_RANGE_PARTIAL;
}
