/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keyring.h"

G_BEGIN_DECLS

/* One stream key as the keyring knows it, and the text of its file. */
typedef struct {
  KeyOwner owner;
  guint8 hash[STREAM_KEY_HASH_LENGTH];
} KnownKey;

void known_key_free (KnownKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KnownKey, known_key_free)
/* @hex: 64 digits. */
gboolean known_key_set_hash (KnownKey *key, const char *hex);

/* A table of them: id (owned by the value) -> KnownKey (owned). */
GHashTable *key_table_new (void);
void key_table_add (GHashTable *keys, KnownKey *key);
char *key_table_render (GHashTable *keys);
/* NULL and @error, which is of the domain G_IO_ERROR. */
GHashTable *key_table_parse (const char *text, gsize length, GError **error);

G_END_DECLS
