/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keyring.h"
#include "registrar.h"

G_BEGIN_DECLS

/* The book of this node's broadcasts: who may begin one, who may go on with
 * one, when one is over. Logic without threads, clocks or pipelines. All times
 * are us since 1970, since they are kept across restarts.
 *
 *   starting -> live -> (interrupted -> starting -> live)* -> ended
 *
 * A broadcast that goes on is `starting` from its admission to its first media;
 * players and the database see it as interrupted until then. */
typedef struct _Lifecycle Lifecycle;

/* One broadcast. Fields are read by anybody who holds the lock of the book's
 * owner, and written by the book only. */
typedef struct {
  char *link;
  char *key_id;
  char *game;
  char *title;
  gint64 broadcaster; /* 0: none */
  char *broadcaster_name;

  BroadcastState state;
  gint64 created;
  gint64 since;        /* of the state */
  gint64 resume_until; /* if interrupted or starting again, else 0 */
  char *reason;        /* if ended */

  /* not kept across restarts */
  gboolean is_publishing; /* admitted, and not left since; also once ended */
} Broadcast;

Broadcast *broadcast_copy (const Broadcast *broadcast);
void broadcast_free (Broadcast *broadcast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Broadcast, broadcast_free)

typedef struct {
  gint64 resume_window; /* us that a publisher has to come back */
  gint64 end_hold;      /* us that a publisher is refused after an end */
  guint max_publishers;
} LifecycleRules;

typedef enum {
  LIFE_BEGINS,    /* a new broadcast */
  LIFE_GOES_ON,   /* one that was interrupted */
  LIFE_BUSY,      /* this broadcaster is publishing */
  LIFE_HELD,      /* it was ended a moment ago */
  LIFE_ELSEWHERE, /* it could only begin, but another node has it */
  LIFE_FULL,
} LifeVerdict;

Lifecycle *lifecycle_new (const LifecycleRules *rules);
void lifecycle_free (Lifecycle *life);

/* A publisher knocks. @link: of the broadcast, if one begins. @elsewhere:
 * whether another node has one of this broadcaster. @broadcast is set by the
 * first two verdicts (transfer none); it is the book's until it is forgotten. */
LifeVerdict lifecycle_admit (Lifecycle *life, const KeyOwner *owner,
    const char *link, gboolean elsewhere, gint64 now, Broadcast **broadcast);
/* It was refused after all, before anything ran: as if it had never come. A
 * broadcast that began with it is forgotten; then FALSE. */
gboolean lifecycle_retract (Lifecycle *life, Broadcast *broadcast, gint64 now);
/* Its first media came. FALSE if that changes nothing. */
gboolean lifecycle_live (Lifecycle *life, Broadcast *broadcast, gint64 now);
/* Its publisher is gone. FALSE if that changes nothing but that. */
gboolean lifecycle_leave (Lifecycle *life, Broadcast *broadcast, gint64 now);
/* Ends it by command, and holds its broadcaster off for a while. FALSE if it
 * has ended. */
gboolean lifecycle_end (
    Lifecycle *life, Broadcast *broadcast, const char *reason, gint64 now);
/* Ends the next one whose window has passed, and gives it; NULL if there is
 * none (any more). */
Broadcast *lifecycle_expire (Lifecycle *life, gint64 now);
/* When lifecycle_expire() has something to do; G_MAXINT64 for never. */
gint64 lifecycle_next (Lifecycle *life);

/* Takes over what an earlier process knew (transfer full). What was on air when
 * it died is interrupted since @last_media (0: unknown), and has a whole window
 * from now. NULL if the link is in the book already. */
Broadcast *lifecycle_restore (
    Lifecycle *life, Broadcast *broadcast, gint64 last_media, gint64 now);
/* Takes an ended one out of the book and frees it. */
void lifecycle_forget (Lifecycle *life, Broadcast *broadcast);

Broadcast *lifecycle_find (Lifecycle *life, const char *link);
/* All, also those that have ended and are not forgotten. (transfer none) */
const GPtrArray *lifecycle_get_all (Lifecycle *life);

G_END_DECLS
