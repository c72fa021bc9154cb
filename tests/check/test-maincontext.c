/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "maincontext.h"

static gpointer
run (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static gboolean
note_thread (gpointer data)
{
  *(GThread **)data = g_thread_self ();
  return G_SOURCE_REMOVE;
}

/* Told to end before its thread has begun. */
static void
test_early_end (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);

  main_loop_end (loop);
  g_thread_join (g_thread_new ("loop", run, loop));
}

static void
test_thread (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  GThread *caller = NULL, *thread;

  main_context_call (context, note_thread, &caller);
  g_assert_null (caller);
  thread = g_thread_new ("loop", run, loop);
  main_loop_end (loop);
  g_thread_join (thread);
  g_assert_true (caller == thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/maincontext/early-end", test_early_end);
  g_test_add_func ("/maincontext/thread", test_thread);
  return g_test_run ();
}
