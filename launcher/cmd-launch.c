/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "datadir.h"
#include "description.h"
#include "foreground.h"
#include "link.h"

/* What a publisher would send: `source.video` and `source.audio`, encoded. */
#define TEST_SOURCE                                                            \
  "videotestsrc is-live=true pattern=ball "                                    \
  "! video/x-raw,width=1280,height=720,framerate=30/1 "                        \
  "! x264enc tune=zerolatency speed-preset=superfast bitrate=2500 "            \
  "key-int-max=60 ! video/x-h264,profile=main ! h264parse ! queue "            \
  "! flvmux name=publisher streamable=true ! flvdemux name=source "            \
  "audiotestsrc is-live=true wave=ticks volume=0.3 "                           \
  "! audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=128000 "            \
  "! aacparse ! queue ! publisher. "

static void
set (GHashTable *variables, const char *name, const char *value)
{
  g_hash_table_insert (variables, g_strdup (name), g_strdup (value));
}

static void
set_time (GHashTable *variables, const char *name, const Settings *settings,
    Setting setting)
{
  g_hash_table_insert (variables, g_strdup (name),
      g_strdup_printf (
          "%" G_GUINT64_FORMAT, settings_get_time (settings, setting)));
}

/* What needs no name on the command line, from the configuration. */
static GHashTable *
make_variables (const Settings *settings)
{
  static const struct {
    const char *name;
    Setting setting;
  } from_settings[] = {
      {"node", SETTING_NODE_NAME},
      {"origin-url", SETTING_ORIGIN_URL},
      {"cache-dir", SETTING_CACHE_DIR},
      {"origin-address", SETTING_ORIGIN_ADDRESS},
      {"origin-port", SETTING_ORIGIN_PORT},
  };
  GHashTable *variables =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *link = link_new ();

  for (guint i = 0; i < G_N_ELEMENTS (from_settings); i++) {
    const char *value =
        settings_get_string (settings, from_settings[i].setting);

    set (variables, from_settings[i].name, value != NULL ? value : "");
  }
  set (variables, "source", TEST_SOURCE);
  set (variables, "link", link);
  set (variables, "title", "");
  set (variables, "broadcaster", "0");
  set (variables, "visibility", "public");
  set (variables, "resume-window", "0");
  set (variables, "first-msn", "0");
  set (variables, "first-time", "0");
  set (variables, "epoch", "0");
  set_time (variables, "dvr-window", settings, SETTING_ORIGIN_DVR_WINDOW);
  set_time (variables, "notify-after", settings, SETTING_NOTIFY_AFTER);
  set_time (variables, "quiet-period", settings, SETTING_NOTIFY_QUIET_PERIOD);
  return variables;
}

/* A variable that the description does not have is a slip. */
static gboolean
take_assignments (GHashTable *variables, const char *path, const char *text,
    char **words, int *status)
{
  for (guint i = 0; words[i] != NULL; i++) {
    const char *equals = strchr (words[i], '=');
    g_autofree char *name =
        equals != NULL ? g_strndup (words[i], equals - words[i]) : NULL;

    if (equals == NULL || equals == words[i]) {
      *status = command_refuse (
          &command_launch, "expected VAR=VALUE, not %s", words[i]);
      return FALSE;
    }
    if (!description_uses (text, name)) {
      *status = command_refuse (
          &command_launch, "%s has no variable ${%s}", path, name);
      return FALSE;
    }
    set (variables, name, equals + 1);
  }
  return TRUE;
}

/* The database is only asked for by descriptions that want it. */
static gboolean
provide_database (GHashTable *variables, const char *text,
    const Settings *settings, CommandDatabase *database, GError **error)
{
  const char *conninfo = settings_get_string (settings, SETTING_DATABASE_URL);

  if (g_hash_table_contains (variables, "database") ||
      !description_uses (text, "database"))
    return TRUE;
  if (conninfo == NULL) {
    if (!command_database_open (database, settings, error))
      return FALSE;
    conninfo = private_postgres_get_conninfo (database->server);
  }
  set (variables, "database", conninfo);
  return TRUE;
}

/* A name that is no file here is one of the pipelines. (transfer full) */
static char *
find_file (const char *name, const Settings *settings)
{
  const char *dir = settings_get_string (settings, SETTING_PIPELINES_DIR);
  g_autofree char *path = g_build_filename (dir, name, NULL);

  if (strchr (name, '/') == NULL && access (name, F_OK) != 0 &&
      access (path, F_OK) == 0)
    return g_steal_pointer (&path);
  return g_strdup (name);
}

static int
launch (const char *path, GHashTable *variables)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline =
      description_launch (path, variables, &error);

  if (pipeline == NULL)
    return command_fail (error);
  gst_object_ref_sink (pipeline);
  return foreground_run (pipeline);
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GHashTable) variables = NULL;
  g_auto (CommandDatabase) database = {0};
  g_autofree char *path = NULL, *text = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!command_parse (
          &command_launch, &argc, argv, NULL, 1, G_MAXINT, &settings, &status))
    return status;
  gst_init (NULL, NULL);
  data_load_plugins ();
  path = find_file (argv[1], settings);
  if (!g_file_get_contents (path, &text, NULL, &error)) {
    command_say ("%s", error->message);
    return EX_NOINPUT;
  }
  variables = make_variables (settings);
  if (!take_assignments (variables, path, text, argv + 2, &status))
    return status;
  if (!provide_database (variables, text, settings, &database, &error))
    return command_fail (error);
  return launch (path, variables);
}

const Command command_launch = {
    "launch",
    "FILE [VAR=VALUE]...",
    "run one pipeline description in the foreground",
    "FILE, here or among the pipelines that came with the program, has the\n"
    "syntax of gst-launch-1.0, # comments and ${variables}. Those that the\n"
    "description of a broadcast has are set, from the configuration where it\n"
    "knows better; only ${game} must be given where it is asked for. Without\n"
    "source=DESCRIPTION the source is a test picture with sound.\n\n"
    "Ctrl-C ends the broadcast and waits for what is on its way; a second one\n"
    "ends at once. GST_DEBUG=LEVEL tells more.",
    run,
};
