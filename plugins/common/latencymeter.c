/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "latencymeter.h"

#include <stdlib.h>

void
latency_meter_add (LatencyMeter *meter, gint64 latency, gint64 now)
{
  meter->samples[meter->n++ % LATENCY_METER_SIZE] =
      (LatencySample){.at = now, .latency = MAX (latency, 0)};
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

/* The least of them that @percent of them do not exceed. */
static gint64
percentile (const gint64 *sorted, guint n, guint percent)
{
  return sorted[(n * percent + 99) / 100 - 1];
}

/**
 * latency_meter_read:
 * @median: (out): us
 * @p99: (out): us, what 99 of 100 do not exceed
 *
 * Returns: %FALSE if nothing was added in the window before @now
 */
gboolean
latency_meter_read (
    const LatencyMeter *meter, gint64 now, gint64 *median, gint64 *p99)
{
  gint64 latencies[LATENCY_METER_SIZE];
  guint n = 0;

  for (guint i = 0; i < MIN (meter->n, LATENCY_METER_SIZE); i++)
    if (meter->samples[i].at > now - LATENCY_METER_WINDOW)
      latencies[n++] = meter->samples[i].latency;
  if (n == 0)
    return FALSE;
  qsort (latencies, n, sizeof latencies[0], compare);
  *median = percentile (latencies, n, 50);
  *p99 = percentile (latencies, n, 99);
  return TRUE;
}
