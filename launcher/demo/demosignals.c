/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demosignals.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* timeout(1) and others signal their child and then its group: what comes so
 * soon is no second wish. */
#define ONE_WISH (500 * G_TIME_SPAN_MILLISECOND)

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

/* What a handler of signals may use. */
static int come_fd = -1; /* readable, and left so, once one has come */
static const char *line;
static gint64 came_at; /* monotonic; 0: none has come */

static void
on_signal (int number)
{
  gint64 now = g_get_monotonic_time ();
  int kept = errno;

  if (came_at == 0) {
    ssize_t n G_GNUC_UNUSED = write (STDOUT_FILENO, line, strlen (line));

    came_at = now;
    eventfd_write (come_fd, 1);
  } else if (now - came_at > ONE_WISH) {
    _exit (128 + number);
  }
  errno = kept;
}

void
demo_signals_catch (const char *told)
{
  struct sigaction action = {
      .sa_handler = on_signal,
      .sa_flags = SA_RESTART,
  };

  line = told;
  come_fd = eventfd (0, EFD_CLOEXEC);
  if (come_fd < 0)
    g_error ("No descriptor for signals: %s", g_strerror (errno));
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaction (numbers[i], &action, NULL);
}

gboolean
demo_signals_have_come (void)
{
  struct pollfd fd = {come_fd, POLLIN, 0};

  return poll (&fd, 1, 0) == 1;
}

typedef struct {
  GSourceFunc come;
  gpointer data;
} Watch;

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  Watch *watch = data;

  return watch->come (watch->data);
}

guint
demo_signals_watch (GSourceFunc come, gpointer data)
{
  Watch *watch = g_new (Watch, 1);

  *watch = (Watch){come, data};
  return g_unix_fd_add_full (
      G_PRIORITY_HIGH, come_fd, G_IO_IN, on_readable, watch, g_free);
}
