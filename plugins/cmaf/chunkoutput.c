/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chunkoutput.h"

#include "chunk.h"
#include "cmafwriter.h"
#include "packagerinput.h"

/* Wall clock and media may drift so far apart before a new epoch says so: the
 * dates in a playlist must not waver with the network. */
#define WALLCLOCK_TOLERANCE G_USEC_PER_SEC

void
chunk_output_init (ChunkOutput *self, GstPad *pad)
{
  self->pad = pad;
  chunk_assembler_init (&self->assembler);
}

void
chunk_output_clear (ChunkOutput *self)
{
  chunk_output_reset (self);
  chunk_assembler_clear (&self->assembler);
}

/* For a new stream. */
void
chunk_output_reset (ChunkOutput *self)
{
  g_clear_pointer (&self->table, track_table_unref);
  self->stream_started = self->segment_sent = FALSE;
  self->flow = GST_FLOW_OK;
  self->wallclock = 0;
}

/* After FLUSH_STOP, which takes the segment from the pad. */
void
chunk_output_flushed (ChunkOutput *self)
{
  self->segment_sent = FALSE;
  self->flow = GST_FLOW_OK;
}

static gint64
wallclock_at (ChunkOutput *self, gint64 time)
{
  return self->wallclock + (time - self->anchor_time) / 1000;
}

static void
anchor_wallclock (ChunkOutput *self, gint64 time, gint64 latest)
{
  gint64 wallclock = g_get_real_time () - MAX (latest - time, 0) / 1000;
  gint64 expected = wallclock_at (self, time);

  if (self->wallclock != 0 && ABS (wallclock - expected) < WALLCLOCK_TOLERANCE)
    wallclock = expected;
  self->wallclock = wallclock;
  self->anchor_time = time;
}

static void
push_segment (ChunkOutput *self)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = self->first_time;
  gst_pad_push_event (self->pad, gst_event_new_segment (&segment));
  self->segment_sent = TRUE;
}

/* Takes ownership of @buffer. */
static void
push (ChunkOutput *self, GstBuffer *buffer, const ChunkInfo *info)
{
  GstFlowReturn flow;

  if (!self->segment_sent)
    push_segment (self);
  chunk_buffer_set_info (buffer, info);
  GST_BUFFER_DTS (buffer) = info->dts;
  GST_BUFFER_PTS (buffer) = info->pts;
  if (info->kind != CHUNK_KIND_MEDIA)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  else
    GST_BUFFER_DURATION (buffer) = info->duration;
  if (info->kind == CHUNK_KIND_MEDIA && !info->independent)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  flow = gst_pad_push (self->pad, buffer);
  if (self->flow == GST_FLOW_OK)
    self->flow = flow;
}

static void
push_init (ChunkOutput *self, const CodecConfig *const *codecs,
    const guint32 *ids, guint n, guint16 track, guint64 msn)
{
  g_autoptr (GBytes) bytes = cmaf_write_init (codecs, ids, n);
  guint64 time = self->anchor_time + self->base;
  ChunkInfo info = {
      .kind =
          track == CHUNK_TRACK_ALL ? CHUNK_KIND_JOINT_INIT : CHUNK_KIND_INIT,
      .track = track,
      .epoch = self->epoch,
      .msn = msn,
      .pts = time,
      .dts = time,
      .wallclock = self->wallclock,
      .size = g_bytes_get_size (bytes),
  };

  push (self, gst_buffer_new_wrapped_bytes (bytes), &info);
}

/* The joint init comes first, so that whatever writes the stream to a file as
 * it comes gets the header for all tracks. */
static void
push_inits (ChunkOutput *self, const gconstpointer *configs, guint64 msn)
{
  guint size = track_table_size (self->table);
  g_autofree const CodecConfig **codecs = g_new (const CodecConfig *, size);
  g_autofree guint32 *ids = g_new (guint32, size);
  guint n = 0;

  for (guint i = 0; i < size; i++) {
    if (configs[i] == NULL)
      continue;
    codecs[n] = ((const InputFormat *)configs[i])->codec;
    ids[n] = i + 1;
    n++;
  }
  push_init (self, codecs, ids, n, CHUNK_TRACK_ALL, msn);
  for (guint i = 0; i < n; i++)
    push_init (self, &codecs[i], &ids[i], 1, ids[i] - 1, msn);
}

void
chunk_output_start_stream (ChunkOutput *self)
{
  g_autofree char *id = NULL;

  if (self->stream_started)
    return;
  self->stream_started = TRUE;
  id = g_strdup_printf ("cmaf-%08x%08x", g_random_int (), g_random_int ());
  gst_pad_push_event (self->pad, gst_event_new_stream_start (id));
}

static void
push_headers (ChunkOutput *self, TrackTable *table)
{
  chunk_output_start_stream (self);
  if (self->table == NULL || !track_table_equal (self->table, table)) {
    g_autoptr (GstCaps) caps = chunk_caps_new (table);

    gst_pad_push_event (self->pad, gst_event_new_caps (caps));
  }
  g_clear_pointer (&self->table, track_table_unref);
  self->table = table;
}

/* Media time in the chunks is at least first_time though decoding begins before
 * presentation: everything is later by the largest reordering delay. */
static gint64
largest_shift (const gconstpointer *configs, guint n)
{
  gint64 shift = 0;

  for (guint i = 0; i < n; i++)
    if (configs[i] != NULL)
      shift = MAX (shift, ((const InputFormat *)configs[i])->clock.shift);
  return shift;
}

/* A new epoch: caps if they changed, init segments. */
void
chunk_output_begin_epoch (ChunkOutput *self, TrackTable *table,
    const gconstpointer *configs, guint32 epoch, guint64 msn, gint64 time,
    gint64 latest, guint64 first_time)
{
  if (self->wallclock == 0)
    self->base = largest_shift (configs, track_table_size (table));
  self->epoch = epoch;
  anchor_wallclock (self, time, latest);
  self->first_time = first_time;
  push_headers (self, table);
  push_inits (self, configs, msn);
}

void
chunk_output_push_part (ChunkOutput *self, const SegmenterPart *part)
{
  ChunkInfo info;
  GstBuffer *buffer =
      chunk_assembler_make (&self->assembler, part, self->base, &info);

  info.wallclock = wallclock_at (self, part->dts);
  push (self, buffer, &info);
}
