/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* A Broadcasts and a Keyring that are what a test says, in the place of the
 * launcher's: the API uses nothing else of them. */
Broadcasts *broadcasts_stub_new (void);
void broadcasts_stub_free (Broadcasts *broadcasts);
/* This node has it. @health: a JSON array. */
void broadcasts_stub_add (Broadcasts *broadcasts, const char *link,
    const char *game, const char *health);
/* Called on any thread when @link is ended. */
void broadcasts_stub_on_end (Broadcasts *broadcasts,
    void (*ended) (const char *link, const char *reason, gpointer data),
    gpointer data);

Keyring *keyring_stub_new (void);
void keyring_stub_free (Keyring *keyring);
void keyring_stub_add (Keyring *keyring, const char *key, const char *game);
void keyring_stub_set_ready (Keyring *keyring, gboolean ready);

G_END_DECLS
