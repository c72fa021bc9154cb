/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The book of this node: who is let in, what is over, what the next process
 * must know. The pipelines are publication.c's. */

#include <gio/gio.h>
#include <string.h>

#include "broadcasts-private.h"
#include "link.h"
#include "linkstore.h"
#include "maincontext.h"

/* OBS is back within seconds and knows no better. */
#define END_HOLD (15 * G_USEC_PER_SEC)
/* An admitted publisher that sends nothing holds a place for no longer. */
#define START_PATIENCE (30 * G_USEC_PER_SEC)
#define TICK G_USEC_PER_SEC
#define NS_PER_US 1000

Broadcasts *
broadcasts_ref (Broadcasts *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
broadcasts_unref (Broadcasts *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  lifecycle_free (self->life);
  g_ptr_array_unref (self->publications);
  g_hash_table_unref (self->busy);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->complaint);
  g_free (self->node);
  g_free (self->conninfo);
  g_free (self->cache_dir);
  g_free (self->origin_address);
  g_free (self->origin_url);
  g_free (self);
}

/* --- what others keep of it --------------------------------------------------------- */

void
broadcasts_save_locked (Broadcasts *self)
{
  if (self->state_file != NULL)
    state_file_save (self->state_file, lifecycle_get_all (self->life));
}

typedef struct {
  Broadcasts *owner; /* counted */
  char *link;
  gboolean is_last; /* nothing else is left to do for it */
} Written;

static Broadcast *
copy_broadcast (Broadcasts *self, const char *link)
{
  Broadcast *copy = NULL;
  const Broadcast *broadcast;

  g_mutex_lock (&self->lock);
  broadcast = lifecycle_find (self->life, link);
  if (broadcast != NULL)
    copy = broadcast_copy (broadcast);
  g_mutex_unlock (&self->lock);
  return copy;
}

static void
written_free (gpointer data)
{
  Written *written = data;

  broadcasts_unref (written->owner);
  g_free (written->link);
  g_free (written);
}

/* Until the database has its end, an ended broadcast stays in the book, so that
 * the next process writes it if this one cannot. */
static void
on_written (RegistrarAnswer answer, const char *detail, gpointer user_data)
{
  Written *written = user_data;
  Broadcasts *self = written->owner;
  Broadcast *broadcast;

  if (answer == REGISTRAR_FAILED)
    g_message (
        "%s: the database does not take its state: %s", written->link, detail);
  g_mutex_lock (&self->lock);
  broadcast = lifecycle_find (self->life, written->link);
  if (broadcast != NULL && broadcast->state == BROADCAST_ENDED &&
      written->is_last) {
    lifecycle_forget (self->life, broadcast);
    broadcasts_save_locked (self);
  }
  g_mutex_unlock (&self->lock);
}

/* Writes the row as the book has it. Without the lock: if the registrar is
 * full, it answers within the call. */
static void
write_row (Broadcasts *self, const char *link, gboolean is_last)
{
  g_autoptr (Broadcast) broadcast = copy_broadcast (self, link);
  g_autofree char *id = link_to_uuid (link);
  BroadcastChange change = {
      .link = link,
      .id = id,
      .visibility = "public",
      .node = self->node,
      .origin_url = self->origin_url,
  };
  Written *written;

  if (broadcast == NULL)
    return;
  change.game = broadcast->game;
  change.broadcaster = broadcast->broadcaster;
  change.title = broadcast->title;
  change.state = broadcast->state;
  change.at = broadcast->since;
  change.resume_until = broadcast->resume_until;
  change.reason = broadcast->reason;
  written = g_new (Written, 1);
  written->owner = broadcasts_ref (self);
  written->link = g_strdup (link);
  written->is_last = is_last;
  registrar_write (self->registrar, &change, on_written, written, written_free);
}

/* --- the end ------------------------------------------------------------------------- */

/* A job of the pool `ends`. */
static void
end_job (gpointer data, gpointer user_data)
{
  Broadcasts *self = user_data;
  g_autofree char *link = data;
  g_autoptr (GError) error = NULL;
  gboolean is_stored;

  origin_end (self->origin, link);
  is_stored = link_store_end (self->cache_dir, link, &error);
  if (!is_stored)
    g_message ("%s: its end cannot be stored; the next start tries again: %s",
        link, error->message);
  write_row (self, link, is_stored);
  g_mutex_lock (&self->lock);
  self->n_working--;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
broadcasts_finish_locked (Broadcasts *self, const char *link)
{
  self->n_working++;
  g_thread_pool_push (self->ends, g_strdup (link), NULL);
}

static void
say_ended (const Broadcast *broadcast)
{
  g_message ("%s: \"%s\" has ended (%s)", broadcast->link, broadcast->game,
      broadcast->reason);
}

static Publication *
find_publication_locked (Broadcasts *self, const char *link)
{
  for (guint i = 0; i < self->publications->len; i++) {
    Publication *publication = self->publications->pdata[i];

    if (strcmp (publication->link, link) == 0)
      return publication;
  }
  return NULL;
}

static const char *
describe_end (const char *reason)
{
  return strcmp (reason, "developer") == 0
             ? "The broadcast was ended on the developer's page"
             : "The broadcast was ended by an operator";
}

/* FALSE: it is not here, or over. @publication: its publisher, if any. */
static gboolean
end_in_book (Broadcasts *self, const char *link, const char *reason,
    Publication **publication)
{
  Broadcast *broadcast;
  gboolean ended;

  g_mutex_lock (&self->lock);
  broadcast = lifecycle_find (self->life, link);
  ended = broadcast != NULL &&
          lifecycle_end (self->life, broadcast, reason, g_get_real_time ());
  if (ended) {
    say_ended (broadcast);
    broadcasts_save_locked (self);
    *publication = find_publication_locked (self, link);
    if (*publication != NULL)
      publication_ref (*publication);
  }
  g_mutex_unlock (&self->lock);
  return ended;
}

gboolean
broadcasts_end (Broadcasts *self, const char *link, const char *reason)
{
  g_autoptr (Publication) publication = NULL;

  if (!end_in_book (self, link, reason, &publication))
    return FALSE;
  /* Before its pipeline can call it interrupted. */
  write_row (self, link, FALSE);
  g_mutex_lock (&self->lock);
  if (publication != NULL)
    publication_leave_locked (publication);
  /* Else whoever stops its pipeline finishes it. */
  if (!g_hash_table_contains (self->busy, link))
    broadcasts_finish_locked (self, link);
  g_mutex_unlock (&self->lock);
  if (publication != NULL)
    publication_drop (publication, describe_end (reason));
  return TRUE;
}

/* On the thread of the watch. */
static void
on_end_requested (const char *link, gpointer user_data)
{
  broadcasts_end (user_data, link, "operator");
}

/* --- the clock ------------------------------------------------------------------------ */

static void
expire_locked (Broadcasts *self, gint64 now)
{
  gboolean changed = FALSE;
  Broadcast *broadcast;

  while ((broadcast = lifecycle_expire (self->life, now)) != NULL) {
    say_ended (broadcast);
    if (!g_hash_table_contains (self->busy, broadcast->link))
      broadcasts_finish_locked (self, broadcast->link);
    changed = TRUE;
  }
  if (changed)
    broadcasts_save_locked (self);
}

static void
look_at_health_locked (Broadcasts *self, Publication *publication)
{
  char *health;

  if (publication->run == NULL)
    return;
  health = pipeline_run_tick (publication->run, g_get_monotonic_time ());
  if (health == NULL)
    return;
  g_free (publication->health);
  publication->health = health;
  registrar_write_health (self->registrar, publication->link, health);
}

/* Why it may not go on, or NULL. */
static const char *
find_fault_locked (Broadcasts *self, const Publication *publication, gint64 now)
{
  const Broadcast *broadcast = lifecycle_find (self->life, publication->link);

  if (!keyring_holds (self->keyring, publication->key_id, now))
    return "Its stream key was replaced or revoked";
  if (broadcast != NULL && broadcast->state == BROADCAST_STARTING &&
      now >= broadcast->since + START_PATIENCE)
    return "No picture and no sound came";
  return NULL;
}

/* Of Publication: those that may not go on, with their fault set. */
static GPtrArray *
collect_unfit_locked (Broadcasts *self, gint64 now)
{
  GPtrArray *unfit =
      g_ptr_array_new_with_free_func ((GDestroyNotify)publication_unref);

  for (guint i = 0; i < self->publications->len; i++) {
    Publication *publication = self->publications->pdata[i];

    look_at_health_locked (self, publication);
    publication->fault = find_fault_locked (self, publication, now);
    if (publication->fault != NULL)
      g_ptr_array_add (unfit, publication_ref (publication));
  }
  return unfit;
}

static void
say_unfit_and_leave_locked (Publication *publication)
{
  g_message ("%s: \"%s\" is dropped: %s (%s)", publication->link,
      publication->game, publication->fault, publication->who);
  publication_leave_locked (publication);
}

static void
tell_complaint_locked (Broadcasts *self)
{
  g_autofree char *complaint = state_file_take_complaint (self->state_file);

  if (complaint == NULL || g_strcmp0 (complaint, self->complaint) == 0)
    return;
  g_message (
      "The open broadcasts cannot be kept for the next start: %s", complaint);
  g_free (self->complaint);
  self->complaint = g_steal_pointer (&complaint);
}

static gint64
next_tick_locked (Broadcasts *self, gint64 now)
{
  return MIN (now + TICK, MAX (lifecycle_next (self->life), now));
}

static gboolean
on_clock (gpointer user_data)
{
  Broadcasts *self = user_data;
  gint64 now = g_get_real_time ();
  g_autoptr (GPtrArray) unfit = NULL;
  gint64 wait;

  g_mutex_lock (&self->lock);
  expire_locked (self, now);
  unfit = collect_unfit_locked (self, now);
  tell_complaint_locked (self);
  wait = next_tick_locked (self, now) - now;
  for (guint i = 0; i < unfit->len; i++)
    say_unfit_and_leave_locked (unfit->pdata[i]);
  g_mutex_unlock (&self->lock);
  /* They are gone from the list, so nobody sets their faults any more. */
  for (guint i = 0; i < unfit->len; i++) {
    Publication *publication = unfit->pdata[i];

    publication_drop (publication, publication->fault);
  }
  g_source_set_ready_time (self->clock, g_get_monotonic_time () + wait);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_clock (GSource *source, GSourceFunc func, gpointer user_data)
{
  return func (user_data);
}

static gpointer
run_thread (gpointer user_data)
{
  Broadcasts *self = user_data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* --- who is let in -------------------------------------------------------------------- */

static char *
describe_elsewhere (const Elsewhere *elsewhere)
{
  g_autoptr (GDateTime) until =
      g_date_time_new_from_unix_utc (elsewhere->until / G_USEC_PER_SEC);
  g_autofree char *time = g_date_time_format (until, "%H:%M:%S UTC");

  if (!elsewhere->is_interrupted)
    return g_strdup_printf (
        "You are publishing on the node \"%s\" already", elsewhere->node);
  return g_strdup_printf ("Your broadcast was interrupted on the node \"%s\": "
                          "it goes on only there, or begins anew anywhere "
                          "after %s",
      elsewhere->node, time);
}

static Admission
refuse (Admission admission, char **reason, const char *text)
{
  *reason = g_strdup (text);
  return admission;
}

static Admission
admit_locked (Broadcasts *self, const KeyOwner *owner, Broadcast **broadcast,
    char **reason)
{
  gint64 now = g_get_real_time ();
  g_autoptr (Elsewhere) elsewhere = NULL;
  g_autofree char *link = link_new ();

  if (self->is_closed)
    return refuse (ADMISSION_CLOSED, reason,
        "This node is shutting down; try again in a moment");
  elsewhere = node_watch_find (self->watch, owner->broadcaster, now);
  switch (lifecycle_admit (
      self->life, owner, link, elsewhere != NULL, now, broadcast)) {
    case LIFE_BEGINS:
    case LIFE_GOES_ON:
      return ADMISSION_OK;
    case LIFE_BUSY:
      return refuse (ADMISSION_BUSY, reason,
          "You are publishing already; stop the other one first");
    case LIFE_HELD:
      return refuse (ADMISSION_ENDED, reason,
          "Your broadcast was ended a moment ago; wait 15 s, then start a "
          "new one");
    case LIFE_ELSEWHERE:
      *reason = describe_elsewhere (elsewhere);
      return ADMISSION_ELSEWHERE;
    case LIFE_FULL:
    default:
      return refuse (ADMISSION_FULL, reason,
          "This node has as many publishers as it takes; try again later");
  }
}

static Admission
check_key (Broadcasts *self, const char *key, KeyOwner **owner, char **reason)
{
  *owner = NULL;
  if (!keyring_is_ready (self->keyring))
    return refuse (ADMISSION_CLOSED, reason,
        "This node does not know the stream keys yet; try again in a moment");
  switch (keyring_check (self->keyring, key, g_get_real_time (), owner)) {
    case KEY_VALID:
      return ADMISSION_OK;
    case KEY_REVOKED:
      return refuse (ADMISSION_REVOKED_KEY, reason,
          "This stream key was replaced or revoked; use the new one");
    case KEY_UNKNOWN:
    default:
      return refuse (ADMISSION_UNKNOWN_KEY, reason,
          "There is no such stream key; copy it anew, as a whole");
  }
}

static void
say_refused (
    const char *key, const char *protocol, const char *peer, const char *reason)
{
  char id[STREAM_KEY_ID_LENGTH + 1];

  g_message ("A publisher by %s from %s with key %s is refused: %s", protocol,
      peer, stream_key_redact (key, id), reason);
}

Admission
broadcasts_admit (Broadcasts *self, const char *key, const char *protocol,
    const char *peer, PublicationDropped dropped, gpointer data,
    Publication **publication, char **reason)
{
  g_autoptr (KeyOwner) owner = NULL;
  Broadcast *broadcast;
  Admission admission;

  *publication = NULL;
  *reason = NULL;
  admission = check_key (self, key, &owner, reason);
  if (admission == ADMISSION_OK) {
    g_mutex_lock (&self->lock);
    admission = admit_locked (self, owner, &broadcast, reason);
    if (admission == ADMISSION_OK) {
      *publication =
          publication_new (self, broadcast, protocol, peer, dropped, data);
      g_ptr_array_add (self->publications, publication_ref (*publication));
      broadcasts_save_locked (self);
    }
    g_mutex_unlock (&self->lock);
  }
  if (admission != ADMISSION_OK)
    say_refused (key, protocol, peer, *reason);
  return admission;
}

/* --- looking at it -------------------------------------------------------------------- */

void
broadcast_status_free (BroadcastStatus *status)
{
  g_free (status->link);
  g_free (status->game);
  g_free (status->title);
  g_free (status->protocol);
  g_free (status->health);
  g_clear_pointer (&status->packager, gst_structure_free);
  g_clear_pointer (&status->cache, gst_structure_free);
  g_clear_pointer (&status->origin, gst_structure_free);
  g_free (status);
}

static void
add_publication_locked (BroadcastStatus *status, Publication *publication)
{
  status->protocol = g_strdup (publication->protocol);
  if (publication->health != NULL) {
    g_free (status->health);
    status->health = g_strdup (publication->health);
  }
  if (publication->run == NULL)
    return;
  status->bytes = pipeline_run_get_bytes (publication->run);
  status->packager = pipeline_run_get_stats (publication->run, "cmafpackager");
  status->cache = pipeline_run_get_stats (publication->run, "cachesink");
  status->origin = pipeline_run_get_stats (publication->run, "cdnoriginsink");
}

static BroadcastStatus *
status_new_locked (Broadcasts *self, const Broadcast *broadcast)
{
  BroadcastStatus *status = g_new0 (BroadcastStatus, 1);
  Publication *publication = find_publication_locked (self, broadcast->link);

  status->link = g_strdup (broadcast->link);
  status->game = g_strdup (broadcast->game);
  status->title = g_strdup (broadcast->title);
  status->state = broadcast->state;
  status->since = broadcast->since;
  status->resume_until = broadcast->resume_until;
  status->health = g_strdup ("[]");
  if (publication != NULL)
    add_publication_locked (status, publication);
  return status;
}

GPtrArray *
broadcasts_list (Broadcasts *self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_status_free);
  const GPtrArray *all;

  g_mutex_lock (&self->lock);
  all = lifecycle_get_all (self->life);
  for (guint i = 0; i < all->len; i++) {
    const Broadcast *broadcast = all->pdata[i];

    if (broadcast->state != BROADCAST_ENDED)
      g_ptr_array_add (list, status_new_locked (self, broadcast));
  }
  g_mutex_unlock (&self->lock);
  return list;
}

gint64
broadcasts_get_last_read (Broadcasts *self, const char *link)
{
  return origin_get_last_read (self->origin, link);
}

void
broadcasts_forget_media (Broadcasts *self, const char *link)
{
  origin_forget (self->origin, link);
}

/* --- start and stop ------------------------------------------------------------------- */

static void
put_on_air (Broadcasts *self, const Broadcast *broadcast, gint64 now)
{
  OriginWindow window = {
      .memory_window = ORIGIN_MEMORY_WINDOW,
      .dvr_window = self->dvr_window,
      .append_grace = ORIGIN_APPEND_GRACE,
  };
  OriginBroadcast *held =
      origin_publish (self->origin, broadcast->link, &window, NULL);

  if (held != NULL)
    origin_broadcast_leave (
        held, (guint64)(broadcast->resume_until - now) * NS_PER_US);
}

/* Takes @broadcast. */
static void
restore_one (Broadcasts *self, Broadcast *broadcast, gint64 now)
{
  g_autofree char *link = g_strdup (broadcast->link);
  g_autoptr (GError) error = NULL;
  gint64 last_media = 0;

  if (broadcast->state != BROADCAST_ENDED &&
      !link_store_recover (self->cache_dir, link, &last_media, &error))
    g_message ("%s: its store cannot be used: %s", link, error->message);
  g_mutex_lock (&self->lock);
  broadcast = lifecycle_restore (self->life, broadcast, last_media, now);
  if (broadcast != NULL && broadcast->state == BROADCAST_ENDED) {
    broadcasts_finish_locked (self, link);
  } else if (broadcast != NULL && now < broadcast->resume_until) {
    put_on_air (self, broadcast, now);
    g_message ("%s: \"%s\" was interrupted; its publisher has %.0f s to come "
               "back",
        link, broadcast->game,
        (double)(broadcast->resume_until - now) / G_USEC_PER_SEC);
  }
  g_mutex_unlock (&self->lock);
  write_row (self, link, FALSE);
}

/* Nobody else knows the book yet. */
static gboolean
restore (Broadcasts *self, const char *path, GError **error)
{
  g_autoptr (GPtrArray) broadcasts = NULL;
  g_autofree char *complaint = NULL;
  gint64 now = g_get_real_time ();

  self->state_file = state_file_open (path, &broadcasts, &complaint, error);
  if (self->state_file == NULL)
    return FALSE;
  if (complaint != NULL)
    g_message ("%s", complaint);
  g_ptr_array_set_free_func (broadcasts, NULL);
  for (guint i = 0; i < broadcasts->len; i++)
    restore_one (self, broadcasts->pdata[i], now);
  g_mutex_lock (&self->lock);
  expire_locked (self, now);
  broadcasts_save_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static Broadcasts *
alloc (const BroadcastsSettings *settings, Keyring *keyring)
{
  Broadcasts *self = g_new0 (Broadcasts, 1);
  LifecycleRules rules = {
      .resume_window = (gint64)(settings->resume_window / NS_PER_US),
      .end_hold = END_HOLD,
      .max_publishers = settings->max_publishers,
  };

  g_atomic_ref_count_init (&self->refs);
  self->node = g_strdup (settings->node);
  self->conninfo = g_strdup (settings->conninfo);
  self->cache_dir = g_strdup (settings->cache_dir);
  self->origin_address = g_strdup (settings->origin_address);
  self->origin_url = g_strdup (settings->origin_url);
  self->dvr_window = settings->dvr_window;
  self->notify_after = settings->notify_after;
  self->quiet_period = settings->quiet_period;
  self->resume_window = settings->resume_window;
  self->get_pipeline = settings->get_pipeline;
  self->data = settings->data;
  self->keyring = keyring;
  self->life = lifecycle_new (&rules);
  self->publications =
      g_ptr_array_new_with_free_func ((GDestroyNotify)publication_unref);
  self->busy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  /* One thread for each pipeline that stops, so that a stalled one keeps nobody
   * else waiting: as many as there are publishers. */
  self->stops = g_thread_pool_new (publication_stop_job, self, -1, FALSE, NULL);
  self->ends = g_thread_pool_new_full (end_job, self, g_free, 1, FALSE, NULL);
  return self;
}

static void
start_thread (Broadcasts *self)
{
  static GSourceFuncs funcs = {.dispatch = dispatch_clock};

  self->clock = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (self->clock, on_clock, self, NULL);
  g_source_set_ready_time (self->clock, 0);
  g_source_attach (self->clock, self->context);
  self->thread = g_thread_new ("broadcasts", run_thread, self);
}

Broadcasts *
broadcasts_new (
    const BroadcastsSettings *settings, Keyring *keyring, GError **error)
{
  Broadcasts *self = alloc (settings, keyring);

  self->registrar = registrar_acquire (settings->conninfo);
  self->origin =
      origin_acquire (settings->origin_address, settings->origin_port, error);
  if (self->origin == NULL ||
      !origin_set_cache_dir (self->origin, settings->cache_dir, error) ||
      !restore (self, settings->state_file, error)) {
    broadcasts_free (self, 0);
    return NULL;
  }
  start_thread (self);
  self->watch = node_watch_new (self->conninfo, self->node,
      (gint64)(self->resume_window / NS_PER_US), on_end_requested, self);
  return self;
}

/* Each as the ingest would have done it. */
static void
leave_all_locked (Broadcasts *self)
{
  while (self->publications->len > 0)
    publication_leave_locked (self->publications->pdata[0]);
}

static void
join_thread (Broadcasts *self)
{
  if (self->thread == NULL)
    return;
  g_source_destroy (self->clock);
  main_loop_end (self->loop);
  g_thread_join (self->thread);
  g_source_unref (self->clock);
}

void
broadcasts_free (Broadcasts *self, gint64 patience)
{
  gint64 deadline = g_get_monotonic_time () + patience;

  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->is_closed = TRUE;
  g_mutex_unlock (&self->lock);
  node_watch_free (self->watch);
  g_mutex_lock (&self->lock);
  leave_all_locked (self);
  while (self->n_working > 0 &&
         g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  g_mutex_unlock (&self->lock);
  join_thread (self);
  /* Stopping is bounded by itself, so this ends; what has not begun is for the
   * next start. */
  g_thread_pool_free (self->stops, FALSE, TRUE);
  g_thread_pool_free (self->ends, TRUE, TRUE);
  registrar_unref (self->registrar);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->state_file, state_file_free);
  g_mutex_unlock (&self->lock);
  origin_unref (self->origin);
  broadcasts_unref (self);
}
