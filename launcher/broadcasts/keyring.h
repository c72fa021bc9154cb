/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "streamkey.h"

G_BEGIN_DECLS

/* All stream keys, in memory and in a file that only its owner can read, so
 * that a publisher is let in while the database is away or after a restart
 * without it. Follows the database by LISTEN wishcast_keys. Thread-safe. */
typedef struct _Keyring Keyring;

typedef enum {
  KEY_VALID,
  KEY_UNKNOWN, /* no such key; also a wrong secret: nobody is told which */
  KEY_REVOKED, /* or its overlap after a rotation has passed */
} KeyVerdict;

typedef struct {
  char *key_id;
  char *game;
  char *game_title;
  gint64 broadcaster;
  char *broadcaster_name;
  gint64 valid_until; /* us since 1970: expired or revoked then; G_MAXINT64 */
} KeyOwner;

void key_owner_free (KeyOwner *owner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KeyOwner, key_owner_free)

/* Loads @path if it is there, then follows @conninfo. */
Keyring *keyring_new (const char *path, const char *conninfo);
void keyring_free (Keyring *keyring);
/* @now in us since 1970. @owner is set if KEY_VALID. (transfer full) */
KeyVerdict keyring_check (
    Keyring *keyring, const char *text, gint64 now, KeyOwner **owner);
/* Whether who was let in with the key of this id may still publish: not once it
 * is revoked, or its overlap after a rotation has passed. */
gboolean keyring_holds (Keyring *keyring, const char *key_id, gint64 now);
/* Whether it has ever been filled: from the file or from the database. */
gboolean keyring_is_ready (Keyring *keyring);

G_END_DECLS
