/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Who has a game on the wishlist: the store, behind an interface. Read page by
 * page, each a fresh look, so that a list of any length costs the memory of a
 * page, and who has left it meanwhile is not told. A source belongs to one
 * thread, which it blocks. */
typedef struct _WishlistSource WishlistSource;

/* All of it is the page's. */
typedef struct {
  const char *id;
  const char *name;
  const char *language; /* BCP 47, or NULL */
  const char *event;    /* if it was made ahead: notice_prepare(); or NULL */
  gsize event_length;
} WishlistUser;

/* A million users are read, so none of them is an allocation of its own. */
typedef struct {
  GArray *users;       /* of WishlistUser, in the order of the source */
  GStringChunk *texts; /* of the users */
  GString *events;     /* that were made ahead, side by side; or NULL */
  char *cursor;        /* of the next page; NULL: this is the last one */
} WishlistPage;

/* Stays where it is once all have been added. */
#define wishlist_page_get(page, i)                                             \
  (&g_array_index ((page)->users, WishlistUser, i))
void wishlist_page_free (WishlistPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WishlistPage, wishlist_page_free)

typedef enum {
  WISHLIST_ERROR_AWAY,    /* worth trying again later */
  WISHLIST_ERROR_WRONG,   /* query, address, token: somebody must mend it */
  WISHLIST_ERROR_NONSENSE /* the answer is not what the contract says */
} WishlistError;

#define WISHLIST_ERROR (wishlist_error_quark ())
GQuark wishlist_error_quark (void);

/* @query has the parameters $1 game, $2 the cursor (NULL at first), $3 how many,
 * and the columns user id, username, language; ordered by user id, which is the
 * cursor. */
WishlistSource *wishlist_sql_new (const char *conninfo, const char *query);
/* data/store-openapi.json: GET @url?game=…&limit=…&cursor=…, with @token
 * (nullable) as bearer. */
WishlistSource *wishlist_http_new (const char *url, const char *token);

/* At most @most users after @cursor (NULL: from the first). Users whose row is of
 * no use (a name or id that is no UTF-8, is empty, or longer than 10,000 bytes)
 * are left out and told of with g_message(), by their id. NULL and @error, or a
 * page (transfer full). */
WishlistPage *wishlist_source_read (WishlistSource *source, const char *game,
    const char *cursor, guint most, GCancellable *cancellable, GError **error);
/* How many there are, or -1 if the source cannot count. */
gint64 wishlist_source_count (
    WishlistSource *source, const char *game, GCancellable *cancellable);
void wishlist_source_free (WishlistSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WishlistSource, wishlist_source_free)

G_END_DECLS
