/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"
#include "hlsplaylist.h"
#include "httpquery.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* The newest segments of one broadcast, as a live playlist lists them and a
 * while longer. It knows neither time nor threads: it moves by what is added,
 * measured in media time, so a publisher that stalls makes nothing vanish.
 * The caller locks. */
typedef struct _MediaWindow MediaWindow;

typedef struct {
  guint64 duration;
  gboolean independent;
  gboolean stored;
  GBytes *bytes;
  gpointer answer; /* the owner's, freed by the function given to new */
} MediaPart;

typedef struct {
  guint32 epoch;
  guint64 msn;
  gboolean complete;
  gboolean gap;
  guint64 dts;
  guint64 duration;
  gint64 wallclock;
  guint64 size;
  GArray *parts;   /* of MediaPart; NULL: a gap, or only the store has them */
  gpointer answer; /* to a request for the whole segment */
} MediaSegment;

typedef struct {
  guint32 epoch;
  GBytes *bytes;
  gpointer answer;
} MediaInit;

typedef struct {
  guint32 number;
  guint64 first_msn;
} MediaEpoch;

typedef struct {
  guint64 memory_window; /* ns of stored media that stay in memory as well */
  guint64 dvr_window;    /* ns that a playlist lists */
  GDestroyNotify answer_free;
} MediaWindowConfig;

typedef enum {
  MEDIA_READY,
  MEDIA_WAIT,    /* the request is to be held until the window moves */
  MEDIA_MISSING, /* it is not here; perhaps in the store */
  MEDIA_BAD,     /* the request makes no sense: 400 */
} MediaVerdict;

MediaWindow *media_window_new (const MediaWindowConfig *config);
void media_window_free (MediaWindow *window);

void media_window_set_tracks (MediaWindow *window, TrackTable *table);
const TrackTable *media_window_get_tracks (MediaWindow *window);
gboolean media_window_add (
    MediaWindow *window, const ChunkInfo *info, GBytes *bytes, gboolean stored);
gboolean media_window_mark_stored (MediaWindow *window, const ChunkInfo *info);
void media_window_close_segments (MediaWindow *window);
void media_window_end (MediaWindow *window);
gboolean media_window_is_ended (MediaWindow *window);

void media_window_seed (MediaWindow *window, const MediaEpoch *epochs,
    guint n_epochs, GArray *const *tracks, guint lead);

guint64 media_window_get_version (MediaWindow *window, guint track);
guint media_window_get_target_duration (MediaWindow *window);
guint64 media_window_get_listed_duration (MediaWindow *window);
gboolean media_window_is_listed (MediaWindow *window, guint track);
MediaVerdict media_window_check_playlist (
    MediaWindow *window, guint track, const HttpDirectives *directives);
GBytes *media_window_render (MediaWindow *window, guint track);
gboolean media_window_is_playable (MediaWindow *window);
GBytes *media_window_render_multivariant (MediaWindow *window);
MediaVerdict media_window_find_part (MediaWindow *window, guint track,
    guint32 epoch, guint64 msn, guint32 part, MediaPart **found);
MediaVerdict media_window_find_segment (MediaWindow *window, guint track,
    guint32 epoch, guint64 msn, MediaSegment **found);
MediaInit *media_window_find_init (
    MediaWindow *window, guint track, guint32 epoch);

G_END_DECLS
