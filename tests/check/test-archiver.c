/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "archiver.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>
#include <sys/stat.h>

#include "broadcaststub.h"
#include "cacheclear.h"
#include "datadir.h"
#include "pgkit.h"
#include "storekit.h"

#define ROWS                                                                   \
  "SELECT part, node, bucket, object, state, size, duration, incomplete "      \
  "FROM wishcast.recording ORDER BY part"
#define STATES "SELECT part, state FROM wishcast.recording ORDER BY part"
#define OTHER_LINK "other"
#define PATIENCE (30 * G_USEC_PER_SEC)

static PgKit *kit;

typedef struct {
  char *dir, *cache, *states, *archive;
  CacheWriter *writer;
  Broadcasts *broadcasts;
  ArchiveStore *store;
  Archiver *archiver;
} Fixture;

/* --- What there is ----------------------------------------------------------------*/

static ArchiveStore *
open_store (Fixture *fix)
{
  g_autofree char *text =
      g_strdup_printf ("[archive]\ndir = %s\n", fix->archive);
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  ArchiveStore *store;

  settings = settings_parse ("test.conf", text, strlen (text), &error);
  g_assert_no_error (error);
  store = archive_store_new (settings, &error);
  g_assert_no_error (error);
  return store;
}

static void
start_with (Fixture *fix, const char *pipeline)
{
  g_autoptr (GError) error = NULL;
  ArchiverSettings settings = {
      .node = "node-a",
      .conninfo = pg_kit_get_conninfo (kit),
      .cache_dir = fix->cache,
      .state_dir = fix->states,
      .pipeline = pipeline,
      .store = fix->store,
      .broadcasts = fix->broadcasts,
  };

  fix->archiver = archiver_new (&settings, &error);
  g_assert_no_error (error);
}

static void
start (Fixture *fix)
{
  g_autofree char *pipeline = data_path ("pipelines/archive.pipeline");

  start_with (fix, pipeline);
}

static void
stop (Fixture *fix)
{
  g_clear_pointer (&fix->archiver, archiver_free);
}

static void
restart (Fixture *fix)
{
  stop (fix);
  start (fix);
}

static void
set_up (Fixture *fix, gconstpointer unused)
{
  pg_kit_run (kit,
      "TRUNCATE wishcast.recording, wishcast.broadcast, wishcast.game CASCADE");
  fix->dir = kit_dir_new ();
  fix->cache = g_build_filename (fix->dir, "cache", NULL);
  fix->states = g_build_filename (fix->dir, "states", NULL);
  fix->archive = g_build_filename (fix->dir, "recordings", NULL);
  g_assert_cmpint (g_mkdir (fix->cache, 0700), ==, 0);
  fix->store = open_store (fix);
  fix->broadcasts = broadcasts_stub_new ();
}

static void
tear_down (Fixture *fix, gconstpointer unused)
{
  stop (fix);
  cache_writer_free (fix->writer);
  archive_store_unref (fix->store);
  broadcasts_stub_free (fix->broadcasts);
  g_free (fix->cache);
  g_free (fix->states);
  g_free (fix->archive);
  kit_dir_free (fix->dir);
}

/* --- The broadcast ----------------------------------------------------------------*/

static void
open_writer (Fixture *fix)
{
  fix->writer = kit_open_writer (fix->cache);
}

static void
close_writer (Fixture *fix)
{
  g_clear_pointer (&fix->writer, cache_writer_free);
}

static void
air (Fixture *fix)
{
  broadcasts_stub_add (fix->broadcasts, KIT_LINK, "portal", "[]");
  open_writer (fix);
}

static void
append (Fixture *fix, guint32 epoch, guint64 first_msn, guint n, guint32 width)
{
  g_assert_true (
      kit_epoch (epoch, first_msn, n, width, kit_append, fix->writer));
}

static void
end (Fixture *fix)
{
  g_autoptr (GError) error = NULL;

  cache_writer_end (fix->writer, &error);
  g_assert_no_error (error);
  close_writer (fix);
  broadcasts_end (fix->broadcasts, KIT_LINK, "test");
}

/* --- The archive ------------------------------------------------------------------*/

static gsize
get_size (Fixture *fix, const char *name)
{
  g_autofree char *path = g_build_filename (fix->archive, KIT_LINK, name, NULL);
  struct stat file;

  return stat (path, &file) == 0 ? (gsize)file.st_size : 0;
}

typedef gboolean (*Condition) (Fixture *fix, gconstpointer data);

static void
await (Fixture *fix, Condition condition, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (!condition (fix, data)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10000);
  }
}

static gboolean
has_file (Fixture *fix, gconstpointer name)
{
  return get_size (fix, name) > 0;
}

static gboolean
is_progress (Fixture *fix, gconstpointer progress)
{
  return archiver_get_progress (fix->states, KIT_LINK) ==
         (ArchiveProgress)GPOINTER_TO_INT (progress);
}

static void
await_done (Fixture *fix)
{
  await (fix, is_progress, GINT_TO_POINTER (ARCHIVE_DONE));
}

/* What cachesrc makes of the link, as one file. */
static GByteArray *
read_whole (Fixture *fix, guint epoch)
{
  g_autofree char *path = g_build_filename (fix->dir, "whole.mp4", NULL);
  g_autofree char *line = g_strdup_printf (
      "cachesrc cache-dir=%s link=" KIT_LINK " first-epoch=%u ! filesink "
      "location=%s",
      fix->cache, epoch, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstBus) bus = NULL;
  char *data;
  gsize size;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_byte_array_new_take ((guint8 *)data, size);
}

/* Nothing is there but the parts, and each is what cachesrc makes of it. */
static void
check_part (Fixture *fix, guint part, guint epoch)
{
  g_autofree char *name = g_strdup_printf ("%u.mp4", part);
  g_autofree char *path = g_build_filename (fix->archive, KIT_LINK, name, NULL);
  g_autoptr (GByteArray) whole = read_whole (fix, epoch);
  g_autofree char *data = NULL;
  g_autofree char *sql = NULL, *row = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpmem (data, size, whole->data, whole->len);
  sql = g_strdup_printf (
      "SELECT node, bucket, object, state, size, incomplete, "
      "length (crc32c), duration > 0 FROM wishcast.recording WHERE part = %u",
      part);
  row = g_strdup_printf ("node-a|-|" KIT_LINK "/%u.mp4|ready|%" G_GSIZE_FORMAT
                         "|f|8|t",
      part, size);
  pg_kit_assert (kit, sql, row);
}

static guint
count_files (Fixture *fix)
{
  g_autofree char *path = g_build_filename (fix->archive, KIT_LINK, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* --- Tests ------------------------------------------------------------------------*/

static void
test_ended (Fixture *fix, gconstpointer unused)
{
  g_autofree char *path = NULL;
  struct stat file;

  open_writer (fix);
  append (fix, 0, 0, 5, 640);
  end (fix);
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_NONE)));
  start (fix);
  await_done (fix);
  check_part (fix, 0, 0);
  g_assert_cmpuint (count_files (fix), ==, 1);
  pg_kit_assert (kit, "SELECT duration FROM wishcast.recording", "10");
  path = g_build_filename (fix->states, KIT_LINK ".json", NULL);
  g_assert_cmpint (stat (path, &file), ==, 0);
  g_assert_cmpint (file.st_mode & 0777, ==, 0600);
}

static gboolean
has_grown (Fixture *fix, gconstpointer size)
{
  return get_size (fix, "0.body") > GPOINTER_TO_SIZE (size);
}

#define PIECE 40

static void
test_live (Fixture *fix, gconstpointer unused)
{
  gsize size;

  start (fix);
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  await (fix, has_file, "0.body");
  pg_kit_await (kit, STATES, "0|uploading");
  size = get_size (fix, "0.body");
  append (fix, 0, PIECE, 4 * PIECE, 640);
  await (fix, has_grown, GSIZE_TO_POINTER (size));
  g_assert_cmpuint (get_size (fix, "0.mp4"), ==, 0);
  end (fix);
  await_done (fix);
  check_part (fix, 0, 0);
}

static gboolean
is_other_done (Fixture *fix, gconstpointer unused)
{
  return archiver_get_progress (fix->states, OTHER_LINK) == ARCHIVE_DONE;
}

/* A broadcast whose folder was just made, and nothing in it, is nothing to tell an
 * operator of. */
static void
test_not_begun (Fixture *fix, gconstpointer unused)
{
  g_autofree char *folder = g_build_filename (fix->cache, KIT_LINK, NULL);
  g_autoptr (TrackTable) table = kit_table ();
  g_autoptr (GError) error = NULL;
  ArchiverFigures figures;

  fix->writer = cache_writer_open (fix->cache, OTHER_LINK, &error);
  g_assert_no_error (error);
  cache_writer_set_tracks (fix->writer, table, &error);
  g_assert_no_error (error);
  append (fix, 0, 0, 2, 640);
  end (fix);
  broadcasts_stub_add (fix->broadcasts, KIT_LINK, "portal", "[]");
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  start (fix);
  /* Then it has looked at both. */
  await (fix, is_other_done, NULL);
  archiver_get_figures (fix->archiver, &figures);
  g_assert_cmpuint (figures.n_failing, ==, 0);
  g_assert_null (figures.problem);
  archiver_figures_clear (&figures);
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_NONE)));

  open_writer (fix);
  append (fix, 0, 0, 2, 640);
  end (fix);
  await_done (fix);
}

/* Another epoch of the same is the same recording. */
static void
test_interrupted (Fixture *fix, gconstpointer unused)
{
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  await (fix, has_file, "0.body");
  close_writer (fix);
  restart (fix);
  open_writer (fix);
  append (fix, 1, PIECE, PIECE, 640);
  end (fix);
  await_done (fix);
  check_part (fix, 0, 0);
  pg_kit_assert (kit, STATES, "0|ready");
}

static void
test_two_parts (Fixture *fix, gconstpointer unused)
{
  start (fix);
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  append (fix, 1, PIECE, PIECE, 1280);
  pg_kit_await (kit, STATES, "0|ready\n1|uploading");
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_UPLOADING)));
  end (fix);
  await_done (fix);
  check_part (fix, 0, 0);
  check_part (fix, 1, 1);
  g_assert_cmpuint (count_files (fix), ==, 2);
}

/* Whatever it was at when it was stopped. */
static void
test_restarts (Fixture *fix, gconstpointer unused)
{
  open_writer (fix);
  for (guint epoch = 0; epoch < 3; epoch++)
    append (fix, epoch, epoch * 3 * PIECE, 3 * PIECE, 640 + epoch);
  end (fix);
  for (guint i = 0; i < 40; i++) {
    start (fix);
    g_usleep (i * 2000);
    stop (fix);
  }
  start (fix);
  await_done (fix);
  for (guint part = 0; part < 3; part++)
    check_part (fix, part, part);
  g_assert_cmpuint (count_files (fix), ==, 3);
}

static void
test_database_away (Fixture *fix, gconstpointer unused)
{
  pg_kit_stop (kit);
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  end (fix);
  await (fix, has_file, "0.mp4");
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_UPLOADING)));
  restart (fix);
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_UPLOADING)));
  pg_kit_start (kit);
  await_done (fix);
  check_part (fix, 0, 0);
}

static gboolean
is_failing (Fixture *fix, gconstpointer text)
{
  ArchiverFigures figures;
  gboolean is;

  archiver_get_figures (fix->archiver, &figures);
  is = figures.n_failing == 1 && figures.n_open == 1 && figures.n_left > 0 &&
       strstr (figures.problem, text) != NULL;
  archiver_figures_clear (&figures);
  return is;
}

static gboolean
is_idle (Fixture *fix, gconstpointer n_archived)
{
  ArchiverFigures figures;
  gboolean is;

  archiver_get_figures (fix->archiver, &figures);
  is = figures.n_open == 0 && figures.n_failing == 0 && figures.n_left == 0 &&
       figures.problem == NULL && figures.n_bytes > 0 &&
       figures.n_archived == GPOINTER_TO_SIZE (n_archived);
  archiver_figures_clear (&figures);
  return is;
}

/* The archive cannot be written, and then it can. */
static void
test_archive_away (Fixture *fix, gconstpointer unused)
{
  g_autofree char *place = g_build_filename (fix->archive, KIT_LINK, NULL);

  g_assert_true (g_file_set_contents (place, "in the way", -1, NULL));
  open_writer (fix);
  append (fix, 0, 0, 5, 640);
  end (fix);
  start (fix);
  await (fix, is_failing, KIT_LINK);
  g_assert_cmpint (g_unlink (place), ==, 0);
  await_done (fix);
  check_part (fix, 0, 0);
  await (fix, is_idle, GSIZE_TO_POINTER (1));
}

static gboolean
is_piece (Fixture *fix, gconstpointer stage)
{
  g_autofree char *path =
      g_build_filename (fix->states, KIT_LINK ".json", NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) &&
         strstr (text, stage) != NULL;
}

/* What lies in the archive is not what was sent: it is sent anew. */
static void
test_corrupt (Fixture *fix, gconstpointer unused)
{
  static const char foreign[] = "this is not of the broadcast";
  g_autofree char *folder = g_build_filename (fix->archive, KIT_LINK, NULL);
  g_autofree char *path = g_build_filename (folder, "0.body", NULL);

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, foreign, -1, NULL));
  open_writer (fix);
  append (fix, 0, 0, 5, 640);
  end (fix);
  start (fix);
  await_done (fix);
  check_part (fix, 0, 0);
}

static void
add_broadcast (const char *expires)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,"
      " changed_at, ended_at, recording_expires) VALUES (md5 ('x')::uuid, "
      "'" KIT_LINK "', 'portal', 'ended', 'node-a', now (), now (), now (), "
      "now () + interval '%s')",
      expires);

  pg_kit_add_game (kit, "portal", "Portal");
  pg_kit_run (kit, sql);
}

/* Its time was over before it was archived. */
static void
test_expired (Fixture *fix, gconstpointer unused)
{
  g_autofree char *place = g_build_filename (fix->archive, KIT_LINK, NULL);

  add_broadcast ("-1 s");
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  await_done (fix);
  pg_kit_assert (kit, STATES, "0|deleted");
  g_assert_false (g_file_test (place, G_FILE_TEST_EXISTS));
}

static void
test_not_expired (Fixture *fix, gconstpointer unused)
{
  add_broadcast ("1 h");
  air (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  pg_kit_await (kit, STATES, "0|uploading");
  end (fix);
  await_done (fix);
  check_part (fix, 0, 0);
}

/* Somebody clears it from the cache too early. */
static void
test_cleared (Fixture *fix, gconstpointer unused)
{
  g_autofree char *place = g_build_filename (fix->archive, KIT_LINK, NULL);
  g_autoptr (GError) error = NULL;

  air (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  pg_kit_await (kit, STATES, "0|uploading");
  close_writer (fix);
  cache_clear (fix->cache, KIT_LINK, &error);
  g_assert_no_error (error);
  pg_kit_await (kit, STATES, "0|deleted");
  await (fix, is_progress, GINT_TO_POINTER (ARCHIVE_NONE));
  g_assert_false (g_file_test (place, G_FILE_TEST_EXISTS));
}

static void
test_without_media (Fixture *fix, gconstpointer unused)
{
  open_writer (fix);
  end (fix);
  start (fix);
  await_done (fix);
  pg_kit_assert (kit, "SELECT count (*) FROM wishcast.recording", "0");
}

/* A state that cannot be read is begun anew, to the same end. */
static void
test_bad_state (Fixture *fix, gconstpointer unused)
{
  g_autofree char *path =
      g_build_filename (fix->states, KIT_LINK ".json", NULL);

  open_writer (fix);
  append (fix, 0, 0, 5, 640);
  end (fix);
  g_assert_cmpint (g_mkdir (fix->states, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "{\"format\":", -1, NULL));
  g_assert_true (is_progress (fix, GINT_TO_POINTER (ARCHIVE_UPLOADING)));
  start (fix);
  await (fix, is_piece, "\"ready\"");
  await_done (fix);
  check_part (fix, 0, 0);
}

/* Nobody says that one is on air, and nobody ended it: it waits. */
static void
test_nobodys (Fixture *fix, gconstpointer unused)
{
  open_writer (fix);
  append (fix, 0, 0, PIECE, 640);
  start (fix);
  await (fix, is_progress, GINT_TO_POINTER (ARCHIVE_NONE));
  end (fix);
  await_done (fix);
  check_part (fix, 0, 0);
}

/* --- Many -------------------------------------------------------------------------*/

#define MANY 6
#define MOST_AT_ONCE 2

static void
copy_link (Fixture *fix, const char *name)
{
  static const char *const files[] = {
      "broadcast.json", "index", "init.mp4", "video_0.cmaf", "audio_0.cmaf"};
  g_autofree char *folder = g_build_filename (fix->cache, name, NULL);
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (folder, files[i], NULL);
    gsize size;
    g_autofree guint8 *data = kit_load (fix->cache, files[i], &size);
    g_autoptr (GString) text = g_string_new_len ((char *)data, (gssize)size);

    if (i == 0)
      g_string_replace (text, "\"" KIT_LINK "\"", quoted, 0);
    g_assert_true (
        g_file_set_contents (path, text->str, (gssize)text->len, NULL));
  }
}

/* Whether the body of @name is being stored. */
static gboolean
is_under_way (Fixture *fix, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_autofree char *state = g_build_filename (fix->states, file, NULL);
  g_autofree char *body = g_build_filename (fix->archive, name, "0.body", NULL);
  g_autofree char *text = NULL;

  return g_file_test (body, G_FILE_TEST_EXISTS) &&
         g_file_get_contents (state, &text, NULL, NULL) &&
         strstr (text, "\"stage\" : \"body\"") != NULL;
}

/* A start after a long time away does not do all at once. */
static void
test_bounded (Fixture *fix, gconstpointer unused)
{
  g_autofree char *pipeline = g_build_filename (fix->dir, "slow", NULL);
  gint64 deadline = g_get_monotonic_time () + 2 * PATIENCE;
  guint n_done = 0, most = 0;

  g_assert_true (g_file_set_contents (pipeline,
      "cachesrc cache-dir=${cache-dir} link=${link} first-epoch=${first-epoch} "
      "piece=${piece} follow=true ! identity sleep-time=300000 ! ${sink}",
      -1, NULL));
  open_writer (fix);
  append (fix, 0, 0, 5, 640);
  end (fix);
  for (guint i = 1; i < MANY; i++) {
    g_autofree char *name = g_strdup_printf ("test%u", i);

    copy_link (fix, name);
  }
  start_with (fix, pipeline);
  while (n_done < MANY) {
    guint n = 0;

    n_done = 0;
    for (guint i = 0; i < MANY; i++) {
      g_autofree char *name =
          i == 0 ? g_strdup (KIT_LINK) : g_strdup_printf ("test%u", i);

      n += is_under_way (fix, name);
      n_done += archiver_get_progress (fix->states, name) == ARCHIVE_DONE;
    }
    most = MAX (most, n);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
  g_assert_cmpuint (most, ==, MOST_AT_ONCE);
  pg_kit_assert (kit,
      "SELECT count (*) FROM wishcast.recording WHERE state = 'ready'", "6");
}

static void
add (const char *name, void (*test) (Fixture *fix, gconstpointer unused))
{
  g_autofree char *path = g_strconcat ("/archiver/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  kit = pg_kit_new ();
  add ("ended", test_ended);
  add ("live", test_live);
  add ("not-begun", test_not_begun);
  add ("interrupted", test_interrupted);
  add ("two-parts", test_two_parts);
  add ("restarts", test_restarts);
  add ("database-away", test_database_away);
  add ("archive-away", test_archive_away);
  add ("corrupt", test_corrupt);
  add ("expired", test_expired);
  add ("not-expired", test_not_expired);
  add ("cleared", test_cleared);
  add ("without-media", test_without_media);
  add ("bad-state", test_bad_state);
  add ("nobodys", test_nobodys);
  add ("bounded", test_bounded);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
