/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What EXT-X-STREAM-INF says of a track, measured segment by segment. A peak
 * counts over at least half a target duration (rfc8216bis 4.1: 0.5 to 1.5 of
 * it), so a short segment does not make one. Zeroed memory is a new meter. */
typedef struct {
  guint64 run_size;
  guint64 run_duration;
  guint64 total_size;
  guint64 total_duration;
  guint64 peak;
} RateMeter;

guint64 rate_meter_bit_rate (guint64 size, guint64 duration);
void rate_meter_add (
    RateMeter *meter, guint64 size, guint64 duration, guint target_duration);
guint64 rate_meter_average (const RateMeter *meter);

G_END_DECLS
