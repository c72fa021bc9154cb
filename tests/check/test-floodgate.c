/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "floodgate.h"

#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)

static Floodgate *
gate_after_refusals (const char *address, guint n, gint64 now)
{
  Floodgate *gate = floodgate_new (4);

  for (guint i = 0; i < n; i++)
    floodgate_refused (gate, address, now);
  return gate;
}

static void
test_doubles (void)
{
  const gint64 expected[] = {0, 0, 0, SECOND / 4, SECOND / 2, SECOND,
      2 * SECOND, 4 * SECOND, 4 * SECOND};
  Floodgate *gate = floodgate_new (4);

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_assert_cmpint (
        floodgate_get_delay (gate, "192.0.2.1", START), ==, expected[i]);
    floodgate_refused (gate, "192.0.2.1", START);
  }
  for (guint i = 0; i < 1000; i++)
    floodgate_refused (gate, "192.0.2.1", START);
  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START), ==, 4 * SECOND);
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.2", START), ==, 0);
  floodgate_free (gate);
}

static void
test_time_forgives (void)
{
  Floodgate *gate = gate_after_refusals ("192.0.2.1", 4, START);

  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START), ==, SECOND / 2);
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.1", START + 10 * SECOND),
      ==, SECOND / 4);
  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START + 20 * SECOND), ==, 0);
  /* Not from the beginning: two of the four are left. */
  floodgate_refused (gate, "192.0.2.1", START + 20 * SECOND);
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.1", START + 20 * SECOND),
      ==, SECOND / 4);
  floodgate_free (gate);

  /* The worst is forgiven, too. */
  gate = gate_after_refusals ("192.0.2.1", 100000, START);
  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START + 120 * SECOND), ==, 0);
  floodgate_free (gate);
}

static void
test_admission_forgives (void)
{
  Floodgate *gate = gate_after_refusals ("192.0.2.1", 10, START);

  floodgate_admitted (gate, "192.0.2.1");
  floodgate_admitted (gate, "192.0.2.9");
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.1", START), ==, 0);
  floodgate_free (gate);
}

static void
test_networks (void)
{
  Floodgate *gate = floodgate_new (4);

  for (guint i = 0; i < 4; i++) {
    g_autofree char *address = g_strdup_printf ("2001:db8:0:1::%x", i + 1);
    g_autofree char *mapped =
        g_strdup_printf ("%s192.0.2.1", i % 2 ? "" : "::ffff:");
    floodgate_refused (gate, address, START);
    floodgate_refused (gate, mapped, START);
    floodgate_refused (gate, "unix:", START);
  }
  g_assert_cmpint (
      floodgate_get_delay (gate, "2001:db8:0:1:ffff::", START), ==, SECOND / 2);
  g_assert_cmpint (floodgate_get_delay (gate, "2001:db8:0:2::1", START), ==, 0);
  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START), ==, SECOND / 2);
  g_assert_cmpint (floodgate_get_delay (gate, "unix:", START), ==, SECOND / 2);
  g_assert_cmpint (floodgate_get_delay (gate, "", START), ==, 0);
  floodgate_free (gate);
}

static void
test_forgets_the_oldest (void)
{
  Floodgate *gate = gate_after_refusals ("192.0.2.1", 9, START);

  for (guint i = 2; i <= 4; i++) {
    g_autofree char *address = g_strdup_printf ("192.0.2.%u", i);
    for (guint n = 0; n < 4; n++)
      floodgate_refused (gate, address, START + i);
  }
  /* Who knocks again is not the oldest. */
  floodgate_refused (gate, "192.0.2.1", START + 5);
  floodgate_refused (gate, "192.0.2.5", START + 6);
  g_assert_cmpint (
      floodgate_get_delay (gate, "192.0.2.1", START + 6), ==, 4 * SECOND);
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.2", START + 6), ==, 0);
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.3", START + 6), >, 0);
  for (guint i = 0; i < 5000; i++) {
    g_autofree char *address = g_strdup_printf ("flood %u", i);
    floodgate_refused (gate, address, START + 7);
  }
  g_assert_cmpint (floodgate_get_delay (gate, "192.0.2.1", START + 7), ==, 0);
  floodgate_free (gate);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/floodgate/doubles", test_doubles);
  g_test_add_func ("/floodgate/time-forgives", test_time_forgives);
  g_test_add_func ("/floodgate/admission-forgives", test_admission_forgives);
  g_test_add_func ("/floodgate/networks", test_networks);
  g_test_add_func ("/floodgate/forgets-the-oldest", test_forgets_the_oldest);
  return g_test_run ();
}
