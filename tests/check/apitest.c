/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apitest.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "broadcaststub.h"
#include "filetree.h"

#define PATIENCE (20 * G_USEC_PER_SEC)

static PgKit *shared;
static char *dir;
static char *key_file;

void
api_test_begin (void)
{
  g_autoptr (GError) error = NULL;

  shared = pg_kit_new ();
  dir = g_dir_make_tmp ("wishcast-api-XXXXXX", &error);
  g_assert_no_error (error);
  key_file = g_build_filename (dir, "keys", NULL);
}

void
api_test_end (void)
{
  g_clear_pointer (&shared, pg_kit_free);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_clear_pointer (&key_file, g_free);
  g_clear_pointer (&dir, g_free);
}

void
api_test_set_up (ApiTest *test, gconstpointer bucket)
{
  g_autoptr (GError) error = NULL;
  ApiSettings settings = {
      .address = "127.0.0.1",
      .conninfo = pg_kit_get_conninfo (shared),
      .openapi = g_getenv ("OPENAPI"),
      .operator_token = API_TEST_TOKEN,
      .rtmp_url = API_TEST_RTMP_URL,
      .node = "node-a",
  };

  test->pg = shared;
  api_test_run (test, "TRUNCATE wishcast.game, wishcast.recording CASCADE;"
                      "TRUNCATE wishcast.outbox RESTART IDENTITY;");
  pg_kit_add_game (shared, "half-life", "Half-Life");
  pg_kit_add_game (shared, "portal", "Portal");
  settings.broadcasts = test->broadcasts = broadcasts_stub_new ();
  settings.keyring = test->keyring = keyring_new (key_file, settings.conninfo);
  settings.viewers = test->viewers = viewers_new ();
  settings.overview = test->overview = overview_new ("node-a", 0);
  test->archive_dir = g_build_filename (dir, "archive", NULL);
  g_assert_cmpint (g_mkdir (test->archive_dir, 0700), ==, 0);
  settings.store = test->store = archive_stub_new (bucket, test->archive_dir);
  test->api = api_new (&settings, &error);
  g_assert_no_error (error);
  test->port = api_get_port (test->api);
  api_test_await_status (test, "/readyz", 200);
}

void
api_test_tear_down (ApiTest *test, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  api_free (test->api);
  archive_store_unref (test->store);
  file_tree_remove (test->archive_dir, &error);
  g_assert_no_error (error);
  g_free (test->archive_dir);
  overview_free (test->overview);
  viewers_free (test->viewers);
  broadcasts_stub_free (test->broadcasts);
  keyring_free (test->keyring);
  g_unlink (key_file);
}

void
api_test_add_key (ApiTest *test, StreamKey *key, const char *game)
{
  char hex[2 * STREAM_KEY_HASH_LENGTH + 1];
  g_autofree char *sql = NULL;
  g_autoptr (KeyOwner) owner = NULL;

  stream_key_new (key);
  for (guint i = 0; i < STREAM_KEY_HASH_LENGTH; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", key->hash[i]);
  sql = g_strdup_printf (
      "WITH b AS (INSERT INTO wishcast.broadcaster (game, name) "
      "VALUES ('%s', 'Of a key') RETURNING id) "
      "INSERT INTO wishcast.stream_key (id, broadcaster, hash) "
      "SELECT '%s', id, '\\x%s' FROM b;",
      game, key->id, hex);
  api_test_run (test, sql);
  while (keyring_check (test->keyring, key->text, g_get_real_time (), &owner) !=
         KEY_VALID)
    g_usleep (1000);
}

void
api_test_run (ApiTest *test, const char *sql)
{
  pg_kit_run (test->pg, sql);
}

void
api_test_set_state (
    ApiTest *test, const char *link, const char *game, const char *state)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT wishcast.set_state (md5 ('%s')::uuid, '%s', '%s', NULL, "
      "'Title of %s', 'public', 'node-a', NULL, '%s', clock_timestamp (), "
      "'15 s', clock_timestamp () + '90 s', 'developer');",
      link, link, game, link, state);

  api_test_run (test, sql);
}

char *
api_test_get (ApiTest *test, const char *path)
{
  g_autoptr (HttpReply) reply = http_get (test->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, 200);
  return http_reply_text (reply);
}

void
api_test_assert_status (ApiTest *test, const char *path, guint status)
{
  g_autoptr (HttpReply) reply = http_get (test->port, path, NULL);

  g_assert_cmpuint (reply->status, ==, status);
}

void
api_test_await (ApiTest *test, const char *path, const char *what)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autoptr (HttpReply) reply = http_get (test->port, path, NULL);
    g_autofree char *text = http_reply_text (reply);

    if (reply->status == 200 && strstr (text, what) != NULL)
      return;
    if (g_get_monotonic_time () > deadline)
      g_error ("%s: %u %s", path, reply->status, text);
    g_usleep (5000);
  }
}

void
api_test_await_status (ApiTest *test, const char *path, guint status)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autoptr (HttpReply) reply = http_get (test->port, path, NULL);
    g_autofree char *text = http_reply_text (reply);

    if (reply->status == status)
      return;
    if (g_get_monotonic_time () > deadline)
      g_error ("%s: %u %s", path, reply->status, text);
    g_usleep (5000);
  }
}

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root = json_from_string (text, &error);

  g_assert_no_error (error);
  return root;
}

char *
api_test_links (ApiTest *test, const char *path)
{
  g_autofree char *text = api_test_get (test, path);

  return api_test_links_of (text);
}

char *
api_test_links_of (const char *text)
{
  g_autoptr (JsonNode) root = parse (text);
  JsonArray *list =
      json_object_get_array_member (json_node_get_object (root), "broadcasts");
  GString *links = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (list); i++)
    g_string_append_printf (links, "%s%s", i > 0 ? " " : "",
        json_object_get_string_member (
            json_array_get_object_element (list, i), "link"));
  return g_string_free (links, FALSE);
}

char *
api_test_member (const char *text, const char *name)
{
  g_autoptr (JsonNode) root = parse (text);
  JsonNode *member = json_object_get_member (json_node_get_object (root), name);

  g_assert_nonnull (member);
  if (JSON_NODE_HOLDS_VALUE (member) &&
      json_node_get_value_type (member) == G_TYPE_STRING)
    return json_node_dup_string (member);
  return json_to_string (member, FALSE);
}
