/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <string.h>

/* Characters of a message: ours are shorter, and a library may tell of all that
 * a stranger has sent. */
#define MAX_LENGTH 1000
#define CUT "..."

static FILE *journal; /* NULL: the standard error */
static GMutex lock;
/* With the lock: a ring, by n_told. */
static struct {
  gint64 at;
  char *text;
} last[JOURNAL_KEPT];
static guint64 n_told;

/* Neither what a terminal obeys, nor what turns the direction of a text or hides
 * in it. */
static gboolean
is_printable (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return g_unichar_isprint (c) && type != G_UNICODE_LINE_SEPARATOR &&
         type != G_UNICODE_PARAGRAPH_SEPARATOR && type != G_UNICODE_PRIVATE_USE;
}

/* Without what does not belong into a line, and cut where it is long. (transfer
 * full) */
static char *
clean (const char *message)
{
  g_autofree char *text = g_utf8_make_valid (message, -1);
  gboolean is_long = g_utf8_strlen (text, -1) > MAX_LENGTH;
  guint left = is_long ? MAX_LENGTH - strlen (CUT) : MAX_LENGTH;
  GString *line = g_string_new (NULL);

  for (const char *at = text; *at != '\0' && left > 0;
       at = g_utf8_next_char (at), left--) {
    gunichar c = g_utf8_get_char (at);

    g_string_append_unichar (line, is_printable (c) ? c : ' ');
  }
  if (is_long)
    g_string_append (line, CUT);
  return g_string_free (line, FALSE);
}

char *
journal_format (const char *message, gint64 now)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (now / G_USEC_PER_SEC);
  g_autofree char *stamp = g_date_time_format (time, "%FT%TZ");
  g_autofree char *text = clean (message);

  return g_strdup_printf ("%s %s\n", stamp, text);
}

/* Takes @text. */
static void
keep (char *text, gint64 now)
{
  guint i;

  g_mutex_lock (&lock);
  i = n_told++ % JOURNAL_KEPT;
  g_free (last[i].text);
  last[i].text = text;
  last[i].at = now;
  g_mutex_unlock (&lock);
}

void
journal_tell (const char *message, gint64 now)
{
  g_autofree char *line = journal_format (message, now);
  const char *text = strchr (line, ' ') + 1; /* after the time */

  /* One call, so that lines of several threads do not mix. */
  fputs (line, journal != NULL ? journal : stderr);
  keep (g_strndup (text, strlen (text) - 1), now);
}

void
journal_each_last (JournalFunc func, gpointer data)
{
  g_mutex_lock (&lock);
  for (guint64 n = n_told; n > 0 && n + JOURNAL_KEPT > n_told; n--)
    func (last[(n - 1) % JOURNAL_KEPT].text, last[(n - 1) % JOURNAL_KEPT].at,
        data);
  g_mutex_unlock (&lock);
}

static GLogWriterOutput
write_line (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer unused)
{
  if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_MESSAGE)
    return g_log_writer_default (level, fields, n_fields, NULL);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0 && fields[i].length < 0)
      journal_tell (fields[i].value, g_get_real_time ());
  return G_LOG_WRITER_HANDLED;
}

void
journal_start (FILE *file)
{
  journal = file;
  g_log_set_writer_func (write_line, NULL, NULL);
}
