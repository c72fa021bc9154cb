/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "auheaders.h"

/* As everybody sends AAC. */
static const AuFormat HBR = {13, 3, 3};

#define CHECK(format, ...)                                                     \
  au_headers_check (format, (const guint8[]){__VA_ARGS__},                     \
      sizeof ((const guint8[]){__VA_ARGS__}))

static void
test_good (void)
{
  static const AuFormat none = {0, 0, 0};

  g_assert_true (CHECK (&HBR, 0, 16, 0, 2 << 3, 'a', 'b'));
  g_assert_true (CHECK (&HBR, 0, 32, 0, 1 << 3, 0, 2 << 3, 'a', 'b', 'c'));
  /* A fragment of a unit of 255 bytes. */
  g_assert_true (CHECK (&HBR, 0, 16, 255 >> 5, 0xf8, 'a'));
  g_assert_true (CHECK (&none, 'a'));
}

static void
test_bad (void)
{
  static const AuFormat none = {0, 0, 0}, absurd = {33, 0, 0};

  g_assert_false (au_headers_check (&none, NULL, 0));
  g_assert_false (au_headers_check (&HBR, NULL, 0));
  g_assert_false (CHECK (&HBR, 0));
  g_assert_false (CHECK (&HBR, 0, 0, 'a'));
  /* Headers beyond the end, half a header, and nothing but headers. */
  g_assert_false (CHECK (&HBR, 0xff, 0xff, 0, 1 << 3, 'a'));
  g_assert_false (CHECK (&HBR, 0, 8, 0, 'a'));
  g_assert_false (CHECK (&HBR, 0, 16, 0, 1 << 3));
  /* Units of nothing: said so, and because the one before took all. */
  g_assert_false (CHECK (&HBR, 0, 16, 0, 0, 'a'));
  g_assert_false (CHECK (&HBR, 0, 32, 0, 1 << 3, 0, 0, 'a', 'b'));
  g_assert_false (CHECK (&HBR, 0, 32, 0, 9 << 3, 0, 1 << 3, 'a'));
  g_assert_false (CHECK (&absurd, 0, 40, 1, 1, 1, 1, 1, 'a'));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/auheaders/good", test_good);
  g_test_add_func ("/auheaders/bad", test_bad);
  return g_test_run ();
}
