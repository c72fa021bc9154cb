/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcsjson.h"

#include "gcserror.h"
#include "jsondepth.h"

/* An error of Google's has four or five. */
#define MOST_NESTED 16

JsonObject *
gcs_json_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;

  /* What json-glib says of a text may quote it. */
  if (!g_utf8_validate_len (text, length, NULL) ||
      !json_is_shallow (text, length, MOST_NESTED) ||
      !json_parser_load_from_data (parser, text, (gssize)length, NULL)) {
    g_set_error_literal (error, GCS_ERROR, GCS_ERROR_REFUSED, "it is no JSON");
    return NULL;
  }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error_literal (
        error, GCS_ERROR, GCS_ERROR_REFUSED, "it is not a JSON object");
    return NULL;
  }
  return json_object_ref (json_node_get_object (root));
}

gboolean
gcs_json_complain (GError **error, const char *member, const char *expected)
{
  g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
      "\"%s\" is not there, or is not %s", member, expected);
  return FALSE;
}

gboolean
gcs_json_text (
    JsonObject *object, const char *member, const char **text, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  const char *value = NULL;

  if (node != NULL && json_node_get_value_type (node) == G_TYPE_STRING)
    value = json_node_get_string (node);
  /* json-glib knows the octal escapes of C, too: any byte can come of them. */
  if (value == NULL || *value == '\0' || !g_utf8_validate (value, -1, NULL))
    return gcs_json_complain (error, member, "a text");
  *text = value;
  return TRUE;
}

gboolean
gcs_json_number (
    JsonObject *object, const char *member, gint64 *number, GError **error)
{
  const char *text;
  guint64 value;

  if (!gcs_json_text (object, member, &text, NULL) ||
      !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &value, NULL))
    return gcs_json_complain (error, member, "a whole number, as a text");
  *number = (gint64)value;
  return TRUE;
}
