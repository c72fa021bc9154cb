/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Broadcasts with real pipelines, a real store, a real origin and a real
 * PostgreSQL: publishers that drop, return, flap and are ended. */

#include <glib/gstdio.h>
#include <string.h>

#include "broadcasts.h"
#include "cachereader.h"
#include "httpclient.h"
#include "pgkit.h"
#include "storekit.h"

#define SECOND G_USEC_PER_SEC
#define WINDOW (3 * GST_SECOND)
#define LONG_WINDOW (60 * GST_SECOND)
#define PATIENCE (30 * SECOND)

/* What a publisher sends: a small picture, key frames each half second. */
#define SOURCE                                                                 \
  "videotestsrc is-live=true "                                                 \
  "! video/x-raw,width=160,height=90,framerate=30/1 "                          \
  "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 "          \
  "! h264parse ! flvmux streamable=true ! flvdemux name=source"

#define DESCRIPTION                                                            \
  "${source}\n"                                                                \
  "source.video ! queue ! h264parse ! cmafpackager name=p\n"                   \
  "  segment-duration=500000000 part-duration=200000000\n"                     \
  "  first-msn=${first-msn} first-time=${first-time} epoch=${epoch}\n"         \
  "p. ! broadcastregister database=\"${database}\" game=${game}\n"             \
  "  title=${title} link=${link} node=${node} broadcaster=${broadcaster}\n"    \
  "  resume-window=${resume-window} visibility=${visibility}\n"                \
  "  ! tee name=t\n"                                                           \
  "t. ! cachesink cache-dir=\"${cache-dir}\"\n"                                \
  "t. ! cdnoriginsink cache-dir=\"${cache-dir}\" port=${origin-port}\n"        \
  "  address=${origin-address} dvr-window=${dvr-window}\n"

typedef struct {
  char *dir;
  char *cache;
  char *state;
  char *keys;
  char *pipeline;
  PgKit *kit;
  StreamKey key;
  Keyring *keyring;
  Broadcasts *broadcasts;
  guint16 port;

  GMutex lock;
  GCond cond;
  char *dropped; /* the reason, with lock */
  guint n_dropped;
} Fixture;

static char *
get_pipeline (const char *game, gpointer data)
{
  return g_strdup (((Fixture *)data)->pipeline);
}

static Broadcasts *
open_node (Fixture *f, const char *node, const char *state, guint64 window)
{
  g_autoptr (GError) error = NULL;
  BroadcastsSettings settings = {
      .node = node,
      .conninfo = pg_kit_get_conninfo (f->kit),
      .state_file = state,
      .cache_dir = f->cache,
      .origin_address = "127.0.0.1",
      .origin_port = f->port,
      .dvr_window = 60 * GST_SECOND,
      .resume_window = window,
      .max_publishers = 4,
      .get_pipeline = get_pipeline,
      .data = f,
  };
  Broadcasts *broadcasts = broadcasts_new (&settings, f->keyring, &error);

  g_assert_no_error (error);
  return broadcasts;
}

static guint16
find_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static void
add_key (Fixture *f)
{
  char hex[2 * STREAM_KEY_HASH_LENGTH + 1];
  g_autofree char *sql = NULL;

  stream_key_new (&f->key);
  for (guint i = 0; i < STREAM_KEY_HASH_LENGTH; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", f->key.hash[i]);
  sql = g_strdup_printf (
      "INSERT INTO wishcast.game (id, title) VALUES ('hl', 'Half-Life');"
      "INSERT INTO wishcast.broadcaster (game, name) VALUES ('hl', 'Gordon');"
      "INSERT INTO wishcast.stream_key (id, broadcaster, hash) "
      "SELECT '%s', id, '\\x%s' FROM wishcast.broadcaster",
      f->key.id, hex);
  pg_kit_run (f->kit, sql);
}

static void
await_keys (Fixture *f)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  KeyOwner *owner = NULL;

  while (keyring_check (f->keyring, f->key.text, g_get_real_time (), &owner) !=
         KEY_VALID) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
  key_owner_free (owner);
}

static void
set_up (Fixture *f, gconstpointer window)
{
  f->dir = kit_dir_new ();
  f->cache = g_build_filename (f->dir, "cache", NULL);
  f->state = g_build_filename (f->dir, "broadcasts", NULL);
  f->keys = g_build_filename (f->dir, "keys", NULL);
  f->pipeline = g_build_filename (f->dir, "test.pipeline", NULL);
  g_assert_true (g_file_set_contents (f->pipeline, DESCRIPTION, -1, NULL));
  g_mutex_init (&f->lock);
  g_cond_init (&f->cond);
  f->port = find_port ();
  f->kit = pg_kit_new ();
  add_key (f);
  f->keyring = keyring_new (f->keys, pg_kit_get_conninfo (f->kit));
  await_keys (f);
  f->broadcasts = open_node (f, "a", f->state, *(const guint64 *)window);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  broadcasts_free (f->broadcasts, PATIENCE);
  keyring_free (f->keyring);
  pg_kit_free (f->kit);
  stream_key_clear (&f->key);
  kit_dir_free (f->dir);
  g_free (f->cache);
  g_free (f->state);
  g_free (f->keys);
  g_free (f->pipeline);
  g_free (f->dropped);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->cond);
}

/* --- publishers ----------------------------------------------------------------- */

static void
on_dropped (Publication *publication, const char *reason, gpointer data)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  g_free (f->dropped);
  f->dropped = g_strdup (reason);
  f->n_dropped++;
  g_cond_broadcast (&f->cond);
  g_mutex_unlock (&f->lock);
}

static void
await_drop (Fixture *f, const char *reason)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&f->lock);
  while (f->n_dropped == 0)
    g_assert_true (g_cond_wait_until (&f->cond, &f->lock, deadline));
  g_assert_cmpuint (f->n_dropped, ==, 1);
  g_assert_cmpstr (f->dropped, ==, reason);
  f->n_dropped = 0;
  g_mutex_unlock (&f->lock);
}

static Admission
knock_at (Fixture *f, Broadcasts *broadcasts, const char *key,
    Publication **publication, char **reason)
{
  return broadcasts_admit (
      broadcasts, key, "rtmp", "192.0.2.1", on_dropped, f, publication, reason);
}

/* What a refused developer reads. */
static void
assert_refused (Fixture *f, Admission admission, const char *words)
{
  g_autofree char *reason = NULL;
  Publication *publication;

  g_assert_cmpint (
      knock_at (f, f->broadcasts, f->key.text, &publication, &reason), ==,
      admission);
  g_assert_null (publication);
  if (strstr (reason, words) == NULL)
    g_error ("%s", reason);
}

static Publication *
admit (Fixture *f)
{
  g_autofree char *reason = NULL;
  Publication *publication;
  Admission admission =
      knock_at (f, f->broadcasts, f->key.text, &publication, &reason);

  g_assert_cmpstr (reason, ==, NULL);
  g_assert_cmpint (admission, ==, ADMISSION_OK);
  return publication;
}

static Publication *
publish (Fixture *f)
{
  Publication *publication = admit (f);
  g_autoptr (GError) error = NULL;

  publication_start (publication, SOURCE, &error);
  g_assert_no_error (error);
  return publication;
}

static void
await_row (Fixture *f, const char *expected)
{
  pg_kit_await (f->kit,
      "SELECT state, end_reason FROM wishcast.broadcast ORDER BY created_at",
      expected);
}

static char *
get_playlist (Fixture *f, const char *link)
{
  g_autofree char *path = g_strdup_printf ("/live/%s/video_0/index.m3u8", link);
  g_autoptr (HttpReply) reply = http_get (f->port, path, NULL);

  return reply->status == 200 ? http_reply_text (reply) : g_strdup ("");
}

static guint
count (const char *text, const char *needle)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

/* Until the playlist has @needle @times times. */
static char *
await_playlist (Fixture *f, const char *link, const char *needle, guint times)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autofree char *text = get_playlist (f, link);

    if (count (text, needle) >= times)
      return g_steal_pointer (&text);
    if (g_get_monotonic_time () >= deadline)
      g_error ("%s", text);
    g_usleep (20000);
  }
}

static void
await_segments (Fixture *f, const char *link, guint times)
{
  g_free (await_playlist (f, link, "#EXTINF", times));
}

/* Nothing waits any more: the pipeline has been stopped. */
static void
get_tail (Fixture *f, const char *link, guint32 *epoch, guint64 *msn)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader = cache_reader_open (f->cache, link, &error);
  guint64 time;

  g_assert_no_error (error);
  g_assert_true (cache_reader_get_tail (reader, epoch, msn, &time));
}

static gboolean
is_stored_ended (Fixture *f, const char *link)
{
  g_autoptr (CacheReader) reader = cache_reader_open (f->cache, link, NULL);

  return reader != NULL && cache_reader_is_ended (reader);
}

static void
await_stored_end (Fixture *f, const char *link)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (!is_stored_ended (f, link)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (20000);
  }
}

/* --- tests ---------------------------------------------------------------------- */

static const guint64 window = WINDOW, long_window = LONG_WINDOW;

static void
test_refused (Fixture *f, gconstpointer unused)
{
  g_autofree char *wrong = g_strdup (f->key.text);
  g_autofree char *reason = NULL, *second = NULL;
  Publication *publication;

  wrong[STREAM_KEY_LENGTH - 1] =
      wrong[STREAM_KEY_LENGTH - 1] == 'a' ? 'b' : 'a';
  g_assert_cmpint (knock_at (f, f->broadcasts, wrong, &publication, &reason),
      ==, ADMISSION_UNKNOWN_KEY);
  g_assert_nonnull (strstr (reason, "no such stream key"));
  pg_kit_run (f->kit, "UPDATE wishcast.stream_key SET revoked_at = now ()");
  while (knock_at (f, f->broadcasts, f->key.text, &publication, &second) ==
         ADMISSION_OK) {
    publication_end (publication);
    g_clear_pointer (&second, g_free);
  }
  assert_refused (f, ADMISSION_REVOKED_KEY, "replaced or revoked");
  /* Who was never started has left nothing behind. */
  pg_kit_assert (f->kit, "SELECT count (*) FROM wishcast.broadcast", "0");
}

static void
test_drop_and_return (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autofree char *playlist = NULL, *marker = NULL;
  guint32 epoch, epoch_after;
  guint64 msn, msn_after;

  assert_refused (f, ADMISSION_BUSY, "already");
  await_segments (f, link, 2);
  await_row (f, "live|-");
  publication_end (publication);
  await_row (f, "interrupted|-");
  get_tail (f, link, &epoch, &msn);
  g_assert_cmpuint (epoch, ==, 0);
  playlist = await_playlist (f, link, "#EXTINF", 2);
  g_assert_null (strstr (playlist, "#EXT-X-ENDLIST"));

  publication = publish (f);
  g_assert_cmpstr (publication_get_link (publication), ==, link);
  g_free (playlist);
  playlist = await_playlist (f, link, "#EXT-X-DISCONTINUITY\n", 1);
  await_segments (f, link, 4 + (guint)msn);
  await_row (f, "live|-");
  publication_end (publication);
  await_row (f, "interrupted|-");
  get_tail (f, link, &epoch_after, &msn_after);
  g_assert_cmpuint (epoch_after, ==, 1);
  g_assert_cmpuint (msn_after, >, msn);

  g_free (playlist);
  playlist = await_playlist (f, link, "#EXTINF", (guint)msn_after);
  g_assert_cmpuint (count (playlist, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  g_assert_cmpuint (count (playlist, "#EXTINF"), ==, msn_after);
  marker = g_strdup_printf ("#EXT-X-DISCONTINUITY\n"
                            "#EXT-X-MAP:URI=\"init-1.mp4\"\n");
  g_assert_nonnull (strstr (playlist, marker));
  g_free (marker);
  marker = g_strdup_printf ("1-%" G_GUINT64_FORMAT ".m4s", msn);
  g_assert_nonnull (strstr (playlist, marker));
  pg_kit_assert (f->kit, "SELECT count (*) FROM wishcast.broadcast", "1");
  pg_kit_assert (f->kit,
      "SELECT string_agg (substr (event, 11), ' ' ORDER BY id) "
      "FROM wishcast.outbox",
      "starting live interrupted live interrupted");
}

/* Published and gone again 20 times a second: one link, one row. */
static void
test_flapping (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autofree char *playlist = NULL;
  guint32 epoch;
  guint64 msn;

  await_segments (f, link, 1);
  for (guint i = 0; i < 40; i++) {
    publication_end (publication);
    g_usleep (25000);
    publication = publish (f);
    g_assert_cmpstr (publication_get_link (publication), ==, link);
    g_usleep (25000);
  }
  await_row (f, "live|-");
  await_segments (f, link, 3);
  publication_end (publication);
  await_row (f, "interrupted|-");
  get_tail (f, link, &epoch, &msn);
  playlist = await_playlist (f, link, "#EXTINF", (guint)msn);
  /* As many as epochs that had media. */
  g_assert_cmpuint (count (playlist, "#EXT-X-DISCONTINUITY\n"), <=, epoch);
  g_assert_null (strstr (playlist, "#EXT-X-ENDLIST"));
  pg_kit_assert (f->kit, "SELECT count (*) FROM wishcast.broadcast", "1");
}

static void
test_window_passes (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *first = g_strdup (publication_get_link (publication));
  g_autofree char *playlist = NULL;

  await_segments (f, first, 1);
  publication_end (publication);
  await_row (f, "interrupted|-");
  await_row (f, "ended|window-passed");
  playlist = await_playlist (f, first, "#EXT-X-ENDLIST", 1);
  await_stored_end (f, first);

  publication = publish (f);
  g_assert_cmpstr (publication_get_link (publication), !=, first);
  await_segments (f, publication_get_link (publication), 1);
  await_row (f, "ended|window-passed\nlive|-");
  publication_end (publication);
}

static void
test_ended (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autofree char *playlist = NULL;

  await_segments (f, link, 1);
  await_row (f, "live|-");
  g_assert_false (broadcasts_end (f->broadcasts, "nobody", "operator"));
  g_assert_true (broadcasts_end (f->broadcasts, link, "developer"));
  g_assert_false (broadcasts_end (f->broadcasts, link, "operator"));
  await_drop (f, "The broadcast was ended on the developer's page");
  /* OBS, which has not understood. */
  assert_refused (f, ADMISSION_ENDED, "ended a moment ago");
  publication_end (publication);
  assert_refused (f, ADMISSION_ENDED, "ended a moment ago");
  playlist = await_playlist (f, link, "#EXT-X-ENDLIST", 1);
  await_stored_end (f, link);
  await_row (f, "ended|developer");
  pg_kit_assert (f->kit,
      "SELECT string_agg (substr (event, 11), ' ' ORDER BY id) "
      "FROM wishcast.outbox",
      "starting live ended");
}

static void
test_revoked (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);

  await_segments (f, publication_get_link (publication), 1);
  pg_kit_run (f->kit, "UPDATE wishcast.stream_key SET revoked_at = now ()");
  await_drop (f, "Its stream key was replaced or revoked");
  publication_end (publication);
  assert_refused (f, ADMISSION_REVOKED_KEY, "replaced or revoked");
  await_row (f, "interrupted|-");
}

/* The old key of a rotation, when its overlap has passed. */
static void
test_expired (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);

  await_row (f, "live|-");
  pg_kit_run (f->kit, "UPDATE wishcast.stream_key "
                      "SET expires_at = now () + interval '2 seconds'");
  await_drop (f, "Its stream key was replaced or revoked");
  publication_end (publication);
  await_row (f, "interrupted|-");
  pg_kit_assert (f->kit,
      "SELECT changed_at >= expires_at "
      "FROM wishcast.broadcast, wishcast.stream_key",
      "t");
}

/* `wishcast end` and other nodes' APIs. */
static void
test_ended_by_database (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autofree char *sql =
      g_strdup_printf ("SELECT wishcast.request_end ('%s')", link);

  await_segments (f, link, 1);
  await_row (f, "live|-");
  /* Asked for while this node cannot hear it. */
  pg_kit_kill (f->kit);
  pg_kit_run (f->kit, sql);
  await_drop (f, "The broadcast was ended by an operator");
  publication_end (publication);
  await_row (f, "ended|operator");
  await_stored_end (f, link);
}

static void
test_pipeline_fails (Fixture *f, gconstpointer unused)
{
  Publication *publication = admit (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autoptr (GError) error = NULL;

  g_assert_false (
      publication_start (publication, "nosuchelement name=source", &error));
  g_assert_nonnull (error);
  publication_end (publication);
  pg_kit_assert (f->kit, "SELECT count (*) FROM wishcast.broadcast", "0");

  publication = publish (f);
  await_segments (f, publication_get_link (publication), 1);
  {
    g_autoptr (GstElement) source = publication_get_source (publication);

    GST_ELEMENT_ERROR (source, STREAM, FAILED, ("It broke."), (NULL));
  }
  await_drop (f, "It broke.");
  await_row (f, "interrupted|-");
  /* Before its connection is closed: nginx has died, say. */
  {
    Publication *next = publish (f);

    g_assert_cmpstr (
        publication_get_link (next), ==, publication_get_link (publication));
    publication_end (publication);
    await_row (f, "live|-");
    publication_end (next);
  }
}

static void
test_stream_ends (Fixture *f, gconstpointer unused)
{
  Publication *publication = admit (f);
  g_autoptr (GError) error = NULL;

  publication_start (publication,
      "videotestsrc is-live=true num-buffers=30 "
      "! video/x-raw,width=160,height=90,framerate=30/1 "
      "! x264enc tune=zerolatency key-int-max=15 ! h264parse "
      "! flvmux streamable=true ! flvdemux name=source",
      &error);
  g_assert_no_error (error);
  await_drop (f, "the stream ended");
  await_row (f, "interrupted|-");
  publication_end (publication);
}

/* The database is away from before the first picture until after the end. */
static void
test_database_away (Fixture *f, gconstpointer unused)
{
  g_autofree char *link = NULL;
  Publication *publication;

  pg_kit_stop (f->kit);
  publication = publish (f);
  link = g_strdup (publication_get_link (publication));
  await_segments (f, link, 2);
  publication_end (publication);
  publication = publish (f);
  g_assert_cmpstr (publication_get_link (publication), ==, link);
  await_segments (f, link, 4);
  g_assert_true (broadcasts_end (f->broadcasts, link, "operator"));
  publication_end (publication);
  await_stored_end (f, link);
  pg_kit_start (f->kit);
  await_row (f, "ended|operator");
}

static void
reopen (Fixture *f, guint64 resume_window)
{
  broadcasts_free (g_steal_pointer (&f->broadcasts), PATIENCE);
  f->broadcasts = open_node (f, "a", f->state, resume_window);
}

static void
test_restart (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autofree char *before = NULL, *after = NULL, *later = NULL;
  g_autoptr (GPtrArray) list = NULL;

  await_segments (f, link, 2);
  publication_end (publication);
  await_row (f, "interrupted|-");
  before = get_playlist (f, link);
  reopen (f, LONG_WINDOW);
  /* On air before any publisher has returned, with what it had. */
  after = get_playlist (f, link);
  g_assert_cmpuint (count (after, "#EXTINF"), ==, count (before, "#EXTINF"));
  g_assert_null (strstr (after, "#EXT-X-ENDLIST"));
  list = broadcasts_list (f->broadcasts);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpint (
      ((BroadcastStatus *)list->pdata[0])->state, ==, BROADCAST_INTERRUPTED);

  publication = publish (f);
  g_assert_cmpstr (publication_get_link (publication), ==, link);
  later = await_playlist (f, link, "#EXT-X-DISCONTINUITY\n", 1);
  await_row (f, "live|-");
  publication_end (publication);
}

/* Its window passes while there is no process. */
static void
test_restart_too_late (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));
  g_autoptr (GPtrArray) list = NULL;

  await_segments (f, link, 1);
  publication_end (publication);
  await_row (f, "interrupted|-");
  broadcasts_free (g_steal_pointer (&f->broadcasts), PATIENCE);
  g_usleep (WINDOW / GST_USECOND);
  f->broadcasts = open_node (f, "a", f->state, WINDOW);
  await_row (f, "ended|window-passed");
  await_stored_end (f, link);
  list = broadcasts_list (f->broadcasts);
  g_assert_cmpuint (list->len, ==, 0);
}

static void
test_state_file_lost (Fixture *f, gconstpointer unused)
{
  broadcasts_free (g_steal_pointer (&f->broadcasts), PATIENCE);
  g_assert_true (g_file_set_contents (f->state, "{\"format\":", -1, NULL));
  f->broadcasts = open_node (f, "a", f->state, WINDOW);
  publication_end (publish (f));
}

static void
set_elsewhere (Fixture *f, const char *state, const char *column)
{
  g_autofree char *sql = g_strdup_printf (
      "DELETE FROM wishcast.broadcast; "
      "INSERT INTO wishcast.broadcast (id, link, game, broadcaster, state, "
      "  node, created_at, changed_at, %s) "
      "SELECT '00000000-0000-0000-0000-000000000001', 'other', game, id, '%s', "
      "  'b', now (), now (), now () + interval '1 hour' "
      "FROM wishcast.broadcaster",
      column, state);

  pg_kit_run (f->kit, sql);
}

static void
await_refused (Fixture *f, Admission admission, const char *words)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autofree char *reason = NULL;
    Publication *publication;

    if (knock_at (f, f->broadcasts, f->key.text, &publication, &reason) ==
            admission &&
        strstr (reason, words) != NULL)
      break;
    if (publication != NULL)
      publication_end (publication);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (20000);
  }
}

static void
test_elsewhere (Fixture *f, gconstpointer unused)
{
  set_elsewhere (f, "live", "lease_until");
  await_refused (
      f, ADMISSION_ELSEWHERE, "publishing on the node \"b\" already");
  set_elsewhere (f, "interrupted", "resume_until");
  await_refused (f, ADMISSION_ELSEWHERE, "interrupted on the node \"b\"");
  /* What was known last holds while the database is away. */
  pg_kit_stop (f->kit);
  assert_refused (f, ADMISSION_ELSEWHERE, "interrupted on the node \"b\"");
  pg_kit_start (f->kit);
  pg_kit_run (f->kit,
      "UPDATE wishcast.broadcast SET state = 'ended', ended_at = now (), "
      "resume_until = NULL");
  for (guint i = 0; i < 500; i++) {
    g_autofree char *reason = NULL;
    Publication *publication;

    if (knock_at (f, f->broadcasts, f->key.text, &publication, &reason) ==
        ADMISSION_OK) {
      publication_end (publication);
      return;
    }
    g_usleep (20000);
  }
  g_assert_not_reached ();
}

static void
test_shut (Fixture *f, gconstpointer unused)
{
  Publication *publication = publish (f);
  g_autofree char *link = g_strdup (publication_get_link (publication));

  await_segments (f, link, 1);
  publication_end (publication);
  /* While its pipeline is being stopped. */
  broadcasts_free (g_steal_pointer (&f->broadcasts), PATIENCE);
  pg_kit_assert (f->kit, "SELECT state FROM wishcast.broadcast", "interrupted");
  f->broadcasts = open_node (f, "a", f->state, LONG_WINDOW);
  publication = publish (f);
  g_assert_cmpstr (publication_get_link (publication), ==, link);
  publication_end (publication);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func, window)                                                \
  g_test_add ("/broadcasts/" name, Fixture, &window, set_up, func, tear_down)
  ADD ("refused", test_refused, window);
  ADD ("drop-and-return", test_drop_and_return, long_window);
  ADD ("flapping", test_flapping, long_window);
  ADD ("window-passes", test_window_passes, window);
  ADD ("ended", test_ended, long_window);
  ADD ("revoked", test_revoked, long_window);
  ADD ("expired", test_expired, long_window);
  ADD ("ended-by-database", test_ended_by_database, long_window);
  ADD ("pipeline-fails", test_pipeline_fails, long_window);
  ADD ("stream-ends", test_stream_ends, long_window);
  ADD ("database-away", test_database_away, long_window);
  ADD ("restart", test_restart, long_window);
  ADD ("restart-too-late", test_restart_too_late, window);
  ADD ("state-file-lost", test_state_file_lost, window);
  ADD ("elsewhere", test_elsewhere, long_window);
  ADD ("shut", test_shut, long_window);
  return g_test_run ();
}
