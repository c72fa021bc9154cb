/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When clocks can be trusted with what cannot be undone. */

#include "clockguard.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define NOW (G_GINT64_CONSTANT (1772388000) * SECOND)
/* A machine that has been up for long. */
#define UP (100 * DAY)

/* A look @after us later, with the walls set by so much since the begin. */
typedef struct {
  gint64 after;
  gint64 wall, database;
  ClockVerdict verdict;
} Look;

static void
look (gint64 uptime, const Look *looks, guint n)
{
  ClockGuard guard = {0};
  gint64 passed = 0;

  for (guint i = 0; i < n; i++) {
    passed += looks[i].after;
    g_test_message ("look %u", i);
    g_assert_cmpint (
        clock_guard_check (&guard, uptime + passed,
            NOW + passed + looks[i].wall, NOW + passed + looks[i].database),
        ==, looks[i].verdict);
  }
}

#define LOOK(uptime, ...)                                                      \
  G_STMT_START                                                                 \
  {                                                                            \
    static const Look looks[] = {__VA_ARGS__};                                 \
                                                                               \
    look (uptime, looks, G_N_ELEMENTS (looks));                                \
  }                                                                            \
  G_STMT_END

static void
test_agree (void)
{
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE}, {5 * SECOND, 0, 60 * SECOND, CLOCKS_AGREE},
      {5 * SECOND, 0, -60 * SECOND, CLOCKS_AGREE});
}

/* Both stand on one machine, whose clock is set: they agree all the time. */
static void
test_jump (void)
{
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE}, {5 * SECOND, DAY, DAY, CLOCKS_JUMPED},
      {299 * SECOND, DAY, DAY, CLOCKS_JUMPED},
      {1 * SECOND, DAY, DAY, CLOCKS_AGREE});
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE}, {5 * SECOND, DAY, DAY, CLOCKS_JUMPED},
      {5 * SECOND, 0, 0, CLOCKS_JUMPED}, {299 * SECOND, 0, 0, CLOCKS_JUMPED},
      {1 * SECOND, 0, 0, CLOCKS_AGREE});
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE}, {5 * SECOND, -DAY, -DAY, CLOCKS_JUMPED},
      {300 * SECOND, -DAY, -DAY, CLOCKS_AGREE});
}

/* What an NTP client slews is no jump, also after a day without a database. */
static void
test_slewed (void)
{
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE},
      {5 * SECOND, 10 * SECOND, 10 * SECOND, CLOCKS_AGREE},
      {DAY, 96 * SECOND, 96 * SECOND, CLOCKS_AGREE},
      {5 * SECOND, 107 * SECOND, 107 * SECOND, CLOCKS_JUMPED});
}

/* One of two machines is wrong: nobody can say which. */
static void
test_differ (void)
{
  LOOK (UP, {0, 0, 61 * SECOND, CLOCKS_DIFFER},
      {HOUR, 0, 61 * SECOND, CLOCKS_DIFFER}, {5 * SECOND, 0, 0, CLOCKS_JUMPED},
      {294 * SECOND, 0, 0, CLOCKS_JUMPED}, {1 * SECOND, 0, 0, CLOCKS_AGREE});
  LOOK (UP, {0, 61 * SECOND, 0, CLOCKS_DIFFER});
  LOOK (UP, {0, 0, 0, CLOCKS_AGREE},
      {5 * SECOND, 0, 10 * 365 * DAY, CLOCKS_DIFFER});
}

/* A machine without a battery boots with some time, and is told the right one a
 * minute later. */
static void
test_boot (void)
{
  LOOK (10 * SECOND, {0, -DAY, -DAY, CLOCKS_YOUNG},
      {50 * SECOND, -DAY, -DAY, CLOCKS_YOUNG},
      {5 * SECOND, 0, 0, CLOCKS_JUMPED}, {299 * SECOND, 0, 0, CLOCKS_JUMPED},
      {1 * SECOND, 0, 0, CLOCKS_AGREE});
  LOOK (10 * SECOND, {0, 0, 0, CLOCKS_YOUNG},
      {289 * SECOND, 0, 0, CLOCKS_YOUNG}, {1 * SECOND, 0, 0, CLOCKS_AGREE});
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock-guard/agree", test_agree);
  g_test_add_func ("/clock-guard/jump", test_jump);
  g_test_add_func ("/clock-guard/slewed", test_slewed);
  g_test_add_func ("/clock-guard/differ", test_differ);
  g_test_add_func ("/clock-guard/boot", test_boot);
  return g_test_run ();
}
