/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "link.h"
#include "notifyparts.h"

/* Jobs that are listed, and users that are shown. */
#define NEWEST "20"
#define SAMPLES 3
#define PAGE 5000

typedef struct {
  const char *name;
  int n_least, n_most; /* arguments */
  const char *arguments;
  int (*run) (PgConnection *connection, const char *conninfo,
      const Settings *settings, char **argv);
} Action;

/* Looking */

static int
show_status (PgConnection *connection, const char *conninfo,
    const Settings *settings, char **argv)
{
  static const char *const titles[] = {"LINK", "GAME", "STATE", "SENT",
      "REFUSED", "TOTAL", "CREATED", "NODE", "PROBLEM", NULL};
  const char *values[] = {argv[0]};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT j.link, j.game, j.state || coalesce (' (' || j.reason || ')', "
      "''),"
      " j.sent, (SELECT count (*) FROM wishcast.notification_refused"
      "  WHERE job = j.id),"
      " coalesce (j.total::text, '?'),"
      " to_char (j.created_at, 'YYYY-MM-DD HH24:MI'), coalesce (j.node, ''),"
      " coalesce (j.problem, '') "
      "FROM wishcast.notification_job j "
      "WHERE $1::text IS NULL OR j.link = $1 "
      "ORDER BY j.created_at DESC, j.id LIMIT " NEWEST,
      1, values, &error);
  CommandTable *table;

  if (rows == NULL)
    return command_fail (error);
  if (argv[0] != NULL && pg_rows_count (rows) == 0) {
    command_say ("nobody is to be told of a broadcast %s", argv[0]);
    return EX_DATAERR;
  }
  table = command_table_new (titles);
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    const char *texts[G_N_ELEMENTS (titles) - 1];

    for (guint j = 0; j < G_N_ELEMENTS (texts); j++)
      texts[j] = pg_rows_get (rows, i, j);
    command_table_add (table, texts);
  }
  command_table_print (table, "Nobody was to be told of anything yet.");
  return EX_OK;
}

/* Stopping and going on */

/* @sql: of one link, whether there was something to do. */
static int
change (PgConnection *connection, const char *sql, const char *link,
    const char *done, const char *nothing)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;

  if (!command_ask (connection, &answer, &error, sql, link, NULL))
    return command_fail (error);
  if (g_strcmp0 (answer, "t") != 0) {
    command_say ("%s %s", link, nothing);
    return EX_DATAERR;
  }
  puts (done);
  return EX_OK;
}

static int
cancel (PgConnection *connection, const char *conninfo,
    const Settings *settings, char **argv)
{
  return change (connection, "SELECT wishcast.cancel_notification ($1)",
      argv[0], "Cancelled. Who has been told has been told.",
      "has no notices that could be cancelled: wishcast notify status");
}

static int
retry (PgConnection *connection, const char *conninfo, const Settings *settings,
    char **argv)
{
  return change (connection, "SELECT wishcast.retry_notification ($1)", argv[0],
      "Taken up again.",
      "has no notices to take up: they are under way, or nobody refused "
      "them, or there was a reason not to tell anybody: wishcast notify "
      "status");
}

/* The dry run */

static void
print_sample (
    const NoticeTexts *texts, const NoticeJob *job, const WishlistUser *user)
{
  g_autofree char *text = notice_make_text (texts, job, user);
  g_autofree char *shown = command_printable (text);
  g_autofree char *id = command_printable (user->id);

  printf ("%s: %s\n", id, shown);
}

/* Reads the whole of it, as the notifier does, so that what is wrong with any
 * page is found. */
static gboolean
read_all (WishlistSource *source, const NoticeTexts *texts,
    const NoticeJob *job, guint64 *n, GError **error)
{
  g_autofree char *cursor = NULL;

  *n = 0;
  do {
    g_autoptr (WishlistPage) page =
        wishlist_source_read (source, job->game, cursor, PAGE, NULL, error);

    if (page == NULL)
      return FALSE;
    for (guint i = 0; i < page->users->len && *n + i < SAMPLES; i++)
      print_sample (texts, job, g_ptr_array_index (page->users, i));
    *n += page->users->len;
    g_free (cursor);
    cursor = g_steal_pointer (&page->cursor);
  } while (cursor != NULL);
  return TRUE;
}

static int
dry_run (PgConnection *connection, const char *conninfo,
    const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NoticeTexts) texts = notify_make_texts (settings);
  g_autoptr (NotifyStore) store = notify_store_new (settings, conninfo, &error);
  g_autofree char *url = notify_make_public_url (settings);
  g_autofree char *watch_url = g_strdup_printf ("%s/watch/LINK", url);
  g_autofree char *title = NULL;
  NoticeJob job = {.game = argv[0], .watch_url = watch_url};
  WishlistSource *source;
  gboolean done;
  guint64 n;

  if (store == NULL ||
      !command_ask (connection, &title, &error,
          "SELECT title FROM wishcast.game WHERE id = $1", argv[0], NULL))
    return command_fail (error);
  if (title == NULL) {
    command_say (
        "there is no game %s: wishcast game add %s TITLE", argv[0], argv[0]);
    return EX_DATAERR;
  }
  job.game_title = title;
  source = notify_store_open (store);
  done = read_all (source, texts, &job, &n, &error);
  wishlist_source_free (source);
  if (!done)
    return command_fail (error);
  printf ("%s%" G_GUINT64_FORMAT " would be told. Nobody was.\n",
      n > 0 ? "\n" : "", n);
  return EX_OK;
}

static const Action actions[] = {
    {"cancel", 1, 1, "a link", cancel},
    {"dry-run", 1, 1, "a game", dry_run},
    {"retry", 1, 1, "a link", retry},
    {"status", 0, 1, "a link, or nothing", show_status},
};

static const Action *
find_action (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (actions[i].name, name) == 0)
      return &actions[i];
  return NULL;
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (CommandDatabase) database = {0};
  const char *conninfo;
  const Action *action;
  int status;

  if (!command_parse (
          &command_notify, &argc, argv, NULL, 1, 2, &settings, &status))
    return status;
  action = find_action (argv[1]);
  if (action == NULL)
    return command_refuse (&command_notify, "there is no notify %s", argv[1]);
  if (argc - 2 < action->n_least || argc - 2 > action->n_most)
    return command_refuse (
        &command_notify, "notify %s takes %s", argv[1], action->arguments);
  if (action->run != dry_run && argv[2] != NULL && !link_is_valid (argv[2])) {
    command_say ("%s is no link: " LINK_RULE, argv[2]);
    return EX_DATAERR;
  }
  if (!command_database_open (&database, settings, &error))
    return command_fail (error);
  conninfo = database.server != NULL
                 ? private_postgres_get_conninfo (database.server)
                 : settings_get_string (settings, SETTING_DATABASE_URL);
  return action->run (database.connection, conninfo, settings, argv + 2);
}

const Command command_notify = {
    "notify",
    "status [LINK] | cancel LINK | retry LINK | dry-run GAME",
    "the wishlist: who was told of a broadcast",
    "status shows how far it has come. cancel stops it for good; retry takes "
    "up\n"
    "what was cancelled from where it stopped, and tells those again whom the\n"
    "receiver refused. dry-run reads the wishlist, counts it and shows what\n"
    "three of its users would read; nobody is told.",
    run,
};
