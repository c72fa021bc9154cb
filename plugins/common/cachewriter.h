/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* The one writer of a link's store. Every call may block on the disk, so it
 * belongs on a thread of its own; it is not thread-safe.
 *
 * Errors are of the domain G_IO_ERROR. What retrying cannot mend:
 *   BUSY          another writer holds the link
 *   INVALID_DATA  a file of the store is foreign, damaged or of another version
 *   EXISTS        (epoch, MSN) was used before; the text says what to set
 *   CLOSED        the link has ended
 *   INVALID_ARGUMENT  there is no such track or chunk
 *   NOT_DIRECTORY, PERMISSION_DENIED, READ_ONLY
 * After all others (PARTIAL_INPUT: what the chunk builds on is not stored; the
 * rest are the disk's) nothing of the chunk is stored, everything before it is,
 * and a chunk that begins a segment may succeed. */
typedef struct _CacheWriter CacheWriter;

CacheWriter *cache_writer_open (
    const char *cache_dir, const char *link, GError **error);
void cache_writer_free (CacheWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CacheWriter, cache_writer_free)

gboolean cache_writer_set_tracks (
    CacheWriter *writer, const TrackTable *table, GError **error);
gboolean cache_writer_append (CacheWriter *writer, const ChunkInfo *info,
    gconstpointer data, GError **error);
gboolean cache_writer_sync (CacheWriter *writer, GError **error);
void cache_writer_mark_incomplete (CacheWriter *writer);
gboolean cache_writer_is_incomplete (CacheWriter *writer);
gboolean cache_writer_end (CacheWriter *writer, GError **error);

/* Whether @error is the disk's and may pass. */
gboolean cache_writer_may_retry (const GError *error);

G_END_DECLS
