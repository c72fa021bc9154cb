/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jsontext.h"

#include <string.h>

static void
append_escaped (GString *json, guchar c)
{
  switch (c) {
    case '"':
      g_string_append (json, "\\\"");
      break;
    case '\\':
      g_string_append (json, "\\\\");
      break;
    case '\n':
      g_string_append (json, "\\n");
      break;
    default:
      g_string_append_printf (json, "\\u%04x", c);
      break;
  }
}

static gboolean
is_plain (guchar c)
{
  return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void
json_text_append_inner (GString *json, const char *text)
{
  while (*text != '\0') {
    const char *end = text;

    while (is_plain ((guchar)*end))
      end++;
    g_string_append_len (json, text, end - text);
    if (*end != '\0')
      append_escaped (json, (guchar)*end++);
    text = end;
  }
}

void
json_text_append (GString *json, const char *text)
{
  if (text == NULL) {
    g_string_append (json, "null");
    return;
  }
  g_string_append_c (json, '"');
  json_text_append_inner (json, text);
  g_string_append_c (json, '"');
}
