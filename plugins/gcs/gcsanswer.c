/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcsanswer.h"

#include <string.h>

#include "crc32c.h"
#include "gcserror.h"
#include "gcsjson.h"

#define LONGEST_NAME 1024 /* bytes, of an object */
#define LONGEST_EMAIL 254 /* RFC 5321 */
#define LONGEST_PAGE_TOKEN 8192
#define LONGEST_TOKEN 16384
/* Google's are of an hour. What says more is asked again after a day. */
#define LONGEST_LIFE (24 * 60 * 60)
/* Of what is shown of a complaint. */
#define MOST_COMPLAINT 300
#define MOST_WORD 64
#define MOST_SIGNATURE 2048

gboolean
gcs_answer_read_object (
    const char *text, gsize length, GcsObject *object, GError **error)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, error);
  const char *crc;
  gint64 size;

  memset (object, 0, sizeof *object);
  if (json == NULL || !gcs_json_number (json, "size", &size, error) ||
      !gcs_json_number (json, "generation", &object->generation, error))
    return FALSE;
  object->size = (guint64)size;
  if (!json_object_has_member (json, "crc32c"))
    return TRUE;
  if (!gcs_json_text (json, "crc32c", &crc, NULL) ||
      !crc32c_from_base64 (crc, &object->crc32c))
    return gcs_json_complain (error, "crc32c", "base64 of four bytes");
  object->has_crc32c = TRUE;
  return TRUE;
}

static gboolean
read_name (
    JsonNode *node, const char *prefix, const char **name, GError **error)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return gcs_json_complain (error, "items", "a list of objects");
  if (!gcs_json_text (json_node_get_object (node), "name", name, error))
    return FALSE;
  if (strlen (*name) > LONGEST_NAME || !g_str_has_prefix (*name, prefix))
    return gcs_json_complain (error, "name", "one that was asked for");
  return TRUE;
}

gboolean
gcs_answer_read_names (const char *text, gsize length, const char *prefix,
    GPtrArray *names, char **next, GError **error)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, error);
  JsonNode *items;
  const char *name, *token = NULL;

  *next = NULL;
  if (json == NULL)
    return FALSE;
  items = json_object_get_member (json, "items");
  if (items != NULL && !JSON_NODE_HOLDS_ARRAY (items))
    return gcs_json_complain (error, "items", "a list");
  /* Of no objects there is none. */
  for (guint i = 0;
       items != NULL && i < json_array_get_length (json_node_get_array (items));
       i++) {
    if (!read_name (json_array_get_element (json_node_get_array (items), i),
            prefix, &name, error))
      return FALSE;
    g_ptr_array_add (names, g_strdup (name));
  }
  if (!json_object_has_member (json, "nextPageToken"))
    return TRUE;
  if (!gcs_json_text (json, "nextPageToken", &token, error))
    return FALSE;
  if (strlen (token) > LONGEST_PAGE_TOKEN)
    return gcs_json_complain (error, "nextPageToken", "of a sensible length");
  *next = g_strdup (token);
  return TRUE;
}

static gboolean
has_text (JsonArray *array, const char *text)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (json_node_get_value_type (node) == G_TYPE_STRING &&
        g_str_equal (json_node_get_string (node), text))
      return TRUE;
  }
  return FALSE;
}

gboolean
gcs_answer_read_permissions (const char *text, gsize length,
    const char *const *wanted, char **missing, GError **error)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, error);
  g_autoptr (GPtrArray) lacking = g_ptr_array_new ();
  JsonArray *array = NULL;
  JsonNode *node;

  *missing = NULL;
  if (json == NULL)
    return FALSE;
  /* Who has none gets none. */
  node = json_object_get_member (json, "permissions");
  if (node != NULL && !JSON_NODE_HOLDS_ARRAY (node))
    return gcs_json_complain (error, "permissions", "a list");
  if (node != NULL)
    array = json_node_get_array (node);
  for (guint i = 0; wanted[i] != NULL; i++)
    if (!has_text (array, wanted[i]))
      g_ptr_array_add (lacking, (gpointer)wanted[i]);
  g_ptr_array_add (lacking, NULL);
  if (lacking->len > 1)
    *missing = g_strjoinv (", ", (char **)lacking->pdata);
  return TRUE;
}

/* Whether it can be the value of a header. */
static gboolean
is_graphic (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isgraph (*text))
      return FALSE;
  return TRUE;
}

gboolean
gcs_answer_read_token (const char *text, gsize length, char **token,
    guint *seconds, GError **error)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, error);
  const char *found, *type;
  JsonNode *life;

  if (json == NULL || !gcs_json_text (json, "access_token", &found, error) ||
      !gcs_json_text (json, "token_type", &type, error))
    return FALSE;
  if (strlen (found) > LONGEST_TOKEN || !is_graphic (found))
    return gcs_json_complain (error, "access_token", "a token");
  if (g_ascii_strcasecmp (type, "Bearer") != 0)
    return gcs_json_complain (error, "token_type", "Bearer");
  life = json_object_get_member (json, "expires_in");
  if (life == NULL || json_node_get_value_type (life) != G_TYPE_INT64 ||
      json_node_get_int (life) < 1)
    return gcs_json_complain (error, "expires_in", "a number from 1 on");
  *seconds = (guint)MIN (json_node_get_int (life), LONGEST_LIFE);
  *token = g_strdup (found);
  return TRUE;
}

gboolean
gcs_answer_read_email (
    const char *text, gsize length, char **email, GError **error)
{
  g_autofree char *found = g_strndup (text, length);

  g_strstrip (found);
  if (strlen (found) > LONGEST_EMAIL || !is_graphic (found) ||
      strchr (found, '@') == NULL) {
    g_set_error_literal (
        error, GCS_ERROR, GCS_ERROR_REFUSED, "it is no e-mail address");
    return FALSE;
  }
  *email = g_steal_pointer (&found);
  return TRUE;
}

GBytes *
gcs_answer_read_signature (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, error);
  const char *base64;
  guchar *bytes;
  gsize size;

  if (json == NULL || !gcs_json_text (json, "signedBlob", &base64, error))
    return NULL;
  bytes = g_base64_decode (base64, &size);
  if (size == 0 || size > MOST_SIGNATURE) {
    g_free (bytes);
    gcs_json_complain (error, "signedBlob", "base64 of a signature");
    return NULL;
  }
  return g_bytes_new_take (bytes, size);
}

/* --- complaints ----------------------------------------------------------- */

/* Whether a terminal would show all of it. */
static gboolean
is_printable (const char *word)
{
  for (; *word != '\0'; word = g_utf8_next_char (word))
    if (!g_unichar_isprint (g_utf8_get_char (word)))
      return FALSE;
  return TRUE;
}

static void
add_words (GString *line, const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " \t\r\n", -1);

  for (guint i = 0; words[i] != NULL && line->len < MOST_COMPLAINT; i++) {
    if (*words[i] == '\0')
      continue;
    if (line->len > 0)
      g_string_append_c (line, ' ');
    /* A token, perhaps, or our own assertion sent back. */
    if (strlen (words[i]) > MOST_WORD || !is_printable (words[i]))
      g_string_append (line, "…");
    else
      g_string_append (line, words[i]);
  }
}

static void
add_text (GString *line, JsonObject *json, const char *member)
{
  const char *text;

  if (json == NULL || !gcs_json_text (json, member, &text, NULL))
    return;
  if (line->len > 0)
    g_string_append_c (line, ':');
  add_words (line, text);
}

char *
gcs_answer_read_complaint (const char *text, gsize length)
{
  g_autoptr (JsonObject) json = gcs_json_parse (text, length, NULL);
  g_autoptr (GString) line = g_string_new (NULL);
  JsonNode *node = json != NULL ? json_object_get_member (json, "error") : NULL;

  /* The APIs have {"error": {"message": …}}, OAuth (RFC 6749, 5.2) has {"error":
   * …, "error_description": …}. */
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node)) {
    add_text (line, json_node_get_object (node), "message");
  } else {
    add_text (line, json, "error");
    add_text (line, json, "error_description");
  }
  return line->len > 0 ? g_string_free (g_steal_pointer (&line), FALSE) : NULL;
}
