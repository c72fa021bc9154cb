/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "backoff.h"

/* The longest and the shortest wait of each attempt: twice the one before, up
 * to the most, and never nothing. */
static void
test_bounds (void)
{
  static const gint64 longest[] = {100, 200, 400, 800, 1000, 1000, 1000};
  Backoff high = {100, 1000, 0}, low = {100, 1000, 0};

  for (guint i = 0; i < G_N_ELEMENTS (longest); i++) {
    gint64 wait = backoff_next (&high, 0.999999);

    g_assert_cmpint (wait, <=, longest[i]);
    g_assert_cmpint (wait, >=, longest[i] - 1);
    g_assert_cmpint (backoff_next (&low, 0), ==, 50);
    g_assert_cmpuint (high.failures, ==, i + 1);
  }
}

/* Full jitter: half the random number is half the time. */
static void
test_jitter (void)
{
  Backoff backoff = {100, 1000, 3};

  g_assert_cmpint (backoff_next (&backoff, 0.5), ==, 400);
}

static void
test_reset (void)
{
  Backoff backoff = {100, 1000, 0};

  for (guint i = 0; i < 10; i++)
    backoff_next (&backoff, 0.5);
  backoff_reset (&backoff);
  g_assert_cmpint (backoff_next (&backoff, 0.9), ==, 90);
}

/* No overflow, however long it goes on. */
static void
test_forever (void)
{
  Backoff backoff = {1, G_MAXINT64 / 4, G_MAXUINT - 1};

  g_assert_cmpint (backoff_next (&backoff, 0.5), <=, G_MAXINT64 / 4);
  g_assert_cmpint (backoff_next (&backoff, 0.5), >=, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backoff/bounds", test_bounds);
  g_test_add_func ("/backoff/jitter", test_jitter);
  g_test_add_func ("/backoff/reset", test_reset);
  g_test_add_func ("/backoff/forever", test_forever);
  return g_test_run ();
}
