/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "chunkassembler.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* The packager's source pad: the order of events, init segments and chunks, and
 * the wall clock they carry. All calls with the pad's stream lock held. */
typedef struct {
  GstPad *pad; /* no reference: its element owns both */
  ChunkAssembler assembler;
  TrackTable *table;
  gboolean stream_started;
  gboolean segment_sent;
  GstFlowReturn flow; /* the first that was not OK */
  guint32 epoch;
  guint64 first_time; /* ns, where the stream's time begins */
  gint64 base;        /* ns from the segmenter's media time to the chunks' */
  gint64 anchor_time; /* segmenter's media time at `wallclock` */
  gint64 wallclock;   /* us since 1970, 0 before the first epoch */
} ChunkOutput;

void chunk_output_init (ChunkOutput *self, GstPad *pad);
void chunk_output_clear (ChunkOutput *self);
void chunk_output_reset (ChunkOutput *self);
void chunk_output_flushed (ChunkOutput *self);
void chunk_output_start_stream (ChunkOutput *self);
/* @table (transfer full); @configs: of InputFormat, as from the segmenter;
 * @first_time: where the stream's time begins */
void chunk_output_begin_epoch (ChunkOutput *self, TrackTable *table,
    const gconstpointer *configs, guint32 epoch, guint64 msn, gint64 time,
    gint64 latest, guint64 first_time);
void chunk_output_push_part (ChunkOutput *self, const SegmenterPart *part);

G_END_DECLS
