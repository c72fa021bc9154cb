/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpheaders.h"

#include <string.h>

static const char *
skip_weak (const char *tag)
{
  return g_str_has_prefix (tag, "W/") ? tag + 2 : tag;
}

/**
 * http_etag_matches:
 * @if_none_match: (nullable): the header's value, a list or "*"
 * @etag: of the representation, with its quotes
 *
 * The weak comparison of RFC 9110, 13.1.2.
 *
 * Returns: %TRUE if a GET is to be answered 304
 */
gboolean
http_etag_matches (const char *if_none_match, const char *etag)
{
  gsize length = strlen (etag);

  for (const char *p = if_none_match; p != NULL && *p != '\0';) {
    const char *end;

    p = skip_weak (p + strspn (p, " \t,"));
    if (*p == '*')
      return TRUE;
    if (*p != '"')
      return FALSE;
    end = strchr (p + 1, '"');
    if (end == NULL)
      return FALSE;
    end++;
    if ((gsize)(end - p) == length && memcmp (p, etag, length) == 0)
      return TRUE;
    p = end + strspn (end, " \t");
    if (*p != ',')
      return FALSE;
  }
  return FALSE;
}

/**
 * http_if_range_holds:
 * @if_range: (nullable): the header's value
 * @etag: strong, with its quotes
 *
 * A date never holds: media have a strong validator and no Last-Modified.
 *
 * Returns: %TRUE if a Range header beside it counts (RFC 9110, 13.1.5)
 */
gboolean
http_if_range_holds (const char *if_range, const char *etag)
{
  return if_range == NULL || strcmp (if_range, etag) == 0;
}

/* The weight after a coding is 0 if it says "q=0" with nothing but zeros. */
static gboolean
is_refused (const char *parameters, const char *end)
{
  const char *p = memchr (parameters, ';', end - parameters);

  if (p == NULL)
    return FALSE;
  p += 1 + strspn (p + 1, " \t");
  if (g_ascii_strncasecmp (p, "q=", 2) != 0)
    return FALSE;
  p += 2;
  return p < end && *p == '0' && strspn (p, "0. \t") >= (gsize)(end - p);
}

/**
 * http_accepts_gzip:
 * @accept_encoding: (nullable): the header's value
 */
gboolean
http_accepts_gzip (const char *accept_encoding)
{
  for (const char *p = accept_encoding; p != NULL && *p != '\0';) {
    const char *end = strchrnul (p, ',');
    gsize length;

    p += strspn (p, " \t");
    length = strcspn (p, " \t;,");
    if ((length == 4 && g_ascii_strncasecmp (p, "gzip", 4) == 0) ||
        (length == 1 && *p == '*'))
      return !is_refused (p, end);
    p = *end == ',' ? end + 1 : end;
  }
  return FALSE;
}
