/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* storechild CACHE-DIR: goes on with the link of the tests' store, part by part,
 * until somebody kills it. After each append it writes one byte to its standard
 * output: what was told there must never be lost. */

#include <unistd.h>

#include "storekit.h"

static gboolean
append_and_tell (const ChunkInfo *info, GBytes *bytes, gpointer user_data)
{
  kit_append (info, bytes, user_data);
  if (info->kind == CHUNK_KIND_MEDIA)
    g_assert_cmpint (write (STDOUT_FILENO, ".", 1), ==, 1);
  return TRUE;
}

int
main (int argc, char **argv)
{
  CacheWriter *writer;
  CacheReader *reader;
  guint32 epoch = 0;
  guint64 msn = 0, time;

  g_assert_cmpint (argc, ==, 2);
  writer = kit_open_writer (argv[1]);
  reader = cache_reader_open (argv[1], KIT_LINK, NULL);
  if (cache_reader_get_tail (reader, &epoch, &msn, &time))
    epoch++;
  cache_reader_free (reader);
  kit_epoch (epoch, msn, G_MAXINT, 1, append_and_tell, writer);
  cache_writer_free (writer);
  return 0;
}
