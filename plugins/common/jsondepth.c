/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jsondepth.h"

#include <string.h>

/* Beside texts. Comments, say, json-glib would pass over, and a quote in one would
 * hide from us how deep it gets. */
static gboolean
is_json (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("[]{}:,+-.", c) != NULL);
}

gboolean
json_is_shallow (const char *text, gsize length, guint most)
{
  gboolean is_text = FALSE;
  gboolean is_over = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < length; i++) {
    if (is_text && text[i] != '"') {
      i += text[i] == '\\' ? 1 : 0;
      continue;
    }
    if (g_ascii_isspace (text[i]))
      continue;
    /* Beside the one object or list. */
    if (is_over || (depth == 0 && text[i] != '[' && text[i] != '{'))
      return FALSE;
    if (text[i] == '"')
      is_text = !is_text;
    else if (!is_json (text[i]))
      return FALSE;
    else if (text[i] == '[' || text[i] == '{')
      depth++;
    else if (text[i] == ']' || text[i] == '}')
      is_over = --depth == 0;
    if (depth > most)
      return FALSE;
  }
  return TRUE;
}
