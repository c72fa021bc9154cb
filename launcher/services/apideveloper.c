/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apideveloper.h"

#include <json-glib/json-glib.h>

#include "apianswer.h"

/* As many broadcasts as openapi.json says. */
#define MOST 20

struct _ApiDeveloper {
  ApiGate *gate;
  Catalogue *catalogue;
  ApiQueries *queries;
  char *ingest; /* JSON, the same for all */
};

/* A request whose answer is asked of the database. */
typedef struct {
  ApiDeveloper *developer;
  SoupServerMessage *message; /* held */
  KeyOwner *owner;
  char *broadcasts; /* those in memory, if the database does not answer */
} Pending;

static void
pending_free (Pending *pending)
{
  api_release (pending->message);
  key_owner_free (pending->owner);
  g_free (pending->broadcasts);
  g_free (pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pending, pending_free)

/* A JSON string. (transfer full) */
static char *
quote (const char *text)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);

  json_node_set_string (node, text);
  return json_to_string (node, FALSE);
}

/* (transfer full) */
static char *
format_time (gint64 time)
{
  g_autoptr (GDateTime) date = NULL;

  if (time == G_MAXINT64)
    return g_strdup ("null");
  date = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  return g_date_time_format (date, "\"%FT%TZ\"");
}

/* (transfer full) */
static char *
format_server (const char *url)
{
  g_autofree char *text = url != NULL ? quote (url) : NULL;

  return url != NULL ? g_strdup_printf ("{\"server\": %s}", text)
                     : g_strdup ("null");
}

/* @broadcasts: joined by commas. */
static void
answer (ApiDeveloper *developer, SoupServerMessage *message,
    const KeyOwner *owner, const char *broadcasts)
{
  g_autofree char *title = quote (owner->game_title);
  g_autofree char *name = quote (owner->broadcaster_name);
  g_autofree char *expires = format_time (owner->valid_until);

  /* No character of a game's id needs an escape. */
  api_answer (message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
      g_strdup_printf (
          "{\"game\": {\"id\": \"%s\", \"title\": %s}, \"broadcaster\": %s, "
          "\"keyExpiresAt\": %s, \"ingest\": %s, \"broadcasts\": [%s]}",
          owner->game, title, name, expires, developer->ingest, broadcasts));
}

static void
on_list (const PgRows *rows, const GError *error, gpointer data)
{
  g_autoptr (Pending) pending = data;

  answer (pending->developer, pending->message, pending->owner,
      rows != NULL ? pg_rows_get (rows, 0, 0) : pending->broadcasts);
}

/* What ended long ago is not in memory. */
static void
ask (ApiDeveloper *developer, SoupServerMessage *message, KeyOwner *owner,
    char *broadcasts)
{
  g_autofree char *id =
      g_strdup_printf ("%" G_GINT64_FORMAT, owner->broadcaster);
  const char *values[] = {owner->game, id};
  Pending *pending = g_new0 (Pending, 1);

  pending->developer = developer;
  pending->message = api_hold (message);
  pending->owner = owner;
  pending->broadcasts = broadcasts;
  api_queries_run (developer->queries,
      "SELECT coalesce (string_agg (json, ', '), '') FROM ("
      "SELECT wishcast.broadcast_json (b)::text AS json "
      "FROM wishcast.broadcast b "
      "WHERE b.game = $1 AND b.broadcaster = $2::bigint "
      "ORDER BY b.state = 'ended', b.created_at DESC, b.id "
      "LIMIT " G_STRINGIFY (MOST) ") newest",
      G_N_ELEMENTS (values), values, on_list, pending);
}

/* --- Public ----------------------------------------------------------------*/

ApiDeveloper *
api_developer_new (const ApiSettings *settings, ApiGate *gate,
    Catalogue *catalogue, ApiQueries *queries)
{
  ApiDeveloper *developer = g_new0 (ApiDeveloper, 1);
  g_autofree char *rtmp = format_server (settings->rtmp_url);
  g_autofree char *rtsp = format_server (settings->rtsp_url);

  developer->gate = gate;
  developer->catalogue = catalogue;
  developer->queries = queries;
  developer->ingest =
      g_strdup_printf ("{\"rtmp\": %s, \"rtsp\": %s}", rtmp, rtsp);
  return developer;
}

void
api_developer_free (ApiDeveloper *developer)
{
  if (developer == NULL)
    return;
  g_free (developer->ingest);
  g_free (developer);
}

void
api_developer_request (ApiDeveloper *developer, SoupServerMessage *message)
{
  g_autoptr (KeyOwner) owner = NULL;
  g_autofree char *broadcasts = NULL;
  gboolean whole;

  if (!api_gate_let_in (developer->gate, message, API_GATE_DEVELOPER, &owner))
    return;
  broadcasts = catalogue_list_own (
      developer->catalogue, owner->broadcaster, MOST, &whole);
  if (broadcasts == NULL)
    api_answer_later (message, 2, "The database was not reached yet.");
  else if (whole)
    answer (developer, message, owner, broadcasts);
  else
    ask (developer, message, g_steal_pointer (&owner),
        g_steal_pointer (&broadcasts));
}
