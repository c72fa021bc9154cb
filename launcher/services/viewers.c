/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viewers.h"

#include <string.h>

#include "keyedhash.h"

/* Bytes of the interval that runs, and of the one before it. */
typedef struct {
  gint64 interval; /* its number */
  guint64 current;
  guint64 last;
} Meter;

typedef enum {
  KIND_PAGES,
  KIND_PLAYERS,
  N_KINDS,
} Kind;

/* A link that somebody watches here. */
typedef struct {
  char link[LINK_MAX_LENGTH + 1];
  guint n[N_KINDS];
  Meter sent;
} Watched;

/* One page or player. */
typedef struct {
  GList node; /* in the queue of its kind */
  Watched *watched;
  guint64 who;
  gint64 seen;
} Viewer;

/* The viewers of a kind live equally long, so the queue is in the order in
 * which they are forgotten: each costs one look when its time has come. */
typedef struct {
  gint64 life;
  GHashTable *all; /* of Viewer, owned */
  GQueue queue;    /* of the same; who was seen last at the tail */
} Population;

/* What another node has told. */
typedef struct {
  gint64 told;
  GHashTable *figures; /* link -> ViewerFigures */
} Remote;

struct _Viewers {
  KeyedHash *names;

  /* protects what follows; held for a few look-ups only, but by
   * viewers_list_here() and viewers_write_json_of(), which go through all links */
  GMutex lock;
  gint64 now; /* the latest that was said: threads may overtake each other */
  GHashTable *links; /* link -> Watched */
  Population kinds[N_KINDS];
  Meter sent;
  guint64 bytes;
  GHashTable *remotes; /* node -> Remote */
};

/* --- Meters ----------------------------------------------------------------*/

static void
meter_turn (Meter *meter, gint64 now)
{
  gint64 interval = now / VIEWERS_INTERVAL;

  if (interval == meter->interval)
    return;
  meter->last = interval == meter->interval + 1 ? meter->current : 0;
  meter->current = 0;
  meter->interval = interval;
}

static void
meter_add (Meter *meter, guint64 bytes, gint64 now)
{
  meter_turn (meter, now);
  meter->current += bytes;
}

static guint64
meter_read (Meter *meter, gint64 now)
{
  meter_turn (meter, now);
  return meter->last * 8 * G_USEC_PER_SEC / VIEWERS_INTERVAL;
}

/* --- Who is here -----------------------------------------------------------*/

static guint
viewer_hash (gconstpointer data)
{
  const Viewer *viewer = data;

  /* `who` is random already, and one watches few links. */
  return (guint)viewer->who;
}

static gboolean
viewer_equal (gconstpointer a, gconstpointer b)
{
  const Viewer *one = a, *other = b;

  return one->who == other->who && one->watched == other->watched;
}

static Viewer *
find_locked (Viewers *viewers, Kind kind, const char *link, guint64 who)
{
  Viewer key = {
      .watched = g_hash_table_lookup (viewers->links, link), .who = who};

  return key.watched != NULL
             ? g_hash_table_lookup (viewers->kinds[kind].all, &key)
             : NULL;
}

static void
forget_locked (Viewers *viewers, Kind kind, Viewer *viewer)
{
  Watched *watched = viewer->watched;

  g_queue_unlink (&viewers->kinds[kind].queue, &viewer->node);
  g_hash_table_remove (viewers->kinds[kind].all, viewer);
  watched->n[kind]--;
  if (watched->n[KIND_PAGES] + watched->n[KIND_PLAYERS] == 0)
    g_hash_table_remove (viewers->links, watched->link);
}

static gboolean
remote_is_old (gpointer node, gpointer data, gpointer user_data)
{
  const Remote *remote = data;
  const Viewers *viewers = user_data;

  return remote->told + VIEWERS_REMOTE_LIFE <= viewers->now;
}

/* Forgets all whose time has come; the time that is used. */
static gint64
advance_locked (Viewers *viewers, gint64 now)
{
  viewers->now = MAX (viewers->now, now);
  for (guint kind = 0; kind < N_KINDS; kind++) {
    Population *population = &viewers->kinds[kind];
    Viewer *oldest;

    while ((oldest = g_queue_peek_head (&population->queue)) != NULL &&
           oldest->seen + population->life <= viewers->now)
      forget_locked (viewers, kind, oldest);
  }
  /* One a node, so there are few. */
  g_hash_table_foreach_remove (viewers->remotes, remote_is_old, viewers);
  return viewers->now;
}

static Watched *
watched_get_locked (Viewers *viewers, const char *link)
{
  Watched *watched = g_hash_table_lookup (viewers->links, link);

  if (watched == NULL) {
    watched = g_new0 (Watched, 1);
    g_strlcpy (watched->link, link, sizeof watched->link);
    g_hash_table_insert (viewers->links, watched->link, watched);
  }
  return watched;
}

static void
add_locked (Viewers *viewers, Kind kind, const char *link, guint64 who)
{
  Population *population = &viewers->kinds[kind];
  Viewer *viewer = find_locked (viewers, kind, link, who);

  if (viewer != NULL) {
    g_queue_unlink (&population->queue, &viewer->node);
  } else if (viewers->kinds[KIND_PAGES].queue.length +
                 viewers->kinds[KIND_PLAYERS].queue.length <
             VIEWERS_MOST) {
    viewer = g_new0 (Viewer, 1);
    viewer->node.data = viewer;
    viewer->watched = watched_get_locked (viewers, link);
    viewer->who = who;
    viewer->watched->n[kind]++;
    g_hash_table_add (population->all, viewer);
  } else {
    return;
  }
  viewer->seen = viewers->now;
  g_queue_push_tail_link (&population->queue, &viewer->node);
}

void
viewers_add_page (
    Viewers *viewers, const char *link, const char *viewer, gint64 now)
{
  guint64 who = keyed_hash_compute (viewers->names, viewer, strlen (viewer));

  g_mutex_lock (&viewers->lock);
  advance_locked (viewers, now);
  add_locked (viewers, KIND_PAGES, link, who);
  g_mutex_unlock (&viewers->lock);
}

void
viewers_remove_page (
    Viewers *viewers, const char *link, const char *viewer, gint64 now)
{
  guint64 who = keyed_hash_compute (viewers->names, viewer, strlen (viewer));
  Viewer *found;

  g_mutex_lock (&viewers->lock);
  advance_locked (viewers, now);
  found = find_locked (viewers, KIND_PAGES, link, who);
  if (found != NULL)
    forget_locked (viewers, KIND_PAGES, found);
  g_mutex_unlock (&viewers->lock);
}

void
viewers_add_player (
    Viewers *viewers, const char *link, guint64 player, gint64 now)
{
  g_mutex_lock (&viewers->lock);
  advance_locked (viewers, now);
  add_locked (viewers, KIND_PLAYERS, link, player);
  g_mutex_unlock (&viewers->lock);
}

void
viewers_add_bytes (
    Viewers *viewers, const char *link, guint64 bytes, gint64 now)
{
  Watched *watched;

  g_mutex_lock (&viewers->lock);
  now = advance_locked (viewers, now);
  viewers->bytes += bytes;
  meter_add (&viewers->sent, bytes, now);
  /* Not made for this: whoever invents links would have them all kept. */
  watched = g_hash_table_lookup (viewers->links, link);
  if (watched != NULL)
    meter_add (&watched->sent, bytes, now);
  g_mutex_unlock (&viewers->lock);
}

/* --- Figures ---------------------------------------------------------------*/

static int
compare_links (gconstpointer a, gconstpointer b)
{
  const ViewerFigures *one = a, *other = b;

  return strcmp (one->link, other->link);
}

/* In no order. @now is that of advance_locked(). */
static GArray *
list_here_locked (Viewers *viewers, gint64 now)
{
  GArray *list = g_array_sized_new (
      FALSE, FALSE, sizeof (ViewerFigures), g_hash_table_size (viewers->links));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, viewers->links);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Watched *watched = value;
    ViewerFigures figures = {.pages = watched->n[KIND_PAGES],
        .players = watched->n[KIND_PLAYERS],
        .egress = meter_read (&watched->sent, now)};

    g_strlcpy (figures.link, watched->link, sizeof figures.link);
    g_array_append_val (list, figures);
  }
  return list;
}

GArray *
viewers_list_here (Viewers *viewers, gint64 now)
{
  GArray *list;

  g_mutex_lock (&viewers->lock);
  list = list_here_locked (viewers, advance_locked (viewers, now));
  g_mutex_unlock (&viewers->lock);
  g_array_sort (list, compare_links);
  return list;
}

guint64
viewers_get_egress_here (Viewers *viewers, gint64 now)
{
  guint64 egress;

  g_mutex_lock (&viewers->lock);
  egress = meter_read (&viewers->sent, advance_locked (viewers, now));
  g_mutex_unlock (&viewers->lock);
  return egress;
}

guint64
viewers_get_bytes_here (Viewers *viewers)
{
  guint64 bytes;

  g_mutex_lock (&viewers->lock);
  bytes = viewers->bytes;
  g_mutex_unlock (&viewers->lock);
  return bytes;
}

static Remote *
remote_new (const ViewerFigures *figures, guint n, gint64 now)
{
  Remote *remote = g_new0 (Remote, 1);

  remote->told = now;
  remote->figures =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  for (guint i = 0; i < n; i++) {
    ViewerFigures *copy = g_memdup2 (&figures[i], sizeof *copy);

    /* The key is in the value. */
    g_hash_table_replace (remote->figures, copy->link, copy);
  }
  return remote;
}

static void
remote_free (gpointer data)
{
  Remote *remote = data;

  g_hash_table_unref (remote->figures);
  g_free (remote);
}

void
viewers_set_remote (Viewers *viewers, const char *node,
    const ViewerFigures *figures, guint n, gint64 now)
{
  Remote *remote = remote_new (figures, n, now);

  g_mutex_lock (&viewers->lock);
  g_hash_table_replace (viewers->remotes, g_strdup (node), remote);
  g_mutex_unlock (&viewers->lock);
}

static guint
count (const ViewerFigures *figures)
{
  return MAX (figures->pages, figures->players);
}

static void
add_figures (ViewerFigures *sum, const ViewerFigures *more)
{
  sum->pages += more->pages;
  sum->players += more->players;
}

guint
viewers_get (Viewers *viewers, const char *link, gint64 now)
{
  ViewerFigures sum = {.pages = 0};
  const Watched *watched;
  GHashTableIter iter;
  gpointer remote;

  g_mutex_lock (&viewers->lock);
  advance_locked (viewers, now);
  watched = g_hash_table_lookup (viewers->links, link);
  if (watched != NULL) {
    sum.pages = watched->n[KIND_PAGES];
    sum.players = watched->n[KIND_PLAYERS];
  }
  g_hash_table_iter_init (&iter, viewers->remotes);
  while (g_hash_table_iter_next (&iter, NULL, &remote)) {
    const ViewerFigures *more =
        g_hash_table_lookup (((Remote *)remote)->figures, link);

    if (more != NULL)
      add_figures (&sum, more);
  }
  g_mutex_unlock (&viewers->lock);
  return count (&sum);
}

/* Of all nodes, in no order; several may be of one link. */
static GArray *
list_all_locked (Viewers *viewers, gint64 now)
{
  GArray *list = list_here_locked (viewers, now);
  GHashTableIter remotes;
  gpointer remote;

  g_hash_table_iter_init (&remotes, viewers->remotes);
  while (g_hash_table_iter_next (&remotes, NULL, &remote)) {
    GHashTableIter iter;
    gpointer figures;

    g_hash_table_iter_init (&iter, ((Remote *)remote)->figures);
    while (g_hash_table_iter_next (&iter, NULL, &figures))
      g_array_append_vals (list, figures, 1);
  }
  return list;
}

char *
viewers_write_json_of (
    Viewers *viewers, ViewersFilter is_told, gpointer data, gint64 now)
{
  g_autoptr (GString) links = g_string_new (NULL);
  g_autoptr (GArray) list = NULL;
  guint64 total = 0;

  g_mutex_lock (&viewers->lock);
  list = list_all_locked (viewers, advance_locked (viewers, now));
  g_mutex_unlock (&viewers->lock);
  g_array_sort (list, compare_links);
  for (guint i = 0; i < list->len;) {
    ViewerFigures sum = g_array_index (list, ViewerFigures, i);

    for (i++; i < list->len; i++) {
      const ViewerFigures *more = &g_array_index (list, ViewerFigures, i);

      if (strcmp (more->link, sum.link) != 0)
        break;
      add_figures (&sum, more);
    }
    if (count (&sum) == 0 || !is_told (sum.link, data))
      continue;
    /* No character of a link needs an escape. */
    g_string_append_printf (
        links, "%s\"%s\": %u", total > 0 ? ", " : "", sum.link, count (&sum));
    total += count (&sum);
  }
  return g_strdup_printf ("{\"total\": %" G_GUINT64_FORMAT
                          ", \"viewers\": {%s}}",
      total, links->str);
}

static gboolean
is_any (const char *link, gpointer data)
{
  return TRUE;
}

char *
viewers_write_json (Viewers *viewers, gint64 now)
{
  return viewers_write_json_of (viewers, is_any, NULL, now);
}

/* --- Public ----------------------------------------------------------------*/

Viewers *
viewers_new (void)
{
  static const gint64 lives[N_KINDS] = {
      [KIND_PAGES] = VIEWERS_PAGE_LIFE,
      [KIND_PLAYERS] = VIEWERS_PLAYER_LIFE,
  };
  Viewers *viewers = g_new0 (Viewers, 1);

  g_mutex_init (&viewers->lock);
  viewers->names = keyed_hash_new ();
  /* Each has its key in its value. */
  viewers->links =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  for (guint kind = 0; kind < N_KINDS; kind++) {
    viewers->kinds[kind].life = lives[kind];
    viewers->kinds[kind].all =
        g_hash_table_new_full (viewer_hash, viewer_equal, g_free, NULL);
    g_queue_init (&viewers->kinds[kind].queue);
  }
  viewers->remotes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, remote_free);
  return viewers;
}

void
viewers_free (Viewers *viewers)
{
  if (viewers == NULL)
    return;
  /* The nodes of the queues are part of the viewers. */
  for (guint kind = 0; kind < N_KINDS; kind++)
    g_hash_table_unref (viewers->kinds[kind].all);
  g_hash_table_unref (viewers->links);
  g_hash_table_unref (viewers->remotes);
  keyed_hash_free (viewers->names);
  g_mutex_clear (&viewers->lock);
  g_free (viewers);
}
