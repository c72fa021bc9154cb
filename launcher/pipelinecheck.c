/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipelinecheck.h"

#include "description.h"

/* Samples that are valid wherever such a value can stand. */
static const char *const samples[][2] = {
    {"source", "rtmp2src location=rtmp://127.0.0.1/live/sample ! flvdemux "
               "name=source"},
    {"game", "sample"},
    {"title", "A sample"},
    {"link", "sample"},
    {"database", "host=/nonexistent"},
    {"broadcaster", "1"},
    {"visibility", "public"},
    {"node", "sample"},
    {"origin-url", "http://127.0.0.1:1"},
    {"resume-window", "0"},
    {"first-msn", "0"},
    {"first-time", "0"},
    {"epoch", "0"},
    {"cache-dir", "/nonexistent"},
    {"origin-address", "127.0.0.1"},
    {"origin-port", "1"},
    {"dvr-window", "300000000000"},
    {"notify-after", "0"},
    {"quiet-period", "1800000000000"},
};

static void
check (
    const char *game, const char *path, PipelineChecked checked, gpointer data)
{
  g_autoptr (GHashTable) variables = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    g_hash_table_insert (
        variables, (gpointer)samples[i][0], (gpointer)samples[i][1]);
  pipeline = description_launch (path, variables, &error);
  if (pipeline != NULL)
    gst_object_unref (gst_object_ref_sink (pipeline));
  checked (game, path, error, data);
}

void
pipeline_check_all (
    const Settings *settings, PipelineChecked checked, gpointer data)
{
  g_autofree char **games = settings_get_games (settings);
  g_autofree char *standard = g_canonicalize_filename (
      settings_get_string (settings, SETTING_PIPELINES_DEFAULT),
      settings_get_string (settings, SETTING_PIPELINES_DIR));

  check ("any game", standard, checked, data);
  for (guint i = 0; games[i] != NULL; i++) {
    g_autofree char *path = settings_get_pipeline (settings, games[i]);

    check (games[i], path, checked, data);
  }
}
