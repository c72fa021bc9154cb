/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcasttitle.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#define PATIENCE 1 /* s */

/* The member @name, if it is a text with something in it. */
static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  const char *text = NULL;

  if (node != NULL && JSON_NODE_HOLDS_VALUE (node))
    text = json_node_get_string (node);
  return text != NULL && *text != '\0' ? text : NULL;
}

static char *
parse_title (GBytes *answer)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  const char *title;
  JsonNode *node;
  gsize size;
  gconstpointer data = g_bytes_get_data (answer, &size);

  if (size == 0 || !json_parser_load_from_data (parser, data, size, NULL))
    return NULL;
  node = json_parser_get_root (parser);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  title = get_text (json_node_get_object (node), "title");
  node = json_object_get_member (json_node_get_object (node), "game");
  if (title == NULL && node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    title = get_text (json_node_get_object (node), "title");
  return g_strdup (title);
}

char *
broadcast_title_ask (const char *address, guint16 port, const char *link)
{
  g_autofree char *path = g_strconcat ("/api/v1/broadcasts/", link, NULL);
  g_autofree char *uri = g_uri_join (
      G_URI_FLAGS_NONE, "http", NULL, address, port, path, NULL, NULL);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (GBytes) answer = NULL;

  if (message == NULL)
    return NULL;
  session = soup_session_new_with_options ("timeout", PATIENCE, NULL);
  answer = soup_session_send_and_read (session, message, NULL, NULL);
  if (answer == NULL || soup_message_get_status (message) != SOUP_STATUS_OK)
    return NULL;
  return parse_title (answer);
}
