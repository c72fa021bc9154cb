/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may end a broadcast by the API, and what becomes of it. */

#include <string.h>

#include "apitest.h"
#include "broadcaststub.h"

#define END(link) "/api/v1/broadcasts/" link "/end"

static StreamKey key, other_key; /* of portal, and of half-life */

static HttpReply *
end (ApiTest *t, const char *path, const char *token)
{
  g_autofree char *header =
      token != NULL
          ? g_strdup_printf (
                "Content-Length: 0\r\nAuthorization: Bearer %s\r\n", token)
          : g_strdup ("Content-Length: 0\r\n");

  return http_call (t->port, "POST", path, header);
}

static void
assert_end (ApiTest *t, const char *path, const char *token, guint status)
{
  g_autoptr (HttpReply) reply = end (t, path, token);
  g_autofree char *text = http_reply_text (reply);

  if (reply->status != status)
    g_test_message ("%s", text);
  g_assert_cmpuint (reply->status, ==, status);
  g_assert_null (token != NULL ? strstr (text, token) : NULL);
}

static void
on_ended (const char *link, const char *reason, gpointer data)
{
  g_assert_cmpstr (reason, ==, "developer");
  api_test_set_state (data, link, "portal", "ended");
}

static void
add_keys (ApiTest *t)
{
  api_test_add_key (t, &key, "portal");
  api_test_add_key (t, &other_key, "half-life");
}

static void
go_live (ApiTest *t, const char *link)
{
  g_autofree char *path = g_strdup_printf ("/api/v1/broadcasts/%s", link);

  api_test_set_state (t, link, "portal", "live");
  api_test_await (t, path, "\"live\"");
}

static void
test_here (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;
  g_autofree char *state = NULL;

  add_keys (t);
  go_live (t, "a");
  broadcasts_stub_add (t->broadcasts, "a", "portal", "[]");
  broadcasts_stub_on_end (t->broadcasts, on_ended, t);
  reply = end (t, END ("a"), key.text);
  g_assert_cmpuint (reply->status, ==, 200);
  text = http_reply_text (reply);
  state = api_test_member (text, "state");
  g_assert_cmpstr (state, ==, "ended");
  assert_end (t, END ("a"), key.text, 409);
}

static void
test_elsewhere (ApiTest *t, gconstpointer unused)
{
  add_keys (t);
  go_live (t, "a");
  assert_end (t, END ("a"), API_TEST_TOKEN, 202);
  pg_kit_assert (t->pg,
      "SELECT end_requested_at IS NOT NULL FROM wishcast.broadcast", "t");
}

static void
test_refused (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL;

  add_keys (t);
  go_live (t, "a");
  reply = end (t, END ("a"), NULL);
  g_assert_cmpuint (reply->status, ==, 401);
  g_assert_cmpstr (http_reply_header (reply, "www-authenticate"), ==,
      "Bearer realm=\"wishcast\"");
  assert_end (t, END ("a"), "wrong", 401);
  assert_end (t, END ("a"), other_key.text, 403);
  assert_end (t, END ("none"), key.text, 404);
  assert_end (t, END ("none"), API_TEST_TOKEN, 404);
  assert_end (t, END ("none") "?force=1", key.text, 400);
  pg_kit_assert (t->pg,
      "SELECT state, end_requested_at IS NULL FROM wishcast.broadcast",
      "live|t");
}

/* A broadcast of this node, and no database to ask or tell. */
static void
test_without_database (ApiTest *t, gconstpointer unused)
{
  add_keys (t);
  go_live (t, "a");
  broadcasts_stub_add (t->broadcasts, "new", "portal", "[]");
  pg_kit_stop (t->pg);
  api_test_await_status (t, "/readyz", 503);
  assert_end (t, END ("new"), other_key.text, 403);
  assert_end (t, END ("new"), key.text, 202);
  assert_end (t, END ("a"), key.text, 503);
  assert_end (t, END ("none"), key.text, 503);
  pg_kit_start (t->pg);
  api_test_await_status (t, "/readyz", 200);
}

static void
send_end (HttpClient *client, const char *token)
{
  g_autofree char *request = g_strdup_printf (
      "POST " END ("a") " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                        "X-Forwarded-For: 203.0.113.9, "
                        "192.0.2.7\r\nAuthorization: Bearer %s\r\n\r\n",
      token);

  http_client_send (client, request);
}

/* Wrong tokens of one address are answered later and later, several at a time
 * not at all; a stream key is let in all the same. */
static void
test_flood (ApiTest *t, gconstpointer unused)
{
  HttpClient *clients[12];
  guint n_unauthorized = 0, n_too_many = 0;
  g_autoptr (HttpClient) developer = http_client_open (t->port);
  g_autoptr (HttpReply) let_in = NULL;

  add_keys (t);
  go_live (t, "a");
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    clients[i] = http_client_open (t->port);
    send_end (clients[i], "guess");
  }
  send_end (developer, key.text);
  let_in = http_client_read (developer, TRUE);
  g_assert_cmpuint (let_in->status, ==, 202);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_autoptr (HttpReply) reply = http_client_read (clients[i], TRUE);

    n_unauthorized += reply->status == 401;
    n_too_many += reply->status == 429;
    http_client_close (clients[i]);
  }
  g_assert_cmpuint (n_unauthorized + n_too_many, ==, G_N_ELEMENTS (clients));
  g_assert_cmpuint (n_too_many, >, 0);
}

/* Whoever waits when the API ends is let go. */
static void
test_stop_while_waiting (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (t->port);

  add_keys (t);
  go_live (t, "a");
  broadcasts_stub_add (t->broadcasts, "a", "portal", "[]");
  send_end (client, key.text);
  /* It is under way once the broadcast is not here any more. */
  while (TRUE) {
    g_autoptr (GPtrArray) list = broadcasts_list (t->broadcasts);

    if (list->len == 0)
      break;
    g_usleep (1000);
  }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add ("/apiend/" name, ApiTest, NULL, api_test_set_up, func,           \
      api_test_tear_down)
  ADD ("here", test_here);
  ADD ("elsewhere", test_elsewhere);
  ADD ("refused", test_refused);
  ADD ("without-database", test_without_database);
  ADD ("flood", test_flood);
  ADD ("stop-while-waiting", test_stop_while_waiting);
  status = g_test_run ();
  api_test_end ();
  return status;
}
