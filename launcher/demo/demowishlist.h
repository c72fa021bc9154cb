/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"

G_BEGIN_DECLS

/* Who wishes for the games of the demo. None of them is real. */

/* Players who have each of the games on the wishlist. */
#define DEMO_N_PLAYERS 2000

/* Puts all games on the wishlist of all players. The games must be there. */
gboolean demo_wishlist_add (PgConnection *connection, GError **error);

G_END_DECLS
