/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archivestore.h"

G_BEGIN_DECLS

/* Deletes the recordings whose time is over, wherever they are; the rows stay.
 * Any number of nodes may have one. A thread of its own. */
typedef struct _Retention Retention;

/* @store: of this node. */
Retention *retention_new (
    const char *conninfo, const char *node, ArchiveStore *store);
void retention_free (Retention *retention);

typedef struct {
  guint64 n_deleted; /* objects, since the start */
  gboolean on_hold;  /* the clocks do not agree, so nothing is deleted */
  char *problem;     /* why the last attempt failed, or NULL */
} RetentionFigures;
void retention_get_figures (Retention *retention, RetentionFigures *figures);
void retention_figures_clear (RetentionFigures *figures);

G_END_DECLS
