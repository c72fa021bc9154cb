/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

static void
test_rule (void)
{
  static const struct {
    const char *link;
    gboolean valid;
  } cases[] = {
      {NULL, FALSE},
      {"", FALSE},
      {"a", TRUE},
      {"Half-Life_2", TRUE},
      {"..", FALSE},
      {"a/b", FALSE},
      {"a.b", FALSE},
      {"a b", FALSE},
      {"a%2f", FALSE},
      {"\xc3\xa4", FALSE},
      {"a\n", FALSE},
      {"0123456789012345678901234567890123456789012345678901234567890123",
          TRUE},
      {"01234567890123456789012345678901234567890123456789012345678901234",
          FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (link_is_valid (cases[i].link), ==, cases[i].valid);
}

static void
test_every_byte (void)
{
  for (guint c = 1; c < 256; c++) {
    char link[] = {'x', (char)c, '\0'};
    gboolean valid = g_ascii_isalnum ((char)c) || c == '-' || c == '_';

    g_assert_cmpint (link_is_valid (link), ==, valid);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/rule", test_rule);
  g_test_add_func ("/link/every-byte", test_every_byte);
  return g_test_run ();
}
