/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ratemeter.h"

#define NS_PER_HALF_S G_GUINT64_CONSTANT (500000000)

/**
 * rate_meter_bit_rate:
 * @size: bytes
 * @duration: ns
 *
 * Returns: bit/s, rounded up; 0 if @duration is
 */
guint64
rate_meter_bit_rate (guint64 size, guint64 duration)
{
  if (duration == 0)
    return 0;
  return (guint64)((double)size * 8e9 / (double)duration) + 1;
}

/**
 * rate_meter_add:
 * @size: of the segment in bytes
 * @duration: of the segment in ns
 * @target_duration: s
 */
void
rate_meter_add (
    RateMeter *meter, guint64 size, guint64 duration, guint target_duration)
{
  meter->total_size += size;
  meter->total_duration += duration;
  meter->run_size += size;
  meter->run_duration += duration;
  if (meter->run_duration < target_duration * NS_PER_HALF_S)
    return;
  meter->peak = MAX (
      meter->peak, rate_meter_bit_rate (meter->run_size, meter->run_duration));
  meter->run_size = 0;
  meter->run_duration = 0;
}

guint64
rate_meter_average (const RateMeter *meter)
{
  return rate_meter_bit_rate (meter->total_size, meter->total_duration);
}
