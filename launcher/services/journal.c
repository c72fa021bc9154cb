/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <string.h>

/* Characters of a message: ours are shorter, and a library may tell of all that
 * a stranger has sent. */
#define MAX_LENGTH 1000

/* Neither what a terminal obeys, nor what turns the direction of a text or hides
 * in it. */
static gboolean
is_printable (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return g_unichar_isprint (c) && type != G_UNICODE_LINE_SEPARATOR &&
         type != G_UNICODE_PARAGRAPH_SEPARATOR && type != G_UNICODE_PRIVATE_USE;
}

char *
journal_format (const char *message, gint64 now)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (now / G_USEC_PER_SEC);
  g_autofree char *stamp = g_date_time_format (time, "%FT%TZ");
  g_autofree char *text = g_utf8_make_valid (message, -1);
  GString *line = g_string_new (NULL);
  guint n = 0;

  g_string_printf (line, "%s ", stamp);
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);

    if (n++ == MAX_LENGTH) {
      g_string_append (line, "...");
      break;
    }
    g_string_append_unichar (line, is_printable (c) ? c : ' ');
  }
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

/* One call, so that lines of several threads do not mix. */
static GLogWriterOutput
write_line (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer file)
{
  g_autofree char *line = NULL;

  if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_MESSAGE)
    return g_log_writer_default (level, fields, n_fields, NULL);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0 && fields[i].length < 0)
      line = journal_format (fields[i].value, g_get_real_time ());
  if (line != NULL)
    fputs (line, file);
  return G_LOG_WRITER_HANDLED;
}

void
journal_start (FILE *file)
{
  g_log_set_writer_func (write_line, file, NULL);
}
