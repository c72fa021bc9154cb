/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How old the picture on the screen is, from what a live cachesrc says of the
 * capture of its media. Logic without clocks; @now is us since 1970. */

/* Epochs that may be on their way to the screen. */
#define LATENCY_ANCHORS 8

typedef struct {
  guint64 time;     /* ns of media time, */
  gint64 wallclock; /* captured then, us since 1970 */
} LatencyAnchor;

typedef struct {
  LatencyAnchor anchors[LATENCY_ANCHORS]; /* a ring, by n_anchors */
  guint n_anchors;
  guint64 pts;    /* of the picture that was seen last */
  gint64 seen_at; /* when it was seen first, 0 for none */
} LatencyMeter;

/* @time of the media was captured at @wallclock; what follows of the epoch, in
 * equal steps. */
void latency_meter_anchor (LatencyMeter *meter, guint64 time, gint64 wallclock);
/* The picture @pts is on the screen. */
void latency_meter_see (LatencyMeter *meter, guint64 pts, gint64 now);
/* From its capture until now, in us. FALSE: not known. */
gboolean latency_meter_get (
    const LatencyMeter *meter, gint64 now, gint64 *latency);
/* Whether no new picture has come for @patience us. */
gboolean latency_meter_is_stuck (
    const LatencyMeter *meter, gint64 now, gint64 patience);

G_END_DECLS
