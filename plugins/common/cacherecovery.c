/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cacherecovery.h"
#include "crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A record of the stretch that was perhaps not synced. */
typedef struct {
  CacheRecord record;
  guint64 number;
} Suspect;

typedef struct {
  GArray *suspects; /* of Suspect */
  guint previous;   /* where in it the foremost segment begins */
  gboolean has_media;
  guint64 max_msn;
} Collector;

/* The writer syncs before it goes on to a segment beyond the next, so only what
 * came since the foremost segment but one began is in doubt. */
static gboolean
collect (const CacheRecord *record, guint64 number, gpointer user_data)
{
  Collector *collector = user_data;
  Suspect suspect = {*record, number};

  if (record->info.kind == CHUNK_KIND_MEDIA &&
      (!collector->has_media || record->info.msn > collector->max_msn)) {
    g_array_remove_range (collector->suspects, 0, collector->previous);
    collector->previous = collector->suspects->len;
    collector->has_media = TRUE;
    collector->max_msn = record->info.msn;
  }
  g_array_append_val (collector->suspects, suspect);
  return TRUE;
}

static gboolean
accept (const CacheRecord *record, guint64 number, gpointer user_data)
{
  return TRUE;
}

static gboolean
read_fully (int fd, guint8 *data, gsize size, guint64 offset)
{
  while (size > 0) {
    ssize_t n = pread (fd, data, size, offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    data += n;
    size -= n;
    offset += n;
  }
  return TRUE;
}

static gboolean
load_index (
    const CacheFolder *folder, int fd, GByteArray *index, GError **error)
{
  const char *problem;
  struct stat st;

  if (fstat (fd, &st) != 0)
    return cache_folder_fail (folder, CACHE_INDEX_NAME, "read", errno, error);
  if (st.st_size > G_MAXINT32)
    return cache_folder_refuse (
        folder, CACHE_INDEX_NAME, "is absurdly large", error);
  g_byte_array_set_size (index, st.st_size);
  if (!read_fully (fd, index->data, index->len, 0))
    return cache_folder_fail (folder, CACHE_INDEX_NAME, "read", errno, error);
  if (!cache_index_check_header (index->data, index->len, &problem))
    return cache_folder_refuse (folder, CACHE_INDEX_NAME, problem, error);
  return TRUE;
}

/* A killed writer leaves a header's begin at most before there is a record. */
static gboolean
begin_index (const CacheFolder *folder, int fd, GError **error)
{
  guint8 header[CACHE_RECORD_SIZE];

  cache_index_write_header (header);
  if (pwrite (fd, header, sizeof header, 0) != sizeof header)
    return cache_folder_fail (
        folder, CACHE_INDEX_NAME, "write", errno ? errno : ENOSPC, error);
  if (fsync (fd) != 0)
    return cache_folder_fail (folder, CACHE_INDEX_NAME, "sync", errno, error);
  return TRUE;
}

static gboolean
data_holds (const CacheFolder *folder, const TrackTable *table,
    const CacheRecord *record)
{
  g_autofree char *name = NULL;
  g_autofree guint8 *data = NULL;
  gboolean holds;
  struct stat st;
  int fd;

  if (record->info.kind == 0)
    return TRUE;
  name = cache_folder_data_name (table, record->info.track);
  fd = cache_folder_open_file (folder, name, O_RDONLY, NULL);
  if (fd < 0)
    return FALSE;
  /* Looked at first: a size in a record is a claim, not a reason to allocate. */
  holds = fstat (fd, &st) == 0 &&
          record->offset + record->info.size <= (guint64)st.st_size;
  if (holds) {
    data = g_malloc (record->info.size);
    holds = read_fully (fd, data, record->info.size, record->offset) &&
            crc32c_update (0, data, record->info.size) == record->data_crc;
  }
  close (fd);
  return holds;
}

/* The number of the first record that cannot be kept. */
static guint64
find_cut (const CacheFolder *folder, const TrackTable *table,
    const GArray *suspects, guint64 next)
{
  for (guint i = 0; i < suspects->len; i++) {
    const Suspect *suspect = &g_array_index (suspects, Suspect, i);

    if (i > 0 && suspect->number != suspect[-1].number + 1)
      return suspect[-1].number + 1;
    if (!data_holds (folder, table, &suspect->record))
      return suspect->number;
  }
  return next;
}

static gint64
data_size (const CacheFolder *folder, const char *name, GError **error)
{
  struct stat st;

  if (fstatat (folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT)
      return 0;
    cache_folder_fail (folder, name, "look at", errno, error);
    return -1;
  }
  if (!S_ISREG (st.st_mode)) {
    cache_folder_refuse (folder, name, "is not a regular file", error);
    return -1;
  }
  return st.st_size;
}

static gboolean
check_data (
    const CacheFolder *folder, const char *name, guint64 end, GError **error)
{
  gint64 size = data_size (folder, name, error);

  if (size < 0)
    return FALSE;
  if ((guint64)size < end)
    return cache_folder_refuse (
        folder, name, "is shorter than the index says", error);
  return TRUE;
}

static gboolean
cut_data (
    const CacheFolder *folder, const char *name, guint64 end, GError **error)
{
  gint64 size = data_size (folder, name, error);
  gboolean done;
  int fd;

  if (size < 0)
    return FALSE;
  if ((guint64)size == end)
    return TRUE;
  fd = cache_folder_open_file (folder, name, O_WRONLY, error);
  if (fd < 0)
    return FALSE;
  done = ftruncate (fd, end) == 0 ||
         cache_folder_fail (folder, name, "cut", errno, error);
  close (fd);
  return done;
}

typedef gboolean (*DataFunc) (
    const CacheFolder *folder, const char *name, guint64 end, GError **error);

static gboolean
foreach_data (CacheRecovery *recovery, const CacheFolder *folder, DataFunc func,
    GError **error)
{
  guint n = recovery->table ? track_table_size (recovery->table) : 0;

  for (guint i = 0; i < n; i++) {
    g_autofree char *name = cache_folder_data_name (recovery->table, i);

    if (!func (folder, name, recovery->order.tracks[i].end, error))
      return FALSE;
  }
  return func (folder, CACHE_JOINT_NAME, recovery->order.joint.end, error);
}

static gboolean
load_table (CacheRecovery *recovery, const CacheFolder *folder, gboolean needed,
    GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (cache_folder_read_table (
          folder, &recovery->table, &recovery->created, &problem))
    return TRUE;
  if (!needed && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/**
 * cache_recovery_run:
 * @recovery: (inout): zero; to be cleared whether this succeeds or not
 * @index_fd: the index, locked, open for reading and writing
 *
 * Reads the index and cuts it and the data files back to the last record up to
 * which everything holds: of what was not synced yet, the CRC of the data is
 * checked too. What is damaged further back is left alone. Nothing is changed
 * before it is certain that all files are this store's.
 *
 * Returns: %FALSE and @error (INVALID_DATA naming the file, CLOSED if the link
 *     has ended, or the disk's)
 */
gboolean
cache_recovery_run (CacheRecovery *recovery, const CacheFolder *folder,
    int index_fd, GError **error)
{
  g_autoptr (GByteArray) index = g_byte_array_new ();
  g_autoptr (GArray) suspects = g_array_new (FALSE, FALSE, sizeof (Suspect));
  Collector collector = {.suspects = suspects};
  guint64 next = 0, kept;

  if (!load_index (folder, index_fd, index, error) ||
      !load_table (recovery, folder, index->len > CACHE_RECORD_SIZE, error))
    return FALSE;
  recovery->order.n_tracks =
      recovery->table ? track_table_size (recovery->table) : 0;
  if (index->len > CACHE_RECORD_SIZE)
    next = cache_index_scan (&recovery->order, index->data + CACHE_RECORD_SIZE,
        index->len - CACHE_RECORD_SIZE, 0, collect, &collector);
  if (recovery->order.ended) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
        "The broadcast %s has ended", folder->link);
    return FALSE;
  }
  kept = find_cut (folder, recovery->table, suspects, next);
  if (kept < next) {
    recovery->order = (CacheOrder){.n_tracks = recovery->order.n_tracks};
    next = cache_index_scan (&recovery->order, index->data + CACHE_RECORD_SIZE,
        kept * CACHE_RECORD_SIZE, 0, accept, NULL);
  }
  recovery->n_records = next;

  if (!foreach_data (recovery, folder, check_data, error))
    return FALSE;
  if (index->len < CACHE_RECORD_SIZE && !begin_index (folder, index_fd, error))
    return FALSE;
  if (ftruncate (index_fd, (next + 1) * CACHE_RECORD_SIZE) != 0)
    return cache_folder_fail (folder, CACHE_INDEX_NAME, "cut", errno, error);
  return foreach_data (recovery, folder, cut_data, error);
}

void
cache_recovery_clear (CacheRecovery *recovery)
{
  g_clear_pointer (&recovery->table, track_table_unref);
  g_clear_pointer (&recovery->created, g_free);
}
