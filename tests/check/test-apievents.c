/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server-sent events of the API over a real PostgreSQL. */

#include <string.h>
#include <sys/resource.h>

#include "apitest.h"
#include "eventclient.h"

#define EVENTS "/api/v1/events"

static void
assert_event (EventClient *client, const char *name, const char *link)
{
  g_autoptr (ServerEvent) event = event_client_read (client);
  g_autofree char *found = NULL;

  g_assert_cmpstr (event->name, ==, name);
  found = api_test_member (event->data, "link");
  g_assert_cmpstr (found, ==, link);
}

/* The id at which a stream begins. (transfer full) */
static char *
read_begin (EventClient *client)
{
  g_autoptr (ServerEvent) event = event_client_read (client);

  g_assert_null (event->name);
  return g_steal_pointer (&event->id);
}

static void
test_order (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) one = event_client_open (t->port, EVENTS, NULL);
  g_autoptr (EventClient) two =
      event_client_open (t->port, EVENTS "?game=portal", NULL);

  g_free (read_begin (one));
  g_free (read_begin (two));
  api_test_set_state (t, "hl", "half-life", "starting");
  api_test_set_state (t, "hl", "half-life", "live");
  api_test_set_state (t, "p", "portal", "live");
  api_test_set_state (t, "hl", "half-life", "interrupted");
  api_test_set_state (t, "hl", "half-life", "ended");
  api_test_set_state (t, "p", "portal", "ended");
  assert_event (one, "broadcast.starting", "hl");
  assert_event (one, "broadcast.live", "hl");
  assert_event (one, "broadcast.live", "p");
  assert_event (one, "broadcast.interrupted", "hl");
  assert_event (one, "broadcast.ended", "hl");
  assert_event (one, "broadcast.ended", "p");
  assert_event (two, "broadcast.live", "p");
  assert_event (two, "broadcast.ended", "p");
}

static void
test_hidden (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) client = event_client_open (t->port, EVENTS, "0");

  g_free (read_begin (client));
  api_test_set_state (t, "a", "portal", "live");
  api_test_run (t, "SELECT wishcast.set_state (md5 ('r')::uuid, 'rehearsed',"
                   " 'portal', NULL, '', 'rehearsal', 'node-a', NULL, 'live',"
                   " now (), '15 s', NULL, NULL);");
  api_test_run (t, "UPDATE wishcast.broadcast SET visibility = 'hidden' "
                   "WHERE link = 'a';");
  api_test_run (
      t, "UPDATE wishcast.broadcast SET title = 'x' WHERE link = 'a';");
  api_test_run (t, "UPDATE wishcast.broadcast SET visibility = 'public' "
                   "WHERE link = 'a';");
  assert_event (client, "broadcast.live", "a");
  assert_event (client, "broadcast.hidden", "a");
  assert_event (client, "broadcast.updated", "a");
}

/* What a client has seen: ids grow, so none came twice. */
typedef struct {
  guint64 last;
  guint n;
} Seen;

static void
see (Seen *seen, const ServerEvent *event)
{
  guint64 id;

  if (event->name == NULL)
    return;
  id = g_ascii_strtoull (event->id, NULL, 10);
  g_assert_true (g_str_has_prefix (event->name, "broadcast."));
  g_assert_cmpuint (id, >, seen->last);
  seen->last = id;
  seen->n++;
}

typedef struct {
  const char *conninfo;
  char prefix;
} Writer;

/* 100 changes, each a commit of its own. */
static gpointer
write_changes (gpointer data)
{
  const Writer *writer = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (writer->conninfo, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 100; i++) {
    g_autofree char *sql = g_strdup_printf (
        "SELECT wishcast.set_state (md5 ('%c')::uuid, '%c', 'portal', NULL, "
        "'%u', 'public', 'node-a', NULL, 'live', now (), '15 s', NULL, NULL)",
        writer->prefix, writer->prefix, i);

    g_autoptr (PgRows) rows =
        pg_connection_query (connection, sql, 0, NULL, &error);
    g_assert_no_error (error);
  }
  return NULL;
}

/* One stays, the other goes and comes back again and again with the id of its
 * last event, while two connections write. */
static void
test_catch_up (ApiTest *t, gconstpointer unused)
{
  Writer writers[] = {
      {pg_kit_get_conninfo (t->pg), 'a'}, {pg_kit_get_conninfo (t->pg), 'b'}};
  g_autoptr (EventClient) stays = event_client_open (t->port, EVENTS, "0");
  Seen by_stays = {0}, by_leaves = {0};
  GThread *threads[2];

  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("writer", write_changes, &writers[i]);
  while (by_leaves.n < 200) {
    g_autofree char *last =
        g_strdup_printf ("%" G_GUINT64_FORMAT, by_leaves.last);
    g_autoptr (EventClient) leaves =
        event_client_open (t->port, EVENTS "?lastEventId=0", last);

    for (guint i = 0; i < 7 && by_leaves.n < 200; i++) {
      g_autoptr (ServerEvent) event = event_client_read (leaves);

      see (&by_leaves, event);
    }
  }
  while (by_stays.n < 200) {
    g_autoptr (ServerEvent) event = event_client_read (stays);

    see (&by_stays, event);
  }
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (by_stays.last, ==, by_leaves.last);
  pg_kit_assert (t->pg, "SELECT count(*) FROM wishcast.outbox", "200");
}

static void
assert_reset (ApiTest *t, const char *last_event_id, const char *new_id)
{
  g_autoptr (EventClient) client =
      event_client_open (t->port, EVENTS, last_event_id);
  g_autoptr (ServerEvent) event = NULL;

  g_free (read_begin (client));
  event = event_client_read (client);
  g_assert_cmpstr (event->name, ==, "catalogue.reset");
  g_assert_cmpstr (event->id, ==, new_id);
  g_assert_cmpstr (event->data, ==, "{}");
}

static void
test_reset (ApiTest *t, gconstpointer unused)
{
  /* From a database that is gone, or made up. */
  assert_reset (t, "12345", "0");
  /* More than memory holds. */
  api_test_run (t, "SELECT wishcast.set_state (md5 ('a')::uuid, 'a', "
                   "'portal', NULL, n::text, 'public', 'node-a', NULL, 'live',"
                   " now (), '15 s', NULL, NULL) "
                   "FROM generate_series (1, 2100) n;");
  api_test_await (t, "/metrics", "wishcast_catalogue_last_event 2100\n");
  assert_reset (t, "1", "2100");
}

/* The database comes back as it was before: what clients know never was. */
static void
test_restored (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) client = event_client_open (t->port, EVENTS, NULL);
  g_autoptr (ServerEvent) event = NULL;
  g_autofree char *list = NULL;

  g_free (read_begin (client));
  api_test_set_state (t, "a", "portal", "live");
  assert_event (client, "broadcast.live", "a");
  api_test_run (t, "TRUNCATE wishcast.broadcast; "
                   "TRUNCATE wishcast.outbox RESTART IDENTITY;");
  pg_kit_stop (t->pg);
  pg_kit_start (t->pg);
  event = event_client_read (client);
  g_assert_cmpstr (event->name, ==, "catalogue.reset");
  g_assert_cmpstr (event->id, ==, "0");
  list = api_test_links (t, "/api/v1/broadcasts");
  g_assert_cmpstr (list, ==, "");
  api_test_set_state (t, "b", "portal", "live");
  assert_event (client, "broadcast.live", "b");
}

/* Reads nothing while much is written. */
static void
test_slow_reader (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) slow = event_client_open (t->port, EVENTS, "0");
  g_autoptr (EventClient) quick = event_client_open (t->port, EVENTS, "0");
  guint n = 0;

  g_free (read_begin (slow));
  g_free (read_begin (quick));
  api_test_set_state (t, "a", "portal", "live");
  assert_event (quick, "broadcast.live", "a");
  while (TRUE) {
    g_autofree char *metrics = api_test_get (t, "/metrics");

    if (strstr (metrics, "wishcast_api_event_streams_dropped_total 1\n"))
      break;
    g_assert_cmpuint (n++, <, 100);
    api_test_run (t,
        "SELECT wishcast.set_state (md5 ('a')::uuid, 'a', 'portal', NULL, "
        "repeat ('long ', 30) || n || clock_timestamp (), 'public', "
        "'node-a', NULL, 'live', now (), '15 s', NULL, NULL) "
        "FROM generate_series (1, 100) n;");
    for (guint i = 0; i < 100; i++)
      assert_event (quick, "broadcast.updated", "a");
  }
  g_assert_true (event_client_is_closed (slow));
}

static void
test_refused (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply =
      http_get (t->port, EVENTS, "Last-Event-ID: x\r\n");

  g_assert_cmpuint (reply->status, ==, 400);
  api_test_assert_status (t, EVENTS "?lastEventId=x", 400);
  api_test_assert_status (t, EVENTS "?game=X", 400);
}

static void
test_head (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = http_call (t->port, "HEAD", EVENTS, NULL);

  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpstr (
      http_reply_header (reply, "content-type"), ==, "text/event-stream");
}

/* As nginx asks if it is not told otherwise: no chunks, to the end. */
static void
test_http_1_0 (ApiTest *t, gconstpointer unused)
{
  static const char expected[] = "retry: 2000\nid: 0\n\n"
                                 "id: 1\nevent: broadcast.live\ndata: {";
  static const char request[] = "GET " EVENTS " HTTP/1.0\r\n\r\n";
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", t->port, NULL, &error);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *body = NULL;

  g_assert_no_error (error);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
      strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  while (body == NULL || strlen (body) < strlen (expected)) {
    char buffer[4096];
    gssize n = g_input_stream_read (
        g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer,
        sizeof buffer, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (n, >, 0);
    /* It is on, so what happens from now on is told. */
    if (text->len == 0)
      api_test_set_state (t, "a", "portal", "live");
    g_string_append_len (text, buffer, n);
    body = strstr (text->str, "\r\n\r\n");
    body = body != NULL ? body + strlen ("\r\n\r\n") : NULL;
  }
  g_assert_true (g_str_has_prefix (body, expected));
}

/* Who says nothing hears a comment now and then, and who has left is
 * forgotten by it. */
static void
test_heartbeat (ApiTest *t, gconstpointer unused)
{
  g_autoptr (EventClient) stays = event_client_open (t->port, EVENTS, NULL);
  EventClient *leaves = event_client_open (t->port, EVENTS, NULL);

  g_free (read_begin (stays));
  g_free (read_begin (leaves));
  event_client_close (leaves);
  api_test_await (t, "/metrics", "wishcast_api_event_streams 2\n");
  event_client_read_comment (stays);
  api_test_set_state (t, "a", "portal", "live");
  assert_event (stays, "broadcast.live", "a");
  api_test_await (t, "/metrics", "wishcast_api_event_streams 1\n");
}

/* As many files as 512 connections take, eight times. */
#define FILES 4096

static void
allow_files (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = MIN (limit.rlim_max, FILES);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static gboolean
has_files (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  if (limit.rlim_cur < FILES)
    g_test_skip ("The hard limit of open files is too low");
  return limit.rlim_cur >= FILES;
}

/* So many are too many; the rest of the API does not mind. */
static void
test_many (ApiTest *t, gconstpointer unused)
{
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func ((GDestroyNotify)event_client_close);
  g_autoptr (HttpReply) refused = NULL;

  if (!has_files ())
    return;
  for (guint i = 0; i < 384; i++)
    g_ptr_array_add (clients, event_client_open (t->port, EVENTS, NULL));
  refused = http_get (t->port, EVENTS, NULL);
  g_assert_cmpuint (refused->status, ==, 503);
  g_assert_cmpstr (http_reply_header (refused, "retry-after"), ==, "10");
  api_test_set_state (t, "a", "portal", "live");
  for (guint i = 0; i < clients->len; i++) {
    EventClient *client = g_ptr_array_index (clients, i);

    g_free (read_begin (client));
    assert_event (client, "broadcast.live", "a");
  }
  api_test_assert_status (t, "/api/v1/broadcasts", 200);
}

/* Whether a new connection is answered, not just closed. */
static gboolean
is_served (guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);
  static const char request[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  char byte;

  g_assert_no_error (error);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
      strlen (request), NULL, NULL, NULL);
  return g_input_stream_read (
             g_io_stream_get_input_stream (G_IO_STREAM (connection)), &byte, 1,
             NULL, NULL) == 1;
}

/* Connections that say nothing are bounded: one more is closed at once, until
 * they leave. */
static void
test_silent_connections (ApiTest *t, gconstpointer unused)
{
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func ((GDestroyNotify)http_client_close);

  if (!has_files ())
    return;
  for (guint i = 0; i < 512; i++)
    g_ptr_array_add (clients, http_client_open (t->port));
  g_assert_false (is_served (t->port));
  g_ptr_array_set_size (clients, 0);
  while (!is_served (t->port))
    ;
}

/* The list says where its events go on. */
static void
test_after_list (ApiTest *t, gconstpointer unused)
{
  g_autofree char *list = NULL;
  g_autofree char *last = NULL;
  g_autofree char *path = NULL;
  g_autoptr (EventClient) client = NULL;

  api_test_set_state (t, "a", "portal", "live");
  api_test_await (t, "/api/v1/broadcasts?state=live", "\"link\": \"a\"");
  list = api_test_get (t, "/api/v1/broadcasts?state=live");
  last = api_test_member (list, "lastEventId");
  path = g_strdup_printf (EVENTS "?lastEventId=%s", last);
  api_test_set_state (t, "b", "portal", "live");
  client = event_client_open (t->port, path, NULL);
  g_free (read_begin (client));
  assert_event (client, "broadcast.live", "b");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  allow_files ();
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add ("/apievents/" name, ApiTest, NULL, api_test_set_up, func,        \
      api_test_tear_down)
  ADD ("order", test_order);
  ADD ("hidden", test_hidden);
  ADD ("catch-up", test_catch_up);
  ADD ("reset", test_reset);
  ADD ("restored", test_restored);
  ADD ("slow-reader", test_slow_reader);
  ADD ("refused", test_refused);
  ADD ("head", test_head);
  ADD ("http-1.0", test_http_1_0);
  ADD ("heartbeat", test_heartbeat);
  ADD ("many", test_many);
  ADD ("silent-connections", test_silent_connections);
  ADD ("after-list", test_after_list);
  status = g_test_run ();
  api_test_end ();
  return status;
}
