/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delivery.h"

G_BEGIN_DECLS

/* The notifier of a node: takes jobs from wishcast.notification_job, one at a
 * time, reads the wishlist half a page at a time and delivers each, the next being
 * read meanwhile; commits the cursor after each. Any number of nodes may run one. A
 * thread for the job, one for the reading, and a PgWorker that listens to
 * wishcast_jobs and keeps the lease. Whatever is away is asked again with
 * backoff, the job staying where it is. */
typedef struct _Fanout Fanout;

/* Users a page: whom a kill repeats on the wire, at most. One half of it may be
 * under way while the other is answered for and committed. */
#define FANOUT_PAGE 10000
#define FANOUT_HALF (FANOUT_PAGE / 2)

typedef struct {
  const char *conninfo;
  const char *node;
  const char *public_url;
  const NoticeTexts *texts; /* outlives it */
  guint max_rate;           /* users a second; 0: as fast as it goes */
  GPtrArray *deliveries;    /* of Delivery, one at least; of its thread alone */
  /* Called on a thread of the fan-out. (transfer full) */
  WishlistSource *(*make_source) (gpointer data);
  gpointer data;
} FanoutSettings;

Fanout *fanout_new (const FanoutSettings *settings);
/* What is under way is broken off; the job goes on from its last page, on
 * whichever node. */
void fanout_free (Fanout *fanout);

typedef struct {
  guint64 sent, refused, failures; /* since the start */
  gboolean is_busy;
} FanoutStats;

void fanout_get_stats (Fanout *fanout, FanoutStats *stats);

G_END_DECLS
