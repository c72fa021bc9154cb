/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "command.h"

#include <gio/gio.h>
#include <gst/gst.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "datadir.h"
#include "description.h"
#include "gcserror.h"
#include "migrations.h"

/* Options */

static char *config_file;
static gboolean show_version;

static const GOptionEntry config_entries[] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file,
        "Configuration [/etc/wishcast/wishcast.conf, if it is there]", "FILE"},
    {NULL},
};
static const GOptionEntry version_entries[] = {
    {"version", 0, 0, G_OPTION_ARG_NONE, &show_version, "Print the version",
        NULL},
    {NULL},
};

static GOptionContext *
make_context (
    const Command *command, const GOptionEntry *entries, gboolean with_settings)
{
  GOptionContext *context = g_option_context_new (command->arguments);

  g_option_context_set_summary (context, command->summary);
  if (command->help != NULL) {
    g_autofree char *help = g_strconcat (command->help, "\n", NULL);

    g_option_context_set_description (context, help);
  }
  g_option_context_add_main_entries (context, version_entries, NULL);
  if (with_settings)
    g_option_context_add_main_entries (context, config_entries, NULL);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  return context;
}

static gboolean
load_settings (Settings **settings, int *status)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_steal_pointer (&config_file);

  *settings = settings_load (path, &error);
  if (*settings == NULL)
    *status = command_fail (error);
  return *settings != NULL;
}

gboolean
command_parse (const Command *command, int *argc, char **argv,
    const GOptionEntry *entries, int least, int most, Settings **settings,
    int *status)
{
  g_autoptr (GOptionContext) context =
      make_context (command, entries, settings != NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strconcat ("wishcast ", command->name, NULL);

  /* Help and errors name the program by this. */
  g_set_prgname (name);
  if (!g_option_context_parse (context, argc, &argv, &error)) {
    *status = command_refuse (command, "%s", error->message);
    return FALSE;
  }
  if (show_version) {
    puts (PACKAGE " " VERSION);
    *status = EX_OK;
    return FALSE;
  }
  if (*argc - 1 < least || *argc - 1 > most) {
    *status = command_refuse (command,
        *argc - 1 < least ? "something is missing"
                          : "%s is one argument too many",
        *argc - 1 > most ? argv[most + 1] : "");
    return FALSE;
  }
  return settings == NULL || load_settings (settings, status);
}

/* Saying */

void
command_say (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "wishcast: %s\n", text);
}

int
command_refuse (const Command *command, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  command_say ("%s: %s", command->name, text);
  fprintf (stderr, "Usage: wishcast %s %s\nMore: wishcast %s --help\n",
      command->name, command->arguments, command->name);
  return EX_USAGE;
}

static int
resource_status (const GError *error)
{
  switch ((GstResourceError)error->code) {
    case GST_RESOURCE_ERROR_NOT_FOUND:
    case GST_RESOURCE_ERROR_OPEN_READ:
      return EX_NOINPUT;
    case GST_RESOURCE_ERROR_OPEN_WRITE:
    case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
      return EX_CANTCREAT;
    case GST_RESOURCE_ERROR_SETTINGS:
      return EX_CONFIG;
    case GST_RESOURCE_ERROR_BUSY:
      return EX_UNAVAILABLE;
    case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
      return EX_NOPERM;
    case GST_RESOURCE_ERROR_READ:
    case GST_RESOURCE_ERROR_WRITE:
    case GST_RESOURCE_ERROR_SEEK:
    case GST_RESOURCE_ERROR_SYNC:
    case GST_RESOURCE_ERROR_NO_SPACE_LEFT:
      return EX_IOERR;
    case GST_RESOURCE_ERROR_FAILED:
    case GST_RESOURCE_ERROR_TOO_LAZY:
    case GST_RESOURCE_ERROR_CLOSE:
    case GST_RESOURCE_ERROR_NUM_ERRORS:
    default:
      return EX_UNAVAILABLE;
  }
}

static int
pg_status (const GError *error)
{
  switch ((PgError)error->code) {
    case PG_ERROR_REFUSED:
    case PG_ERROR_SCHEMA:
      return EX_CONFIG;
    case PG_ERROR_QUERY:
      return EX_SOFTWARE;
    case PG_ERROR_AWAY:
    case PG_ERROR_CONFLICT:
    default:
      return EX_UNAVAILABLE;
  }
}

static int
gcs_status (const GError *error)
{
  switch ((GcsError)error->code) {
    case GCS_ERROR_DENIED:
      return EX_NOPERM;
    case GCS_ERROR_NOT_FOUND:
    case GCS_ERROR_SETTINGS:
      return EX_CONFIG;
    case GCS_ERROR_CORRUPT:
      return EX_DATAERR;
    case GCS_ERROR_REFUSED:
      return EX_PROTOCOL;
    case GCS_ERROR_AWAY:
    case GCS_ERROR_EXISTS:
    case GCS_ERROR_GONE:
    default:
      return EX_UNAVAILABLE;
  }
}

int
command_status (const GError *error)
{
  if (g_error_matches (error, SETTINGS_ERROR, SETTINGS_ERROR_FILE) ||
      g_error_matches (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_FILE) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return EX_NOINPUT;
  if (error->domain == SETTINGS_ERROR || error->domain == DESCRIPTION_ERROR)
    return EX_CONFIG;
  if (error->domain == PG_ERROR)
    return pg_status (error);
  if (error->domain == GCS_ERROR)
    return gcs_status (error);
  if (error->domain == GST_RESOURCE_ERROR)
    return resource_status (error);
  if (error->domain == GST_STREAM_ERROR)
    return EX_DATAERR;
  if (error->domain == G_IO_ERROR)
    return EX_UNAVAILABLE;
  return EX_SOFTWARE;
}

int
command_fail (const GError *error)
{
  command_say ("%s", error->message);
  return command_status (error);
}

char *
command_printable (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) printable = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    g_string_append_unichar (printable, g_unichar_iscntrl (c) ? ' ' : c);
  }
  return g_string_free (g_steal_pointer (&printable), FALSE);
}

/* The database */

static gboolean
check_schema (PgConnection *connection, gboolean is_private, GError **error)
{
  g_autofree char *dir = data_path ("sql");
  guint n_missing, n_applied;

  if (is_private)
    return migrations_apply (connection, dir, &n_applied, error);
  if (!migrations_count_missing (connection, dir, &n_missing, error))
    return FALSE;
  if (n_missing == 0)
    return TRUE;
  g_set_error_literal (error, PG_ERROR, PG_ERROR_SCHEMA,
      n_missing == G_MAXUINT
          ? "The tables of the database are newer than this program"
          : "The tables of the database are missing or old: wishcast db "
            "migrate");
  return FALSE;
}

gboolean
command_database_connect (
    CommandDatabase *database, const Settings *settings, GError **error)
{
  const char *conninfo = settings_get_string (settings, SETTING_DATABASE_URL);

  *database = (CommandDatabase){0};
  if (conninfo == NULL) {
    database->server = private_postgres_start (
        settings_get_string (settings, SETTING_NODE_DATA_DIR), error);
    if (database->server == NULL)
      return FALSE;
    conninfo = private_postgres_get_conninfo (database->server);
  }
  database->connection = pg_connection_open (conninfo, error);
  return database->connection != NULL;
}

gboolean
command_database_open (
    CommandDatabase *database, const Settings *settings, GError **error)
{
  return command_database_connect (database, settings, error) &&
         check_schema (database->connection, database->server != NULL, error);
}

void
command_database_clear (CommandDatabase *database)
{
  g_clear_pointer (&database->connection, pg_connection_free);
  g_clear_pointer (&database->server, private_postgres_free);
}

const char *
command_database_get_conninfo (
    const CommandDatabase *database, const Settings *settings)
{
  return database->server != NULL
             ? private_postgres_get_conninfo (database->server)
             : settings_get_string (settings, SETTING_DATABASE_URL);
}

/* Actions */

static const CommandAction *
find_action (const CommandAction *actions, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (actions[i].name, name) == 0)
      return &actions[i];
  return NULL;
}

/* Whether the option was given to an action that does not take it. @owner: the
 * one that does. */
static gboolean
is_misplaced (const GOptionEntry *option, const CommandAction *actions, guint n,
    const CommandAction *action, const CommandAction **owner)
{
  if (option == NULL || *(char **)option->arg_data == NULL ||
      action->has_option)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (actions[i].has_option)
      *owner = &actions[i];
  return TRUE;
}

int
command_run_action (const Command *command, const CommandAction *actions,
    guint n_actions, const GOptionEntry *option, int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (CommandDatabase) database = {0};
  const CommandAction *action, *owner = NULL;
  int status;

  if (!command_parse (command, &argc, argv, option, 1, 3, &settings, &status))
    return status;
  action = find_action (actions, n_actions, argv[1]);
  if (action == NULL)
    return command_refuse (
        command, "there is no %s %s", command->name, argv[1]);
  if (argc - 2 < action->n_least || argc - 2 > action->n_most)
    return command_refuse (
        command, "%s %s takes %s", command->name, argv[1], action->arguments);
  if (is_misplaced (option, actions, n_actions, action, &owner))
    return command_refuse (
        command, "--%s is for %s", option->long_name, owner->name);
  if (!command_database_open (&database, settings, &error))
    return command_fail (error);
  return action->run (&database, settings, argv + 2);
}

gboolean
command_ask (
    PgConnection *connection, char **text, GError **error, const char *sql, ...)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  g_autoptr (PgRows) rows = NULL;
  const char *value;
  va_list args;

  va_start (args, sql);
  while ((value = va_arg (args, const char *)) != NULL)
    g_ptr_array_add (values, (gpointer)value);
  va_end (args);
  rows = pg_connection_query (
      connection, sql, values->len, (const char *const *)values->pdata, error);
  *text = NULL;
  if (rows != NULL && pg_rows_count (rows) > 0)
    *text = g_strdup (pg_rows_get (rows, 0, 0));
  return rows != NULL;
}

/* Tables */

struct _CommandTable {
  guint n_columns;
  GPtrArray *texts; /* of char *: row by row, the titles first */
};

CommandTable *
command_table_new (const char *const *titles)
{
  CommandTable *table = g_new0 (CommandTable, 1);

  table->n_columns = g_strv_length ((char **)titles);
  table->texts = g_ptr_array_new_with_free_func (g_free);
  command_table_add (table, titles);
  return table;
}

void
command_table_add (CommandTable *table, const char *const *texts)
{
  for (guint i = 0; i < table->n_columns; i++)
    g_ptr_array_add (table->texts, command_printable (texts[i]));
}

static glong
get_width (CommandTable *table, guint column)
{
  glong width = 0;

  for (guint i = column; i < table->texts->len; i += table->n_columns)
    width = MAX (width, g_utf8_strlen (table->texts->pdata[i], -1));
  return width;
}

void
command_table_print (CommandTable *table, const char *nothing)
{
  if (table->texts->len == table->n_columns)
    puts (nothing);
  for (guint i = 0;
       table->texts->len > table->n_columns && i < table->texts->len; i++) {
    const char *text = table->texts->pdata[i];
    guint column = i % table->n_columns;
    glong pad = get_width (table, column) - g_utf8_strlen (text, -1);

    if (column == table->n_columns - 1)
      printf ("%s\n", text);
    else
      printf ("%s%*s", text, (int)pad + 2, "");
  }
  g_ptr_array_unref (table->texts);
  g_free (table);
}
