/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum {
  TRACK_VIDEO,
  TRACK_AUDIO,
} TrackType;

/* One rendition or audio track. Its index in the table is the `track` of every
 * chunk, and index + 1 is its track ID in the media: both are stable for the
 * life of a packager, so a track that is given up keeps its place with
 * `present` FALSE. */
typedef struct {
  char *name; /* a path component, for example "video_0" */
  TrackType type;
  gboolean present;
  char *codecs; /* RFC 6381, NULL while the track was never configured */
  guint width;  /* video, 0 if unknown */
  guint height;
  guint fps_n; /* video, 0 if unknown or variable */
  guint fps_d;
  guint rate; /* audio, Hz */
  guint channels;
  guint timescale; /* of the media: ticks a second in tfdt and trun */
  guint64 bitrate; /* declared ceiling in bit/s, 0 if the encoder named none */
} Track;

/* What the caps application/x-cmaf-chunks say. Immutable once it is shared. */
typedef struct {
  GPtrArray *tracks;             /* of Track */
  guint64 segment_duration;      /* ns */
  guint64 max_segment_duration;  /* ns; TARGETDURATION is its ceiling in s */
  guint64 part_duration;         /* ns; the PART-TARGET */
  gboolean independent_segments; /* every segment starts with a key frame */
} TrackTable;

TrackTable *track_table_new (void);
TrackTable *track_table_ref (TrackTable *table);
void track_table_unref (TrackTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrackTable, track_table_unref)

Track *track_table_add (TrackTable *table, const char *name, TrackType type);
void track_describe (Track *to, const Track *from);
guint track_table_size (const TrackTable *table);
const Track *track_table_get (const TrackTable *table, guint index);
int track_table_find (const TrackTable *table, const char *name);
int track_table_lead (const TrackTable *table);
gboolean track_table_equal (const TrackTable *a, const TrackTable *b);

JsonNode *track_table_to_json (const TrackTable *table);
TrackTable *track_table_from_json (JsonNode *node, GError **error);

G_END_DECLS
