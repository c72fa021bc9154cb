/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originbroadcast-private.h"

#include "appendledger.h"
#include "trackmerge.h"

#define NS_PER_US 1000
/* How long an ended link is served from memory: players that pause, or start
 * late, still get its end. */
#define LINGER (60 * G_USEC_PER_SEC)
/* Appends that overtook their push. The store's queue is a branch of the same
 * tee, so a few parts is the most it can be ahead. */
#define MAX_EARLY 64

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  g_clear_pointer (&pending->bytes, g_bytes_unref);
  g_free (pending);
}

static gboolean
same_chunk (const ChunkInfo *a, const ChunkInfo *b)
{
  return a->kind == b->kind && a->track == b->track && a->epoch == b->epoch &&
         a->msn == b->msn && a->part == b->part;
}

/**
 * origin_broadcast_new:
 * @shared: outlives what is called on the broadcast, not the broadcast
 *
 * Returns: (transfer full): a link with nothing to show and no publisher
 */
OriginBroadcast *
origin_broadcast_new (OriginShared *shared, const char *link,
    const OriginWindow *window, gboolean has_store)
{
  OriginBroadcast *self = g_new0 (OriginBroadcast, 1);
  MediaWindowConfig config = {
      .memory_window = window->memory_window,
      .dvr_window = window->dvr_window,
      .answer_free = (GDestroyNotify)http_response_unref,
  };

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->seed_lock);
  self->shared = shared;
  self->link = g_strdup (link);
  self->append_grace = window->append_grace / NS_PER_US;
  self->has_store = has_store;
  self->dvr_window = window->dvr_window;
  self->token = g_random_int ();
  self->window = media_window_new (&config);
  g_queue_init (&self->pending);
  self->early = g_array_new (FALSE, FALSE, sizeof (ChunkInfo));
  self->map = g_array_new (FALSE, FALSE, sizeof (guint16));
  self->waiters = g_ptr_array_new ();
  self->rendered = g_array_new (FALSE, TRUE, sizeof (Rendered));
  g_array_set_clear_func (self->rendered, origin_rendered_clear);
  return self;
}

OriginBroadcast *
origin_broadcast_ref (OriginBroadcast *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
origin_broadcast_unref (OriginBroadcast *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_assert (self->waiters->len == 0);
  g_queue_clear_full (&self->pending, pending_free);
  origin_rendered_clear (&self->multivariant);
  g_array_unref (self->rendered);
  g_array_unref (self->early);
  g_array_unref (self->map);
  g_ptr_array_unref (self->waiters);
  media_window_free (self->window);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->seed_lock);
  g_free (self->link);
  g_free (self);
}

/* --- what becomes visible when ------------------------------------------------ */

static guint16
map_track_locked (OriginBroadcast *self, guint16 track)
{
  if (track == CHUNK_TRACK_ALL)
    return track;
  return track < self->map->len ? g_array_index (self->map, guint16, track)
                                : CHUNK_TRACK_ALL - 1;
}

static void
apply_locked (OriginBroadcast *self, Pending *pending, gint64 now)
{
  ChunkInfo info = pending->info;

  switch (pending->what) {
    case PENDING_CHUNK:
      info.track = pending->track;
      if (!media_window_add (self->window, &info, pending->bytes,
              self->has_store && pending->appended)) {
        self->stats.dropped++;
      } else if (pending->info.kind == CHUNK_KIND_MEDIA) {
        self->stats.parts++;
        if (info.arrived != 0)
          latency_meter_add (&self->latency, now - info.arrived, now);
        if (pending->wait && !pending->appended)
          self->stats.parts_not_stored++;
      }
      break;
    case PENDING_CLOSE:
      media_window_close_segments (self->window);
      break;
    case PENDING_END:
      media_window_end (self->window);
      self->ended_at = now;
      break;
    default:
      g_assert_not_reached ();
  }
  self->generation++;
}

/* Shows what is due, in order. */
static void
advance_locked (OriginBroadcast *self, gint64 now)
{
  Pending *head;

  while ((head = g_queue_peek_head (&self->pending)) != NULL) {
    if (head->wait && !head->appended && now < head->deadline)
      break;
    apply_locked (self, g_queue_pop_head (&self->pending), now);
    pending_free (head);
  }
}

static void
queue_mark_locked (OriginBroadcast *self, int what)
{
  Pending *pending = g_new0 (Pending, 1);

  pending->what = what;
  g_queue_push_tail (&self->pending, pending);
}

static gboolean
take_early_locked (OriginBroadcast *self, const ChunkInfo *info)
{
  for (guint i = self->early->len; i-- > 0;)
    if (same_chunk (&g_array_index (self->early, ChunkInfo, i), info)) {
      g_array_remove_index (self->early, i);
      return TRUE;
    }
  return FALSE;
}

static void
note_append_locked (OriginBroadcast *self, const ChunkInfo *info)
{
  ChunkInfo mapped = *info;

  for (GList *l = self->pending.head; l != NULL; l = l->next) {
    Pending *pending = l->data;

    if (pending->what == PENDING_CHUNK && same_chunk (&pending->info, info)) {
      pending->appended = TRUE;
      return;
    }
  }
  mapped.track = map_track_locked (self, info->track);
  if (info->kind != CHUNK_KIND_MEDIA ||
      media_window_mark_stored (self->window, &mapped))
    return;
  if (self->early->len == MAX_EARLY)
    g_array_remove_index (self->early, 0);
  g_array_append_val (self->early, *info);
}

/* The store's thread. */
static void
on_appended (const ChunkInfo *info, gpointer user_data)
{
  OriginBroadcast *self = user_data;
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  if (info != NULL)
    note_append_locked (self, info);
  else
    for (GList *l = self->pending.head; l != NULL; l = l->next)
      ((Pending *)l->data)->deadline = now;
  advance_locked (self, now);
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, now));
}

/* --- the publisher's side ------------------------------------------------------ */

/**
 * origin_broadcast_take:
 *
 * Returns: %FALSE if somebody is publishing, or the link has ended
 */
gboolean
origin_broadcast_take (OriginBroadcast *self)
{
  gboolean free;

  g_mutex_lock (&self->lock);
  free = !self->publishing && !media_window_is_ended (self->window);
  if (free) {
    self->publishing = TRUE;
    self->leaving = FALSE;
    if (self->ledger_id == 0)
      self->ledger_id = append_ledger_subscribe (self->link, on_appended,
          origin_broadcast_ref (self), (GDestroyNotify)origin_broadcast_unref);
  }
  g_mutex_unlock (&self->lock);
  return free;
}

static void
merge_tracks_locked (OriginBroadcast *self, const TrackTable *said)
{
  g_autoptr (TrackTable) merged = NULL;

  g_array_set_size (self->map, track_table_size (said));
  merged = track_table_merge (
      media_window_get_tracks (self->window), said, (guint16 *)self->map->data);
  media_window_set_tracks (self->window, merged);
  g_array_set_size (
      self->rendered, MAX (self->rendered->len, track_table_size (merged)));
  self->generation++;
}

void
origin_broadcast_set_tracks (OriginBroadcast *self, TrackTable *table)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  merge_tracks_locked (self, table);
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, now));
}

void
origin_broadcast_push (
    OriginBroadcast *self, const ChunkInfo *info, GBytes *bytes)
{
  gboolean held = append_ledger_is_held (self->link);
  gint64 now = g_get_monotonic_time ();
  Pending *pending = g_new0 (Pending, 1);

  pending->what = PENDING_CHUNK;
  pending->info = *info;
  pending->bytes = g_bytes_ref (bytes);
  pending->deadline = now + self->append_grace;
  pending->wait = held && info->kind == CHUNK_KIND_MEDIA;

  g_mutex_lock (&self->lock);
  if (!self->has_pushed) {
    self->has_pushed = TRUE;
    self->first_epoch = info->epoch;
  }
  pending->track = map_track_locked (self, info->track);
  pending->appended = pending->wait && take_early_locked (self, info);
  if (pending->wait && !pending->appended)
    origin_timer_arm (self->shared->timer, pending->deadline);
  g_queue_push_tail (&self->pending, pending);
  advance_locked (self, now);
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, now));
}

void
origin_broadcast_leave (OriginBroadcast *self, guint64 resume_window)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  self->publishing = FALSE;
  self->leaving = TRUE;
  self->leave_at = now + resume_window / NS_PER_US;
  queue_mark_locked (self, PENDING_CLOSE);
  if (resume_window == 0)
    queue_mark_locked (self, PENDING_END);
  advance_locked (self, now);
  origin_timer_arm (self->shared->timer, self->leave_at);
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, now));
  origin_broadcast_unref (self);
}

/**
 * origin_broadcast_end:
 *
 * Returns: %FALSE if somebody is publishing
 */
gboolean
origin_broadcast_end (OriginBroadcast *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean publishing;

  g_mutex_lock (&self->lock);
  publishing = self->publishing;
  if (!publishing && self->leaving) {
    self->leaving = FALSE;
    queue_mark_locked (self, PENDING_END);
    advance_locked (self, now);
  }
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, now));
  return !publishing;
}

void
origin_broadcast_get_stats (OriginBroadcast *self, OriginStats *stats)
{
  gint64 median, p99;

  g_mutex_lock (&self->lock);
  *stats = self->stats;
  stats->waiting = self->waiters->len;
  if (latency_meter_read (
          &self->latency, g_get_monotonic_time (), &median, &p99)) {
    stats->part_latency_median = median * NS_PER_US;
    stats->part_latency_p99 = p99 * NS_PER_US;
  } else {
    stats->part_latency_median = stats->part_latency_p99 = ORIGIN_NO_LATENCY;
  }
  g_mutex_unlock (&self->lock);
}

/* --- what was before this process ----------------------------------------------- */

guint64
origin_broadcast_get_dvr_window (OriginBroadcast *self)
{
  return self->dvr_window;
}

/**
 * origin_broadcast_begin_seed:
 *
 * To be asked on a server thread, before every look at the broadcast.
 *
 * Returns: %TRUE, once, if the caller is to read the store and then call
 *     origin_broadcast_end_seed(); other threads wait here for that
 */
gboolean
origin_broadcast_begin_seed (OriginBroadcast *self)
{
  if (g_atomic_int_get (&self->seeded))
    return FALSE;
  g_mutex_lock (&self->seed_lock);
  if (!g_atomic_int_get (&self->seeded))
    return TRUE;
  g_mutex_unlock (&self->seed_lock);
  return FALSE;
}

/* Without what comes by way of a push as well: the store may be ahead. */
static GArray *
older_segments_locked (OriginBroadcast *self, GArray *segments)
{
  while (self->has_pushed && segments->len > 0 &&
         g_array_index (segments, MediaSegment, segments->len - 1).epoch >=
             self->first_epoch)
    g_array_set_size (segments, segments->len - 1);
  return segments;
}

static void
seed_locked (OriginBroadcast *self, const OriginSeed *seed)
{
  const TrackTable *table;
  g_autofree GArray **tracks = NULL;
  int lead = -1;

  /* Nobody publishes yet: the link is on air as it was when it stopped. */
  if (track_table_size (media_window_get_tracks (self->window)) == 0)
    merge_tracks_locked (self, seed->table);
  table = media_window_get_tracks (self->window);
  tracks = g_new0 (GArray *, track_table_size (table));
  for (guint i = 0; i < seed->tracks->len; i++) {
    const Track *stored = track_table_get (seed->table, i);
    int index = track_table_find (table, stored->name);

    if (index < 0)
      continue;
    tracks[index] =
        older_segments_locked (self, g_ptr_array_index (seed->tracks, i));
    if (i == seed->lead)
      lead = index;
  }
  if (lead < 0)
    return;
  media_window_seed (self->window, (const MediaEpoch *)seed->epochs->data,
      seed->epochs->len, tracks, lead);
  self->generation++;
}

/**
 * origin_broadcast_end_seed:
 * @seed: (nullable): what the store has, if anything
 */
void
origin_broadcast_end_seed (OriginBroadcast *self, const OriginSeed *seed)
{
  if (seed != NULL) {
    g_mutex_lock (&self->lock);
    seed_locked (self, seed);
    g_mutex_unlock (&self->lock);
  }
  g_atomic_int_set (&self->seeded, TRUE);
  g_mutex_unlock (&self->seed_lock);
}

/* --- the origin's side --------------------------------------------------------- */

gboolean
origin_broadcast_is_ended (OriginBroadcast *self)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = media_window_is_ended (self->window);
  g_mutex_unlock (&self->lock);
  return ended;
}

gboolean
origin_broadcast_is_playable (OriginBroadcast *self)
{
  gboolean playable;

  g_mutex_lock (&self->lock);
  playable = media_window_is_playable (self->window);
  g_mutex_unlock (&self->lock);
  return playable;
}

/* Without a store, what is listed must stay available for as long as a player
 * takes to play it (rfc8216bis 6.2.2), twice that if it began late. */
static gint64
linger_locked (OriginBroadcast *self)
{
  guint64 listed = media_window_get_listed_duration (self->window) / NS_PER_US;

  return self->has_store ? LINGER : MAX (LINGER, 2 * (gint64)listed);
}

/**
 * origin_broadcast_is_over:
 *
 * Returns: whether the link may be forgotten; the store goes on serving it
 */
gboolean
origin_broadcast_is_over (OriginBroadcast *self, gint64 now)
{
  gboolean over;

  g_mutex_lock (&self->lock);
  over = media_window_is_ended (self->window) &&
         now >= self->ended_at + linger_locked (self);
  g_mutex_unlock (&self->lock);
  return over;
}

/**
 * origin_broadcast_tick:
 *
 * Does what is due.
 *
 * Returns: when the next thing is
 */
gint64
origin_broadcast_tick (OriginBroadcast *self, gint64 now)
{
  gint64 next = G_MAXINT64;
  GPtrArray *ready;
  Pending *head;

  g_mutex_lock (&self->lock);
  if (self->leaving && now >= self->leave_at) {
    self->leaving = FALSE;
    if (!media_window_is_ended (self->window))
      queue_mark_locked (self, PENDING_END);
  }
  advance_locked (self, now);
  ready = origin_broadcast_collect_locked (self, now);

  head = g_queue_peek_head (&self->pending);
  if (head != NULL)
    next = MIN (next, head->deadline);
  if (self->leaving)
    next = MIN (next, self->leave_at);
  for (guint i = 0; i < self->waiters->len; i++)
    next = MIN (next, ((Waiter *)self->waiters->pdata[i])->deadline);
  origin_broadcast_unlock_and_resume (self, ready);
  return next;
}

/**
 * origin_broadcast_release_all:
 *
 * The origin stops or forgets the link: nothing is held any longer, and the
 * store is not listened to.
 */
void
origin_broadcast_release_all (OriginBroadcast *self)
{
  guint id;

  g_mutex_lock (&self->lock);
  id = self->ledger_id;
  self->ledger_id = 0;
  origin_broadcast_unlock_and_resume (
      self, origin_broadcast_collect_locked (self, G_MAXINT64));
  if (id != 0)
    append_ledger_unsubscribe (id);
}
