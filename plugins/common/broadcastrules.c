/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "broadcastrules.h"

#include <string.h>

#define GAME_MAX_LENGTH 64
#define LINE_MAX_LENGTH 200 /* characters */

gboolean
game_is_valid (const char *game)
{
  gsize length = game != NULL ? strlen (game) : 0;

  return length > 0 && length <= GAME_MAX_LENGTH && game[0] != '-' &&
         strspn (game, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* Nothing that breaks a line, a log or a terminal. */
static gboolean
is_line (const char *text)
{
  if (text == NULL || !g_utf8_validate (text, -1, NULL) ||
      g_utf8_strlen (text, -1) > LINE_MAX_LENGTH)
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    GUnicodeType type = g_unichar_type (g_utf8_get_char (p));

    if (type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR ||
        type == G_UNICODE_PARAGRAPH_SEPARATOR)
      return FALSE;
  }
  return TRUE;
}

gboolean
title_is_valid (const char *title)
{
  if (!is_line (title))
    return FALSE;
  for (const char *p = title; *p != '\0'; p = g_utf8_next_char (p))
    if (!g_unichar_isspace (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

gboolean
node_is_valid (const char *node)
{
  if (!is_line (node) || node[0] == '\0')
    return FALSE;
  for (const char *p = node; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_isspace (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

gboolean
origin_url_is_valid (const char *url)
{
  g_autoptr (GUri) uri = NULL;

  if (!is_line (url))
    return FALSE;
  uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  return uri != NULL && g_uri_get_userinfo (uri) == NULL &&
         g_uri_get_host (uri) != NULL && g_uri_get_host (uri)[0] != '\0' &&
         (strcmp (g_uri_get_scheme (uri), "http") == 0 ||
             strcmp (g_uri_get_scheme (uri), "https") == 0);
}
