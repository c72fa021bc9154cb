/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "catalogue.h"

#include <string.h>

#include "pgworker.h"

#define CHANNEL_EVENTS "wishcast_events"
/* Told of changes of keys, and of the games and broadcasters they are for. */
#define CHANNEL_KEYS "wishcast_keys"

/* Ended broadcasts that are kept, about 1 KiB each: ten pages of the largest
 * size. What is older is asked of the database. */
#define MAX_ENDED 1000
/* Events that are kept, about 1 KiB each: hundreds of broadcasts that come and
 * go while a client is away. One that was away for longer reads the list. */
#define MAX_EVENTS 2000
#define PAGE 200
/* How often a change of names is looked for, so that a flood of them costs
 * little. */
#define RENAME_INTERVAL 2000 /* ms */

/* Columns of a broadcast, in the order of read_broadcast(). */
#define MICROSECONDS(time) "(extract (epoch FROM " time ") * 1000000)::bigint"
#define NO_RANK G_STRINGIFY (2147483647)
#define ROW_COLUMNS                                                            \
  "b.link, b.game, coalesce (b.broadcaster, 0), b.state, b.visibility, "       \
  "coalesce (r.rank, " NO_RANK                                                 \
  "), " MICROSECONDS ("b.created_at") ", b.id, wishcast.broadcast_json (b) "   \
                                      "FROM wishcast.broadcast b "             \
                                      "LEFT JOIN wishcast.broadcaster r ON "   \
                                      "r.id = b.broadcaster "
#define EVENT_COLUMNS                                                          \
  "o.link, o.game, coalesce (b.broadcaster, 0), o.data->>'state', "            \
  "o.visibility, "                                                             \
  "coalesce ((o.data->>'rank')::integer, " NO_RANK "), " MICROSECONDS (        \
      "coalesce (b.created_at, "                                               \
      "(o.data->>'createdAt')::timestamptz)") ", "                             \
                                              "o.data->>'id', o.data, o.id "   \
                                              "AS event_id, o.event "          \
                                              "FROM wishcast.outbox o LEFT "   \
                                              "JOIN wishcast.broadcast b ON "  \
                                              "b.link = o.link "

struct _Catalogue {
  CatalogueListener listener;
  gpointer data;
  PgWorker *worker;
  /* Of the worker's thread, which alone changes what the lock protects. */
  guint64 last_event;
  gboolean is_renamed; /* games or broadcasters may be: no event says so */

  GMutex lock;
  CatalogueMemory *memory; /* with lock */
  gboolean ready;          /* with lock */
  gint64 stale_since;      /* with lock */
};

/* --- On the worker's thread ------------------------------------------------*/

static gboolean
read_broadcast (const PgRows *rows, guint row, CatalogueBroadcast *broadcast,
    GError **error)
{
  const char *state = pg_rows_get (rows, row, 3);

  broadcast->link = pg_rows_get (rows, row, 0);
  broadcast->game = pg_rows_get (rows, row, 1);
  broadcast->broadcaster =
      g_ascii_strtoll (pg_rows_get (rows, row, 2), NULL, 10);
  broadcast->is_public = g_strcmp0 (pg_rows_get (rows, row, 4), "public") == 0;
  broadcast->place.rank =
      g_ascii_strtoll (pg_rows_get (rows, row, 5), NULL, 10);
  broadcast->json = pg_rows_get (rows, row, 8);
  if (state == NULL || !catalogue_state_parse (state, &broadcast->state) ||
      pg_rows_get (rows, row, 6) == NULL ||
      pg_rows_get (rows, row, 7) == NULL || broadcast->json == NULL) {
    g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
        "The broadcast %s in the database is not as this program knows it",
        broadcast->link);
    return FALSE;
  }
  broadcast->place.created_at =
      g_ascii_strtoll (pg_rows_get (rows, row, 6), NULL, 10);
  g_strlcpy (broadcast->place.id, pg_rows_get (rows, row, 7),
      sizeof broadcast->place.id);
  return TRUE;
}

static guint64
read_event_id (const PgRows *rows, guint row)
{
  return g_ascii_strtoull (pg_rows_get (rows, row, 9), NULL, 10);
}

static PgRows *
query_broadcasts (PgConnection *connection, GError **error)
{
  /* One more than is kept shows where the horizon is. */
  g_autofree char *limit = g_strdup_printf ("%d", MAX_ENDED + 1);
  const char *values[] = {limit};

  return pg_connection_query (connection,
      "(SELECT " ROW_COLUMNS "WHERE b.state <> 'ended') UNION ALL "
      "(SELECT " ROW_COLUMNS "WHERE b.state = 'ended' "
      "ORDER BY b.created_at DESC, b.id LIMIT $1::integer)",
      G_N_ELEMENTS (values), values, error);
}

static gboolean
put_broadcasts (CatalogueMemory *memory, const PgRows *rows, GError **error)
{
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    CatalogueBroadcast broadcast;

    if (!read_broadcast (rows, i, &broadcast, error))
      return FALSE;
    catalogue_memory_put (memory, &broadcast);
  }
  return TRUE;
}

static gboolean
load_events (CatalogueMemory *memory, PgConnection *connection,
    const char *newest, GError **error)
{
  g_autofree char *limit = g_strdup_printf ("%d", MAX_EVENTS + 1);
  const char *values[] = {newest, limit};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT * FROM (SELECT " EVENT_COLUMNS "WHERE o.id <= $1::bigint "
      "ORDER BY o.id DESC LIMIT $2::integer) e ORDER BY event_id",
      G_N_ELEMENTS (values), values, error);

  if (rows == NULL)
    return FALSE;
  /* There are more: the first of these only says where they end. */
  if (pg_rows_count (rows) == MAX_EVENTS + 1)
    catalogue_memory_set_floor (memory, read_event_id (rows, 0));
  for (guint i = pg_rows_count (rows) == MAX_EVENTS + 1;
       i < pg_rows_count (rows); i++) {
    CatalogueBroadcast broadcast;

    if (!read_broadcast (rows, i, &broadcast, error))
      return FALSE;
    catalogue_memory_tell (
        memory, read_event_id (rows, i), pg_rows_get (rows, i, 10), &broadcast);
  }
  return TRUE;
}

/* Fills a new memory up to the event @newest. The broadcasts are read later
 * than the events, so they may be ahead of them; catching up mends that. */
static gboolean
load (Catalogue *catalogue, PgConnection *connection, const char *newest,
    GError **error)
{
  g_autoptr (CatalogueMemory) memory =
      catalogue_memory_new (MAX_ENDED, MAX_EVENTS);
  g_autoptr (PgRows) rows = NULL;

  if (!load_events (memory, connection, newest, error))
    return FALSE;
  rows = query_broadcasts (connection, error);
  if (rows == NULL || !put_broadcasts (memory, rows, error))
    return FALSE;
  catalogue->last_event = g_ascii_strtoull (newest, NULL, 10);
  g_mutex_lock (&catalogue->lock);
  catalogue_memory_free (catalogue->memory);
  catalogue->memory = g_steal_pointer (&memory);
  g_mutex_unlock (&catalogue->lock);
  return TRUE;
}

static gboolean
apply (Catalogue *catalogue, const PgRows *rows, guint row, GError **error)
{
  guint64 id = read_event_id (rows, row);
  CatalogueBroadcast broadcast;

  if (!read_broadcast (rows, row, &broadcast, error))
    return FALSE;
  g_mutex_lock (&catalogue->lock);
  catalogue_memory_tell (
      catalogue->memory, id, pg_rows_get (rows, row, 10), &broadcast);
  catalogue_memory_put (catalogue->memory, &broadcast);
  g_mutex_unlock (&catalogue->lock);
  catalogue->last_event = id;
  return TRUE;
}

static gboolean
catch_up (Catalogue *catalogue, PgConnection *connection, GError **error)
{
  guint n;

  do {
    g_autofree char *last =
        g_strdup_printf ("%" G_GUINT64_FORMAT, catalogue->last_event);
    const char *values[] = {last, G_STRINGIFY (PAGE)};
    g_autoptr (PgRows) rows = pg_connection_query (connection,
        "SELECT " EVENT_COLUMNS
        "WHERE o.id > $1::bigint ORDER BY o.id LIMIT $2::integer",
        G_N_ELEMENTS (values), values, error);

    if (rows == NULL)
      return FALSE;
    n = pg_rows_count (rows);
    for (guint i = 0; i < n; i++) {
      if (!apply (catalogue, rows, i, error))
        return FALSE;
    }
    if (n > 0)
      catalogue->listener (catalogue->data);
  } while (n == PAGE);
  return TRUE;
}

static gboolean
on_connected (PgConnection *connection, gpointer data, GError **error)
{
  Catalogue *catalogue = data;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT coalesce (max (id), 0) FROM wishcast.outbox", 0, NULL, error);
  const char *newest;

  if (rows == NULL)
    return FALSE;
  newest = pg_rows_get (rows, 0, 0);
  /* Also where the database has gone back: it was restored from a backup. */
  if (!catalogue_is_ready (catalogue) ||
      g_ascii_strtoull (newest, NULL, 10) < catalogue->last_event) {
    if (!load (catalogue, connection, newest, error))
      return FALSE;
  }
  if (!catch_up (catalogue, connection, error))
    return FALSE;
  /* Names may have changed meanwhile. */
  catalogue->is_renamed = TRUE;
  g_mutex_lock (&catalogue->lock);
  catalogue->ready = TRUE;
  catalogue->stale_since = 0;
  g_mutex_unlock (&catalogue->lock);
  catalogue->listener (catalogue->data);
  return TRUE;
}

static gboolean
on_notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer data, GError **error)
{
  Catalogue *catalogue = data;

  if (strcmp (channel, CHANNEL_KEYS) == 0) {
    catalogue->is_renamed = TRUE;
    return TRUE;
  }
  /* The first of a burst brings all of it. */
  if (g_ascii_strtoull (payload, NULL, 10) <= catalogue->last_event)
    return TRUE;
  return catch_up (catalogue, connection, error);
}

/* The names of games and broadcasters are part of what is kept. */
static gboolean
look_for_names (PgConnection *connection, gpointer data, GError **error)
{
  Catalogue *catalogue = data;
  g_autoptr (PgRows) rows = NULL;
  gboolean done;

  if (!catalogue->is_renamed)
    return TRUE;
  if (!catch_up (catalogue, connection, error))
    return FALSE;
  rows = query_broadcasts (connection, error);
  if (rows == NULL)
    return FALSE;
  g_mutex_lock (&catalogue->lock);
  done = put_broadcasts (catalogue->memory, rows, error);
  g_mutex_unlock (&catalogue->lock);
  catalogue->is_renamed = !done;
  return done;
}

static void
on_lost (const GError *error, gpointer data)
{
  Catalogue *catalogue = data;

  g_message ("The API answers from memory: %s", error->message);
  g_mutex_lock (&catalogue->lock);
  if (catalogue->stale_since == 0)
    catalogue->stale_since = g_get_real_time ();
  g_mutex_unlock (&catalogue->lock);
}

/* --- On any thread ---------------------------------------------------------*/

Catalogue *
catalogue_new (const char *conninfo, CatalogueListener listener, gpointer data)
{
  static const char *const channels[] = {CHANNEL_EVENTS, CHANNEL_KEYS, NULL};
  static const PgWorkerEvents events = {on_connected, on_notified, on_lost};
  Catalogue *catalogue = g_new0 (Catalogue, 1);

  catalogue->listener = listener;
  catalogue->data = data;
  g_mutex_init (&catalogue->lock);
  catalogue->memory = catalogue_memory_new (MAX_ENDED, MAX_EVENTS);
  catalogue->stale_since = g_get_real_time ();
  catalogue->worker =
      pg_worker_new ("catalogue", conninfo, channels, &events, catalogue);
  pg_worker_add_timer (
      catalogue->worker, RENAME_INTERVAL, look_for_names, catalogue);
  return catalogue;
}

void
catalogue_free (Catalogue *catalogue)
{
  if (catalogue == NULL)
    return;
  pg_worker_free (catalogue->worker, 0);
  catalogue_memory_free (catalogue->memory);
  g_mutex_clear (&catalogue->lock);
  g_free (catalogue);
}

gboolean
catalogue_is_ready (Catalogue *catalogue)
{
  gboolean ready;

  g_mutex_lock (&catalogue->lock);
  ready = catalogue->ready;
  g_mutex_unlock (&catalogue->lock);
  return ready;
}

gint64
catalogue_get_stale_since (Catalogue *catalogue)
{
  gint64 since;

  g_mutex_lock (&catalogue->lock);
  since = catalogue->stale_since;
  g_mutex_unlock (&catalogue->lock);
  return since;
}

char *
catalogue_list (Catalogue *catalogue, const CatalogueQuery *query, guint *n)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);
  g_autoptr (GPtrArray) items = NULL;
  const CatalogueCursor *next = NULL;
  GString *page;
  gboolean more;

  if (!catalogue->ready)
    return NULL;
  items = catalogue_memory_list (catalogue->memory, query, &more);
  if (items == NULL)
    return NULL;
  *n = items->len;
  page = g_string_new (NULL);
  for (guint i = 0; i < items->len; i++) {
    const CatalogueBroadcast *broadcast = g_ptr_array_index (items, i);

    catalogue_page_add (page, broadcast->json);
    if (more && i + 1 == items->len)
      next = &broadcast->place;
  }
  return catalogue_page_end (page, next,
      catalogue_memory_get_last_event (catalogue->memory),
      catalogue->stale_since);
}

char *
catalogue_list_own (
    Catalogue *catalogue, gint64 broadcaster, guint most, gboolean *whole)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);
  g_autoptr (GPtrArray) items = NULL;
  GString *text;

  if (!catalogue->ready)
    return NULL;
  items =
      catalogue_memory_list_own (catalogue->memory, broadcaster, most, whole);
  text = g_string_new (NULL);
  for (guint i = 0; i < items->len; i++) {
    const CatalogueBroadcast *broadcast = g_ptr_array_index (items, i);

    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", broadcast->json);
  }
  return g_string_free (text, FALSE);
}

char *
catalogue_get (Catalogue *catalogue, const char *link)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);
  const CatalogueBroadcast *broadcast =
      catalogue_memory_get (catalogue->memory, link);

  return broadcast != NULL ? g_strdup (broadcast->json) : NULL;
}

gboolean
catalogue_look_up (
    Catalogue *catalogue, const char *link, char **game, gboolean *is_ended)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);
  const CatalogueBroadcast *broadcast =
      catalogue_memory_get (catalogue->memory, link);

  if (broadcast == NULL)
    return FALSE;
  *game = g_strdup (broadcast->game);
  *is_ended = broadcast->state == CATALOGUE_ENDED;
  return TRUE;
}

gboolean
catalogue_is_public (Catalogue *catalogue, const char *link)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);
  const CatalogueBroadcast *broadcast =
      catalogue_memory_get (catalogue->memory, link);

  return broadcast != NULL && broadcast->is_public;
}

GBytes *
catalogue_get_events (
    Catalogue *catalogue, const char *game, gsize most, guint64 *after)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);

  return catalogue_memory_get_events (catalogue->memory, game, most, after);
}

guint64
catalogue_get_last_event (Catalogue *catalogue)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);

  return catalogue_memory_get_last_event (catalogue->memory);
}

guint
catalogue_count (Catalogue *catalogue, CatalogueState state)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&catalogue->lock);

  return catalogue_memory_count (catalogue->memory, state);
}
