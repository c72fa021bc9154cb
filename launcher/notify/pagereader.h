/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "wishlistsource.h"

G_BEGIN_DECLS

/* Reads a wishlist on a thread of its own, one page ahead of whoever takes
 * them. */
typedef struct _PageReader PageReader;

/* @source: (transfer full). @cursor NULL: from the first user. */
PageReader *page_reader_new (
    WishlistSource *source, const char *game, const char *cursor, guint most);
/* Waits for the next page. NULL and @error, also G_IO_ERROR_CANCELLED; it goes on
 * with the same page if it is called again. Not after the last page. (transfer
 * full) */
WishlistPage *page_reader_next (
    PageReader *reader, GCancellable *cancellable, GError **error);
/* Waits for a query that is under way. */
void page_reader_free (PageReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PageReader, page_reader_free)

G_END_DECLS
