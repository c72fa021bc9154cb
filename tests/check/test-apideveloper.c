/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a stream key opens, and what it does not. */

#include <string.h>

#include "apitest.h"
#include "broadcaststub.h"

#define DEVELOPER "/api/v1/developer"

static StreamKey key, other_key; /* of portal, and of half-life */

static HttpReply *
call (guint16 port, const char *method, const char *token)
{
  g_autofree char *header =
      token != NULL ? g_strdup_printf ("Authorization: Bearer %s\r\n", token)
                    : NULL;

  return http_call (port, method, DEVELOPER, header);
}

/* (transfer full) */
static char *
get (ApiTest *t, const char *token)
{
  g_autoptr (HttpReply) reply = call (t->port, "GET", token);

  g_assert_cmpuint (reply->status, ==, 200);
  return http_reply_text (reply);
}

static void
assert_status (ApiTest *t, const char *token, guint status)
{
  g_autoptr (HttpReply) reply = call (t->port, "GET", token);
  g_autofree char *text = http_reply_text (reply);

  g_assert_cmpuint (reply->status, ==, status);
  g_assert_null (token != NULL ? strstr (text, token) : NULL);
}

static void
assert_links (ApiTest *t, const char *token, const char *expected)
{
  g_autofree char *text = get (t, token);
  g_autofree char *links = api_test_links_of (text);

  g_assert_cmpstr (links, ==, expected);
}

static void
add_keys (ApiTest *t)
{
  api_test_add_key (t, &key, "portal");
  api_test_add_key (t, &other_key, "half-life");
}

/* Of the broadcaster of the key. */
static void
set_own (
    ApiTest *t, const char *link, const char *visibility, const char *state)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.set_state (md5 ('%s')::uuid, '%s', 'portal', "
      "(SELECT id FROM wishcast.broadcaster WHERE game = 'portal'), "
      "'', '%s', 'node-a', NULL, '%s', clock_timestamp (), '15 s', "
      "clock_timestamp () + '90 s', 'developer');",
      link, link, visibility, state);
  g_autofree char *path = g_strdup_printf ("/api/v1/broadcasts/%s", link);
  g_autofree char *what = g_strdup_printf ("\"state\": \"%s\"", state);

  api_test_run (t, sql);
  api_test_await (t, path, what);
}

static void
fill (ApiTest *t)
{
  add_keys (t);
  set_own (t, "old", "public", "ended");
  set_own (t, "new", "rehearsal", "ended");
  set_own (t, "a", "hidden", "live");
  set_own (t, "last", "public", "ended");
  set_own (t, "b", "public", "interrupted");
  api_test_set_state (t, "of-nobody", "portal", "live");
  api_test_set_state (t, "of-another", "half-life", "live");
  api_test_await (t, "/api/v1/broadcasts/of-another", "\"live\"");
}

static void
test_opens (ApiTest *t, gconstpointer unused)
{
  g_autofree char *text = NULL;

  fill (t);
  text = get (t, key.text);
  g_assert_true (g_str_has_prefix (text,
      "{\"game\": {\"id\": \"portal\", \"title\": \"Portal\"}, "
      "\"broadcaster\": \"Of a key\", \"keyExpiresAt\": null, "
      "\"ingest\": {\"rtmp\": {\"server\": \"" API_TEST_RTMP_URL "\"}, "
      "\"rtsp\": null}, \"broadcasts\": [{"));
  assert_links (t, key.text, "b a last new old");
  assert_links (t, other_key.text, "");
}

static void
test_headers (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL, head = NULL, options = NULL;

  fill (t);
  reply = call (t->port, "GET", key.text);
  head = call (t->port, "HEAD", key.text);
  options = call (t->port, "OPTIONS", NULL);
  g_assert_cmpstr (
      http_reply_header (reply, "content-type"), ==, "application/json");
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
  g_assert_cmpstr (
      http_reply_header (reply, "access-control-allow-origin"), ==, "*");
  g_assert_cmpuint (head->status, ==, 200);
  g_assert_cmpstr (http_reply_header (head, "content-length"), ==,
      http_reply_header (reply, "content-length"));
  g_assert_cmpuint (options->status, ==, 204);
  g_assert_cmpstr (
      http_reply_header (options, "allow"), ==, "GET, HEAD, OPTIONS");
  g_assert_nonnull (
      strstr (http_reply_header (options, "access-control-allow-headers"),
          "Authorization"));
}

/* What a developer must know is what has changed, not when that was told. */
static void
await_key (ApiTest *t, const char *sql, const char *expires)
{
  api_test_run (t, sql);
  while (TRUE) {
    g_autofree char *text = get (t, key.text);
    g_autofree char *now = api_test_member (text, "keyExpiresAt");

    if (strcmp (now, expires) == 0)
      return;
    g_usleep (1000);
  }
}

static void
await_refused (ApiTest *t, const char *sql)
{
  g_autoptr (KeyOwner) owner = NULL;

  api_test_run (t, sql);
  while (keyring_check (t->keyring, key.text, g_get_real_time (), &owner) ==
         KEY_VALID) {
    g_clear_pointer (&owner, key_owner_free);
    g_usleep (1000);
  }
  assert_status (t, key.text, 401);
}

static void
test_refused (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL;

  fill (t);
  reply = call (t->port, "GET", NULL);
  g_assert_cmpuint (reply->status, ==, 401);
  g_assert_cmpstr (http_reply_header (reply, "www-authenticate"), ==,
      "Bearer realm=\"wishcast\"");
  assert_status (t, "wrong", 401);
  assert_status (t, API_TEST_TOKEN, 401);
  await_refused (t, "UPDATE wishcast.stream_key k SET revoked_at = now () "
                    "FROM wishcast.broadcaster b "
                    "WHERE b.id = k.broadcaster AND b.game = 'portal';");
  assert_status (t, other_key.text, 200);
}

/* The one before the last, after `wishcast key rotate`. */
static void
test_rotated (ApiTest *t, gconstpointer unused)
{
  fill (t);
  await_key (t,
      "UPDATE wishcast.stream_key SET expires_at = "
      "'2099-12-31 23:59:59.5+00';",
      "2099-12-31T23:59:59Z");
  await_key (t, "UPDATE wishcast.stream_key SET expires_at = NULL;", "null");
  await_refused (t,
      "UPDATE wishcast.stream_key SET expires_at = now () - interval '1 s';");
}

static void
ask (HttpClient *client, const char *request, const char *token)
{
  g_autofree char *text = g_strdup_printf (
      "%s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
      "X-Forwarded-For: 192.0.2.7\r\nAuthorization: Bearer %s\r\n\r\n",
      request, token);

  http_client_send (client, text);
}

/* Tries at one door count at the others. */
static void
test_one_gate (ApiTest *t, gconstpointer unused)
{
  HttpClient *tries[12], *others[5];
  g_autoptr (HttpClient) developer = http_client_open (t->port);
  g_autoptr (HttpReply) let_in = NULL;
  guint n_too_many = 0;

  fill (t);
  for (guint i = 0; i < G_N_ELEMENTS (tries); i++) {
    tries[i] = http_client_open (t->port);
    ask (tries[i], "GET " DEVELOPER, "guess");
  }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    others[i] = http_client_open (t->port);
    ask (others[i], "POST /api/v1/broadcasts/a/end", "guess");
  }
  ask (developer, "GET " DEVELOPER, key.text);
  let_in = http_client_read (developer, TRUE);
  g_assert_cmpuint (let_in->status, ==, 200);
  /* By themselves these few would all be answered with 401: some at once, the
   * others, fewer than may be, held back. */
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autoptr (HttpReply) reply = http_client_read (others[i], TRUE);

    g_assert_cmpuint (reply->status, !=, 200);
    n_too_many += reply->status == 429;
    http_client_close (others[i]);
  }
  g_assert_cmpuint (n_too_many, >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (tries); i++)
    http_client_close (tries[i]);
}

static void
test_without_database (ApiTest *t, gconstpointer unused)
{
  g_autofree char *before = NULL, *after = NULL;

  fill (t);
  before = get (t, key.text);
  pg_kit_stop (t->pg);
  api_test_await_status (t, "/readyz", 503);
  after = get (t, key.text);
  g_assert_cmpstr (after, ==, before);
  pg_kit_start (t->pg);
  api_test_await_status (t, "/readyz", 200);
}

/* What has ended long ago only the database knows. */
static void
test_beyond_memory (ApiTest *t, gconstpointer unused)
{
  add_keys (t);
  set_own (t, "now", "public", "live");
  api_test_run (t,
      "INSERT INTO wishcast.broadcast (id, link, game, broadcaster, state, "
      "node, created_at, changed_at, ended_at) "
      "SELECT md5 (n::text)::uuid, 'e' || n, 'portal', CASE WHEN n > 1100 "
      "THEN (SELECT id FROM wishcast.broadcaster WHERE game = 'portal') END, "
      "'ended', 'node-a', now () - n * interval '1 s', now (), now () "
      "FROM generate_series (1, 1130) n;");
  api_test_await (t, "/metrics", "wishcast_catalogue_last_event 1131\n");
  assert_links (t, key.text,
      "now e1101 e1102 e1103 e1104 e1105 e1106 e1107 e1108 e1109 e1110 e1111 "
      "e1112 e1113 e1114 e1115 e1116 e1117 e1118 e1119");
  pg_kit_stop (t->pg);
  api_test_await_status (t, "/readyz", 503);
  assert_links (t, key.text, "now");
  pg_kit_start (t->pg);
  api_test_await_status (t, "/readyz", 200);
}

static void
assert_later (ApiTest *t, Keyring *keyring, const char *detail)
{
  ApiSettings settings = {
      .address = "127.0.0.1",
      .conninfo = "host=/none",
      .openapi = g_getenv ("OPENAPI"),
      .node = "node-b",
      .keyring = keyring,
  };
  g_autoptr (GError) error = NULL;
  Api *api = api_new (&settings, &error);
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  reply = call (api_get_port (api), "GET", key.text);
  g_assert_cmpuint (reply->status, ==, 503);
  g_assert_cmpstr (http_reply_header (reply, "retry-after"), ==, "2");
  text = http_reply_text (reply);
  g_assert_nonnull (strstr (text, detail));
  api_free (api);
}

/* A node that has not reached the database since it started, with the file of
 * the keys and without. */
static void
test_never_reached (ApiTest *t, gconstpointer unused)
{
  Keyring *empty = keyring_new ("/none/keys", "host=/none");

  add_keys (t);
  assert_later (t, t->keyring, "The database was not reached yet.");
  assert_later (t, empty, "The stream keys are not known yet.");
  keyring_free (empty);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add ("/apideveloper/" name, ApiTest, NULL, api_test_set_up, func,     \
      api_test_tear_down)
  ADD ("opens", test_opens);
  ADD ("headers", test_headers);
  ADD ("refused", test_refused);
  ADD ("rotated", test_rotated);
  ADD ("one-gate", test_one_gate);
  ADD ("without-database", test_without_database);
  ADD ("beyond-memory", test_beyond_memory);
  ADD ("never-reached", test_never_reached);
  status = g_test_run ();
  api_test_end ();
  return status;
}
