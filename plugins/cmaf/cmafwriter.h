/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codecconfig.h"

G_BEGIN_DECLS

typedef struct {
  guint32 duration; /* ticks of the track's timescale */
  guint32 size;     /* bytes */
  gint32 cts;       /* ticks, presentation less decode time */
  gboolean key;
} CmafSample;

typedef struct {
  guint32 track_id;
  guint32 sequence;
  guint64 decode_time; /* ticks */
  gboolean video;
  const CmafSample *samples;
  guint n_samples;
} CmafChunk;

GBytes *cmaf_write_init (
    const CodecConfig *const *configs, const guint32 *track_ids, guint n);
void cmaf_write_chunk_header (GByteArray *bytes, const CmafChunk *chunk);

G_END_DECLS
