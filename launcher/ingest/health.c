/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "health.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "healthrules.h"

/* A finding that stays is told anew only if its figure has moved by so much,
 * so that who listens is not woken for nothing, */
#define MOVED 0.5
/* and not more often than this, in us. */
#define TELL_AGAIN (10 * G_USEC_PER_SEC)

typedef struct {
  gboolean raised;
  gint64 since;   /* us: when what holds began to differ from what is told; 0
                     if it does not */
  gint64 told_at; /* us */
  HealthFigure figure;
} Finding;

struct _IngestHealth {
  HealthState state;
  gboolean ticked;
  Finding findings[HEALTH_N_RULES]; /* as health_rules */
};

IngestHealth *
ingest_health_new (void)
{
  IngestHealth *health = g_new0 (IngestHealth, 1);

  health->state.video.dts = G_MAXUINT64;
  return health;
}

void
ingest_health_free (IngestHealth *health)
{
  if (health == NULL)
    return;
  g_free (health->state.video_codec);
  g_free (health->state.audio_codec);
  g_free (health);
}

void
ingest_health_video (IngestHealth *health, const char *codec, guint width,
    guint height, guint fps_n, guint fps_d)
{
  HealthState *state = &health->state;

  g_free (state->video_codec);
  state->video_codec = g_strdup (codec);
  state->width = width;
  state->height = height;
  state->fps_n = fps_n;
  state->fps_d = fps_d;
}

void
ingest_health_audio (
    IngestHealth *health, const char *codec, guint rate, guint channels)
{
  HealthState *state = &health->state;

  g_free (state->audio_codec);
  state->audio_codec = g_strdup (codec);
  state->rate = rate;
  state->channels = channels;
}

void
ingest_health_video_frame (IngestHealth *health, guint64 pts, guint64 dts,
    gboolean key, gsize bytes, gint64 now)
{
  video_meter_frame (&health->state.video, pts, dts, key, bytes, now);
}

void
ingest_health_audio_frame (
    IngestHealth *health, guint64 pts, gsize bytes, gint64 now)
{
  audio_meter_frame (&health->state.audio, pts, bytes, now);
}

static void
tell (Finding *finding, const HealthFigure *figure, gint64 now)
{
  finding->raised = TRUE;
  finding->figure = *figure;
  finding->told_at = now;
}

static gboolean
has_moved (const Finding *finding, const HealthFigure *figure, gint64 now)
{
  return now - finding->told_at >= TELL_AGAIN &&
         ABS (figure->value - finding->figure.value) >
             MOVED * ABS (finding->figure.value);
}

/* Whether what is told changes. */
static gboolean
judge (Finding *finding, const HealthRule *rule, const HealthState *state)
{
  HealthFigure figure = {0};
  gboolean holds = rule->holds (state, &figure);
  gint64 patience =
      (holds ? rule->raise : rule->clear) * (gint64)G_USEC_PER_SEC;

  if (holds == finding->raised) {
    finding->since = 0;
    if (!holds || !has_moved (finding, &figure, state->now))
      return FALSE;
    tell (finding, &figure, state->now);
    return TRUE;
  }
  if (finding->since == 0)
    finding->since = state->now;
  if (state->now - finding->since < patience)
    return FALSE;
  finding->since = 0;
  if (holds)
    tell (finding, &figure, state->now);
  else
    finding->raised = FALSE;
  return TRUE;
}

gboolean
ingest_health_tick (IngestHealth *health, gint64 now)
{
  gboolean changed = FALSE;

  if (!health->ticked)
    health->state.begun = now;
  health->ticked = TRUE;
  health->state.now = now;
  for (guint i = 0; i < HEALTH_N_RULES; i++)
    changed |= judge (&health->findings[i], &health_rules[i], &health->state);
  return changed;
}

static const char *
severity_name (HealthSeverity severity)
{
  switch (severity) {
    case HEALTH_INFO:
      return "info";
    case HEALTH_WARNING:
      return "warning";
    case HEALTH_ERROR:
      return "error";
    default:
      g_return_val_if_reached (NULL);
  }
}

static void
add_finding (
    JsonBuilder *builder, const HealthRule *rule, const HealthFigure *figure)
{
  g_auto (GStrv) pieces = g_strsplit (rule->text, "{}", 2);
  g_autofree char *text = g_strjoinv (figure->text, pieces);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "code");
  json_builder_add_string_value (builder, rule->code);
  json_builder_set_member_name (builder, "severity");
  json_builder_add_string_value (builder, severity_name (rule->severity));
  json_builder_set_member_name (builder, "text");
  json_builder_add_string_value (builder, text);
  json_builder_set_member_name (builder, "advice");
  json_builder_add_string_value (builder, rule->advice);
  json_builder_set_member_name (builder, "value");
  if (figure->text[0] != '\0')
    json_builder_add_double_value (builder, figure->value);
  else
    json_builder_add_null_value (builder);
  json_builder_end_object (builder);
}

char *
ingest_health_to_json (IngestHealth *health)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_array (builder);
  for (guint i = 0; i < HEALTH_N_RULES; i++)
    if (health->findings[i].raised)
      add_finding (builder, &health_rules[i], &health->findings[i].figure);
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

guint64
ingest_health_get_bytes (IngestHealth *health)
{
  return health->state.video.stream.bytes + health->state.audio.bytes;
}
