/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Has @func called by the thread that runs @context, also if it has yet to begin:
 * g_main_context_invoke() would call it here and now then, and a loop that is
 * told to quit before it runs never ends. */
void main_context_call (GMainContext *context, GSourceFunc func, gpointer data);
/* Ends @loop, which another thread runs or will run. */
void main_loop_end (GMainLoop *loop);

G_END_DECLS
