/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "commands.h"
#include "datadir.h"
#include "journal.h"
#include "node.h"

/* More than all that is bounded by itself; who still waits then waits for a
 * disk that does not answer. */
#define DEADLINE 30 /* s */

static void
on_deadline (int number)
{
  static const char text[] =
      "wishcast: the end took too long; what is not stored is lost\n";
  ssize_t n G_GNUC_UNUSED = write (STDERR_FILENO, text, sizeof text - 1);

  _exit (EX_SOFTWARE);
}

/* The second signal has its default again, and ends the process at once. */
static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (data);
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  signal (SIGALRM, on_deadline);
  alarm (DEADLINE);
  g_message ("Ending: what is on air is interrupted, and goes on with the next "
             "start");
  return G_SOURCE_CONTINUE;
}

static void
wait_for_signal (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  guint interrupt = g_unix_signal_add (SIGINT, on_signal, loop);
  guint terminate = g_unix_signal_add (SIGTERM, on_signal, loop);

  g_main_loop_run (loop);
  g_source_remove (interrupt);
  g_source_remove (terminate);
}

/* Viewers and publishers are descriptors, and 1,024 is the usual limit that any
 * process may raise for itself. What cannot be had is lived without. */
static void
raise_file_limit (void)
{
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) != 0)
    return;
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  Node *node;
  int status;

  if (!command_parse (
          &command_run, &argc, argv, NULL, 0, 0, &settings, &status))
    return status;
  raise_file_limit ();
  gst_init (NULL, NULL);
  data_load_plugins ();
  /* systemd and the like keep it. */
  journal_start (stderr);
  /* Whoever reads the log may go without taking the broadcasts along. */
  signal (SIGPIPE, SIG_IGN);
  node = node_start (settings, &error);
  if (node == NULL)
    return command_fail (error);
  wait_for_signal ();
  node_free (node);
  return EX_OK;
}

const Command command_run = {
    "run",
    "",
    "the service: ingest, broadcasts, origin, API",
    "Ctrl-C, or SIGTERM, interrupts what is on air, stores what is under way\n"
    "and ends; the next start goes on with it. A second one ends at once.",
    run,
};
