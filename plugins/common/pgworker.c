/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pgworker.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backoff.h"
#include "pgconnection-private.h"

#define BACKOFF_FIRST (100 * 1000)
#define BACKOFF_MOST (10 * G_USEC_PER_SEC)
/* poll() has an int of ms. */
#define LONGEST_WAIT (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

typedef struct {
  PgJob job;
  PgJobDone done;
  gpointer data;
  GDestroyNotify destroy;
} Job;

typedef struct {
  PgJob job;
  gpointer data;
  gint64 interval;
  gint64 due; /* monotonic */
} Timer;

struct _PgWorker {
  char *conninfo;
  GStrv channels;
  PgWorkerEvents events;
  gpointer data;
  GThread *thread;
  int wake_fd;               /* something of what is under the lock changed */
  GCancellable *cancellable; /* of whatever waits for the database */

  GMutex lock;
  GCond ended_cond;
  /* with lock */
  GQueue jobs;    /* of Job; the one being done stays at the head */
  GArray *timers; /* of Timer */
  gboolean is_connected;
  gboolean is_stopping;
  gboolean has_ended;

  /* of the thread */
  PgConnection *connection;
  Backoff backoff;
  gint64 connect_at; /* monotonic: not before */
  gint64 retry_at;   /* of the job at the head, after a conflict */
  gboolean is_told;  /* that the connection is lost, and why: */
  int told_code;
};

static void
job_free (gpointer data)
{
  Job *job = data;

  if (job->destroy != NULL)
    job->destroy (job->data);
  g_free (job);
}

static void
wake (PgWorker *worker)
{
  uint64_t one = 1;
  ssize_t n G_GNUC_UNUSED = write (worker->wake_fd, &one, sizeof one);
}

static gint64
next_attempt (PgWorker *worker)
{
  return g_get_monotonic_time () +
         backoff_next (&worker->backoff, g_random_double ());
}

/* --- connection ------------------------------------------------------------- */

static void
set_connected (PgWorker *worker, gboolean is_connected)
{
  g_mutex_lock (&worker->lock);
  worker->is_connected = is_connected;
  g_mutex_unlock (&worker->lock);
}

static void
give_up_connection (PgWorker *worker, const GError *error)
{
  g_clear_pointer (&worker->connection, pg_connection_free);
  set_connected (worker, FALSE);
  worker->connect_at = next_attempt (worker);
  if (g_cancellable_is_cancelled (worker->cancellable) ||
      (worker->is_told && worker->told_code == error->code))
    return;
  worker->is_told = TRUE;
  worker->told_code = error->code;
  if (worker->events.lost != NULL)
    worker->events.lost (error, worker->data);
}

/* LISTEN comes before looking for what was missed, or what happens in between
 * would be missed for good. */
static gboolean
open_connection (PgWorker *worker, GError **error)
{
  worker->connection = pg_connection_open_cancellable (
      worker->conninfo, worker->cancellable, error);
  if (worker->connection == NULL)
    return FALSE;
  for (guint i = 0; worker->channels != NULL && worker->channels[i] != NULL;
       i++)
    if (!pg_connection_listen (worker->connection, worker->channels[i], error))
      return FALSE;
  set_connected (worker, TRUE);
  return worker->events.connected == NULL ||
         worker->events.connected (worker->connection, worker->data, error);
}

static void
try_to_connect (PgWorker *worker)
{
  g_autoptr (GError) error = NULL;

  if (open_connection (worker, &error))
    worker->is_told = FALSE;
  else
    give_up_connection (worker, error);
}

static void
take_notifications (PgWorker *worker)
{
  g_autoptr (GError) error = NULL;
  gboolean is_good = pg_connection_receive (worker->connection, &error);
  char *channel, *payload;

  /* Notifications that arrived before it was lost are not lost. */
  while (pg_connection_take_notification (
      worker->connection, &channel, &payload)) {
    if (is_good && worker->events.notified != NULL)
      is_good = worker->events.notified (
          worker->connection, channel, payload, worker->data, &error);
    g_free (channel);
    g_free (payload);
  }
  if (!is_good)
    give_up_connection (worker, error);
}

/* --- work ------------------------------------------------------------------- */

/* Whether a timer was due. */
static gboolean
run_timer (PgWorker *worker)
{
  g_autoptr (GError) error = NULL;
  gint64 now = g_get_monotonic_time ();
  Timer timer = {NULL};

  g_mutex_lock (&worker->lock);
  for (guint i = 0; i < worker->timers->len && timer.job == NULL; i++) {
    Timer *t = &g_array_index (worker->timers, Timer, i);

    if (t->due <= now) {
      t->due = now + t->interval;
      timer = *t;
    }
  }
  g_mutex_unlock (&worker->lock);

  if (timer.job == NULL)
    return FALSE;
  if (timer.job (worker->connection, timer.data, &error))
    backoff_reset (&worker->backoff);
  else if (pg_connection_is_lost (worker->connection) ||
           g_error_matches (error, PG_ERROR, PG_ERROR_AWAY))
    give_up_connection (worker, error);
  else
    g_debug ("A timer of PostgreSQL work failed: %s", error->message);
  return TRUE;
}

/* Whether there was a job to be done now. Once all is done, the next failure is
 * a first one. */
static gboolean
run_job (PgWorker *worker)
{
  g_autoptr (GError) error = NULL;
  Job *job;

  g_mutex_lock (&worker->lock);
  job = g_queue_peek_head (&worker->jobs);
  g_mutex_unlock (&worker->lock);
  if (job == NULL)
    backoff_reset (&worker->backoff);
  if (job == NULL || g_get_monotonic_time () < worker->retry_at)
    return FALSE;

  if (!job->job (worker->connection, job->data, &error) &&
      pg_error_is_transient (error)) {
    if (pg_connection_is_lost (worker->connection) ||
        error->code == PG_ERROR_AWAY)
      give_up_connection (worker, error);
    else
      worker->retry_at = next_attempt (worker);
    return TRUE;
  }
  backoff_reset (&worker->backoff);
  if (job->done != NULL)
    job->done (error, job->data);
  g_mutex_lock (&worker->lock);
  g_queue_pop_head (&worker->jobs);
  g_mutex_unlock (&worker->lock);
  job_free (job);
  return TRUE;
}

/* --- thread ----------------------------------------------------------------- */

/* Monotonic time of what is to be done next without anything happening. */
static gint64
get_next_due (PgWorker *worker)
{
  gint64 due = G_MAXINT64;

  if (worker->connection == NULL)
    return worker->connect_at;
  g_mutex_lock (&worker->lock);
  if (!g_queue_is_empty (&worker->jobs))
    due = worker->retry_at;
  for (guint i = 0; i < worker->timers->len; i++)
    due = MIN (due, g_array_index (worker->timers, Timer, i).due);
  g_mutex_unlock (&worker->lock);
  return due;
}

static void
wait_for_something (PgWorker *worker)
{
  struct pollfd fds[2] = {{worker->wake_fd, POLLIN, 0}, {-1, POLLIN, 0}};
  gint64 due = get_next_due (worker);
  gint64 left = CLAMP (due - g_get_monotonic_time (), 0, LONGEST_WAIT);
  uint64_t n_wakes;

  if (worker->connection != NULL)
    fds[1].fd = pg_connection_get_fd (worker->connection);
  poll (fds, 2, (int)((left + 999) / 1000));
  if (fds[0].revents != 0) {
    ssize_t n G_GNUC_UNUSED = read (worker->wake_fd, &n_wakes, sizeof n_wakes);
  }
}

/* A stopping worker makes one attempt to connect, since it may have been
 * started only a moment ago. */
static gboolean
may_go_on (PgWorker *worker)
{
  gboolean may;

  g_mutex_lock (&worker->lock);
  may = !worker->is_stopping ||
        (!g_queue_is_empty (&worker->jobs) &&
            !g_cancellable_is_cancelled (worker->cancellable) &&
            (worker->connection != NULL || worker->backoff.failures == 0));
  g_mutex_unlock (&worker->lock);
  return may;
}

static gpointer
pg_worker_thread (gpointer data)
{
  PgWorker *worker = data;

  while (may_go_on (worker)) {
    if (worker->connection == NULL &&
        worker->connect_at <= g_get_monotonic_time ())
      try_to_connect (worker);
    if (worker->connection != NULL)
      take_notifications (worker);
    if (worker->connection != NULL && run_timer (worker))
      continue;
    if (worker->connection != NULL && run_job (worker))
      continue;
    wait_for_something (worker);
  }
  g_clear_pointer (&worker->connection, pg_connection_free);

  g_mutex_lock (&worker->lock);
  worker->is_connected = FALSE;
  worker->has_ended = TRUE;
  g_cond_signal (&worker->ended_cond);
  g_mutex_unlock (&worker->lock);
  return NULL;
}

/* --- public ----------------------------------------------------------------- */

PgWorker *
pg_worker_new (const char *name, const char *conninfo,
    const char *const *channels, const PgWorkerEvents *events, gpointer data)
{
  PgWorker *worker = g_new0 (PgWorker, 1);

  worker->conninfo = g_strdup (conninfo);
  worker->channels = g_strdupv ((GStrv)channels);
  if (events != NULL)
    worker->events = *events;
  worker->data = data;
  worker->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (worker->wake_fd < 0)
    g_error ("eventfd: %s", g_strerror (errno));
  worker->cancellable = g_cancellable_new ();
  worker->timers = g_array_new (FALSE, FALSE, sizeof (Timer));
  worker->backoff.first = BACKOFF_FIRST;
  worker->backoff.most = BACKOFF_MOST;
  g_mutex_init (&worker->lock);
  g_cond_init (&worker->ended_cond);
  worker->thread = g_thread_new (name, pg_worker_thread, worker);
  return worker;
}

void
pg_worker_run (PgWorker *worker, PgJob job, PgJobDone done, gpointer data,
    GDestroyNotify destroy)
{
  Job *queued = g_new (Job, 1);

  *queued = (Job){job, done, data, destroy};
  g_mutex_lock (&worker->lock);
  g_queue_push_tail (&worker->jobs, queued);
  g_mutex_unlock (&worker->lock);
  wake (worker);
}

void
pg_worker_add_timer (PgWorker *worker, guint interval, PgJob job, gpointer data)
{
  Timer timer = {job, data, interval * (gint64)1000, 0};

  timer.due = g_get_monotonic_time () + timer.interval;
  g_mutex_lock (&worker->lock);
  g_array_append_val (worker->timers, timer);
  g_mutex_unlock (&worker->lock);
  wake (worker);
}

gboolean
pg_worker_is_connected (PgWorker *worker)
{
  gboolean is_connected;

  g_mutex_lock (&worker->lock);
  is_connected = worker->is_connected;
  g_mutex_unlock (&worker->lock);
  return is_connected;
}

guint
pg_worker_get_queued (PgWorker *worker)
{
  guint n;

  g_mutex_lock (&worker->lock);
  n = g_queue_get_length (&worker->jobs);
  g_mutex_unlock (&worker->lock);
  return n;
}

void
pg_worker_free (PgWorker *worker, gint64 patience)
{
  gint64 deadline = g_get_monotonic_time () + patience;

  if (worker == NULL)
    return;
  g_return_if_fail (worker->thread != g_thread_self ());

  g_mutex_lock (&worker->lock);
  worker->is_stopping = TRUE;
  wake (worker);
  while (!worker->has_ended &&
         g_cond_wait_until (&worker->ended_cond, &worker->lock, deadline))
    ;
  g_mutex_unlock (&worker->lock);
  g_cancellable_cancel (worker->cancellable);
  wake (worker);
  g_thread_join (worker->thread);

  g_queue_clear_full (&worker->jobs, job_free);
  g_array_unref (worker->timers);
  g_object_unref (worker->cancellable);
  g_mutex_clear (&worker->lock);
  g_cond_clear (&worker->ended_cond);
  close (worker->wake_fd);
  g_strfreev (worker->channels);
  g_free (worker->conninfo);
  g_free (worker);
}
