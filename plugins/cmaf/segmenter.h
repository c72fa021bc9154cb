/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The cut rule: which frame goes into which segment and part. Knows neither
 * GStreamer nor bytes, and reads no clock: `now` is an argument. Not
 * thread-safe; the packager calls it under its stream lock. */
typedef struct _Segmenter Segmenter;

typedef struct {
  guint64 segment_duration;     /* ns, all */
  guint64 max_segment_duration; /* a segment never gets longer */
  guint64 part_duration;        /* nor a part, unless one frame is */
  guint64 track_timeout;
  guint64 first_msn;
  guint64 first_time; /* media time at which the first segment begins */
  guint32 first_epoch;
} SegmenterSettings;

typedef struct {
  gint64 time;      /* ns, decode time on the publisher's time line, all
                           tracks of which have the same zero; parts carry media
                           time, which begins at first_time, never jumps back */
  gint64 cts;       /* ns, presentation less decode time; passed through */
  guint64 duration; /* ns, 0 if unknown; exact for audio */
  gint64 arrived;   /* us, when it came; 0: nobody sent it; passed through */
  gboolean key;     /* a player can start here */
  gconstpointer
      config;    /* codec configuration; another pointer, another epoch */
  gpointer data; /* owned, freed by SegmenterOutput.free_data */
} SegmenterSample;

typedef struct {
  guint track;
  guint32 epoch;
  guint64 msn;
  guint32 part;
  gboolean last;
  gboolean independent;
  const SegmenterSample *samples; /* in media time, durations contiguous */
  guint n_samples;
  guint64 dts; /* ns of media time, of the first sample */
  guint64 duration;
} SegmenterPart;

typedef struct {
  /* A new epoch begins with segment @msn at media time @time. @configs has one
   * entry a track, NULL for a track that is absent in this epoch. @latest is
   * the newest media time that has arrived. */
  void (*begin_epoch) (guint32 epoch, guint64 msn, guint64 time, guint64 latest,
      const gconstpointer *configs, gpointer user_data);
  void (*part) (const SegmenterPart *part, gpointer user_data);
  /* A segment ends without a key frame at its end. */
  void (*forced_cut) (guint64 msn, gpointer user_data);
  /* A track went silent (@present FALSE) or is back. */
  void (*presence) (guint track, gboolean present, gpointer user_data);
  void (*dropped) (guint track, gpointer user_data);
  /* Data of one silent frame of @config that lasts @duration ns (transfer full),
   * or NULL if there is no such thing for this codec: then a silent track is
   * absent in the next epoch. */
  gpointer (*silence) (
      gconstpointer config, guint64 duration, gpointer user_data);
  void (*free_data) (gpointer data);
} SegmenterOutput;

Segmenter *segmenter_new (const SegmenterSettings *settings,
    const SegmenterOutput *output, gpointer user_data);
void segmenter_free (Segmenter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Segmenter, segmenter_free)

guint segmenter_add_track (Segmenter *self, gboolean video);
void segmenter_push (
    Segmenter *self, guint track, const SegmenterSample *sample, gint64 now);
void segmenter_end_track (Segmenter *self, guint track, gint64 now);
void segmenter_resume_track (Segmenter *self, guint track);
gboolean segmenter_is_ended (Segmenter *self);

G_END_DECLS
