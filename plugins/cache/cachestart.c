/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachestart.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "cachehead.h"

/**
 * cache_extent_read:
 * @offset: in the extent
 * @data: (out): room for @size bytes
 *
 * Returns: %FALSE and @error if not all @size bytes could be read
 */
gboolean
cache_extent_read (const CacheExtent *extent, guint64 offset, guint8 *data,
    gsize size, GError **error)
{
  gsize done = 0;

  while (done < size) {
    ssize_t n = pread (
        extent->fd, data + done, size - done, extent->offset + offset + done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      int code = n < 0 ? errno : 0;

      g_set_error (error, G_IO_ERROR,
          n < 0 ? g_io_error_from_errno (code) : G_IO_ERROR_PARTIAL_INPUT,
          "Cannot read the store: %s",
          n < 0 ? g_strerror (code) : "a file was cut");
      return FALSE;
    }
    done += n;
  }
  return TRUE;
}

static GBytes *
load_init (CacheReader *reader, guint track, guint32 epoch, GError **error)
{
  g_autofree guint8 *data = NULL;
  CacheExtent extent;
  ChunkInfo info;

  if (!cache_reader_find_init (reader, track, epoch, &info, &extent)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "Epoch %u has no %s init segment", epoch,
        track == CHUNK_TRACK_ALL ? "joint" : "single");
    return NULL;
  }
  data = g_malloc (extent.length);
  if (!cache_extent_read (&extent, 0, data, extent.length, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), extent.length);
}

static gboolean
has_init (CacheReader *reader, guint track, guint32 epoch)
{
  CacheExtent extent;
  ChunkInfo info;

  return cache_reader_find_init (reader, track, epoch, &info, &extent);
}

static gboolean
is_wanted (char **names, const Track *track, gboolean *has_type)
{
  if (names != NULL)
    return g_strv_contains ((const char *const *)names, track->name);
  if (has_type[track->type])
    return FALSE;
  has_type[track->type] = TRUE;
  return TRUE;
}

static gboolean
check_names (CacheReader *reader, char **names, GError **error)
{
  const TrackTable *table = cache_reader_get_tracks (reader);

  for (char **name = names; name != NULL && *name != NULL; name++)
    if (track_table_find (table, *name) < 0) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
          "The broadcast has no track %s", *name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
choose_tracks (CacheReader *reader, char **names, guint32 epoch, GArray *tracks,
    GError **error)
{
  const TrackTable *table = cache_reader_get_tracks (reader);
  gboolean has_type[] = {FALSE, FALSE};

  for (guint i = 0; i < track_table_size (table); i++) {
    g_autoptr (GBytes) init = NULL;
    CacheChosen chosen = {.number = i};

    /* A track that is not on air in this epoch has no init of it. */
    if (!has_init (reader, i, epoch) ||
        !is_wanted (names, track_table_get (table, i), has_type))
      continue;
    init = load_init (reader, i, epoch, error);
    if (init == NULL)
      return FALSE;
    if (!cache_head_get_track_id (init, &chosen.id)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "The init segment of track %s is malformed",
          track_table_get (table, i)->name);
      return FALSE;
    }
    g_array_append_val (tracks, chosen);
  }
  if (tracks->len == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "Epoch %u has none of the tracks asked for", epoch);
  return tracks->len > 0;
}

void
cache_start_clear (CacheStart *start)
{
  g_clear_pointer (&start->tracks, g_array_unref);
  g_clear_pointer (&start->init, g_bytes_unref);
}

/**
 * cache_start_load:
 * @start: (out): to be cleared
 * @names: (nullable): the tracks, or %NULL for the first video and the first
 *     audio track
 *
 * Those of the tracks that are on air in @epoch.
 *
 * Returns: %FALSE and @error: NOT_FOUND if the link never had one of the tracks
 *     or @epoch has none, INVALID_DATA, or the disk's; @start is then empty
 */
gboolean
cache_start_load (CacheStart *start, CacheReader *reader, char **names,
    guint32 epoch, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GBytes) joint = NULL;

  *start = (CacheStart){g_array_new (FALSE, FALSE, sizeof (CacheChosen)), NULL};
  if (check_names (reader, names, error) &&
      choose_tracks (reader, names, epoch, start->tracks, error))
    joint = load_init (reader, CHUNK_TRACK_ALL, epoch, error);
  if (joint != NULL) {
    for (guint i = 0; i < start->tracks->len; i++)
      g_array_append_val (
          ids, g_array_index (start->tracks, CacheChosen, i).id);
    start->init =
        cache_head_filter (joint, (const guint32 *)ids->data, ids->len, error);
  }
  if (start->init == NULL)
    cache_start_clear (start);
  return start->init != NULL;
}

gboolean
cache_start_equal (const CacheStart *a, const CacheStart *b)
{
  return a->tracks->len == b->tracks->len &&
         memcmp (a->tracks->data, b->tracks->data,
             a->tracks->len * sizeof (CacheChosen)) == 0 &&
         g_bytes_equal (a->init, b->init);
}

/**
 * cache_start_lead:
 *
 * Returns: the position among the chosen tracks of the one that players seek by
 */
guint
cache_start_lead (const CacheStart *start, CacheReader *reader)
{
  const TrackTable *table = cache_reader_get_tracks (reader);

  for (guint i = 0; i < start->tracks->len; i++) {
    guint number = g_array_index (start->tracks, CacheChosen, i).number;

    if (track_table_get (table, number)->type == TRACK_VIDEO)
      return i;
  }
  return 0;
}
