/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stream keys from a real PostgreSQL, from the file, and from neither. */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "keyfile.h"
#include "pgkit.h"
#include "storekit.h"

typedef struct {
  char *dir;
  char *path;
  PgKit *kit;
  Keyring *keyring;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->dir = kit_dir_new ();
  f->path = g_build_filename (f->dir, "keys", NULL);
  f->kit = pg_kit_new ();
  pg_kit_run (f->kit,
      "INSERT INTO wishcast.game (id, title) VALUES ('hl', 'Half-Life');"
      "INSERT INTO wishcast.broadcaster (game, name) VALUES ('hl', 'Gordon')");
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  keyring_free (f->keyring);
  pg_kit_free (f->kit);
  kit_dir_free (f->dir);
  g_free (f->path);
}

static void
open_keyring (Fixture *f)
{
  keyring_free (f->keyring);
  f->keyring = keyring_new (f->path, pg_kit_get_conninfo (f->kit));
}

static void
add_key (Fixture *f, const StreamKey *key, const char *expires)
{
  char hex[2 * STREAM_KEY_HASH_LENGTH + 1];
  g_autofree char *sql = NULL;

  for (guint i = 0; i < STREAM_KEY_HASH_LENGTH; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", key->hash[i]);
  sql = g_strdup_printf (
      "INSERT INTO wishcast.stream_key (id, broadcaster, hash, expires_at) "
      "SELECT '%s', id, '\\x%s', %s FROM wishcast.broadcaster",
      key->id, hex, expires);
  pg_kit_run (f->kit, sql);
}

static KeyVerdict
check_at (Fixture *f, const char *text, gint64 now)
{
  g_autoptr (KeyOwner) owner = NULL;
  KeyVerdict verdict = keyring_check (f->keyring, text, now, &owner);

  g_assert_true ((verdict == KEY_VALID) == (owner != NULL));
  if (owner != NULL) {
    g_assert_cmpstr (owner->game, ==, "hl");
    g_assert_cmpstr (owner->game_title, ==, "Half-Life");
    g_assert_cmpstr (owner->broadcaster_name, ==, "Gordon");
    g_assert_cmpint (owner->broadcaster, ==, 1);
    g_assert_true (g_str_has_prefix (text, owner->key_id));
  }
  return verdict;
}

/* Notifications are on their way. */
static void
await (Fixture *f, const char *text, KeyVerdict verdict)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (check_at (f, text, g_get_real_time ()) != verdict) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (5000);
  }
}

static void
test_follows (Fixture *f, gconstpointer unused)
{
  StreamKey first, second, wrong;
  gint64 now = g_get_real_time ();

  stream_key_new (&first);
  stream_key_new (&second);
  wrong = first;
  wrong.text[STREAM_KEY_LENGTH - 1] ^= 1;
  add_key (f, &first, "NULL");
  open_keyring (f);
  await (f, first.text, KEY_VALID);
  g_assert_true (keyring_is_ready (f->keyring));
  g_assert_cmpint (check_at (f, wrong.text, now), ==, KEY_UNKNOWN);
  g_assert_cmpint (check_at (f, second.text, now), ==, KEY_UNKNOWN);
  g_assert_cmpint (check_at (f, "", now), ==, KEY_UNKNOWN);
  g_assert_cmpint (check_at (f, first.id, now), ==, KEY_UNKNOWN);

  add_key (f, &second, "NULL");
  await (f, second.text, KEY_VALID);
  pg_kit_run (f->kit, "UPDATE wishcast.stream_key SET revoked_at = now ()");
  await (f, first.text, KEY_REVOKED);
  /* Whoever does not have it is not told that it was one. */
  g_assert_cmpint (
      check_at (f, wrong.text, g_get_real_time ()), ==, KEY_UNKNOWN);
  pg_kit_run (f->kit, "DELETE FROM wishcast.stream_key");
  await (f, first.text, KEY_UNKNOWN);
}

/* After a rotation both work, until the old one's time is up. */
static void
test_overlap (Fixture *f, gconstpointer unused)
{
  StreamKey old, new;
  gint64 now = g_get_real_time ();
  gint64 hour = G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;

  stream_key_new (&old);
  stream_key_new (&new);
  add_key (f, &old, "now () + interval '1 hour'");
  add_key (f, &new, "NULL");
  open_keyring (f);
  await (f, new.text, KEY_VALID);
  g_assert_cmpint (check_at (f, old.text, now), ==, KEY_VALID);
  g_assert_cmpint (check_at (f, old.text, now + hour / 2), ==, KEY_VALID);
  g_assert_cmpint (check_at (f, old.text, now + 2 * hour), ==, KEY_REVOKED);
  g_assert_cmpint (check_at (f, new.text, now + 2 * hour), ==, KEY_VALID);
}

static void
test_database_away (Fixture *f, gconstpointer unused)
{
  StreamKey key, later;
  GStatBuf info;
  g_autofree char *text = NULL;

  stream_key_new (&key);
  stream_key_new (&later);
  pg_kit_stop (f->kit);
  open_keyring (f);
  g_assert_false (keyring_is_ready (f->keyring));
  g_assert_cmpint (check_at (f, key.text, g_get_real_time ()), ==, KEY_UNKNOWN);
  pg_kit_start (f->kit);
  add_key (f, &key, "NULL");
  await (f, key.text, KEY_VALID);

  g_assert_cmpint (g_stat (f->path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, key.id));
  g_assert_null (strstr (text, key.text + STREAM_KEY_ID_LENGTH + 1));

  /* The next process, without a database. */
  pg_kit_stop (f->kit);
  open_keyring (f);
  g_assert_true (keyring_is_ready (f->keyring));
  g_assert_cmpint (check_at (f, key.text, g_get_real_time ()), ==, KEY_VALID);
  /* What changed meanwhile is found when it is back. */
  pg_kit_start (f->kit);
  add_key (f, &later, "NULL");
  await (f, later.text, KEY_VALID);
}

static void
test_killed (Fixture *f, gconstpointer unused)
{
  StreamKey key;

  open_keyring (f);
  pg_kit_kill (f->kit);
  stream_key_new (&key);
  add_key (f, &key, "NULL");
  await (f, key.text, KEY_VALID);
}

/* Cut at any byte: nobody is let in by half a file, and nothing breaks. */
static void
test_file (void)
{
  g_autoptr (GHashTable) keys = key_table_new ();
  g_autofree char *text = NULL;

  for (guint i = 0; i < 2; i++) {
    KnownKey *known = g_new0 (KnownKey, 1);
    StreamKey key;

    stream_key_new (&key);
    memcpy (known->hash, key.hash, sizeof key.hash);
    known->owner.key_id = g_strdup (key.id);
    known->owner.game = g_strdup ("hl");
    known->owner.game_title = g_strdup ("Half-Life \"2\"");
    known->owner.broadcaster_name = g_strdup ("G\u00f6rdon");
    known->owner.broadcaster = 7;
    known->owner.valid_until = i == 0 ? 5 : G_MAXINT64;
    key_table_add (keys, known);
  }
  text = key_table_render (keys);
  for (gsize n = 0; n < strlen (text); n++) {
    g_autofree char *cut = g_strndup (text, n);
    g_autoptr (GHashTable) read = key_table_parse (cut, n, NULL);

    g_assert_true ((read != NULL) == (n == strlen (text) - 1));
  }
  {
    g_autoptr (GHashTable) read = key_table_parse (text, strlen (text), NULL);
    g_autofree char *again = key_table_render (read);

    g_assert_cmpuint (strlen (again), ==, strlen (text));
    g_assert_cmpuint (g_hash_table_size (read), ==, 2);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyring/file", test_file);
#define ADD(name, func)                                                        \
  g_test_add ("/keyring/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("follows", test_follows);
  ADD ("overlap", test_overlap);
  ADD ("database-away", test_database_away);
  ADD ("killed", test_killed);
  return g_test_run ();
}
