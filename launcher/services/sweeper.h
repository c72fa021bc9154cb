/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Ends in the database what no node ends: broadcasts whose node is gone. Any
 * number of nodes may have one. A thread of its own. */
typedef struct _Sweeper Sweeper;

/* @resume_window: us. */
Sweeper *sweeper_new (const char *conninfo, gint64 resume_window);
void sweeper_free (Sweeper *sweeper);

/* When it may sweep, as logic: not before the database has been there for two
 * leases without a break, so that every living node has renewed its own since.
 * Times of any one clock, in us. */
typedef struct {
  gint64 since; /* connected; 0: not */
} SweepRule;

void sweep_rule_connected (SweepRule *rule, gint64 now);
void sweep_rule_lost (SweepRule *rule);
gboolean sweep_rule_is_due (const SweepRule *rule, gint64 now);

G_END_DECLS
