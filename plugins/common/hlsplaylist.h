/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "tracktable.h"

G_BEGIN_DECLS

/* HLS playlists (rfc8216bis, protocol version 9) from plain models. */

typedef enum {
  HLS_PLAYLIST_LIVE,  /* more will come: low-latency tags and a hint */
  HLS_PLAYLIST_ENDED, /* as live, closed by EXT-X-ENDLIST */
  HLS_PLAYLIST_VOD,   /* a recording, no low-latency tags */
} HlsPlaylistType;

typedef struct {
  guint64 duration; /* ns */
  gboolean independent;
} HlsPart;

typedef struct {
  guint32 epoch;
  guint64 msn;
  guint64 duration; /* ns */
  gint64 wallclock; /* us since 1970 */
  gboolean discontinuity;
  gboolean gap;         /* the track has nothing here */
  gboolean complete;    /* FALSE: only its parts are listed */
  const HlsPart *parts; /* that are to be listed, from part 0 */
  guint n_parts;
} HlsSegment;

typedef struct {
  HlsPlaylistType type;
  guint target_duration; /* s */
  guint64 part_target;   /* ns */
  gboolean independent_segments;
  guint64 media_sequence;
  guint64 discontinuity_sequence;
  const HlsSegment *segments;
  guint n_segments;
  guint32 hint_epoch; /* live: the part that comes next */
  guint64 hint_msn;
  guint32 hint_part;
} HlsMediaPlaylist;

/* One track of the multivariant playlist; all rates in bit/s. */
typedef struct {
  const Track *track;
  guint64 peak;
  guint64 average;
} HlsRendition;

guint hls_target_duration (guint64 max_segment_duration);
GBytes *hls_media_playlist_render (const HlsMediaPlaylist *playlist);
GBytes *hls_multivariant_render (const HlsRendition *renditions,
    guint n_renditions, gboolean independent_segments);

G_END_DECLS
