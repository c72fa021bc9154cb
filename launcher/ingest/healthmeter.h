/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is counted of each frame for the findings of IngestHealth. All of it is
 * of a fixed size, and a frame costs a few comparisons. */

/* Frames and bytes in the last seconds of media time. */
#define HEALTH_SECONDS 32
typedef struct {
  gboolean started;
  guint64 second; /* the newest, of which only a part has come */
  guint n_whole;  /* whole ones behind it */
  guint32 frames[HEALTH_SECONDS];
  guint64 bytes[HEALTH_SECONDS];
} SecondMeter;

/* Key frame intervals that are remembered. */
#define HEALTH_INTERVALS 8

typedef struct {
  guint64 frames;
  guint64 bytes;
  gint64 first_at;    /* us: when the first frame came */
  gint64 last_at;     /* and the newest */
  guint64 time;       /* ns: how far the stamps have come */
  gint64 transit;     /* ns: arrival minus stamp, smoothed */
  gint64 backward_at; /* us: when stamps last went back, 0 never */
} StreamMeter;

typedef struct {
  StreamMeter stream;
  SecondMeter seconds;
  guint64 dts;     /* of the frame before; G_MAXUINT64 without */
  guint64 max_pts; /* ns */
  guint reordered; /* frames presented before one that came earlier */
  gint64 reordered_at;
  guint64 reorder; /* ns: by how much at most */
  gboolean has_key;
  guint64 key_time;
  guint n_intervals; /* all of them so far */
  guint64 intervals[HEALTH_INTERVALS];
} VideoMeter;

void second_meter_add (SecondMeter *meter, guint64 time, gsize bytes);
/* Sums of the newest @n whole seconds; FALSE if there are not so many. */
gboolean second_meter_sum (
    const SecondMeter *meter, guint n, guint64 *frames, guint64 *bytes);
/* Of the second that is @back whole ones behind the newest whole one. */
guint second_meter_frames (const SecondMeter *meter, guint back);

void video_meter_frame (VideoMeter *meter, guint64 pts, guint64 dts,
    gboolean key, gsize bytes, gint64 now);
void audio_meter_frame (
    StreamMeter *meter, guint64 pts, gsize bytes, gint64 now);
/* Shortest and longest of the remembered intervals; FALSE if there is none. */
gboolean video_meter_intervals (
    const VideoMeter *meter, guint64 *shortest, guint64 *longest);

G_END_DECLS
