/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"
#include "lifecycle.h"
#include "nodewatch.h"
#include "pipelinerun.h"
#include "statefile.h"

G_BEGIN_DECLS

/* What broadcasts.c, the book of this node and its ends, and publication.c, the
 * publishers and their pipelines, share. Functions with `_locked` in the name
 * are called with the lock held; nothing that waits is. */

struct _Broadcasts {
  gatomicrefcount refs; /* publications and what the registrar still writes */

  /* settings */
  char *node;
  char *conninfo;
  char *cache_dir;
  char *origin_address;
  char *origin_url; /* or NULL */
  guint64 dvr_window;
  guint64 notify_after, quiet_period;
  guint64 resume_window; /* ns */
  char *(*get_pipeline) (const char *game, gpointer data);
  gpointer data;

  Keyring *keyring;
  Origin *origin;
  Registrar *registrar;
  NodeWatch *watch;
  StateFile *state_file;
  GMainContext *context; /* of the thread: buses, clocks */
  GMainLoop *loop;
  GThread *thread;
  GSource *clock;
  GThreadPool *stops; /* of Stop: what waits for pipelines and disk */
  GThreadPool *ends;  /* of links (char *): one at a time */

  GMutex lock;
  GCond changed; /* of `busy` and `n_working` */
  /* with lock */
  gboolean is_closed;
  Lifecycle *life;
  GPtrArray *publications; /* of Publication, owned, that are not gone */
  GHashTable *busy;        /* set of links whose pipeline starts or stops */
  guint n_working;         /* jobs of `stops` and `ends` */
  char *complaint;         /* last told, about the state file */
};

struct _Publication {
  gatomicrefcount refs;
  Broadcasts *owner; /* counted */
  char *link;
  char *game;
  char *who; /* for logs: broadcaster, protocol, peer, key id */
  char *protocol;
  char *key_id;

  /* Held while it is called, so that it is not called once the publication was
   * ended; recursive, because it may be ended in there. Before the lock of the
   * owner. */
  GRecMutex drop_lock;
  PublicationDropped dropped; /* NULL once told */
  gpointer data;

  /* with the owner's lock */
  PipelineRun *run;
  GstElement *source; /* of `run`, also once that is gone */
  gboolean is_started;
  gboolean is_gone;
  const char *fault; /* for which the clock drops it, or NULL */
  char *health;      /* JSON */
};

Broadcasts *broadcasts_ref (Broadcasts *broadcasts);
void broadcasts_unref (Broadcasts *broadcasts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Broadcasts, broadcasts_unref)

void broadcasts_save_locked (Broadcasts *broadcasts);
/* Does what is left to do for one that has ended, once nothing of it runs. */
void broadcasts_finish_locked (Broadcasts *broadcasts, const char *link);

Publication *publication_new (Broadcasts *broadcasts,
    const Broadcast *broadcast, const char *protocol, const char *peer,
    PublicationDropped dropped, gpointer data);
Publication *publication_ref (Publication *publication);
void publication_unref (Publication *publication);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Publication, publication_unref)
/* The publisher counts as gone from now on; its pipeline is stopped. */
void publication_leave_locked (Publication *publication);
/* Has its connection closed. Without the lock. */
void publication_drop (Publication *publication, const char *reason);
/* A job of the pool `stops`. */
void publication_stop_job (gpointer job, gpointer broadcasts);

G_END_DECLS
