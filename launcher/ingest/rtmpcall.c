/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmpcall.h"

#include <gio/gio.h>
#include <string.h>

void
rtmp_call_clear (RtmpCall *call)
{
  g_free (call->call);
  g_free (call->app);
  g_free (call->name);
  g_free (call->address);
  g_free (call->client);
  memset (call, 0, sizeof *call);
}

static gboolean
parse_time (const char *text, gint64 *time)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &value, NULL))
    return FALSE;
  *time = (gint64)value;
  return TRUE;
}

static gboolean
read_fields (
    RtmpCall *call, char **time, const char *body, gsize length, GError **error)
{
  const struct {
    const char *name;
    char **value;
  } fields[] = {
      {"call", &call->call},
      {"app", &call->app},
      {"name", &call->name},
      {"addr", &call->address},
      {"clientid", &call->client},
      {"timestamp", time},
  };
  GUriParamsIter iter;
  g_autoptr (GError) problem = NULL;

  g_uri_params_iter_init (
      &iter, body, (gssize)length, "&", G_URI_PARAMS_WWW_FORM);
  while (TRUE) {
    g_autofree char *name = NULL, *value = NULL;

    if (!g_uri_params_iter_next (&iter, &name, &value, &problem))
      break;
    for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
      if (strcmp (name, fields[i].name) != 0)
        continue;
      if (*fields[i].value || strlen (value) > RTMP_CALL_MAX_VALUE) {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
            *fields[i].value ? "%s is there twice" : "%s is too long",
            fields[i].name);
        return FALSE;
      }
      *fields[i].value = g_steal_pointer (&value);
      break;
    }
  }
  /* Its text may quote what was sent. */
  if (problem)
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "it is not a form");
  return problem == NULL;
}

gboolean
rtmp_call_parse (RtmpCall *call, const char *body, gsize length, GError **error)
{
  g_autofree char *time = NULL;
  const char *missing = NULL;

  memset (call, 0, sizeof *call);
  call->time = -1;
  if (!read_fields (call, &time, body, length, error)) {
    rtmp_call_clear (call);
    return FALSE;
  }
  if (!call->call)
    missing = "call";
  else if (!call->app)
    missing = "app";
  else if (!call->name)
    missing = "name";
  else if (!call->address)
    missing = "addr";
  else if (!call->client || !g_ascii_isdigit (*call->client))
    missing = "clientid";
  else if (time && !parse_time (time, &call->time))
    missing = "timestamp";
  if (missing) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "%s is missing or has no meaning", missing);
    rtmp_call_clear (call);
    return FALSE;
  }
  return TRUE;
}
