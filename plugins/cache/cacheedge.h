/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cachereader.h"

G_BEGIN_DECLS

/* A link read at its live edge: from its newest key frame on, part by part as
 * the store gets them, whichever track has one. So it is quicker than a
 * CachePiece, and no two readings need to be the same. Not thread-safe. */
typedef struct _CacheEdge CacheEdge;

typedef enum {
  CACHE_EDGE_PART,
  CACHE_EDGE_NONE,  /* not yet: refresh */
  CACHE_EDGE_ENDED, /* with the link */
  CACHE_EDGE_FAILED,
} CacheEdgeResult;

typedef struct {
  CacheExtent extent;
  guint64 dts; /* ns: its first decode time */
  guint32 epoch;
  gboolean first; /* of its epoch, in this reading */
  GBytes *init;   /* what stands before it, NULL if it is as before; belongs
                     to the edge, until the next call */
  /* Of the epoch: a time of presentation, in ns, and when it was captured, in
   * us since 1970. */
  guint64 pts;
  gint64 wallclock;
} CacheEdgePart;

CacheEdge *cache_edge_new (CacheReader *reader, char **names);
void cache_edge_free (CacheEdge *edge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CacheEdge, cache_edge_free)

gboolean cache_edge_refresh (CacheEdge *edge, GError **error);
CacheEdgeResult cache_edge_next (
    CacheEdge *edge, CacheEdgePart *part, GError **error);
guint64 cache_edge_get_part_duration (CacheEdge *edge);

G_END_DECLS
