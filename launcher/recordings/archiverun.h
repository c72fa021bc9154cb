/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* One run of archive.pipeline: a piece of a recording goes into the store, to
 * its end. Belongs to the thread that runs its context. */
typedef struct _ArchiveRun ArchiveRun;

typedef struct {
  const char *pipeline; /* path of the description */
  const char *cache_dir;
  const char *link;
  const char *piece; /* "body" or "head" */
  guint32 first_epoch;
  const char *sink; /* piece of description */
  guint64 offset;   /* of the piece, in bytes, to begin at */
  GMainContext *context;
} ArchiveRunSettings;

/* What the source said of the piece. */
typedef struct {
  guint64 size;
  guint32 crc32c;
  guint64 duration; /* ns */
  gboolean is_incomplete;
  gboolean is_changed; /* another part follows, */
  guint32 epoch;       /* which begins with this one */
} ArchivePiece;

/* It came to its end: @error is NULL and the sink has everything; or it failed.
 * Called once; the run is to be freed then, or in it. */
typedef void (*ArchiveRunOver) (
    const ArchivePiece *piece, const GError *error, gpointer data);

/* NULL and @error: it does not start. */
ArchiveRun *archive_run_start (const ArchiveRunSettings *settings,
    ArchiveRunOver over, gpointer data, GError **error);
/* Stops it. */
void archive_run_free (ArchiveRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveRun, archive_run_free)

/* Bytes of the piece that the archive has, as far as the sink tells: else that the
 * sink has taken, with those before the offset. */
guint64 archive_run_get_position (ArchiveRun *run);
/* Whether the sink has been given any. */
gboolean archive_run_has_begun (ArchiveRun *run);
/* Why the sink does not get on, and tries again by itself; NULL if it does. */
const char *archive_run_get_trouble (ArchiveRun *run);
/* Bytes that it has taken since the last call. */
guint64 archive_run_take_bytes (ArchiveRun *run);

G_END_DECLS
