/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How far a link is, on disk, so that a process that was killed goes on: a file
 * `<state-dir>/<link>.json`. Written before what it tells of counts, so what is
 * in it is true; what was done since is done again, to the same end. */

typedef enum {
  ARCHIVE_STAGE_BODY, /* the chunks are stored, as the broadcast grows */
  ARCHIVE_STAGE_HEAD, /* then what comes before them, */
  ARCHIVE_STAGE_JOIN, /* then both become one object */
  ARCHIVE_STAGE_READY,
  ARCHIVE_STAGE_DROP, /* given up: the pieces are to be deleted */
  ARCHIVE_STAGE_GONE,
} ArchiveStage;

/* What the database knows of a part. */
typedef enum {
  ARCHIVE_TOLD_NOTHING,
  ARCHIVE_TOLD_UPLOADING,
  ARCHIVE_TOLD_ALL, /* that it is ready, or gone */
} ArchiveTold;

typedef struct {
  guint32 first_epoch;
  char *object; /* its name in the store */
  ArchiveStage stage;
  ArchiveTold told;
  guint64 kept; /* after the end, in s; 0: the database has not told */
  gboolean is_last;
  /* 0 until the stage is beyond the one that finds it out: */
  guint64 body_size;
  guint32 body_crc;
  guint64 head_size;
  guint32 head_crc;
  guint64 duration; /* ns */
  gboolean is_incomplete;
  guint32 next_epoch; /* of the part behind it, unless it is the last */
} ArchivePart;

typedef struct {
  GPtrArray *parts; /* of ArchivePart, by number; one at least */
} ArchiveState;

/* One that has not begun. @object: of part 0. */
ArchiveState *archive_state_new (const char *object);
void archive_state_free (ArchiveState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveState, archive_state_free)
ArchivePart *archive_state_add_part (
    ArchiveState *state, guint32 first_epoch, const char *object);
/* The one that is worked on, or the last. */
ArchivePart *archive_state_get_current (ArchiveState *state, guint *number);
/* Whether nothing is left to be done or told. */
gboolean archive_state_is_done (const ArchiveState *state);

/* The text of the file. (transfer full) */
char *archive_state_render (const ArchiveState *state);
/* The opposite; NULL and @error of the domain G_IO_ERROR. */
ArchiveState *archive_state_parse (
    const char *text, gsize length, GError **error);

/* NULL without @error: there is none. What cannot be used is an error. */
ArchiveState *archive_state_load (
    const char *state_dir, const char *link, GError **error);
/* On disk when it returns, or as it was. */
gboolean archive_state_save (const ArchiveState *state, const char *state_dir,
    const char *link, GError **error);
void archive_state_delete (const char *state_dir, const char *link);

G_END_DECLS
