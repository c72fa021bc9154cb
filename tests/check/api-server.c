/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The API over a PostgreSQL of its own, for the tests in JavaScript. Prints a
 * line of JSON with its port, how to reach the database and the folder of its
 * recordings, and runs until
 * SIGTERM; SIGUSR1 kills the database, SIGUSR2 brings it back. The key is for
 * the game `portal`. */

#include <glib-unix.h>
#include <json-glib/json-glib.h>

#include "apitest.h"
#include "broadcaststub.h"

static gboolean
on_term (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_usr1 (gpointer test)
{
  pg_kit_stop (((ApiTest *)test)->pg);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_usr2 (gpointer test)
{
  pg_kit_start (((ApiTest *)test)->pg);
  return G_SOURCE_CONTINUE;
}

/* As the node would write it. */
static void
on_ended (const char *link, const char *reason, gpointer test)
{
  api_test_set_state (test, link, "portal", "ended");
}

static void
print_addresses (ApiTest *test, const StreamKey *key)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_object_set_int_member (object, "port", test->port);
  json_object_set_string_member (
      object, "conninfo", pg_kit_get_conninfo (test->pg));
  json_object_set_string_member (object, "archive", test->archive_dir);
  json_object_set_string_member (object, "key", key->text);
  json_object_set_string_member (object, "token", API_TEST_TOKEN);
  json_node_set_object (root, object);
  text = json_to_string (root, FALSE);
  g_print ("%s\n", text);
}

int
main (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  StreamKey key;
  ApiTest test;

  api_test_begin ();
  api_test_set_up (&test, NULL);
  api_test_add_key (&test, &key, "portal");
  broadcasts_stub_add (test.broadcasts, "here", "portal", "[]");
  broadcasts_stub_on_end (test.broadcasts, on_ended, &test);
  print_addresses (&test, &key);
  g_unix_signal_add (SIGTERM, on_term, loop);
  g_unix_signal_add (SIGUSR1, on_usr1, &test);
  g_unix_signal_add (SIGUSR2, on_usr2, &test);
  g_main_loop_run (loop);
  api_test_tear_down (&test, NULL);
  api_test_end ();
  return 0;
}
