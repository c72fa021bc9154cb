/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a cache folder holds, looked at again and again: a link that did not
 * change costs one stat(). Belongs to one thread, which may wait for the disk. */
typedef struct _CacheScan CacheScan;

typedef struct {
  char *link;
  guint64 size;      /* bytes of its files */
  gint64 written_at; /* us since 1970: when the store was last appended to */
  gboolean has_end;  /* nothing can be appended any more */

  /* The owner's; FALSE and 0 for a new one. */
  gboolean is_archived;
  gint64 stuck_until;

  /* The scan's: which index that was. */
  guint64 inode;
  guint64 index_size;
  gint64 seconds, nanoseconds;
  guint round;
} CacheEntry;

CacheScan *cache_scan_new (const char *cache_dir);
void cache_scan_free (CacheScan *scan);
/* Takes away what a clearing has left that was killed, and gives what there is,
 * in no order: of CacheEntry, which are the scan's and live until the next call.
 * A cache that does not exist is empty. NULL and @error (G_IO_ERROR) if the
 * folder cannot be read. (transfer container) */
GPtrArray *cache_scan_look (CacheScan *scan, GError **error);

/* Bytes of the files in a folder. */
guint64 cache_folder_size (const char *path);

G_END_DECLS
