/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a publisher is set to wrongly, from what arrives: logic without threads,
 * clocks or GStreamer. Findings are stable: one appears once it is sure, and
 * goes once it has been better for a while. */
typedef struct _IngestHealth IngestHealth;

typedef enum {
  HEALTH_INFO,    /* works, could be better */
  HEALTH_WARNING, /* players notice */
  HEALTH_ERROR,   /* it cannot work so */
} HealthSeverity;

IngestHealth *ingest_health_new (void);
void ingest_health_free (IngestHealth *health);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IngestHealth, ingest_health_free)

/* What is known of a stream when it appears; 0 or NULL for what is not. */
void ingest_health_video (IngestHealth *health, const char *codec, guint width,
    guint height, guint fps_n, guint fps_d);
void ingest_health_audio (
    IngestHealth *health, const char *codec, guint rate, guint channels);
/* One frame. Times in ns of running time, @now the monotonic clock in us at
 * which it came. @dts or @pts may be G_MAXUINT64. */
void ingest_health_video_frame (IngestHealth *health, guint64 pts, guint64 dts,
    gboolean key, gsize bytes, gint64 now);
void ingest_health_audio_frame (
    IngestHealth *health, guint64 pts, gsize bytes, gint64 now);
/* Looks at the clock: silence, drift, no audio. Call it about once a second.
 * TRUE if the findings changed. */
gboolean ingest_health_tick (IngestHealth *health, gint64 now);
/* A JSON array of {code, severity, text, advice, value}, the worst first: `code`
 * is stable, e.g. "key-interval-long", `severity` is "info", "warning" or
 * "error", `text` and `advice` are sentences for a developer who uses OBS and
 * name its settings, `value` is the number of the figure in `text`, or null.
 * (transfer full) */
char *ingest_health_to_json (IngestHealth *health);
guint64 ingest_health_get_bytes (IngestHealth *health);

G_END_DECLS
