/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beacon of the pages, and how many watch what. */

#include <string.h>

#include "accesslog.h"
#include "apitest.h"

#define WATCHING(link) "/api/v1/broadcasts/" link "/watching"
#define ANNA "?viewer=viewer-anna-0000"
#define BORIS "?viewer=viewer-boris-000"

typedef struct {
  guint16 port;
  gint is_over; /* atomic */
} Flood;

static void
assert_tell (ApiTest *t, const char *path, guint status, const char *expected)
{
  g_autoptr (HttpReply) reply =
      http_call (t->port, "POST", path, "Content-Length: 0\r\n");
  g_autofree char *text = http_reply_text (reply);

  g_assert_cmpuint (reply->status, ==, status);
  if (strstr (text, expected) == NULL)
    g_error ("%s: %s", path, text);
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
}

static void
assert_count (ApiTest *t, const char *path, guint n)
{
  g_autofree char *expected = g_strdup_printf ("{\"viewers\": %u}", n);

  assert_tell (t, path, 200, expected);
}

static void
assert_viewers (ApiTest *t, const char *expected)
{
  g_autofree char *text = api_test_get (t, "/api/v1/viewers");

  g_assert_cmpstr (text, ==, expected);
}

static void
add_broadcasts (ApiTest *t)
{
  api_test_set_state (t, "a", "portal", "live");
  api_test_set_state (t, "b", "portal", "live");
  api_test_set_state (t, "b", "portal", "ended");
  api_test_await (t, "/api/v1/broadcasts/b", "\"ended\"");
}

static void
test_beacon (ApiTest *t, gconstpointer unused)
{
  add_broadcasts (t);
  assert_viewers (t, "{\"total\": 0, \"viewers\": {}}");
  assert_count (t, WATCHING ("a") ANNA, 1);
  assert_count (t, WATCHING ("a") ANNA, 1);
  assert_count (t, WATCHING ("a") BORIS "&left=false", 2);
  /* A recording is watched as well. */
  assert_count (t, WATCHING ("b") BORIS, 1);
  assert_viewers (t, "{\"total\": 3, \"viewers\": {\"a\": 2, \"b\": 1}}");
  assert_count (t, WATCHING ("a") ANNA "&left=true", 1);
  assert_count (t, WATCHING ("a") BORIS "&left=true", 0);
  assert_viewers (t, "{\"total\": 1, \"viewers\": {\"b\": 1}}");
}

static void
test_refused (ApiTest *t, gconstpointer unused)
{
  add_broadcasts (t);
  assert_tell (t, WATCHING ("none") ANNA, 404, "no broadcast");
  assert_tell (t, WATCHING ("none") ANNA "&left=true", 404, "no broadcast");
  assert_tell (t, WATCHING ("a"), 400, "\\\"viewer\\\"");
  assert_tell (t, WATCHING ("a") "?left=true", 400, "\\\"viewer\\\"");
  assert_tell (t, WATCHING ("a") "?viewer=short", 400, "\\\"viewer\\\"");
  assert_tell (t, WATCHING ("a") ANNA "&left=yes", 400, "\\\"left\\\"");
  assert_viewers (t, "{\"total\": 0, \"viewers\": {}}");
}

/* Of what the log and other nodes have counted, too. */
static void
test_figures (ApiTest *t, gconstpointer unused)
{
  const ViewerFigures figures = {.link = "a", .pages = 5, .players = 7};
  gint64 now = g_get_monotonic_time ();
  g_autofree char *metrics = NULL;
  g_autoptr (HttpReply) again = NULL, first = NULL;
  g_autofree char *known = NULL;

  add_broadcasts (t);
  assert_count (t, WATCHING ("a") ANNA, 1);
  viewers_add_player (t->viewers, "a", 1, now);
  viewers_add_player (t->viewers, "a", 2, now);
  viewers_add_bytes (t->viewers, "a", 1234, now);
  viewers_set_remote (t->viewers, "node-b", &figures, 1, now);
  assert_viewers (t, "{\"total\": 9, \"viewers\": {\"a\": 9}}");

  first = http_get (t->port, "/api/v1/viewers", NULL);
  g_assert_cmpstr (
      http_reply_header (first, "cache-control"), ==, "public, max-age=5");
  known = g_strdup_printf (
      "If-None-Match: %s\r\n", http_reply_header (first, "etag"));
  again = http_get (t->port, "/api/v1/viewers", known);
  g_assert_cmpuint (again->status, ==, 304);

  /* Those of this node: the others tell their own. */
  metrics = api_test_get (t, "/metrics");
  g_assert_nonnull (
      strstr (metrics, "\nwishcast_viewers{link=\"a\",source=\"pages\"} 1\n"));
  g_assert_nonnull (strstr (
      metrics, "\nwishcast_viewers{link=\"a\",source=\"players\"} 2\n"));
  g_assert_nonnull (
      strstr (metrics, "\nwishcast_media_sent_bytes_total 1234\n"));
}

/* Who has its link is counted, but nobody learns the link. */
static void
test_hidden (ApiTest *t, gconstpointer unused)
{
  add_broadcasts (t);
  assert_count (t, WATCHING ("a") ANNA, 1);
  assert_count (t, WATCHING ("b") ANNA, 1);
  api_test_run (t,
      "UPDATE wishcast.broadcast SET visibility = 'hidden' WHERE link = 'a';");
  api_test_await (t, "/api/v1/broadcasts/a", "\"hidden\"");
  assert_viewers (t, "{\"total\": 1, \"viewers\": {\"b\": 1}}");
  assert_count (t, WATCHING ("a") BORIS, 2);
}

/* Lines of the log, without a pause. */
static gpointer
flood (gpointer data)
{
  Flood *flood = data;
  g_autoptr (GSocketAddress) to =
      g_inet_socket_address_new_from_string ("127.0.0.1", flood->port);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);

  for (guint i = 0; !g_atomic_int_get (&flood->is_over); i++) {
    g_autofree char *line = g_strdup_printf (
        "<190>Nov 28 21:00:00 wishcast: 200 1 GET /live/a/video_0/0-1.m4s "
        "192.0.2.1 Agent/%u",
        i);

    g_socket_send_to (socket, to, line, strlen (line), NULL, NULL);
  }
  return NULL;
}

/* A flood of them is no reason for the API to keep anybody waiting. */
static void
test_flood (ApiTest *t, gconstpointer unused)
{
  g_autoptr (AccessLog) log = access_log_new ("127.0.0.1", 0, t->viewers, NULL);
  Flood flooded = {.port = access_log_get_port (log)};
  GThread *thread;

  add_broadcasts (t);
  thread = g_thread_new ("flood", flood, &flooded);
  /* Each answer is waited for 10 s. */
  while (viewers_get_bytes_here (t->viewers) < 5000)
    assert_tell (t, WATCHING ("b") ANNA, 200, "{\"viewers\": 1}");
  api_test_await (t, "/api/v1/viewers", "\"a\": ");
  g_atomic_int_set (&flooded.is_over, TRUE);
  g_thread_join (thread);
}

/* Whom somebody watches is known without asking; of another nobody can say. */
static void
test_without_database (ApiTest *t, gconstpointer unused)
{
  viewers_add_player (t->viewers, "old", 1, g_get_monotonic_time ());
  pg_kit_stop (t->pg);
  api_test_await_status (t, "/readyz", 503);
  assert_count (t, WATCHING ("old") ANNA, 1);
  assert_count (t, WATCHING ("old") BORIS, 2);
  assert_tell (t, WATCHING ("none") ANNA, 503, "database");
  pg_kit_start (t->pg);
  api_test_await_status (t, "/readyz", 200);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add ("/apiviewers/" name, ApiTest, NULL, api_test_set_up, func,       \
      api_test_tear_down)
  ADD ("beacon", test_beacon);
  ADD ("refused", test_refused);
  ADD ("figures", test_figures);
  ADD ("hidden", test_hidden);
  ADD ("flood", test_flood);
  ADD ("without-database", test_without_database);
  status = g_test_run ();
  api_test_end ();
  return status;
}
