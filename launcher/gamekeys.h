/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"
#include "streamkey.h"

G_BEGIN_DECLS

/* Games, and the stream keys of who may broadcast for them, as rows. The words
 * must be valid (broadcastrules.h). FALSE and @error: the database could not be
 * asked. */

/* @added: FALSE if there is such a game already. */
gboolean game_add (PgConnection *connection, const char *id, const char *title,
    gboolean *added, GError **error);
/* A new key for who is called @name, whom it adds if need be. The game must be
 * there. @added: FALSE if they have a key already. @key is to be cleared in any
 * case. */
gboolean game_key_add (PgConnection *connection, const char *game,
    const char *name, StreamKey *key, gboolean *added, GError **error);
/* The same for somebody who is there, and whose keys stay valid for @overlap
 * ns. @added: FALSE if they are not. */
gboolean game_key_rotate (PgConnection *connection, const char *game,
    const char *name, guint64 overlap, StreamKey *key, gboolean *added,
    GError **error);

/* What is true of a row of wishcast.stream_key whose key lets somebody in. */
#define GAME_KEY_IS_VALID                                                      \
  "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now ())"

G_END_DECLS
