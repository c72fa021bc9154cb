/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "wishlistsource.h"

G_BEGIN_DECLS

/* A page as the store's endpoint gives it (data/store-openapi.json). Pure, but for
 * the messages about users that are left out.
 *
 * @most: users at most. @cursor: that was asked with, or NULL. @total: out; -1 if
 * it does not say. NULL and WISHLIST_ERROR_NONSENSE with what was expected, or the
 * page (transfer full). */
WishlistPage *wishlist_json_parse (const char *text, gsize length,
    const char *game, const char *cursor, guint most, gint64 *total,
    GError **error);

G_END_DECLS
