/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wishlistjson.h"

#include <string.h>

#define MOST 3

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The store's answer. Whatever it is, what comes of it can be told. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* Of just that size, so that reading on is noticed. */
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (WishlistPage) page = NULL;
  gint64 total;

  if (size == 0)
    return 0;
  page = wishlist_json_parse (text, size, "game", "c", MOST, &total, &error);
  g_assert_true ((page == NULL) == (error != NULL));
  if (page == NULL)
    return 0;
  g_assert_cmpint (total, >=, -1);
  g_assert_cmpuint (page->users->len, <=, MOST);
  g_assert_cmpstr (page->cursor, !=, "c");
  for (guint i = 0; i < page->users->len; i++) {
    const WishlistUser *user = wishlist_page_get (page, i);

    g_assert_true (g_utf8_validate (user->id, -1, NULL) && *user->id != '\0');
    g_assert_true (g_utf8_validate (user->name, -1, NULL));
  }
  return 0;
}
