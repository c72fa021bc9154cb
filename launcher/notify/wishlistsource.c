/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishlistsource.h"

#include <string.h>

#include "wishlistsource-private.h"

/* Longer ones are a mistake of whoever wrote them, and one of them must not cost
 * the memory of a page. */
#define MAX_TEXT 10000
/* Bytes of an id that is told of. */
#define MAX_SHOWN 64
/* Bytes of texts that are allocated at a time. */
#define TEXTS 32768

G_DEFINE_QUARK (wishlist - error, wishlist_error)

WishlistPage *
wishlist_page_new (void)
{
  WishlistPage *page = g_new0 (WishlistPage, 1);

  page->users = g_array_new (FALSE, FALSE, sizeof (WishlistUser));
  page->texts = g_string_chunk_new (TEXTS);
  return page;
}

void
wishlist_page_free (WishlistPage *page)
{
  g_array_unref (page->users);
  g_string_chunk_free (page->texts);
  if (page->events != NULL)
    g_string_free (page->events, TRUE);
  g_free (page->cursor);
  g_free (page);
}

/* What is wrong with it, or NULL. */
static const char *
find_fault (const char *text)
{
  if (text == NULL)
    return "is missing";
  if (*text == '\0')
    return "is empty";
  if (strlen (text) > MAX_TEXT)
    return "is longer than " G_STRINGIFY (MAX_TEXT) " bytes";
  if (!g_utf8_validate (text, -1, NULL))
    return "is no UTF-8";
  return NULL;
}

static void
tell_fault (
    const char *game, const char *id, const char *what, const char *fault)
{
  g_autofree char *valid = g_utf8_make_valid (id != NULL ? id : "", -1);
  g_autofree char *shown = g_utf8_strlen (valid, -1) > MAX_SHOWN
                               ? g_utf8_substring (valid, 0, MAX_SHOWN)
                               : g_strdup (valid);

  g_message ("Wishlist of %s: user \"%s\" is left out, since the %s %s", game,
      shown, what, fault);
}

void
wishlist_page_add (WishlistPage *page, const char *game, const char *id,
    const char *name, const char *language)
{
  const char *fault = find_fault (id);
  const char *what = "id";
  WishlistUser user = {0};

  if (fault == NULL) {
    fault = find_fault (name);
    what = "name";
  }
  if (fault != NULL) {
    tell_fault (game, id, what, fault);
    return;
  }
  user.id = g_string_chunk_insert (page->texts, id);
  user.name = g_string_chunk_insert (page->texts, name);
  /* One that is no good is as good as none. */
  if (find_fault (language) == NULL)
    user.language = g_string_chunk_insert (page->texts, language);
  g_array_append_val (page->users, user);
}

WishlistPage *
wishlist_source_read (WishlistSource *source, const char *game,
    const char *cursor, guint most, GCancellable *cancellable, GError **error)
{
  return source->class->read (source, game, cursor, most, cancellable, error);
}

gint64
wishlist_source_count (
    WishlistSource *source, const char *game, GCancellable *cancellable)
{
  return source->class->count (source, game, cancellable);
}

void
wishlist_source_free (WishlistSource *source)
{
  if (source != NULL)
    source->class->free (source);
}
