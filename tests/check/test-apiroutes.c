/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiroutes.h"

#define UUID "0f8fad5b-d9cb-469f-a165-70867728950e"

static void
test_paths (void)
{
  static const struct {
    const char *path;
    ApiRouteKind kind;
    const char *link, *game;
  } cases[] = {
      {"/api/v1/broadcasts", API_ROUTE_BROADCASTS, "", ""},
      {"/api/v1/broadcasts/abc-D_9", API_ROUTE_BROADCAST, "abc-D_9", ""},
      {"/api/v1/broadcasts/abc/health", API_ROUTE_HEALTH, "abc", ""},
      {"/api/v1/broadcasts/abc/end", API_ROUTE_END, "abc", ""},
      {"/api/v1/broadcasts/abc/watching", API_ROUTE_WATCHING, "abc", ""},
      {"/api/v1/viewers", API_ROUTE_VIEWERS, "", ""},
      {"/api/v1/developer", API_ROUTE_DEVELOPER, "", ""},
      {"/api/v1/operator/overview", API_ROUTE_OVERVIEW, "", ""},
      {"/api/v1/operator/notifications", API_ROUTE_NOTIFICATIONS, "", ""},
      {"/api/v1/games", API_ROUTE_GAMES, "", ""},
      {"/api/v1/games/half-life", API_ROUTE_GAME, "", "half-life"},
      {"/api/v1/games/x/broadcasts", API_ROUTE_GAME_BROADCASTS, "", "x"},
      {"/api/v1/events", API_ROUTE_EVENTS, "", ""},
      {"/api/v1/openapi.json", API_ROUTE_OPENAPI, "", ""},
      {"/metrics", API_ROUTE_METRICS, "", ""},
      {"/healthz", API_ROUTE_HEALTHZ, "", ""},
      {"/readyz", API_ROUTE_READYZ, "", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    ApiRoute route;

    api_route_parse_path (&route, cases[i].path);
    g_assert_cmpint (route.kind, ==, cases[i].kind);
    g_assert_cmpstr (route.link, ==, cases[i].link);
    g_assert_cmpstr (route.game, ==, cases[i].game);
  }
}

static void
test_other_paths (void)
{
  static const char *const paths[] = {"", "/", "/api", "/api/v1",
      "/api/v1/broadcasts/", "/api/v1/broadcasts/a/", "/api/v1/broadcasts/a.b",
      "/api/v1/broadcasts/a%41", "/api/v1/broadcasts//health",
      "/api/v1/games/Half", "/api/v1/games/-a", "/api/v1//games", "//metrics",
      "/metrics/", "/api/v2/games", "/api/v1/games/a/b", "none",
      "/api/v1/broadcasts/"
      "01234567890123456789012345678901234567890123456789012345678901234"};

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    ApiRoute route;

    api_route_parse_path (&route, paths[i]);
    g_assert_cmpint (route.kind, ==, API_ROUTE_NONE);
  }
}

static void
test_query (void)
{
  g_autofree char *detail = NULL;
  ApiRoute route;

  api_route_parse_path (&route, "/api/v1/broadcasts");
  g_assert_true (api_route_parse_query (&route, NULL, &detail));
  g_assert_cmpint (route.list, ==, CATALOGUE_LIST_ANY);
  g_assert_cmpuint (route.limit, ==, API_LIMIT_DEFAULT);
  g_assert_true (api_route_parse_query (&route,
      "state=live&game=half%2Dlife&limit=7&before=100.1700000000000000." UUID,
      &detail));
  g_assert_cmpint (route.list, ==, CATALOGUE_LIST_OPEN);
  g_assert_cmpstr (route.game, ==, "half-life");
  g_assert_cmpuint (route.limit, ==, 7);
  g_assert_true (route.has_before);
  g_assert_cmpint (route.before.rank, ==, 100);
  g_assert_cmpint (
      route.before.created_at, ==, G_GINT64_CONSTANT (1700000000000000));
  g_assert_cmpstr (route.before.id, ==, UUID);

  api_route_parse_path (&route, "/api/v1/events");
  g_assert_true (api_route_parse_query (&route, "lastEventId=42", &detail));
  g_assert_true (route.has_last_event);
  g_assert_cmpuint (route.last_event, ==, 42);
}

static void
assert_bad (const char *path, const char *query, const char *named)
{
  g_autofree char *detail = NULL;
  ApiRoute route;

  api_route_parse_path (&route, path);
  g_assert_cmpint (route.kind, !=, API_ROUTE_NONE);
  g_assert_false (api_route_parse_query (&route, query, &detail));
  g_assert_nonnull (strstr (detail, named));
}

static void
test_bad_queries (void)
{
  const char *list = "/api/v1/broadcasts";

  assert_bad (list, "state=dead", "\"state\" must be live, ended or any");
  assert_bad (list, "limit=0", "\"limit\" must be a number from 1 to 100");
  assert_bad (list, "limit=101", "\"limit\"");
  assert_bad (list, "limit=-1", "\"limit\"");
  assert_bad (list, "limit=", "\"limit\"");
  assert_bad (list, "limit", "\"limit\"");
  assert_bad (list, "limit=1&limit=2", "\"limit\" is there twice");
  assert_bad (list, "game=Half", "\"game\"");
  assert_bad (list, "before=x", "\"before\"");
  assert_bad (list, "before=1.2." UUID "0", "\"before\"");
  assert_bad (list, "before=01.2." UUID, "\"before\"");
  assert_bad (list, "before=1.99999999999999999999." UUID, "\"before\"");
  assert_bad (list, "after=a", "no query parameter \"after\"");
  assert_bad (list, "x=%zz", "percent-encoded");
  assert_bad (list, "game=%00", "percent-encoded");
  assert_bad (list, "%ff=1", "percent-encoded");
  assert_bad (list, "&", "no query parameter \"\"");
  assert_bad ("/api/v1/games/a/broadcasts", "game=a", "\"game\"");
  assert_bad ("/api/v1/events", "lastEventId=-1", "\"lastEventId\"");
  assert_bad ("/metrics", "a=b", "no query parameter \"a\"");
}

static void
test_methods (void)
{
  g_assert_true (api_route_allows (API_ROUTE_GAMES, "HEAD"));
  g_assert_false (api_route_allows (API_ROUTE_GAMES, "POST"));
  g_assert_true (api_route_allows (API_ROUTE_END, "POST"));
  g_assert_false (api_route_allows (API_ROUTE_END, "GET"));
  g_assert_false (api_route_allows (API_ROUTE_END, ""));
  g_assert_cmpstr (api_route_get_methods (API_ROUTE_END), ==, "POST, OPTIONS");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apiroutes/paths", test_paths);
  g_test_add_func ("/apiroutes/other-paths", test_other_paths);
  g_test_add_func ("/apiroutes/query", test_query);
  g_test_add_func ("/apiroutes/bad-queries", test_bad_queries);
  g_test_add_func ("/apiroutes/methods", test_methods);
  return g_test_run ();
}
