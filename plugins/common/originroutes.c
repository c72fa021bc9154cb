/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originroutes.h"

#include <string.h>

#define PREFIX "/live/"

/* Copies a component that follows the rule of links, as names of tracks do. */
static gboolean
read_name (const char **path, char name[LINK_MAX_LENGTH + 1])
{
  gsize length = strcspn (*path, "/");

  if (length > LINK_MAX_LENGTH || (*path)[length] != '/')
    return FALSE;
  memcpy (name, *path, length);
  name[length] = '\0';
  *path += length + 1;
  return link_is_valid (name);
}

/* Decimal without leading zeros: a resource has one URL, or every cache could
 * be filled with aliases of it. */
static gboolean
read_number (const char **text, guint64 max, guint64 *number)
{
  const char *p = *text;
  guint64 value = 0;

  if (!g_ascii_isdigit (*p) || (*p == '0' && g_ascii_isdigit (p[1])))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++) {
    guint digit = *p - '0';

    if (value > (max - digit) / 10)
      return FALSE;
    value = value * 10 + digit;
  }
  *text = p;
  *number = value;
  return TRUE;
}

static gboolean
read_text (const char **text, const char *expected)
{
  gsize length = strlen (expected);

  if (strncmp (*text, expected, length) != 0)
    return FALSE;
  *text += length;
  return TRUE;
}

static gboolean
parse_init (const char *file, OriginRoute *route)
{
  guint64 epoch;

  if (!read_text (&file, "init-") ||
      !read_number (&file, G_MAXUINT32, &epoch) || strcmp (file, ".mp4") != 0)
    return FALSE;
  route->kind = ORIGIN_ROUTE_INIT;
  route->epoch = epoch;
  return TRUE;
}

static gboolean
parse_media (const char *file, OriginRoute *route)
{
  guint64 epoch, part;

  if (!read_number (&file, G_MAXUINT32, &epoch) || !read_text (&file, "-") ||
      !read_number (&file, G_MAXUINT64, &route->msn) || !read_text (&file, "."))
    return FALSE;
  route->epoch = epoch;
  if (strcmp (file, "m4s") == 0) {
    route->kind = ORIGIN_ROUTE_SEGMENT;
    return TRUE;
  }
  if (!read_number (&file, G_MAXUINT32, &part) || strcmp (file, ".m4s") != 0)
    return FALSE;
  route->kind = ORIGIN_ROUTE_PART;
  route->part = part;
  return TRUE;
}

/**
 * origin_route_parse:
 * @path: of a request, percent-encoded; no URL of the origin needs an escape
 * @route: (out): undefined on failure
 *
 * Returns: %FALSE if @path can name nothing that the origin serves
 */
gboolean
origin_route_parse (const char *path, OriginRoute *route)
{
  if (!read_text (&path, PREFIX) || !read_name (&path, route->link))
    return FALSE;
  if (strcmp (path, "master.m3u8") == 0) {
    route->kind = ORIGIN_ROUTE_MASTER;
    return TRUE;
  }
  if (strcmp (path, "poster.jpg") == 0) {
    route->kind = ORIGIN_ROUTE_POSTER;
    return TRUE;
  }
  if (!read_name (&path, route->track))
    return FALSE;
  if (strcmp (path, "index.m3u8") == 0) {
    route->kind = ORIGIN_ROUTE_MEDIA;
    return TRUE;
  }
  return parse_init (path, route) || parse_media (path, route);
}
