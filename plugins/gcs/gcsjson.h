/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Reading JSON of others. Errors are GCS_ERROR_REFUSED, say which member is not
 * what, and have nothing of the text in them. */

/* NULL and @error unless it is one JSON object, not nested deeply. (transfer
 * full) */
JsonObject *gcs_json_parse (const char *text, gsize length, GError **error);
gboolean gcs_json_complain (
    GError **error, const char *member, const char *expected);
/* Not empty. (transfer none) */
gboolean gcs_json_text (
    JsonObject *object, const char *member, const char **text, GError **error);
/* A whole number from 0 on, which Google writes as a text, as JavaScript has none
 * of 64 bits. */
gboolean gcs_json_number (
    JsonObject *object, const char *member, gint64 *number, GError **error);

G_END_DECLS
