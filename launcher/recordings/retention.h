/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archivestore.h"

G_BEGIN_DECLS

/* Deletes the recordings whose time is over, wherever they are; the rows stay.
 * Any number of nodes may have one: two that delete the same do no harm, and
 * what one left behind when it was killed another finishes. The clock of the
 * database says what is over; while it cannot be trusted (clockguard.h) nothing
 * is deleted. A thread of its own. */
typedef struct _Retention Retention;

/* us: since the start of this machine, and since 1970. */
typedef void (*RetentionClocks) (gint64 *uptime, gint64 *wall, gpointer data);

typedef struct {
  const char *conninfo;
  const char *node;
  ArchiveStore *store;    /* of this node; kept by a reference */
  gint64 interval;        /* us between two looks; 0: 5 s */
  RetentionClocks clocks; /* NULL: those of this machine */
  gpointer data;
} RetentionSettings;

Retention *retention_new (const RetentionSettings *settings);
/* Breaks off what waits for the archive. */
void retention_free (Retention *retention);

typedef struct {
  guint64 n_deleted; /* objects, since the start */
  gboolean on_hold;  /* the clocks do not agree, so nothing is deleted */
  char *problem;     /* what cannot be deleted and why, or NULL */
} RetentionFigures;
void retention_get_figures (Retention *retention, RetentionFigures *figures);
void retention_figures_clear (RetentionFigures *figures);

G_END_DECLS
