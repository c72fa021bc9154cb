/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachewriter.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/file.h>
#include <unistd.h>

#include "cacheindex.h"
#include "cacheio.h"
#include "cachelayout.h"
#include "cacherecovery.h"
#include "crc32c.h"
#include "link.h"

CacheIo cache_io = {pwrite, fdatasync};

/* What is known of one data file beyond the order. */
typedef struct {
  int fd; /* -1 until the first chunk */
  gboolean dirty;
  /* The init of this session, to know a repetition. */
  guint32 init_crc;
  guint32 init_size;
  gboolean resumed; /* has media of this session */
} DataFile;

struct _CacheWriter {
  CacheFolder folder;
  int index_fd;
  guint64 n_records;
  gboolean index_dirty;
  gboolean names_dirty; /* a file was made since the folder's last fsync */
  CacheOrder order;
  gboolean gap; /* the next record says that chunks were lost */

  TrackTable *table; /* as stored */
  char *created;
  GArray *numbers; /* of int: the caller's track to ours, -1: none */

  DataFile files[CACHE_MAX_TRACKS];
  DataFile joint;

  gboolean has_durable_epoch;
  guint32 durable_epoch;
  gboolean sync_due;
  gboolean segment_synced; /* since order.max_msn began */
};

static DataFile *
data_file (CacheWriter *writer, guint16 track)
{
  return track == CHUNK_TRACK_ALL ? &writer->joint : &writer->files[track];
}

/* Only the errors of cachewriter.h that no later try can mend are told apart. */
gboolean
cache_writer_may_retry (const GError *error)
{
  return !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_EXISTS) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_READ_ONLY);
}

/* Opening */

/* The name of a new link has to survive a power cut as its content does. */
static gboolean
sync_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean done = fd >= 0 && fsync (fd) == 0;
  int code = errno;

  if (fd >= 0)
    close (fd);
  errno = code;
  return done;
}

static gboolean
open_folder (CacheWriter *writer, const char *cache_dir, const char *link,
    GError **error)
{
  g_autofree char *path = NULL;

  if (!link_is_valid (link)) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "A link is " LINK_RULE);
    return FALSE;
  }
  path = g_build_filename (cache_dir, link, NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    if (g_mkdir_with_parents (path, 0750) != 0 || !sync_folder (cache_dir)) {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
          "Cannot make the folder %s: %s", path, g_strerror (code));
      return FALSE;
    }
  }
  return cache_folder_open (&writer->folder, cache_dir, link, error);
}

/* The index is the first file that is made in a folder, so one with files but
 * without an index is somebody else's. */
static gboolean
is_foreign (const CacheFolder *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);

  return faccessat (folder->fd, CACHE_INDEX_NAME, F_OK, 0) != 0 &&
         dir != NULL && g_dir_read_name (dir) != NULL;
}

static gboolean
lock_index (CacheWriter *writer, GError **error)
{
  const CacheFolder *folder = &writer->folder;

  if (is_foreign (folder)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The folder %s is not a video store: it has files but no index",
        folder->path);
    return FALSE;
  }
  writer->index_fd = cache_folder_open_file (
      folder, CACHE_INDEX_NAME, O_RDWR | O_CREAT, error);
  if (writer->index_fd < 0)
    return FALSE;
  if (flock (writer->index_fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return cache_folder_fail (folder, CACHE_INDEX_NAME, "lock", errno, error);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
        "Another writer holds the link %s in %s", folder->link, folder->path);
    return FALSE;
  }
  return TRUE;
}

/**
 * cache_writer_open:
 * @cache_dir: the cache; made if it does not exist
 * @link: whose store; made if it does not exist
 *
 * Locks the link against other writers, in this process too, and cuts off what
 * a killed writer or a power cut left half done. Nothing is changed if this
 * fails.
 *
 * Returns: (transfer full) (nullable): the writer, or %NULL and @error
 */
CacheWriter *
cache_writer_open (const char *cache_dir, const char *link, GError **error)
{
  g_autoptr (CacheWriter) writer = g_new0 (CacheWriter, 1);
  CacheRecovery recovery = {0};
  gboolean recovered;

  writer->folder.fd = -1;
  writer->index_fd = -1;
  writer->joint.fd = -1;
  for (guint i = 0; i < CACHE_MAX_TRACKS; i++)
    writer->files[i].fd = -1;
  writer->numbers = g_array_new (FALSE, FALSE, sizeof (int));

  if (!open_folder (writer, cache_dir, link, error) ||
      !lock_index (writer, error))
    return NULL;
  recovered =
      cache_recovery_run (&recovery, &writer->folder, writer->index_fd, error);
  writer->table = g_steal_pointer (&recovery.table);
  writer->created = g_steal_pointer (&recovery.created);
  writer->order = recovery.order;
  writer->n_records = recovery.n_records;
  cache_recovery_clear (&recovery);
  if (!recovered)
    return NULL;
  if (writer->table == NULL)
    writer->table = track_table_new ();
  if (writer->created == NULL) {
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

    writer->created = g_date_time_format_iso8601 (now);
  }
  writer->names_dirty = TRUE;
  return g_steal_pointer (&writer);
}

/* Tracks */

static void
merge_track (TrackTable *merged, const Track *track)
{
  int found = track_table_find (merged, track->name);
  Track *to = found >= 0 ? g_ptr_array_index (merged->tracks, found)
                         : track_table_add (merged, track->name, track->type);

  track_describe (to, track);
  to->present = track->present;
}

static TrackTable *
merge_tables (const TrackTable *stored, const TrackTable *table)
{
  TrackTable *merged = track_table_new ();

  merged->segment_duration = table->segment_duration;
  merged->max_segment_duration = table->max_segment_duration;
  merged->part_duration = table->part_duration;
  merged->independent_segments = table->independent_segments;
  for (guint i = 0; i < track_table_size (stored); i++) {
    const Track *track = track_table_get (stored, i);

    merge_track (merged, track);
    ((Track *)g_ptr_array_index (merged->tracks, i))->present = FALSE;
  }
  /* A track without a codec was never configured: it has no chunks yet, and
   * what an earlier run knew of it stays. */
  for (guint i = 0; i < track_table_size (table); i++)
    if (track_table_get (table, i)->codecs != NULL)
      merge_track (merged, track_table_get (table, i));
  return merged;
}

static gboolean
types_agree (CacheWriter *writer, const TrackTable *table, GError **error)
{
  for (guint i = 0; i < track_table_size (table); i++) {
    const Track *track = track_table_get (table, i);
    int found = track_table_find (writer->table, track->name);

    if (found >= 0 &&
        track_table_get (writer->table, found)->type != track->type) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "The track %s of %s was of another media type before", track->name,
          writer->folder.path);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * cache_writer_set_tracks:
 * @table: what ChunkInfo.track of the next chunks is an index of
 *
 * Tracks are known by name: a restarted pipeline may have them in another
 * order. New and changed ones are durable when this returns.
 */
gboolean
cache_writer_set_tracks (
    CacheWriter *writer, const TrackTable *table, GError **error)
{
  g_autoptr (TrackTable) merged = NULL;

  if (!types_agree (writer, table, error))
    return FALSE;
  merged = merge_tables (writer->table, table);
  if (track_table_size (merged) > CACHE_MAX_TRACKS) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s would have more than %u tracks", writer->folder.path,
        CACHE_MAX_TRACKS);
    return FALSE;
  }
  if (!track_table_equal (merged, writer->table)) {
    if (!cache_folder_write_table (
            &writer->folder, merged, writer->created, error))
      return FALSE;
    track_table_unref (writer->table);
    writer->table = g_steal_pointer (&merged);
  }

  writer->order.n_tracks = track_table_size (writer->table);
  g_array_set_size (writer->numbers, 0);
  for (guint i = 0; i < track_table_size (table); i++) {
    int number =
        track_table_find (writer->table, track_table_get (table, i)->name);

    g_array_append_val (writer->numbers, number);
  }
  return TRUE;
}

/* Syncing */

static gboolean
sync_file (CacheWriter *writer, int fd, gboolean *dirty, const char *name,
    GError **error)
{
  if (!*dirty)
    return TRUE;
  if (cache_io.fdatasync (fd) != 0)
    return cache_folder_fail (&writer->folder, name, "sync", errno, error);
  *dirty = FALSE;
  return TRUE;
}

static gboolean
sync_all (CacheWriter *writer, GError **error)
{
  for (guint i = 0; i < CACHE_MAX_TRACKS; i++) {
    DataFile *file = &writer->files[i];

    if (!sync_file (writer, file->fd, &file->dirty,
            file->dirty ? track_table_get (writer->table, i)->name : NULL,
            error))
      return FALSE;
  }
  if (!sync_file (writer, writer->joint.fd, &writer->joint.dirty,
          CACHE_JOINT_NAME, error) ||
      !sync_file (writer, writer->index_fd, &writer->index_dirty,
          CACHE_INDEX_NAME, error))
    return FALSE;
  if (writer->names_dirty) {
    if (fsync (writer->folder.fd) != 0)
      return cache_folder_fail (&writer->folder, ".", "sync", errno, error);
    writer->names_dirty = FALSE;
  }
  writer->sync_due = FALSE;
  writer->segment_synced = TRUE;
  writer->has_durable_epoch = writer->order.has_epoch;
  writer->durable_epoch = writer->order.epoch;
  return TRUE;
}

/**
 * cache_writer_sync:
 *
 * Makes durable what is due: once a segment. To be called after every append,
 * when whoever waits for the append has been told.
 */
gboolean
cache_writer_sync (CacheWriter *writer, GError **error)
{
  return !writer->sync_due || sync_all (writer, error);
}

/* An epoch and every finished segment are durable before what comes after them
 * is stored: recovery relies on it. */
static gboolean
sync_before (CacheWriter *writer, const CacheRecord *record, GError **error)
{
  const CacheOrder *order = &writer->order;
  const ChunkInfo *info = &record->info;

  if (info->kind != CHUNK_KIND_MEDIA)
    return TRUE;
  if (!writer->has_durable_epoch || writer->durable_epoch != info->epoch)
    return sync_all (writer, error);
  if (order->has_media && info->msn > order->max_msn && !writer->segment_synced)
    return sync_all (writer, error);
  return TRUE;
}

/* Appending */

static gboolean
write_fully (int fd, gconstpointer data, gsize size, guint64 offset)
{
  const guint8 *bytes = data;

  while (size > 0) {
    ssize_t n = cache_io.pwrite (fd, bytes, size, offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      if (n == 0)
        errno = ENOSPC;
      return FALSE;
    }
    bytes += n;
    size -= n;
    offset += n;
  }
  return TRUE;
}

/* Cutting what a failed write left is for tidiness: the next write goes to the
 * same place and nobody reads beyond the index. */
static void
cut (int fd, guint64 size)
{
  int code = errno;

  if (ftruncate (fd, size) != 0)
    g_debug ("Cannot cut off a failed write: %s", g_strerror (errno));
  errno = code;
}

static gboolean
write_record (CacheWriter *writer, const CacheRecord *record, GError **error)
{
  guint8 bytes[CACHE_RECORD_SIZE];
  guint64 offset = (writer->n_records + 1) * CACHE_RECORD_SIZE;

  cache_record_write (record, bytes);
  if (!write_fully (writer->index_fd, bytes, sizeof bytes, offset)) {
    cut (writer->index_fd, offset);
    return cache_folder_fail (
        &writer->folder, CACHE_INDEX_NAME, "write", errno, error);
  }
  writer->n_records++;
  writer->index_dirty = TRUE;
  writer->gap = FALSE;
  return TRUE;
}

static gboolean
write_chunk (CacheWriter *writer, const CacheRecord *record, gconstpointer data,
    GError **error)
{
  guint16 track = record->info.track;
  DataFile *file = data_file (writer, track);
  g_autofree char *name = cache_folder_data_name (writer->table, track);

  if (file->fd < 0) {
    file->fd = cache_folder_open_file (
        &writer->folder, name, O_WRONLY | O_CREAT, error);
    if (file->fd < 0)
      return FALSE;
    writer->names_dirty = TRUE;
  }
  if (!write_fully (file->fd, data, record->info.size, record->offset)) {
    cut (file->fd, record->offset);
    return cache_folder_fail (&writer->folder, name, "write", errno, error);
  }
  file->dirty = TRUE;
  if (!write_record (writer, record, error)) {
    cut (file->fd, record->offset);
    return FALSE;
  }
  return TRUE;
}

static gboolean
refuse (CacheWriter *writer, const ChunkInfo *info, CacheVerdict verdict,
    GError **error)
{
  const CacheOrder *order = &writer->order;

  switch (verdict) {
    case CACHE_ORDER_ENDED:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
          "The broadcast %s has ended", writer->folder.link);
      break;
    case CACHE_ORDER_REUSED:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
          "Segment %" G_GUINT64_FORMAT " of epoch %u is not beyond what the "
          "link %s has: to go on with it, set first-msn=%" G_GUINT64_FORMAT
          " epoch=%u first-time=%" G_GUINT64_FORMAT " at cmafpackager",
          info->msn, info->epoch, writer->folder.link,
          order->has_media ? order->max_msn + 1 : 0, order->epoch + 1,
          order->next_time);
      break;
    case CACHE_ORDER_NO_INIT:
    case CACHE_ORDER_MISSING_PART:
    case CACHE_ORDER_LATE:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
          "Part %u of segment %" G_GUINT64_FORMAT " of epoch %u %s in %s",
          info->part, info->msn, info->epoch,
          verdict == CACHE_ORDER_NO_INIT ? "has no init segment"
          : verdict == CACHE_ORDER_LATE  ? "comes too late to be placed"
                                         : "follows one that is not",
          writer->folder.path);
      break;
    case CACHE_ORDER_TRACK:
    case CACHE_ORDER_OFFSET:
    case CACHE_ORDER_OK:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "Track %u of segment %" G_GUINT64_FORMAT
          " is not in the table of tracks of %s",
          info->track, info->msn, writer->folder.path);
      break;
  }
  return FALSE;
}

/* The caller's track numbers become ours. */
static gboolean
take_number (CacheWriter *writer, const ChunkInfo *info, CacheRecord *record)
{
  int number;

  record->info = *info;
  if (info->kind == CHUNK_KIND_JOINT_INIT)
    return info->track == CHUNK_TRACK_ALL;
  if (info->track >= writer->numbers->len)
    return FALSE;
  number = g_array_index (writer->numbers, int, info->track);
  record->info.track = number;
  return number >= 0;
}

static CacheVerdict
check (CacheWriter *writer, const CacheRecord *record)
{
  const ChunkInfo *info = &record->info;
  const CacheTrackTail *tail = cache_order_track (&writer->order, info->track);
  CacheVerdict verdict = cache_order_check (&writer->order, record);

  /* Media time goes on across epochs, and only a restarted packager that was
   * not told where it stands can break that. */
  if (verdict == CACHE_ORDER_OK && info->kind == CHUNK_KIND_MEDIA &&
      tail->has_media && !data_file (writer, info->track)->resumed &&
      info->dts < tail->dts)
    return CACHE_ORDER_REUSED;
  return verdict;
}

static gboolean
is_repeated_init (CacheWriter *writer, const CacheRecord *record)
{
  const CacheTrackTail *tail =
      cache_order_track (&writer->order, record->info.track);
  const DataFile *file = data_file (writer, record->info.track);

  return record->info.kind != CHUNK_KIND_MEDIA && tail->has_init &&
         tail->init_epoch == record->info.epoch &&
         file->init_size == record->info.size &&
         file->init_crc == record->data_crc;
}

static void
note_appended (CacheWriter *writer, const CacheRecord *record)
{
  const ChunkInfo *info = &record->info;
  DataFile *file = data_file (writer, info->track);
  gboolean foremost =
      !writer->order.has_media || info->msn > writer->order.max_msn;

  if (info->kind != CHUNK_KIND_MEDIA) {
    file->init_crc = record->data_crc;
    file->init_size = info->size;
  } else {
    file->resumed = TRUE;
    if (foremost)
      writer->segment_synced = FALSE;
    if (info->last && (foremost || info->msn == writer->order.max_msn) &&
        !writer->segment_synced)
      writer->sync_due = TRUE;
  }
  cache_order_take (&writer->order, record);
}

/**
 * cache_writer_append:
 * @info: `track` is an index of the table set last; `size` bytes are at @data
 * @data: a whole chunk
 *
 * Stores a chunk and then its record. An init that repeats the one of its epoch
 * is taken as stored.
 */
gboolean
cache_writer_append (CacheWriter *writer, const ChunkInfo *info,
    gconstpointer data, GError **error)
{
  CacheRecord record = {.gap = writer->gap};
  CacheVerdict verdict;

  if (info->size == 0 || info->size > G_MAXINT32) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "A chunk has 1 byte to 2 GiB, not %u", info->size);
    return FALSE;
  }
  if (!take_number (writer, info, &record))
    return refuse (writer, info, CACHE_ORDER_TRACK, error);
  record.offset = cache_order_track (&writer->order, record.info.track)->end;
  record.data_crc = crc32c_update (0, data, info->size);
  if (is_repeated_init (writer, &record))
    return TRUE;
  verdict = check (writer, &record);
  if (verdict != CACHE_ORDER_OK)
    return refuse (writer, info, verdict, error);
  if (!sync_before (writer, &record, error) ||
      !write_chunk (writer, &record, data, error))
    return FALSE;
  note_appended (writer, &record);
  return TRUE;
}

/**
 * cache_writer_mark_incomplete:
 *
 * Chunks were lost before the next one: its record will say so for good.
 */
void
cache_writer_mark_incomplete (CacheWriter *writer)
{
  writer->gap = TRUE;
}

/**
 * cache_writer_is_incomplete:
 *
 * Returns: whether the link is known to lack something, now or from before
 */
gboolean
cache_writer_is_incomplete (CacheWriter *writer)
{
  return writer->gap || writer->order.incomplete;
}

/**
 * cache_writer_end:
 *
 * The end of the link, durably: nothing can be appended after.
 */
gboolean
cache_writer_end (CacheWriter *writer, GError **error)
{
  CacheRecord record = {.end = TRUE, .gap = writer->gap};

  if (writer->order.ended)
    return TRUE;
  if (!sync_all (writer, error) || !write_record (writer, &record, error))
    return FALSE;
  cache_order_take (&writer->order, &record);
  return sync_all (writer, error);
}

/**
 * cache_writer_free:
 * @writer: (nullable)
 *
 * Leaves the link as it is, to be gone on with by another writer; what was
 * appended since the last sync is with the kernel. A loss that no chunk came
 * after is noted if the disk lets us.
 */
void
cache_writer_free (CacheWriter *writer)
{
  const CacheRecord note = {.gap = TRUE};

  if (writer == NULL)
    return;
  if (writer->gap && !writer->order.ended)
    write_record (writer, &note, NULL);
  for (guint i = 0; i < CACHE_MAX_TRACKS; i++)
    if (writer->files[i].fd >= 0)
      close (writer->files[i].fd);
  if (writer->joint.fd >= 0)
    close (writer->joint.fd);
  if (writer->index_fd >= 0)
    close (writer->index_fd);
  g_clear_pointer (&writer->table, track_table_unref);
  g_array_unref (writer->numbers);
  g_free (writer->created);
  cache_folder_clear (&writer->folder);
  g_free (writer);
}
