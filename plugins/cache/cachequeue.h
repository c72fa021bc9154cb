/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* A bounded queue of chunks and the thread that stores them. Whoever pushes
 * never waits for the disk. When the disk does not keep up, whole chunks are
 * dropped: a track that lost one is dropped up to its next segment, so what is
 * stored of each segment is its begin, and decodable. */
typedef struct _CacheQueue CacheQueue;

typedef struct {
  guint64 appended_chunks;
  guint64 appended_bytes;
  guint64 dropped_chunks;
  guint64 dropped_bytes;
  guint64 queued_bytes;
  gboolean incomplete; /* something was lost, now or in an earlier run */
} CacheQueueStats;

/* Called without a lock. */
typedef struct {
  /* On the queue's thread: @info can be read back from the store. */
  void (*appended) (const ChunkInfo *info, gpointer user_data);
  /* On any thread; not for each chunk. @chunks and @bytes since the last. */
  void (*dropped) (guint64 chunks, guint64 bytes, gpointer user_data);
  /* On the queue's thread, once each: the disk failed and may recover; or
   * nothing more will be stored. */
  void (*failed) (const GError *error, gboolean fatal, gpointer user_data);
} CacheQueueFuncs;

CacheQueue *cache_queue_new (const char *cache_dir, const char *link,
    guint64 max_bytes, const CacheQueueFuncs *funcs, gpointer user_data);
void cache_queue_stop (CacheQueue *queue);
void cache_queue_free (CacheQueue *queue);

gboolean cache_queue_push (
    CacheQueue *queue, const ChunkInfo *info, GBytes *bytes, TrackTable *table);
void cache_queue_push_end (CacheQueue *queue);
gboolean cache_queue_drain (CacheQueue *queue);
void cache_queue_set_interrupted (CacheQueue *queue, gboolean interrupted);
void cache_queue_get_stats (CacheQueue *queue, CacheQueueStats *stats);

G_END_DECLS
