/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Reading the small JSON files that this node keeps for itself. Errors are
 * G_IO_ERROR_INVALID_DATA and say which member is not what. */

gboolean json_fields_complain (
    GError **error, const char *member, const char *expected);
gboolean json_fields_text (
    JsonObject *object, const char *member, char **value, GError **error);
/* Not negative. */
gboolean json_fields_number (
    JsonObject *object, const char *member, gint64 *value, GError **error);

/* One element of the list: FALSE and @error if it cannot be used. */
typedef gboolean (*JsonFieldsFunc) (
    JsonObject *object, gpointer data, GError **error);
/* The files: {"format": @format, @list: [objects]}. */
gboolean json_fields_parse_list (const char *text, gsize length,
    const char *format, const char *list, JsonFieldsFunc func, gpointer data,
    GError **error);
JsonBuilder *json_fields_begin_list (const char *format, const char *list);
/* Frees @builder. (transfer full) */
char *json_fields_end_list (JsonBuilder *builder);
void json_fields_add_text (
    JsonBuilder *builder, const char *member, const char *value);
void json_fields_add_number (
    JsonBuilder *builder, const char *member, gint64 value);

G_END_DECLS
