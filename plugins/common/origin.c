/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origin.h"

#include <gio/gio.h>
#include <string.h>

#include "originanswer.h"
#include "originbroadcast.h"
#include "originstore.h"

/* Viewers sit behind edges that keep connections open, so this is far above
 * what a healthy origin sees; RLIMIT_NOFILE lowers it. Three quarters of it may
 * be held requests: the rest is for media. */
#define MAX_CONNECTIONS 10000
#define MAX_THREADS 4
/* The headers of a request, or a connection kept open between two. */
#define IDLE_TIMEOUT 30
/* A reader of fewer bytes a second has long fallen out of any live window. */
#define MIN_RATE 4096
#define POSTER_MAX_AGE 2

typedef struct {
  GBytes *jpeg;
  guint number; /* in ETags */
  HttpResponse *answer;
} Poster;

/* Lock order: registry, lock, a broadcast's lock, the timer's lock. */
struct _Origin {
  char *key;  /* in the registry */
  guint refs; /* with the registry's lock */
  HttpServer *server;
  OriginShared shared;
  OriginStore *store; /* atomic; set once, under lock */

  GMutex lock;
  GHashTable *broadcasts; /* link -> OriginBroadcast; with lock */
  GHashTable *posters;    /* link -> Poster; with lock */
  guint n_posters;        /* with lock */
};

static GMutex registry_lock;
static GHashTable *registry; /* key -> Origin, not owned; with registry_lock */

static void
poster_free (gpointer data)
{
  Poster *poster = data;

  g_bytes_unref (poster->jpeg);
  http_response_unref (poster->answer);
  g_free (poster);
}

/* --- answering ---------------------------------------------------------------- */

static HttpResponse *
answer_poster (Origin *self, HttpRequest *request, const char *link)
{
  HttpResponse *response = NULL;
  Poster *poster;

  g_mutex_lock (&self->lock);
  poster = g_hash_table_lookup (self->posters, link);
  if (poster != NULL) {
    g_autofree char *etag = g_strdup_printf (
        "%u-%" G_GSIZE_FORMAT, poster->number, g_bytes_get_size (poster->jpeg));
    OriginMedia media = {
        .content_type = "image/jpeg",
        .etag = etag,
        .max_age = POSTER_MAX_AGE,
        .size = g_bytes_get_size (poster->jpeg),
        .pieces = &poster->jpeg,
        .n_pieces = 1,
    };

    response = origin_media_answer (&media, request, &poster->answer);
  }
  g_mutex_unlock (&self->lock);
  return response != NULL ? response
                          : origin_answer_canned (ORIGIN_CANNED_NOT_FOUND);
}

static OriginBroadcast *
lookup (Origin *self, const char *link)
{
  OriginBroadcast *broadcast;

  g_mutex_lock (&self->lock);
  broadcast = g_hash_table_lookup (self->broadcasts, link);
  if (broadcast != NULL)
    origin_broadcast_ref (broadcast);
  g_mutex_unlock (&self->lock);
  return broadcast;
}

static OriginStore *
get_store (Origin *self)
{
  return g_atomic_pointer_get (&self->store);
}

/* Before anybody sees the link: it may have been on air before this process
 * was, and its playlists then go on from what they were. */
static void
seed (OriginStore *store, OriginBroadcast *broadcast, const char *link,
    gint64 now)
{
  OriginSeed *found;

  if (store == NULL || !origin_broadcast_begin_seed (broadcast))
    return;
  found = origin_store_read_seed (
      store, link, origin_broadcast_get_dvr_window (broadcast), now);
  origin_broadcast_end_seed (broadcast, found);
  origin_seed_free (found);
}

static HttpResponse *
answer_route (Origin *self, HttpRequest *request, const OriginRoute *route)
{
  g_autoptr (OriginBroadcast) broadcast = NULL;
  OriginStore *store = get_store (self);
  gint64 now = g_get_monotonic_time ();
  HttpResponse *response = NULL;
  gboolean missing = TRUE;

  if (route->kind == ORIGIN_ROUTE_POSTER)
    return answer_poster (self, request, route->link);
  broadcast = lookup (self, route->link);
  if (broadcast != NULL) {
    seed (store, broadcast, route->link, now);
    response =
        origin_broadcast_answer (broadcast, request, route, now, &missing);
  }
  if (!missing)
    return response;
  if (store != NULL)
    response =
        origin_store_answer (store, request, route, broadcast != NULL, now);
  if (response != NULL)
    return response;
  return origin_answer_canned (route->kind >= ORIGIN_ROUTE_INIT
                                   ? ORIGIN_CANNED_NOT_THERE
                                   : ORIGIN_CANNED_NOT_FOUND);
}

/* A server thread. */
static HttpResponse *
handle_request (HttpRequest *request, gpointer user_data)
{
  Origin *self = user_data;
  OriginRoute route;

  switch (http_request_get_method (request)) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
      break;
    case HTTP_METHOD_OPTIONS:
      return origin_answer_canned (ORIGIN_CANNED_PREFLIGHT);
    case HTTP_METHOD_OTHER:
    default:
      return origin_answer_canned (ORIGIN_CANNED_METHOD);
  }
  if (!origin_route_parse (http_request_get_path (request), &route))
    return origin_answer_canned (ORIGIN_CANNED_NOT_FOUND);
  return answer_route (self, request, &route);
}

/* --- time ----------------------------------------------------------------------- */

static GPtrArray *
list_broadcasts (Origin *self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify)origin_broadcast_unref);
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->broadcasts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, origin_broadcast_ref (value));
  g_mutex_unlock (&self->lock);
  return list;
}

/* Takes the links off the table whose time is over. */
static void
forget_links (Origin *self, gint64 now)
{
  GHashTableIter iter;
  gpointer link, value;
  g_autoptr (GPtrArray) gone =
      g_ptr_array_new_with_free_func ((GDestroyNotify)origin_broadcast_unref);

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->broadcasts);
  while (g_hash_table_iter_next (&iter, &link, &value)) {
    if (!origin_broadcast_is_over (value, now))
      continue;
    g_ptr_array_add (gone, origin_broadcast_ref (value));
    g_hash_table_remove (self->posters, link);
    g_hash_table_iter_remove (&iter);
  }
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < gone->len; i++)
    origin_broadcast_release_all (gone->pdata[i]);
}

static gint64
tick (gint64 now, gpointer user_data)
{
  Origin *self = user_data;
  g_autoptr (GPtrArray) broadcasts = list_broadcasts (self);
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < broadcasts->len; i++)
    next = MIN (next, origin_broadcast_tick (broadcasts->pdata[i], now));
  forget_links (self, now);
  http_server_sweep (self->server, now);
  if (get_store (self) != NULL)
    origin_store_sweep (get_store (self), now);
  return next;
}

/* --- life ----------------------------------------------------------------------- */

static void
origin_free (Origin *self)
{
  g_autoptr (GPtrArray) broadcasts = list_broadcasts (self);

  origin_timer_free (self->shared.timer);
  if (self->server != NULL)
    http_server_quiesce (self->server);
  for (guint i = 0; i < broadcasts->len; i++)
    origin_broadcast_release_all (broadcasts->pdata[i]);
  http_server_free (self->server);
  g_hash_table_unref (self->broadcasts);
  g_hash_table_unref (self->posters);
  g_mutex_clear (&self->lock);
  origin_store_free (self->store);
  g_free (self->key);
  g_free (self);
}

static Origin *
origin_new (const char *address, guint16 port, GError **error)
{
  HttpServerConfig config = {
      .address = address,
      .port = port,
      .threads = CLAMP (g_get_num_processors (), 1, MAX_THREADS),
      .max_connections = MAX_CONNECTIONS,
      .idle_timeout = IDLE_TIMEOUT,
      .min_rate = MIN_RATE,
  };
  Origin *self = g_new0 (Origin, 1);

  self->refs = 1;
  g_mutex_init (&self->lock);
  self->broadcasts = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)origin_broadcast_unref);
  self->posters =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, poster_free);
  self->server = http_server_new (&config, handle_request, self, error);
  if (self->server == NULL) {
    origin_free (self);
    return NULL;
  }
  self->shared.max_waiting =
      MAX (http_server_get_max_connections (self->server) / 4 * 3, 1);
  self->shared.timer = origin_timer_new (tick, self);
  self->key =
      g_strdup_printf ("%s:%u", address, http_server_get_port (self->server));
  return self;
}

/**
 * origin_acquire:
 *
 * Returns: (transfer full) (nullable): the origin of that address and port, or
 *     %NULL and @error (G_IO_ERROR_ADDRESS_IN_USE if another process has it)
 */
Origin *
origin_acquire (const char *address, guint16 port, GError **error)
{
  g_autofree char *key = g_strdup_printf ("%s:%u", address, port);
  Origin *self;

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  self = g_hash_table_lookup (registry, key);
  if (self != NULL) {
    self->refs++;
  } else {
    self = origin_new (address, port, error);
    if (self != NULL)
      g_hash_table_insert (registry, self->key, self);
  }
  g_mutex_unlock (&registry_lock);
  return self;
}

Origin *
origin_ref (Origin *self)
{
  g_mutex_lock (&registry_lock);
  self->refs++;
  g_mutex_unlock (&registry_lock);
  return self;
}

/**
 * origin_unref:
 *
 * With the last reference the port is closed and every link leaves the air; who
 * wants interrupted links to go on keeps one.
 */
void
origin_unref (Origin *self)
{
  gboolean last;

  if (self == NULL)
    return;
  g_mutex_lock (&registry_lock);
  last = --self->refs == 0;
  if (last) {
    g_hash_table_remove (registry, self->key);
    /* Under the lock, so that who acquires the same port next finds it free.
     * Nothing in there comes back to the registry. */
    origin_free (self);
    if (g_hash_table_size (registry) == 0)
      g_clear_pointer (&registry, g_hash_table_unref);
  }
  g_mutex_unlock (&registry_lock);
}

guint16
origin_get_port (Origin *self)
{
  return http_server_get_port (self->server);
}

gboolean
origin_set_cache_dir (Origin *self, const char *cache_dir, GError **error)
{
  gboolean same;

  g_mutex_lock (&self->lock);
  if (self->store == NULL)
    g_atomic_pointer_set (&self->store, origin_store_new (cache_dir));
  same = strcmp (origin_store_get_dir (self->store), cache_dir) == 0;
  if (!same)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
        "The origin of this port serves from \"%s\" already",
        origin_store_get_dir (self->store));
  g_mutex_unlock (&self->lock);
  return same;
}

/* --- publishing ------------------------------------------------------------------- */

OriginBroadcast *
origin_publish (
    Origin *self, const char *link, const OriginWindow *window, GError **error)
{
  OriginBroadcast *broadcast;
  g_autoptr (OriginBroadcast) replaced = NULL;
  gboolean taken;

  g_return_val_if_fail (link_is_valid (link), NULL);

  g_mutex_lock (&self->lock);
  broadcast = g_hash_table_lookup (self->broadcasts, link);
  if (broadcast != NULL && origin_broadcast_is_ended (broadcast)) {
    replaced = origin_broadcast_ref (broadcast);
    broadcast = NULL;
  }
  if (broadcast == NULL) {
    broadcast =
        origin_broadcast_new (&self->shared, link, window, self->store != NULL);
    g_hash_table_replace (self->broadcasts, g_strdup (link), broadcast);
  }
  taken = origin_broadcast_take (broadcast);
  if (taken)
    origin_broadcast_ref (broadcast);
  g_mutex_unlock (&self->lock);

  if (replaced != NULL)
    origin_broadcast_release_all (replaced);
  if (!taken) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
        "Somebody is publishing \"%s\" on this origin already", link);
    return NULL;
  }
  return broadcast;
}

gboolean
origin_end (Origin *self, const char *link)
{
  g_autoptr (OriginBroadcast) broadcast = lookup (self, link);

  return broadcast != NULL && origin_broadcast_end (broadcast);
}

gboolean
origin_is_playable (Origin *self, const char *link)
{
  g_autoptr (OriginBroadcast) broadcast = lookup (self, link);

  return broadcast != NULL && origin_broadcast_is_playable (broadcast);
}

gint64
origin_get_last_read (Origin *self, const char *link)
{
  g_autoptr (OriginBroadcast) broadcast = lookup (self, link);
  OriginStore *store = get_store (self);

  if (broadcast != NULL)
    return g_get_monotonic_time ();
  return store != NULL ? origin_store_get_last_read (store, link) : 0;
}

void
origin_forget (Origin *self, const char *link)
{
  g_autoptr (OriginBroadcast) broadcast = NULL;
  OriginStore *store = get_store (self);

  g_mutex_lock (&self->lock);
  broadcast = g_hash_table_lookup (self->broadcasts, link);
  if (broadcast != NULL && origin_broadcast_is_ended (broadcast)) {
    origin_broadcast_ref (broadcast);
    g_hash_table_remove (self->posters, link);
    g_hash_table_remove (self->broadcasts, link);
  } else {
    broadcast = NULL;
  }
  g_mutex_unlock (&self->lock);
  if (broadcast != NULL)
    origin_broadcast_release_all (broadcast);
  if (store != NULL)
    origin_store_forget (store, link);
}

void
origin_set_poster (Origin *self, const char *link, GBytes *jpeg)
{
  Poster *poster = g_new0 (Poster, 1);

  g_return_if_fail (link_is_valid (link));

  poster->jpeg = g_bytes_ref (jpeg);
  g_mutex_lock (&self->lock);
  poster->number = ++self->n_posters;
  g_hash_table_replace (self->posters, g_strdup (link), poster);
  g_mutex_unlock (&self->lock);
}
