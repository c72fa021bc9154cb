/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keyring.h"

#include <gio/gio.h>
#include <stdlib.h>

#include "keyfile.h"
#include "pgworker.h"

#define MODE 0600

struct _Keyring {
  char *path;
  PgWorker *worker;
  GMutex lock;
  GHashTable *keys; /* id -> KnownKey; NULL before it was filled; with lock */
};

static void
put_keys (Keyring *keyring, GHashTable *keys)
{
  g_autoptr (GHashTable) old = NULL;

  g_mutex_lock (&keyring->lock);
  old = g_steal_pointer (&keyring->keys);
  keyring->keys = keys;
  g_mutex_unlock (&keyring->lock);
}

/* --- the file ------------------------------------------------------------------- */

static void
load (Keyring *keyring)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GHashTable *keys = NULL;
  gsize length;

  if (g_file_get_contents (keyring->path, &text, &length, &error))
    keys = key_table_parse (text, length, &error);
  if (keys != NULL)
    put_keys (keyring, keys);
  else if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_message ("%s: the stream keys cannot be read: %s; nobody can publish "
               "until the database is there",
        keyring->path, error->message);
}

/* On the worker's thread. */
static void
save (Keyring *keyring, GHashTable *keys)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = key_table_render (keys);

  if (!g_file_set_contents_full (keyring->path, text, -1,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, MODE,
          &error))
    g_message ("%s: the stream keys cannot be kept for the next start: %s",
        keyring->path, error->message);
}

/* --- the database ----------------------------------------------------------------- */

static gint64
get_time (const PgRows *rows, guint row, guint column)
{
  const char *text = pg_rows_get (rows, row, column);

  return text != NULL ? MAX (g_ascii_strtoll (text, NULL, 10), 0) : G_MAXINT64;
}

static KnownKey *
key_from_row (const PgRows *rows, guint row)
{
  g_autoptr (KnownKey) key = g_new0 (KnownKey, 1);

  if (!known_key_set_hash (key, pg_rows_get (rows, row, 1)))
    return NULL;
  key->owner.key_id = g_strdup (pg_rows_get (rows, row, 0));
  key->owner.game = g_strdup (pg_rows_get (rows, row, 2));
  key->owner.game_title = g_strdup (pg_rows_get (rows, row, 3));
  key->owner.broadcaster =
      g_ascii_strtoll (pg_rows_get (rows, row, 4), NULL, 10);
  key->owner.broadcaster_name = g_strdup (pg_rows_get (rows, row, 5));
  key->owner.valid_until = get_time (rows, row, 6);
  return g_steal_pointer (&key);
}

/* least() leaves NULL out. */
static gboolean
fetch (PgConnection *connection, gpointer user_data, GError **error)
{
  Keyring *keyring = user_data;
  GHashTable *keys;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT k.id, encode (k.hash, 'hex'), g.id, g.title, b.id, b.name, "
      "  (extract (epoch FROM least (k.expires_at, k.revoked_at)) "
      "    * 1000000)::bigint "
      "FROM wishcast.stream_key k "
      "JOIN wishcast.broadcaster b ON b.id = k.broadcaster "
      "JOIN wishcast.game g ON g.id = b.game",
      0, NULL, error);

  if (rows == NULL)
    return FALSE;
  keys = key_table_new ();
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    KnownKey *key = key_from_row (rows, i);

    if (key != NULL)
      key_table_add (keys, key);
  }
  save (keyring, keys);
  put_keys (keyring, keys);
  return TRUE;
}

static gboolean
on_notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer user_data, GError **error)
{
  return fetch (connection, user_data, error);
}

/* --- public ------------------------------------------------------------------------ */

Keyring *
keyring_new (const char *path, const char *conninfo)
{
  static const char *const channels[] = {"wishcast_keys", NULL};
  PgWorkerEvents events = {.connected = fetch, .notified = on_notified};
  Keyring *keyring = g_new0 (Keyring, 1);

  keyring->path = g_strdup (path);
  g_mutex_init (&keyring->lock);
  load (keyring);
  keyring->worker =
      pg_worker_new ("keyring", conninfo, channels, &events, keyring);
  return keyring;
}

void
keyring_free (Keyring *keyring)
{
  if (keyring == NULL)
    return;
  pg_worker_free (keyring->worker, 0);
  g_clear_pointer (&keyring->keys, g_hash_table_unref);
  g_mutex_clear (&keyring->lock);
  g_free (keyring->path);
  g_free (keyring);
}

static KeyOwner *
copy_owner (const KeyOwner *owner)
{
  KeyOwner *copy = g_new0 (KeyOwner, 1);

  copy->key_id = g_strdup (owner->key_id);
  copy->game = g_strdup (owner->game);
  copy->game_title = g_strdup (owner->game_title);
  copy->broadcaster = owner->broadcaster;
  copy->broadcaster_name = g_strdup (owner->broadcaster_name);
  copy->valid_until = owner->valid_until;
  return copy;
}

/* The id is public, so finding it may take as long as it likes. */
static KeyVerdict
check_locked (
    Keyring *keyring, const StreamKey *key, gint64 now, KeyOwner **owner)
{
  const KnownKey *known = keyring->keys != NULL
                              ? g_hash_table_lookup (keyring->keys, key->id)
                              : NULL;

  if (known == NULL || !stream_key_hash_equal (known->hash, key->hash))
    return KEY_UNKNOWN;
  if (now >= known->owner.valid_until)
    return KEY_REVOKED;
  *owner = copy_owner (&known->owner);
  return KEY_VALID;
}

KeyVerdict
keyring_check (Keyring *keyring, const char *text, gint64 now, KeyOwner **owner)
{
  StreamKey key;
  KeyVerdict verdict;

  *owner = NULL;
  if (!stream_key_parse (&key, text))
    return KEY_UNKNOWN;
  g_mutex_lock (&keyring->lock);
  verdict = check_locked (keyring, &key, now, owner);
  g_mutex_unlock (&keyring->lock);
  stream_key_clear (&key);
  return verdict;
}

gboolean
keyring_holds (Keyring *keyring, const char *key_id, gint64 now)
{
  const KnownKey *known = NULL;
  gboolean holds;

  g_mutex_lock (&keyring->lock);
  if (keyring->keys != NULL)
    known = g_hash_table_lookup (keyring->keys, key_id);
  holds = known != NULL && now < known->owner.valid_until;
  g_mutex_unlock (&keyring->lock);
  return holds;
}

gboolean
keyring_is_ready (Keyring *keyring)
{
  gboolean ready;

  g_mutex_lock (&keyring->lock);
  ready = keyring->keys != NULL;
  g_mutex_unlock (&keyring->lock);
  return ready;
}
