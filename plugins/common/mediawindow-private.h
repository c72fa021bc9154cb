/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mediawindow.h"
#include "ratemeter.h"

G_BEGIN_DECLS

/* What mediawindow.c, which moves the window, and mediaview.c, which looks at
 * it, share. */

/* Segments that carry EXT-X-PART, the open one included. */
#define SEGMENTS_WITH_PARTS 3

typedef struct {
  GPtrArray *segments; /* of MediaSegment, MSNs without a hole */
  GPtrArray *inits;    /* of MediaInit, by epoch */
  guint64 version;
  RateMeter rate;
} WindowTrack;

struct _MediaWindow {
  MediaWindowConfig config;
  TrackTable *table;
  GPtrArray *tracks; /* of WindowTrack, as the table's */
  /* The epoch of the first listed segment and those after it. Each one but the
   * first begins with a discontinuity. */
  GArray *epochs;
  guint64 discontinuity_sequence;
  gboolean has_first;
  guint64 first_msn;     /* of all playlists */
  guint target_duration; /* s */
  guint64 part_target;   /* ns */
  gboolean ended;
};

static inline WindowTrack *
window_track (MediaWindow *window, guint track)
{
  return g_ptr_array_index (window->tracks, track);
}

static inline MediaSegment *
track_segment (WindowTrack *track, guint position)
{
  return g_ptr_array_index (track->segments, position);
}

static inline MediaSegment *
track_last_segment (WindowTrack *track)
{
  guint n = track->segments->len;

  return n > 0 ? track_segment (track, n - 1) : NULL;
}

static inline MediaSegment *
track_find_segment (WindowTrack *track, guint64 msn)
{
  guint64 first;

  if (track->segments->len == 0)
    return NULL;
  first = track_segment (track, 0)->msn;
  if (msn < first || msn - first >= track->segments->len)
    return NULL;
  return track_segment (track, msn - first);
}

/* Position of the first segment that playlists list. */
static inline guint
track_first_listed (MediaWindow *window, WindowTrack *track)
{
  guint64 first;

  if (track->segments->len == 0)
    return 0;
  first = track_segment (track, 0)->msn;
  if (window->first_msn <= first)
    return 0;
  return MIN (window->first_msn - first, track->segments->len);
}

/* The track that decides what is listed: the one whose key frames cut. When no
 * track is present any longer, the first that has segments. */
static inline WindowTrack *
window_lead (MediaWindow *window)
{
  int lead = track_table_lead (window->table);

  if (lead >= 0 && window_track (window, lead)->segments->len > 0)
    return window_track (window, lead);
  for (guint i = 0; i < window->tracks->len; i++)
    if (window_track (window, i)->segments->len > 0)
      return window_track (window, i);
  return NULL;
}

G_END_DECLS
