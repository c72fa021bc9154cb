/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deliverystub.h"

#define PATIENCE (30 * G_USEC_PER_SEC)

static void
told_free (gpointer data)
{
  StubTold *told = data;

  g_free (told->link);
  g_strfreev (told->users);
  g_free (told);
}

static StubTold *
told_new (const NoticeForm *form, guint64 number, const WishlistPage *page)
{
  StubTold *told = g_new0 (StubTold, 1);

  told->link = g_strdup (notice_form_get_job (form)->link);
  told->number = number;
  told->users = g_new0 (char *, page->users->len + 1);
  for (guint i = 0; i < page->users->len; i++) {
    const WishlistUser *user = wishlist_page_get (page, i);

    told->users[i] = g_strdup_printf ("%s=%s", user->id, user->name);
  }
  told->at = g_get_monotonic_time ();
  return told;
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  DeliveryStub *stub = data;

  g_mutex_lock (&stub->lock);
  g_cond_broadcast (&stub->changed);
  g_mutex_unlock (&stub->lock);
}

static void
take (DeliveryStub *stub, const WishlistPage *page, DeliveryResult *result)
{
  for (guint i = 0; i < page->users->len; i++) {
    const WishlistUser *user = wishlist_page_get (page, i);

    if (g_strcmp0 (user->id, stub->refused) == 0)
      delivery_result_add_refusal (result, user, "status 400");
    else
      result->sent++;
  }
}

static gboolean
stub_deliver (Delivery *delivery, const NoticeForm *form, guint64 page_number,
    const WishlistPage *page, DeliveryResult *result, GCancellable *cancellable,
    GError **error)
{
  DeliveryStub *stub = (DeliveryStub *)delivery;
  gulong handler = g_cancellable_connect (
      cancellable, G_CALLBACK (on_cancelled), stub, NULL);
  StubTold *told = told_new (form, page_number, page);

  g_mutex_lock (&stub->lock);
  g_ptr_array_add (stub->told, told);
  stub->is_held = stub->held == (gint64)page_number;
  g_cond_broadcast (&stub->changed);
  while (stub->held == (gint64)page_number &&
         !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&stub->changed, &stub->lock);
  stub->is_held = FALSE;
  if (stub->error != NULL)
    g_propagate_error (error, g_steal_pointer (&stub->error));
  else
    told->was_taken =
        !g_cancellable_set_error_if_cancelled (cancellable, error);
  if (told->was_taken) {
    take (stub, page, result);
    stub->n_open -= delivery->class->begin != NULL ? 1 : 0;
  }
  g_mutex_unlock (&stub->lock);
  g_cancellable_disconnect (cancellable, handler);
  return told->was_taken;
}

static void
stub_free (Delivery *delivery)
{
  ((DeliveryStub *)delivery)->is_freed = TRUE;
}

static gboolean
stub_begin (Delivery *delivery, const NoticeForm *form,
    const WishlistPage *page, GCancellable *cancellable, GError **error)
{
  DeliveryStub *stub = (DeliveryStub *)delivery;
  gboolean can_begin;

  g_mutex_lock (&stub->lock);
  can_begin = stub->n_open < stub->most;
  stub->n_open++;
  stub->most_open = MAX (stub->most_open, stub->n_open);
  if (!can_begin)
    g_set_error_literal (
        error, DELIVERY_ERROR, DELIVERY_ERROR_AWAY, "It is away");
  g_mutex_unlock (&stub->lock);
  return can_begin;
}

static void
stub_drop (Delivery *delivery)
{
  DeliveryStub *stub = (DeliveryStub *)delivery;

  g_mutex_lock (&stub->lock);
  stub->n_open = 0;
  g_mutex_unlock (&stub->lock);
}

DeliveryStub *
delivery_stub_new (gboolean is_ahead)
{
  static const DeliveryClass plain = {
      .deliver = stub_deliver, .free = stub_free};
  static const DeliveryClass ahead = {
      stub_begin, stub_deliver, stub_drop, stub_free};
  DeliveryStub *stub = g_new0 (DeliveryStub, 1);

  stub->delivery.class = is_ahead ? &ahead : &plain;
  g_mutex_init (&stub->lock);
  g_cond_init (&stub->changed);
  stub->told = g_ptr_array_new_with_free_func (told_free);
  stub->held = -1;
  stub->most = G_MAXUINT;
  return stub;
}

void
delivery_stub_destroy (DeliveryStub *stub)
{
  g_assert_true (stub->is_freed);
  g_assert_cmpuint (stub->n_open, ==, 0);
  g_clear_error (&stub->error);
  g_ptr_array_unref (stub->told);
  g_mutex_clear (&stub->lock);
  g_cond_clear (&stub->changed);
  g_free (stub);
}

void
delivery_stub_await_held (DeliveryStub *stub)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&stub->lock);
  while (!stub->is_held)
    if (!g_cond_wait_until (&stub->changed, &stub->lock, deadline))
      g_assert_true (stub->is_held);
  g_mutex_unlock (&stub->lock);
}

void
delivery_stub_let_go (DeliveryStub *stub, gint64 page)
{
  g_mutex_lock (&stub->lock);
  stub->held = page;
  stub->is_held = FALSE;
  g_cond_broadcast (&stub->changed);
  g_mutex_unlock (&stub->lock);
}

char *
delivery_stub_list_pages (DeliveryStub *stub)
{
  GString *pages = g_string_new (NULL);

  g_mutex_lock (&stub->lock);
  for (guint i = 0; i < stub->told->len; i++) {
    const StubTold *told = g_ptr_array_index (stub->told, i);

    g_string_append_printf (pages, "%s:%" G_GUINT64_FORMAT "%s ", told->link,
        told->number, told->was_taken ? "" : "-");
  }
  g_mutex_unlock (&stub->lock);
  return g_string_free (pages, FALSE);
}
