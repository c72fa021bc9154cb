/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "jsonfields.h"

#include <gio/gio.h>

gboolean
json_fields_complain (GError **error, const char *member, const char *expected)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "\"%s\" is not there, or is not %s", member, expected);
  return FALSE;
}

gboolean
json_fields_text (
    JsonObject *object, const char *member, char **value, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return json_fields_complain (error, member, "a text");
  *value = json_node_dup_string (node);
  return TRUE;
}

gboolean
json_fields_number (
    JsonObject *object, const char *member, gint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64 ||
      json_node_get_int (node) < 0)
    return json_fields_complain (error, member, "a number");
  *value = json_node_get_int (node);
  return TRUE;
}

static JsonArray *
get_list (JsonNode *root, const char *format, const char *list, GError **error)
{
  g_autofree char *found = NULL;
  JsonObject *object;
  JsonNode *node;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "it is not a JSON object");
    return NULL;
  }
  object = json_node_get_object (root);
  if (!json_fields_text (object, "format", &found, error))
    return NULL;
  if (!g_str_equal (found, format)) {
    json_fields_complain (error, "format", format);
    return NULL;
  }
  node = json_object_get_member (object, list);
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node)) {
    json_fields_complain (error, list, "a list");
    return NULL;
  }
  return json_node_get_array (node);
}

gboolean
json_fields_parse_list (const char *text, gsize length, const char *format,
    const char *list, JsonFieldsFunc func, gpointer data, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonArray *array;

  if (!g_utf8_validate_len (text, length, NULL)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "it is not a text in UTF-8");
    return FALSE;
  }
  if (!json_parser_load_from_data (parser, text, length, error))
    return FALSE;
  array = get_list (json_parser_get_root (parser), format, list, error);
  if (array == NULL)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_OBJECT (node))
      return json_fields_complain (error, list, "a list of objects");
    if (!func (json_node_get_object (node), data, error))
      return FALSE;
  }
  return TRUE;
}

JsonBuilder *
json_fields_begin_list (const char *format, const char *list)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_fields_add_text (builder, "format", format);
  json_builder_set_member_name (builder, list);
  json_builder_begin_array (builder);
  return builder;
}

char *
json_fields_end_list (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  g_object_unref (builder);
  text = json_to_string (root, TRUE);
  return g_strconcat (text, "\n", NULL);
}

void
json_fields_add_text (
    JsonBuilder *builder, const char *member, const char *value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

void
json_fields_add_number (JsonBuilder *builder, const char *member, gint64 value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_int_value (builder, value);
}
