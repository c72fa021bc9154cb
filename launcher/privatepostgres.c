/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One thread supervises the server. Of several processes that use the same
 * folder the one that holds the lock file runs the server; the others wait for
 * the lock, so that when that one ends, the next goes on with the server.
 *
 * The server gets SIGINT, a fast shutdown, when the supervising thread dies in
 * whatever way. So whoever gets the lock may find a server that is about to go,
 * and waits for it. */

#include "privatepostgres.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backoff.h"
#include "filetree.h"
#include "pgconnection.h"

#define SYSTEM_USER "postgres"
#define BIN_ROOT "/usr/lib/postgresql" /* of Debian; else PATH */
#define SOCKET_NAME "/.s.PGSQL.5432"
/* Recovery after a crash takes as long as the last checkpoint is away. */
#define START_TIMEOUT (60 * G_USEC_PER_SEC)
/* The processes of a server that was killed may hold its memory for a moment. */
#define START_RETRIES (3 * G_USEC_PER_SEC)
#define STOP_TIMEOUT (10 * G_USEC_PER_SEC)
#define POLL_INTERVAL 50  /* ms, while something is about to happen */
#define LOCK_INTERVAL 250 /* ms, while another process runs the server */
#define LOG_MAX (1 << 20)

struct _PrivatePostgres {
  char *dir;  /* data, log and lock are below it */
  char *data; /* the cluster */
  char *bin_dir;
  char *socket_dir;
  char *conninfo;
  uid_t uid; /* of the server */
  gid_t gid;
  GPid owner; /* this process */

  GThread *thread;
  GCancellable *stop;

  GMutex lock;
  GCond cond;
  /* with lock */
  gboolean is_settled; /* it answered, or failed for good, a first time */
  GError *error;

  /* of the thread */
  int lock_fd; /* -1 if another process has it */
  GPid pid;    /* 0 if it does not run */
};

/* --- processes -------------------------------------------------------------- */

/* Between fork and exec, so nothing but system calls. A process group of its
 * own, or Ctrl-C would stop the server before us. */
static void
become_server (gpointer data)
{
  const PrivatePostgres *self = data;

  setsid ();
  if (geteuid () == 0 && (syscall (SYS_setgroups, 0, NULL) != 0 ||
                             syscall (SYS_setgid, self->gid) != 0 ||
                             syscall (SYS_setuid, self->uid) != 0))
    _exit (126);
  /* After setuid, which clears it. */
  prctl (PR_SET_PDEATHSIG, SIGINT);
  if (getppid () != self->owner)
    _exit (126);
}

/* With output to the log. */
static gboolean
spawn (PrivatePostgres *self, char **argv, GPid *pid, GError **error)
{
  g_autofree char *path = g_build_filename (self->dir, "postgres.log", NULL);
  g_auto (GStrv) env = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  struct stat st;
  gboolean is_started;
  int log, null = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  log = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log >= 0 && fstat (log, &st) == 0 && st.st_size > LOG_MAX)
    if (ftruncate (log, 0) != 0)
      g_debug ("%s: %s", path, g_strerror (errno));
  is_started = g_spawn_async_with_pipes_and_fds ("/", (const char *const *)argv,
      (const char *const *)env, G_SPAWN_DO_NOT_REAP_CHILD, become_server, self,
      null, log, log, NULL, NULL, 0, pid, NULL, NULL, NULL, error);
  if (null >= 0)
    close (null);
  if (log >= 0)
    close (log);
  return is_started;
}

/* What it logged last: from the last fatal message on, if there is one.
 * (transfer full) */
static char *
read_reason (PrivatePostgres *self)
{
  g_autofree char *path = g_build_filename (self->dir, "postgres.log", NULL);
  g_autofree char *text = NULL;
  const char *begin;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("it says nothing");
  g_strchomp (text);
  begin = g_strrstr (text, "FATAL:");
  if (begin == NULL)
    begin = strrchr (text, '\n');
  g_strdelimit (text, "\n", ' ');
  return g_strdup_printf ("%.400s (%s)", begin != NULL ? begin : text, path);
}

/* Runs a program to its end. */
static gboolean
run (PrivatePostgres *self, char **argv, GError **error)
{
  g_autofree char *reason = NULL;
  GPid pid;
  int status = -1;

  if (!spawn (self, argv, &pid, error))
    return FALSE;
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  reason = read_reason (self);
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s failed: %s", argv[0], reason);
  return FALSE;
}

/* --- where things are ------------------------------------------------------- */

static gboolean
find_user (PrivatePostgres *self, GError **error)
{
  const struct passwd *user;

  self->uid = geteuid ();
  self->gid = getegid ();
  if (self->uid != 0)
    return TRUE;
  user = getpwnam (SYSTEM_USER);
  if (user == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "PostgreSQL does not run as root, and there is no user " SYSTEM_USER
        " to run it; install the package postgresql, run as another user, or "
        "set [database] url");
    return FALSE;
  }
  self->uid = user->pw_uid;
  self->gid = user->pw_gid;
  return TRUE;
}

/* The programs of @version, or of the newest there is. (transfer full) */
static char *
find_in_bin_root (const char *version)
{
  g_autoptr (GDir) dir = g_dir_open (BIN_ROOT, 0, NULL);
  const char *name;
  int newest = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (BIN_ROOT, name, "bin", NULL);
    g_autofree char *server = g_build_filename (path, "postgres", NULL);

    if (g_file_test (server, G_FILE_TEST_IS_EXECUTABLE) &&
        (version == NULL || strcmp (version, name) == 0))
      newest = MAX (newest, atoi (name));
  }
  return newest > 0 ? g_strdup_printf (BIN_ROOT "/%d/bin", newest) : NULL;
}

static gboolean
find_programs (PrivatePostgres *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->data, "PG_VERSION", NULL);
  g_autofree char *version = NULL;
  g_autofree char *server = NULL;
  g_autofree char *newest = NULL;

  if (g_file_get_contents (path, &version, NULL, NULL))
    g_strstrip (version);
  newest = find_in_bin_root (NULL);
  if (newest != NULL)
    self->bin_dir = find_in_bin_root (version);
  else if ((server = g_find_program_in_path ("postgres")) != NULL)
    self->bin_dir = g_path_get_dirname (server);
  if (self->bin_dir != NULL)
    return TRUE;
  if (version != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "%s is of PostgreSQL %s, which is not installed; install "
        "postgresql-%s, or move it to another version with pg_upgrade",
        self->data, version, version);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "PostgreSQL is not installed; install the package postgresql, or set "
        "[database] url");
  return FALSE;
}

/* Of the lines of postmaster.pid: 1 is the process, 5 the folder of the socket.
 * NULL if there is none. (transfer full) */
static char *
read_pid_file (PrivatePostgres *self, guint number)
{
  g_autofree char *path = g_build_filename (self->data, "postmaster.pid", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", 0);
  if (g_strv_length (lines) < number || *lines[number - 1] == '\0')
    return NULL;
  return g_strdup (lines[number - 1]);
}

/* The folder of the socket is in the address, and in a list on a command line:
 * so no character of it may mean something there, and it may not be long. */
static gboolean
is_good_socket_dir (const char *dir)
{
  return strlen (dir) + strlen (SOCKET_NAME) <
             sizeof ((struct sockaddr_un *)0)->sun_path &&
         g_regex_match_simple ("^/[A-Za-z0-9/._-]+$", dir, 0, 0);
}

static gboolean
make_private_dir (PrivatePostgres *self, const char *dir, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (dir);
  struct stat st;

  g_mkdir_with_parents (parent, 0755);
  /* What is there already is not ours to give away. */
  if ((g_mkdir (dir, 0700) == 0 ? lchown (dir, self->uid, self->gid) != 0
                                : errno != EEXIST) ||
      lstat (dir, &st) != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "%s cannot be made: %s", dir, g_strerror (errno));
    return FALSE;
  }
  if (S_ISDIR (st.st_mode) && st.st_uid == self->uid && (st.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
      "%s must be a folder of the user who runs PostgreSQL, with mode 0700",
      dir);
  return FALSE;
}

static gboolean
choose_socket_dir (PrivatePostgres *self, GError **error)
{
  g_autofree char *sum =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->dir, -1);
  g_autofree char *name = g_strdup_printf ("wishcast-%.12s", sum);

  self->socket_dir = read_pid_file (self, 5);
  if (self->socket_dir == NULL)
    self->socket_dir = g_strdup (self->dir);
  if (!is_good_socket_dir (self->socket_dir)) {
    g_free (self->socket_dir);
    self->socket_dir = g_build_filename (
        geteuid () == 0 ? "/run" : g_get_user_runtime_dir (), name, NULL);
  }
  if (!is_good_socket_dir (self->socket_dir)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
        "%s is too long for the path of a socket; choose a shorter [node] "
        "data-dir",
        self->dir);
    return FALSE;
  }
  if (!make_private_dir (self, self->socket_dir, error))
    return FALSE;
  self->conninfo = g_strdup_printf (
      "host=%s port=5432 user=wishcast dbname=postgres", self->socket_dir);
  return TRUE;
}

/* If we are root, the server is not, and may be kept out by a folder above. */
static gboolean
check_reach (PrivatePostgres *self, GError **error)
{
  char *argv[] = {(char *)"/usr/bin/test", (char *)"-x", self->dir, NULL};

  if (geteuid () != 0 || run (self, argv, NULL))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
      "PostgreSQL runs as the user " SYSTEM_USER
      ", who cannot reach %s; choose "
      "a [node] data-dir whose parents everybody may pass (chmod o+x), such as "
      "/var/lib/wishcast, or set [database] url",
      self->dir);
  return FALSE;
}

/* --- cluster ---------------------------------------------------------------- */

/* Under another name first, so that a half-made one is never taken for one. */
static gboolean
make_cluster (PrivatePostgres *self, GError **error)
{
  g_autofree char *initdb = g_build_filename (self->bin_dir, "initdb", NULL);
  g_autofree char *unfinished = g_strconcat (self->data, ".unfinished", NULL);
  char *argv[] = {initdb, (char *)"-D", unfinished, (char *)"-U",
      (char *)"wishcast", (char *)"--auth-local=trust",
      (char *)"--auth-host=reject", (char *)"-E", (char *)"UTF8",
      (char *)"--locale=C", NULL};

  if (g_file_test (self->data, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!file_tree_remove (unfinished, error) || !run (self, argv, error))
    return FALSE;
  if (g_rename (unfinished, self->data) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "%s cannot be made: %s", self->data, g_strerror (errno));
  return FALSE;
}

/* The process of postmaster.pid, if it is a server of this cluster and not one
 * that has got the number of a dead one; else 0. */
static GPid
find_server (PrivatePostgres *self)
{
  g_autofree char *number = read_pid_file (self, 1);
  g_autofree char *link = NULL;
  g_autofree char *cwd = NULL;

  if (number == NULL || atoi (number) <= 1)
    return 0;
  link = g_strdup_printf ("/proc/%d/cwd", atoi (number));
  cwd = g_file_read_link (link, NULL);
  return g_strcmp0 (cwd, self->data) == 0 ? atoi (number) : 0;
}

/* --- supervision ------------------------------------------------------------ */

/* Takes @error, or NULL if it answers. Only the first time counts. */
static void
settle (PrivatePostgres *self, GError *error)
{
  g_mutex_lock (&self->lock);
  if (!self->is_settled) {
    self->is_settled = TRUE;
    self->error = g_steal_pointer (&error);
    g_cond_signal (&self->cond);
  }
  g_mutex_unlock (&self->lock);
  g_clear_error (&error);
}

static gboolean
is_settled (PrivatePostgres *self)
{
  gboolean is_settled;

  g_mutex_lock (&self->lock);
  is_settled = self->is_settled;
  g_mutex_unlock (&self->lock);
  return is_settled;
}

/* TRUE when it is time to stop. @fd may be -1. */
static gboolean
wait_ms (PrivatePostgres *self, int fd, int ms)
{
  struct pollfd fds[2] = {
      {g_cancellable_get_fd (self->stop), POLLIN, 0}, {fd, POLLIN, 0}};

  poll (fds, 2, ms);
  g_cancellable_release_fd (self->stop);
  return g_cancellable_is_cancelled (self->stop);
}

static gboolean
answers (PrivatePostgres *self, GError **error)
{
  g_autoptr (PgConnection) connection =
      pg_connection_open (self->conninfo, error);

  return connection != NULL;
}

static gboolean
take_lock (PrivatePostgres *self)
{
  g_autofree char *path = g_build_filename (self->dir, "lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    self->lock_fd = fd;
  else if (fd >= 0)
    close (fd);
  return self->lock_fd >= 0;
}

/* We have the lock, so whoever ran this server is gone, and it has been told to
 * shut down. */
static void
await_end_of_last (PrivatePostgres *self)
{
  g_autofree char *path = g_build_filename (self->data, "postmaster.pid", NULL);
  gint64 begin = g_get_monotonic_time ();
  GPid pid;

  while ((pid = find_server (self)) != 0) {
    gint64 waited = g_get_monotonic_time () - begin;

    kill (pid, waited < STOP_TIMEOUT       ? SIGINT
               : waited < 2 * STOP_TIMEOUT ? SIGQUIT
                                           : SIGKILL);
    if (wait_ms (self, -1, POLL_INTERVAL))
      return;
  }
  /* PostgreSQL itself takes any process of this number for a server. */
  g_unlink (path);
}

static gboolean
launch_server (PrivatePostgres *self, GError **error)
{
  g_autofree char *server = g_build_filename (self->bin_dir, "postgres", NULL);
  g_autofree char *sockets =
      g_strdup_printf ("unix_socket_directories=%s", self->socket_dir);
  char *argv[] = {server, (char *)"-D", self->data, (char *)"-p",
      (char *)"5432", (char *)"-c", (char *)"listen_addresses=", (char *)"-c",
      sockets, (char *)"-c", (char *)"unix_socket_permissions=0700",
      (char *)"-c",
      /* /dev/shm is small in containers. */
      (char *)"dynamic_shared_memory_type=mmap", (char *)"-c",
      (char *)"shared_buffers=64MB", (char *)"-c", (char *)"jit=off",
      (char *)"-c", (char *)"timezone=UTC", (char *)"-c",
      (char *)"log_min_messages=warning", (char *)"-c",
      (char *)"log_checkpoints=off", (char *)"-c",
      /* A statement in the log may have something in it that is private. */
      (char *)"log_min_error_statement=panic", NULL};

  return spawn (self, argv, &self->pid, error);
}

/* Until the server answers. FALSE if it ended, or is to be stopped. */
static gboolean
await_answer (PrivatePostgres *self, int fd, GError **error)
{
  gint64 patience = g_get_monotonic_time () + START_TIMEOUT;

  while (!answers (self, NULL)) {
    struct pollfd ended = {fd, POLLIN, 0};

    if (wait_ms (self, fd, POLL_INTERVAL))
      return FALSE;
    if (poll (&ended, 1, 0) == 1 || g_get_monotonic_time () > patience) {
      g_autofree char *reason = read_reason (self);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
          "PostgreSQL in %s does not start: %s", self->data, reason);
      return FALSE;
    }
  }
  return TRUE;
}

/* Waits until it ended, and sees to that when it is time. */
static void
await_end (PrivatePostgres *self, int fd)
{
  struct pollfd ended = {fd, POLLIN, 0};

  while (poll (&ended, 1, 0) == 0 && !wait_ms (self, fd, -1))
    ;
  if (poll (&ended, 1, 0) == 0) {
    kill (self->pid, SIGINT);
    if (poll (&ended, 1, STOP_TIMEOUT / 1000) == 0)
      kill (self->pid, SIGQUIT);
  }
  while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  self->pid = 0;
}

/* One life of the server, with the lock. */
static gboolean
run_server (PrivatePostgres *self, Backoff *backoff, GError **error)
{
  gboolean is_up;
  int fd;

  await_end_of_last (self);
  if (g_cancellable_is_cancelled (self->stop))
    return TRUE;
  if (!make_cluster (self, error) || !launch_server (self, error))
    return FALSE;
  fd = pidfd_open (self->pid, 0);
  is_up = await_answer (self, fd, error);
  if (is_up) {
    backoff_reset (backoff);
    settle (self, NULL);
    await_end (self, fd);
  } else {
    kill (self->pid, SIGINT);
    await_end (self, fd);
  }
  close (fd);
  return is_up;
}

static gpointer
supervise (gpointer data)
{
  PrivatePostgres *self = data;
  Backoff backoff = {100 * 1000, 5 * G_USEC_PER_SEC, 0};
  gint64 patience = g_get_monotonic_time () + START_TIMEOUT;
  gint64 retries = g_get_monotonic_time () + START_RETRIES;

  while (!g_cancellable_is_cancelled (self->stop)) {
    g_autoptr (GError) error = NULL;
    gboolean was_up;

    if (self->lock_fd < 0 && !take_lock (self)) {
      if (!is_settled (self) && answers (self, &error))
        settle (self, NULL);
      else if (error != NULL && g_get_monotonic_time () > patience)
        settle (self, g_steal_pointer (&error));
      wait_ms (self, -1, LOCK_INTERVAL);
      continue;
    }
    was_up = run_server (self, &backoff, &error);
    if (error != NULL && is_settled (self))
      g_message ("%s", error->message);
    else if (error != NULL && g_get_monotonic_time () > retries)
      settle (self, g_steal_pointer (&error));
    if (!wait_ms (self, -1,
            (int)(backoff_next (&backoff, g_random_double ()) / 1000)) &&
        was_up)
      g_message ("PostgreSQL in %s ended; it is started again", self->data);
  }
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  return NULL;
}

/* --- public ----------------------------------------------------------------- */

PrivatePostgres *
private_postgres_start (const char *data_dir, GError **error)
{
  g_autoptr (PrivatePostgres) self = g_new0 (PrivatePostgres, 1);
  g_autofree char *absolute = g_canonicalize_filename (data_dir, NULL);
  g_autofree char *resolved = NULL;

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->stop = g_cancellable_new ();
  self->lock_fd = -1;
  self->owner = getpid ();
  if (g_mkdir_with_parents (absolute, 0755) != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "%s cannot be made: %s", absolute, g_strerror (errno));
    return NULL;
  }
  resolved = realpath (absolute, NULL);
  self->dir = g_build_filename (resolved, "postgres", NULL);
  self->data = g_build_filename (self->dir, "data", NULL);
  if (!find_user (self, error) || !make_private_dir (self, self->dir, error) ||
      !find_programs (self, error) || !choose_socket_dir (self, error) ||
      !check_reach (self, error))
    return NULL;

  self->thread = g_thread_new ("postgres", supervise, self);
  g_mutex_lock (&self->lock);
  while (!self->is_settled)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
  if (self->error != NULL) {
    g_propagate_error (error, g_steal_pointer (&self->error));
    return NULL;
  }
  return g_steal_pointer (&self);
}

const char *
private_postgres_get_conninfo (PrivatePostgres *postgres)
{
  return postgres->conninfo;
}

void
private_postgres_free (PrivatePostgres *postgres)
{
  if (postgres == NULL)
    return;
  g_cancellable_cancel (postgres->stop);
  g_clear_pointer (&postgres->thread, g_thread_join);
  g_clear_error (&postgres->error);
  g_object_unref (postgres->stop);
  g_mutex_clear (&postgres->lock);
  g_cond_clear (&postgres->cond);
  g_free (postgres->dir);
  g_free (postgres->data);
  g_free (postgres->bin_dir);
  g_free (postgres->socket_dir);
  g_free (postgres->conninfo);
  g_free (postgres);
}
