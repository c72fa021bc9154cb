/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the clocks can be trusted with what cannot be undone. Three of them
 * are looked at: the time since the machine was started, which nobody sets; the
 * clock on the wall of this machine; and the database's, by which recordings
 * expire. As logic: all times are arguments, in us.
 *
 * A clock that jumps is put right again within minutes, or is the one that was
 * just put right: after a jump, and after the two walls disagreed, the guard
 * holds for CLOCK_GUARD_HOLD. A machine that has only just started may not have
 * been told the time yet, which no clock of it would show. Each of these holds
 * ends by itself; only clocks that go on disagreeing hold for good. */
typedef struct {
  gboolean is_known; /* there was a look before */
  gint64 uptime;     /* of the last look */
  gint64 wall;
  gint64 hold_until; /* of the uptime */
  gint64 jump;       /* that it holds for; 0: none */
} ClockGuard;

/* An NTP client that starts up needs a few polls, of a minute each. */
#define CLOCK_GUARD_HOLD (5 * 60 * G_USEC_PER_SEC)
/* So long after the start of the machine it holds. */
#define CLOCK_GUARD_YOUNG (5 * 60 * G_USEC_PER_SEC)
/* As far as the two walls may differ; a query is answered within that. */
#define CLOCK_GUARD_BOUND (60 * G_USEC_PER_SEC)
/* A clock that is slewed, rather than set, gains less: this much between two
 * looks, and a thousandth of the time between them. */
#define CLOCK_GUARD_JUMP (10 * G_USEC_PER_SEC)

typedef enum {
  CLOCKS_AGREE,
  CLOCKS_YOUNG,  /* the machine has just been started */
  CLOCKS_JUMPED, /* one was set lately */
  CLOCKS_DIFFER, /* this machine's and the database's */
} ClockVerdict;

/* To be asked regularly; zeros are a new guard. @uptime: of CLOCK_BOOTTIME, so
 * that a machine that slept has not jumped. @wall, @database: since 1970, read
 * at the same time. */
ClockVerdict clock_guard_check (
    ClockGuard *guard, gint64 uptime, gint64 wall, gint64 database);

G_END_DECLS
