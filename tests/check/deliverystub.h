/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delivery.h"

G_BEGIN_DECLS

/* A delivery that remembers what it was given, and takes it, refuses it, holds it
 * or fails as it is told. */

/* A page, as it was delivered. */
typedef struct {
  char *link;
  guint64 number;
  char **users; /* "id=name" */
  gint64 at;
  gboolean was_taken;
} StubTold;

typedef struct {
  Delivery delivery;
  const char *refused; /* the user that it does not take, or NULL */

  GMutex lock;
  GCond changed;
  /* with lock */
  GPtrArray *told;   /* of StubTold */
  guint n_open;      /* pages that are begun and neither taken nor dropped */
  guint most_open;   /* of them at a time */
  guint most;        /* how many can be open */
  gint64 held;       /* the page that is not taken until it is let go; or -1 */
  gboolean is_held;  /* it has come */
  gboolean is_freed; /* by whoever owns the delivery */
  GError *error;     /* what the next page meets, or NULL */
} DeliveryStub;

/* @is_ahead: pages can be begun ahead. */
DeliveryStub *delivery_stub_new (gboolean is_ahead);
/* Once whoever owned the delivery has freed it. */
void delivery_stub_destroy (DeliveryStub *stub);
/* Until the page that is to be held has come, 30 s at most. */
void delivery_stub_await_held (DeliveryStub *stub);
/* @page: that is held next, or -1. */
void delivery_stub_let_go (DeliveryStub *stub, gint64 page);
/* "LINK:PAGE " for each page, with a "-" if it was not taken. (transfer full) */
char *delivery_stub_list_pages (DeliveryStub *stub);

G_END_DECLS
