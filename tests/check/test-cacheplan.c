/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which links of the cache go. */

#include "cacheplan.h"

#define NOW 1000000
#define WINDOW 300
#define PLENTY 1000

/* Names of those that go, in their order. */
static char *
plan_names (const CacheLink *links, guint n, guint64 budget, CachePlan *plan)
{
  GString *names = g_string_new (NULL);

  cache_plan_make (plan, links, n, NOW, WINDOW, budget);
  for (guint i = 0; i < plan->go->len; i++)
    g_string_append (names, ((const CacheLink *)plan->go->pdata[i])->link);
  cache_plan_clear (plan);
  return g_string_free (names, FALSE);
}

#define ASSERT_PLAN(links, budget, expected, sizes)                            \
  G_STMT_START                                                                 \
  {                                                                            \
    CachePlan plan;                                                            \
    g_autofree char *names =                                                   \
        plan_names (links, G_N_ELEMENTS (links), budget, &plan);               \
    g_autofree char *found = g_strdup_printf ("%u %u %u", (guint)plan.size,    \
        (guint)plan.unarchived, (guint)plan.left);                             \
                                                                               \
    g_assert_cmpstr (names, ==, expected);                                     \
    g_assert_cmpstr (found, ==, sizes);                                        \
  }                                                                            \
  G_STMT_END

/* link, size, ended at, open, archived, read */
static void
test_over (void)
{
  static const CacheLink links[] = {
      {"a", 1, NOW - WINDOW, FALSE, TRUE, FALSE},
      {"b", 2, NOW - WINDOW + 1, FALSE, TRUE, FALSE}, /* in the window */
      {"c", 4, NOW - WINDOW, FALSE, TRUE, TRUE},      /* read */
      {"d", 8, NOW - WINDOW, FALSE, FALSE, FALSE},    /* not archived */
      {"e", 16, NOW - WINDOW, TRUE, TRUE, FALSE},     /* open */
      {"f", 32, NOW + 1, FALSE, TRUE, FALSE},         /* of a later clock */
      {"g", 64, NOW - WINDOW - 1, FALSE, TRUE, FALSE},
  };

  ASSERT_PLAN (links, PLENTY, "ga", "127 24 62");
}

static void
test_budget (void)
{
  static const CacheLink links[] = {
      {"a", 10, NOW - 1, FALSE, TRUE, FALSE},
      {"b", 10, NOW - 4, FALSE, TRUE, TRUE},
      {"c", 10, NOW - 2, FALSE, TRUE, FALSE},
      {"d", 10, NOW - 9, FALSE, FALSE, FALSE},
      {"e", 10, NOW - 3, FALSE, TRUE, TRUE},
      {"f", 10, NOW - 9, TRUE, TRUE, FALSE},
  };

  ASSERT_PLAN (links, 60, "", "60 20 60");
  ASSERT_PLAN (links, 59, "c", "60 20 50");
  ASSERT_PLAN (links, 50, "c", "60 20 50");
  ASSERT_PLAN (links, 49, "ca", "60 20 40");
  ASSERT_PLAN (links, 39, "cab", "60 20 30");
  ASSERT_PLAN (links, 20, "cabe", "60 20 20");
  ASSERT_PLAN (links, 0, "cabe", "60 20 20");
}

/* What is over makes room, so that what is in the window stays. */
static void
test_over_first (void)
{
  static const CacheLink links[] = {
      {"a", 10, NOW - 1, FALSE, TRUE, FALSE},
      {"b", 10, NOW - WINDOW, FALSE, TRUE, FALSE},
      {"c", 10, NOW - WINDOW - 1, FALSE, TRUE, TRUE},
  };

  ASSERT_PLAN (links, 20, "b", "30 0 20");
  ASSERT_PLAN (links, 10, "ba", "30 0 10");
}

static void
test_disk (void)
{
  g_assert_cmpuint (cache_plan_budget (500, 100, 800, 1000), ==, 500);
  g_assert_cmpuint (cache_plan_budget (500, 100, 300, 1000), ==, 350);
  g_assert_cmpuint (cache_plan_budget (500, 100, 0, 1000), ==, 50);
  g_assert_cmpuint (cache_plan_budget (500, 10, 0, 1000), ==, 0);
}

static void
test_tight (void)
{
  g_assert_false (cache_plan_is_tight (FALSE, 800, 1000));
  g_assert_true (cache_plan_is_tight (FALSE, 801, 1000));
  g_assert_true (cache_plan_is_tight (TRUE, 701, 1000));
  g_assert_false (cache_plan_is_tight (TRUE, 700, 1000));
  g_assert_false (cache_plan_is_tight (FALSE, 0, 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cache-plan/over", test_over);
  g_test_add_func ("/cache-plan/budget", test_budget);
  g_test_add_func ("/cache-plan/over-first", test_over_first);
  g_test_add_func ("/cache-plan/disk", test_disk);
  g_test_add_func ("/cache-plan/tight", test_tight);
  return g_test_run ();
}
