/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segtrack.h"

G_BEGIN_DECLS

/* The cut rule within an epoch: where the lead's segments end, and which frame
 * of a follower goes into which. */
typedef struct {
  gint64 segment_duration; /* ns */
  gint64 max_segment_duration;
  SegTrack *lead;       /* NULL before the first epoch */
  gint64 segment_start; /* of the lead's open segment */
  gboolean segment_keyed;
  GArray *cuts; /* gint64: begin of segment cuts_msn, cuts_msn + 1 ... */
  guint64 cuts_msn;
} SegCutter;

void seg_cutter_init (SegCutter *self, const SegmenterSettings *settings);
void seg_cutter_clear (SegCutter *self);
void seg_cutter_begin (
    SegCutter *self, SegTrack *lead, gint64 time, guint64 msn);
gint64 seg_cutter_position (SegCutter *self);
void seg_cutter_forget (SegCutter *self, guint64 msn);
void seg_cutter_take_front (SegCutter *self, SegTrack *track);
void seg_cutter_run (SegCutter *self, SegTrack *track, gint64 limit);
gboolean seg_cutter_fill (
    SegCutter *self, SegTrack *track, gint64 limit, gint64 next);
void seg_cutter_place_held (SegCutter *self, SegTrack *track, gint64 end);
void seg_cutter_finish (SegCutter *self, SegTrack *track, gint64 limit);

G_END_DECLS
