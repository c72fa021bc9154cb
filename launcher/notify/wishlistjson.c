/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishlistjson.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "jsondepth.h"
#include "wishlistsource-private.h"

/* The parser calls itself for each; a page has three. */
#define MOST_NESTED 16
/* It is kept in the database. */
#define MOST_CURSOR 4096

static gboolean
complain (GError **error, const char *what)
{
  g_set_error (error, WISHLIST_ERROR, WISHLIST_ERROR_NONSENSE,
      "The store's answer is no page of a wishlist: %s", what);
  return FALSE;
}

/* NULL and TRUE: there is none, or it is null. */
static gboolean
get_text (JsonObject *object, const char *name, const char **text)
{
  JsonNode *node = json_object_get_member (object, name);

  *text = NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return FALSE;
  *text = json_node_get_string (node);
  return TRUE;
}

static gboolean
add_user (WishlistPage *page, const char *game, JsonNode *node, GError **error)
{
  JsonObject *object;
  const char *id, *name, *language;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return complain (error, "\"users\" has something that is no object");
  object = json_node_get_object (node);
  if (!get_text (object, "id", &id))
    return complain (error, "the \"id\" of a user is not a text");
  if (!get_text (object, "username", &name))
    return complain (error, "the \"username\" of a user is not a text");
  if (!get_text (object, "language", &language))
    return complain (error, "the \"language\" of a user is not a text");
  wishlist_page_add (page, game, id, name, language);
  return TRUE;
}

static gboolean
read_users (WishlistPage *page, const char *game, JsonObject *object,
    guint most, GError **error)
{
  JsonNode *node = json_object_get_member (object, "users");
  JsonArray *users;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return complain (error, "\"users\" is not there, or is not a list");
  users = json_node_get_array (node);
  if (json_array_get_length (users) > most)
    return complain (error, "\"users\" has more than \"limit\"");
  for (guint i = 0; i < json_array_get_length (users); i++)
    if (!add_user (page, game, json_array_get_element (users, i), error))
      return FALSE;
  return TRUE;
}

/* It must be there: to end without a word would be to tell half of them. */
static gboolean
read_next (
    WishlistPage *page, const char *cursor, JsonObject *object, GError **error)
{
  const char *next;

  if (!json_object_has_member (object, "next") ||
      !get_text (object, "next", &next))
    return complain (
        error, "\"next\" is not there, or is no text and not null");
  if (next == NULL)
    return TRUE;
  if (*next == '\0' || strlen (next) > MOST_CURSOR)
    return complain (error, "\"next\" is not of 1 to 4096 bytes");
  if (g_strcmp0 (next, cursor) == 0)
    return complain (error, "\"next\" is the cursor that it was asked with");
  page->cursor = g_strdup (next);
  return TRUE;
}

static gboolean
read_total (JsonObject *object, gint64 *total, GError **error)
{
  JsonNode *node = json_object_get_member (object, "total");

  *total = -1;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_INT64 ||
      json_node_get_int (node) < 0)
    return complain (error, "\"total\" is not a number from 0 on");
  *total = json_node_get_int (node);
  return TRUE;
}

WishlistPage *
wishlist_json_parse (const char *text, gsize length, const char *game,
    const char *cursor, guint most, gint64 *total, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (WishlistPage) page = NULL;
  g_autoptr (GError) why = NULL;
  JsonNode *root;
  JsonObject *object;

  if (!g_utf8_validate_len (text, length, NULL)) {
    complain (error, "it is not a text in UTF-8");
    return NULL;
  }
  if (!json_is_shallow (text, length, MOST_NESTED)) {
    complain (error, "it is no JSON, or nested too deeply");
    return NULL;
  }
  if (!json_parser_load_from_data (parser, text, (gssize)length, &why)) {
    complain (error, why->message);
    return NULL;
  }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    complain (error, "it is not a JSON object");
    return NULL;
  }
  object = json_node_get_object (root);
  page = wishlist_page_new ();
  if (!read_users (page, game, object, most, error) ||
      !read_next (page, cursor, object, error) ||
      !read_total (object, total, error))
    return NULL;
  return g_steal_pointer (&page);
}
