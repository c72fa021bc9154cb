/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "datadir.h"
#include "migrations.h"

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (CommandDatabase) database = {0};
  g_autofree char *dir = data_path ("sql");
  guint n_applied;
  int status;

  if (!command_parse (&command_db, &argc, argv, NULL, 1, 1, &settings, &status))
    return status;
  if (strcmp (argv[1], "migrate") != 0)
    return command_refuse (&command_db, "there is no db %s", argv[1]);
  if (!command_database_connect (&database, settings, &error) ||
      !migrations_apply (database.connection, dir, &n_applied, &error))
    return command_fail (error);
  if (n_applied == 0)
    puts ("The tables are up to date.");
  else
    printf ("Migrations applied: %u.\n", n_applied);
  return EX_OK;
}

const Command command_db = {
    "db",
    "migrate",
    "make the tables in the database, or bring them up to date",
    "Any number of nodes may do it at once. The private PostgreSQL, without\n"
    "[database] in the configuration, is kept up to date by itself.",
    run,
};
