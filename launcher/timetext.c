/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timetext.h"

#include <string.h>

#define MS (G_GUINT64_CONSTANT (1000000))
#define SECOND (1000 * MS)

static const struct {
  const char *name;
  guint64 length; /* ns */
} units[] = {
    {"d", 24 * 3600 * SECOND},
    {"h", 3600 * SECOND},
    {"min", 60 * SECOND},
    {"s", SECOND},
    {"ms", MS},
};

gboolean
time_text_parse (const char *text, guint64 *time)
{
  const char *unit = text + strspn (text, "0123456789");
  g_autofree char *digits = g_strndup (text, unit - text);
  guint64 number;

  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, &number, NULL))
    return FALSE;
  unit += strspn (unit, " ");
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (unit, units[i].name) == 0)
      return g_uint64_checked_mul (time, number, units[i].length);
  return FALSE;
}

char *
time_text_format (guint64 time)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (units) - 1 &&
         (time < units[i].length || time % units[i].length != 0))
    i++;
  return g_strdup_printf (
      "%" G_GUINT64_FORMAT " %s", time / units[i].length, units[i].name);
}
