/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The API as its clients see it: real sockets, a real PostgreSQL. */

#include "config.h"

#include <string.h>

#include "apitest.h"
#include "broadcaststub.h"
#include "eventclient.h"
#include "metricsreader.h"

#define LIST "/api/v1/broadcasts"

static void
assert_links (ApiTest *t, const char *path, const char *expected)
{
  g_autofree char *links = api_test_links (t, path);

  g_assert_cmpstr (links, ==, expected);
}

/* a and b are open and c has ended; b's broadcaster ranks higher. */
static void
fill (ApiTest *t)
{
  api_test_run (t, "INSERT INTO wishcast.broadcaster (game, name, rank) "
                   "VALUES ('portal', 'The developer', 1);");
  api_test_run (t,
      "SELECT wishcast.set_state (md5 ('b')::uuid, 'b', 'portal', "
      "(SELECT id FROM wishcast.broadcaster LIMIT 1), 'B \"quoted\"', 'public',"
      "'node-b', NULL, 'live', now (), '15 s', NULL, NULL);");
  api_test_set_state (t, "c", "half-life", "ended");
  api_test_set_state (t, "a", "half-life", "starting");
  api_test_run (t, "SELECT wishcast.set_state (md5 ('h')::uuid, 'hidden', "
                   "'portal', NULL, '', 'hidden', 'node-a', NULL, 'live', "
                   "now (), '15 s', NULL, NULL);");
  api_test_await (t, LIST "/hidden", "\"live\"");
  /* That may come from the database; this is of what the API remembers. */
  api_test_await (t, LIST "?state=live", "\"link\": \"a\"");
}

static void
test_lists (ApiTest *t, gconstpointer unused)
{
  g_autofree char *none = NULL;

  none = api_test_get (t, LIST);
  g_assert_cmpstr (none, ==,
      "{\"broadcasts\": [], \"next\": null, \"lastEventId\": \"0\", "
      "\"staleSince\": null}");
  fill (t);
  assert_links (t, LIST, "a c b");
  assert_links (t, LIST "?state=any", "a c b");
  assert_links (t, LIST "?state=live", "b a");
  assert_links (t, LIST "?state=ended", "c");
  assert_links (t, LIST "?game=portal", "b");
  assert_links (t, LIST "?game=none", "");
  assert_links (t, "/api/v1/games/half-life/broadcasts", "a c");
  assert_links (t, "/api/v1/games/half-life/broadcasts?state=live", "a");
  api_test_assert_status (t, "/api/v1/games/none/broadcasts", 404);
  api_test_run (t, "INSERT INTO wishcast.game (id, title) "
                   "VALUES ('new', 'New');");
  assert_links (t, "/api/v1/games/new/broadcasts", "");
}

static void
test_one (ApiTest *t, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autofree char *title = NULL;
  g_autofree char *health = NULL;
  g_autofree char *local = NULL;

  fill (t);
  text = api_test_get (t, LIST "/b");
  title = api_test_member (text, "title");
  g_assert_cmpstr (title, ==, "B \"quoted\"");
  api_test_assert_status (t, LIST "/none", 404);
  api_test_run (t, "UPDATE wishcast.broadcast SET health = "
                   "'[{\"code\": \"no-audio\"}]' WHERE link = 'b';");
  health = api_test_get (t, LIST "/b/health");
  g_assert_cmpstr (health, ==,
      "{\"link\": \"b\", \"findings\": [{\"code\": \"no-audio\"}]}");
  broadcasts_stub_add (t->broadcasts, "a", "half-life", "[{}]");
  local = api_test_get (t, LIST "/a/health");
  g_assert_cmpstr (local, ==, "{\"link\": \"a\", \"findings\": [{}]}");
  api_test_assert_status (t, LIST "/none/health", 404);
}

static void
test_games (ApiTest *t, gconstpointer unused)
{
  g_autofree char *all = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *one = NULL;
  g_autofree char *live = NULL;
  g_autofree char *next = NULL;

  fill (t);
  all = api_test_get (t, "/api/v1/games");
  g_assert_nonnull (strstr (all, "Half-Life"));
  g_assert_nonnull (strstr (all, "Portal"));
  first = api_test_get (t, "/api/v1/games?limit=1");
  next = api_test_member (first, "next");
  g_assert_cmpstr (next, ==, "half-life");
  second = api_test_get (t, "/api/v1/games?limit=1&after=half-life");
  g_assert_nonnull (strstr (second, "\"next\": null"));
  g_assert_nonnull (strstr (second, "Portal"));
  one = api_test_get (t, "/api/v1/games/portal");
  live = api_test_member (one, "live");
  g_assert_cmpstr (live, ==, "1");
  api_test_assert_status (t, "/api/v1/games/none", 404);
}

/* Of a game and of its broadcaster, which no event tells of. */
static void
test_renamed (ApiTest *t, gconstpointer unused)
{
  fill (t);
  api_test_run (t, "UPDATE wishcast.game SET title = 'Portal 2' "
                   "WHERE id = 'portal';");
  api_test_await (t, LIST "?state=live", "Portal 2");
  api_test_run (t, "UPDATE wishcast.broadcaster SET name = 'Somebody else';");
  api_test_await (t, LIST "?state=live", "Somebody else");
}

/* Page by page, from memory into the database, beside what a whole query of
 * the database gives. */
static void
test_paging (ApiTest *t, gconstpointer unused)
{
  g_autoptr (GString) path = g_string_new (LIST "?state=ended&limit=100");
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autofree char *expected = NULL;
  guint n_pages = 0;

  /* Four at a time were created in the same microsecond. */
  api_test_run (t,
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, "
      "created_at, changed_at) SELECT md5 (n::text)::uuid, 'e' || n, 'portal',"
      " 'ended', 'node-a', now () - n / 4 * interval '1 microsecond', now () "
      "FROM generate_series (1, 1250) n;");
  api_test_await (t, LIST "?limit=1", "\"e1\"");
  api_test_await (t, "/metrics", "wishcast_catalogue_last_event 1250\n");
  expected = pg_kit_read (t->pg,
      "SELECT string_agg (link, ' ' ORDER BY created_at DESC, id) "
      "FROM wishcast.broadcast");
  while (path->len > 0) {
    g_autofree char *text = api_test_get (t, path->str);
    g_autofree char *links = api_test_links (t, path->str);
    g_autofree char *next = api_test_member (text, "next");

    g_string_append_printf (
        seen, "%s%s", seen->len > 0 && *links != '\0' ? " " : "", links);
    if (strcmp (next, "null") == 0)
      break;
    g_string_printf (path, LIST "?state=ended&limit=100&before=%s", next);
    g_assert_cmpuint (++n_pages, <, 20);
  }
  g_assert_cmpstr (seen->str, ==, expected);
  /* One of those that only the database has. */
  api_test_assert_status (t, LIST "/e1249", 200);
}

static void
test_headers (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) get = http_get (t->port, LIST, NULL);
  const char *etag = http_reply_header (get, "etag");
  g_autofree char *condition =
      g_strdup_printf ("If-None-Match: \"x\", %s\r\n", etag);
  g_autoptr (HttpReply) same = http_get (t->port, LIST, condition);
  g_autoptr (HttpReply) head = http_call (t->port, "HEAD", LIST, NULL);
  g_autoptr (HttpReply) options = http_call (t->port, "OPTIONS", LIST, NULL);
  g_autoptr (HttpReply) changed = NULL;

  g_assert_cmpstr (
      http_reply_header (get, "content-type"), ==, "application/json");
  g_assert_cmpstr (
      http_reply_header (get, "cache-control"), ==, "public, max-age=1");
  g_assert_cmpstr (
      http_reply_header (get, "access-control-allow-origin"), ==, "*");
  g_assert_cmpuint (same->status, ==, 304);
  g_assert_cmpstr (http_reply_header (same, "etag"), ==, etag);
  g_assert_cmpstr (
      http_reply_header (same, "cache-control"), ==, "public, max-age=1");
  g_assert_cmpuint (head->status, ==, 200);
  g_assert_cmpstr (http_reply_header (head, "content-length"), ==,
      http_reply_header (get, "content-length"));
  g_assert_cmpstr (http_reply_header (head, "etag"), ==, etag);
  g_assert_cmpuint (options->status, ==, 204);
  g_assert_cmpstr (
      http_reply_header (options, "allow"), ==, "GET, HEAD, OPTIONS");
  g_assert_cmpstr (http_reply_header (options, "access-control-allow-methods"),
      ==, "GET, HEAD, OPTIONS");
  fill (t);
  changed = http_get (t->port, LIST, condition);
  g_assert_cmpuint (changed->status, ==, 200);
}

static void
assert_problem (ApiTest *t, const char *method, const char *path, guint status)
{
  g_autoptr (HttpReply) reply = http_call (t->port, method, path, NULL);
  g_autofree char *text = http_reply_text (reply);
  g_autofree char *code = g_strdup_printf ("%u", status);
  g_autofree char *member = NULL;

  g_assert_cmpuint (reply->status, ==, status);
  g_assert_cmpstr (http_reply_header (reply, "content-type"), ==,
      "application/problem+json");
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
  member = api_test_member (text, "status");
  g_assert_cmpstr (member, ==, code);
  g_assert_cmpint (
      status == 405, ==, http_reply_header (reply, "allow") != NULL);
}

static void
test_problems (ApiTest *t, gconstpointer unused)
{
  g_autoptr (GString) large = g_string_new (LIST "?game=");

  assert_problem (t, "GET", "/none", 404);
  assert_problem (t, "GET", LIST "?limit=1000", 400);
  assert_problem (t, "GET", LIST "?limit=%31%30%30%30", 400);
  assert_problem (t, "GET", LIST "/%61", 404);
  assert_problem (t, "GET", LIST "/..", 404);
  assert_problem (t, "PUT", LIST, 405);
  assert_problem (t, "DELETE", LIST "/a", 405);
  assert_problem (t, "BREW", LIST, 405);
  assert_problem (t, "GET", LIST "/a/end", 405);
  for (guint i = 0; i < 3000; i++)
    g_string_append_c (large, 'a');
  assert_problem (t, "GET", large->str, 414);
  /* No request of HTTP at all: libsoup says so by itself. */
  api_test_assert_status (t, LIST "?x=%zz", 400);
  api_test_assert_status (t, LIST "/%zz", 400);
}

/* What no client of good will sends costs nobody else anything. */
static void
test_hostile (ApiTest *t, gconstpointer unused)
{
  static const char *const requests[] = {
      "\r\n\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET http:///%zz HTTP/1.1\r\nHost: \x01\r\n\r\n",
      "GET " LIST " HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
      "POST " LIST "/a/end HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
      "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  };
  g_autoptr (HttpClient) half = http_client_open (t->port);
  g_autoptr (GString) headers = g_string_new (NULL);

  http_client_send (half, "GET " LIST " HTTP/1.1\r\nHost:");
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++) {
    g_autoptr (HttpClient) client = http_client_open (t->port);

    http_client_try_send (client, requests[i]);
  }
  /* Headers without an end. */
  for (guint i = 0; i < 8000; i++)
    g_string_append (headers, "X-Header: and so on, and so on\r\n");
  {
    g_autoptr (HttpClient) client = http_client_open (t->port);

    http_client_try_send (client, "GET / HTTP/1.1\r\n");
    http_client_try_send (client, headers->str);
    g_assert_true (http_client_is_closed (client));
  }
  api_test_assert_status (t, LIST, 200);
}

static void
test_large_body (ApiTest *t, gconstpointer unused)
{
  g_autofree char *body = g_malloc (1024 * 1024 + 1);
  g_autoptr (HttpClient) client = http_client_open (t->port);
  g_autoptr (HttpReply) reply = NULL;

  memset (body, 'x', 1024 * 1024);
  body[1024 * 1024] = '\0';
  http_client_send (client, "POST " LIST "/a/end HTTP/1.1\r\nHost: a\r\n"
                            "Content-Length: 1048576\r\n\r\n");
  http_client_try_send (client, body);
  reply = http_client_read (client, TRUE);
  g_assert_cmpuint (reply->status, ==, 413);
  g_assert_true (http_client_is_closed (client));
}

static void
test_health (ApiTest *t, gconstpointer unused)
{
  g_autofree char *ready = api_test_get (t, "/readyz");

  g_assert_cmpstr (ready, ==, "{\"ready\": true, \"reasons\": []}");
  api_test_assert_status (t, "/healthz", 200);
}

/* A node that has never seen its stream keys. */
static void
test_no_keys (ApiTest *t, gconstpointer unused)
{
  Keyring *keyring = keyring_new ("/none/keys", "host=/none");
  ApiSettings settings = {
      .address = "127.0.0.1",
      .conninfo = pg_kit_get_conninfo (t->pg),
      .openapi = g_getenv ("OPENAPI"),
      .node = "node-b",
      .keyring = keyring,
  };
  g_autoptr (GError) error = NULL;
  Api *api = api_new (&settings, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  do {
    g_autoptr (HttpReply) reply = NULL;

    g_free (text);
    reply = http_get (api_get_port (api), "/readyz", NULL);
    g_assert_cmpuint (reply->status, ==, 503);
    text = http_reply_text (reply);
  } while (strstr (text, "database") != NULL);
  g_assert_cmpstr (text, ==,
      "{\"ready\": false, "
      "\"reasons\": [\"The stream keys are not known yet.\"]}");
  api_free (api);
  keyring_free (keyring);
}

static void
test_openapi (ApiTest *t, gconstpointer unused)
{
  g_autofree char *text = api_test_get (t, "/api/v1/openapi.json");
  g_autofree char *version = api_test_member (text, "openapi");

  g_assert_true (g_str_has_prefix (version, "3.1."));
}

static void
test_metrics (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) events =
      event_client_open (t->port, "/api/v1/events", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GHashTable) metrics = NULL;

  fill (t);
  broadcasts_stub_add (t->broadcasts, "a", "half-life", "[]");
  api_test_assert_status (t, LIST "/none", 404);
  text = api_test_get (t, "/metrics");
  metrics = metrics_read (text);
#define ASSERT_METRIC(sample, value)                                           \
  g_assert_cmpfloat (metrics_get (metrics, sample), ==, value)
  ASSERT_METRIC ("wishcast_broadcasts{state=\"starting\"}", 1);
  ASSERT_METRIC ("wishcast_broadcasts{state=\"live\"}", 2);
  ASSERT_METRIC ("wishcast_broadcasts{state=\"interrupted\"}", 0);
  ASSERT_METRIC ("wishcast_catalogue_connected", 1);
  ASSERT_METRIC ("wishcast_api_event_streams", 1);
  ASSERT_METRIC ("wishcast_info{version=\"" VERSION "\",node=\"node-a\"}", 1);
  g_assert_cmpfloat (
      metrics_get (metrics, "wishcast_api_requests_total{route=\"/api/v1/"
                            "broadcasts/{link}\",status=\"404\"}"),
      >=, 1);
  ASSERT_METRIC (
      "wishcast_ingest_bytes_total{link=\"a\",game=\"half-life\"}", 123456);
  ASSERT_METRIC (
      "wishcast_origin_parts_total{link=\"a\",game=\"half-life\"}", 17);
  ASSERT_METRIC (
      "wishcast_origin_waiting_requests{link=\"a\",game=\"half-life\"}", 3);
  ASSERT_METRIC (
      "wishcast_cache_dropped_chunks_total{link=\"a\",game=\"half-life\"}", 2);
  ASSERT_METRIC ("wishcast_part_latency_seconds{link=\"a\",game=\"half-life\","
                 "quantile=\"0.99\"}",
      0.5);
  ASSERT_METRIC ("wishcast_nodes{alive=\"true\"}", 0);
  ASSERT_METRIC ("wishcast_nodes{alive=\"false\"}", 0);
  ASSERT_METRIC ("wishcast_registrar_queued", 0);
}

/* PostgreSQL is killed, and comes back after a change was made. */
static void
test_database_away (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) events = NULL;
  g_autofree char *list = NULL;
  g_autofree char *stale = NULL;

  fill (t);
  events = event_client_open (t->port, "/api/v1/events", NULL);
  server_event_free (event_client_read (events));
  pg_kit_stop (t->pg);
  api_test_await_status (t, "/readyz", 503);
  api_test_assert_status (t, "/healthz", 200);
  assert_links (t, LIST "?state=live", "b a");
  assert_links (t, LIST, "a c b");
  api_test_assert_status (t, LIST "/c", 200);
  list = api_test_get (t, LIST);
  stale = api_test_member (list, "staleSince");
  g_assert_cmpstr (stale, !=, "null");
  {
    g_autoptr (HttpReply) reply = http_get (t->port, LIST "/none", NULL);

    g_assert_cmpuint (reply->status, ==, 503);
    g_assert_cmpstr (http_reply_header (reply, "retry-after"), ==, "2");
  }
  api_test_assert_status (t, "/api/v1/games", 503);

  /* Most of it before the API has noticed. */
  pg_kit_start (t->pg);
  for (guint i = 0; i < 10; i++) {
    api_test_set_state (t, "a", "half-life", "live");
    api_test_set_state (t, "a", "half-life", "interrupted");
  }
  for (guint i = 0; i < 20; i++) {
    g_autoptr (ServerEvent) event = event_client_read (events);

    g_assert_cmpstr (event->name, ==,
        i % 2 == 0 ? "broadcast.live" : "broadcast.interrupted");
  }
  api_test_await_status (t, "/readyz", 200);
  api_test_await_status (t, "/api/v1/games", 200);
  assert_links (t, LIST "?state=live", "b a");
}

/* A query that waits for a lock: its client hears of it in time, and the
 * others do not wait. */
static void
test_slow_database (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpClient) waits = http_client_open (t->port);
  g_autoptr (HttpReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) locker =
      pg_connection_open (pg_kit_get_conninfo (t->pg), &error);
  g_autoptr (PgRows) begin =
      pg_connection_query (locker, "BEGIN", 0, NULL, &error);
  g_autoptr (PgRows) lock =
      pg_connection_query (locker, "LOCK TABLE wishcast.game", 0, NULL, &error);

  g_assert_no_error (error);
  http_client_get (waits, "/api/v1/games");
  api_test_assert_status (t, LIST, 200);
  reply = http_client_read (waits, TRUE);
  g_assert_cmpuint (reply->status, ==, 503);
  g_assert_cmpstr (http_reply_header (reply, "retry-after"), ==, "2");
}

static void
test_cannot_listen (ApiTest *t, gconstpointer unused)
{
  ApiSettings settings = {
      .address = "127.0.0.1",
      .port = t->port,
      .conninfo = pg_kit_get_conninfo (t->pg),
      .openapi = g_getenv ("OPENAPI"),
      .node = "node-b",
  };
  g_autoptr (GError) error = NULL;

  g_assert_null (api_new (&settings, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);
  settings.address = "localhost";
  g_assert_null (api_new (&settings, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  settings.openapi = "/none";
  g_assert_null (api_new (&settings, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add (                                                                 \
      "/api/" name, ApiTest, NULL, api_test_set_up, func, api_test_tear_down)
  ADD ("lists", test_lists);
  ADD ("one", test_one);
  ADD ("games", test_games);
  ADD ("renamed", test_renamed);
  ADD ("paging", test_paging);
  ADD ("headers", test_headers);
  ADD ("problems", test_problems);
  ADD ("hostile", test_hostile);
  ADD ("large-body", test_large_body);
  ADD ("health", test_health);
  ADD ("no-keys", test_no_keys);
  ADD ("openapi", test_openapi);
  ADD ("metrics", test_metrics);
  ADD ("database-away", test_database_away);
  ADD ("slow-database", test_slow_database);
  ADD ("cannot-listen", test_cannot_listen);
  status = g_test_run ();
  api_test_end ();
  return status;
}
