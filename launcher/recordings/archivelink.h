/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archiver-private.h"
#include "archivestate.h"

G_BEGIN_DECLS

/* One broadcast on its way into the archive, a step at a time: body, head, join,
 * part by part. Every step can be repeated, and is, until it succeeds. Belongs
 * to the archiver's thread. */
typedef struct _ArchiveLink ArchiveLink;

/* @state: (transfer full): how far it is. */
ArchiveLink *archive_link_new (
    ArchiverShared *shared, const char *name, ArchiveState *state);
/* What runs is stopped. All jobs must have ended. */
void archive_link_free (ArchiveLink *link);

/* Whether it would take a step. */
gboolean archive_link_is_waiting (ArchiveLink *link);
/* Whether that may take as long as a broadcast. */
gboolean archive_link_is_long (ArchiveLink *link);
/* Whether it is at one. */
gboolean archive_link_is_working (ArchiveLink *link);
void archive_link_step (ArchiveLink *link);
/* All is done and told. */
gboolean archive_link_is_done (ArchiveLink *link);
/* Once a second; @now is monotonic. */
void archive_link_tick (ArchiveLink *link, gint64 now);

/* Bytes that the archive has of the part that is worked on. */
guint64 archive_link_get_position (ArchiveLink *link);
/* Bytes that the archive took since the last call. */
guint64 archive_link_take_bytes (ArchiveLink *link);
/* Why the last step failed, or NULL. (transfer none) */
const char *archive_link_get_problem (ArchiveLink *link);

G_END_DECLS
