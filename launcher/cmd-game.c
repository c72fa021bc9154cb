/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "broadcastrules.h"
#include "commands.h"
#include "gamekeys.h"
#include "timetext.h"

#define NS_PER_S 1000000000

static char *kept_text;

static const GOptionEntry entries[] = {
    {"recording-kept", 0, 0, G_OPTION_ARG_STRING, &kept_text,
        "With set: how long a recording is kept after its broadcast has ended",
        "TIME"},
    {NULL},
};

static int
add (CommandDatabase *database, const Settings *settings, char **argv)
{
  const char *id = argv[0], *title = argv[1];
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
  if (!game_add (database->connection, id, title, &added, &error))
    return command_fail (error);
  if (!added) {
    command_say ("there is a game %s already", id);
    return EX_DATAERR;
  }
  return EX_OK;
}

/* What has ended already is kept as long as its page says. */
static int
set (CommandDatabase *database, const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *seconds = NULL, *found = NULL;
  guint64 kept;

  if (kept_text == NULL || !time_text_parse (kept_text, &kept))
    return command_refuse (
        &command_game, "--recording-kept: expected " TIME_TEXT_RULE);
  seconds = g_strdup_printf ("%" G_GUINT64_FORMAT ".%09" G_GUINT64_FORMAT,
      kept / NS_PER_S, kept % NS_PER_S);
  if (!command_ask (database->connection, &found, &error,
          "UPDATE wishcast.game SET recording_kept ="
          " make_interval (secs => $2::double precision) WHERE id = $1"
          " RETURNING id",
          argv[0], seconds, NULL))
    return command_fail (error);
  if (found == NULL) {
    command_say (
        "there is no game %s: wishcast game add %s TITLE", argv[0], argv[0]);
    return EX_DATAERR;
  }
  return EX_OK;
}

static int
list (CommandDatabase *database, const Settings *settings, char **argv)
{
  static const char *const titles[] = {
      "ID", "TITLE", "BROADCASTS", "RECORDINGS KEPT", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (database->connection,
      "SELECT id, title, (SELECT count (*) FROM wishcast.broadcast b "
      "WHERE b.game = g.id), "
      "(extract (epoch FROM recording_kept) * 1000000000)::bigint "
      "FROM wishcast.game g ORDER BY id",
      0, NULL, &error);
  CommandTable *table;

  if (rows == NULL)
    return command_fail (error);
  table = command_table_new (titles);
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    g_autofree char *kept = time_text_format (
        g_ascii_strtoull (pg_rows_get (rows, i, 3), NULL, 10));
    const char *texts[] = {pg_rows_get (rows, i, 0), pg_rows_get (rows, i, 1),
        pg_rows_get (rows, i, 2), kept};

    command_table_add (table, texts);
  }
  command_table_print (
      table, "There is no game yet: wishcast game add ID TITLE");
  return EX_OK;
}

static const CommandAction actions[] = {
    {"add", 2, 2, "an id and a title", add},
    {"list", 0, 0, "no arguments", list},
    {"set", 1, 1, "an id, and what to set", set, TRUE},
};

static int
run (int argc, char **argv)
{
  return command_run_action (
      &command_game, actions, G_N_ELEMENTS (actions), entries, argc, argv);
}

const Command command_game = {
    "game",
    "add ID TITLE | set ID --recording-kept TIME | list",
    "the games that can be broadcast",
    "A game's id is part of addresses and of the configuration; it has 1 to "
    "64\n"
    "of the characters a-z 0-9 -. Quote a title with spaces. Recordings are "
    "kept\n"
    "for 7 d unless set says otherwise, such as 36h; what has ended before "
    "stays as\n"
    "long as was said then.",
    run,
};
