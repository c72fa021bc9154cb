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
static GString *
drop_sections (const char *text, const char *const *kept)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *result = g_string_new (NULL);
  gboolean skipping = FALSE;

  for (guint i = 0; lines[i]; i++) {
    g_autofree char *begun = parse_mark (lines[i], "begin");
    g_autofree char *ended = parse_mark (lines[i], "end");

    if (begun)
      skipping = !g_strv_contains (kept, begun);
    else if (ended)
      skipping = FALSE;
    else if (!skipping)
      g_string_append_printf (result, "%s%s", lines[i], lines[i + 1] ? "\n" : "");
  }
  return result;
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

char *
nginx_config_fill (const char *text, const PrivateNginxSettings *settings,
    const char *user, GError **error)
{
  gboolean with_rtmp = settings->rtmp_port != 0;
  const char *kept[4] = { NULL };
  guint n_kept = 0;
  g_autofree char *listen = format_listen (settings->address, settings->port);
  g_autofree char *rtmp_listen = NULL, *control_port = NULL;
  g_autoptr (GString) config = NULL;
  const char *left;

  if (!check_path (settings->www, error))
    return NULL;
  if (settings->origin)
    kept[n_kept++] = "LIVE";
  if (settings->api)
    kept[n_kept++] = "API";
  if (with_rtmp) {
    kept[n_kept++] = "RTMP";
    rtmp_listen = format_listen (settings->rtmp_address, settings->rtmp_port);
    control_port = g_strdup_printf ("%u", (guint)settings->control_port);
  }
  config = drop_sections (text, kept);
  const struct {
    const char *name;
    const char *value;
  } values[] = {
    { "@USER@", user },
    { "@LISTEN@", listen },
    { "@WWW@", settings->www },
    { "@HOME@", "rewrite ^ /index.html break" },
    { "@ORIGIN@", settings->origin },
    { "@API@", settings->api },
    { "@RTMP_LISTEN@", rtmp_listen },
    { "@HOOK@", settings->hook },
    { "@CONTROL_PORT@", control_port },
  };
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    if (values[i].value)
      g_string_replace (config, values[i].name, values[i].value, 0);
  left = strchr (config->str, '@');
  if (left && !strchr (settings->www, '@')) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "%s: nothing is known for %.*s", settings->template,
        (int)strcspn (left, " ;\n"), left);
    return NULL;
  }
  return g_string_free (g_steal_pointer (&config), FALSE);
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
