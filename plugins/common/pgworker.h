/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"

G_BEGIN_DECLS

/* A thread with one connection that is opened again, with backoff and jitter,
 * whenever it is lost. All functions may be called from any thread and none
 * blocks, but for pg_worker_free(). */
typedef struct _PgWorker PgWorker;

/* Done on the worker's thread. FALSE with a transient error: the worker tries
 * again from the start, before any later job, for as long as it takes; so a job
 * must bear being done twice. FALSE with another error: it is over, and @done
 * hears of it. */
typedef gboolean (*PgJob) (
    PgConnection *connection, gpointer data, GError **error);
/* @error is NULL if it was done. On the worker's thread. */
typedef void (*PgJobDone) (const GError *error, gpointer data);

/* All on the worker's thread; each may be NULL. After an error of the first two
 * of whatever kind the connection is opened anew, with backoff, so that
 * `connected` looks for what was missed once more. */
typedef struct {
  /* Connected, again or for the first time, and listening: look for what was
   * missed. */
  gboolean (*connected) (
      PgConnection *connection, gpointer data, GError **error);
  /* A notification came. Queries are allowed. */
  gboolean (*notified) (PgConnection *connection, const char *channel,
      const char *payload, gpointer data, GError **error);
  /* Lost, or not to be had; told once for each time it is lost, and again when
   * the code of the error becomes another one. */
  void (*lost) (const GError *error, gpointer data);
} PgWorkerEvents;

/* @channels: NULL-terminated, or NULL. @events is copied. Starts the thread. */
PgWorker *pg_worker_new (const char *name, const char *conninfo,
    const char *const *channels, const PgWorkerEvents *events, gpointer data);
/* Queues a job behind all others. @done may be NULL; @destroy frees @data after
 * it, or when the worker ends before it was done. */
void pg_worker_run (PgWorker *worker, PgJob job, PgJobDone done, gpointer data,
    GDestroyNotify destroy);
/* Runs it each @interval ms while there is a connection; not made up for, but
 * done once on reconnecting if it is due. */
void pg_worker_add_timer (
    PgWorker *worker, guint interval, PgJob job, gpointer data);
gboolean pg_worker_is_connected (PgWorker *worker);
guint pg_worker_get_queued (PgWorker *worker);
/* Waits up to @patience us for the queued jobs, as long as a connection is there
 * or to be had at the first attempt, then cancels what runs, drops the rest and
 * joins the thread. Not from the worker's own thread. */
void pg_worker_free (PgWorker *worker, gint64 patience);

G_END_DECLS
