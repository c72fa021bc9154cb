/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "latency.h"

#define SECOND G_GUINT64_CONSTANT (1000000000)
#define NOON G_GINT64_CONSTANT (1700000000000000)

static void
assert_latency (const LatencyMeter *meter, gint64 now, gint64 wanted)
{
  gint64 latency;

  g_assert_true (latency_meter_get (meter, now, &latency));
  g_assert_cmpint (latency, ==, wanted);
}

static void
test_latency (void)
{
  LatencyMeter meter = {0};
  gint64 latency;

  g_assert_false (latency_meter_get (&meter, NOON, &latency));
  latency_meter_see (&meter, 12 * SECOND, NOON);
  g_assert_false (latency_meter_get (&meter, NOON, &latency));
  latency_meter_anchor (&meter, 10 * SECOND, NOON - 3000000);
  /* Captured 2 s after the anchor, a second ago. */
  assert_latency (&meter, NOON, 1000000);
  assert_latency (&meter, NOON + 250000, 1250000);
}

/* An epoch is told before its pictures are shown. */
static void
test_epochs (void)
{
  LatencyMeter meter = {0};

  for (guint i = 0; i < 3 * LATENCY_ANCHORS; i++) {
    gint64 begun = NOON + i * G_GINT64_CONSTANT (60000000);

    latency_meter_anchor (&meter, i * 10 * SECOND, begun);
    if (i > 0) {
      latency_meter_see (&meter, i * 10 * SECOND - 1, begun);
      assert_latency (&meter, begun, 50000001);
    }
    latency_meter_see (&meter, i * 10 * SECOND, begun + 800000);
    assert_latency (&meter, begun + 800000, 800000);
  }
}

static void
test_stuck (void)
{
  LatencyMeter meter = {0};

  g_assert_false (latency_meter_is_stuck (&meter, NOON, 1));
  latency_meter_see (&meter, SECOND, NOON);
  latency_meter_see (&meter, SECOND, NOON + 900000);
  g_assert_false (latency_meter_is_stuck (&meter, NOON + 900000, 1000000));
  g_assert_true (latency_meter_is_stuck (&meter, NOON + 1000000, 1000000));
  latency_meter_see (&meter, SECOND + 1, NOON + 1000000);
  g_assert_false (latency_meter_is_stuck (&meter, NOON + 1000000, 1000000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/latency/latency", test_latency);
  g_test_add_func ("/latency/epochs", test_epochs);
  g_test_add_func ("/latency/stuck", test_stuck);
  return g_test_run ();
}
