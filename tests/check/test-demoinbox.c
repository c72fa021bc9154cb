/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "demoinbox.h"

/* (transfer full) */
static char *
make_event (const char *game, guint key, const char *language)
{
  return g_strdup_printf (
      "{\"id\": \"key-%s-%u\", \"data\": {\"username\": \"O'Neil \\\"%u\\\"\", "
      "\"language\": %s, \"message\": \"m\", \"url\": \"http://x/watch/%s\", "
      "\"game\": {\"id\": \"%s\", \"title\": \"The %s\"}}}",
      game, key, key, language, game, game, game);
}

static gboolean
take (DemoInbox *inbox, const char *body)
{
  return demo_inbox_take (inbox, body, strlen (body));
}

static void
take_event (DemoInbox *inbox, const char *game, guint key, const char *language)
{
  g_autofree char *event = make_event (game, key, language);
  g_autofree char *body = g_strdup_printf ("[%s]", event);

  g_assert_true (take (inbox, body));
}

/* (transfer full) */
static JsonNode *
tell (DemoInbox *inbox)
{
  g_autofree char *json = demo_inbox_to_json (inbox);
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (json, &error);

  g_assert_no_error (error);
  return node;
}

static gint64
get_told (JsonObject *told, guint game, const char *id)
{
  JsonObject *object = json_array_get_object_element (
      json_object_get_array_member (told, "games"), game);

  g_assert_cmpstr (json_object_get_string_member (object, "id"), ==, id);
  return json_object_get_int_member (object, "told");
}

static void
test_demoinbox_counts (void)
{
  DemoInbox *inbox = demo_inbox_new (7);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *told, *newest;

  take_event (inbox, "a", 1, "null");
  take_event (inbox, "b", 1, "\"ar\"");
  take_event (inbox, "a", 2, "\"de\"");
  take_event (inbox, "a", 1, "null");
  node = tell (inbox);
  told = json_node_get_object (node);
  g_assert_cmpint (json_object_get_int_member (told, "wishing"), ==, 7);
  g_assert_cmpint (json_object_get_int_member (told, "repeats"), ==, 1);
  g_assert_cmpint (get_told (told, 0, "a"), ==, 2);
  g_assert_cmpint (get_told (told, 1, "b"), ==, 1);
  newest = json_array_get_object_element (
      json_object_get_array_member (told, "newest"), 0);
  g_assert_cmpstr (
      json_object_get_string_member (newest, "key"), ==, "key-a-2");
  g_assert_cmpstr (
      json_object_get_string_member (newest, "username"), ==, "O'Neil \"2\"");
  g_assert_cmpstr (
      json_object_get_string_member (newest, "language"), ==, "de");
  demo_inbox_free (inbox);
}

/* All are counted, the newest are kept. */
static void
test_demoinbox_bound (void)
{
  DemoInbox *inbox = demo_inbox_new (1);
  g_autoptr (JsonNode) node = NULL;
  JsonArray *newest;

  for (guint i = 0; i < 201; i++)
    take_event (inbox, "a", i, "null");
  node = tell (inbox);
  g_assert_cmpint (get_told (json_node_get_object (node), 0, "a"), ==, 201);
  newest = json_object_get_array_member (json_node_get_object (node), "newest");
  g_assert_cmpuint (json_array_get_length (newest), ==, 200);
  g_assert_cmpstr (json_object_get_string_member (
                       json_array_get_object_element (newest, 199), "key"),
      ==, "key-a-1");
  demo_inbox_free (inbox);
}

static void
test_demoinbox_nonsense (void)
{
  static const char *const wrong[] = {"", "[", "{}", "null", "[1]", "[{}]",
      "[{\"id\": \"1\", \"data\": 5}]",
      "[{\"id\": \"1\", \"data\": {\"game\": {\"id\": 1}}}]"};
  DemoInbox *inbox = demo_inbox_new (1);
  g_autofree char *event = make_event ("a", 1, "null");
  g_autofree char *half = g_strdup_printf ("[%s, {}]", event);
  g_autofree char *told = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (take (inbox, wrong[i]));
  /* Nor what is right in it. */
  g_assert_false (take (inbox, half));
  g_assert_true (take (inbox, "[]"));
  told = demo_inbox_to_json (inbox);
  g_assert_cmpstr (
      told, ==, "{\"wishing\":1,\"repeats\":0,\"games\":[],\"newest\":[]}");
  demo_inbox_free (inbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demoinbox/counts", test_demoinbox_counts);
  g_test_add_func ("/demoinbox/bound", test_demoinbox_bound);
  g_test_add_func ("/demoinbox/nonsense", test_demoinbox_nonsense);
  return g_test_run ();
}
