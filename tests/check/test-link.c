/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link.h"

#include <string.h>

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

static void
test_new (void)
{
  g_autoptr (GHashTable) links =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint32 seen[16] = {0};

  for (guint i = 0; i < 2000; i++) {
    char *link = link_new ();

    g_assert_cmpuint (strlen (link), ==, 16);
    g_assert_true (link_is_valid (link));
    for (guint j = 0; j < 16; j++) {
      g_assert_true (
          g_ascii_islower (link[j]) || (link[j] >= '2' && link[j] <= '7'));
      seen[j] |= 1U << (g_ascii_islower (link[j]) ? link[j] - 'a'
                                                  : link[j] - '2' + 26);
    }
    g_assert_true (g_hash_table_add (links, link));
  }
  /* Each place has had each of the 32 characters. */
  for (guint j = 0; j < 16; j++)
    g_assert_cmphex (seen[j], ==, G_MAXUINT32);
}

/* Rows in databases depend on them: they never change. */
static void
test_uuid (void)
{
  static const struct {
    const char *link, *uuid;
  } cases[] = {
      {"test", "ff1f93a8-a46b-55ad-9692-f821df94f7e0"},
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "6efa940f-069f-5e3b-981f-44e64e346dfa"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *uuid = link_to_uuid (cases[i].link);

    g_assert_cmpstr (uuid, ==, cases[i].uuid);
    g_assert_true (g_uuid_string_is_valid (uuid));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/rule", test_rule);
  g_test_add_func ("/link/every-byte", test_every_byte);
  g_test_add_func ("/link/new", test_new);
  g_test_add_func ("/link/uuid", test_uuid);
  return g_test_run ();
}
