/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "latency.h"

void
latency_meter_anchor (LatencyMeter *meter, guint64 time, gint64 wallclock)
{
  meter->anchors[meter->n_anchors % LATENCY_ANCHORS] =
      (LatencyAnchor){time, wallclock};
  meter->n_anchors++;
}

void
latency_meter_see (LatencyMeter *meter, guint64 pts, gint64 now)
{
  if (meter->seen_at != 0 && meter->pts == pts)
    return;
  meter->pts = pts;
  meter->seen_at = now;
}

/* The newest epoch that had begun by then: media time goes on across them. */
static const LatencyAnchor *
find_anchor (const LatencyMeter *meter, guint64 pts)
{
  guint n = MIN (meter->n_anchors, LATENCY_ANCHORS);
  const LatencyAnchor *anchor = NULL;

  for (guint i = 1; i <= n; i++) {
    anchor = &meter->anchors[(meter->n_anchors - i) % LATENCY_ANCHORS];
    if (anchor->time <= pts)
      break;
  }
  return anchor;
}

gboolean
latency_meter_get (const LatencyMeter *meter, gint64 now, gint64 *latency)
{
  const LatencyAnchor *anchor = find_anchor (meter, meter->pts);

  if (anchor == NULL || meter->seen_at == 0)
    return FALSE;
  *latency = now - anchor->wallclock -
             ((gint64)meter->pts - (gint64)anchor->time) / 1000;
  return TRUE;
}

gboolean
latency_meter_is_stuck (const LatencyMeter *meter, gint64 now, gint64 patience)
{
  return meter->seen_at != 0 && now - meter->seen_at >= patience;
}
