/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "latencymeter.h"

#define S G_USEC_PER_SEC

static void
assert_reads (const LatencyMeter *meter, gint64 now, gint64 median, gint64 p99)
{
  gint64 got_median, got_p99;

  g_assert_true (latency_meter_read (meter, now, &got_median, &got_p99));
  g_assert_cmpint (got_median, ==, median);
  g_assert_cmpint (got_p99, ==, p99);
}

static void
test_percentiles (void)
{
  LatencyMeter meter = {0};

  latency_meter_add (&meter, 7, S);
  assert_reads (&meter, S, 7, 7);
  latency_meter_add (&meter, 3, S);
  assert_reads (&meter, S, 3, 7);
  latency_meter_add (&meter, 5, S);
  assert_reads (&meter, S, 5, 7);
  /* 100 in all: one may be longer than what is said of 99. */
  for (guint i = 3; i < 99; i++)
    latency_meter_add (&meter, 10, S);
  latency_meter_add (&meter, 1000, S);
  assert_reads (&meter, S, 10, 10);
  latency_meter_add (&meter, 1000, S);
  assert_reads (&meter, S, 10, 1000);
  /* No clock that goes back makes one that is below nothing. */
  meter = (LatencyMeter){0};
  latency_meter_add (&meter, -4, S);
  assert_reads (&meter, S, 0, 0);
}

static void
test_forgets (void)
{
  LatencyMeter meter = {0};
  gint64 unused;

  g_assert_false (latency_meter_read (&meter, 0, &unused, &unused));
  latency_meter_add (&meter, 100, 20 * S);
  latency_meter_add (&meter, 200, 25 * S);
  assert_reads (&meter, 30 * S - 1, 100, 200);
  assert_reads (&meter, 30 * S, 200, 200);
  g_assert_false (latency_meter_read (&meter, 35 * S, &unused, &unused));
}

/* The oldest make room. */
static void
test_bounded (void)
{
  LatencyMeter meter = {0};

  for (guint i = 0; i < 10; i++)
    latency_meter_add (&meter, 1000, S);
  for (guint i = 0; i < LATENCY_METER_SIZE; i++)
    latency_meter_add (&meter, 1, S);
  assert_reads (&meter, S, 1, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/latencymeter/percentiles", test_percentiles);
  g_test_add_func ("/latencymeter/forgets", test_forgets);
  g_test_add_func ("/latencymeter/bounded", test_bounded);
  return g_test_run ();
}
