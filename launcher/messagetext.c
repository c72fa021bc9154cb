/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "messagetext.h"

#include <string.h>

static char *
format_problem (GstMessage *message, const char *what, const GError *error,
    const char *debug)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;

  g_string_append_printf (
      text, "%s: %s: %s", what, GST_MESSAGE_SRC_NAME (message), error->message);
  lines = g_strsplit (debug != NULL ? debug : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_string_append_printf (text, "\n    %s", lines[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
format_error (GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  gst_message_parse_error (message, &error, &debug);
  return format_problem (message, "Error", error, debug);
}

/* What gst_parse_launch() warns of when a publisher does not send a stream that
 * the description has a branch for, as the descriptions of broadcasts have. */
static char *
find_missing_pad (const char *debug)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("failed delayed linking pad +(\\S+) of ", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (debug == NULL || !g_regex_match (regex, debug, 0, &match))
    return NULL;
  return g_match_info_fetch (match, 1);
}

static char *
format_warning (GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL, *pad = NULL;

  gst_message_parse_warning (message, &error, &debug);
  pad = find_missing_pad (debug);
  if (pad != NULL)
    return g_strdup_printf (
        "Note: %s: there is no %s", GST_MESSAGE_SRC_NAME (message), pad);
  return format_problem (message, "Warning", error, debug);
}

static char *
format_info (GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  gst_message_parse_info (message, &error, &debug);
  return format_problem (message, "Note", error, debug);
}

static char *
format_progress (GstMessage *message)
{
  g_autofree char *text = NULL;

  gst_message_parse_progress (message, NULL, NULL, &text);
  return g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message), text);
}

static char *
format_state (GstMessage *message)
{
  GstState state, pending;

  gst_message_parse_state_changed (message, NULL, &state, &pending);
  if (state == GST_STATE_PLAYING)
    return g_strdup ("Running.");
  if (state == GST_STATE_PAUSED && pending == GST_STATE_VOID_PENDING)
    return g_strdup ("Paused.");
  return NULL;
}

static gboolean
append_field (GQuark id, const GValue *value, gpointer data)
{
  GString *text = data;
  g_autofree char *serialized = NULL;

  if (G_VALUE_HOLDS_STRING (value))
    serialized = g_value_dup_string (value);
  else
    serialized = gst_value_serialize (value);
  if (serialized != NULL)
    g_string_append_printf (text, "%s %s=%s",
        text->str[text->len - 1] == ':' ? "" : ",", g_quark_to_string (id),
        serialized);
  return TRUE;
}

/* An element's own messages are called <factory>-<noun>-<participle>. What
 * others say on the bus is for programs, and may come many times a second. */
static char *
format_element (GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  GstElementFactory *factory =
      GST_IS_ELEMENT (GST_MESSAGE_SRC (message))
          ? gst_element_get_factory (GST_ELEMENT (GST_MESSAGE_SRC (message)))
          : NULL;
  const char *name = factory ? GST_OBJECT_NAME (factory) : NULL;
  const char *event;
  g_autoptr (GString) text = g_string_new (NULL);

  if (structure == NULL || name == NULL ||
      !g_str_has_prefix (gst_structure_get_name (structure), name))
    return NULL;
  event = gst_structure_get_name (structure) + strlen (name);
  if (*event != '-')
    return NULL;
  g_string_append_printf (
      text, "%s: %s:", GST_MESSAGE_SRC_NAME (message), event + 1);
  gst_structure_foreach (structure, append_field, text);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
message_to_text (GstMessage *message, GstElement *pipeline)
{
  switch ((int)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      return format_error (message);
    case GST_MESSAGE_WARNING:
      return format_warning (message);
    case GST_MESSAGE_INFO:
      return format_info (message);
    case GST_MESSAGE_PROGRESS:
      return format_progress (message);
    case GST_MESSAGE_STATE_CHANGED:
      return GST_MESSAGE_SRC (message) == GST_OBJECT (pipeline)
                 ? format_state (message)
                 : NULL;
    case GST_MESSAGE_ELEMENT:
      return format_element (message);
    case GST_MESSAGE_EOS:
      return g_strdup ("The end.");
    default:
      return NULL;
  }
}
