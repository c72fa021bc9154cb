/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The pipeline of one publisher while it runs: its bus, its health, its end.
 * Not thread-safe; its owner has a lock. */
typedef struct _PipelineRun PipelineRun;

/* On the thread that runs the context. One that runs already may end after
 * pipeline_run_stop(); that is why @data is freed by whoever is last. */
typedef struct {
  /* The first media have come out of the packager. */
  void (*live) (gpointer data);
  /* It failed or came to its end; once. @reason is a sentence. */
  void (*over) (const char *reason, gpointer data);
  /* The database says that the broadcast has ended. An error follows. */
  void (*ended) (gpointer data);
  /* Something to be told to the operator; each once. */
  void (*warned) (const char *text, gpointer data);
} PipelineRunEvents;

/* Starts @pipeline (transfer full, floating or not). @data is freed with
 * @destroy in any case. */
PipelineRun *pipeline_run_start (GstElement *pipeline, GMainContext *context,
    const PipelineRunEvents *events, gpointer data, GDestroyNotify destroy,
    GError **error);
/* Lets it come to its end, for @patience us at most, then stops it. Blocks.
 * Frees it. FALSE: it did not come to its end. */
gboolean pipeline_run_stop (PipelineRun *run, gint64 patience);

/* The element named `source`. (transfer full) (nullable) */
GstElement *pipeline_run_get_source (PipelineRun *run);
/* Once a second: findings as JSON (transfer full) if they changed, else NULL. */
char *pipeline_run_tick (PipelineRun *run, gint64 now);
guint64 pipeline_run_get_bytes (PipelineRun *run);
/* `stats` of the element of that kind, NULL if it has none. (transfer full) */
GstStructure *pipeline_run_get_stats (PipelineRun *run, const char *factory);

G_END_DECLS
