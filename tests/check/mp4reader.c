/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mp4reader.h"

#include <string.h>

typedef struct {
  const guint8 *data;
  gsize left;
} Reader;

static const guint8 *
take (Reader *r, gsize size)
{
  const guint8 *data = r->data;

  g_assert_cmpuint (size, <=, r->left);
  r->data += size;
  r->left -= size;
  return data;
}

static guint64
number (Reader *r, guint bytes)
{
  const guint8 *data = take (r, bytes);
  guint64 value = 0;

  for (guint i = 0; i < bytes; i++)
    value = value << 8 | data[i];
  return value;
}

/* The next box of @r, whose payload becomes @box. */
static gboolean
next_box (Reader *r, Reader *box, char fourcc[5])
{
  guint64 size;

  if (r->left == 0)
    return FALSE;
  size = number (r, 4);
  memcpy (fourcc, take (r, 4), 4);
  fourcc[4] = '\0';
  g_assert_cmpuint (size, >=, 8);
  box->data = take (r, size - 8);
  box->left = size - 8;
  return TRUE;
}

/* The only box of that name in @r. */
static Reader
find (Reader r, const char *wanted)
{
  Reader box, found = {NULL, 0};
  char fourcc[5];

  while (next_box (&r, &box, fourcc)) {
    if (!g_str_equal (fourcc, wanted))
      continue;
    g_assert_null (found.data);
    found = box;
  }
  if (found.data == NULL)
    g_error ("no box %s", wanted);
  return found;
}

static guint32
full_box (Reader *r, guint *version)
{
  *version = number (r, 1);
  return number (r, 3);
}

static void
assert_empty_table (Reader stbl, const char *name, gsize size)
{
  Reader table = find (stbl, name);

  g_assert_cmpuint (table.left, ==, size);
  while (table.left > 0)
    g_assert_cmpuint (number (&table, 1), ==, 0);
}

static void
read_sample_entry (Reader stsd, Mp4Track *track)
{
  Reader entry, config;
  guint version;
  char name[5];
  gboolean video = g_str_equal (track->handler, "vide");

  g_assert_cmpuint (full_box (&stsd, &version), ==, 0);
  g_assert_cmpuint (number (&stsd, 4), ==, 1);
  g_assert_true (next_box (&stsd, &entry, track->entry));
  g_assert_cmpuint (stsd.left, ==, 0);
  take (&entry, 6);
  g_assert_cmpuint (number (&entry, 2), ==, 1);
  if (video) {
    take (&entry, 16);
    track->width = number (&entry, 2);
    track->height = number (&entry, 2);
    take (&entry, 50);
  } else {
    take (&entry, 8);
    track->channels = number (&entry, 2);
    g_assert_cmpuint (number (&entry, 2), ==, 16);
    take (&entry, 4);
    track->rate = number (&entry, 4) >> 16;
  }
  g_assert_true (next_box (&entry, &config, name));
  g_assert_true (g_str_equal (name, "avcC") || g_str_equal (name, "hvcC") ||
                 g_str_equal (name, "esds") || g_str_equal (name, "dOps"));
  track->config = config.data;
  track->config_size = config.left;
}

static void
read_track (Reader trak, Mp4Track *track)
{
  Reader tkhd = find (trak, "tkhd");
  Reader mdia = find (trak, "mdia");
  Reader mdhd = find (mdia, "mdhd");
  Reader hdlr = find (mdia, "hdlr");
  Reader minf = find (mdia, "minf");
  Reader stbl = find (minf, "stbl");
  guint version;

  g_assert_cmpuint (full_box (&tkhd, &version), ==, 7);
  take (&tkhd, 8);
  track->id = number (&tkhd, 4);
  full_box (&mdhd, &version);
  take (&mdhd, 8);
  track->timescale = number (&mdhd, 4);
  g_assert_cmpuint (number (&mdhd, 4), ==, 0);
  take (&hdlr, 8);
  memcpy (track->handler, take (&hdlr, 4), 4);
  find (minf, g_str_equal (track->handler, "vide") ? "vmhd" : "smhd");
  find (minf, "dinf");
  read_sample_entry (find (stbl, "stsd"), track);
  assert_empty_table (stbl, "stts", 8);
  assert_empty_table (stbl, "stsc", 8);
  assert_empty_table (stbl, "stco", 8);
  assert_empty_table (stbl, "stsz", 12);
}

static void
assert_trex (Reader mvex, guint32 id)
{
  Reader box;
  char fourcc[5];

  while (next_box (&mvex, &box, fourcc)) {
    take (&box, 4);
    if (g_str_equal (fourcc, "trex") && number (&box, 4) == id)
      return;
  }
  g_error ("no trex for track %u", id);
}

/**
 * mp4_read_init:
 * @init: (out): refers to @data
 */
void
mp4_read_init (const guint8 *data, gsize size, Mp4Init *init)
{
  Reader file = {data, size};
  Reader ftyp, moov, mvhd, mvex, box;
  char fourcc[5];

  *init = (Mp4Init){0};
  g_assert_true (next_box (&file, &ftyp, fourcc));
  g_assert_cmpstr (fourcc, ==, "ftyp");
  g_assert_cmpmem (take (&ftyp, 4), 4, "cmf2", 4);
  g_assert_true (next_box (&file, &moov, fourcc));
  g_assert_cmpstr (fourcc, ==, "moov");
  g_assert_cmpuint (file.left, ==, 0);

  mvhd = find (moov, "mvhd");
  mvex = find (moov, "mvex");
  while (next_box (&moov, &box, fourcc)) {
    if (!g_str_equal (fourcc, "trak"))
      continue;
    g_assert_cmpuint (init->n_tracks, <, MP4_MAX_TRACKS);
    read_track (box, &init->tracks[init->n_tracks]);
    assert_trex (mvex, init->tracks[init->n_tracks].id);
    init->n_tracks++;
  }
  take (&mvhd, 96);
  init->next_track_id = number (&mvhd, 4);
  g_assert_cmpuint (mvhd.left, ==, 0);
}

typedef struct {
  gboolean has_duration;
  guint32 duration;
  gboolean has_flags;
  guint32 flags;
} Defaults;

static void
read_tfhd (Reader tfhd, Mp4Chunk *chunk, Defaults *defaults)
{
  guint version;
  guint32 flags = full_box (&tfhd, &version);

  /* default-base-is-moof, and nothing that CMAF forbids */
  g_assert_cmphex (flags & 0x020000, ==, 0x020000);
  g_assert_cmphex (flags & ~0x020028u, ==, 0);
  chunk->track_id = number (&tfhd, 4);
  defaults->has_duration = flags & 0x08;
  if (defaults->has_duration)
    defaults->duration = number (&tfhd, 4);
  defaults->has_flags = flags & 0x20;
  if (defaults->has_flags)
    defaults->flags = number (&tfhd, 4);
  g_assert_cmpuint (tfhd.left, ==, 0);
}

static guint32
read_trun (Reader trun, Mp4Chunk *chunk, const Defaults *defaults)
{
  guint version;
  guint32 flags = full_box (&trun, &version);
  guint32 n = number (&trun, 4);
  guint32 data_offset;

  g_assert_cmpuint (version, ==, 1);
  g_assert_cmphex (flags & 0x201, ==, 0x201);
  g_assert_true (!!(flags & 0x100) != defaults->has_duration);
  g_assert_true (!!(flags & 0x400) != defaults->has_flags);
  g_assert_cmpuint (n, >, 0);
  data_offset = number (&trun, 4);
  for (guint i = 0; i < n; i++) {
    Mp4Sample sample = {
        .duration = flags & 0x100 ? number (&trun, 4) : defaults->duration,
        .size = number (&trun, 4),
        .flags = flags & 0x400 ? number (&trun, 4) : defaults->flags,
        .cts = flags & 0x800 ? (gint32)number (&trun, 4) : 0,
    };

    g_array_append_val (chunk->samples, sample);
  }
  g_assert_cmpuint (trun.left, ==, 0);
  return data_offset;
}

static void
read_moof (Reader moof, Mp4Chunk *chunk, guint32 *data_offset)
{
  Reader mfhd = find (moof, "mfhd");
  Reader traf = find (moof, "traf");
  Reader tfdt = find (traf, "tfdt");
  Defaults defaults = {0};
  guint version;

  take (&mfhd, 4);
  chunk->sequence = number (&mfhd, 4);
  full_box (&tfdt, &version);
  g_assert_cmpuint (version, ==, 1);
  chunk->decode_time = number (&tfdt, 8);
  read_tfhd (find (traf, "tfhd"), chunk, &defaults);
  *data_offset = read_trun (find (traf, "trun"), chunk, &defaults);
}

/**
 * mp4_read_chunk:
 * @chunk: (out): refers to @data; free with mp4_chunk_clear()
 */
void
mp4_read_chunk (const guint8 *data, gsize size, Mp4Chunk *chunk)
{
  Reader file = {data, size};
  Reader box;
  char fourcc[5];
  const guint8 *moof, *payload;
  guint32 data_offset;

  *chunk =
      (Mp4Chunk){.samples = g_array_new (FALSE, FALSE, sizeof (Mp4Sample))};
  moof = file.data;
  g_assert_true (next_box (&file, &box, fourcc));
  g_assert_cmpstr (fourcc, ==, "moof");
  read_moof (box, chunk, &data_offset);
  g_assert_true (next_box (&file, &box, fourcc));
  g_assert_cmpstr (fourcc, ==, "mdat");
  g_assert_cmpuint (file.left, ==, 0);

  payload = moof + data_offset;
  g_assert_true (payload == box.data);
  for (guint i = 0; i < chunk->samples->len; i++) {
    Mp4Sample *sample = &g_array_index (chunk->samples, Mp4Sample, i);

    sample->data = take (&box, sample->size);
  }
  g_assert_cmpuint (box.left, ==, 0);
}

void
mp4_chunk_clear (Mp4Chunk *chunk)
{
  g_clear_pointer (&chunk->samples, g_array_unref);
}
