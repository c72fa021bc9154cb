/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "filename.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_name (const char *name)
{
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_cmpuint (strlen (name), <=, RECORDING_FILENAME_MAX);
  g_assert_true (g_str_has_suffix (name, ".mp4"));
  g_assert_null (strpbrk (name, "/\\:*?\"<>|"));
  g_assert_null (strchr (".-~ ", *name) ? name : NULL);
  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (p)));
}

/* The value of a header, which quotes what a name must not end. */
static void
check_disposition (const char *value)
{
  const char *open = strchr (value, '"');
  const char *close = strchr (open + 1, '"');

  g_assert_true (g_str_has_prefix (close, "\"; filename*=UTF-8''"));
  g_assert_null (strchr (close + 1, '"'));
  for (const char *p = value; *p != '\0'; p++)
    g_assert_true (g_ascii_isprint (*p) && *p != '\\');
}

/* The titles of a game and, behind the first line, of a broadcast. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *game = g_strndup ((const char *)data, size);
  char *title = strchr (game, '\n');
  g_autofree char *name = NULL, *disposition = NULL;

  if (title != NULL)
    *title++ = '\0';
  name = recording_filename_new (
      game, title != NULL ? title : "", "2026-11-29", size % 3);
  check_name (name);
  disposition = recording_disposition_new (name, FALSE);
  check_disposition (disposition);
  return 0;
}
