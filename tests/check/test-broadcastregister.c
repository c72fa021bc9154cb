/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <signal.h>
#include <string.h>

#include "broadcastcontext.h"
#include "link.h"
#include "pgkit.h"

#define PATIENCE (20 * GST_SECOND)

typedef struct {
  GstElement *element;
  GstBus *bus;
  GstHarness *harness; /* NULL until play() */
} Fixture;

static PgKit *kit;

/* --- fixture ---------------------------------------------------------------- */

static void
make_element (Fixture *f, gconstpointer data)
{
  f->element = gst_object_ref_sink (
      gst_element_factory_make ("broadcastregister", NULL));
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
  g_object_set (f->element, "game", "half-life", "node", "node", NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.outbox RESTART IDENTITY");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  make_element (f, data);
  g_object_set (
      f->element, "database", pg_kit_get_conninfo (kit), "link", "a", NULL);
}

static void
play (Fixture *f)
{
  f->harness = gst_harness_new_with_element (f->element, "sink", "src");
  gst_harness_set_src_caps_str (f->harness, "application/x-anything");
}

static gboolean
unlink_pad (GstElement *element, GstPad *pad, gpointer data)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);

  if (peer != NULL && GST_PAD_IS_SRC (pad))
    gst_pad_unlink (pad, peer);
  else if (peer != NULL)
    gst_pad_unlink (peer, pad);
  return TRUE;
}

/* The element can go into another harness then. */
static void
stop (Fixture *f)
{
  gst_element_set_state (f->element, GST_STATE_NULL);
  gst_element_foreach_pad (f->element, unlink_pad, NULL);
  g_clear_pointer (&f->harness, gst_harness_teardown);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  stop (f);
  gst_bus_set_flushing (f->bus, TRUE);
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (f->element), ==, 1);
  gst_object_unref (f->element);
}

/* The next element message, which is to be called @name. (transfer full) */
static GstMessage *
await_element_message (Fixture *f, const char *name)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (f->bus, PATIENCE, GST_MESSAGE_ELEMENT);

  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, name));
  return message;
}

static void
await_registered (Fixture *f)
{
  gst_message_unref (await_element_message (f, "broadcastregister-registered"));
}

static void
await_refused (Fixture *f, const char *reason)
{
  g_autoptr (GstMessage) message =
      await_element_message (f, "broadcastregister-refused");

  g_assert_cmpstr (
      gst_structure_get_string (gst_message_get_structure (message), "reason"),
      ==, reason);
}

static void
await_complaint (Fixture *f, GstMessageType type, GstResourceError code,
    const char *expected)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      f->bus, PATIENCE, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, type);
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  g_assert_error (error, GST_RESOURCE_ERROR, (gint)code);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
}

static void
assert_no_complaint (Fixture *f)
{
  g_assert_null (
      gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}

static void
push (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (
        gst_harness_push (f->harness, gst_buffer_new_and_alloc (9)), ==,
        GST_FLOW_OK);
}

#define ROW                                                                    \
  "SELECT link, state, game, title, visibility, node, origin_url, "            \
  "end_reason FROM wishcast.broadcast"
#define STATE "SELECT state FROM wishcast.broadcast WHERE link = 'a'"
#define EVENTS                                                                 \
  "SELECT string_agg (substr (event, 11), ' ' ORDER BY id) "                   \
  "FROM wishcast.outbox"

/* --- without a database ----------------------------------------------------- */

static void
test_context (Fixture *f, gconstpointer data)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstContext) context = NULL;
  g_autoptr (GstQuery) query = gst_query_new_context (BROADCAST_CONTEXT_TYPE);
  g_autoptr (GstQuery) other = gst_query_new_context ("something.else");
  g_autoptr (BroadcastInfo) info = NULL;
  g_autofree char *link = NULL;
  g_autofree char *id = NULL;
  g_autofree char *expected_id = NULL;
  GstContext *answer;

  g_object_set (f->element, "resume-window", 5 * GST_SECOND, NULL);
  gst_element_set_state (f->element, GST_STATE_PAUSED);
  message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_HAVE_CONTEXT);
  g_assert_nonnull (message);
  gst_message_parse_have_context (message, &context);
  info = broadcast_context_parse (context);
  g_assert_nonnull (info);
  g_object_get (f->element, "link", &link, "id", &id, NULL);
  expected_id = link_to_uuid (link);
  g_assert_cmpuint (strlen (link), ==, 16);
  g_assert_cmpstr (id, ==, expected_id);
  g_assert_cmpstr (info->link, ==, link);
  g_assert_cmpstr (info->id, ==, id);
  g_assert_cmpstr (info->game, ==, "half-life");
  g_assert_cmpuint (info->resume_window, ==, 5 * GST_SECOND);

  g_assert_true (gst_element_query (f->element, query));
  gst_query_parse_context (query, &answer);
  g_assert_true (answer == context);
  g_assert_false (gst_element_query (f->element, other));
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ELEMENT));
}

/* Each time it starts. */
static void
test_new_links (Fixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *set = NULL;

  gst_element_set_state (f->element, GST_STATE_PAUSED);
  g_object_get (f->element, "link", &first, NULL);
  gst_element_set_state (f->element, GST_STATE_READY);
  gst_element_set_state (f->element, GST_STATE_PAUSED);
  g_object_get (f->element, "link", &second, NULL);
  g_assert_cmpstr (first, !=, second);
  gst_element_set_state (f->element, GST_STATE_READY);
  g_object_set (f->element, "link", "mine", NULL);
  gst_element_set_state (f->element, GST_STATE_PAUSED);
  g_object_get (f->element, "link", &set, NULL);
  g_assert_cmpstr (set, ==, "mine");
}

/* The very same buffers, whatever they are. */
static void
test_passthrough (Fixture *f, gconstpointer data)
{
  play (f);
  for (guint i = 0; i < 10; i++) {
    GstBuffer *buffer = gst_buffer_new_and_alloc (i);
    GstBuffer *out;

    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    g_assert_cmpint (gst_harness_push (f->harness, gst_buffer_ref (buffer)), ==,
        GST_FLOW_OK);
    out = gst_harness_pull (f->harness);
    g_assert_true (out == buffer);
    gst_buffer_unref (out);
    gst_buffer_unref (buffer);
  }
}

static void
test_bad_properties (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *property, *value, *expected;
  } cases[] = {
      {"game", NULL, "The property game is not set; expected 1 to 64"},
      {"game", "", "The property game is \"\"; expected 1 to 64"},
      {"game", "Half Life", "The property game is \"Half Life\""},
      {"game", "half_life", "game"},
      {"game", "-half", "game"},
      {"game", "..", "game"},
      {"game", "'; DROP TABLE game --", "game"},
      {"game",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "game"},
      {"title", "", "The property title is \"\"; expected 1 to 200"},
      {"title", " \t", "title"},
      {"title", "two\nlines", "The property title is \"two\\nlines\""},
      {"title", "bell\a", "title"},
      {"title", "\x1b[31mred", "title"},
      {"title", "\xe2\x80\xa8", "title"},
      {"title", "not UTF-8: \xff", "title"},
      {"link", "", "The property link is \"\""},
      {"link", "../../etc", "The property link is \"../../etc\""},
      {"link", "a b", "link"},
      {"link", "http://a/", "link"},
      {"node", "", "node"},
      {"node", "a b", "node"},
      {"origin-url", "", "origin-url"},
      {"origin-url", "ftp://a/", "origin-url"},
      {"origin-url", "http://user:pass@a/", "origin-url"},
      {"origin-url", "10.0.0.1:8081", "origin-url"},
      {"database", "postgresql://[", "The property database is not under"},
      {"database", "password=one two", "The property database is not under"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_object_set (f->element, "game", "half-life", "title", NULL, "link", NULL,
        "node", NULL, "origin-url", NULL, "database", NULL, NULL);
    g_object_set (f->element, cases[i].property, cases[i].value, NULL);
    g_assert_cmpint (gst_element_set_state (f->element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    await_complaint (
        f, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR_SETTINGS, cases[i].expected);
    assert_no_complaint (f);
    g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_HAVE_CONTEXT));
    gst_element_set_state (f->element, GST_STATE_NULL);
  }
}

static void
test_long_title (Fixture *f, gconstpointer data)
{
  g_autofree char *title = g_strnfill (201 * 2, 'x');

  for (guint i = 0; i < 201; i++)
    memcpy (title + i * 2, "\xc3\xa4", 2);
  g_object_set (f->element, "title", title, NULL);
  g_assert_cmpint (gst_element_set_state (f->element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  await_complaint (f, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "title");
  title[200 * 2] = '\0';
  gst_element_set_state (f->element, GST_STATE_NULL);
  g_object_set (f->element, "title", title, NULL);
  g_assert_cmpint (gst_element_set_state (f->element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_SUCCESS);
}

static void
test_long_window (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "resume-window", G_MAXUINT64, NULL);
  g_assert_cmpint (gst_element_set_state (f->element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  await_complaint (f, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "The property resume-window is 18446744073709551615; expected a day");
}

/* A password in it must not be seen by gst-launch-1.0 -v. */
static void
test_database_is_secret (Fixture *f, gconstpointer data)
{
  GParamSpec *spec = g_object_class_find_property (
      G_OBJECT_GET_CLASS (f->element), "database");

  g_assert_cmpint (spec->flags & G_PARAM_READABLE, ==, 0);
}

/* --- rows ------------------------------------------------------------------- */

static void
test_row (Fixture *f, gconstpointer data)
{
  g_autoptr (GstMessage) message = NULL;
  g_autofree char *id = link_to_uuid ("a");
  const GstStructure *structure;

  g_object_set (f->element, "title", "A “title”; DROP TABLE", "origin-url",
      "http://10.0.0.1:8081", NULL);
  gst_util_set_object_arg (G_OBJECT (f->element), "visibility", "hidden");
  play (f);
  message = await_element_message (f, "broadcastregister-registered");
  structure = gst_message_get_structure (message);
  g_assert_cmpstr (gst_structure_get_string (structure, "link"), ==, "a");
  g_assert_cmpstr (gst_structure_get_string (structure, "id"), ==, id);
  g_assert_cmpstr (
      gst_structure_get_string (structure, "game"), ==, "half-life");
  pg_kit_assert (kit, ROW,
      "a|starting|half-life|A “title”; DROP TABLE|hidden|node|"
      "http://10.0.0.1:8081|-");
  pg_kit_assert (kit, "SELECT id::text FROM wishcast.broadcast", id);

  push (f, 1);
  pg_kit_await (kit, STATE, "live");
  push (f, 100);
  gst_harness_push_event (f->harness, gst_event_new_eos ());
  pg_kit_await (kit, STATE, "ended");
  stop (f);
  pg_kit_assert (kit, ROW,
      "a|ended|half-life|A “title”; DROP TABLE|hidden|node|"
      "http://10.0.0.1:8081|stream-ended");
  pg_kit_assert (kit, EVENTS, "starting live ended");
  pg_kit_assert (kit,
      "SELECT created_at <= started_at AND started_at <= ended_at AND "
      "ended_at BETWEEN now () - interval '1 min' AND now () "
      "FROM wishcast.broadcast",
      "t");
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ELEMENT));
  assert_no_complaint (f);
}

/* Whoever stops it without EOS: what is written is so when stop returns. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "resume-window", 90 * GST_SECOND, NULL);
  play (f);
  await_registered (f);
  push (f, 1);
  stop (f);
  pg_kit_assert (kit,
      "SELECT state, resume_until - changed_at, lease_until, end_reason "
      "FROM wishcast.broadcast",
      "interrupted|00:01:30|-|-");
}

static void
test_never_live (Fixture *f, gconstpointer data)
{
  gst_element_set_state (f->element, GST_STATE_PAUSED);
  await_registered (f);
  gst_element_set_state (f->element, GST_STATE_NULL);
  pg_kit_assert (
      kit, "SELECT state, started_at FROM wishcast.broadcast", "ended|-");
}

/* A publisher that comes and goes, 20 times. */
static void
test_flapping (Fixture *f, gconstpointer data)
{
  g_autofree char *events = NULL;

  g_object_set (f->element, "resume-window", 90 * GST_SECOND, NULL);
  for (guint i = 0; i < 20; i++) {
    play (f);
    push (f, 1);
    stop (f);
  }
  pg_kit_assert (kit,
      "SELECT count (*), min (state), bool_and (started_at IS NOT NULL) "
      "FROM wishcast.broadcast",
      "1|interrupted|t");
  events = pg_kit_read (kit, EVENTS);
  g_assert_true (g_regex_match_simple (
      "^(starting )?(live )?interrupted( live interrupted| interrupted| "
      "updated)*$",
      events, 0, 0));
  assert_no_complaint (f);
}

static void
test_no_game (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "game", "nope", NULL);
  play (f);
  await_refused (f, "no-game");
  await_complaint (f, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
      "There is no game \"nope\".");
  push (f, 3);
  stop (f);
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.broadcast", "0");
  assert_no_complaint (f);
}

static void
test_over (Fixture *f, gconstpointer data)
{
  play (f);
  await_registered (f);
  stop (f);
  play (f);
  await_refused (f, "ended");
  await_complaint (f, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "The broadcast \"a\" has ended.");
}

static void
test_elsewhere (Fixture *f, gconstpointer required)
{
  pg_kit_run (kit,
      "SELECT wishcast.set_state (gen_random_uuid (), 'a', 'half-life', NULL, "
      "'', 'public', 'other', NULL, 'live', now (), '15 s', NULL, NULL)");
  g_object_set (f->element, "required", required != NULL, NULL);
  play (f);
  await_refused (f, "elsewhere");
  await_complaint (f, required ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING,
      GST_RESOURCE_ERROR_BUSY, "Another node has the broadcast \"a\".");
  push (f, 10);
  stop (f);
  pg_kit_assert (
      kit, "SELECT node, state FROM wishcast.broadcast", "other|live");
  assert_no_complaint (f);
}

/* A database without tables; once it has them, the row appears. */
static void
test_failed (Fixture *f, gconstpointer required)
{
  pg_kit_run (kit, "ALTER SCHEMA wishcast RENAME TO gone");
  g_object_set (f->element, "required", required != NULL, NULL);
  play (f);
  await_refused (f, "failed");
  await_complaint (f, required ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING,
      GST_RESOURCE_ERROR_WRITE, "The broadcast \"a\" cannot be registered.");
  push (f, 10);
  pg_kit_run (kit, "ALTER SCHEMA gone RENAME TO wishcast");
  if (required == NULL)
    pg_kit_await (kit, STATE, "live");
}

/* --- the database is away --------------------------------------------------- */

static guint
get_waiting (Fixture *f)
{
  g_autoptr (GstStructure) stats = NULL;
  guint waiting = 0;

  g_object_get (f->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, "waiting", &waiting));
  return waiting;
}

static void
test_away (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "resume-window", 90 * GST_SECOND, NULL);
  pg_kit_stop (kit);
  play (f);
  push (f, 1000);
  g_assert_cmpuint (get_waiting (f), ==, 1);
  pg_kit_start (kit);
  await_registered (f);
  pg_kit_assert (kit, ROW, "a|live|half-life||public|node|-|-");
  pg_kit_assert (
      kit, "SELECT created_at < started_at FROM wishcast.broadcast", "t");
  pg_kit_kill (kit);
  push (f, 1000);
  gst_harness_push_event (f->harness, gst_event_new_eos ());
  pg_kit_await (kit, STATE, "interrupted");
  assert_no_complaint (f);
}

/* A database that hangs, too. */
static void
test_hangs (Fixture *f, gconstpointer data)
{
  g_autofree char *pid = NULL;

  play (f);
  await_registered (f);
  pid = pg_kit_read (kit, "SELECT pid FROM pg_stat_activity WHERE query LIKE "
                          "'%wishcast.%' AND pid <> pg_backend_pid ()");
  g_assert_cmpint (kill (atoi (pid), SIGSTOP), ==, 0);
  push (f, 1000);
  pg_kit_assert (kit, STATE, "starting");
  g_assert_cmpint (kill (atoi (pid), SIGCONT), ==, 0);
  pg_kit_await (kit, STATE, "live");
}

/* The 10 s are those of a clock of ours. */
static void
test_timeout (Fixture *f, gconstpointer required)
{
  GstClock *clock = gst_test_clock_new ();

  gst_system_clock_set_default (clock);
  pg_kit_stop (kit);
  g_object_set (f->element, "required", required != NULL, NULL);
  play (f);
  push (f, 10);
  gst_test_clock_wait_for_next_pending_id (GST_TEST_CLOCK (clock), NULL);
  gst_test_clock_advance_time (GST_TEST_CLOCK (clock), 9 * GST_SECOND);
  g_assert_cmpuint (
      gst_test_clock_peek_id_count (GST_TEST_CLOCK (clock)), ==, 1);
  assert_no_complaint (f);
  gst_test_clock_advance_time (GST_TEST_CLOCK (clock), 1 * GST_SECOND);
  g_assert_true (gst_test_clock_crank (GST_TEST_CLOCK (clock)));
  await_complaint (f, required ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING,
      GST_RESOURCE_ERROR_OPEN_WRITE, "has not registered the broadcast \"a\"");
  push (f, 10);
  pg_kit_start (kit);
  await_registered (f);
  stop (f);
  gst_system_clock_set_default (NULL);
  gst_object_unref (clock);
}

static void
test_no_timeout (Fixture *f, gconstpointer data)
{
  GstClock *clock = gst_test_clock_new ();

  gst_system_clock_set_default (clock);
  g_object_set (f->element, "required", TRUE, NULL);
  play (f);
  await_registered (f);
  gst_test_clock_wait_for_next_pending_id (GST_TEST_CLOCK (clock), NULL);
  gst_test_clock_advance_time (GST_TEST_CLOCK (clock), 10 * GST_SECOND);
  g_assert_true (gst_test_clock_crank (GST_TEST_CLOCK (clock)));
  stop (f);
  assert_no_complaint (f);
  gst_system_clock_set_default (NULL);
  gst_object_unref (clock);
}

/* --- a whole pipeline ------------------------------------------------------- */

/* No link is set anywhere, and all have the same. */
static void
test_pipeline (gconstpointer data)
{
  g_autofree char *cache = g_dir_make_tmp ("wishcast-cache-XXXXXX", NULL);
  g_autofree char *line = g_strdup_printf (
      "videotestsrc num-buffers=60 ! video/x-raw,width=64,height=48,"
      "framerate=30/1 ! x264enc tune=zerolatency key-int-max=15 ! h264parse ! "
      "cmafpackager segment-duration=1000000000 ! broadcastregister name=r "
      "game=half-life database=\"%s\" ! tee name=t "
      "t. ! cachesink cache-dir=%s "
      "t. ! cdnoriginsink name=o cache-dir=%s port=0",
      pg_kit_get_conninfo (kit), cache, cache);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstElement) element =
      gst_bin_get_by_name (GST_BIN (pipeline), "r");
  g_autoptr (GstElement) origin = gst_bin_get_by_name (GST_BIN (pipeline), "o");
  g_autoptr (GstMessage) message = NULL;
  g_autofree char *link = NULL;
  g_autofree char *url = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *index = NULL;
  const char *argv[] = {"rm", "-rf", cache, NULL};

  g_assert_no_error (error);
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_object_get (element, "link", &link, NULL);
  g_object_get (origin, "url", &url, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  expected = g_strdup_printf ("/live/%s/master.m3u8", link);
  g_assert_true (g_str_has_suffix (url, expected));
  index = g_build_filename (cache, link, "index", NULL);
  g_assert_true (g_file_test (index, G_FILE_TEST_EXISTS));
  pg_kit_assert (kit, "SELECT link FROM wishcast.broadcast", link);
  pg_kit_assert (kit, "SELECT state, end_reason FROM wishcast.broadcast",
      "ended|stream-ended");
  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, NULL, NULL, NULL, NULL));
}

#define ADD(path, func)                                                        \
  g_test_add ("/broadcastregister/" path, Fixture, NULL, make_element, func,   \
      tear_down)
#define ADD_DB(path, func, data)                                               \
  g_test_add (                                                                 \
      "/broadcastregister/" path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  int result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
  ADD ("context", test_context);
  ADD ("new-links", test_new_links);
  ADD ("passthrough", test_passthrough);
  ADD ("bad-properties", test_bad_properties);
  ADD ("long-title", test_long_title);
  ADD ("long-window", test_long_window);
  ADD ("database-is-secret", test_database_is_secret);
  ADD_DB ("row", test_row, NULL);
  ADD_DB ("stop", test_stop, NULL);
  ADD_DB ("never-live", test_never_live, NULL);
  ADD_DB ("flapping", test_flapping, NULL);
  ADD_DB ("no-game", test_no_game, NULL);
  ADD_DB ("over", test_over, NULL);
  ADD_DB ("elsewhere", test_elsewhere, NULL);
  ADD_DB ("elsewhere-required", test_elsewhere, "required");
  ADD_DB ("failed", test_failed, NULL);
  ADD_DB ("failed-required", test_failed, "required");
  ADD_DB ("away", test_away, NULL);
  ADD_DB ("hangs", test_hangs, NULL);
  ADD_DB ("timeout", test_timeout, NULL);
  ADD_DB ("timeout-required", test_timeout, "required");
  ADD_DB ("no-timeout", test_no_timeout, NULL);
  g_test_add_data_func ("/broadcastregister/pipeline", NULL, test_pipeline);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
