/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A second reading of ISO/IEC 14496-12, which shares nothing with the writer.
 * Whatever is not as CMAF wants it fails the test. */

#define MP4_MAX_TRACKS 8

typedef struct {
  guint32 id;
  guint32 timescale;
  char handler[5];
  char entry[5];        /* sample entry */
  guint width, height;  /* of the sample entry */
  guint channels, rate; /* of the sample entry */
  const guint8 *config; /* payload of avcC, hvcC, esds or dOps */
  gsize config_size;
} Mp4Track;

typedef struct {
  Mp4Track tracks[MP4_MAX_TRACKS];
  guint n_tracks;
  guint32 next_track_id;
} Mp4Init;

typedef struct {
  guint32 duration;
  guint32 size;
  guint32 flags;
  gint32 cts;
  const guint8 *data;
} Mp4Sample;

typedef struct {
  guint32 sequence;
  guint32 track_id;
  guint64 decode_time;
  GArray *samples; /* of Mp4Sample, owned */
} Mp4Chunk;

void mp4_read_init (const guint8 *data, gsize size, Mp4Init *init);
void mp4_read_chunk (const guint8 *data, gsize size, Mp4Chunk *chunk);
void mp4_chunk_clear (Mp4Chunk *chunk);

G_END_DECLS
