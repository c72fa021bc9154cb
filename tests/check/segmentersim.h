/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segmenter.h"

G_BEGIN_DECLS

/* A segmenter whose output is kept and checked. */

#define MS G_GINT64_CONSTANT (1000000)
#define SECOND (1000 * MS)

typedef struct {
  guint track;
  guint32 epoch;
  guint64 msn;
  guint32 part;
  gboolean last;
  gboolean independent;
  gboolean starts_with_key;
  guint n_samples;
  gint64 dts;
  gint64 duration;
  gint64 cts; /* of the first sample */
} SimPart;

typedef struct {
  guint32 epoch;
  guint64 msn;
  gint64 time;
  guint present; /* a bit a track */
} SimEpoch;

typedef struct {
  Segmenter *segmenter;
  GArray *parts;  /* of SimPart */
  GArray *epochs; /* of SimEpoch */
  guint n_tracks;
  gboolean no_silence;
  guint n_pushed, n_out, n_dropped, n_silent, n_forced;
  guint n_lost, n_returned; /* presence */
  guint n_live;             /* data that was not freed */
} Sim;

extern const SegmenterSettings sim_settings;
extern const char sim_config_a[], sim_config_b[];

Sim *sim_new (const SegmenterSettings *settings, const char *tracks);
void sim_free (Sim *sim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

void sim_video (Sim *sim, guint track, gint64 time, gboolean key, gint64 now);
void sim_audio (
    Sim *sim, guint track, gint64 time, gint64 duration, gint64 now);
void sim_push (Sim *sim, guint track, gint64 time, guint64 duration,
    gboolean key, const char *config, gint64 now);
void sim_end (Sim *sim, gint64 now);
void sim_check (Sim *sim);
void sim_check_continuous (Sim *sim, guint track);

SimPart *sim_part (Sim *sim, guint index);
SimEpoch *sim_epoch (Sim *sim, guint index);

G_END_DECLS
