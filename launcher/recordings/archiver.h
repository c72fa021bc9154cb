/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archivestore.h"
#include "broadcasts.h"

G_BEGIN_DECLS

/* Archives the broadcasts of this node's cache from their first second: one
 * pipeline (pipelines/archive.pipeline) a broadcast, one object a part of it. What
 * it has done is in a file a link, so that it goes on after a kill; the database
 * is told and may be away. A thread of its own, and a pool for what waits. */
typedef struct _Archiver Archiver;

typedef struct {
  const char *node;
  const char *conninfo;
  const char *cache_dir;
  const char *state_dir; /* <data-dir>/archive, mode 0700 */
  const char *pipeline;  /* path of archive.pipeline */
  ArchiveStore *store;
  Broadcasts *broadcasts; /* says what is open; or NULL: only what has ended */
} ArchiverSettings;

Archiver *archiver_new (const ArchiverSettings *settings, GError **error);
/* What is under way goes on with the next start. */
void archiver_free (Archiver *archiver);

/* How far a link is, by its state file; so it can be asked by who has no
 * archiver, too. */
typedef enum {
  ARCHIVE_NONE,      /* not begun */
  ARCHIVE_UPLOADING, /* some of it is not in the archive */
  ARCHIVE_DONE,      /* all of it is, and the database knows */
} ArchiveProgress;
ArchiveProgress archiver_get_progress (const char *state_dir, const char *link);
/* The cache of a link that is done was cleared: forget it. */
void archiver_forget (const char *state_dir, const char *link);

/* For the operator. */
typedef struct {
  guint n_open;       /* links that are followed, or wait for their turn */
  guint n_failing;    /* of those: whose last attempt failed */
  guint64 n_bytes;    /* taken by the archive since the start */
  guint64 n_left;     /* bytes of the cache that it does not have yet */
  guint64 n_archived; /* links that were done since the start */
  char *problem;      /* the last failure of those that fail, or NULL */
} ArchiverFigures;
void archiver_get_figures (Archiver *archiver, ArchiverFigures *figures);
void archiver_figures_clear (ArchiverFigures *figures);

G_END_DECLS
