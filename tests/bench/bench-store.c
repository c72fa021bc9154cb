/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-store FOLDER: two ratios, each of times measured by turns in this run.
 *
 *   open_find_ratio  opening a link and finding a segment: among 100,000 links
 *                    against among 10
 *   append_ratio     appending through the store against appending the same
 *                    bytes plainly, with as many fdatasyncs: above 1 the store
 *                    would be faster
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cacheio.h"
#include "cachereader.h"
#include "cachewriter.h"

#define N_FEW 10
#define N_MANY 100000
#define N_LOOKUPS 3000
#define N_SEGMENTS 300 /* ten minutes */
#define N_PARTS 4
#define PART_TIME G_GUINT64_CONSTANT (500000000)

/* A file system lets a file have some 65,000 names. */
#define MAX_NAMES 50000

#define N_APPENDED 100          /* segments */
#define VIDEO_PART (187 * 1024) /* 3 Mbit/s */
#define AUDIO_PART (8 * 1024)

static const char *const shared_names[] = {
    "index", "video_0.cmaf", "audio_0.cmaf"};

static void
check (gboolean ok, const char *what)
{
  if (!ok)
    g_error ("%s: %s", what, g_strerror (errno));
}

static TrackTable *
new_table (void)
{
  TrackTable *table = track_table_new ();

  track_table_add (table, "video_0", TRACK_VIDEO)->codecs =
      g_strdup ("avc1.64001f");
  track_table_add (table, "audio_0", TRACK_AUDIO)->codecs =
      g_strdup ("mp4a.40.2");
  return table;
}

static CacheWriter *
open_writer (const char *dir, const char *link)
{
  g_autoptr (TrackTable) table = new_table ();
  g_autoptr (GError) error = NULL;
  CacheWriter *writer = cache_writer_open (dir, link, &error);

  if (writer == NULL || !cache_writer_set_tracks (writer, table, &error))
    g_error ("%s", error->message);
  return writer;
}

static void
append (CacheWriter *writer, const ChunkInfo *info, const guint8 *data)
{
  g_autoptr (GError) error = NULL;

  if (!cache_writer_append (writer, info, data, &error) ||
      !cache_writer_sync (writer, &error))
    g_error ("%s", error->message);
}

static void
append_inits (CacheWriter *writer)
{
  static const guint8 data[700];

  for (guint16 track = 0; track < 2; track++) {
    const ChunkInfo info = {
        .kind = CHUNK_KIND_INIT, .track = track, .size = sizeof data};

    append (writer, &info, data);
  }
}

static void
append_part (CacheWriter *writer, guint16 track, guint64 msn, guint32 part,
    const guint8 *data, guint32 size)
{
  const guint64 time = (msn * N_PARTS + part) * PART_TIME;
  const ChunkInfo info = {
      .kind = CHUNK_KIND_MEDIA,
      .track = track,
      .independent = part == 0,
      .last = part == N_PARTS - 1,
      .msn = msn,
      .part = part,
      .pts = time,
      .dts = time,
      .duration = PART_TIME,
      .size = size,
  };

  append (writer, &info, data);
}

/* Opening and finding */

static int
no_sync (int fd)
{
  return 0;
}

static void
make_link (const char *dir, const char *link)
{
  static const guint8 data[100];
  CacheWriter *writer = open_writer (dir, link);

  append_inits (writer);
  for (guint64 msn = 0; msn < N_SEGMENTS; msn++)
    for (guint32 part = 0; part < N_PARTS; part++)
      for (guint16 track = 0; track < 2; track++)
        append_part (writer, track, msn, part, data, sizeof data);
  cache_writer_free (writer);
}

static void
link_name (char name[32], guint number)
{
  g_snprintf (name, 32, "link-%06u", number);
}

/* A link with a folder and a broadcast.json of its own; the rest is @model's by
 * another name, which costs an opener the same. */
static void
copy_link (
    const char *dir, const char *model, const char *link, const char *json)
{
  const char *place = strstr (json, model);
  g_autofree char *folder = g_build_filename (dir, link, NULL);
  g_autofree char *table = g_build_filename (folder, "broadcast.json", NULL);
  g_autofree char *text = g_strdup (json);
  FILE *file;

  check (g_mkdir (folder, 0750) == 0, folder);
  for (guint i = 0; i < G_N_ELEMENTS (shared_names); i++) {
    g_autofree char *from =
        g_build_filename (dir, model, shared_names[i], NULL);
    g_autofree char *to = g_build_filename (folder, shared_names[i], NULL);

    check (linkat (AT_FDCWD, from, AT_FDCWD, to, 0) == 0, to);
  }
  memcpy (text + (place - json), link, strlen (link));
  file = fopen (table, "w");
  check (file != NULL && fputs (text, file) >= 0 && fclose (file) == 0, table);
}

static void
make_cache (const char *dir, guint n_links)
{
  g_autofree char *json = NULL;
  char model[32], name[32];

  for (guint i = 0; i < n_links; i++) {
    link_name (name, i);
    if (i % MAX_NAMES == 0) {
      g_autofree char *path = NULL;

      link_name (model, i);
      make_link (dir, model);
      g_free (json);
      path = g_build_filename (dir, model, "broadcast.json", NULL);
      check (g_file_get_contents (path, &json, NULL, NULL), path);
    } else {
      copy_link (dir, model, name, json);
    }
  }
}

/* Returns the microseconds. */
static gint64
open_and_find (const char *dir, guint number, guint64 msn)
{
  g_autoptr (GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();
  CacheReader *reader;
  CacheSegment segment;
  char name[32];

  link_name (name, number);
  reader = cache_reader_open (dir, name, &error);
  if (reader == NULL)
    g_error ("%s", error->message);
  if (!cache_reader_find_segment (reader, 0, msn, &segment))
    g_error ("segment %" G_GUINT64_FORMAT " is not in %s", msn, name);
  cache_reader_free (reader);
  return g_get_monotonic_time () - begin;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return *(const gint64 *)a < *(const gint64 *)b ? -1 : 1;
}

static double
median (gint64 *values, guint n)
{
  qsort (values, n, sizeof *values, compare);
  return values[n / 2];
}

static void
bench_open (const char *folder)
{
  const CacheIo real = cache_io;
  g_autofree char *few = g_build_filename (folder, "few", NULL);
  g_autofree char *many = g_build_filename (folder, "many", NULL);
  g_autofree gint64 *few_times = g_new (gint64, N_LOOKUPS);
  g_autofree gint64 *many_times = g_new (gint64, N_LOOKUPS);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  double few_time, many_time;

  cache_io.fdatasync = no_sync;
  make_cache (few, N_FEW);
  make_cache (many, N_MANY);
  cache_io = real;
  for (guint i = 0; i < N_LOOKUPS; i++) {
    guint64 msn = g_rand_int_range (random, 0, N_SEGMENTS);

    few_times[i] =
        open_and_find (few, g_rand_int_range (random, 0, N_FEW), msn);
    many_times[i] =
        open_and_find (many, g_rand_int_range (random, 0, N_MANY), msn);
  }
  few_time = median (few_times, N_LOOKUPS);
  many_time = median (many_times, N_LOOKUPS);
  g_print ("open_find_us_10 %.0f\n", few_time);
  g_print ("open_find_us_100000 %.0f\n", many_time);
  g_print ("open_find_ratio %.3f\n", many_time / few_time);
}

/* Appending */

static guint n_syncs;

static int
counting_fdatasync (int fd)
{
  n_syncs++;
  return fdatasync (fd);
}

static gint64
append_segment (CacheWriter *writer, guint64 msn, const guint8 *data)
{
  gint64 begin = g_get_monotonic_time ();

  for (guint32 part = 0; part < N_PARTS; part++) {
    append_part (writer, 0, msn, part, data, VIDEO_PART);
    append_part (writer, 1, msn, part, data, AUDIO_PART);
  }
  return g_get_monotonic_time () - begin;
}

static void
plain_write (int fd, const guint8 *data, gsize size)
{
  check (write (fd, data, size) == (gssize)size, "write");
}

/* The first @syncs parts are each followed by a fdatasync, of the files by
 * turns, so that there is something to sync each time. */
static gint64
append_plainly (const int fds[2], guint syncs, const guint8 *data)
{
  gint64 begin = g_get_monotonic_time ();

  for (guint32 part = 0; part < N_PARTS; part++) {
    plain_write (fds[0], data, VIDEO_PART);
    plain_write (fds[1], data, AUDIO_PART);
    if (part < N_PARTS - 1 && part + 2 < syncs)
      check (fdatasync (fds[part % 2]) == 0, "fdatasync");
  }
  for (guint i = 0; i < MIN (syncs, 2); i++)
    check (fdatasync (fds[i]) == 0, "fdatasync");
  return g_get_monotonic_time () - begin;
}

static int
open_plain (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

  check (fd >= 0, path);
  return fd;
}

static void
bench_append (const char *folder)
{
  const CacheIo real = cache_io;
  g_autofree guint8 *data = g_malloc (VIDEO_PART);
  CacheWriter *writer = open_writer (folder, "append");
  const int fds[2] = {
      open_plain (folder, "video"), open_plain (folder, "audio")};
  gint64 stored = 0, plain = 0;

  memset (data, 0x5a, VIDEO_PART);
  cache_io.fdatasync = counting_fdatasync;
  append_inits (writer);
  /* The first makes the files and is not counted. */
  append_segment (writer, 0, data);
  for (guint64 msn = 1; msn <= N_APPENDED; msn++) {
    n_syncs = 0;
    stored += append_segment (writer, msn, data);
    plain += append_plainly (fds, n_syncs, data);
  }
  cache_writer_free (writer);
  close (fds[0]);
  close (fds[1]);
  cache_io = real;
  g_print ("append_ms_segment %.2f\n", stored / 1000.0 / N_APPENDED);
  g_print ("append_plain_ms_segment %.2f\n", plain / 1000.0 / N_APPENDED);
  g_print ("append_ratio %.3f\n", (double)plain / stored);
}

int
main (int argc, char **argv)
{
  if (argc != 2) {
    g_printerr ("Usage: bench-store FOLDER\n"
                "FOLDER is empty; 100,000 links are made in it.\n");
    return 64;
  }
  bench_append (argv[1]);
  bench_open (argv[1]);
  return 0;
}
