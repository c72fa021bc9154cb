/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <gst/gst.h>

#include "broadcasttitle.h"
#include "cachereader.h"
#include "commands.h"
#include "datadir.h"
#include "description.h"
#include "link.h"
#include "preview.h"

static gboolean verbose;
static char *title;
static char *video_sink;
static char *audio_sink;

static const GOptionEntry entries[] = {
    {"title", 't', 0, G_OPTION_ARG_STRING, &title,
        "What stands over the picture [the broadcast's title, if the API "
        "knows it, else LINK or URI]",
        "TEXT"},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose,
        "Print the latency every second", NULL},
    {"video-sink", 0, 0, G_OPTION_ARG_STRING, &video_sink,
        "Element that shows the picture [autovideosink]", "ELEMENT"},
    {"audio-sink", 0, 0, G_OPTION_ARG_STRING, &audio_sink,
        "Element that plays the sound [autoaudiosink]", "ELEMENT"},
    {NULL},
};

/* What is previewed. */
typedef struct {
  const char *name; /* as it was typed */
  const char *link; /* or NULL, */
  char *uri;        /* or NULL */
  char *title;      /* or NULL: the name */
  const char *cache_dir;
  gboolean is_live;
  guint epoch; /* of a recording: where to begin */
} Subject;

/* A link of this machine's cache, an address, or a file. */
static gboolean
find_subject (Subject *subject, const Settings *settings, int *status)
{
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  if (gst_uri_is_valid (subject->name)) {
    subject->uri = g_strdup (subject->name);
    return TRUE;
  }
  if (!link_is_valid (subject->name)) {
    subject->uri = gst_filename_to_uri (subject->name, NULL);
    return subject->uri != NULL;
  }
  subject->link = subject->name;
  subject->cache_dir = settings_get_string (settings, SETTING_CACHE_DIR);
  reader = cache_reader_open (subject->cache_dir, subject->link, &error);
  if (reader == NULL) {
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
      command_say ("%s has no broadcast %s. `wishcast cache list` shows those "
                   "that it has.",
          subject->cache_dir, subject->link);
    else
      command_say ("%s", error->message);
    *status = EX_NOINPUT;
    return FALSE;
  }
  subject->is_live = !cache_reader_is_ended (reader);
  if (!subject->is_live)
    command_say ("the broadcast has ended: this is its recording");
  if (subject->title == NULL)
    subject->title = broadcast_title_ask (
        settings_get_string (settings, SETTING_API_ADDRESS),
        settings_get_uint (settings, SETTING_API_PORT), subject->link);
  return TRUE;
}

/* As one value of gst-launch's syntax. */
static char *
quote (const char *value)
{
  g_autoptr (GString) quoted = g_string_new ("\"");

  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c (quoted, '\\');
    g_string_append_c (quoted, *p);
  }
  g_string_append_c (quoted, '"');
  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

/* What stands for ${source}. The properties are in it, because decodebin3 asks
 * its source how it can be read as soon as they are linked. */
static char *
describe_source (const Subject *subject)
{
  g_autofree char *value =
      quote (subject->link != NULL ? subject->cache_dir : subject->uri);

  if (subject->link == NULL)
    return g_strdup_printf ("uridecodebin3 name=source uri=%s", value);
  return g_strdup_printf (
      "cachesrc link=%s cache-dir=%s live-edge=%s first-epoch=%u "
      "! decodebin3 name=source",
      subject->link, value, subject->is_live ? "true" : "false",
      subject->epoch);
}

static GstElement *
make_pipeline (const Settings *settings, const Subject *subject, GError **error)
{
  g_autofree char *path =
      g_build_filename (settings_get_string (settings, SETTING_PIPELINES_DIR),
          "preview.pipeline", NULL);
  g_autoptr (GHashTable) variables = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *source = describe_source (subject);
  GstElement *pipeline;

  g_hash_table_insert (variables, (char *)"source", source);
  g_hash_table_insert (variables, (char *)"title",
      (char *)(subject->title != NULL ? subject->title : subject->name));
  if (video_sink != NULL)
    g_hash_table_insert (variables, (char *)"video-sink", video_sink);
  if (audio_sink != NULL)
    g_hash_table_insert (variables, (char *)"audio-sink", audio_sink);
  pipeline = description_launch (path, variables, error);
  return pipeline != NULL ? gst_object_ref_sink (pipeline) : NULL;
}

/* A recording whose picture changes goes on in another window. */
static int
show (const Settings *settings, Subject *subject)
{
  int status;

  do {
    g_autoptr (GError) error = NULL;
    g_autoptr (GstElement) pipeline = make_pipeline (settings, subject, &error);

    if (pipeline == NULL)
      return command_fail (error);
    status = preview_run (pipeline, verbose, &subject->epoch);
  } while (status == EX_OK && subject->epoch != 0);
  return status;
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  Subject subject = {0};
  int status = EX_NOINPUT;

  if (!command_parse (
          &command_preview, &argc, argv, entries, 1, 1, &settings, &status))
    return status;
  gst_init (NULL, NULL);
  data_load_plugins ();
  subject.name = argv[1];
  subject.title = g_strdup (title);
  /* autovideosink would look further, for sinks that need none. */
  if (video_sink == NULL && g_getenv ("DISPLAY") == NULL &&
      g_getenv ("WAYLAND_DISPLAY") == NULL) {
    command_say ("there is no display to show a window on: neither DISPLAY nor "
                 "WAYLAND_DISPLAY is set");
    return EX_UNAVAILABLE;
  }
  if (find_subject (&subject, settings, &status))
    status = show (settings, &subject);
  g_free (subject.uri);
  g_free (subject.title);
  return status;
}

const Command command_preview = {
    "preview",
    "LINK|URI",
    "a window that shows a broadcast, and how old the picture is",
    "A LINK is a broadcast in this machine's cache: its picture is shown "
    "about\n"
    "a second after its capture, and the window says how long exactly. "
    "Anything\n"
    "else is an address or file that GStreamer plays, such as the playlist of "
    "a\n"
    "broadcast elsewhere.\n\n"
    "In the window: q or Escape ends, space pauses.",
    run,
};
