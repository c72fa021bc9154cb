/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How far back a reading looks, in us. */
#define LATENCY_METER_WINDOW (10 * G_USEC_PER_SEC)
/* Five tracks that make ten parts a second fill the window. If there are more,
 * a reading looks less far back. */
#define LATENCY_METER_SIZE 512

typedef struct {
  gint64 at;
  gint64 latency;
} LatencySample;

/* How long each of many things took, lately. Times in us, given by the caller.
 * Zeroed memory is a new meter. */
typedef struct {
  LatencySample samples[LATENCY_METER_SIZE]; /* a ring */
  guint64 n;                                 /* that were added */
} LatencyMeter;

void latency_meter_add (LatencyMeter *meter, gint64 latency, gint64 now);
gboolean latency_meter_read (
    const LatencyMeter *meter, gint64 now, gint64 *median, gint64 *p99);

G_END_DECLS
