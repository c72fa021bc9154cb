/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pagereader.h"

struct _PageReader {
  WishlistSource *source; /* of the thread */
  char *game;
  guint most;
  const NoticeForm *form;
  GCancellable *ending;
  GThread *thread;

  GMutex lock;
  GCond changed;
  /* with lock */
  char *cursor; /* of the page that is to be read */
  gboolean is_wanted;
  WishlistPage *page;
  GError *error;
};

/* One page, without the lock. */
static void
read_page (PageReader *reader)
{
  g_autofree char *cursor = g_strdup (reader->cursor);
  GError *error = NULL;
  WishlistPage *page;

  g_mutex_unlock (&reader->lock);
  page = wishlist_source_read (reader->source, reader->game, cursor,
      reader->most, reader->ending, &error);
  if (page != NULL)
    notice_prepare (page, reader->form);
  g_mutex_lock (&reader->lock);
  reader->is_wanted = FALSE;
  reader->page = page;
  reader->error = error;
  g_cond_broadcast (&reader->changed);
}

static gpointer
run (gpointer data)
{
  PageReader *reader = data;

  g_mutex_lock (&reader->lock);
  while (!g_cancellable_is_cancelled (reader->ending)) {
    if (reader->is_wanted)
      read_page (reader);
    else
      g_cond_wait (&reader->changed, &reader->lock);
  }
  g_mutex_unlock (&reader->lock);
  return NULL;
}

PageReader *
page_reader_new (WishlistSource *source, const char *game, const char *cursor,
    guint most, const NoticeForm *form)
{
  PageReader *reader = g_new0 (PageReader, 1);

  reader->source = source;
  reader->game = g_strdup (game);
  reader->most = most;
  reader->form = form;
  reader->cursor = g_strdup (cursor);
  reader->ending = g_cancellable_new ();
  g_mutex_init (&reader->lock);
  g_cond_init (&reader->changed);
  reader->is_wanted = TRUE;
  reader->thread = g_thread_new ("wishlist", run, reader);
  return reader;
}

/* With the lock. What comes next is read while this is being delivered. */
static WishlistPage *
take_page (PageReader *reader)
{
  WishlistPage *page = g_steal_pointer (&reader->page);

  g_free (reader->cursor);
  reader->cursor = g_strdup (page->cursor);
  reader->is_wanted = page->cursor != NULL;
  g_cond_broadcast (&reader->changed);
  return page;
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  PageReader *reader = data;

  g_mutex_lock (&reader->lock);
  g_cond_broadcast (&reader->changed);
  g_mutex_unlock (&reader->lock);
}

WishlistPage *
page_reader_next (PageReader *reader, GCancellable *cancellable, GError **error)
{
  gulong handler = g_cancellable_connect (
      cancellable, G_CALLBACK (on_cancelled), reader, NULL);
  WishlistPage *page = NULL;

  g_mutex_lock (&reader->lock);
  /* After an error it is asked for once more. */
  if (reader->page == NULL && reader->error == NULL && !reader->is_wanted) {
    reader->is_wanted = TRUE;
    g_cond_broadcast (&reader->changed);
  }
  while (reader->is_wanted && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&reader->changed, &reader->lock);
  if (reader->page != NULL)
    page = take_page (reader);
  else if (reader->error != NULL)
    g_propagate_error (error, g_steal_pointer (&reader->error));
  else
    g_cancellable_set_error_if_cancelled (cancellable, error);
  g_mutex_unlock (&reader->lock);
  g_cancellable_disconnect (cancellable, handler);
  return page;
}

void
page_reader_free (PageReader *reader)
{
  if (reader == NULL)
    return;
  g_mutex_lock (&reader->lock);
  g_cancellable_cancel (reader->ending);
  g_cond_broadcast (&reader->changed);
  g_mutex_unlock (&reader->lock);
  g_thread_join (reader->thread);
  g_clear_pointer (&reader->page, wishlist_page_free);
  g_clear_error (&reader->error);
  wishlist_source_free (reader->source);
  g_object_unref (reader->ending);
  g_mutex_clear (&reader->lock);
  g_cond_clear (&reader->changed);
  g_free (reader->cursor);
  g_free (reader->game);
  g_free (reader);
}
