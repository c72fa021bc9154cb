/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the database has to tell this node: which broadcasts other nodes have,
 * and which of its own are to end. While it is away, what was known last goes
 * on to hold for as long as it can be true. Thread-safe. */
typedef struct _NodeWatch NodeWatch;

/* A broadcast of this node is to end. On a thread of the watch; may come again
 * for one that has ended. */
typedef void (*NodeWatchEnd) (const char *link, gpointer data);

/* @resume_window: us. */
NodeWatch *node_watch_new (const char *conninfo, const char *node,
    gint64 resume_window, NodeWatchEnd end, gpointer data);
void node_watch_free (NodeWatch *watch);

/* Where a broadcaster has a broadcast that is not over. */
typedef struct {
  char *node;
  gboolean is_interrupted; /* or its node has not been heard of */
  gint64 until;            /* us since 1970: over by then, if nothing happens */
} Elsewhere;

void elsewhere_free (Elsewhere *elsewhere);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Elsewhere, elsewhere_free)

/* NULL: nowhere, as far as is known. @now: us since 1970. (transfer full) */
Elsewhere *node_watch_find (NodeWatch *watch, gint64 broadcaster, gint64 now);

G_END_DECLS
