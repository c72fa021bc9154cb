/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiroutes.h"

#include <string.h>

#define READ "GET, HEAD, OPTIONS"
#define GAME_RULE "1 to 64 of the characters a-z 0-9 -, not first a -"

/* "{link}" and "{game}" stand for one component. */
static const struct {
  const char *path;
  const char *methods;
} routes[N_API_ROUTES] = {
    [API_ROUTE_NONE] = {"none", READ},
    [API_ROUTE_BROADCASTS] = {"/api/v1/broadcasts", READ},
    [API_ROUTE_BROADCAST] = {"/api/v1/broadcasts/{link}", READ},
    [API_ROUTE_HEALTH] = {"/api/v1/broadcasts/{link}/health", READ},
    [API_ROUTE_RECORDING] = {"/api/v1/broadcasts/{link}/recording", READ},
    [API_ROUTE_END] = {"/api/v1/broadcasts/{link}/end", "POST, OPTIONS"},
    [API_ROUTE_WATCHING] = {"/api/v1/broadcasts/{link}/watching",
        "POST, OPTIONS"},
    [API_ROUTE_VIEWERS] = {"/api/v1/viewers", READ},
    [API_ROUTE_GAMES] = {"/api/v1/games", READ},
    [API_ROUTE_GAME] = {"/api/v1/games/{game}", READ},
    [API_ROUTE_GAME_BROADCASTS] = {"/api/v1/games/{game}/broadcasts", READ},
    [API_ROUTE_DEVELOPER] = {"/api/v1/developer", READ},
    [API_ROUTE_OVERVIEW] = {"/api/v1/operator/overview", READ},
    [API_ROUTE_NOTIFICATIONS] = {"/api/v1/operator/notifications", READ},
    [API_ROUTE_EVENTS] = {"/api/v1/events", READ},
    [API_ROUTE_OPENAPI] = {"/api/v1/openapi.json", READ},
    [API_ROUTE_METRICS] = {"/metrics", READ},
    [API_ROUTE_HEALTHZ] = {"/healthz", READ},
    [API_ROUTE_READYZ] = {"/readyz", READ},
};

static gboolean
game_is_valid (const char *id)
{
  gsize length = strspn (id, "abcdefghijklmnopqrstuvwxyz0123456789-");

  return length > 0 && length <= GAME_ID_MAX_LENGTH && id[length] == '\0' &&
         id[0] != '-';
}

const char *
api_route_get_methods (ApiRouteKind kind)
{
  return routes[kind].methods;
}

const char *
api_route_get_template (ApiRouteKind kind)
{
  return routes[kind].path;
}

gboolean
api_route_allows (ApiRouteKind kind, const char *method)
{
  g_auto (GStrv) methods = g_strsplit (routes[kind].methods, ", ", -1);

  return g_strv_contains ((const char *const *)methods, method);
}

/* --- The path --------------------------------------------------------------*/

/* Takes the component of @path that a variable stands for. */
static gboolean
read_component (const char **path, char *into, gsize size)
{
  gsize length = strcspn (*path, "/");

  if (length >= size)
    return FALSE;
  memcpy (into, *path, length);
  into[length] = '\0';
  *path += length;
  return TRUE;
}

static gboolean
matches (ApiRoute *route, const char *template, const char *path)
{
  while (*template != '\0') {
    if (g_str_has_prefix (template, "{link}")) {
      if (!read_component (&path, route->link, sizeof route->link) ||
          !link_is_valid (route->link))
        return FALSE;
      template += strlen ("{link}");
    } else if (g_str_has_prefix (template, "{game}")) {
      if (!read_component (&path, route->game, sizeof route->game) ||
          !game_is_valid (route->game))
        return FALSE;
      template += strlen ("{game}");
    } else if (*template ++ != *path++) {
      return FALSE;
    }
  }
  return *path == '\0';
}

void
api_route_parse_path (ApiRoute *route, const char *path)
{
  for (guint i = API_ROUTE_NONE + 1; i < N_API_ROUTES; i++) {
    *route = (ApiRoute){.kind = i, .limit = API_LIMIT_DEFAULT};
    if (matches (route, routes[i].path, path))
      return;
  }
  *route = (ApiRoute){.kind = API_ROUTE_NONE};
}

/* --- The query -------------------------------------------------------------*/

static gboolean
read_state (ApiRoute *route, const char *value)
{
  if (strcmp (value, "live") == 0)
    route->list = CATALOGUE_LIST_OPEN;
  else if (strcmp (value, "ended") == 0)
    route->list = CATALOGUE_LIST_ENDED;
  else
    return strcmp (value, "any") == 0;
  return TRUE;
}

static gboolean
read_game (ApiRoute *route, const char *value)
{
  g_strlcpy (route->game, value, sizeof route->game);
  return game_is_valid (value);
}

static gboolean
read_limit (ApiRoute *route, const char *value)
{
  guint64 limit;

  if (!g_ascii_string_to_unsigned (value, 10, 1, API_LIMIT_MOST, &limit, NULL))
    return FALSE;
  route->limit = limit;
  return TRUE;
}

static gboolean
read_before (ApiRoute *route, const char *value)
{
  route->has_before = TRUE;
  return catalogue_cursor_parse (value, &route->before);
}

static gboolean
read_after (ApiRoute *route, const char *value)
{
  g_strlcpy (route->after, value, sizeof route->after);
  return game_is_valid (value);
}

gboolean
api_parse_event_id (const char *text, guint64 *id)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, id, NULL);
}

static gboolean
read_last_event (ApiRoute *route, const char *value)
{
  route->has_last_event = TRUE;
  return api_parse_event_id (value, &route->last_event);
}

static gboolean
read_viewer (ApiRoute *route, const char *value)
{
  gsize length = strlen (value);

  g_strlcpy (route->viewer, value, sizeof route->viewer);
  return length >= VIEWER_MIN_LENGTH && length <= VIEWER_MAX_LENGTH &&
         link_is_valid (value);
}

static gboolean
read_left (ApiRoute *route, const char *value)
{
  route->left = strcmp (value, "true") == 0;
  return route->left || strcmp (value, "false") == 0;
}

static gboolean
read_part (ApiRoute *route, const char *value)
{
  guint64 part;

  if (!g_ascii_string_to_unsigned (value, 10, 0, PART_MAX, &part, NULL))
    return FALSE;
  route->part = (guint)part;
  return TRUE;
}

static gboolean
read_inline (ApiRoute *route, const char *value)
{
  route->is_inline = strcmp (value, "true") == 0;
  return route->is_inline || strcmp (value, "false") == 0;
}

#define IN(kind) (1u << (kind))

static const struct {
  const char *name;
  guint routes; /* that have it */
  gboolean (*read) (ApiRoute *route, const char *value);
  const char *expected;
} parameters[] = {
    {"state", IN (API_ROUTE_BROADCASTS) | IN (API_ROUTE_GAME_BROADCASTS),
        read_state, "live, ended or any"},
    {"game", IN (API_ROUTE_BROADCASTS) | IN (API_ROUTE_EVENTS), read_game,
        "a game's id: " GAME_RULE},
    {"limit",
        IN (API_ROUTE_BROADCASTS) | IN (API_ROUTE_GAME_BROADCASTS) |
            IN (API_ROUTE_GAMES),
        read_limit, "a number from 1 to " G_STRINGIFY (API_LIMIT_MOST)},
    {"before", IN (API_ROUTE_BROADCASTS) | IN (API_ROUTE_GAME_BROADCASTS),
        read_before, "`next` of the page before"},
    {"after", IN (API_ROUTE_GAMES), read_after, "`next` of the page before"},
    {"lastEventId", IN (API_ROUTE_EVENTS), read_last_event,
        "the id of an event"},
    {"viewer", IN (API_ROUTE_WATCHING), read_viewer,
        "16 to 64 of the characters A-Z a-z 0-9 _ -"},
    {"left", IN (API_ROUTE_WATCHING), read_left, "true or false"},
    {"part", IN (API_ROUTE_RECORDING), read_part,
        "a number from 0 to " G_STRINGIFY (PART_MAX)},
    {"inline", IN (API_ROUTE_RECORDING), read_inline, "true or false"},
};

/* One `name=value`, decoded. */
static gboolean
read_parameter (ApiRoute *route, const char *name, const char *value,
    guint *seen, char **detail)
{
  g_autofree char *shown = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++) {
    if (strcmp (parameters[i].name, name) != 0 ||
        !(parameters[i].routes & IN (route->kind)))
      continue;
    if (*seen & IN (i)) {
      *detail =
          g_strdup_printf ("The query parameter \"%s\" is there twice.", name);
      return FALSE;
    }
    *seen |= IN (i);
    if (parameters[i].read (route, value))
      return TRUE;
    *detail = g_strdup_printf (
        "The query parameter \"%s\" must be %s.", name, parameters[i].expected);
    return FALSE;
  }
  shown = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), 32));
  *detail = g_strdup_printf ("There is no query parameter \"%s\" here.", shown);
  return FALSE;
}

static gboolean
read_pair (ApiRoute *route, const char *pair, guint *seen, char **detail)
{
  const char *equals = strchrnul (pair, '=');
  g_autofree char *name = g_uri_unescape_segment (pair, equals, NULL);
  g_autofree char *value =
      g_uri_unescape_string (*equals == '=' ? equals + 1 : equals, NULL);

  if (name == NULL || value == NULL || !g_utf8_validate (name, -1, NULL)) {
    *detail = g_strdup ("The query is not percent-encoded as a URL must be.");
    return FALSE;
  }
  return read_parameter (route, name, value, seen, detail);
}

gboolean
api_route_parse_query (ApiRoute *route, const char *query, char **detail)
{
  g_auto (GStrv) pairs =
      query != NULL && *query != '\0' ? g_strsplit (query, "&", -1) : NULL;
  guint seen = 0;

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i++) {
    if (!read_pair (route, pairs[i], &seen, detail))
      return FALSE;
  }
  return TRUE;
}
