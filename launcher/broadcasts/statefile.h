/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lifecycle.h"

G_BEGIN_DECLS

/* The book of this node's broadcasts on disk, so that the next process goes on
 * with them. Written as a whole, by a thread of its own, so that nobody waits
 * for the disk; what is on disk is always one of the books that were given, and
 * never an older one than before. */
typedef struct _StateFile StateFile;

/* Reads @path into @broadcasts (of Broadcast, transfer full; empty if there is
 * no such file). What cannot be used is moved aside to `<path>.unusable`, told
 * in @complaint (transfer full), and counts as empty. NULL and @error: the
 * folder cannot be used. */
StateFile *state_file_open (
    const char *path, GPtrArray **broadcasts, char **complaint, GError **error);
/* Queues what @broadcasts (of Broadcast) are now. */
void state_file_save (StateFile *file, const GPtrArray *broadcasts);
/* Waits until what was queued so far is on disk, or could not be written. */
void state_file_flush (StateFile *file);
/* Why the last write failed, since told; NULL if it did not. (transfer full) */
char *state_file_take_complaint (StateFile *file);
/* Writes what is queued, joins the thread. */
void state_file_free (StateFile *file);

/* The text of the file. (transfer full) */
char *state_file_render (const GPtrArray *broadcasts);
/* The opposite: of Broadcast (transfer full), or NULL and @error, which is of
 * the domain G_IO_ERROR and says what was expected. */
GPtrArray *state_file_parse (const char *text, gsize length, GError **error);

G_END_DECLS
