/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "wishlistsource.h"

G_BEGIN_DECLS

/* For what implements a source. */

typedef struct {
  WishlistPage *(*read) (WishlistSource *source, const char *game,
      const char *cursor, guint most, GCancellable *cancellable,
      GError **error);
  gint64 (*count) (
      WishlistSource *source, const char *game, GCancellable *cancellable);
  void (*free) (WishlistSource *source);
} WishlistSourceClass;

struct _WishlistSource {
  const WishlistSourceClass *class;
};

WishlistPage *wishlist_page_new (void);
/* Adds the user, or tells why it is left out. */
void wishlist_page_add (WishlistPage *page, const char *game, const char *id,
    const char *name, const char *language);

G_END_DECLS
