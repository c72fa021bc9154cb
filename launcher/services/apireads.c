/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apireads.h"

#include <gio/gio.h>
#include <string.h>

#include "apianswer.h"

/* As often as a store front may look. Shared caches ask once for all. */
#define FRESH "public, max-age=1"

#define GAME_JSON                                                              \
  "jsonb_build_object ('id', g.id, 'title', g.title, "                         \
  "'createdAt', wishcast.json_time (g.created_at), 'live', "                   \
  "(SELECT count(*) FROM wishcast.broadcast b WHERE b.game = g.id "            \
  "AND b.state <> 'ended' AND b.visibility = 'public')) "

struct _ApiReads {
  Broadcasts *broadcasts;
  Catalogue *catalogue;
  ApiQueries *queries;
};

/* A request whose answer is asked of the database. */
typedef struct {
  SoupServerMessage *message; /* held */
  ApiRoute route;
  guint64 last_event; /* when it was asked: the rows may know more, not less */
  char *page;         /* the answer, if the game exists; or NULL */
} Pending;

static void
pending_free (Pending *pending)
{
  api_release (pending->message);
  g_free (pending->page);
  g_free (pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pending, pending_free)

static Pending *
ask (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route,
    const char *sql, guint n_values, const char *const *values,
    ApiQueryDone done)
{
  Pending *pending = g_new0 (Pending, 1);

  pending->message = api_hold (message);
  pending->route = *route;
  pending->last_event = catalogue_get_last_event (reads->catalogue);
  api_queries_run (reads->queries, sql, n_values, values, done, pending);
  return pending;
}

/* TRUE: there are rows, and @pending is to be answered with them. */
static gboolean
has_rows (Pending *pending, const PgRows *rows, const GError *error)
{
  if (rows != NULL)
    return TRUE;
  if (error->domain == PG_ERROR && !pg_error_is_transient (error))
    g_warning ("The API cannot read from the database: %s", error->message);
  api_answer_later (pending->message, 2,
      "This is not in memory, and the database does not answer now.");
  return FALSE;
}

/* --- Lists of broadcasts ---------------------------------------------------*/

static void
on_list (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;
  guint limit = pending->route.limit;
  CatalogueCursor next;
  GString *page;
  guint n;

  if (!has_rows (pending, rows, error))
    return;
  n = pg_rows_count (rows);
  page = g_string_new (NULL);
  for (guint i = 0; i < MIN (n, limit); i++)
    catalogue_page_add (page, pg_rows_get (rows, i, 0));
  if (n > limit) {
    next.rank = CATALOGUE_NO_RANK;
    next.created_at =
        g_ascii_strtoll (pg_rows_get (rows, limit - 1, 1), NULL, 10);
    g_strlcpy (next.id, pg_rows_get (rows, limit - 1, 2), sizeof next.id);
  }
  api_answer_json (pending->message, FRESH,
      catalogue_page_end (
          page, n > limit ? &next : NULL, pending->last_event, 0));
}

static void
ask_list (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  g_autofree char *at =
      g_strdup_printf ("%" G_GINT64_FORMAT, route->before.created_at);
  g_autofree char *limit = g_strdup_printf ("%u", route->limit + 1);
  const char *values[] = {
      *route->game != '\0' ? route->game : NULL,
      route->list == CATALOGUE_LIST_ENDED ? "ended" : NULL,
      route->has_before ? at : NULL,
      route->has_before ? route->before.id : NULL,
      limit,
  };

  ask (reads, message, route,
      "SELECT wishcast.broadcast_json (b), "
      "(extract (epoch FROM b.created_at) * 1000000)::bigint, b.id "
      "FROM wishcast.broadcast b WHERE b.visibility = 'public' "
      "AND ($1::text IS NULL OR b.game = $1) "
      "AND ($2::text IS NULL OR b.state = $2) "
      "AND ($3::bigint IS NULL OR b.created_at < 'epoch'::timestamptz + "
      "$3::bigint * interval '1 microsecond' "
      "OR (b.created_at = 'epoch'::timestamptz + "
      "$3::bigint * interval '1 microsecond' AND b.id > $4::uuid)) "
      "ORDER BY b.created_at DESC, b.id LIMIT $5::integer",
      G_N_ELEMENTS (values), values, on_list);
}

static void
on_game_exists (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;

  /* If it cannot be asked: there is nothing on, in either case. */
  if (rows != NULL && pg_rows_count (rows) == 0)
    api_answer_problem (pending->message, SOUP_STATUS_NOT_FOUND,
        "There is no game with this id.");
  else
    api_answer_json (pending->message, FRESH, g_steal_pointer (&pending->page));
}

static void
read_list (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  CatalogueQuery query = {.game = *route->game != '\0' ? route->game : NULL,
      .kind = route->list,
      .limit = route->limit,
      .before = route->has_before ? &route->before : NULL};
  guint n;
  char *page = catalogue_list (reads->catalogue, &query, &n);

  if (page == NULL && route->list == CATALOGUE_LIST_OPEN) {
    api_answer_later (message, 2, "The database was not reached yet.");
  } else if (page == NULL) {
    ask_list (reads, message, route);
  } else if (n == 0 && route->kind == API_ROUTE_GAME_BROADCASTS) {
    const char *values[] = {route->game};

    ask (reads, message, route, "SELECT FROM wishcast.game WHERE id = $1",
        G_N_ELEMENTS (values), values, on_game_exists)
        ->page = page;
  } else {
    api_answer_json (message, FRESH, page);
  }
}

/* --- One broadcast ---------------------------------------------------------*/

static void
on_broadcast (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;

  if (!has_rows (pending, rows, error))
    return;
  if (pg_rows_count (rows) == 0)
    api_answer_problem (pending->message, SOUP_STATUS_NOT_FOUND,
        "There is no broadcast with this link.");
  else
    api_answer_json (
        pending->message, FRESH, g_strdup (pg_rows_get (rows, 0, 0)));
}

static void
read_broadcast (
    ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  const char *values[] = {route->link};
  char *json = catalogue_get (reads->catalogue, route->link);

  if (json != NULL)
    api_answer_json (message, FRESH, json);
  else
    ask (reads, message, route,
        "SELECT wishcast.broadcast_json (b) FROM wishcast.broadcast b "
        "WHERE b.link = $1",
        G_N_ELEMENTS (values), values, on_broadcast);
}

/* The findings of a broadcast of this node. (transfer full) */
static char *
find_health (ApiReads *reads, const char *link)
{
  g_autoptr (GPtrArray) list = NULL;

  if (reads->broadcasts == NULL)
    return NULL;
  list = broadcasts_list (reads->broadcasts);
  for (guint i = 0; i < list->len; i++) {
    const BroadcastStatus *status = g_ptr_array_index (list, i);

    if (strcmp (status->link, link) == 0)
      return g_strdup (status->health);
  }
  return NULL;
}

static void
read_health (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  const char *values[] = {route->link};
  g_autofree char *findings = find_health (reads, route->link);

  if (findings != NULL)
    api_answer_json (message, FRESH,
        g_strdup_printf (
            "{\"link\": \"%s\", \"findings\": %s}", route->link, findings));
  else
    ask (reads, message, route,
        "SELECT jsonb_build_object ('link', link, 'findings', health) "
        "FROM wishcast.broadcast WHERE link = $1",
        G_N_ELEMENTS (values), values, on_broadcast);
}

/* --- Games -----------------------------------------------------------------*/

static void
on_games (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;
  guint limit = pending->route.limit;
  GString *page;
  guint n;

  if (!has_rows (pending, rows, error))
    return;
  n = pg_rows_count (rows);
  page = g_string_new ("{\"games\": [");
  for (guint i = 0; i < MIN (n, limit); i++)
    g_string_append_printf (
        page, "%s%s", i > 0 ? ", " : "", pg_rows_get (rows, i, 0));
  g_string_append (page, "], \"next\": ");
  if (n > limit)
    g_string_append_printf (page, "\"%s\"}", pg_rows_get (rows, limit - 1, 1));
  else
    g_string_append (page, "null}");
  api_answer_json (pending->message, FRESH, g_string_free (page, FALSE));
}

static void
read_games (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  g_autofree char *limit = g_strdup_printf ("%u", route->limit + 1);
  const char *values[] = {route->after, limit};

  /* In the order of bytes, whatever the locale of the cluster. */
  ask (reads, message, route,
      "SELECT " GAME_JSON ", g.id FROM wishcast.game g "
      "WHERE g.id COLLATE \"C\" > $1 ORDER BY g.id COLLATE \"C\" "
      "LIMIT $2::integer",
      G_N_ELEMENTS (values), values, on_games);
}

static void
on_game (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;

  if (!has_rows (pending, rows, error))
    return;
  if (pg_rows_count (rows) == 0)
    api_answer_problem (pending->message, SOUP_STATUS_NOT_FOUND,
        "There is no game with this id.");
  else
    api_answer_json (
        pending->message, FRESH, g_strdup (pg_rows_get (rows, 0, 0)));
}

static void
read_game (ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  const char *values[] = {route->game};

  ask (reads, message, route,
      "SELECT " GAME_JSON "FROM wishcast.game g WHERE g.id = $1",
      G_N_ELEMENTS (values), values, on_game);
}

/* --- Public ----------------------------------------------------------------*/

ApiReads *
api_reads_new (
    Broadcasts *broadcasts, Catalogue *catalogue, ApiQueries *queries)
{
  ApiReads *reads = g_new0 (ApiReads, 1);

  reads->broadcasts = broadcasts;
  reads->catalogue = catalogue;
  reads->queries = queries;
  return reads;
}

void
api_reads_free (ApiReads *reads)
{
  g_free (reads);
}

void
api_reads_request (
    ApiReads *reads, SoupServerMessage *message, const ApiRoute *route)
{
  if (route->kind == API_ROUTE_BROADCAST)
    read_broadcast (reads, message, route);
  else if (route->kind == API_ROUTE_HEALTH)
    read_health (reads, message, route);
  else if (route->kind == API_ROUTE_GAMES)
    read_games (reads, message, route);
  else if (route->kind == API_ROUTE_GAME)
    read_game (reads, message, route);
  else
    read_list (reads, message, route);
}
