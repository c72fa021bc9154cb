/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What nodes tell of themselves, and what becomes of it by way of the
 * database. */

#include <string.h>

#include "broadcaststub.h"
#include "journal.h"
#include "nodereport.h"
#include "pgkit.h"

#define PATIENCE (60 * G_USEC_PER_SEC)
#define SECOND G_USEC_PER_SEC
#define SELDOM (100 * 1000) /* us */

typedef struct {
  PgKit *pg; /* or NULL: no test without it waits for a database */
  Broadcasts *broadcasts;
  Viewers *viewers;
  NodeFiguresSettings settings;
} Test;

static void
set_up (Test *t, gconstpointer has_database)
{
  if (has_database)
    t->pg = pg_kit_new ();
  t->broadcasts = broadcasts_stub_new ();
  t->viewers = viewers_new ();
  t->settings = (NodeFiguresSettings){
      .name = "a",
      .conninfo = has_database ? pg_kit_get_conninfo (t->pg) : "host=/nowhere",
      .cache_dir = "/",
      .broadcasts = t->broadcasts,
      .viewers = t->viewers,
      .has_api = TRUE,
  };
}

static void
tear_down (Test *t, gconstpointer unused)
{
  viewers_free (t->viewers);
  broadcasts_stub_free (t->broadcasts);
  g_clear_pointer (&t->pg, pg_kit_free);
}

/* --- What a node says ------------------------------------------------------*/

static JsonObject *
get_broadcast (JsonNode *report)
{
  return json_array_get_object_element (
      json_object_get_array_member (
          json_node_get_object (report), "broadcasts"),
      0);
}

/* Rates are of what came since the last look. */
static void
test_rates (Test *t, gconstpointer unused)
{
  static const gint64 expected[] = {123456 * 8 / 5, 0};
  NodeFigures *figures = node_figures_new (&t->settings);

  json_node_unref (node_figures_collect (figures, TRUE, SECOND));
  broadcasts_stub_add (t->broadcasts, "x", "portal", "[]");
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autoptr (JsonNode) report =
        node_figures_collect (figures, TRUE, SECOND + (i + 1) * 5 * SECOND);

    g_assert_cmpint (
        json_object_get_int_member (get_broadcast (report), "bitRate"), ==,
        expected[i]);
  }
  node_figures_free (figures);
}

static void
test_broadcast (Test *t, gconstpointer unused)
{
  NodeFigures *figures = node_figures_new (&t->settings);
  g_autoptr (JsonNode) report = NULL;
  g_autofree char *text = NULL;

  broadcasts_stub_add (t->broadcasts, "x", "portal", "[]");
  report = node_figures_collect (figures, TRUE, SECOND);
  text = json_to_string (
      json_array_get_element (json_object_get_array_member (
                                  json_node_get_object (report), "broadcasts"),
          0),
      FALSE);
  g_assert_cmpstr (text, ==,
      "{\"link\":\"x\",\"game\":\"portal\",\"title\":\"\",\"state\":\"live\","
      "\"since\":\"1970-01-01T00:00:00.000Z\",\"protocol\":\"rtmp\","
      "\"bitRate\":0,\"partLatency\":{\"median\":0.25,\"p99\":0.5},"
      "\"queuedBytes\":0,\"waiting\":3,\"errors\":[\"recording-incomplete\","
      "\"parts-not-stored\"]}");
  node_figures_free (figures);
}

static guint
count_errors (NodeFigures *figures, gint64 now)
{
  g_autoptr (JsonNode) report = node_figures_collect (figures, TRUE, now);

  return json_array_get_length (
      json_object_get_array_member (get_broadcast (report), "errors"));
}

/* What once went wrong is no news for ever; a hole in a recording stays one. */
static void
test_errors (Test *t, gconstpointer unused)
{
  NodeFigures *figures = node_figures_new (&t->settings);

  broadcasts_stub_add (t->broadcasts, "x", "portal", "[]");
  g_assert_cmpuint (count_errors (figures, SECOND), ==, 2);
  g_assert_cmpuint (count_errors (figures, 60 * SECOND), ==, 2);
  g_assert_cmpuint (count_errors (figures, 61 * SECOND), ==, 1);
  node_figures_free (figures);
}

static void
test_node (Test *t, gconstpointer unused)
{
  NodeFigures *figures;
  g_autoptr (JsonNode) report = NULL;
  g_autofree char *services = NULL;
  JsonObject *object;
  JsonArray *messages;

  for (guint i = 0; i < JOURNAL_KEPT + 1; i++) {
    g_autofree char *text = g_strdup_printf ("message\t%u", i);

    journal_tell (text, i * SECOND);
  }
  figures = node_figures_new (&t->settings);
  report = node_figures_collect (figures, FALSE, SECOND);
  object = json_node_get_object (report);
  services =
      json_to_string (json_object_get_member (object, "services"), FALSE);
  g_assert_cmpstr (services, ==, "[\"ingest\",\"api\"]");
  g_assert_false (json_object_get_boolean_member (object, "databaseConnected"));
  g_assert_cmpint (json_object_get_int_member (object, "memory"), >, 1 << 20);
  g_assert_cmpint (json_object_get_int_member (object, "diskSize"), >, 0);
  messages = json_object_get_array_member (object, "messages");
  g_assert_cmpuint (json_array_get_length (messages), ==, JOURNAL_KEPT);
  object = json_array_get_object_element (messages, 0);
  g_assert_cmpstr (
      json_object_get_string_member (object, "text"), ==, "message 20");
  g_assert_cmpstr (json_object_get_string_member (object, "at"), ==,
      "1970-01-01T00:00:20.000Z");
  object = json_array_get_object_element (messages, JOURNAL_KEPT - 1);
  g_assert_cmpstr (
      json_object_get_string_member (object, "text"), ==, "message 1");
  node_figures_free (figures);
}

/* What it does with recordings, and that it does nothing. */
static void
test_recordings (Test *t, gconstpointer unused)
{
  static const char *const members[] = {"archive", "cache", "retention"};
  CacheKeeperSettings settings = {
      .cache_dir = "/nonexistent",
      .state_dir = "/nonexistent",
      .max_size = "50 %",
  };
  NodeFigures *figures = node_figures_new (&t->settings);
  g_autoptr (JsonNode) report = node_figures_collect (figures, TRUE, SECOND);
  JsonObject *object = json_node_get_object (report);
  g_autofree char *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    g_assert_true (json_object_get_null_member (object, members[i]));
  node_figures_free (figures);
  json_node_unref (g_steal_pointer (&report));

  t->settings.keeper = cache_keeper_new (&settings);
  figures = node_figures_new (&t->settings);
  report = node_figures_collect (figures, TRUE, SECOND);
  object = json_node_get_object (report);
  text = json_to_string (json_object_get_member (object, "cache"), FALSE);
  g_assert_cmpstr (
      text, ==, "{\"size\":0,\"budget\":0,\"unarchived\":0,\"cleared\":0}");
  node_figures_free (figures);
  cache_keeper_free (t->settings.keeper);
}

static void
test_without_ingest (Test *t, gconstpointer unused)
{
  NodeFigures *figures;
  g_autoptr (JsonNode) report = NULL;
  JsonObject *object;

  t->settings.broadcasts = NULL;
  figures = node_figures_new (&t->settings);
  report = node_figures_collect (figures, TRUE, SECOND);
  object = json_node_get_object (report);
  g_assert_true (json_object_get_null_member (object, "diskFree"));
  g_assert_cmpuint (json_array_get_length (
                        json_object_get_array_member (object, "broadcasts")),
      ==, 0);
  node_figures_free (figures);
}

/* --- What becomes of it ----------------------------------------------------*/

/* What is told of the node "b", "" if it is not there; and "stale". */
static char *
look_at_b (Overview *overview)
{
  g_autofree char *text =
      overview_to_json (overview, "{\"total\": 0, \"viewers\": {}}", 0);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *object = json_node_get_object (root);
  JsonArray *nodes = json_object_get_array_member (object, "nodes");
  gboolean is_stale = !json_object_get_null_member (object, "staleSince");

  for (guint i = 0; i < json_array_get_length (nodes); i++) {
    JsonObject *node = json_array_get_object_element (nodes, i);
    JsonObject *report = json_object_get_object_member (node, "report");

    if (g_str_equal (json_object_get_string_member (report, "name"), "b"))
      return g_strdup_printf ("%s%s",
          json_object_get_boolean_member (node, "alive") ? "alive" : "dead",
          is_stale ? ", stale" : "");
  }
  return g_strdup (is_stale ? "stale" : "");
}

static void
await_b (Overview *overview, const char *expected)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autofree char *state = look_at_b (overview);

    if (g_str_equal (state, expected))
      return;
    if (g_get_monotonic_time () > deadline)
      g_assert_cmpstr (state, ==, expected);
    g_usleep (SELDOM);
  }
}

static NodeReport *
start_b (Test *t, Viewers *viewers)
{
  NodeFiguresSettings settings = t->settings;

  settings.name = "b";
  settings.viewers = viewers;
  settings.broadcasts = NULL;
  settings.has_api = FALSE;
  return node_report_new (&settings, NULL);
}

static void
test_rows (Test *t, gconstpointer unused)
{
  NodeReport *report;

  pg_kit_run (t->pg,
      "INSERT INTO wishcast.node SELECT name, now (), now () - age::interval, "
      "'{}' FROM (VALUES ('a', '25 h'), ('gone', '25 h')) AS v (name, age)");
  broadcasts_stub_add (t->broadcasts, "x", "portal", "[]");
  report = node_report_new (&t->settings, NULL);
  pg_kit_await (t->pg,
      "SELECT name, seen_at > now () - interval '4 s', "
      "  started_at = (report->>'startedAt')::timestamptz, "
      "  report->'broadcasts'->0->>'link' FROM wishcast.node",
      "a|t|t|x");
  node_report_free (report);
}

/* Another node is heard of, with those who watch there, and is gone. */
static void
test_two_nodes (Test *t, gconstpointer unused)
{
  g_autoptr (Overview) overview = overview_new ("a", 0);
  g_autoptr (Viewers) viewers = viewers_new ();
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  NodeReport *a = node_report_new (&t->settings, overview);
  NodeReport *b;

  for (guint i = 0; i < 2; i++)
    viewers_add_page (viewers, "x",
        i == 0 ? "one of two pages" : "the other one", g_get_monotonic_time ());
  b = start_b (t, viewers);
  await_b (overview, "alive");
  while (viewers_get (t->viewers, "x", g_get_monotonic_time ()) != 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (SELDOM);
  }
  node_report_free (b);
  await_b (overview, "dead");
  g_assert_cmpuint (overview_count (overview, TRUE), ==, 1);
  pg_kit_run (t->pg, "DELETE FROM wishcast.node WHERE name = 'b'");
  await_b (overview, "");
  node_report_free (a);
}

/* It is killed, and forgets; the other node is dead meanwhile, but who could
 * know? */
static void
test_database_away (Test *t, gconstpointer unused)
{
  g_autoptr (Overview) overview = overview_new ("a", 0);
  g_autoptr (Viewers) viewers = viewers_new ();
  NodeReport *a = node_report_new (&t->settings, overview);
  NodeReport *b = start_b (t, viewers);

  await_b (overview, "alive");
  pg_kit_stop (t->pg);
  await_b (overview, "alive, stale");
  /* This node is collected still. */
  broadcasts_stub_add (t->broadcasts, "x", "portal", "[]");
  while (TRUE) {
    g_autofree char *text =
        overview_to_json (overview, "{\"total\": 0, \"viewers\": {}}", 0);

    if (strstr (text, "\"link\":\"x\"") != NULL)
      break;
    g_usleep (SELDOM);
  }
  await_b (overview, "alive, stale");
  node_report_free (b);
  pg_kit_start (t->pg);
  await_b (overview, "alive");
  pg_kit_await (t->pg, "SELECT name FROM wishcast.node", "a");
  await_b (overview, "");
  node_report_free (a);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, has_database, func)                                          \
  g_test_add ("/nodereport/" name, Test, GINT_TO_POINTER (has_database),       \
      set_up, func, tear_down)
  ADD ("rates", FALSE, test_rates);
  ADD ("broadcast", FALSE, test_broadcast);
  ADD ("errors", FALSE, test_errors);
  ADD ("node", FALSE, test_node);
  ADD ("recordings", FALSE, test_recordings);
  ADD ("without-ingest", FALSE, test_without_ingest);
  ADD ("rows", TRUE, test_rows);
  ADD ("two-nodes", TRUE, test_two_nodes);
  ADD ("database-away", TRUE, test_database_away);
  return g_test_run ();
}
