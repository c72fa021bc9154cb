/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Tells texts apart without keeping them: a hash whose random key lives and
 * dies with this object, so that nobody can turn it back by trying, or make two
 * texts collide. Read only once it is made, and so thread-safe. */
typedef struct _KeyedHash KeyedHash;

KeyedHash *keyed_hash_new (void);
void keyed_hash_free (KeyedHash *hash);
guint64 keyed_hash_compute (
    const KeyedHash *hash, const char *text, gsize length);

G_END_DECLS
