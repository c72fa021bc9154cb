/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linkstore.h"

#include <gio/gio.h>

#include "cachereader.h"
#include "cachewriter.h"

#define NS_PER_US 1000

/* Opening a store for writing would make one. */
static gboolean
is_there (const char *cache_dir, const char *link)
{
  g_autofree char *folder = g_build_filename (cache_dir, link, NULL);

  return g_file_test (folder, G_FILE_TEST_IS_DIR);
}

static gint64
find_last_media (CacheReader *reader)
{
  gint64 last = 0;

  for (guint track = 0;
       track < track_table_size (cache_reader_get_tracks (reader)); track++) {
    guint n = cache_reader_count_segments (reader, track);
    CacheSegment segment;

    if (n > 0 && cache_reader_get_segment (reader, track, n - 1, &segment))
      last = MAX (
          last, segment.wallclock + (gint64)(segment.duration / NS_PER_US));
  }
  return last;
}

gboolean
link_store_recover (
    const char *cache_dir, const char *link, gint64 *last_media, GError **error)
{
  g_autoptr (CacheWriter) writer = NULL;
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) why = NULL;

  *last_media = 0;
  if (!is_there (cache_dir, link))
    return TRUE;
  writer = cache_writer_open (cache_dir, link, &why);
  /* It had ended already. */
  if (writer == NULL && !g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CLOSED)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  reader = cache_reader_open (cache_dir, link, error);
  if (reader == NULL)
    return FALSE;
  *last_media = find_last_media (reader);
  return TRUE;
}

gboolean
link_store_get_tail (
    const char *cache_dir, const char *link, LinkTail *tail, GError **error)
{
  g_autoptr (CacheReader) reader = NULL;

  *tail = (LinkTail){0};
  if (!is_there (cache_dir, link))
    return TRUE;
  reader = cache_reader_open (cache_dir, link, error);
  if (reader == NULL)
    return FALSE;
  if (cache_reader_get_tail (
          reader, &tail->epoch, &tail->first_msn, &tail->first_time))
    tail->epoch++;
  return TRUE;
}

gboolean
link_store_end (const char *cache_dir, const char *link, GError **error)
{
  g_autoptr (CacheWriter) writer = NULL;
  g_autoptr (GError) why = NULL;

  if (!is_there (cache_dir, link))
    return TRUE;
  writer = cache_writer_open (cache_dir, link, &why);
  if (writer != NULL)
    return cache_writer_end (writer, error);
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}
