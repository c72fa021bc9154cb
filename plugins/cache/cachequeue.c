/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachequeue.h"

#include "cacheindex.h"
#include "cachewriter.h"

/* How often a loss is reported while it lasts. */
#define REPORT_INTERVAL (5 * G_USEC_PER_SEC)

/* How long cache_queue_stop() goes on storing what is queued. */
#define STOP_TIMEOUT (5 * G_USEC_PER_SEC)

typedef struct {
  gboolean end; /* no chunk: the end of the link */
  gboolean gap; /* chunks were dropped before this one */
  ChunkInfo info;
  GBytes *bytes;
  TrackTable *table;
} Item;

struct _CacheQueue {
  char *cache_dir;
  char *link;
  guint64 max_bytes;
  CacheQueueFuncs funcs;
  gpointer user_data;
  GThread *thread;

  GMutex lock;
  GCond cond; /* anything below changed */
  /* With lock. */
  GQueue items; /* of Item */
  gboolean busy;
  gboolean failed;
  gboolean stopping;
  gint64 stop_deadline;
  gboolean interrupted;
  gboolean gap;
  gboolean skipping[CACHE_MAX_TRACKS]; /* until the track's next segment */
  CacheQueueStats stats;
  guint64 unreported_chunks;
  guint64 unreported_bytes;
  gint64 last_report;

  /* The thread's own. */
  CacheWriter *writer;
  TrackTable *table;                 /* which the writer has */
  GQueue inits;                      /* of Item: not stored yet */
  gboolean resync[CACHE_MAX_TRACKS]; /* as skipping, after a failed append */
  gboolean lost; /* chunks, which the store has not been told of */
  gboolean told;
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_clear_pointer (&item->bytes, g_bytes_unref);
  g_clear_pointer (&item->table, track_table_unref);
  g_free (item);
}

static Item *
item_new (const ChunkInfo *info, GBytes *bytes, TrackTable *table)
{
  Item *item = g_new0 (Item, 1);

  item->info = *info;
  item->bytes = g_bytes_ref (bytes);
  item->table = track_table_ref (table);
  return item;
}

/* Takes the lock. Tells of what was dropped, at once when a loss begins. */
static void
report_drops (CacheQueue *queue, gboolean final)
{
  gint64 now = g_get_monotonic_time ();
  guint64 chunks, bytes;

  g_mutex_lock (&queue->lock);
  chunks = queue->unreported_chunks;
  bytes = queue->unreported_bytes;
  if (chunks == 0 || (!final && queue->last_report != 0 &&
                         now - queue->last_report < REPORT_INTERVAL)) {
    g_mutex_unlock (&queue->lock);
    return;
  }
  queue->unreported_chunks = queue->unreported_bytes = 0;
  queue->last_report = now;
  g_mutex_unlock (&queue->lock);
  queue->funcs.dropped (chunks, bytes, queue->user_data);
}

static void
count_drop_locked (CacheQueue *queue, const Item *item)
{
  if (item->end)
    return;
  queue->stats.dropped_chunks++;
  queue->stats.dropped_bytes += item->info.size;
  queue->unreported_chunks++;
  queue->unreported_bytes += item->info.size;
  queue->stats.incomplete = TRUE;
}

/* The thread */

static gboolean
append (CacheQueue *queue, const Item *item, GError **error)
{
  if (item->table != queue->table) {
    if (!cache_writer_set_tracks (queue->writer, item->table, error))
      return FALSE;
    g_clear_pointer (&queue->table, track_table_unref);
    queue->table = track_table_ref (item->table);
  }
  if (!cache_writer_append (queue->writer, &item->info,
          g_bytes_get_data (item->bytes, NULL), error))
    return FALSE;

  g_mutex_lock (&queue->lock);
  queue->stats.appended_chunks++;
  queue->stats.appended_bytes += item->info.size;
  queue->stats.incomplete |= cache_writer_is_incomplete (queue->writer);
  g_mutex_unlock (&queue->lock);
  queue->funcs.appended (&item->info, queue->user_data);
  return TRUE;
}

static gboolean
append_inits (CacheQueue *queue, GError **error)
{
  Item *item;

  while ((item = g_queue_peek_head (&queue->inits)) != NULL) {
    if (!append (queue, item, error))
      return FALSE;
    item_free (g_queue_pop_head (&queue->inits));
  }
  return TRUE;
}

/* Inits wait until they are stored, however often the disk fails: without them
 * nothing that follows is of use. Those of an epoch that is over are not. */
static void
keep_init (CacheQueue *queue, Item *item)
{
  Item *old;

  while ((old = g_queue_peek_head (&queue->inits)) != NULL &&
         old->info.epoch < item->info.epoch)
    item_free (g_queue_pop_head (&queue->inits));
  g_queue_push_tail (&queue->inits, item);
}

static gboolean
prepare (CacheQueue *queue, GError **error)
{
  if (queue->writer == NULL)
    queue->writer = cache_writer_open (queue->cache_dir, queue->link, error);
  if (queue->writer == NULL)
    return FALSE;
  if (queue->lost)
    cache_writer_mark_incomplete (queue->writer);
  queue->lost = FALSE;
  return append_inits (queue, error);
}

/* Takes @item. Returns FALSE and @error if it was not stored, or without @error
 * if it was dropped because of an earlier failure. */
static gboolean
store (CacheQueue *queue, Item *item, GError **error)
{
  gboolean is_media = item->info.kind == CHUNK_KIND_MEDIA;
  gboolean *resync = is_media ? &queue->resync[item->info.track] : NULL;
  gboolean stored;

  queue->lost |= item->gap;
  if (item->end)
    stored = prepare (queue, error) && cache_writer_end (queue->writer, error);
  else if (!is_media) {
    keep_init (queue, item);
    return prepare (queue, error) && cache_writer_sync (queue->writer, error);
  } else if (*resync && item->info.part != 0)
    stored = FALSE;
  else {
    stored = prepare (queue, error) && append (queue, item, error);
    *resync = !stored;
  }
  if (!stored && !item->end) {
    queue->lost = TRUE;
    g_mutex_lock (&queue->lock);
    count_drop_locked (queue, item);
    g_mutex_unlock (&queue->lock);
  }
  item_free (item);
  return stored && cache_writer_sync (queue->writer, error);
}

static void
handle_error (CacheQueue *queue, const GError *error)
{
  gboolean fatal = !cache_writer_may_retry (error);

  /* Told first: who finds that nothing more is stored can rely on it. */
  if (fatal || !queue->told)
    queue->funcs.failed (error, fatal, queue->user_data);
  queue->told = TRUE;
  if (!fatal)
    return;
  g_mutex_lock (&queue->lock);
  queue->failed = TRUE;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
}

/* Waits for an item. NULL if there will be none. */
static Item *
next_item (CacheQueue *queue)
{
  Item *item;

  g_mutex_lock (&queue->lock);
  queue->busy = FALSE;
  g_cond_broadcast (&queue->cond);
  while (!queue->stopping && !queue->failed && g_queue_is_empty (&queue->items))
    g_cond_wait (&queue->cond, &queue->lock);
  if (queue->failed ||
      (queue->stopping && g_get_monotonic_time () > queue->stop_deadline))
    item = NULL;
  else
    item = g_queue_pop_head (&queue->items);
  if (item != NULL) {
    queue->busy = TRUE;
    if (!item->end)
      queue->stats.queued_bytes -= item->info.size;
  }
  g_mutex_unlock (&queue->lock);
  return item;
}

static gpointer
run (gpointer data)
{
  CacheQueue *queue = data;
  Item *item;

  while ((item = next_item (queue)) != NULL) {
    g_autoptr (GError) error = NULL;

    if (!store (queue, item, &error) && error != NULL)
      handle_error (queue, error);
    report_drops (queue, FALSE);
  }
  return NULL;
}

/* Anybody */

/**
 * cache_queue_new:
 * @max_bytes: bytes of media that may wait for the disk; inits always pass,
 *     they are few and small
 * @funcs: copied
 *
 * Opens the store of @link on a thread of its own; `failed` tells if that does
 * not succeed.
 *
 * Returns: (transfer full): the queue
 */
CacheQueue *
cache_queue_new (const char *cache_dir, const char *link, guint64 max_bytes,
    const CacheQueueFuncs *funcs, gpointer user_data)
{
  CacheQueue *queue = g_new0 (CacheQueue, 1);

  queue->cache_dir = g_strdup (cache_dir);
  queue->link = g_strdup (link);
  queue->max_bytes = max_bytes;
  queue->funcs = *funcs;
  queue->user_data = user_data;
  g_mutex_init (&queue->lock);
  g_cond_init (&queue->cond);
  g_queue_init (&queue->items);
  g_queue_init (&queue->inits);
  queue->thread = g_thread_new ("cache-queue", run, queue);
  return queue;
}

/**
 * cache_queue_stop:
 * @queue: (nullable)
 *
 * Stores what is queued, for 5 s at most, drops the rest, and waits for the
 * thread: longer only while a single call of the kernel does not return. Only
 * stats can be asked for afterwards.
 */
void
cache_queue_stop (CacheQueue *queue)
{
  Item *item;

  if (queue == NULL || queue->thread == NULL)
    return;
  g_mutex_lock (&queue->lock);
  queue->stopping = TRUE;
  queue->stop_deadline = g_get_monotonic_time () + STOP_TIMEOUT;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
  g_thread_join (g_steal_pointer (&queue->thread));

  g_mutex_lock (&queue->lock);
  queue->lost |= queue->gap || !g_queue_is_empty (&queue->items);
  while ((item = g_queue_pop_head (&queue->items)) != NULL) {
    count_drop_locked (queue, item);
    item_free (item);
  }
  queue->stats.queued_bytes = 0;
  g_mutex_unlock (&queue->lock);
  report_drops (queue, TRUE);
  if (queue->lost && queue->writer != NULL)
    cache_writer_mark_incomplete (queue->writer);
  g_clear_pointer (&queue->writer, cache_writer_free);
}

/**
 * cache_queue_free:
 * @queue: (nullable)
 *
 * Stops it if that was not done.
 */
void
cache_queue_free (CacheQueue *queue)
{
  if (queue == NULL)
    return;
  cache_queue_stop (queue);
  g_queue_clear_full (&queue->inits, item_free);
  g_clear_pointer (&queue->table, track_table_unref);
  g_mutex_clear (&queue->lock);
  g_cond_clear (&queue->cond);
  g_free (queue->cache_dir);
  g_free (queue->link);
  g_free (queue);
}

/* A track that begins to be dropped is taken up again where a segment begins,
 * and not before half of the queue is free: else every segment of an overloaded
 * disk would be stored by its first part only. */
static gboolean
fits_locked (CacheQueue *queue, const ChunkInfo *info)
{
  gboolean *skipping;
  guint64 queued = queue->stats.queued_bytes;

  if (info->kind != CHUNK_KIND_MEDIA)
    return TRUE;
  skipping = &queue->skipping[info->track];
  if (*skipping)
    *skipping = info->part != 0 || queued > queue->max_bytes / 2;
  if (queued > 0 && queued + info->size > queue->max_bytes)
    *skipping = TRUE;
  return !*skipping;
}

static void
push_locked (CacheQueue *queue, Item *item)
{
  item->gap = queue->gap;
  queue->gap = FALSE;
  g_queue_push_tail (&queue->items, item);
  g_cond_broadcast (&queue->cond);
}

/**
 * cache_queue_push:
 * @info: its `track` is an index of @table, below CACHE_MAX_TRACKS, or all
 * @bytes: the chunk; a reference is kept until it is stored
 * @table: the tracks
 *
 * Never waits.
 *
 * Returns: %FALSE if nothing more will be stored: `failed` has said why
 */
gboolean
cache_queue_push (
    CacheQueue *queue, const ChunkInfo *info, GBytes *bytes, TrackTable *table)
{
  Item *item = item_new (info, bytes, table);
  gboolean failed;

  g_mutex_lock (&queue->lock);
  failed = queue->failed;
  if (!failed && fits_locked (queue, info)) {
    queue->stats.queued_bytes += info->size;
    push_locked (queue, g_steal_pointer (&item));
  } else {
    count_drop_locked (queue, item);
    queue->gap = TRUE;
  }
  g_mutex_unlock (&queue->lock);

  if (item != NULL) {
    item_free (item);
    report_drops (queue, FALSE);
  }
  return !failed;
}

/**
 * cache_queue_push_end:
 *
 * The link ends when everything before is stored.
 */
void
cache_queue_push_end (CacheQueue *queue)
{
  Item *item = g_new0 (Item, 1);

  item->end = TRUE;
  g_mutex_lock (&queue->lock);
  push_locked (queue, item);
  g_mutex_unlock (&queue->lock);
}

/**
 * cache_queue_drain:
 *
 * Waits until everything that was pushed is stored or given up.
 *
 * Returns: %FALSE if it was interrupted
 */
gboolean
cache_queue_drain (CacheQueue *queue)
{
  gboolean interrupted;

  g_mutex_lock (&queue->lock);
  while (!queue->interrupted && !queue->failed &&
         (queue->busy || !g_queue_is_empty (&queue->items)))
    g_cond_wait (&queue->cond, &queue->lock);
  interrupted = queue->interrupted;
  g_mutex_unlock (&queue->lock);
  return !interrupted;
}

/**
 * cache_queue_set_interrupted:
 *
 * While set, cache_queue_drain() does not wait.
 */
void
cache_queue_set_interrupted (CacheQueue *queue, gboolean interrupted)
{
  g_mutex_lock (&queue->lock);
  queue->interrupted = interrupted;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
}

/**
 * cache_queue_get_stats:
 * @stats: (out)
 */
void
cache_queue_get_stats (CacheQueue *queue, CacheQueueStats *stats)
{
  g_mutex_lock (&queue->lock);
  *stats = queue->stats;
  g_mutex_unlock (&queue->lock);
}
