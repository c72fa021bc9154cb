/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From the publisher's time line to media time, which never jumps back. When a
 * publisher's clock jumps, each track notices on its own; ClockJumps lets the
 * second take the same step as the first, so that picture and sound stay
 * together. All times in ns. */
typedef struct {
  gint64 timeout;  /* steps back by more are jumps */
  gint64 max_step; /* steps ahead by more are jumps */
  guint serial;    /* counts jumps; 0: none yet */
  gint64 delta;    /* of the last one */
  gint64 at;       /* monotonic clock */
} ClockJumps;

typedef struct {
  gint64 offset;   /* publisher's time + offset = media time */
  gint64 newest;   /* media time of the latest frame */
  gint64 arrival;  /* of it, by the monotonic clock; G_MININT64: none yet */
  gint64 duration; /* of the latest frame, or the best guess */
  guint serial;
} TrackClock;

void track_clock_init (TrackClock *self);
gint64 track_clock_advance (TrackClock *self, ClockJumps *jumps, gint64 time,
    gint64 position, gboolean absent, gint64 now, gboolean *jumped);

G_END_DECLS
