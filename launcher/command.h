/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sysexits.h>

#include "pgconnection.h"
#include "privatepostgres.h"
#include "settings.h"

G_BEGIN_DECLS

/* A subcommand: cmd-<name>.c defines `command_<name>`, main.c lists it. */
typedef struct {
  const char *name;
  const char *arguments; /* how they are used, for help */
  const char *summary;   /* half a line, for help */
  const char *help;      /* the rest of what there is to say, or NULL */
  /* @argv[0] is the name. Returns an exit code of sysexits.h. */
  int (*run) (int argc, char **argv);
} Command;

/* Parses the options of @command, `--help` and, if @settings is not NULL,
 * `-c FILE`, which it loads. What is left are the arguments; their number must
 * be in @least to @most. @entries may be NULL. FALSE: it is over, with @status,
 * and whatever there was to say has been said. */
gboolean command_parse (const Command *command, int *argc, char **argv,
    const GOptionEntry *entries, int least, int most, Settings **settings,
    int *status);
/* A mistake in what was typed. Returns EX_USAGE. */
int command_refuse (const Command *command, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* Says what went wrong, and returns the exit code for it. */
int command_fail (const GError *error);
/* The exit code alone. */
int command_status (const GError *error);

/* Writes to the standard error: "wishcast: ...". */
void command_say (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* @text without what a terminal would obey. (transfer full) */
char *command_printable (const char *text);

/* The database of the configuration, or the private one, which is joined or
 * started. */
typedef struct {
  PrivatePostgres *server; /* or NULL */
  PgConnection *connection;
} CommandDatabase;

gboolean command_database_connect (
    CommandDatabase *database, const Settings *settings, GError **error);
/* The same with tables of this version: those of the private one are brought
 * up to date, others must be. */
gboolean command_database_open (
    CommandDatabase *database, const Settings *settings, GError **error);
void command_database_clear (CommandDatabase *database);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandDatabase, command_database_clear)

/* What the first argument of some commands says is to be done. */
typedef struct {
  const char *name;
  int n_least, n_most;   /* arguments behind it */
  const char *arguments; /* what they are, for an error */
  int (*run) (CommandDatabase *database, const Settings *settings, char **argv);
  gboolean has_option; /* it alone takes the option of the command */
} CommandAction;

/* Runs the one of @actions that @argv names, with the database open. @option: an
 * entry of type G_OPTION_ARG_STRING, and {NULL}; or NULL. Returns an exit code. */
int command_run_action (const Command *command, const CommandAction *actions,
    guint n_actions, const GOptionEntry *option, int argc, char **argv);
/* As libpq has it. */
const char *command_database_get_conninfo (
    const CommandDatabase *database, const Settings *settings);

/* One text of one row, NULL for no row or SQL NULL: for statements that look
 * for one thing. FALSE and @error if it failed. @text: (transfer full). */
gboolean command_ask (PgConnection *connection, char **text, GError **error,
    const char *sql, ...) G_GNUC_NULL_TERMINATED;

/* Columns of text, as wide as they have to be. */
typedef struct _CommandTable CommandTable;

/* @titles: NULL-terminated. */
CommandTable *command_table_new (const char *const *titles);
/* As many texts as there are titles. */
void command_table_add (CommandTable *table, const char *const *texts);
/* Prints it, or @nothing if it has no row, and frees it. */
void command_table_print (CommandTable *table, const char *nothing);

G_END_DECLS
