/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apiviewers.h"

#include "apianswer.h"

/* Pages look every 10 s; shared caches may ask once for all. */
#define FRESH "public, max-age=5"

struct _ApiViewers {
  Viewers *viewers;
  Catalogue *catalogue;
  ApiQueries *queries;
};

/* A beacon whose link is looked up in the database. */
typedef struct {
  ApiViewers *api_viewers;
  SoupServerMessage *message; /* held */
  ApiRoute route;
} Pending;

static void
pending_free (Pending *pending)
{
  api_release (pending->message);
  g_free (pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pending, pending_free)

static void
count (
    ApiViewers *api_viewers, SoupServerMessage *message, const ApiRoute *route)
{
  Viewers *viewers = api_viewers->viewers;
  gint64 now = g_get_monotonic_time ();

  if (route->left)
    viewers_remove_page (viewers, route->link, route->viewer, now);
  else
    viewers_add_page (viewers, route->link, route->viewer, now);
  api_answer (message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
      g_strdup_printf (
          "{\"viewers\": %u}", viewers_get (viewers, route->link, now)));
}

static void
on_found (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;

  if (rows == NULL)
    api_answer_later (pending->message, 2,
        "This broadcast is not in memory, and the database does not answer "
        "now.");
  else if (pg_rows_count (rows) == 0)
    api_answer_problem (pending->message, SOUP_STATUS_NOT_FOUND,
        "There is no broadcast with this link.");
  else
    count (pending->api_viewers, pending->message, &pending->route);
}

/* In memory, or watched already, which only what exists can be. */
static gboolean
is_known (ApiViewers *api_viewers, const char *link)
{
  g_autofree char *game = NULL;
  gboolean is_ended;

  return catalogue_look_up (api_viewers->catalogue, link, &game, &is_ended) ||
         viewers_get (api_viewers->viewers, link, g_get_monotonic_time ()) > 0;
}

static void
take_beacon (
    ApiViewers *api_viewers, SoupServerMessage *message, const ApiRoute *route)
{
  const char *values[] = {route->link};
  Pending *pending;

  if (*route->viewer == '\0') {
    api_answer_problem (message, SOUP_STATUS_BAD_REQUEST,
        "The query parameter \"viewer\" is needed: a random name of the "
        "viewer.");
  } else if (is_known (api_viewers, route->link)) {
    count (api_viewers, message, route);
  } else {
    pending = g_new0 (Pending, 1);
    pending->api_viewers = api_viewers;
    pending->message = api_hold (message);
    pending->route = *route;
    api_queries_run (api_viewers->queries,
        "SELECT FROM wishcast.broadcast WHERE link = $1", G_N_ELEMENTS (values),
        values, on_found, pending);
  }
}

/* The link of a hidden broadcast is for those who have it. One that is too old
 * for memory may be hidden. */
static gboolean
is_told (const char *link, gpointer catalogue)
{
  return catalogue_is_public (catalogue, link);
}

ApiViewers *
api_viewers_new (Viewers *viewers, Catalogue *catalogue, ApiQueries *queries)
{
  ApiViewers *api_viewers = g_new0 (ApiViewers, 1);

  api_viewers->viewers = viewers;
  api_viewers->catalogue = catalogue;
  api_viewers->queries = queries;
  return api_viewers;
}

void
api_viewers_free (ApiViewers *api_viewers)
{
  g_free (api_viewers);
}

void
api_viewers_request (
    ApiViewers *api_viewers, SoupServerMessage *message, const ApiRoute *route)
{
  if (route->kind == API_ROUTE_WATCHING)
    take_beacon (api_viewers, message, route);
  else
    api_answer_json (message, FRESH,
        viewers_write_json_of (api_viewers->viewers, is_told,
            api_viewers->catalogue, g_get_monotonic_time ()));
}
