/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "link.h"

/* A node that is there ends a broadcast within a second or two. */
#define PATIENCE (15 * G_USEC_PER_SEC)
#define GLANCE (G_USEC_PER_SEC / 5)

/* Waits until it is so, or PATIENCE has passed. */
static int
await_end (PgConnection *connection, const char *link)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    g_autoptr (GError) error = NULL;
    g_autofree char *node = NULL;

    if (!command_ask (connection, &node, &error,
            "SELECT node FROM wishcast.broadcast "
            "WHERE link = $1 AND state <> 'ended'",
            link, NULL))
      return command_fail (error);
    if (node == NULL) {
      puts ("Ended.");
      return EX_OK;
    }
    if (g_get_monotonic_time () > deadline) {
      command_say ("the node %s, which has the broadcast, has not ended it "
                   "yet. It will when it is back; a node that stays away is "
                   "taken for dead and its broadcasts for over.",
          node);
      return EX_TEMPFAIL;
    }
    g_usleep (GLANCE);
  }
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (CommandDatabase) database = {0};
  g_autofree char *state = NULL, *asked = NULL;
  int status;

  if (!command_parse (
          &command_end, &argc, argv, NULL, 1, 1, &settings, &status))
    return status;
  if (!link_is_valid (argv[1])) {
    command_say ("%s is no link: " LINK_RULE, argv[1]);
    return EX_DATAERR;
  }
  if (!command_database_open (&database, settings, &error) ||
      !command_ask (database.connection, &state, &error,
          "SELECT state FROM wishcast.broadcast WHERE link = $1", argv[1],
          NULL))
    return command_fail (error);
  if (state == NULL) {
    command_say ("there is no broadcast %s", argv[1]);
    return EX_DATAERR;
  }
  if (!command_ask (database.connection, &asked, &error,
          "SELECT wishcast.request_end ($1)", argv[1], NULL))
    return command_fail (error);
  if (g_strcmp0 (asked, "t") != 0) {
    puts ("It has ended already.");
    return EX_OK;
  }
  return await_end (database.connection, argv[1]);
}

const Command command_end = {
    "end",
    "LINK",
    "end a broadcast now, whichever node has it",
    NULL,
    run,
};
