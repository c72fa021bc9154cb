/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "broadcastrules.h"
#include "commands.h"
#include "gamekeys.h"

static int
add (PgConnection *connection, const char *id, const char *title)
{
  g_autoptr (GError) error = NULL;
  gboolean added;

  if (!game_is_valid (id)) {
    command_say ("%s is no id of a game: " GAME_RULE, id);
    return EX_DATAERR;
  }
  if (!title_is_valid (title)) {
    command_say ("a title has " TITLE_RULE);
    return EX_DATAERR;
  }
  if (!game_add (connection, id, title, &added, &error))
    return command_fail (error);
  if (!added) {
    command_say ("there is a game %s already", id);
    return EX_DATAERR;
  }
  return EX_OK;
}

static int
list (PgConnection *connection)
{
  static const char *const titles[] = {"ID", "TITLE", "BROADCASTS", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT id, title, (SELECT count (*) FROM wishcast.broadcast b "
      "WHERE b.game = g.id) FROM wishcast.game g ORDER BY id",
      0, NULL, &error);
  CommandTable *table;

  if (rows == NULL)
    return command_fail (error);
  table = command_table_new (titles);
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    const char *texts[] = {pg_rows_get (rows, i, 0), pg_rows_get (rows, i, 1),
        pg_rows_get (rows, i, 2)};

    command_table_add (table, texts);
  }
  command_table_print (
      table, "There is no game yet: wishcast game add ID TITLE");
  return EX_OK;
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (CommandDatabase) database = {0};
  gboolean adds;
  int status;

  if (!command_parse (
          &command_game, &argc, argv, NULL, 1, 3, &settings, &status))
    return status;
  adds = strcmp (argv[1], "add") == 0;
  if (!adds && strcmp (argv[1], "list") != 0)
    return command_refuse (&command_game, "there is no game %s", argv[1]);
  if (argc != (adds ? 4 : 2))
    return command_refuse (&command_game, "game %s takes %s", argv[1],
        adds ? "an id and a title" : "no arguments");
  if (!command_database_open (&database, settings, &error))
    return command_fail (error);
  return adds ? add (database.connection, argv[2], argv[3])
              : list (database.connection);
}

const Command command_game = {
    "game",
    "add ID TITLE | list",
    "the games that can be broadcast",
    "A game's id is part of addresses and of the configuration; it has 1 to "
    "64\n"
    "of the characters a-z 0-9 -. Quote a title with spaces.",
    run,
};
