/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpquery.h"

#include <string.h>

/* A name or value longer than this is not one of ours. */
#define MAX_TOKEN 64

/* Decodes "%41" and "+" of application/x-www-form-urlencoded into @out.
 * FALSE if it is malformed, holds a NUL or does not fit. */
static gboolean
decode (const char *text, gsize length, char out[MAX_TOKEN])
{
  gsize n = 0;

  for (gsize i = 0; i < length; i++) {
    char c = text[i];

    if (c == '%') {
      int high, low;

      if (i + 2 >= length)
        return FALSE;
      high = g_ascii_xdigit_value (text[i + 1]);
      low = g_ascii_xdigit_value (text[i + 2]);
      if (high < 0 || low < 0 || high + low == 0)
        return FALSE;
      c = high << 4 | low;
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    if (n == MAX_TOKEN - 1)
      return FALSE;
    out[n++] = c;
  }
  out[n] = '\0';
  return TRUE;
}

/* A decimal-integer: digits only, in 64 bits. */
static gboolean
parse_number (const char *text, guint64 *number)
{
  if (!g_ascii_isdigit (*text))
    return FALSE;
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
}

static gboolean
apply (const char *name, const char *value, HttpDirectives *directives)
{
  if (strcmp (name, "_HLS_msn") == 0) {
    directives->has_msn = TRUE;
    return parse_number (value, &directives->msn);
  }
  if (strcmp (name, "_HLS_part") == 0) {
    directives->has_part = TRUE;
    return parse_number (value, &directives->part);
  }
  /* A value of _HLS_skip that nobody has defined yet asks for nothing. */
  if (strcmp (name, "_HLS_skip") == 0) {
    if (strcmp (value, "YES") == 0)
      directives->skip = HTTP_SKIP_YES;
    else if (strcmp (value, "v2") == 0)
      directives->skip = HTTP_SKIP_V2;
  }
  return TRUE;
}

/**
 * http_query_parse:
 * @query: (nullable): a query string as it was sent
 * @directives: (out):
 *
 * Parameters that are not delivery directives are ignored, malformed ones too.
 * Of a directive that is given twice the last one counts.
 *
 * Returns: %FALSE if the request deserves a 400: a directive whose value is not
 *     a decimal integer, or _HLS_part without _HLS_msn
 */
gboolean
http_query_parse (const char *query, HttpDirectives *directives)
{
  *directives = (HttpDirectives){0};
  while (query != NULL && *query != '\0') {
    const char *end = strchrnul (query, '&');
    const char *equals = memchr (query, '=', end - query);
    const char *name_end = equals != NULL ? equals : end;
    const char *value = equals != NULL ? equals + 1 : end;
    char name_text[MAX_TOKEN], value_text[MAX_TOKEN];

    if (decode (query, name_end - query, name_text) &&
        g_str_has_prefix (name_text, "_HLS_") &&
        (!decode (value, end - value, value_text) ||
            !apply (name_text, value_text, directives)))
      return FALSE;
    query = *end == '&' ? end + 1 : end;
  }
  return !directives->has_part || directives->has_msn;
}
