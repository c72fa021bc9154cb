/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "filename.h"

#include <string.h>

/* Of bytes. With dashes, date, part and ending that is less than the whole may
 * have. */
#define GAME_MAX 60
#define TITLE_MAX 80
#define DATE_MAX 16
#define DASH " \xe2\x80\x93 "
#define ENDING ".mp4"
/* Windows takes none of these. */
#define FORBIDDEN "/\\:*?\"<>|"
/* RFC 8187 has these in a value, beside what no URI escapes. */
#define ALLOWED "!#$&+^`|"

G_STATIC_ASSERT (GAME_MAX + TITLE_MAX + DATE_MAX + 3 * sizeof DASH +
                     sizeof "_4294967295" ENDING <=
                 RECORDING_FILENAME_MAX);

/* --- The name --------------------------------------------------------------*/

/* Not seen, but able to turn what is seen round, so that "fdp.exe" reads as
 * "exe.pdf". Those that join letters belong to the words of some languages. */
static gboolean
is_invisible (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  if (c == 0x200c || c == 0x200d)
    return FALSE;
  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
         (c & 0xfffe) == 0xfffe;
}

/* A system hides names that begin with these, or takes them for something
 * else. */
static const char *
skip_begin (const char *text)
{
  return text + strspn (text, " .-~_");
}

/* Windows takes these off, and then finds another file. */
static void
cut_end (GString *text)
{
  while (text->len > 0 && strchr (" .", text->str[text->len - 1]) != NULL)
    g_string_truncate (text, text->len - 1);
}

/* Whole characters only, with all of their accents. */
static void
clip (GString *text, gsize most)
{
  const char *end;

  if (text->len <= most)
    return;
  end = g_utf8_find_prev_char (text->str, text->str + most + 1);
  while (end > text->str && g_unichar_ismark (g_utf8_get_char (end)))
    end = g_utf8_find_prev_char (text->str, end);
  g_string_truncate (text, end != NULL ? end - text->str : 0);
}

/* (transfer full) */
static char *
clean (const char *text, gsize most)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *composed =
      g_utf8_normalize (valid, -1, G_NORMALIZE_DEFAULT_COMPOSE);
  g_autoptr (GString) cleaned = g_string_new (NULL);
  gboolean is_blank = FALSE;

  for (const char *p = composed; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_isspace (c)) {
      is_blank = TRUE;
      continue;
    }
    if (is_invisible (c))
      continue;
    if (is_blank && cleaned->len > 0)
      g_string_append_c (cleaned, ' ');
    is_blank = FALSE;
    g_string_append_unichar (
        cleaned, c < 0x80 && strchr (FORBIDDEN, (char)c) != NULL ? '_' : c);
  }
  g_string_erase (cleaned, 0, skip_begin (cleaned->str) - cleaned->str);
  clip (cleaned, most);
  cut_end (cleaned);
  return g_string_free (g_steal_pointer (&cleaned), FALSE);
}

/* Names of devices in Windows, whatever comes behind a dot. */
static gboolean
is_device (const char *name)
{
  static const char *const devices[] = {"CON", "PRN", "AUX", "NUL", "CONIN$",
      "CONOUT$", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8",
      "COM9", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8",
      "LPT9", "COM\xc2\xb9", "COM\xc2\xb2", "COM\xc2\xb3", "LPT\xc2\xb9",
      "LPT\xc2\xb2", "LPT\xc2\xb3", NULL};
  g_autofree char *stem = g_strndup (name, strcspn (name, "."));

  g_strchomp (stem);
  for (guint i = 0; devices[i] != NULL; i++) {
    if (g_ascii_strcasecmp (stem, devices[i]) == 0)
      return TRUE;
  }
  return FALSE;
}

char *
recording_filename_new (
    const char *game, const char *title, const char *date, guint part)
{
  g_autofree char *clean_game = clean (game, GAME_MAX);
  g_autofree char *clean_title = clean (title, TITLE_MAX);
  g_autofree char *clean_date = clean (date, DATE_MAX);
  GString *name = g_string_new (*clean_game != '\0' ? clean_game : "Broadcast");

  if (*clean_title != '\0' && strcmp (clean_title, clean_game) != 0)
    g_string_append_printf (name, DASH "%s", clean_title);
  g_string_append_printf (name, DASH "%s", clean_date);
  if (part > 0)
    g_string_append_printf (name, DASH "%u", part);
  g_string_append (name, ENDING);
  if (is_device (name->str))
    g_string_prepend_c (name, '_');
  return g_string_free (name, FALSE);
}

/* --- The header ------------------------------------------------------------*/

/* For those that know no RFC 8187. Some of them take a percent sign for an
 * escape. */
static char *
make_ascii (const char *filename)
{
  char *ascii = g_str_to_ascii (filename, "C");

  for (char *p = ascii; *p != '\0'; p++) {
    if (!g_ascii_isalnum (*p) && strchr (" -_.(),!&'+", *p) == NULL)
      *p = '_';
  }
  return ascii;
}

char *
recording_disposition_new (const char *filename, gboolean is_inline)
{
  g_autofree char *ascii = make_ascii (filename);
  g_autofree char *escaped = g_uri_escape_string (filename, ALLOWED, FALSE);

  return g_strdup_printf ("%s; filename=\"%s\"; filename*=UTF-8''%s",
      is_inline ? "inline" : "attachment", ascii, escaped);
}
