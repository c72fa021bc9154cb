/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keyfile.h"

#include "jsonfields.h"

#define FORMAT "wishcast-keys-1"

static void
clear_owner (KeyOwner *owner)
{
  g_free (owner->key_id);
  g_free (owner->game);
  g_free (owner->game_title);
  g_free (owner->broadcaster_name);
}

void
key_owner_free (KeyOwner *owner)
{
  if (owner == NULL)
    return;
  clear_owner (owner);
  g_free (owner);
}

void
known_key_free (KnownKey *key)
{
  if (key == NULL)
    return;
  clear_owner (&key->owner);
  g_free (key);
}

gboolean
known_key_set_hash (KnownKey *key, const char *hex)
{
  for (guint i = 0; i < STREAM_KEY_HASH_LENGTH; i++) {
    int high = g_ascii_xdigit_value (hex[2 * i]);
    int low = high < 0 ? -1 : g_ascii_xdigit_value (hex[2 * i + 1]);

    if (low < 0)
      return FALSE;
    key->hash[i] = (guint8)(high << 4 | low);
  }
  return hex[2 * STREAM_KEY_HASH_LENGTH] == '\0';
}

GHashTable *
key_table_new (void)
{
  return g_hash_table_new_full (
      g_str_hash, g_str_equal, NULL, (GDestroyNotify)known_key_free);
}

void
key_table_add (GHashTable *keys, KnownKey *key)
{
  g_hash_table_replace (keys, key->owner.key_id, key);
}

static void
add_key (JsonBuilder *builder, const KnownKey *key)
{
  char hex[2 * STREAM_KEY_HASH_LENGTH + 1];

  for (guint i = 0; i < STREAM_KEY_HASH_LENGTH; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", key->hash[i]);
  json_builder_begin_object (builder);
  json_fields_add_text (builder, "id", key->owner.key_id);
  json_fields_add_text (builder, "sha256", hex);
  json_fields_add_text (builder, "game", key->owner.game);
  json_fields_add_text (builder, "gameTitle", key->owner.game_title);
  json_fields_add_number (builder, "broadcaster", key->owner.broadcaster);
  json_fields_add_text (
      builder, "broadcasterName", key->owner.broadcaster_name);
  json_fields_add_number (builder, "validUntil", key->owner.valid_until);
  json_builder_end_object (builder);
}

char *
key_table_render (GHashTable *keys)
{
  JsonBuilder *builder = json_fields_begin_list (FORMAT, "keys");
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, keys);
  while (g_hash_table_iter_next (&iter, NULL, &key))
    add_key (builder, key);
  return json_fields_end_list (builder);
}

static gboolean
parse_key (JsonObject *object, gpointer data, GError **error)
{
  g_autoptr (KnownKey) key = g_new0 (KnownKey, 1);
  g_autofree char *hex = NULL;
  KeyOwner *owner = &key->owner;

  if (!json_fields_text (object, "id", &owner->key_id, error) ||
      !json_fields_text (object, "sha256", &hex, error) ||
      !json_fields_text (object, "game", &owner->game, error) ||
      !json_fields_text (object, "gameTitle", &owner->game_title, error) ||
      !json_fields_number (object, "broadcaster", &owner->broadcaster, error) ||
      !json_fields_text (
          object, "broadcasterName", &owner->broadcaster_name, error) ||
      !json_fields_number (object, "validUntil", &owner->valid_until, error))
    return FALSE;
  if (!known_key_set_hash (key, hex))
    return json_fields_complain (error, "sha256", "64 hexadecimal digits");
  key_table_add (data, g_steal_pointer (&key));
  return TRUE;
}

GHashTable *
key_table_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (GHashTable) keys = key_table_new ();

  if (!json_fields_parse_list (
          text, length, FORMAT, "keys", parse_key, keys, error))
    return NULL;
  return g_steal_pointer (&keys);
}
