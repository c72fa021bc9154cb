/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "storekit.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void
put_uint32 (GByteArray *array, guint32 value)
{
  guint32 raw = GUINT32_TO_BE (value);

  g_byte_array_append (array, (const guint8 *)&raw, sizeof raw);
}

static guint
begin_box (GByteArray *array, const char *type)
{
  guint begin = array->len;

  put_uint32 (array, 0);
  g_byte_array_append (array, (const guint8 *)type, 4);
  return begin;
}

static void
end_box (GByteArray *array, guint begin)
{
  guint32 raw = GUINT32_TO_BE (array->len - begin);

  memcpy (array->data + begin, &raw, sizeof raw);
}

char *
kit_dir_new (void)
{
  g_autoptr (GError) error = NULL;
  char *dir = g_dir_make_tmp ("wishcast-store-XXXXXX", &error);

  g_assert_no_error (error);
  return dir;
}

static void
remove_all (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR) &&
      !g_file_test (path, G_FILE_TEST_IS_SYMLINK)) {
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  }
  g_assert_cmpint (g_remove (path), ==, 0);
}

/* Removes the folder too. */
void
kit_dir_free (char *dir)
{
  remove_all (dir);
  g_free (dir);
}

TrackTable *
kit_table (void)
{
  TrackTable *table = track_table_new ();
  Track *track = track_table_add (table, "video_0", TRACK_VIDEO);

  table->segment_duration = KIT_PARTS * KIT_PART_TIME;
  table->max_segment_duration = 2 * table->segment_duration;
  table->part_duration = KIT_PART_TIME;
  track->present = TRUE;
  track->codecs = g_strdup ("avc1.64001f");
  track = track_table_add (table, "audio_0", TRACK_AUDIO);
  track->present = TRUE;
  track->codecs = g_strdup ("mp4a.40.2");
  track->timescale = track->rate = 48000;
  track->channels = 2;
  return table;
}

/* Ftyp and a moov with the boxes that a reader of the store looks into. */
GBytes *
kit_init (const guint32 *track_ids, guint n, guint32 width)
{
  GByteArray *out = g_byte_array_new ();
  guint box = begin_box (out, "ftyp"), moov, trak;

  g_byte_array_append (out, (const guint8 *)"cmf2\0\0\0\0cmf2", 12);
  end_box (out, box);
  moov = begin_box (out, "moov");
  for (guint i = 0; i < n; i++) {
    trak = begin_box (out, "trak");
    box = begin_box (out, "tkhd");
    put_uint32 (out, 7); /* version 0, flags */
    put_uint32 (out, 0);
    put_uint32 (out, 0);
    put_uint32 (out, track_ids[i]);
    put_uint32 (out, width);
    end_box (out, box);
    end_box (out, trak);
  }
  box = begin_box (out, "mvex");
  for (guint i = 0; i < n; i++) {
    trak = begin_box (out, "trex");
    put_uint32 (out, 0);
    put_uint32 (out, track_ids[i]);
    put_uint32 (out, 1);
    end_box (out, trak);
  }
  end_box (out, box);
  end_box (out, moov);
  return g_byte_array_free_to_bytes (out);
}

/* A moof that says which chunk it is and an mdat of a size and of bytes that
 * follow from that. Sets the size. */
GBytes *
kit_chunk (ChunkInfo *info)
{
  GByteArray *out = g_byte_array_new ();
  guint box = begin_box (out, "moof");
  guint32 seed = info->msn * 31 + info->part * 7 + info->track;

  put_uint32 (out, info->track);
  put_uint32 (out, info->epoch);
  put_uint32 (out, info->msn);
  put_uint32 (out, info->part);
  end_box (out, box);
  box = begin_box (out, "mdat");
  for (guint i = 0; i < 16 + seed % 50; i++)
    put_uint32 (out, seed + i);
  end_box (out, box);
  info->size = out->len;
  return g_byte_array_free_to_bytes (out);
}

GBytes *
kit_joint (ChunkInfo *info, guint32 epoch, guint64 msn, guint width)
{
  const guint32 ids[] = {1, 2};
  GBytes *bytes = kit_init (ids, 2, width);

  *info = (ChunkInfo){
      .kind = CHUNK_KIND_JOINT_INIT,
      .track = CHUNK_TRACK_ALL,
      .epoch = epoch,
      .msn = msn,
      .size = g_bytes_get_size (bytes),
  };
  return bytes;
}

GBytes *
kit_track_init (
    ChunkInfo *info, guint16 track, guint32 epoch, guint64 msn, guint width)
{
  const guint32 id = track + 1;
  GBytes *bytes = kit_init (&id, 1, width);

  *info = (ChunkInfo){
      .kind = CHUNK_KIND_INIT,
      .track = track,
      .epoch = epoch,
      .msn = msn,
      .size = g_bytes_get_size (bytes),
  };
  return bytes;
}

GBytes *
kit_part (
    ChunkInfo *info, guint16 track, guint32 epoch, guint64 msn, guint32 part)
{
  guint64 time = (msn * KIT_PARTS + part) * KIT_PART_TIME;

  *info = (ChunkInfo){
      .kind = CHUNK_KIND_MEDIA,
      .track = track,
      .independent = track == KIT_AUDIO || part == 0,
      .last = part == KIT_PARTS - 1,
      .epoch = epoch,
      .msn = msn,
      .part = part,
      .pts = time + 40000000,
      .dts = time,
      .duration = KIT_PART_TIME,
      .wallclock = 1700000000000000 + (gint64)(time / 1000),
  };
  return kit_chunk (info);
}

static gboolean
send (ChunkInfo *info, GBytes *taken, KitFunc func, gpointer user_data)
{
  g_autoptr (GBytes) bytes = taken;

  return func (info, bytes, user_data);
}

gboolean
kit_epoch (guint32 epoch, guint64 first_msn, guint n, guint width, KitFunc func,
    gpointer user_data)
{
  ChunkInfo info;
  GBytes *bytes = kit_joint (&info, epoch, first_msn, width);

  if (!send (&info, bytes, func, user_data))
    return FALSE;
  for (guint16 track = 0; track < 2; track++) {
    bytes = kit_track_init (&info, track, epoch, first_msn, width);
    if (!send (&info, bytes, func, user_data))
      return FALSE;
  }
  for (guint64 msn = first_msn; msn < first_msn + n; msn++)
    for (guint32 part = 0; part < KIT_PARTS; part++)
      for (guint16 track = 0; track < 2; track++) {
        bytes = kit_part (&info, track, epoch, msn, part);
        if (!send (&info, bytes, func, user_data))
          return FALSE;
      }
  return TRUE;
}

/* A KitFunc: @user_data is a writer. */
gboolean
kit_append (const ChunkInfo *info, GBytes *bytes, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  cache_writer_append (user_data, info, g_bytes_get_data (bytes, NULL), &error);
  g_assert_no_error (error);
  cache_writer_sync (user_data, &error);
  g_assert_no_error (error);
  return TRUE;
}

CacheWriter *
kit_open_writer (const char *dir)
{
  g_autoptr (TrackTable) table = kit_table ();
  g_autoptr (GError) error = NULL;
  CacheWriter *writer = cache_writer_open (dir, KIT_LINK, &error);

  g_assert_no_error (error);
  cache_writer_set_tracks (writer, table, &error);
  g_assert_no_error (error);
  return writer;
}

GBytes *
kit_read (const CacheExtent *extent)
{
  guint8 *data = g_malloc (extent->length);

  g_assert_cmpint (pread (extent->fd, data, extent->length, extent->offset), ==,
      extent->length);
  return g_bytes_new_take (data, extent->length);
}

/* Asserts that every part that the store lists has its bytes, and that the bytes
 * of a segment are its parts. Returns the number of parts. */
guint
kit_check_store (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader = cache_reader_open (dir, KIT_LINK, &error);
  guint n_parts = 0;

  g_assert_no_error (error);
  for (guint track = 0;
       track < track_table_size (cache_reader_get_tracks (reader)); track++)
    for (guint i = 0; i < cache_reader_count_segments (reader, track); i++) {
      guint64 length = 0;
      CacheSegment segment;

      g_assert_true (cache_reader_get_segment (reader, track, i, &segment));
      for (guint part = 0; part < segment.n_parts; part++) {
        g_autoptr (GBytes) bytes = NULL, wanted = NULL;
        CacheExtent extent;
        ChunkInfo info;

        g_assert_true (cache_reader_find_part (
            reader, track, segment.msn, part, &info, &extent));
        g_assert_cmpuint (extent.offset, ==, segment.extent.offset + length);
        bytes = kit_read (&extent);
        wanted = kit_chunk (&info);
        g_assert_true (g_bytes_equal (bytes, wanted));
        length += extent.length;
        n_parts++;
      }
      g_assert_cmpuint (length, ==, segment.extent.length);
    }
  return n_parts;
}

char *
kit_path (const char *dir, const char *name)
{
  return g_build_filename (dir, KIT_LINK, name, NULL);
}

guint8 *
kit_load (const char *dir, const char *name, gsize *size)
{
  g_autofree char *path = kit_path (dir, name);
  g_autoptr (GError) error = NULL;
  char *data;

  g_file_get_contents (path, &data, size, &error);
  g_assert_no_error (error);
  return (guint8 *)data;
}

/* In place, as a crash would leave it. */
void
kit_save (const char *dir, const char *name, const guint8 *data, gsize size)
{
  g_autofree char *path = kit_path (dir, name);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, data, size), ==, size);
  close (fd);
}
