/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <stdio.h>

#include "commands.h"
#include "link.h"
#include "notifyparts.h"

/* Jobs that are listed, and users that are shown. */
#define NEWEST "20"
#define SAMPLES 3
#define PAGE 5000

/* Looking */

static gboolean
check_link (const char *link)
{
  if (link_is_valid (link))
    return TRUE;
  command_say ("%s is no link: " LINK_RULE, link);
  return FALSE;
}

/* @link NULL: the newest. */
static PgRows *
query_jobs (PgConnection *connection, const char *link, GError **error)
{
  return pg_connection_query (connection,
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
      1, &link, error);
}

static int
show_status (CommandDatabase *database, const Settings *settings, char **argv)
{
  static const char *const titles[] = {"LINK", "GAME", "STATE", "SENT",
      "REFUSED", "TOTAL", "CREATED", "NODE", "PROBLEM", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = NULL;
  CommandTable *table;

  if (argv[0] != NULL && !check_link (argv[0]))
    return EX_DATAERR;
  rows = query_jobs (database->connection, argv[0], &error);
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
change (CommandDatabase *database, const char *sql, const char *link,
    const char *done, const char *nothing)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;

  if (!check_link (link))
    return EX_DATAERR;
  if (!command_ask (database->connection, &answer, &error, sql, link, NULL))
    return command_fail (error);
  if (g_strcmp0 (answer, "t") != 0) {
    command_say ("%s %s", link, nothing);
    return EX_DATAERR;
  }
  puts (done);
  return EX_OK;
}

static int
cancel (CommandDatabase *database, const Settings *settings, char **argv)
{
  return change (database, "SELECT wishcast.cancel_notification ($1)", argv[0],
      "Cancelled. Who has been told has been told.",
      "has no notices that could be cancelled: wishcast notify status");
}

static int
retry (CommandDatabase *database, const Settings *settings, char **argv)
{
  return change (database, "SELECT wishcast.retry_notification ($1)", argv[0],
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
      print_sample (texts, job, wishlist_page_get (page, i));
    *n += page->users->len;
    g_free (cursor);
    cursor = g_steal_pointer (&page->cursor);
  } while (cursor != NULL);
  return TRUE;
}

static int
dry_run (CommandDatabase *database, const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NoticeTexts) texts = notify_make_texts (settings);
  g_autoptr (NotifyStore) store = notify_store_new (
      settings, command_database_get_conninfo (database, settings), &error);
  g_autofree char *url = notify_make_public_url (settings);
  g_autofree char *watch_url = g_strdup_printf ("%s/watch/LINK", url);
  g_autofree char *title = NULL;
  NoticeJob job = {.game = argv[0], .watch_url = watch_url};
  WishlistSource *source;
  gboolean done;
  guint64 n;

  if (store == NULL ||
      !command_ask (database->connection, &title, &error,
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

static const CommandAction actions[] = {
    {"cancel", 1, 1, "a link", cancel},
    {"dry-run", 1, 1, "a game", dry_run},
    {"retry", 1, 1, "a link", retry},
    {"status", 0, 1, "a link, or nothing", show_status},
};

static int
run (int argc, char **argv)
{
  return command_run_action (
      &command_notify, actions, G_N_ELEMENTS (actions), NULL, argc, argv);
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
