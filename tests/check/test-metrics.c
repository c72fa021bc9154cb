/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics.h"

#include <string.h>

#include "metricsreader.h"

static void
test_format (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GHashTable) read = NULL;

  metrics_begin (text, "wishcast_things", "gauge", "What there is.");
  metrics_add (text, "wishcast_things", 0, NULL);
  metrics_begin (text, "wishcast_parts_total", "counter", "Parts.");
  metrics_add (text, "wishcast_parts_total", 18014398509481984.0, "link", "a",
      "game", "b", NULL);
  metrics_add (text, "wishcast_parts_total", 0.5, "link", "\"\\\n{},é", NULL);
  g_assert_cmpstr (text->str, ==,
      "# HELP wishcast_things What there is.\n"
      "# TYPE wishcast_things gauge\n"
      "wishcast_things 0\n"
      "# HELP wishcast_parts_total Parts.\n"
      "# TYPE wishcast_parts_total counter\n"
      "wishcast_parts_total{link=\"a\",game=\"b\"} 18014398509481984\n"
      "wishcast_parts_total{link=\"\\\"\\\\\\n{},é\"} 0.5\n");
  read = metrics_read (text->str);
  g_assert_cmpuint (g_hash_table_size (read), ==, 3);
}

static void
test_process (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GHashTable) read = NULL;

  metrics_add_process (text);
  read = metrics_read (text->str);
  g_assert_cmpfloat (
      metrics_get (read, "process_resident_memory_bytes"), >, 1e5);
  g_assert_cmpfloat (metrics_get (read, "process_open_fds"), >, 2);
  g_assert_cmpfloat (metrics_get (read, "process_open_fds"), <,
      metrics_get (read, "process_max_fds"));
  g_assert_cmpfloat (metrics_get (read, "process_cpu_seconds_total"), >, 0);
  g_assert_cmpfloat (metrics_get (read, "process_start_time_seconds"), <=,
      g_get_real_time () / 1e6 + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/format", test_format);
  g_test_add_func ("/metrics/process", test_process);
  return g_test_run ();
}
