/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delivery.h"
#include "settings.h"

G_BEGIN_DECLS

/* What notices are made of, as the configuration says. Errors begin with the
 * place of the key that is wrong; none has a secret in it. */

/* The settings have been checked already. (transfer full) */
NoticeTexts *notify_make_texts (const Settings *settings);
/* <public-url>, as links begin with it. (transfer full) */
char *notify_make_public_url (const Settings *settings);

/* Which deliveries there are: of Delivery; none if nothing is configured.
 * Nobody is asked yet. (transfer full) */
GPtrArray *notify_make_deliveries (const Settings *settings, GError **error);

/* Whom to ask for a wishlist. */
typedef struct _NotifyStore NotifyStore;

/* @settings must outlive it. @conninfo: of our own database. */
NotifyStore *notify_store_new (
    const Settings *settings, const char *conninfo, GError **error);
void notify_store_free (NotifyStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NotifyStore, notify_store_free)
/* Thread-safe. (transfer full) */
WishlistSource *notify_store_open (NotifyStore *store);

G_END_DECLS
