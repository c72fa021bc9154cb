/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cachescan.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cacheclear.h"
#include "cacheindex.h"
#include "cachelayout.h"
#include "link.h"

struct _CacheScan {
  char *cache_dir;
  GHashTable *entries; /* link -> CacheEntry */
  guint round;
};

static void
entry_free (gpointer data)
{
  CacheEntry *entry = data;

  g_free (entry->link);
  g_free (entry);
}

CacheScan *
cache_scan_new (const char *cache_dir)
{
  CacheScan *scan = g_new0 (CacheScan, 1);

  scan->cache_dir = g_strdup (cache_dir);
  scan->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  return scan;
}

void
cache_scan_free (CacheScan *scan)
{
  if (scan == NULL)
    return;
  g_hash_table_unref (scan->entries);
  g_free (scan->cache_dir);
  g_free (scan);
}

guint64
cache_folder_size (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint64 size = 0;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    GStatBuf info;

    if (g_lstat (file, &info) == 0)
      size += info.st_size;
  }
  return size;
}

/* The end is the last record that an index can have. */
static gboolean
read_end (const char *cache_dir, const char *link, guint64 index_size)
{
  guint64 n_records = index_size / CACHE_RECORD_SIZE;
  guint8 bytes[CACHE_RECORD_SIZE];
  CacheFolder folder = {.fd = -1};
  CacheRecord record;
  gboolean has_end = FALSE;
  int fd = -1;

  if (cache_folder_open (&folder, cache_dir, link, NULL))
    fd = cache_folder_open_file (&folder, CACHE_INDEX_NAME, O_RDONLY, NULL);
  if (fd >= 0 && n_records > 1 &&
      pread (fd, bytes, sizeof bytes, (n_records - 1) * CACHE_RECORD_SIZE) ==
          (ssize_t)sizeof bytes)
    has_end = cache_record_parse (bytes, &record) && record.end;
  if (fd >= 0)
    close (fd);
  cache_folder_clear (&folder);
  return has_end;
}

/* A folder without an index has just been made, or is nobody's: it is looked at
 * each time, and has no end. */
static void
look_at (CacheScan *scan, CacheEntry *entry)
{
  g_autofree char *path = g_build_filename (scan->cache_dir, entry->link, NULL);
  g_autofree char *index = g_build_filename (path, CACHE_INDEX_NAME, NULL);
  struct stat info = {0};
  gboolean has_index = lstat (index, &info) == 0;

  if (has_index && entry->inode == info.st_ino &&
      entry->index_size == (guint64)info.st_size &&
      entry->seconds == info.st_mtim.tv_sec &&
      entry->nanoseconds == info.st_mtim.tv_nsec)
    return;
  /* Another store of that name, which is not archived because one was. */
  if (entry->inode != info.st_ino)
    entry->is_archived = FALSE;
  entry->inode = info.st_ino;
  entry->index_size = info.st_size;
  entry->seconds = info.st_mtim.tv_sec;
  entry->nanoseconds = info.st_mtim.tv_nsec;
  entry->size = cache_folder_size (path);
  entry->written_at =
      info.st_mtim.tv_sec * G_USEC_PER_SEC + info.st_mtim.tv_nsec / 1000;
  entry->has_end =
      has_index && read_end (scan->cache_dir, entry->link, info.st_size);
}

static gboolean
was_not_seen (gpointer link, gpointer entry, gpointer scan)
{
  return ((CacheEntry *)entry)->round != ((CacheScan *)scan)->round;
}

static void
take (CacheScan *scan, const char *link)
{
  CacheEntry *entry = g_hash_table_lookup (scan->entries, link);

  if (entry == NULL) {
    entry = g_new0 (CacheEntry, 1);
    entry->link = g_strdup (link);
    g_hash_table_insert (scan->entries, entry->link, entry);
  }
  entry->round = scan->round;
  look_at (scan, entry);
}

GPtrArray *
cache_scan_look (CacheScan *scan, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GDir) dir = g_dir_open (scan->cache_dir, 0, &why);
  g_autoptr (GList) list = NULL;
  GPtrArray *entries;
  const char *name;

  if (dir == NULL && !g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, why->message);
    return NULL;
  }
  scan->round++;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_prefix (name, CACHE_REMAINS))
      cache_clear_remains (scan->cache_dir, name);
    else if (link_is_valid (name))
      take (scan, name);
  }
  g_hash_table_foreach_remove (scan->entries, was_not_seen, scan);
  entries = g_ptr_array_new ();
  list = g_hash_table_get_values (scan->entries);
  for (GList *l = list; l != NULL; l = l->next)
    g_ptr_array_add (entries, l->data);
  return entries;
}
