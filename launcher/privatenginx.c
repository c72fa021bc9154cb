/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "privatenginx.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backoff.h"
#include "nginxconfig.h"

/* nginx itself tries for 2.5 s to take a port that is not free. */
#define START_PATIENCE (15 * G_TIME_SPAN_SECOND)
#define END_PATIENCE (3 * G_TIME_SPAN_SECOND)
/* How often the pid file is looked for while nginx starts. */
#define GLANCE (5 * G_TIME_SPAN_MILLISECOND)
/* Of its error log, when it starts. */
#define MOST_LOG (1024 * 1024)
/* Having run for so long it is sound, and the next restart is quick again. */
#define SOUND_AFTER (30 * G_TIME_SPAN_SECOND)

/* The thread that starts nginx also waits for it: PR_SET_PDEATHSIG is about the
 * death of the thread that forked. */
struct _PrivateNginx {
  GThread *thread;
  char *program;
  char *prefix;
  char *pid_file, *log_file;
  GCancellable *ending;

  GMutex lock;
  GCond changed;
  gboolean tried;  /* lock; the first start has succeeded or failed */
  GError *failure; /* lock; of the first start */
};

/* --- Its user and its files ---------------------------------------------- */

/* Who serves the pages if we are root. NULL: there is no such user. */
static struct passwd *
find_worker (void)
{
  struct passwd *worker = getpwnam ("www-data");

  return worker ? worker : getpwnam ("nobody");
}

/* Whether @worker can enter @folder and all that it is in. */
static gboolean
check_reachable (
    const char *folder, const struct passwd *worker, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (folder, NULL);

  while (TRUE) {
    struct stat info;
    mode_t needed = S_IXOTH;
    char *slash;

    if (g_stat (path, &info) != 0) {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
          "The folder of the pages: %s: %s", path, g_strerror (errno));
      return FALSE;
    }
    if (info.st_uid == worker->pw_uid)
      needed = S_IXUSR;
    else if (info.st_gid == worker->pw_gid)
      needed = S_IXGRP;
    if (!(info.st_mode & needed)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
          "nginx runs as %s here, who may not enter %s: the pages in %s cannot "
          "be served",
          worker->pw_name, path, folder);
      return FALSE;
    }
    slash = strrchr (path, '/');
    if (slash == path)
      return TRUE;
    *slash = '\0';
  }
}

static char *
make_user_directive (const char *www, GError **error)
{
  struct passwd *worker;

  if (geteuid () != 0)
    return g_strdup ("# workers: as who started it");
  worker = find_worker ();
  if (!worker) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "There is no user www-data or nobody, as whom nginx could run");
    return NULL;
  }
  if (!check_reachable (www, worker, error))
    return NULL;
  return g_strdup_printf ("user %s;", worker->pw_name);
}

static gboolean
make_folder (const char *prefix, GError **error)
{
  if (g_mkdir_with_parents (prefix, 0700) == 0 && g_chmod (prefix, 0700) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "The folder of nginx: %s: %s", prefix, g_strerror (errno));
  return FALSE;
}

static gboolean
write_config (const PrivateNginxSettings *settings, GError **error)
{
  g_autofree char *path =
      g_build_filename (settings->prefix, "nginx.conf", NULL);
  g_autofree char *text = NULL, *config = NULL, *user = NULL;

  if (!make_folder (settings->prefix, error) ||
      !g_file_get_contents (settings->template, &text, NULL, error))
    return FALSE;
  user = make_user_directive (settings->www, error);
  if (!user)
    return FALSE;
  config = nginx_config_fill (text, settings, user, error);
  return config && g_file_set_contents_full (path, config, -1,
                       G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static char *
find_program (void)
{
  char *program = g_find_program_in_path ("nginx");

  /* Not in the PATH of a user on Debian. */
  return program ? program : g_strdup ("/usr/sbin/nginx");
}

/* --- One run ------------------------------------------------------------- */

static pid_t
read_pid (PrivateNginx *nginx)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (nginx->pid_file, &text, NULL, NULL))
    return 0;
  return (pid_t)g_ascii_strtoll (text, NULL, 10);
}

/* Whether process @pid is of the group @group and an nginx. */
static gboolean
is_nginx_of (pid_t pid, pid_t group)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", (int)pid);
  g_autofree char *name = NULL;

  return getpgid (pid) == group &&
         g_file_get_contents (path, &name, NULL, NULL) &&
         g_str_has_prefix (name, "nginx");
}

/* A master that was killed leaves its workers, and they keep the ports; also
 * one of an earlier life of ours. All are in the group of their master. */
static void
kill_group (pid_t group)
{
  g_autoptr (GDir) dir = group > 1 ? g_dir_open ("/proc", 0, NULL) : NULL;
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    pid_t pid = (pid_t)g_ascii_strtoll (name, NULL, 10);

    if (pid > 1 && is_nginx_of (pid, group))
      kill (pid, SIGKILL);
  }
}

/* Between fork and exec. */
static void
set_up_child (gpointer data)
{
  pid_t parent = (pid_t)GPOINTER_TO_INT (data);

  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  /* It died before we asked to be told. */
  if (getppid () != parent)
    _exit (1);
}

static GSubprocess *
spawn (PrivateNginx *nginx, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  const char *arguments[] = {nginx->program, "-p", nginx->prefix, "-c",
      "nginx.conf", "-e", "error.log", NULL};

  g_subprocess_launcher_set_child_setup (
      launcher, set_up_child, GINT_TO_POINTER ((int)getpid ()), NULL);
  return g_subprocess_launcher_spawnv (launcher, arguments, error);
}

static goffset
get_log_size (PrivateNginx *nginx)
{
  GStatBuf info;

  return g_stat (nginx->log_file, &info) == 0 ? info.st_size : 0;
}

/* @begun: the size of the log before nginx was started. */
static void
set_start_error (PrivateNginx *nginx, goffset begun, GError **error)
{
  g_autofree char *log = NULL, *reason = NULL;
  gsize length;

  if (g_file_get_contents (nginx->log_file, &log, &length, NULL) &&
      begun < (goffset)length)
    reason = nginx_config_find_reason (log + begun);
  if (reason)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "nginx does not start: %s", reason);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "nginx does not start; %s may say why", nginx->log_file);
}

/* Its pid file appears once it has taken all ports. */
static gboolean
wait_ready (PrivateNginx *nginx, GSubprocess *child)
{
  gint64 deadline = g_get_monotonic_time () + START_PATIENCE;

  while (g_get_monotonic_time () < deadline &&
         !g_cancellable_is_cancelled (nginx->ending)) {
    const char *pid = g_subprocess_get_identifier (child);

    if (!pid)
      return FALSE;
    if (read_pid (nginx) == (pid_t)g_ascii_strtoll (pid, NULL, 10))
      return TRUE;
    g_usleep (GLANCE);
  }
  return FALSE;
}

/* Reaps it, after END_PATIENCE by force. */
static void
end_child (GSubprocess *child, pid_t pid)
{
  gint64 deadline = g_get_monotonic_time () + END_PATIENCE;

  g_subprocess_send_signal (child, SIGTERM);
  while (
      g_subprocess_get_identifier (child) && g_get_monotonic_time () < deadline)
    g_usleep (GLANCE);
  kill_group (pid);
  g_subprocess_wait (child, NULL, NULL);
}

/* Nobody else rotates it. One former log is kept. */
static void
rotate_log (PrivateNginx *nginx)
{
  g_autofree char *former = g_strconcat (nginx->log_file, ".1", NULL);

  if (get_log_size (nginx) > MOST_LOG)
    g_rename (nginx->log_file, former);
}

/* Starts it, and returns when it is ready. (transfer full) */
static GSubprocess *
start_child (PrivateNginx *nginx, pid_t *pid, GError **error)
{
  g_autoptr (GSubprocess) child = NULL;
  goffset log_size;
  const char *text;

  rotate_log (nginx);
  log_size = get_log_size (nginx);
  kill_group (read_pid (nginx));
  g_unlink (nginx->pid_file);
  child = spawn (nginx, error);
  if (!child)
    return NULL;
  text = g_subprocess_get_identifier (child);
  *pid = text ? (pid_t)g_ascii_strtoll (text, NULL, 10) : 0;
  if (wait_ready (nginx, child))
    return g_steal_pointer (&child);
  end_child (child, *pid);
  set_start_error (nginx, log_size, error);
  return NULL;
}

/* --- The thread ---------------------------------------------------------- */

/* @error (transfer full) */
static void
report_first (PrivateNginx *nginx, GError *error)
{
  g_mutex_lock (&nginx->lock);
  nginx->tried = TRUE;
  nginx->failure = error;
  g_cond_broadcast (&nginx->changed);
  g_mutex_unlock (&nginx->lock);
}

/* FALSE: it shall end. */
static gboolean
wait_before_restart (PrivateNginx *nginx, Backoff *backoff)
{
  gint64 wait = backoff_next (backoff, g_random_double ());
  GPollFD fd;

  if (g_cancellable_make_pollfd (nginx->ending, &fd)) {
    g_poll (&fd, 1, (int)(wait / 1000));
    g_cancellable_release_fd (nginx->ending);
  }
  return !g_cancellable_is_cancelled (nginx->ending);
}

/* Waits until it ends by itself, or has to. */
static void
watch_child (PrivateNginx *nginx, GSubprocess *child, pid_t pid)
{
  if (!g_subprocess_wait (child, nginx->ending, NULL)) {
    end_child (child, pid);
    return;
  }
  kill_group (pid);
  if (g_subprocess_get_if_signaled (child))
    g_message ("nginx was ended by signal %d, and is started again",
        g_subprocess_get_term_sig (child));
  else
    g_message ("nginx has ended with status %d, and is started again",
        g_subprocess_get_exit_status (child));
}

static gpointer
run (gpointer data)
{
  PrivateNginx *nginx = data;
  Backoff backoff = {100 * G_TIME_SPAN_MILLISECOND, 5 * G_TIME_SPAN_SECOND};
  gboolean first = TRUE;

  do {
    gint64 begun = g_get_monotonic_time ();
    GError *error = NULL;
    pid_t pid;
    g_autoptr (GSubprocess) child = start_child (nginx, &pid, &error);

    if (first) {
      report_first (nginx, error);
      if (error)
        return NULL;
      first = FALSE;
    } else if (error) {
      g_message ("%s", error->message);
      g_error_free (error);
    }
    if (child)
      watch_child (nginx, child, pid);
    if (g_get_monotonic_time () - begun > SOUND_AFTER)
      backoff_reset (&backoff);
  } while (wait_before_restart (nginx, &backoff));
  return NULL;
}

PrivateNginx *
private_nginx_start (const PrivateNginxSettings *settings, GError **error)
{
  PrivateNginx *nginx;

  if (!write_config (settings, error))
    return NULL;
  nginx = g_new0 (PrivateNginx, 1);
  g_mutex_init (&nginx->lock);
  g_cond_init (&nginx->changed);
  nginx->ending = g_cancellable_new ();
  nginx->program = find_program ();
  nginx->prefix = g_canonicalize_filename (settings->prefix, NULL);
  nginx->pid_file = g_build_filename (nginx->prefix, "nginx.pid", NULL);
  nginx->log_file = g_build_filename (nginx->prefix, "error.log", NULL);
  nginx->thread = g_thread_new ("nginx", run, nginx);

  g_mutex_lock (&nginx->lock);
  while (!nginx->tried)
    g_cond_wait (&nginx->changed, &nginx->lock);
  g_mutex_unlock (&nginx->lock);
  if (nginx->failure) {
    g_propagate_error (error, g_steal_pointer (&nginx->failure));
    private_nginx_free (nginx);
    return NULL;
  }
  return nginx;
}

void
private_nginx_free (PrivateNginx *nginx)
{
  g_cancellable_cancel (nginx->ending);
  g_thread_join (nginx->thread);
  g_object_unref (nginx->ending);
  g_free (nginx->program);
  g_free (nginx->prefix);
  g_free (nginx->pid_file);
  g_free (nginx->log_file);
  g_cond_clear (&nginx->changed);
  g_mutex_clear (&nginx->lock);
  g_free (nginx);
}
