/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nginxconfig.h"

#include <gio/gio.h>
#include <string.h>

/* A port that is taken is reported for each attempt; that many different lines
 * say it all. */
#define MOST_REASONS 4

static char *
format_listen (const char *address, guint16 port)
{
  return g_strdup_printf (
      strchr (address, ':') ? "[%s]:%u" : "%s:%u", address, (guint)port);
}

/* The pull comes to 127.0.0.1, whatever the address for publishers is. */
static char *
format_rtmp_listen (const PrivateNginxSettings *settings)
{
  const char *address = settings->rtmp_address;
  char *listen = format_listen (address, settings->rtmp_port);
  char *both;

  if (strcmp (address, "0.0.0.0") == 0 || strcmp (address, "127.0.0.1") == 0)
    return listen;
  both = g_strdup_printf (
      "%s; listen 127.0.0.1:%u", listen, (guint)settings->rtmp_port);
  g_free (listen);
  return both;
}

/* What stands behind access_log. */
static char *
format_media_log (const PrivateNginxSettings *settings)
{
  if (settings->media_log == NULL)
    return g_strdup ("off");
  return g_strdup_printf (
      "syslog:server=%s,nohostname,tag=wishcast viewers", settings->media_log);
}

/* The name in a line like "  # @begin NAME@", or NULL. (transfer full) */
static char *
parse_mark (const char *line, const char *mark)
{
  g_autofree char *prefix = g_strdup_printf ("# @%s ", mark);
  const char *end;

  line += strspn (line, " ");
  if (!g_str_has_prefix (line, prefix))
    return NULL;
  line += strlen (prefix);
  end = strchr (line, '@');
  return end ? g_strndup (line, (gsize)(end - line)) : NULL;
}

/* @text without the marks, and without the sections that are not in @kept. */
static char *
keep_sections (const char *text, const char *const *kept)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) result = g_string_new (NULL);
  gboolean skipping = FALSE;

  for (guint i = 0; lines[i]; i++) {
    g_autofree char *begun = parse_mark (lines[i], "begin");
    g_autofree char *ended = parse_mark (lines[i], "end");

    if (begun)
      skipping = !g_strv_contains (kept, begun);
    else if (ended)
      skipping = FALSE;
    else if (!skipping)
      g_string_append_printf (
          result, "%s%s", lines[i], lines[i + 1] ? "\n" : "");
  }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

/* nginx has no way to write these in a path. */
static gboolean
check_path (const char *path, GError **error)
{
  if (!strpbrk (path, "\"\\$\r\n"))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME,
      "The folder %s has a character in its name that nginx cannot have there",
      path);
  return FALSE;
}

typedef struct {
  const char *name;
  const char *value; /* or NULL: not for this node */
} Variable;

/* @text with each @NAME@ replaced; NULL and @unknown, if there is one that is
 * not in @variables. */
static char *
replace_variables (
    const char *text, const Variable *variables, guint n, char **unknown)
{
  g_auto (GStrv) pieces = g_strsplit (text, "@", -1);
  g_autoptr (GString) result = g_string_new (pieces[0]);

  /* Every second piece is a name. */
  for (guint i = 1; pieces[i]; i += 2) {
    guint v = 0;

    while (v < n && strcmp (variables[v].name, pieces[i]) != 0)
      v++;
    if (v == n || !variables[v].value || !pieces[i + 1]) {
      *unknown = g_strndup (pieces[i], strcspn (pieces[i], "\n"));
      return NULL;
    }
    g_string_append (result, variables[v].value);
    g_string_append (result, pieces[i + 1]);
  }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

/* Of template sections; ends with NULL. */
static void
choose_sections (const PrivateNginxSettings *settings, const char **kept)
{
  if (settings->origin)
    *kept++ = "LIVE";
  if (settings->api)
    *kept++ = "API";
  if (settings->rtmp_port)
    *kept++ = "RTMP";
  *kept = NULL;
}

char *
nginx_config_fill (const char *text, const PrivateNginxSettings *settings,
    const char *user, GError **error)
{
  g_autofree char *listen = format_listen (settings->address, settings->port);
  g_autofree char *rtmp_listen =
      settings->rtmp_port ? format_rtmp_listen (settings) : NULL;
  g_autofree char *cloud = settings->cloud
                               ? g_strconcat (" ", settings->cloud, NULL)
                               : g_strdup ("");
  g_autofree char *media_log = format_media_log (settings);
  g_autofree char *control_port =
      g_strdup_printf ("%u", (guint)settings->control_port);
  const Variable variables[] = {
      {"USER", user},
      {"ACCESS_LOG", "off"}, /* Nobody would rotate it. */
      {"LISTEN", listen},
      {"WWW", settings->www},
      {"ORIGIN", settings->origin},
      {"MEDIA_LOG", media_log},
      {"API", settings->api},
      {"CLOUD", cloud},
      {"RTMP_LISTEN", rtmp_listen},
      {"HOOK", settings->hook},
      {"CONTROL_PORT", control_port},
  };
  const char *kept[4];
  g_autofree char *chosen = NULL, *unknown = NULL;
  char *config;

  if (!check_path (settings->www, error))
    return NULL;
  choose_sections (settings, kept);
  chosen = keep_sections (text, kept);
  config =
      replace_variables (chosen, variables, G_N_ELEMENTS (variables), &unknown);
  if (!config)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "%s: nothing is known to put in the place of @%s@", settings->template,
        unknown);
  return config;
}

char *
nginx_config_find_reason (const char *log)
{
  g_auto (GStrv) lines = g_strsplit (log, "\n", -1);
  g_autoptr (GPtrArray) reasons = g_ptr_array_new ();

  for (guint i = 0; lines[i] && reasons->len < MOST_REASONS; i++) {
    const char *text = strstr (lines[i], "[emerg] ");

    /* What follows is "PID#TID: ", and "still could not bind()" at the end of
     * five attempts. */
    text = text ? strstr (text, ": ") : NULL;
    if (text && !strstr (text, "still could not bind") &&
        !g_ptr_array_find_with_equal_func (
            reasons, text + 2, g_str_equal, NULL))
      g_ptr_array_add (reasons, (gpointer)(text + 2));
  }
  if (reasons->len == 0)
    return NULL;
  g_ptr_array_add (reasons, NULL);
  return g_strjoinv ("; ", (char **)reasons->pdata);
}
