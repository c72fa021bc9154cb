/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "tracktable.h"

G_BEGIN_DECLS

/* The files of a link's folder besides the index. The alphabet of track names
 * has no dot, so no track can take the name of another file. */
#define CACHE_INDEX_NAME "index"
#define CACHE_JOINT_NAME "init.mp4"

/* An open folder <cache-dir>/<link>. */
typedef struct {
  char *path; /* for messages */
  char *link;
  int fd;
} CacheFolder;

/* Tells one broadcast.json from the next. */
typedef struct {
  guint64 inode;
  gint64 seconds;
  gint64 nanoseconds;
} CacheTableStamp;

gboolean cache_folder_open (CacheFolder *folder, const char *cache_dir,
    const char *link, GError **error);
void cache_folder_clear (CacheFolder *folder);

int cache_folder_open_file (
    const CacheFolder *folder, const char *name, int flags, GError **error);
char *cache_folder_data_name (const TrackTable *table, guint16 track);

gboolean cache_folder_read_table (const CacheFolder *folder, TrackTable **table,
    char **created, GError **error);
gboolean cache_folder_table_changed (
    const CacheFolder *folder, CacheTableStamp *stamp);
gboolean cache_folder_write_table (const CacheFolder *folder,
    const TrackTable *table, const char *created, GError **error);

gboolean cache_folder_fail (const CacheFolder *folder, const char *name,
    const char *what, int code, GError **error);
gboolean cache_folder_refuse (const CacheFolder *folder, const char *name,
    const char *problem, GError **error);

G_END_DECLS
