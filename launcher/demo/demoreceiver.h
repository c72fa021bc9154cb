/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What stands for the store's own service in the demo: takes the notices by
 * webhook, as Standard Webhooks wants it, and shows on a page of its own what has
 * come. On a thread of its own, and on loopback only. */
typedef struct _DemoReceiver DemoReceiver;

/* @n_wishing: players who have each game on the wishlist. @taken_port is to be
 * left to others; 0: none is. */
DemoReceiver *demo_receiver_start (
    guint n_wishing, guint16 taken_port, GError **error);
/* Accepts NULL. */
void demo_receiver_free (DemoReceiver *receiver);
/* Where the page is, with a slash at the end. */
const char *demo_receiver_get_url (DemoReceiver *receiver);
/* Where the notices are sent, and the secret that signs them. */
const char *demo_receiver_get_webhook_url (DemoReceiver *receiver);
const char *demo_receiver_get_secret (DemoReceiver *receiver);

G_END_DECLS
