/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archiver.h"
#include "pgworker.h"

G_BEGIN_DECLS

/* What the parts of the archiver share. Belongs to the archiver's thread but for
 * what says otherwise, and outlives all jobs. */
typedef struct {
  char *node;
  char *cache_dir;
  char *state_dir;
  char *pipeline;
  ArchiveStore *store;
  GMainContext *context;
  GThreadPool *pool; /* of ArchiveJob: what waits for network or disk */
  PgWorker *worker;
  GCancellable *cancellable; /* thread-safe; of all that waits */
  /* A link wants a step, or is done. */
  void (*changed) (gpointer data);
  gpointer data;
} ArchiverShared;

/* Done on a thread of the pool; then @done on the archiver's, unless that ends
 * before. @error belongs to the job. */
typedef struct _ArchiveJob ArchiveJob;
struct _ArchiveJob {
  void (*work) (ArchiveJob *job);
  void (*done) (ArchiveJob *job);
  void (*free) (ArchiveJob *job);
  ArchiverShared *shared;
  GError *error;
};

/* Has @func called on the archiver's thread, and @destroy in any case. */
void archiver_call (ArchiverShared *shared, GSourceFunc func, gpointer data,
    GDestroyNotify destroy);
void archiver_push_job (ArchiverShared *shared, ArchiveJob *job);

G_END_DECLS
