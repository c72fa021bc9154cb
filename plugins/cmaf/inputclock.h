/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Times of one track, from what the publisher stamped to what a segment needs. */
typedef struct {
  gboolean anchored;
  gint64 anchor;   /* audio: time of the frame that the count began with */
  guint64 samples; /* audio: counted since */
  gint64 shift;    /* video: presentation less decode time of the first frame.
                      Added to DTS, so that frames of all tracks which are to be
                      presented together have the same time here */
} InputClock;

void input_clock_video (
    InputClock *self, gint64 dts, gint64 pts, gint64 *time, gint64 *cts);
gint64 input_clock_audio (
    InputClock *self, gint64 pts, guint samples, guint rate, guint64 *duration);

G_END_DECLS
