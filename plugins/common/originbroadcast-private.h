/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "latencymeter.h"
#include "originanswer.h"
#include "originbroadcast.h"

G_BEGIN_DECLS

/* What originbroadcast.c, the publisher's and the origin's side of a link, and
 * originviewer.c, the viewers' side, share. */

/* Something that becomes visible in its turn. */
typedef struct {
  enum { PENDING_CHUNK, PENDING_CLOSE, PENDING_END } what;
  ChunkInfo info;
  GBytes *bytes;
  guint16 track;     /* of the window, not of the publisher */
  gboolean wait;     /* for the store */
  gboolean appended; /* the store has it */
  gint64 deadline;   /* until then it waits */
} Pending;

/* A request that is held. */
typedef struct {
  HttpRequest *request;
  OriginRoute route;
  guint track;
  HttpDirectives directives;
  gint64 deadline;
  gboolean expired;
} Waiter;

typedef struct {
  OriginPlaylist *playlist;
  guint64 version;
} Rendered;

struct _OriginBroadcast {
  gatomicrefcount refs;
  OriginShared *shared;
  char *link;
  guint64 append_grace; /* us */
  gboolean has_store;
  guint64 dvr_window;
  guint32 token; /* of this life of the link, in ETags */

  /* Server threads only, before lock: the first one to come reads the store,
   * the others wait for it. */
  GMutex seed_lock;
  int seeded; /* atomic */

  /* with lock */
  GMutex lock;
  guint ledger_id;
  gboolean publishing;
  gboolean has_pushed;
  guint32 first_epoch; /* that was pushed in this process */
  gboolean leaving;    /* end at leave_at */
  gint64 leave_at;
  gint64 ended_at;
  MediaWindow *window;
  GArray *map;        /* of guint16: the publisher's track -> the window's */
  guint64 generation; /* counts what players can see */
  GQueue pending;     /* of Pending */
  GArray *early;      /* of ChunkInfo */
  GPtrArray *waiters; /* of Waiter, owned by their requests */
  GArray *rendered;   /* of Rendered, by track */
  Rendered multivariant;
  OriginStats stats;
  LatencyMeter latency; /* of parts, until players can see them */
};

void origin_rendered_clear (gpointer rendered);

/* Takes the requests out whose wait is over; lock held. */
GPtrArray *origin_broadcast_collect_locked (OriginBroadcast *self, gint64 now);
/* Unlocks, then lets the requests in @ready go on. */
void origin_broadcast_unlock_and_resume (
    OriginBroadcast *self, GPtrArray *ready);

G_END_DECLS
