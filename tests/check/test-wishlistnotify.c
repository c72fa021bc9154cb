/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <string.h>

#include "broadcastcontext.h"
#include "chunk.h"
#include "link.h"
#include "origincontext.h"
#include "origintest.h"
#include "pgkit.h"

#define PATIENCE (20 * GST_SECOND)
#define JOBS                                                                   \
  "SELECT link, game, state, reason FROM wishcast.notification_job "           \
  "ORDER BY link"

typedef struct {
  GstElement *element;
  GstBus *bus;
  GstHarness *harness; /* NULL until play() */
} Fixture;

static PgKit *kit;

/* --- fixture ---------------------------------------------------------------- */

static void
make_element (Fixture *f)
{
  f->element =
      gst_object_ref_sink (gst_element_factory_make ("wishlistnotify", NULL));
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
  g_object_set (f->element, "database", pg_kit_get_conninfo (kit), "link", "a",
      "game", "half-life", NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.notification_job CASCADE");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  pg_kit_add_game (kit, "portal", "Portal");
  make_element (f);
}

static void
play (Fixture *f)
{
  f->harness = gst_harness_new_with_element (f->element, "sink", "src");
  gst_harness_set_src_caps_str (f->harness, "application/x-anything");
}

/* Whoever posted the last message may hold it a moment longer. */
static void
await_last_reference (GstElement *element)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE / GST_USECOND;

  while (GST_OBJECT_REFCOUNT_VALUE (element) > 1) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (1000);
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gst_element_set_state (f->element, GST_STATE_NULL);
  g_clear_pointer (&f->harness, gst_harness_teardown);
  gst_bus_set_flushing (f->bus, TRUE);
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  await_last_reference (f->element);
  gst_object_unref (f->element);
}

/* The publisher comes again, or another one. */
static void
begin_again (Fixture *f, const char *link)
{
  tear_down (f, NULL);
  make_element (f);
  g_object_set (f->element, "link", link, NULL);
  play (f);
}

/* --- what goes through -------------------------------------------------------- */

static GstBuffer *
make_chunk (ChunkKind kind, guint64 msn, guint part)
{
  ChunkInfo info = test_info (TEST_VIDEO, 0, msn, part);
  g_autoptr (GBytes) bytes = test_bytes (&info);
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);

  info.kind = kind;
  info.size = g_bytes_get_size (bytes);
  chunk_buffer_set_info (buffer, &info);
  if (kind == CHUNK_KIND_MEDIA) {
    GST_BUFFER_PTS (buffer) = info.pts;
    GST_BUFFER_DTS (buffer) = info.dts;
    GST_BUFFER_DURATION (buffer) = info.duration;
  }
  return buffer;
}

/* The very same comes out. */
static void
push_buffer (Fixture *f, GstBuffer *buffer)
{
  GstBuffer *out;

  g_assert_cmpint (
      gst_harness_push (f->harness, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  out = gst_harness_pull (f->harness);
  g_assert_true (out == buffer);
  gst_buffer_unref (out);
  gst_buffer_unref (buffer);
}

static void
push_chunk (Fixture *f, guint64 msn, guint part)
{
  push_buffer (f, make_chunk (CHUNK_KIND_MEDIA, msn, part));
}

static void
push_segments (Fixture *f, guint64 first, guint n)
{
  for (guint64 msn = first; msn < first + n; msn++)
    for (guint part = 0; part < TEST_PARTS; part++)
      push_chunk (f, msn, part);
}

static void
push_time (Fixture *f, GstClockTime time, GstClockTime duration)
{
  GstBuffer *buffer = gst_buffer_new_and_alloc (9);

  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = duration;
  push_buffer (f, buffer);
}

/* --- what comes of it ---------------------------------------------------------- */

static void
await_answer (Fixture *f, const char *link, const char *expected)
{
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (f->bus, PATIENCE, GST_MESSAGE_ELEMENT);
  const GstStructure *structure;

  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "wishlistnotify-filed"));
  structure = gst_message_get_structure (message);
  g_assert_cmpstr (gst_structure_get_string (structure, "link"), ==, link);
  g_assert_cmpstr (
      gst_structure_get_string (structure, "answer"), ==, expected);
}

/* Nothing was filed before this, nor will be because of what went through so
 * far: what is filed carries the time at which it was. */
static gint64
mark (Fixture *f)
{
  g_assert_null (gst_bus_pop_filtered (f->bus, GST_MESSAGE_ELEMENT));
  return g_get_real_time ();
}

static void
assert_filed_after (gint64 mark)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT created_at >= to_timestamp (0) + %" G_GINT64_FORMAT
      " * interval '1 microsecond' FROM wishcast.notification_job",
      mark);

  pg_kit_assert (kit, sql, "t");
}

static void
await_warning (Fixture *f, GstResourceError code, const char *expected)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      f->bus, PATIENCE, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
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

/* --- when ---------------------------------------------------------------------- */

static void
test_segments (Fixture *f, gconstpointer data)
{
  g_autofree char *id = link_to_uuid ("a");
  g_autofree char *row = g_strdup_printf ("%s|a|half-life|pending|-", id);
  gint64 before;

  play (f);
  push_buffer (f, make_chunk (CHUNK_KIND_JOINT_INIT, 7, 0));
  push_segments (f, 7, 1);
  for (guint part = 0; part < TEST_PARTS - 1; part++)
    push_chunk (f, 8, part);
  before = mark (f);
  push_chunk (f, 8, TEST_PARTS - 1);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
  pg_kit_assert (kit,
      "SELECT id, link, game, state, reason FROM wishcast.notification_job",
      row);
  assert_no_complaint (f);
}

/* Its last part is not always known as such. */
static void
test_next_segment (Fixture *f, gconstpointer data)
{
  gint64 before;

  play (f);
  push_chunk (f, 0, 0);
  push_chunk (f, 1, 0);
  before = mark (f);
  push_chunk (f, 2, 0);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
}

static void
test_after (Fixture *f, gconstpointer data)
{
  gint64 before;

  g_object_set (f->element, "after", 3 * GST_SECOND, NULL);
  play (f);
  push_buffer (f, gst_buffer_new_and_alloc (9));
  push_time (f, 100 * GST_SECOND, GST_SECOND);
  push_time (f, 101 * GST_SECOND, GST_SECOND);
  before = mark (f);
  push_time (f, 102 * GST_SECOND, GST_SECOND);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
}

/* The inits have no time, but the chunks have. */
static void
test_after_with_chunks (Fixture *f, gconstpointer data)
{
  gint64 before;

  g_object_set (f->element, "after", GST_SECOND, NULL);
  play (f);
  push_buffer (f, make_chunk (CHUNK_KIND_JOINT_INIT, 7, 0));
  push_chunk (f, 7, 0);
  before = mark (f);
  push_chunk (f, 7, 1);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
}

static void
test_without_segments (Fixture *f, gconstpointer data)
{
  gint64 before;

  play (f);
  push_time (f, 0, GST_CLOCK_TIME_NONE);
  push_time (f, 4 * GST_SECOND - 1, GST_CLOCK_TIME_NONE);
  before = mark (f);
  push_time (f, 4 * GST_SECOND, GST_CLOCK_TIME_NONE);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
}

static void
test_never (Fixture *f, gconstpointer data)
{
  gint64 before;

  g_object_set (f->element, "after", G_MAXUINT64, NULL);
  play (f);
  push_segments (f, 3, 5);
  /* Another one of the same queue, behind whatever this one has filed. */
  before = mark (f);
  begin_again (f, "a");
  push_segments (f, 0, 2);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
}

/* --- once ---------------------------------------------------------------------- */

static void
test_once (Fixture *f, gconstpointer data)
{
  Fixture other;

  play (f);
  push_segments (f, 0, 2);
  await_answer (f, "a", "filed");
  push_segments (f, 2, 5);
  /* Of the same queue: what comes of the first is known before. */
  make_element (&other);
  play (&other);
  push_segments (&other, 0, 2);
  await_answer (&other, "a", "filed-before");
  tear_down (&other, NULL);
  mark (f);
  begin_again (f, "a");
  push_segments (f, 0, 2);
  await_answer (f, "a", "filed-before");
  begin_again (f, "b");
  push_segments (f, 0, 2);
  await_answer (f, "b", "quiet");
  begin_again (f, "c");
  g_object_set (f->element, "quiet-period", G_GUINT64_CONSTANT (0), NULL);
  push_segments (f, 0, 2);
  await_answer (f, "c", "filed");
  pg_kit_assert (kit, JOBS,
      "a|half-life|pending|-\nb|half-life|skipped|quiet\n"
      "c|half-life|pending|-");
}

static void
test_late (Fixture *f, gconstpointer data)
{
  pg_kit_run (kit,
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, "
      "created_at, changed_at) VALUES (md5 ('a')::uuid, 'a', 'half-life', "
      "'ended', 'node', now (), now ())");
  play (f);
  push_segments (f, 0, 2);
  await_answer (f, "a", "late");
  assert_no_complaint (f);
}

/* --- what is wrong --------------------------------------------------------------- */

static void
test_no_game (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "game", "quake", NULL);
  play (f);
  push_segments (f, 0, 2);
  await_warning (f, GST_RESOURCE_ERROR_NOT_FOUND, "There is no game \"quake\"");
  await_answer (f, "a", "no-game");
}

static void
test_failed (Fixture *f, gconstpointer data)
{
  pg_kit_run (kit, "ALTER FUNCTION wishcast.file_notification RENAME TO away");
  play (f);
  push_segments (f, 0, 2);
  await_warning (f, GST_RESOURCE_ERROR_WRITE,
      "Nobody is told of the broadcast "
      "\"a\"");
  await_answer (f, "a", "failed");
  pg_kit_run (kit, "ALTER FUNCTION wishcast.away RENAME TO file_notification");
}

static void
test_database_away (Fixture *f, gconstpointer data)
{
  g_autofree char *sql = NULL;
  gint64 at;

  pg_kit_stop (kit);
  play (f);
  push_segments (f, 0, 3);
  at = mark (f);
  push_segments (f, 3, 3);
  pg_kit_start (kit);
  await_answer (f, "a", "filed");
  /* As of when it was so. */
  sql = g_strdup_printf ("SELECT created_at <= to_timestamp (0) + "
                         "%" G_GINT64_FORMAT " * interval '1 microsecond' FROM "
                         "wishcast.notification_job",
      at);
  pg_kit_assert (kit, sql, "t");
  assert_no_complaint (f);
}

static void
test_no_database (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "database", NULL, NULL);
  play (f);
  push_segments (f, 0, 5);
  mark (f);
  assert_no_complaint (f);
}

static void
test_no_broadcast (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "link", NULL, "game", NULL, NULL);
  play (f);
  push_segments (f, 0, 5);
  await_warning (f, GST_RESOURCE_ERROR_SETTINGS, "its link or game is unknown");
  assert_no_complaint (f);
  pg_kit_assert (kit, JOBS, "");
}

static void
test_bad_properties (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *property, *value;
  } cases[] = {{"game", ""}, {"game", "Half Life"}, {"game", "'; DROP"},
      {"link", ""}, {"link", "a b"}, {"link", "../x"},
      {"database", "postgresql://["}, {"database", "password=one two"}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    g_object_set (f->element, "game", NULL, "link", NULL, "database", NULL,
        cases[i].property, cases[i].value, NULL);
    g_assert_cmpint (gst_element_set_state (f->element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_nonnull (strstr (error->message, cases[i].property));
    g_assert_null (strstr (error->message, "one two"));
    gst_element_set_state (f->element, GST_STATE_NULL);
  }
}

/* A password in it must not be seen by gst-launch-1.0 -v. */
static void
test_database_is_secret (Fixture *f, gconstpointer data)
{
  GParamSpec *spec = g_object_class_find_property (
      G_OBJECT_GET_CLASS (f->element), "database");

  g_assert_cmpint (spec->flags & G_PARAM_READABLE, ==, 0);
}

/* --- contexts --------------------------------------------------------------------- */

static void
set_broadcast (Fixture *f)
{
  g_autofree char *id = link_to_uuid ("from-context");
  BroadcastInfo info = {
      .link = (char *)"from-context", .id = id, .game = (char *)"half-life"};
  g_autoptr (GstContext) context = broadcast_context_new (&info);

  gst_element_set_context (f->element, context);
}

static void
test_context (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "link", NULL, "game", NULL, NULL);
  set_broadcast (f);
  play (f);
  push_segments (f, 0, 2);
  await_answer (f, "from-context", "filed");
  pg_kit_assert (kit, JOBS, "from-context|half-life|pending|-");
}

static void
test_game_of_context (Fixture *f, gconstpointer data)
{
  g_object_set (f->element, "link", NULL, "game", "portal", NULL);
  set_broadcast (f);
  play (f);
  push_segments (f, 0, 2);
  await_answer (f, "from-context", "filed");
  pg_kit_assert (kit, JOBS, "from-context|portal|pending|-");
}

/* There is a picture, but not yet sound. */
static void
test_origin (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Origin) origin = origin_acquire ("127.0.0.1", 0, &error);
  g_autoptr (GstContext) context = NULL;
  OriginBroadcast *broadcast;
  gint64 before;

  g_assert_no_error (error);
  context = origin_context_new (origin, "127.0.0.1");
  gst_element_set_context (f->element, context);
  play (f);
  push_segments (f, 0, 3);
  broadcast = test_publish (origin, "a");
  test_push_segments (broadcast, 0, 0, 4, FALSE);
  push_segments (f, 3, 3);
  before = mark (f);
  test_push_segments (broadcast, 0, 0, 4, TRUE);
  push_chunk (f, 6, 0);
  await_answer (f, "a", "filed");
  assert_filed_after (before);
  origin_broadcast_leave (broadcast, 0);
}

/* --- the documentation ---------------------------------------------------------------- */

static void
replace (char **text, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (*text, from, -1);

  g_assert_cmpuint (g_strv_length (parts), >, 1);
  g_free (*text);
  *text = g_strjoinv (to, parts);
}

/* As printed, but for where the database and a free port are. */
static char *
read_launch_line (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("SQL_DIR"), "..", "..",
      "plugins", "wishlist", "gstwishlistnotify.c", NULL);
  g_autofree char *source = NULL;
  g_autoptr (GError) error = NULL;
  char *begin, *line;

  g_file_get_contents (path, &source, NULL, &error);
  g_assert_no_error (error);
  begin = strstr (source, "|[\n");
  g_assert_nonnull (begin);
  *strstr (begin, "]|") = '\0';
  line = g_strdup (begin + strlen ("|[\n"));
  replace (&line, "\\\n *", "");
  replace (&line, " * gst-launch-1.0 -e -m ", "");
  replace (&line, "host=localhost user=wishcast dbname=wishcast",
      pg_kit_get_conninfo (kit));
  replace (&line, "cdnoriginsink", "cdnoriginsink port=0");
  *g_strrstr (line, "\n * ") = '\0';
  return line;
}

static void
test_launch_line (Fixture *f, gconstpointer data)
{
  g_autofree char *line = read_launch_line ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (message == NULL) {
    message = gst_bus_timed_pop_filtered (
        bus, 3 * PATIENCE, GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
    g_assert_nonnull (message);
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ELEMENT);
    if (!gst_message_has_name (message, "wishlistnotify-filed"))
      g_clear_pointer (&message, gst_message_unref);
  }
  g_assert_cmpstr (
      gst_structure_get_string (gst_message_get_structure (message), "answer"),
      ==, "filed");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  pg_kit_assert (kit, "SELECT game, state FROM wishcast.notification_job",
      "half-life|pending");
}

int
main (int argc, char **argv)
{
  int result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  kit = pg_kit_new ();
#define ADD(path, func)                                                        \
  g_test_add ("/wishlistnotify/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("segments", test_segments);
  ADD ("next-segment", test_next_segment);
  ADD ("after", test_after);
  ADD ("after-with-chunks", test_after_with_chunks);
  ADD ("without-segments", test_without_segments);
  ADD ("never", test_never);
  ADD ("once", test_once);
  ADD ("late", test_late);
  ADD ("no-game", test_no_game);
  ADD ("failed", test_failed);
  ADD ("database-away", test_database_away);
  ADD ("no-database", test_no_database);
  ADD ("no-broadcast", test_no_broadcast);
  ADD ("bad-properties", test_bad_properties);
  ADD ("database-is-secret", test_database_is_secret);
  ADD ("context", test_context);
  ADD ("game-of-context", test_game_of_context);
  ADD ("origin", test_origin);
  ADD ("launch-line", test_launch_line);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
