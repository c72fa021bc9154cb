/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sizetext.h"

#include <string.h>

#define MB (G_GUINT64_CONSTANT (1000000))

static const struct {
  const char *name;
  guint64 size; /* bytes */
} units[] = {
    {"MB", MB},
    {"GB", 1000 * MB},
    {"TB", 1000 * 1000 * MB},
};

gboolean
size_text_parse (const char *text, guint64 disk, guint64 *size)
{
  const char *unit = text + strspn (text, "0123456789");
  g_autofree char *digits = g_strndup (text, unit - text);
  guint64 number;

  if (!g_ascii_string_to_unsigned (digits, 10, 1, G_MAXUINT64, &number, NULL))
    return FALSE;
  unit += strspn (unit, " ");
  if (strcmp (unit, "%") == 0) {
    *size = disk / 100 * number;
    return number <= 100;
  }
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (unit, units[i].name) == 0)
      return g_uint64_checked_mul (size, number, units[i].size);
  return FALSE;
}
