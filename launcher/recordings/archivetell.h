/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archiver-private.h"
#include "archivestate.h"

G_BEGIN_DECLS

/* What the database says to it. */
typedef enum {
  ARCHIVE_ANSWER_WANTED,
  ARCHIVE_ANSWER_EXPIRED, /* the time of the recording is over */
  ARCHIVE_ANSWER_DELETED, /* and it was deleted */
  ARCHIVE_ANSWER_NONE,    /* it refuses: @error */
} ArchiveAnswer;

/* @kept: for how long it is kept after the end, in s; 0: nobody knows. */
typedef void (*ArchiveTellDone) (
    ArchiveAnswer answer, guint64 kept, const GError *error, gpointer data);

/* Tells the database how far part @number of @link is, now or as soon as it is
 * there; @size is what of it the archive has. @done is called on the archiver's
 * thread, unless that ends before. @data is freed by g_free(). */
void archive_tell (ArchiverShared *shared, const char *link, guint number,
    const ArchivePart *part, guint64 size, ArchiveTellDone done, gpointer data);

G_END_DECLS
