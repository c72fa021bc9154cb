/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* A Broadcasts that is what a test says, in the place of the launcher's: these
 * are all the functions of it that the API uses. */
Broadcasts *broadcasts_stub_new (void);
void broadcasts_stub_free (Broadcasts *broadcasts);
/* This node has it. @health: a JSON array. */
void broadcasts_stub_add (Broadcasts *broadcasts, const char *link,
    const char *game, const char *health);
/* Called on any thread when @link is ended. */
void broadcasts_stub_on_end (Broadcasts *broadcasts,
    void (*ended) (const char *link, const char *reason, gpointer data),
    gpointer data);

G_END_DECLS
