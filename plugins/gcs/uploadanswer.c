/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uploadanswer.h"

#include <string.h>

/* Nobody is made to wait longer than this by one header. */
#define MOST_RETRY_AFTER (60 * 60)
#define RANGE_BEGIN "bytes=0-"

gboolean
upload_answer_parse_range (const char *range, guint64 *persisted)
{
  guint64 last;

  *persisted = 0;
  if (range == NULL)
    return TRUE;
  if (!g_str_has_prefix (range, RANGE_BEGIN) ||
      !g_ascii_string_to_unsigned (
          range + strlen (RANGE_BEGIN), 10, 0, G_MAXINT64 - 1, &last, NULL))
    return FALSE;
  *persisted = last + 1;
  return TRUE;
}

gint64
upload_answer_parse_retry_after (const char *text)
{
  guint64 seconds;

  if (text == NULL ||
      !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &seconds, NULL))
    return 0;
  return (gint64)MIN (seconds, MOST_RETRY_AFTER) * G_TIME_SPAN_SECOND;
}
