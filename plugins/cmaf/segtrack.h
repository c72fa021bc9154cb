/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segmenter.h"
#include "trackclock.h"

G_BEGIN_DECLS

/* One track of a Segmenter: frames that arrived, the open part, and how frames
 * become parts. Where segments end is the Segmenter's business. */

/* What all tracks of a Segmenter share. */
typedef struct {
  SegmenterOutput output;
  gpointer user_data;
  gint64 part_duration;
  guint32 epoch;
} SegSink;

typedef struct {
  const SegSink *sink;
  guint index;
  gboolean video;
  gboolean ended;     /* the publisher ended it */
  gboolean silent;    /* present, but only because it is filled */
  gboolean present;   /* takes frames into parts */
  gboolean in_epoch;  /* was present when the epoch began */
  gboolean continues; /* was present when the epoch before it ended */
  GQueue pending;     /* of SegmenterSample, in media time */
  TrackClock clock;

  /* Since the epoch began. */
  gconstpointer config;
  SegmenterSample *held; /* placed when its successor tells its duration */
  GArray *part;          /* of SegmenterSample: the open part */
  gint64 end;            /* where the last placed frame ends */
  guint64 msn;
  guint32 part_index;
} SegTrack;

SegTrack *seg_track_new (const SegSink *sink, guint index, gboolean video);
void seg_track_free (SegTrack *self);

SegmenterSample *seg_track_front (const SegTrack *self);
void seg_track_drop_front (SegTrack *self);
gint64 seg_track_duration_of (
    const SegTrack *self, const SegmenterSample *sample);
gint64 seg_track_middle_of (
    const SegTrack *self, const SegmenterSample *sample);
gint64 seg_track_tolerance (
    const SegTrack *self, const SegmenterSample *sample);

void seg_track_add (SegTrack *self, SegmenterSample *sample, gint64 end);
void seg_track_close_full_part (SegTrack *self, gint64 time, gint64 duration);
void seg_track_close_part (SegTrack *self, gboolean last);
void seg_track_next_segment (SegTrack *self);
SegmenterSample *seg_track_make_silence (
    SegTrack *self, gint64 limit, gint64 next);

G_END_DECLS
