/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demoinbox.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "jsontext.h"

/* Notices that are kept: more than a person looks at. */
#define MOST_KEPT 200

typedef struct {
  char *id, *title;
  char *url; /* of the broadcast that was told of last */
  guint told;
} Game;

struct _DemoInbox {
  guint n_wishing;
  GPtrArray *games; /* of Game, in the order they came */
  /* The keys of all that came. A game is told of once in a while, so they are
   * some thousands. */
  GHashTable *keys;
  GQueue newest; /* of char *: JSON objects, the newest first */
  guint repeats;
};

/* What is taken of one event. Not owned. */
typedef struct {
  const char *key, *game, *title, *username, *language, *message, *url;
} Notice;

static void
game_free (gpointer data)
{
  Game *game = data;

  g_free (game->id);
  g_free (game->title);
  g_free (game->url);
  g_free (game);
}

DemoInbox *
demo_inbox_new (guint n_wishing)
{
  DemoInbox *inbox = g_new0 (DemoInbox, 1);

  inbox->n_wishing = n_wishing;
  inbox->games = g_ptr_array_new_with_free_func (game_free);
  inbox->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return inbox;
}

void
demo_inbox_free (DemoInbox *inbox)
{
  if (inbox == NULL)
    return;
  g_ptr_array_unref (inbox->games);
  g_hash_table_unref (inbox->keys);
  g_queue_clear_full (&inbox->newest, g_free);
  g_free (inbox);
}

/* --- Reading ---------------------------------------------------------------*/

static JsonObject *
get_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_node_get_object (node)
             : NULL;
}

static gboolean
get_text (JsonObject *object, const char *name, const char **text)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return FALSE;
  *text = json_node_get_string (node);
  return TRUE;
}

static gboolean
read_notice (JsonNode *node, Notice *notice)
{
  JsonObject *event = get_object (node);
  JsonObject *data = event != NULL
                         ? get_object (json_object_get_member (event, "data"))
                         : NULL;
  JsonObject *game =
      data != NULL ? get_object (json_object_get_member (data, "game")) : NULL;

  *notice = (Notice){0};
  if (game == NULL)
    return FALSE;
  /* Not everybody has one. */
  get_text (data, "language", &notice->language);
  return get_text (event, "id", &notice->key) &&
         get_text (game, "id", &notice->game) &&
         get_text (game, "title", &notice->title) &&
         get_text (data, "username", &notice->username) &&
         get_text (data, "message", &notice->message) &&
         get_text (data, "url", &notice->url);
}

/* --- Keeping ---------------------------------------------------------------*/

static Game *
find_game (DemoInbox *inbox, const Notice *notice)
{
  Game *game;

  for (guint i = 0; i < inbox->games->len; i++) {
    game = g_ptr_array_index (inbox->games, i);
    if (strcmp (game->id, notice->game) == 0)
      return game;
  }
  game = g_new0 (Game, 1);
  game->id = g_strdup (notice->game);
  game->title = g_strdup (notice->title);
  g_ptr_array_add (inbox->games, game);
  return game;
}

/* A member of an object that has one already. */
static void
append_member (GString *json, const char *name, const char *value)
{
  g_string_append_printf (json, ",\"%s\":", name);
  json_text_append (json, value);
}

static char *
describe (const Notice *notice)
{
  GString *json = g_string_new (NULL);

  g_string_append_printf (json, "{\"at\":%" G_GINT64_FORMAT,
      g_get_real_time () / G_TIME_SPAN_MILLISECOND);
  append_member (json, "key", notice->key);
  append_member (json, "game", notice->title);
  append_member (json, "username", notice->username);
  append_member (json, "language", notice->language);
  append_member (json, "message", notice->message);
  append_member (json, "url", notice->url);
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}

static void
keep (DemoInbox *inbox, const Notice *notice)
{
  Game *game;

  if (!g_hash_table_add (inbox->keys, g_strdup (notice->key))) {
    inbox->repeats++;
    return;
  }
  game = find_game (inbox, notice);
  game->told++;
  g_free (game->url);
  game->url = g_strdup (notice->url);
  g_queue_push_head (&inbox->newest, describe (notice));
  if (g_queue_get_length (&inbox->newest) > MOST_KEPT)
    g_free (g_queue_pop_tail (&inbox->newest));
}

gboolean
demo_inbox_take (DemoInbox *inbox, const char *body, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GArray) notices = g_array_new (FALSE, FALSE, sizeof (Notice));
  JsonNode *root;
  JsonArray *events;

  if (!json_parser_load_from_data (parser, body, (gssize)length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root))
    return FALSE;
  events = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (events); i++) {
    Notice notice;

    if (!read_notice (json_array_get_element (events, i), &notice))
      return FALSE;
    g_array_append_val (notices, notice);
  }
  for (guint i = 0; i < notices->len; i++)
    keep (inbox, &g_array_index (notices, Notice, i));
  return TRUE;
}

/* --- Telling ---------------------------------------------------------------*/

char *
demo_inbox_to_json (const DemoInbox *inbox)
{
  GString *json = g_string_new (NULL);

  g_string_append_printf (json, "{\"wishing\":%u,\"repeats\":%u,\"games\":[",
      inbox->n_wishing, inbox->repeats);
  for (guint i = 0; i < inbox->games->len; i++) {
    const Game *game = g_ptr_array_index (inbox->games, i);

    g_string_append_printf (
        json, "%s{\"told\":%u", i > 0 ? "," : "", game->told);
    append_member (json, "id", game->id);
    append_member (json, "title", game->title);
    append_member (json, "url", game->url);
    g_string_append_c (json, '}');
  }
  g_string_append (json, "],\"newest\":[");
  for (const GList *item = inbox->newest.head; item != NULL; item = item->next)
    g_string_append_printf (json, "%s%s", item != inbox->newest.head ? "," : "",
        (const char *)item->data);
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}
