/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maincontext.h"

void
main_context_call (GMainContext *context, GSourceFunc func, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, context);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
main_loop_end (GMainLoop *loop)
{
  main_context_call (g_main_loop_get_context (loop), quit, loop);
}
