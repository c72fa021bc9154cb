/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "health.h"
#include "healthmeter.h"

G_BEGIN_DECLS

/* Everything a rule may look at. */
typedef struct {
  gint64 begun; /* us: when the clock was first looked at */
  gint64 now;
  char *video_codec; /* NULL: no stream yet */
  guint width, height, fps_n, fps_d;
  char *audio_codec;
  guint rate, channels;
  VideoMeter video;
  StreamMeter audio;
} HealthState;

#define HEALTH_FIGURE_SIZE 48

/* A measure: as a number, and as a person reads it, with its unit. An empty text
 * is no figure. */
typedef struct {
  double value;
  char text[HEALTH_FIGURE_SIZE];
} HealthFigure;

typedef struct {
  const char *code;
  HealthSeverity severity;
  guint8 raise; /* s: how long it must hold to be sure of it */
  guint8 clear; /* s: how long it must be well to be forgotten */
  /* @figure is all 0, and may be left so. */
  gboolean (*holds) (const HealthState *state, HealthFigure *figure);
  const char *text; /* {} stands for the figure */
  const char *advice;
} HealthRule;

/* The worst first. */
#define HEALTH_N_RULES 21
extern const HealthRule health_rules[HEALTH_N_RULES];

G_END_DECLS
