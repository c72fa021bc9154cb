/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the store of the demo knows of notices: how many players were told of
 * which game, and the newest notices. Pure; belongs to one thread. */
typedef struct _DemoInbox DemoInbox;

/* @n_wishing: players who have each game on the wishlist. */
DemoInbox *demo_inbox_new (guint n_wishing);
void demo_inbox_free (DemoInbox *inbox);
/* The body of a webhook: a JSON array of CloudEvents (notice.h). A notice that
 * has come before is counted as a repeat. FALSE: it is none, and nothing of it
 * was taken. */
gboolean demo_inbox_take (DemoInbox *inbox, const char *body, gsize length);
/* {"wishing", "games": [{"id", "title", "url", "told"}], "repeats", "newest":
 * [{"key", "at", "game", "username", "language", "message", "url"}]}, the newest
 * first. (transfer full) */
char *demo_inbox_to_json (const DemoInbox *inbox);

G_END_DECLS
