/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What stands before the chunks in a file: a movie header of the chosen tracks
 * and an index of segments. */

gboolean cache_head_get_track_id (GBytes *init, guint32 *track_id);
GBytes *cache_head_filter (
    GBytes *joint, const guint32 *track_ids, guint n_ids, GError **error);

/* ISO/IEC 14496-12 8.16.3: the fields reference_count and referenced_size. */
#define CACHE_HEAD_MAX_REFERENCES G_MAXUINT16
#define CACHE_HEAD_MAX_SIZE G_MAXINT32

/* A stretch of the file as a sidx refers to it. */
typedef struct {
  guint64 size; /* bytes */
  guint64 pts;  /* ns, of the track that the sidx is of */
  gboolean independent;
} CacheReference;

GBytes *cache_head_build_sidx (guint32 track_id, guint32 timescale,
    const CacheReference *references, guint n_references, guint64 end_pts,
    guint64 behind);

G_END_DECLS
