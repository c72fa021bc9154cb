/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  CHUNK_KIND_INIT = 1,   /* ftyp + moov of one track */
  CHUNK_KIND_JOINT_INIT, /* ftyp + moov of all present tracks */
  CHUNK_KIND_MEDIA,      /* moof mdat: one part of one track */
} ChunkKind;

/* The `track` of a joint init. */
#define CHUNK_TRACK_ALL G_MAXUINT16

/* What travels with every chunk: as GstMeta in the pipeline, as a record in the
 * store's index, as a call to the origin.
 *
 * Media time counts from the zero that all tracks of a broadcast share, and goes
 * on across epochs. (epoch, msn) is never used twice in the life of a link. A
 * consumer must also take a chunk of a higher MSN as the end of the segment
 * before it, because with a variable frame rate a segment can turn out to be
 * complete only after its last part has left. */
typedef struct {
  ChunkKind kind;
  guint16 track;
  gboolean independent; /* media: holds a key frame (audio: always) */
  gboolean last;        /* media: the last part of its segment */
  guint32 epoch;
  guint64 msn;      /* an init: of the first segment it is for */
  guint32 part;     /* index in the segment, from 0 */
  guint64 pts;      /* ns, earliest presentation time */
  guint64 dts;      /* ns, decode time of the first sample (its tfdt) */
  guint64 duration; /* ns; sums of DTS steps, so parts join without a gap */
  gint64 wallclock; /* us since 1970 at which the first frame was captured;
                       keeps its distance to `dts` within a track's epoch */
  gint64 arrived;   /* us on the monotonic clock at which the last frame came to
                       the packager; 0: unknown, as in a store */
  guint32 size;     /* bytes */
} ChunkInfo;

G_END_DECLS
