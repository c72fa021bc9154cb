/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "registrar.h"

#include <string.h>

#include "pgworker.h"

#define PATIENCE G_USEC_PER_SEC

/* A change that waits, is being written, or needs a lease. Once it is in an
 * entry, only what says so changes. */
typedef struct {
  guint refs;             /* with lock */
  gboolean is_answered;   /* with lock: its `done` was or is being called */
  BroadcastChange change; /* its strings are ours */
  gint64 created_at;      /* of the first that is in here */
  gint64 started_at;      /* us since 1970, 0: not live so far */
  RegistrarDone done;
  gpointer data;
  GDestroyNotify destroy; /* NULL after it was called */
} Change;

/* What is known of a link, as one node tells it. */
typedef struct {
  char *key;
  Change *next;  /* to be written, or NULL */
  Change *after; /* to be written after `next`, which is an end then */
  Change *open;  /* the last one written, if it needs a lease */
  gboolean is_queued;
} Entry;

struct _Registrar {
  char *conninfo;
  guint refs; /* with registry_lock */
  PgWorker *worker;

  GMutex lock;
  /* with lock */
  GHashTable *entries; /* key -> Entry */
  GQueue queue;        /* of Entry; for each a job of the worker */
  GHashTable *health;  /* link -> GRefString of JSON; as well */
  char *problem;       /* why there is no connection, or NULL */
};

static GMutex registry_lock; /* taken before a registrar's */
static GHashTable *registry; /* conninfo -> Registrar */

const char *
broadcast_state_to_string (BroadcastState state)
{
  static const char *const names[] = {
      "starting", "live", "interrupted", "ended"};

  return names[state];
}

static gboolean
needs_lease (const Change *change)
{
  return change->change.state == BROADCAST_STARTING ||
         change->change.state == BROADCAST_LIVE;
}

/* --- changes ---------------------------------------------------------------- */

static Change *
change_new (const BroadcastChange *change, RegistrarDone done, gpointer data,
    GDestroyNotify destroy)
{
  Change *self = g_new0 (Change, 1);
  BroadcastChange *c = &self->change;

  *c = *change;
  c->link = g_strdup (change->link);
  c->id = g_strdup (change->id);
  c->game = g_strdup (change->game);
  c->title = g_strdup (change->title);
  c->visibility = g_strdup (change->visibility);
  c->node = g_strdup (change->node);
  c->origin_url = g_strdup (change->origin_url);
  c->reason = g_strdup (change->reason);
  self->refs = 1;
  self->created_at = change->at;
  self->started_at = change->state == BROADCAST_LIVE ? change->at : 0;
  self->done = done;
  self->data = data;
  self->destroy = destroy;
  return self;
}

static void
change_free (gpointer data)
{
  Change *self = data;
  BroadcastChange *c = &self->change;

  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free ((char *)c->link);
  g_free ((char *)c->id);
  g_free ((char *)c->game);
  g_free ((char *)c->title);
  g_free ((char *)c->visibility);
  g_free ((char *)c->node);
  g_free ((char *)c->origin_url);
  g_free ((char *)c->reason);
  g_free (self);
}

/* Without the lock. */
static void
change_tell (Change *self, RegistrarAnswer answer, const char *detail)
{
  if (self->done != NULL)
    self->done (answer, detail, self->data);
  if (self->destroy != NULL)
    self->destroy (self->data);
  self->destroy = NULL;
}

/* With the lock held. Puts it into @garbage if it was the last reference, since
 * `destroy` is a foreign function and must be called without the lock. */
static void
change_unref_locked (Change *self, GPtrArray *garbage)
{
  if (self != NULL && --self->refs == 0)
    g_ptr_array_add (garbage, self);
}

static Change *
change_ref_locked (Change *self)
{
  self->refs++;
  return self;
}

/* @newer takes the place of @older: what must not be lost goes along. */
static void
change_supersede (Change *newer, const Change *older)
{
  newer->created_at = older->created_at;
  if (older->started_at != 0)
    newer->started_at = older->started_at;
}

/* --- entries ---------------------------------------------------------------- */

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->key);
  g_free (entry);
}

static void enqueue_locked (Registrar *registrar, Entry *entry);

/* Takes @change. */
static void
entry_add_locked (Entry *entry, Change *change, GPtrArray *garbage)
{
  Change **slot = &entry->next;

  if (entry->next != NULL && entry->next->change.state == BROADCAST_ENDED)
    slot = &entry->after;
  if (*slot != NULL)
    change_supersede (change, *slot);
  else if (slot == &entry->next && entry->open != NULL)
    change_supersede (change, entry->open);
  change_unref_locked (*slot, garbage);
  *slot = change;
}

/* @change, which the entry may have replaced meanwhile, was answered. */
static void
entry_answered_locked (
    Entry *entry, Change *change, RegistrarAnswer answer, GPtrArray *garbage)
{
  gboolean is_open = needs_lease (change) && (answer == REGISTRAR_WRITTEN ||
                                                 answer == REGISTRAR_FAILED);

  if (entry->next == change) {
    change_unref_locked (entry->next, garbage);
    entry->next = g_steal_pointer (&entry->after);
  }
  if (entry->open == change && is_open)
    return;
  change_unref_locked (entry->open, garbage);
  entry->open = is_open ? change_ref_locked (change) : NULL;
}

/* --- database --------------------------------------------------------------- */

#define TIME(n) "timestamptz 'epoch' + " n "::bigint * interval '1 us'"
#define INTERVAL(n) n "::bigint * interval '1 us'"

static const char set_state_sql[] =
    "SELECT wishcast.set_state ($1::uuid, $2, $3, $4::bigint, $5, $6, $7, $8, "
    "$9, " TIME ("$10") ", " INTERVAL ("$11") ", " TIME ("$12") ", $13, " TIME (
        "$14") ", " TIME ("$15") ")";

static RegistrarAnswer
parse_answer (const char *text)
{
  static const struct {
    const char *text;
    RegistrarAnswer answer;
  } answers[] = {
      {"written", REGISTRAR_WRITTEN},
      {"elsewhere", REGISTRAR_ELSEWHERE},
      {"ended", REGISTRAR_OVER},
      {"no-game", REGISTRAR_NO_GAME},
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    if (g_strcmp0 (text, answers[i].text) == 0)
      return answers[i].answer;
  return REGISTRAR_FAILED;
}

/* NULL for 0. @buffer takes it. */
static const char *
format (char buffer[24], gint64 number)
{
  if (number == 0)
    return NULL;
  g_snprintf (buffer, 24, "%" G_GINT64_FORMAT, number);
  return buffer;
}

static PgRows *
set_state (PgConnection *connection, const Change *change, GError **error)
{
  const BroadcastChange *c = &change->change;
  char broadcaster[24], at[24], lease[24], resume_until[24], created_at[24];
  char started_at[24];
  const char *values[] = {c->id, c->link, c->game,
      format (broadcaster, c->broadcaster), c->title, c->visibility, c->node,
      c->origin_url, broadcast_state_to_string (c->state), format (at, c->at),
      format (lease, REGISTRAR_LEASE), format (resume_until, c->resume_until),
      c->reason, format (created_at, change->created_at),
      format (started_at, change->started_at)};

  return pg_connection_query (
      connection, set_state_sql, G_N_ELEMENTS (values), values, error);
}

/* A job: the change of the entry at the head of the queue. It stays there until
 * it is answered, so if this fails, the newest is written then. */
static gboolean
write_next (PgConnection *connection, gpointer data, GError **error)
{
  Registrar *registrar = data;
  g_autoptr (GPtrArray) garbage = g_ptr_array_new_with_free_func (change_free);
  g_autoptr (GError) reason = NULL;
  g_autoptr (PgRows) rows = NULL;
  RegistrarAnswer answer = REGISTRAR_FAILED;
  gboolean is_first;
  Change *change;
  Entry *entry;

  g_mutex_lock (&registrar->lock);
  entry = g_queue_peek_head (&registrar->queue);
  change = change_ref_locked (entry->next ? entry->next : entry->open);
  g_mutex_unlock (&registrar->lock);

  rows = set_state (connection, change, &reason);
  if (rows != NULL)
    answer = parse_answer (pg_rows_get (rows, 0, 0));
  else if (pg_error_is_transient (reason)) {
    g_mutex_lock (&registrar->lock);
    change_unref_locked (change, garbage);
    g_mutex_unlock (&registrar->lock);
    g_propagate_error (error, g_steal_pointer (&reason));
    return FALSE;
  }

  g_mutex_lock (&registrar->lock);
  is_first = !change->is_answered;
  change->is_answered = TRUE;
  g_queue_pop_head (&registrar->queue);
  entry->is_queued = FALSE;
  entry_answered_locked (entry, change, answer, garbage);
  if (entry->next != NULL)
    enqueue_locked (registrar, entry);
  else if (entry->open == NULL)
    g_hash_table_remove (registrar->entries, entry->key);
  g_mutex_unlock (&registrar->lock);

  if (is_first)
    change_tell (change, answer, reason != NULL ? reason->message : NULL);
  g_mutex_lock (&registrar->lock);
  change_unref_locked (change, garbage);
  g_mutex_unlock (&registrar->lock);
  return TRUE;
}

/* A job: the health of any link that has news. */
static gboolean
write_health (PgConnection *connection, gpointer data, GError **error)
{
  Registrar *registrar = data;
  g_autofree char *link = NULL;
  g_autoptr (PgRows) rows = NULL;
  g_autoptr (GError) reason = NULL;
  GHashTableIter iter;
  gpointer key, value;
  char *json;

  g_mutex_lock (&registrar->lock);
  g_hash_table_iter_init (&iter, registrar->health);
  g_hash_table_iter_next (&iter, &key, &value);
  link = g_strdup (key);
  json = g_ref_string_acquire (value);
  g_mutex_unlock (&registrar->lock);

  rows = pg_connection_query (connection,
      "UPDATE wishcast.broadcast SET health = $2::jsonb WHERE link = $1", 2,
      (const char *[]){link, json}, &reason);
  if (rows == NULL && pg_error_is_transient (reason)) {
    g_ref_string_release (json);
    g_propagate_error (error, g_steal_pointer (&reason));
    return FALSE;
  }
  if (rows == NULL)
    g_debug ("The health of %s was not written: %s", link, reason->message);

  g_mutex_lock (&registrar->lock);
  if (g_hash_table_lookup (registrar->health, link) == json)
    g_hash_table_remove (registrar->health, link);
  else
    pg_worker_run (registrar->worker, write_health, NULL, registrar, NULL);
  g_mutex_unlock (&registrar->lock);
  g_ref_string_release (json);
  return TRUE;
}

/* --- notices ---------------------------------------------------------------- */

typedef struct {
  BroadcastNotice notice; /* its strings are ours */
  RegistrarFiled filed;
  gpointer data;
  GDestroyNotify destroy;
} Filing;

static void
filing_free (gpointer data)
{
  Filing *filing = data;

  if (filing->destroy != NULL)
    filing->destroy (filing->data);
  g_free ((char *)filing->notice.link);
  g_free ((char *)filing->notice.id);
  g_free ((char *)filing->notice.game);
  g_free (filing);
}

/* A job. */
static gboolean
file_notice (PgConnection *connection, gpointer data, GError **error)
{
  Filing *filing = data;
  const BroadcastNotice *n = &filing->notice;
  char at[24], quiet[24];
  const char *values[] = {n->id, n->link, n->game, format (at, n->at),
      n->quiet_period > 0 ? format (quiet, n->quiet_period) : "0"};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT wishcast.file_notification ($1::uuid, $2, $3, " TIME (
          "$4") ", " INTERVAL ("$5") ")",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL)
    return FALSE;
  filing->filed (pg_rows_get (rows, 0, 0), NULL, filing->data);
  return TRUE;
}

static void
notice_filed (const GError *error, gpointer data)
{
  Filing *filing = data;

  if (error != NULL)
    filing->filed (NULL, error->message, filing->data);
}

/* --- leases ----------------------------------------------------------------- */

static char *
make_key (const char *node, const char *link)
{
  return g_strconcat (link, "\n", node, NULL);
}

/* Node -> the links that it has open, as an array for PostgreSQL. No character
 * of a link means something in one. (transfer full) */
static GHashTable *
list_open (Registrar *registrar)
{
  GHashTable *nodes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&registrar->lock);
  g_hash_table_iter_init (&iter, registrar->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Entry *entry = value;
    const BroadcastChange *open = entry->open ? &entry->open->change : NULL;
    const char *links;

    if (open == NULL)
      continue;
    links = g_hash_table_lookup (nodes, open->node);
    g_hash_table_replace (nodes, g_strdup (open->node),
        g_strconcat (links ? links : "", links ? "," : "", open->link, NULL));
  }
  g_mutex_unlock (&registrar->lock);
  return nodes;
}

/* The database thinks that the link is not on air: tell it again. */
static void
tell_again (Registrar *registrar, const char *node, const char *link)
{
  g_autofree char *key = make_key (node, link);
  Entry *entry;

  g_mutex_lock (&registrar->lock);
  entry = g_hash_table_lookup (registrar->entries, key);
  if (entry != NULL && entry->open != NULL)
    enqueue_locked (registrar, entry);
  g_mutex_unlock (&registrar->lock);
}

static gboolean
renew_leases (PgConnection *connection, gpointer data, GError **error)
{
  Registrar *registrar = data;
  g_autoptr (GHashTable) nodes = list_open (registrar);
  GHashTableIter iter;
  gpointer node, links;
  char lease[24];

  g_hash_table_iter_init (&iter, nodes);
  while (g_hash_table_iter_next (&iter, &node, &links)) {
    g_autofree char *array = g_strdup_printf ("{%s}", (char *)links);
    const char *values[] = {node, array, format (lease, REGISTRAR_LEASE)};
    g_autoptr (PgRows) rows = pg_connection_query (connection,
        "SELECT wishcast.renew_leases ($1, $2, " INTERVAL ("$3") ")", 3, values,
        error);

    if (rows == NULL)
      return FALSE;
    for (guint i = 0; i < pg_rows_count (rows); i++)
      tell_again (registrar, node, pg_rows_get (rows, i, 0));
  }
  return TRUE;
}

/* What is missing in the database is found again by renewing. A database
 * without tables is no reason to be without a connection. */
static gboolean
connected (PgConnection *connection, gpointer data, GError **error)
{
  Registrar *registrar = data;
  g_autoptr (GError) reason = NULL;

  g_mutex_lock (&registrar->lock);
  g_clear_pointer (&registrar->problem, g_free);
  g_mutex_unlock (&registrar->lock);
  if (renew_leases (connection, data, &reason) ||
      !pg_error_is_transient (reason))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static void
lost (const GError *error, gpointer data)
{
  Registrar *registrar = data;

  g_mutex_lock (&registrar->lock);
  g_free (registrar->problem);
  registrar->problem = g_strdup (error->message);
  g_mutex_unlock (&registrar->lock);
}

/* --- public ----------------------------------------------------------------- */

static void
enqueue_locked (Registrar *registrar, Entry *entry)
{
  if (entry->is_queued)
    return;
  entry->is_queued = TRUE;
  g_queue_push_tail (&registrar->queue, entry);
  pg_worker_run (registrar->worker, write_next, NULL, registrar, NULL);
}

static Registrar *
registrar_new (const char *conninfo)
{
  static const PgWorkerEvents events = {.connected = connected, .lost = lost};
  Registrar *registrar = g_new0 (Registrar, 1);

  registrar->conninfo = g_strdup (conninfo);
  registrar->refs = 1;
  g_mutex_init (&registrar->lock);
  registrar->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  registrar->health = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ref_string_release);
  registrar->worker =
      pg_worker_new ("registrar", conninfo, NULL, &events, registrar);
  pg_worker_add_timer (
      registrar->worker, REGISTRAR_RENEWAL / 1000, renew_leases, registrar);
  return registrar;
}

static void
registrar_free (Registrar *registrar)
{
  g_autoptr (GPtrArray) garbage = g_ptr_array_new_with_free_func (change_free);
  GHashTableIter iter;
  gpointer value;

  pg_worker_free (registrar->worker, PATIENCE);
  g_hash_table_iter_init (&iter, registrar->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Entry *entry = value;

    change_unref_locked (entry->next, garbage);
    change_unref_locked (entry->after, garbage);
    change_unref_locked (entry->open, garbage);
  }
  g_queue_clear (&registrar->queue);
  g_hash_table_unref (registrar->entries);
  g_hash_table_unref (registrar->health);
  g_mutex_clear (&registrar->lock);
  g_free (registrar->problem);
  g_free (registrar->conninfo);
  g_free (registrar);
}

Registrar *
registrar_acquire (const char *conninfo)
{
  Registrar *registrar;

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  registrar = g_hash_table_lookup (registry, conninfo);
  if (registrar != NULL) {
    registrar->refs++;
  } else {
    registrar = registrar_new (conninfo);
    g_hash_table_insert (registry, registrar->conninfo, registrar);
  }
  g_mutex_unlock (&registry_lock);
  return registrar;
}

Registrar *
registrar_ref (Registrar *registrar)
{
  g_mutex_lock (&registry_lock);
  registrar->refs++;
  g_mutex_unlock (&registry_lock);
  return registrar;
}

void
registrar_unref (Registrar *registrar)
{
  g_mutex_lock (&registry_lock);
  if (--registrar->refs == 0) {
    g_hash_table_remove (registry, registrar->conninfo);
    registrar_free (registrar);
    if (g_hash_table_size (registry) == 0)
      g_clear_pointer (&registry, g_hash_table_unref);
  }
  g_mutex_unlock (&registry_lock);
}

void
registrar_write (Registrar *registrar, const BroadcastChange *change,
    RegistrarDone done, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GPtrArray) garbage = g_ptr_array_new_with_free_func (change_free);
  g_autofree char *key = make_key (change->node, change->link);
  Change *added = change_new (change, done, data, destroy);
  Entry *entry;

  g_mutex_lock (&registrar->lock);
  entry = g_hash_table_lookup (registrar->entries, key);
  if (entry == NULL &&
      g_hash_table_size (registrar->entries) < REGISTRAR_MAX_QUEUED) {
    entry = g_new0 (Entry, 1);
    entry->key = g_steal_pointer (&key);
    g_hash_table_insert (registrar->entries, entry->key, entry);
  }
  if (entry != NULL) {
    entry_add_locked (entry, added, garbage);
    enqueue_locked (registrar, entry);
  }
  g_mutex_unlock (&registrar->lock);

  if (entry == NULL) {
    if (done != NULL)
      done (
          REGISTRAR_FAILED, "Too many broadcasts wait for the database", data);
    change_free (added);
  }
}

void
registrar_write_health (
    Registrar *registrar, const char *link, const char *json)
{
  g_mutex_lock (&registrar->lock);
  if (g_hash_table_contains (registrar->health, link)) {
    g_hash_table_replace (
        registrar->health, g_strdup (link), g_ref_string_new (json));
  } else if (g_hash_table_size (registrar->health) < REGISTRAR_MAX_QUEUED) {
    g_hash_table_insert (
        registrar->health, g_strdup (link), g_ref_string_new (json));
    pg_worker_run (registrar->worker, write_health, NULL, registrar, NULL);
  }
  g_mutex_unlock (&registrar->lock);
}

void
registrar_file_notice (Registrar *registrar, const BroadcastNotice *notice,
    RegistrarFiled filed, gpointer data, GDestroyNotify destroy)
{
  Filing *filing = g_new0 (Filing, 1);

  filing->notice = *notice;
  filing->notice.link = g_strdup (notice->link);
  filing->notice.id = g_strdup (notice->id);
  filing->notice.game = g_strdup (notice->game);
  filing->filed = filed;
  filing->data = data;
  filing->destroy = destroy;
  pg_worker_run (
      registrar->worker, file_notice, notice_filed, filing, filing_free);
}

gboolean
registrar_is_connected (Registrar *registrar)
{
  return pg_worker_is_connected (registrar->worker);
}

char *
registrar_dup_problem (Registrar *registrar)
{
  char *problem;

  g_mutex_lock (&registrar->lock);
  problem = g_strdup (registrar->problem);
  g_mutex_unlock (&registrar->lock);
  return problem;
}

guint
registrar_get_queued (Registrar *registrar)
{
  guint n;

  g_mutex_lock (&registrar->lock);
  n = g_queue_get_length (&registrar->queue);
  g_mutex_unlock (&registrar->lock);
  return n;
}
