/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes what happens to the broadcasts of this process into PostgreSQL: one
 * for each database and process, so that changes of one link, by whichever
 * pipeline, are written in the order they happened. While the database is away
 * they wait; how many is bounded by REGISTRAR_MAX_QUEUED links, since of one
 * link only what still matters is kept: its newest state, with the times at
 * which it began and was first live. An end is never superseded.
 *
 * It also prolongs the leases of what is starting or live, and tells the state
 * of such a link again where the database has another one, or could not take
 * it.
 *
 * All functions may be called from any thread; none blocks but for
 * registrar_unref(). */
typedef struct _Registrar Registrar;

/* Far more links than a process has broadcasts, and a few MB. */
#define REGISTRAR_MAX_QUEUED 10000

#define REGISTRAR_LEASE (15 * G_USEC_PER_SEC)
#define REGISTRAR_RENEWAL (5 * G_USEC_PER_SEC)

typedef enum {
  BROADCAST_STARTING,
  BROADCAST_LIVE,
  BROADCAST_INTERRUPTED,
  BROADCAST_ENDED,
} BroadcastState;

const char *broadcast_state_to_string (BroadcastState state);

/* All strings are UTF-8; what may be NULL says so. */
typedef struct {
  const char *link;
  const char *id; /* link_to_uuid() */
  const char *game;
  gint64 broadcaster;     /* 0: none */
  const char *title;      /* "" for none */
  const char *visibility; /* "public", "hidden", "rehearsal" */
  const char *node;
  const char *origin_url; /* or NULL */
  BroadcastState state;
  gint64 at;           /* us since 1970 at which it happened */
  gint64 resume_until; /* us since 1970, if interrupted */
  const char *reason;  /* if ended: "developer", "operator", "window-passed",
                          "stream-ended"; else NULL */
} BroadcastChange;

typedef enum {
  REGISTRAR_WRITTEN,
  REGISTRAR_ELSEWHERE, /* another node has this link */
  REGISTRAR_OVER,      /* this link has ended, for good */
  REGISTRAR_NO_GAME,   /* the game is not in the database */
  REGISTRAR_FAILED,    /* the database refuses for another reason: @detail */
} RegistrarAnswer;

/* Once for each change, not when it was superseded by a later one or the
 * registrar ended. On the registrar's thread, where no registrar may be acquired
 * or released; or within the call, if too many links wait. */
typedef void (*RegistrarDone) (
    RegistrarAnswer answer, const char *detail, gpointer data);

/* The registrar of @conninfo, made if there is none. (transfer full) */
Registrar *registrar_acquire (const char *conninfo);
Registrar *registrar_ref (Registrar *registrar);
/* The last one waits a second at most for what can still be written. Whoever
 * acquires the same one meanwhile waits too, so the order holds. */
void registrar_unref (Registrar *registrar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Registrar, registrar_unref)

/* Copies @change. @done may be NULL; @destroy frees @data in any case. */
void registrar_write (Registrar *registrar, const BroadcastChange *change,
    RegistrarDone done, gpointer data, GDestroyNotify destroy);
/* Ingest health of a link: a JSON array of findings. Only the last one of a
 * link is kept while the database is away. */
void registrar_write_health (
    Registrar *registrar, const char *link, const char *json);
/* Files the job that tells the wishlist of a broadcast, once: @answer is what
 * wishcast.file_notification() returns, or NULL, and @detail why, if the database
 * cannot do it. On the registrar's thread. */
typedef void (*RegistrarFiled) (
    const char *answer, const char *detail, gpointer data);

typedef struct {
  const char *link;
  const char *id; /* link_to_uuid() */
  const char *game;
  gint64 at;           /* us since 1970 at which it became playable */
  gint64 quiet_period; /* us */
} BroadcastNotice;

/* Copies @notice. @destroy frees @data in any case. */
void registrar_file_notice (Registrar *registrar, const BroadcastNotice *notice,
    RegistrarFiled filed, gpointer data, GDestroyNotify destroy);
gboolean registrar_is_connected (Registrar *registrar);
/* Why it is not connected, or NULL if it is or nobody knows yet. (transfer
 * full) */
char *registrar_dup_problem (Registrar *registrar);
/* How many links wait to be written. */
guint registrar_get_queued (Registrar *registrar);

G_END_DECLS
