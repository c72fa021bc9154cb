/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpserver.h"
#include "mediawindow.h"
#include "origin.h"
#include "originroutes.h"
#include "origintimer.h"

G_BEGIN_DECLS

/* One link on air, for origin.c. All functions are thread-safe. Lock order:
 * origin, broadcast, timer. Requests are resumed without a lock held. */

/* What the broadcasts of one origin share. */
typedef struct {
  OriginTimer *timer;
  int max_waiting;
  int waiting; /* atomic: requests that are held */
} OriginShared;

/* What a store has of a link that comes back after a restart. */
typedef struct {
  TrackTable *table;
  GArray *epochs;    /* of MediaEpoch */
  GPtrArray *tracks; /* by table: GArray of MediaSegment */
  guint lead;        /* in the table */
} OriginSeed;

OriginBroadcast *origin_broadcast_new (OriginShared *shared, const char *link,
    const OriginWindow *window, gboolean has_store);
OriginBroadcast *origin_broadcast_ref (OriginBroadcast *broadcast);
void origin_broadcast_unref (OriginBroadcast *broadcast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OriginBroadcast, origin_broadcast_unref)

gboolean origin_broadcast_take (OriginBroadcast *broadcast);
guint64 origin_broadcast_get_dvr_window (OriginBroadcast *broadcast);
gboolean origin_broadcast_begin_seed (OriginBroadcast *broadcast);
void origin_broadcast_end_seed (
    OriginBroadcast *broadcast, const OriginSeed *seed);
gboolean origin_broadcast_end (OriginBroadcast *broadcast);
gboolean origin_broadcast_is_ended (OriginBroadcast *broadcast);
gboolean origin_broadcast_is_playable (OriginBroadcast *broadcast);
gboolean origin_broadcast_is_over (OriginBroadcast *broadcast, gint64 now);
gint64 origin_broadcast_tick (OriginBroadcast *broadcast, gint64 now);
void origin_broadcast_release_all (OriginBroadcast *broadcast);
HttpResponse *origin_broadcast_answer (OriginBroadcast *broadcast,
    HttpRequest *request, const OriginRoute *route, gint64 now,
    gboolean *missing);

G_END_DECLS
