/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "settings.h"

G_BEGIN_DECLS

/* Where recordings are kept: a bucket, or a folder of this node. Who uses it
 * sees no difference, but for how a viewer gets at one. Objects are named by
 * paths with slashes, of the characters A-Z a-z 0-9 - _ . /; no word between
 * them begins with a dot.
 *
 * Reference counted; every call may be made on any thread. Those with a
 * cancellable wait for network or disk; errors are of GCS_ERROR (folder errors
 * are mapped to it), so gcs_error_is_transient() says whether to try again. */
typedef struct _ArchiveStore ArchiveStore;

/* @settings: [archive] and [cloud]. Contacts nobody; makes the folder. */
ArchiveStore *archive_store_new (const Settings *settings, GError **error);
ArchiveStore *archive_store_ref (ArchiveStore *store);
void archive_store_unref (ArchiveStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveStore, archive_store_unref)

/* The name of the bucket, or NULL of a folder. (transfer none) */
const char *archive_store_get_bucket (ArchiveStore *store);

/* What the recording of part @part of @link is called. (transfer full) */
char *archive_store_name (ArchiveStore *store, const char *link, guint part);
/* How much of @object is there already, in @offset, so that a pipeline need not
 * begin it anew: its source is seeked to there, in bytes. 0 also if the sink
 * seeks by itself. */
gboolean archive_store_prepare (
    ArchiveStore *store, const char *object, guint64 *offset, GError **error);
/* A piece of description with one element that stores what it gets as @object:
 * ${sink} of archive.pipeline. @state_file: of the upload, so that it goes on
 * after a crash. (transfer full) */
char *archive_store_describe_sink (
    ArchiveStore *store, const char *object, const char *state_file);

typedef struct {
  guint64 size;
  guint32 crc32c;
} ArchiveObject;

/* Makes @object of @head and @body, which then go. Does nothing if that was done
 * before: so it can be called again after a crash at any point. @expected: what
 * it must be; anything else is GCS_ERROR_CORRUPT, and nothing was deleted.
 * @expires: us since 1970, for who deletes what no node does; 0: unknown. */
gboolean archive_store_join (ArchiveStore *store, const char *head,
    const char *body, const char *object, const ArchiveObject *expected,
    gint64 expires, GCancellable *cancellable, GError **error);
gboolean archive_store_stat (ArchiveStore *store, const char *object,
    ArchiveObject *found, GCancellable *cancellable, GError **error);
/* One that is not there is deleted, too. */
gboolean archive_store_delete (ArchiveStore *store, const char *object,
    GCancellable *cancellable, GError **error);

/* How a viewer gets at an object until @now + @seconds: an address to be sent to
 * (cloud), or a file that this node can read (folder). Exactly one is set.
 * @disposition: value of Content-Disposition. (transfer full) */
gboolean archive_store_open (ArchiveStore *store, const char *object,
    gint64 now, guint seconds, const char *disposition, char **address,
    char **path, GCancellable *cancellable, GError **error);

G_END_DECLS
