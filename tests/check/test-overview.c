/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of the reports of nodes. */

#include "overview.h"

#define START (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC)
#define NOBODY "{\"total\": 0, \"viewers\": {}}"

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_assert_no_error (error);
  return node;
}

/* One live broadcast of 1 Mbit/s, and one that is interrupted. @latency: JSON. */
static JsonNode *
make_report (const char *name, const char *latency)
{
  g_autofree char *text = g_strdup_printf (
      "{\"name\": \"%s\", \"cpu\": 0.25, \"egress\": 3000000, \"broadcasts\": ["
      "{\"state\": \"live\", \"bitRate\": 1000000, \"queuedBytes\": 10, "
      "\"partLatency\": %s}, "
      "{\"state\": \"interrupted\", \"bitRate\": 0, \"queuedBytes\": 1, "
      "\"partLatency\": null}]}",
      name, latency);

  return parse (text);
}

static void
set_own (Overview *overview, const char *latency)
{
  g_autoptr (JsonNode) report = make_report ("a", latency);

  overview_set_own (overview, report, START);
}

/* Of the database, which has "b" and, if it is not NULL, another one. */
static void
set_others (Overview *overview, gboolean is_b_alive, const char *other,
    gboolean is_settled)
{
  g_autoptr (JsonNode) b =
      make_report ("b", "{\"median\": 0.001, \"p99\": 0.02}");
  const OverviewNode nodes[] = {
      {"b", START - 1000, is_b_alive, b},
      {other, START - 2000, FALSE, b},
  };

  overview_set_others (overview, nodes, other != NULL ? 2 : 1, is_settled);
}

static JsonObject *
look (Overview *overview, JsonNode **root)
{
  g_autofree char *text = overview_to_json (
      overview, "{\"total\": 2, \"viewers\": {\"x\": 2}}", START);

  *root = parse (text);
  return json_node_get_object (*root);
}

/* "a+ b-": which nodes there are, and whether they are alive. */
static char *
list_nodes (Overview *overview)
{
  g_autoptr (JsonNode) root = NULL;
  JsonArray *nodes =
      json_object_get_array_member (look (overview, &root), "nodes");
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (nodes); i++) {
    JsonObject *node = json_array_get_object_element (nodes, i);

    g_string_append_printf (list, "%s%s%c", i > 0 ? " " : "",
        json_object_get_string_member (
            json_object_get_object_member (node, "report"), "name"),
        json_object_get_boolean_member (node, "alive") ? '+' : '-');
  }
  return g_string_free (list, FALSE);
}

static void
assert_nodes (Overview *overview, const char *expected)
{
  g_autofree char *list = list_nodes (overview);

  g_assert_cmpstr (list, ==, expected);
}

static void
test_json (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object, *node;

  set_own (overview, "null");
  set_others (overview, TRUE, NULL, TRUE);
  object = look (overview, &root);
  g_assert_cmpstr (json_object_get_string_member (object, "at"), ==,
      "2023-11-14T22:13:20.000Z");
  g_assert_cmpstr (json_object_get_string_member (object, "node"), ==, "a");
  g_assert_true (json_object_get_null_member (object, "staleSince"));
  g_assert_cmpint (
      json_object_get_int_member (
          json_object_get_object_member (object, "viewers"), "total"),
      ==, 2);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (object, "history")),
      ==, 0);
  node = json_array_get_object_element (
      json_object_get_array_member (object, "nodes"), 1);
  g_assert_cmpstr (json_object_get_string_member (node, "seenAt"), ==,
      "2023-11-14T22:13:19.999Z");
  g_assert_cmpfloat (json_object_get_double_member (
                         json_object_get_object_member (node, "report"), "cpu"),
      ==, 0.25);
}

static void
test_nodes (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);

  assert_nodes (overview, "");
  set_others (overview, TRUE, NULL, TRUE);
  set_own (overview, "null");
  assert_nodes (overview, "a+ b+");
  set_others (overview, FALSE, "c", TRUE);
  set_own (overview, "null");
  assert_nodes (overview, "a+ b- b-");
  g_assert_cmpuint (overview_count (overview, TRUE), ==, 1);
  g_assert_cmpuint (overview_count (overview, FALSE), ==, 2);
  overview_set_others (overview, NULL, 0, TRUE);
  assert_nodes (overview, "a+");
}

/* A database that was away, and forgot, makes nobody look dead. */
static void
test_unsettled (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);

  set_own (overview, "null");
  set_others (overview, FALSE, NULL, FALSE);
  assert_nodes (overview, "a+ b-");
  set_others (overview, TRUE, NULL, FALSE);
  set_others (overview, FALSE, NULL, FALSE);
  assert_nodes (overview, "a+ b+");
  overview_set_others (overview, NULL, 0, FALSE);
  assert_nodes (overview, "a+ b+");
  set_others (overview, FALSE, NULL, TRUE);
  assert_nodes (overview, "a+ b-");
  overview_set_others (overview, NULL, 0, FALSE);
  assert_nodes (overview, "a+");
}

static char *
get_stale_since (Overview *overview)
{
  g_autoptr (JsonNode) root = NULL;

  return g_strdup (json_object_get_string_member_with_default (
      look (overview, &root), "staleSince", "-"));
}

static void
assert_stale_since (Overview *overview, const char *expected)
{
  g_autofree char *since = get_stale_since (overview);

  g_assert_cmpstr (since, ==, expected);
}

static void
test_stale (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);

  assert_stale_since (overview, "2023-11-14T22:13:20.000Z");
  overview_set_others (overview, NULL, 0, TRUE);
  assert_stale_since (overview, "-");
  overview_set_stale (overview, START + G_USEC_PER_SEC);
  overview_set_stale (overview, START + 2 * G_USEC_PER_SEC);
  set_own (overview, "null");
  assert_stale_since (overview, "2023-11-14T22:13:21.000Z");
}

static char *
get_history (Overview *overview, guint *n)
{
  g_autoptr (JsonNode) root = NULL;
  JsonArray *history =
      json_object_get_array_member (look (overview, &root), "history");

  *n = json_array_get_length (history);
  return json_to_string (json_array_get_element (history, *n - 1), FALSE);
}

static void
assert_last_sample (Overview *overview, const char *expected)
{
  guint n;
  g_autofree char *sample = get_history (overview, &n);

  g_assert_cmpstr (sample, ==, expected);
}

static void
test_sums (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);

  set_own (overview, "null");
  overview_sample (overview, NOBODY, START);
  assert_last_sample (overview,
      "{\"at\":\"2023-11-14T22:13:20.000Z\",\"live\":1,\"viewers\":0,"
      "\"ingest\":1000000,\"egress\":3000000,\"partLatency\":null,"
      "\"queuedBytes\":11,\"cpu\":0.25}");
  set_own (overview, "{\"median\": 0.001, \"p99\": 0.5}");
  set_others (overview, TRUE, "c", TRUE);
  overview_sample (
      overview, "{\"total\": 7, \"viewers\": {\"x\": 7}}", START + 5000);
  assert_last_sample (overview,
      "{\"at\":\"2023-11-14T22:13:20.005Z\",\"live\":2,\"viewers\":7,"
      "\"ingest\":2000000,\"egress\":6000000,\"partLatency\":0.5,"
      "\"queuedBytes\":22,\"cpu\":0.5}");
}

static void
test_history (void)
{
  g_autoptr (Overview) overview = overview_new ("a", START);
  g_autoptr (JsonNode) root = NULL;
  JsonArray *history;

  for (guint i = 0; i < OVERVIEW_SAMPLES + 3; i++)
    overview_sample (overview, NOBODY, START + i * G_USEC_PER_SEC);
  history = json_object_get_array_member (look (overview, &root), "history");
  g_assert_cmpuint (json_array_get_length (history), ==, OVERVIEW_SAMPLES);
  g_assert_cmpstr (json_object_get_string_member (
                       json_array_get_object_element (history, 0), "at"),
      ==, "2023-11-14T22:13:23.000Z");
  g_assert_cmpstr (
      json_object_get_string_member (
          json_array_get_object_element (history, OVERVIEW_SAMPLES - 1), "at"),
      ==, "2023-11-14T22:15:22.000Z");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/overview/json", test_json);
  g_test_add_func ("/overview/nodes", test_nodes);
  g_test_add_func ("/overview/unsettled", test_unsettled);
  g_test_add_func ("/overview/stale", test_stale);
  g_test_add_func ("/overview/sums", test_sums);
  g_test_add_func ("/overview/history", test_history);
  return g_test_run ();
}
