/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The properties of gcssink, apart from what it does with them. */

enum {
  GCS_SINK_PROP_0,
  GCS_SINK_PROP_BUCKET,
  GCS_SINK_PROP_OBJECT,
  GCS_SINK_PROP_ENDPOINT,
  GCS_SINK_PROP_CREDENTIALS,
  GCS_SINK_PROP_CONTENT_TYPE,
  GCS_SINK_PROP_CACHE_CONTROL,
  GCS_SINK_PROP_CUSTOM_TIME,
  GCS_SINK_PROP_METADATA,
  GCS_SINK_PROP_IF_GENERATION_MATCH,
  GCS_SINK_PROP_STATE_FILE,
  GCS_SINK_PROP_CHUNK_SIZE,
  GCS_SINK_PROP_STATS,
  GCS_SINK_N_PROPS,
};

typedef struct {
  char *bucket;
  char *object;
  char *endpoint;
  char *credentials;
  char *content_type;
  char *cache_control;
  char *custom_time;
  GstStructure *metadata;
  gint64 if_generation_match;
  char *state_file;
  guint chunk_size;
} GcsSinkSettings;

/* What an element begins with. */
void gcs_sink_settings_init (GcsSinkSettings *settings);
void gcs_sink_settings_clear (GcsSinkSettings *settings);
/* An empty text is none. */
void gcs_sink_settings_copy (GcsSinkSettings *to, const GcsSinkSettings *from);
/* Where the text of that property is; NULL: it is none. */
char **gcs_sink_settings_find_text (GcsSinkSettings *settings, guint id);
/* What no one else looks at. Errors are GCS_ERROR_SETTINGS. */
gboolean gcs_sink_settings_check (
    const GcsSinkSettings *settings, GError **error);
/* name, value, ..., NULL. (transfer full) */
GPtrArray *gcs_sink_settings_list_metadata (const GstStructure *metadata);
void gcs_sink_settings_install (GObjectClass *object_class);

G_END_DECLS
