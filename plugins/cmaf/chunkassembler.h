/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "chunkinfo.h"
#include "segmenter.h"

G_BEGIN_DECLS

/* Makes the bytes of a chunk out of the frames of a part. The one place where
 * media is copied. Keeps scratch arrays between calls; not thread-safe. */
typedef struct {
  GByteArray *header;
  GArray *samples; /* of CmafSample */
} ChunkAssembler;

void chunk_assembler_init (ChunkAssembler *self);
void chunk_assembler_clear (ChunkAssembler *self);
GstBuffer *chunk_assembler_make (ChunkAssembler *self,
    const SegmenterPart *part, gint64 base, ChunkInfo *info);

G_END_DECLS
