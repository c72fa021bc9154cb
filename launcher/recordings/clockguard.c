/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clockguard.h"

static gint64
magnitude (gint64 time)
{
  return time < 0 ? -time : time;
}

/* How far the wall was set since the last look; 0: it was not. */
static gint64
find_jump (const ClockGuard *guard, gint64 uptime, gint64 wall)
{
  gint64 passed = uptime - guard->uptime;
  gint64 jump = wall - guard->wall - passed;

  if (!guard->is_known || magnitude (jump) <= CLOCK_GUARD_JUMP + passed / 1000)
    return 0;
  return jump;
}

ClockVerdict
clock_guard_check (
    ClockGuard *guard, gint64 uptime, gint64 wall, gint64 database)
{
  gint64 jump = find_jump (guard, uptime, wall);
  gboolean differ = magnitude (wall - database) > CLOCK_GUARD_BOUND;

  if (jump != 0)
    guard->jump = jump;
  if (jump != 0 || differ)
    guard->hold_until = uptime + CLOCK_GUARD_HOLD;
  guard->is_known = TRUE;
  guard->uptime = uptime;
  guard->wall = wall;
  if (differ)
    return CLOCKS_DIFFER;
  if (uptime < guard->hold_until)
    return CLOCKS_JUMPED;
  guard->jump = 0;
  return uptime < CLOCK_GUARD_YOUNG ? CLOCKS_YOUNG : CLOCKS_AGREE;
}
