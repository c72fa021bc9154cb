/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "notice.h"

G_BEGIN_DECLS

/* Reads a wishlist on a thread of its own, one page ahead of whoever takes
 * them, and makes the events of that page (notice_prepare()): while a receiver
 * has a page, the next one becomes ready to be sent. */
typedef struct _PageReader PageReader;

/* @source: (transfer full). @cursor NULL: from the first user. @form outlives
 * it. */
PageReader *page_reader_new (WishlistSource *source, const char *game,
    const char *cursor, guint most, const NoticeForm *form);
/* Waits for the next page. NULL and @error, also G_IO_ERROR_CANCELLED; it goes on
 * with the same page if it is called again. Not after the last page. (transfer
 * full) */
WishlistPage *page_reader_next (
    PageReader *reader, GCancellable *cancellable, GError **error);
/* Waits for a query that is under way. */
void page_reader_free (PageReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PageReader, page_reader_free)

G_END_DECLS
