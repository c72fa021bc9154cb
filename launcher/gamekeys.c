/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gamekeys.h"

#include "command.h"

/* Whether a statement gave its row. */
static gboolean
ask (PgConnection *connection, gboolean *added, GError **error, const char *sql,
    const char *a, const char *b, const char *c, const char *d, const char *e)
{
  g_autofree char *written = NULL;
  gboolean done =
      command_ask (connection, &written, error, sql, a, b, c, d, e, NULL);

  *added = written != NULL;
  return done;
}

gboolean
game_add (PgConnection *connection, const char *id, const char *title,
    gboolean *added, GError **error)
{
  return ask (connection, added, error,
      "INSERT INTO wishcast.game (id, title) VALUES ($1, $2) "
      "ON CONFLICT (id) DO NOTHING RETURNING id",
      id, title, NULL, NULL, NULL);
}

/* SHA-256 is what the database keeps. (transfer full) */
static char *
format_hash (const StreamKey *key)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < sizeof key->hash; i++)
    g_string_append_printf (text, "%02x", key->hash[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Runs @sql with the game, the name, the new key's id and hash, and @more; it
 * gives the key's id if it was written. */
static gboolean
write_key (PgConnection *connection, const char *game, const char *name,
    const char *more, const char *sql, StreamKey *key, gboolean *added,
    GError **error)
{
  g_autofree char *hash = NULL;

  stream_key_new (key);
  hash = format_hash (key);
  return ask (connection, added, error, sql, game, name, key->id, hash, more);
}

gboolean
game_key_add (PgConnection *connection, const char *game, const char *name,
    StreamKey *key, gboolean *added, GError **error)
{
  return write_key (connection, game, name, NULL,
      "WITH b AS ("
      " INSERT INTO wishcast.broadcaster (game, name) VALUES ($1, $2)"
      " ON CONFLICT (game, name) DO UPDATE SET name = EXCLUDED.name"
      " RETURNING id) "
      "INSERT INTO wishcast.stream_key (id, broadcaster, hash)"
      " SELECT $3, b.id, decode ($4, 'hex') FROM b"
      " WHERE NOT EXISTS (SELECT FROM wishcast.stream_key k"
      "  WHERE k.broadcaster = b.id AND " GAME_KEY_IS_VALID ") "
      "RETURNING id",
      key, added, error);
}

gboolean
game_key_rotate (PgConnection *connection, const char *game, const char *name,
    guint64 overlap, StreamKey *key, gboolean *added, GError **error)
{
  g_autofree char *seconds =
      g_strdup_printf ("%" G_GUINT64_FORMAT, overlap / 1000000000);

  return write_key (connection, game, name, seconds,
      "WITH b AS ("
      " SELECT id FROM wishcast.broadcaster WHERE game = $1 AND name = $2), "
      "old AS ("
      " UPDATE wishcast.stream_key SET expires_at = least (expires_at,"
      "  now () + make_interval (secs => $5::double precision))"
      " WHERE broadcaster IN (SELECT id FROM b) AND " GAME_KEY_IS_VALID ") "
      "INSERT INTO wishcast.stream_key (id, broadcaster, hash)"
      " SELECT $3, b.id, decode ($4, 'hex') FROM b RETURNING id",
      key, added, error);
}
