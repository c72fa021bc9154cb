/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* SIGINT, SIGTERM and SIGHUP: the first one asks for the end, also of what
 * blocks the main thread now and then; one that comes later ends the process at
 * once. */

/* Before any thread is started. @told: a line for who asked. */
void demo_signals_catch (const char *told);
/* Whether one has come. */
gboolean demo_signals_have_come (void);
/* Calls @come in the default main context when one comes, or has come. */
guint demo_signals_watch (GSourceFunc come, gpointer data);

G_END_DECLS
