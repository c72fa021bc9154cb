/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One publisher: from its admission to the last byte of its pipeline. */

#include <gio/gio.h>

#include "broadcasts-private.h"
#include "description.h"
#include "linkstore.h"

/* How long a pipeline has to come to its end: what it holds back is a frame and
 * a part, and the disk may have to catch up. */
#define STOP_PATIENCE (3 * G_USEC_PER_SEC)
/* How long a publisher that returns waits for the pipeline it left, with what
 * cachesink takes for a disk that stalls. */
#define FORMER_PATIENCE (10 * G_USEC_PER_SEC)
/* A link stays on air while its publisher, who came at the end of the window,
 * has yet to send the first picture. */
#define START_GRACE (60 * GST_SECOND)

typedef struct {
  PipelineRun *run;
  char *link;
} Stop;

Publication *
publication_new (Broadcasts *broadcasts, const Broadcast *broadcast,
    const char *protocol, const char *peer, PublicationDropped dropped,
    gpointer data)
{
  Publication *self = g_new0 (Publication, 1);

  g_atomic_ref_count_init (&self->refs);
  self->owner = broadcasts_ref (broadcasts);
  self->link = g_strdup (broadcast->link);
  self->game = g_strdup (broadcast->game);
  self->who = g_strdup_printf ("%s, by %s from %s with key %s",
      broadcast->broadcaster_name, protocol, peer, broadcast->key_id);
  self->protocol = g_strdup (protocol);
  self->key_id = g_strdup (broadcast->key_id);
  self->dropped = dropped;
  self->data = data;
  g_rec_mutex_init (&self->drop_lock);
  return self;
}

Publication *
publication_ref (Publication *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
publication_unref (Publication *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_rec_mutex_clear (&self->drop_lock);
  gst_clear_object (&self->source);
  broadcasts_unref (self->owner);
  g_free (self->link);
  g_free (self->game);
  g_free (self->who);
  g_free (self->protocol);
  g_free (self->key_id);
  g_free (self->health);
  g_free (self);
}

/* --- its end ---------------------------------------------------------------------- */

static void
queue_stop_locked (Broadcasts *owner, PipelineRun *run, const char *link)
{
  Stop *stop = g_new (Stop, 1);

  stop->run = run;
  stop->link = g_strdup (link);
  g_hash_table_add (owner->busy, g_strdup (link));
  owner->n_working++;
  g_thread_pool_push (owner->stops, stop, NULL);
}

/* Nothing starts or stops any more. */
static void
settle_locked (Broadcasts *owner, const char *link)
{
  const Broadcast *broadcast = lifecycle_find (owner->life, link);

  g_hash_table_remove (owner->busy, link);
  if (broadcast != NULL && broadcast->state == BROADCAST_ENDED)
    broadcasts_finish_locked (owner, link);
  g_cond_broadcast (&owner->changed);
}

void
publication_stop_job (gpointer data, gpointer user_data)
{
  Broadcasts *owner = user_data;
  Stop *stop = data;

  if (!pipeline_run_stop (stop->run, STOP_PATIENCE))
    g_message ("%s: its pipeline did not come to an end and was stopped; the "
               "last second may be missing",
        stop->link);
  g_mutex_lock (&owner->lock);
  settle_locked (owner, stop->link);
  owner->n_working--;
  g_mutex_unlock (&owner->lock);
  g_free (stop->link);
  g_free (stop);
}

static void
say_left (Publication *self, const Broadcast *broadcast)
{
  gint64 left = broadcast->resume_until - g_get_real_time ();

  g_message ("%s: \"%s\" is interrupted for at most %.0f s (%s)", self->link,
      self->game, (double)MAX (left, 0) / G_USEC_PER_SEC, self->who);
}

void
publication_leave_locked (Publication *self)
{
  Broadcasts *owner = self->owner;
  Broadcast *broadcast = lifecycle_find (owner->life, self->link);
  gint64 now = g_get_real_time ();

  if (self->is_gone)
    return;
  self->is_gone = TRUE;
  if (broadcast != NULL && !self->is_started)
    lifecycle_retract (owner->life, broadcast, now);
  else if (broadcast != NULL && lifecycle_leave (owner->life, broadcast, now))
    say_left (self, broadcast);
  if (self->run != NULL)
    queue_stop_locked (owner, g_steal_pointer (&self->run), self->link);
  broadcasts_save_locked (owner);
  g_ptr_array_remove (owner->publications, self);
}

void
publication_drop (Publication *self, const char *reason)
{
  PublicationDropped dropped;

  g_rec_mutex_lock (&self->drop_lock);
  dropped = g_steal_pointer (&self->dropped);
  if (dropped != NULL)
    dropped (self, reason, self->data);
  g_rec_mutex_unlock (&self->drop_lock);
}

void
publication_end (Publication *self)
{
  g_rec_mutex_lock (&self->drop_lock);
  self->dropped = NULL;
  g_rec_mutex_unlock (&self->drop_lock);
  g_mutex_lock (&self->owner->lock);
  publication_leave_locked (self);
  g_mutex_unlock (&self->owner->lock);
  publication_unref (self);
}

/* --- what the bus tells -------------------------------------------------------------- */

static void
on_live (gpointer user_data)
{
  Publication *self = user_data;
  Broadcasts *owner = self->owner;
  Broadcast *broadcast;

  g_mutex_lock (&owner->lock);
  broadcast = lifecycle_find (owner->life, self->link);
  if (broadcast != NULL && !self->is_gone &&
      lifecycle_live (owner->life, broadcast, g_get_real_time ())) {
    g_message ("%s: \"%s\" is on air (%s)", self->link, self->game, self->who);
    broadcasts_save_locked (owner);
  }
  g_mutex_unlock (&owner->lock);
}

static void
on_over (const char *reason, gpointer user_data)
{
  Publication *self = user_data;
  Broadcasts *owner = self->owner;

  g_mutex_lock (&owner->lock);
  if (!self->is_gone)
    g_message ("%s: \"%s\" stopped: %s", self->link, self->game, reason);
  publication_leave_locked (self);
  g_mutex_unlock (&owner->lock);
  publication_drop (self, reason);
}

/* By somebody who wrote it into the database while this node was away. */
static void
on_ended (gpointer user_data)
{
  Publication *self = user_data;

  broadcasts_end (self->owner, self->link, "operator");
}

static void
on_warned (const char *text, gpointer user_data)
{
  Publication *self = user_data;

  g_message ("%s: \"%s\": %s", self->link, self->game, text);
}

/* --- its start ---------------------------------------------------------------------- */

/* A publisher that returns at once must not be refused because what it left has
 * yet to be stored. */
static gboolean
wait_for_former (Publication *self, GError **error)
{
  Broadcasts *owner = self->owner;
  gint64 deadline = g_get_monotonic_time () + FORMER_PATIENCE;
  gboolean is_free = TRUE;

  g_mutex_lock (&owner->lock);
  while (is_free && g_hash_table_contains (owner->busy, self->link))
    is_free = g_cond_wait_until (&owner->changed, &owner->lock, deadline);
  g_mutex_unlock (&owner->lock);
  if (!is_free)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
        "What was sent before has yet to be stored; try again");
  return is_free;
}

static void
set (GHashTable *variables, const char *name, const char *value)
{
  g_hash_table_insert (variables, g_strdup (name), g_strdup (value));
}

static void
set_number (GHashTable *variables, const char *name, guint64 value)
{
  g_hash_table_insert (variables, g_strdup (name),
      g_strdup_printf ("%" G_GUINT64_FORMAT, value));
}

static void
set_ended (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
      "The broadcast was ended in the meantime");
}

/* Else its own timer would end the link on air under a publisher who came
 * within the window and sends its first picture after it. */
static void
prolong_on_air (Publication *self)
{
  OriginWindow window = {
      .memory_window = ORIGIN_MEMORY_WINDOW,
      .dvr_window = self->owner->dvr_window,
      .append_grace = ORIGIN_APPEND_GRACE,
  };
  OriginBroadcast *held =
      origin_publish (self->owner->origin, self->link, &window, NULL);

  if (held != NULL)
    origin_broadcast_leave (held, self->owner->resume_window + START_GRACE);
}

static gboolean
set_broadcast (Publication *self, GHashTable *variables, GError **error)
{
  Broadcasts *owner = self->owner;
  const Broadcast *broadcast;

  g_mutex_lock (&owner->lock);
  broadcast = lifecycle_find (owner->life, self->link);
  if (broadcast != NULL && !self->is_gone) {
    self->is_started = TRUE;
    g_hash_table_add (owner->busy, g_strdup (self->link));
    if (broadcast->resume_until != 0)
      prolong_on_air (self);
    set (variables, "game", broadcast->game);
    set (variables, "title", broadcast->title);
    set_number (variables, "broadcaster", (guint64)broadcast->broadcaster);
  } else {
    set_ended (error);
  }
  g_mutex_unlock (&owner->lock);
  return g_hash_table_contains (variables, "game");
}

static GHashTable *
make_variables (Publication *self, const char *source, GError **error)
{
  Broadcasts *owner = self->owner;
  g_autoptr (GHashTable) variables =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  LinkTail tail;

  if (!link_store_get_tail (owner->cache_dir, self->link, &tail, error) ||
      !set_broadcast (self, variables, error))
    return NULL;
  set (variables, "source", source);
  set (variables, "link", self->link);
  set (variables, "database", owner->conninfo);
  set (variables, "visibility", "public");
  set (variables, "node", owner->node);
  set (variables, "origin-url",
      owner->origin_url != NULL ? owner->origin_url : "");
  set_number (variables, "resume-window", owner->resume_window);
  set_number (variables, "first-msn", tail.first_msn);
  set_number (variables, "first-time", tail.first_time);
  set_number (variables, "epoch", tail.epoch);
  set (variables, "cache-dir", owner->cache_dir);
  set (variables, "origin-address", owner->origin_address);
  set_number (variables, "origin-port", origin_get_port (owner->origin));
  set_number (variables, "dvr-window", owner->dvr_window);
  set_number (variables, "notify-after", owner->notify_after);
  set_number (variables, "quiet-period", owner->quiet_period);
  return g_steal_pointer (&variables);
}

static PipelineRun *
run_pipeline (Publication *self, const char *source, GError **error)
{
  static const PipelineRunEvents events = {
      .live = on_live,
      .over = on_over,
      .ended = on_ended,
      .warned = on_warned,
  };
  Broadcasts *owner = self->owner;
  g_autofree char *path = owner->get_pipeline (self->game, owner->data);
  g_autoptr (GHashTable) variables = make_variables (self, source, error);
  GstElement *pipeline;

  if (variables == NULL)
    return NULL;
  pipeline = description_launch (path, variables, error);
  if (pipeline == NULL)
    return NULL;
  return pipeline_run_start (pipeline, owner->context, &events,
      publication_ref (self), (GDestroyNotify)publication_unref, error);
}

gboolean
publication_start (Publication *self, const char *source, GError **error)
{
  Broadcasts *owner = self->owner;
  gboolean runs = FALSE;
  PipelineRun *run;

  if (!wait_for_former (self, error))
    return FALSE;
  run = run_pipeline (self, source, error);
  g_mutex_lock (&owner->lock);
  if (run != NULL && self->is_gone) {
    set_ended (error);
    queue_stop_locked (owner, run, self->link);
  } else if (self->is_started) {
    runs = run != NULL;
    self->run = run;
    self->source = runs ? pipeline_run_get_source (run) : NULL;
    settle_locked (owner, self->link);
  }
  g_mutex_unlock (&owner->lock);
  return runs;
}

GstElement *
publication_get_source (Publication *self)
{
  GstElement *source = NULL;

  g_mutex_lock (&self->owner->lock);
  gst_object_replace ((GstObject **)&source, (GstObject *)self->source);
  g_mutex_unlock (&self->owner->lock);
  return source;
}

const char *
publication_get_link (Publication *self)
{
  return self->link;
}
