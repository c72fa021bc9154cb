/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachereader.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cacheindex.h"
#include "cachelayout.h"
#include "crc32c.h"

/* The index is read with pread, once, into a small table a track: a file that
 * somebody truncates would kill the process through a mapping (SIGBUS), and
 * the records of the tracks interleave, so a search needs a table anyway. */

/* Bytes of the index taken at a time. */
#define READ_SIZE (2048 * CACHE_RECORD_SIZE)

typedef struct {
  guint32 epoch;
  guint64 msn;
  guint first_part; /* position in the track's parts */
  guint n_parts;
  gboolean last;
  gboolean independent;
  guint64 pts;
  guint64 dts;
  guint64 duration;
  gint64 wallclock;
  guint64 offset;
  guint64 length;
} SegmentEntry;

typedef struct {
  guint32 epoch;
  guint64 record;
} InitEntry;

typedef struct {
  guint32 epoch;
  guint64 first_msn;
  gboolean has_media;
} EpochEntry;

typedef struct {
  int fd; /* -1 until it is asked for */
  guint64 size;
  GArray *segments; /* of SegmentEntry */
  GArray *parts;    /* of guint32: numbers of records */
  GArray *inits;    /* of InitEntry */
} TrackFile;

struct _CacheReader {
  CacheFolder folder;
  int index_fd;
  guint64 next; /* number of the record to go on with */
  CacheOrder order;
  TrackTable *table;
  CacheTableStamp stamp; /* of `table` */
  GPtrArray *tracks;     /* of TrackFile, as the table */
  TrackFile *joint;
  GArray *epochs; /* of EpochEntry */
};

static TrackFile *
track_file_new (void)
{
  TrackFile *file = g_new0 (TrackFile, 1);

  file->fd = -1;
  file->segments = g_array_new (FALSE, FALSE, sizeof (SegmentEntry));
  file->parts = g_array_new (FALSE, FALSE, sizeof (guint32));
  file->inits = g_array_new (FALSE, FALSE, sizeof (InitEntry));
  return file;
}

static void
track_file_free (gpointer data)
{
  TrackFile *file = data;

  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  g_array_unref (file->segments);
  g_array_unref (file->parts);
  g_array_unref (file->inits);
  g_free (file);
}

static TrackFile *
track_file (CacheReader *reader, guint track)
{
  if (track == CHUNK_TRACK_ALL)
    return reader->joint;
  return track < reader->tracks->len ? g_ptr_array_index (reader->tracks, track)
                                     : NULL;
}

static gboolean
load_table (CacheReader *reader, GError **error)
{
  CacheTableStamp stamp = reader->stamp;
  TrackTable *table;

  if (!cache_folder_table_changed (&reader->folder, &stamp))
    return TRUE;
  if (!cache_folder_read_table (&reader->folder, &table, NULL, error))
    return FALSE;
  reader->stamp = stamp;
  track_table_unref (reader->table);
  reader->table = table;
  while (reader->tracks->len < track_table_size (table))
    g_ptr_array_add (reader->tracks, track_file_new ());
  reader->order.n_tracks = track_table_size (table);
  return TRUE;
}

/* Whether the file has the bytes that the record claims: they were written
 * before it, so it lacks them only if somebody cut it. */
static gboolean
has_bytes (CacheReader *reader, TrackFile *file, const CacheRecord *record)
{
  guint64 end = record->offset + record->info.size;
  struct stat st;

  if (file->fd < 0) {
    g_autofree char *name =
        cache_folder_data_name (reader->table, record->info.track);

    file->fd = cache_folder_open_file (&reader->folder, name, O_RDONLY, NULL);
    if (file->fd < 0)
      return FALSE;
  }
  if (end > file->size && fstat (file->fd, &st) == 0)
    file->size = st.st_size;
  return end <= file->size;
}

static void
take_init (
    CacheReader *reader, TrackFile *file, const ChunkInfo *info, guint64 number)
{
  InitEntry init = {info->epoch, number};
  EpochEntry epoch = {info->epoch, info->msn, FALSE};
  guint n = reader->epochs->len;

  g_array_append_val (file->inits, init);
  if (n > 0 &&
      g_array_index (reader->epochs, EpochEntry, n - 1).epoch == info->epoch)
    return;
  /* An epoch whose packager was gone before its first part is none. */
  if (n > 0 && !g_array_index (reader->epochs, EpochEntry, n - 1).has_media)
    g_array_set_size (reader->epochs, n - 1);
  g_array_append_val (reader->epochs, epoch);
}

static void
take_media (CacheReader *reader, TrackFile *file, const CacheRecord *record,
    guint64 number)
{
  const ChunkInfo *info = &record->info;
  guint32 part = number;
  guint n = file->segments->len;
  SegmentEntry *segment =
      n > 0 ? &g_array_index (file->segments, SegmentEntry, n - 1) : NULL;

  g_array_index (reader->epochs, EpochEntry, reader->epochs->len - 1)
      .has_media = TRUE;
  if (info->part == 0) {
    SegmentEntry entry = {
        .epoch = info->epoch,
        .msn = info->msn,
        .first_part = file->parts->len,
        .independent = info->independent,
        .pts = info->pts,
        .dts = info->dts,
        .wallclock = info->wallclock,
        .offset = record->offset,
    };

    g_array_append_val (file->segments, entry);
    segment = &g_array_index (file->segments, SegmentEntry, n);
  }
  g_array_append_val (file->parts, part);
  segment->n_parts++;
  segment->last = info->last;
  segment->duration += info->duration;
  segment->length += info->size;
}

static gboolean
take (const CacheRecord *record, guint64 number, gpointer user_data)
{
  CacheReader *reader = user_data;
  TrackFile *file;

  if (record->info.kind == 0)
    return TRUE;
  file = track_file (reader, record->info.track);
  if (!has_bytes (reader, file, record))
    return FALSE;
  if (record->info.kind == CHUNK_KIND_MEDIA)
    take_media (reader, file, record, number);
  else
    take_init (reader, file, &record->info, number);
  return TRUE;
}

static gssize
read_index (CacheReader *reader, guint8 *data, gsize size, guint64 offset,
    GError **error)
{
  ssize_t n;

  do
    n = pread (reader->index_fd, data, size, offset);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    cache_folder_fail (&reader->folder, CACHE_INDEX_NAME, "read", errno, error);
  return n;
}

static gboolean
check_header (CacheReader *reader, GError **error)
{
  guint8 header[CACHE_RECORD_SIZE];
  const char *problem;
  gssize n = read_index (reader, header, sizeof header, 0, error);

  if (n < 0)
    return FALSE;
  if (!cache_index_check_header (header, n, &problem))
    return cache_folder_refuse (
        &reader->folder, CACHE_INDEX_NAME, problem, error);
  return TRUE;
}

/**
 * cache_reader_refresh:
 *
 * Takes in the records that were appended since. A record that does not hold
 * yet, because it is being written, is looked at again the next time; nothing
 * is ever changed on the disk.
 *
 * Returns: %FALSE and @error (NOT_FOUND if the link was cleared meanwhile,
 *     INVALID_DATA, or the disk's); what was known before can still be read
 */
gboolean
cache_reader_refresh (CacheReader *reader, GError **error)
{
  g_autofree guint8 *data = NULL;
  guint64 from, known;
  gsize size;
  struct stat st;

  if (fstat (reader->index_fd, &st) != 0)
    return cache_folder_fail (
        &reader->folder, CACHE_INDEX_NAME, "read", errno, error);
  known = (guint64)st.st_size / CACHE_RECORD_SIZE;
  known = known > 0 ? known - 1 : 0;
  if (st.st_nlink == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "The link %s was cleared", reader->folder.link);
    return FALSE;
  }
  if (known < reader->next)
    return cache_folder_refuse (
        &reader->folder, CACHE_INDEX_NAME, "was cut by somebody", error);
  if (known == reader->next)
    return TRUE;
  if (!load_table (reader, error))
    return FALSE;

  size = MIN (READ_SIZE, (known - reader->next) * CACHE_RECORD_SIZE);
  data = g_malloc (size);
  for (from = reader->next; from < known;) {
    gssize n =
        read_index (reader, data, size, (from + 1) * CACHE_RECORD_SIZE, error);
    guint64 next;

    if (n < 0)
      return FALSE;
    if (n < CACHE_RECORD_SIZE)
      break;
    next = cache_index_scan (&reader->order, data, n, from, take, reader);
    if (next > from) {
      reader->order.incomplete |= from > reader->next;
      reader->next = next;
    }
    from += n / CACHE_RECORD_SIZE;
  }
  return TRUE;
}

/**
 * cache_reader_open:
 * @cache_dir: the cache
 * @link: whose store
 *
 * Returns: (transfer full) (nullable): the reader, refreshed, or %NULL and
 *     @error: G_IO_ERROR_NOT_FOUND if the cache holds no such link,
 *     INVALID_DATA naming the file that is none of a store, or the disk's
 */
CacheReader *
cache_reader_open (const char *cache_dir, const char *link, GError **error)
{
  g_autoptr (CacheReader) reader = g_new0 (CacheReader, 1);

  reader->index_fd = -1;
  reader->tracks = g_ptr_array_new_with_free_func (track_file_free);
  reader->joint = track_file_new ();
  reader->epochs = g_array_new (FALSE, FALSE, sizeof (EpochEntry));
  reader->table = track_table_new ();

  if (!cache_folder_open (&reader->folder, cache_dir, link, error))
    return NULL;
  /* Whoever wants to clear the link can see that it is being read; the index has
   * the lock of the writer. Nothing is wrong if it cannot be had. */
  flock (reader->folder.fd, LOCK_SH | LOCK_NB);
  reader->index_fd = cache_folder_open_file (
      &reader->folder, CACHE_INDEX_NAME, O_RDONLY, error);
  if (reader->index_fd < 0 || !check_header (reader, error) ||
      !cache_reader_refresh (reader, error))
    return NULL;
  return g_steal_pointer (&reader);
}

/**
 * cache_reader_free:
 * @reader: (nullable)
 */
void
cache_reader_free (CacheReader *reader)
{
  if (reader == NULL)
    return;
  if (reader->index_fd >= 0)
    close (reader->index_fd);
  g_ptr_array_unref (reader->tracks);
  track_file_free (reader->joint);
  g_array_unref (reader->epochs);
  track_table_unref (reader->table);
  cache_folder_clear (&reader->folder);
  g_free (reader);
}

const TrackTable *
cache_reader_get_tracks (CacheReader *reader)
{
  return reader->table;
}

gboolean
cache_reader_is_ended (CacheReader *reader)
{
  return reader->order.ended;
}

/**
 * cache_reader_is_incomplete:
 *
 * Returns: whether chunks were lost before they were stored, or after
 */
gboolean
cache_reader_is_incomplete (CacheReader *reader)
{
  return reader->order.incomplete;
}

/**
 * cache_reader_get_tail:
 * @epoch: (out): the last one, which may have inits only
 * @next_msn: (out): the first that was never used
 * @next_time: (out): where the media ends, ns
 *
 * Returns: %FALSE if nothing is stored
 */
gboolean
cache_reader_get_tail (
    CacheReader *reader, guint32 *epoch, guint64 *next_msn, guint64 *next_time)
{
  const CacheOrder *order = &reader->order;

  if (!order->has_epoch)
    return FALSE;
  *epoch = order->epoch;
  *next_msn = order->has_media ? order->max_msn + 1 : 0;
  *next_time = order->next_time;
  return TRUE;
}

guint
cache_reader_count_segments (CacheReader *reader, guint track)
{
  TrackFile *file = track_file (reader, track);

  return file != NULL ? file->segments->len : 0;
}

static gboolean
is_complete (CacheReader *reader, TrackFile *file, guint position)
{
  const SegmentEntry *entry =
      &g_array_index (file->segments, SegmentEntry, position);
  const CacheOrder *order = &reader->order;

  return entry->last || position + 1 < file->segments->len || order->ended ||
         entry->epoch < order->epoch ||
         entry->msn + CACHE_MAX_LAG < order->max_msn;
}

/**
 * cache_reader_get_segment:
 * @segment: (out)
 *
 * Returns: %FALSE if @track has no more than @position segments
 */
gboolean
cache_reader_get_segment (
    CacheReader *reader, guint track, guint position, CacheSegment *segment)
{
  TrackFile *file = track_file (reader, track);
  const SegmentEntry *entry;

  if (file == NULL || position >= file->segments->len)
    return FALSE;
  entry = &g_array_index (file->segments, SegmentEntry, position);
  *segment = (CacheSegment){
      .epoch = entry->epoch,
      .msn = entry->msn,
      .n_parts = entry->n_parts,
      .complete = is_complete (reader, file, position),
      .independent = entry->independent,
      .pts = entry->pts,
      .dts = entry->dts,
      .duration = entry->duration,
      .wallclock = entry->wallclock,
      .extent = {file->fd, entry->offset, entry->length},
  };
  return TRUE;
}

/**
 * cache_reader_lower_bound:
 *
 * Returns: the position of the first segment of @track with @msn or a later
 *     one; the number of segments if there is none
 */
guint
cache_reader_lower_bound (CacheReader *reader, guint track, guint64 msn)
{
  TrackFile *file = track_file (reader, track);
  guint low = 0, high = file != NULL ? file->segments->len : 0;

  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (g_array_index (file->segments, SegmentEntry, middle).msn < msn)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

gboolean
cache_reader_find_segment (
    CacheReader *reader, guint track, guint64 msn, CacheSegment *segment)
{
  guint position = cache_reader_lower_bound (reader, track, msn);

  return cache_reader_get_segment (reader, track, position, segment) &&
         segment->msn == msn;
}

/**
 * cache_reader_is_final:
 *
 * Returns: whether nothing of the segment @msn can be appended to @track any
 *     more, whether it has that segment or not
 */
gboolean
cache_reader_is_final (CacheReader *reader, guint track, guint64 msn)
{
  const CacheOrder *order = &reader->order;
  TrackFile *file = track_file (reader, track);
  guint n = file != NULL ? file->segments->len : 0;
  const SegmentEntry *entry =
      n > 0 ? &g_array_index (file->segments, SegmentEntry, n - 1) : NULL;

  if (entry != NULL && entry->msn >= msn)
    return entry->msn > msn || is_complete (reader, file, n - 1);
  return order->ended || msn < order->first_msn ||
         (order->has_media && msn + CACHE_MAX_LAG < order->max_msn);
}

static gboolean
read_record (CacheReader *reader, guint64 number, CacheRecord *record)
{
  guint8 bytes[CACHE_RECORD_SIZE];

  return read_index (reader, bytes, sizeof bytes,
             (number + 1) * CACHE_RECORD_SIZE, NULL) == sizeof bytes &&
         cache_record_parse (bytes, record) && record->info.kind != 0;
}

static gboolean
load_record (CacheReader *reader, TrackFile *file, guint64 number,
    ChunkInfo *info, CacheExtent *extent)
{
  CacheRecord record;

  if (!read_record (reader, number, &record))
    return FALSE;
  *info = record.info;
  *extent = (CacheExtent){file->fd, record.offset, record.info.size};
  return TRUE;
}

/**
 * cache_reader_find_part:
 * @info: (out)
 * @extent: (out)
 *
 * Returns: %FALSE if it is not stored
 */
gboolean
cache_reader_find_part (CacheReader *reader, guint track, guint64 msn,
    guint32 part, ChunkInfo *info, CacheExtent *extent)
{
  TrackFile *file = track_file (reader, track);
  guint position = cache_reader_lower_bound (reader, track, msn);
  const SegmentEntry *entry;

  if (file == NULL || position >= file->segments->len)
    return FALSE;
  entry = &g_array_index (file->segments, SegmentEntry, position);
  if (entry->msn != msn || part >= entry->n_parts)
    return FALSE;
  return load_record (reader, file,
      g_array_index (file->parts, guint32, entry->first_part + part), info,
      extent);
}

/**
 * cache_reader_sum_segment:
 * @crc: (out): of all its parts that are stored, side by side
 *
 * Returns: %FALSE if it is not stored
 */
gboolean
cache_reader_sum_segment (
    CacheReader *reader, guint track, guint64 msn, guint32 *crc)
{
  TrackFile *file = track_file (reader, track);
  guint position = cache_reader_lower_bound (reader, track, msn);
  const SegmentEntry *entry;
  CacheRecord record;

  if (file == NULL || position >= file->segments->len)
    return FALSE;
  entry = &g_array_index (file->segments, SegmentEntry, position);
  if (entry->msn != msn)
    return FALSE;
  *crc = 0;
  for (guint i = 0; i < entry->n_parts; i++) {
    if (!read_record (reader,
            g_array_index (file->parts, guint32, entry->first_part + i),
            &record))
      return FALSE;
    *crc = crc32c_combine (*crc, record.data_crc, record.info.size);
  }
  return TRUE;
}

/**
 * cache_reader_find_init:
 * @track: or CHUNK_TRACK_ALL for the joint init
 * @info: (out)
 * @extent: (out)
 *
 * Returns: %FALSE if the track has no init of exactly that epoch
 */
gboolean
cache_reader_find_init (CacheReader *reader, guint track, guint32 epoch,
    ChunkInfo *info, CacheExtent *extent)
{
  TrackFile *file = track_file (reader, track);

  /* The newest is asked for most, and there are few. */
  for (guint i = file != NULL ? file->inits->len : 0; i > 0; i--) {
    const InitEntry *init = &g_array_index (file->inits, InitEntry, i - 1);

    if (init->epoch == epoch)
      return load_record (reader, file, init->record, info, extent);
  }
  return FALSE;
}

/**
 * cache_reader_count_epochs:
 *
 * Returns: how many epochs have media
 */
guint
cache_reader_count_epochs (CacheReader *reader)
{
  guint n = reader->epochs->len;

  /* The last one may have inits only so far. */
  if (n > 0 && !g_array_index (reader->epochs, EpochEntry, n - 1).has_media)
    n--;
  return n;
}

/**
 * cache_reader_get_epoch:
 * @epoch: (out)
 * @first_msn: (out): no segment of the epoch is below it
 *
 * Returns: %FALSE if there are no more than @position epochs
 */
gboolean
cache_reader_get_epoch (
    CacheReader *reader, guint position, guint32 *epoch, guint64 *first_msn)
{
  const EpochEntry *entry;

  if (position >= cache_reader_count_epochs (reader))
    return FALSE;
  entry = &g_array_index (reader->epochs, EpochEntry, position);
  *epoch = entry->epoch;
  *first_msn = entry->first_msn;
  return TRUE;
}
