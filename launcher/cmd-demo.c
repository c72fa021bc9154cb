/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything on this machine, with nothing configured: a node with a database
 * of its own, games, publishers who broadcast for them, players who wish for
 * them, and a store that shows what these are told. The publishers come by the
 * network and go on air by the same way as any others. */

#include <errno.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "datadir.h"
#include "demoend.h"
#include "demogames.h"
#include "demopublisher.h"
#include "demoreceiver.h"
#include "demosettings.h"
#include "demosignals.h"
#include "demowishlist.h"
#include "filetree.h"
#include "journal.h"
#include "migrations.h"
#include "node.h"

/* How often is looked at what is on air. */
#define GLANCE 200 /* ms */
/* Until it must be on air: a matter of seconds, but on a busy machine. */
#define PATIENCE (180 * G_TIME_SPAN_SECOND)
/* Of the broadcast that is to be a recording. */
#define RECORDING (10 * G_TIME_SPAN_SECOND)

/* A game while the demo runs. */
typedef struct {
  struct Demo *demo;
  const DemoGame *game;
  DemoPublisher *publisher; /* NULL: there is none, or it has left */
  char *link;               /* of its broadcast; NULL: it has none yet */
  gint64 live_since;        /* monotonic; 0: it was not live yet */
} Channel;

typedef struct Demo {
  DemoAddress address;
  gint64 begun; /* monotonic */
  char *folder; /* all there is of it, removed at the end */
  PrivatePostgres *postgres;
  PgConnection *connection;
  DemoReceiver *receiver;
  Settings *settings;
  Node *node;
  StreamKey keys[DEMO_N_GAMES];
  Channel channels[DEMO_N_GAMES];
  char *token; /* of the operator */
  GMainLoop *loop;
  gboolean is_on_air; /* and everything was told */
  int status;
} Demo;

/* Saying */

static void
say_step (const char *text)
{
  printf ("%s …\n", text);
}

/* What the journal has, if something does not work. */
static void
print_log (Demo *demo)
{
  g_autofree char *path = g_build_filename (demo->folder, "demo.log", NULL);
  g_autofree char *text = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL) && *text != '\0')
    fprintf (stderr, "What the service has told:\n%s", text);
}

static void print_line (const char *label, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Scripts and tests look for these lines. */
static void
print_line (const char *label, const char *format, ...)
{
  va_list args;

  printf ("  %-10s ", label);
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
}

static void
print_obs (Demo *demo, const char *host)
{
  g_autofree char *rtmp = demo_publisher_get_rtmp (demo->settings, host);

  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    const DemoGame *game = demo->channels[i].game;
    const char *key = demo->keys[i].text;
    g_autofree char *rtsp = demo_publisher_get_rtsp (demo->settings, host, key);
    const char *url =
        settings_get_string (demo->settings, SETTING_WWW_PUBLIC_URL);

    if (game->part != DEMO_WAITS)
      continue;
    printf ("\nNobody is on air for %s. With OBS you are: Settings, Stream, "
            "Service \"Custom...\"\n\n",
        game->title);
    print_line ("Game", "%s/game/%s", url, game->id);
    print_line ("Developer", "%s/developer#%s", url, key);
    print_line ("Server", "%s", rtmp);
    print_line ("Stream Key", "%s", key);
    print_line ("or RTSP", "%s", rtsp);
  }
}

static void
print_all (Demo *demo)
{
  const char *url =
      settings_get_string (demo->settings, SETTING_WWW_PUBLIC_URL);
  g_autofree char *host = demo_address_get_host (&demo->address);

  printf ("On air after %.0f s.\n\n",
      (double)(g_get_monotonic_time () - demo->begun) / G_TIME_SPAN_SECOND);
  print_line ("Store", "%s/", url);
  print_line ("Operator", "%s/operator#%s", url, demo->token);
  print_line ("Notices", "%s", demo_receiver_get_url (demo->receiver));
  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    const Channel *channel = &demo->channels[i];
    const DemoGame *game = channel->game;

    if (game->part == DEMO_WAITS)
      continue;
    printf ("\n%s, %s:\n\n", game->title,
        game->part == DEMO_ON_AIR ? "on air"
                                  : "on air for ten seconds and then over");
    print_line (game->part == DEMO_ON_AIR ? "Watch" : "Recording",
        "%s/watch/%s", url, channel->link);
    print_line ("Developer", "%s/developer#%s", url, demo->keys[i].text);
  }
  print_obs (demo, host);
  printf ("\nCtrl-C ends it, and nothing of it stays.\n");
}

/* The folder */

/* If we are root, nginx and PostgreSQL are other users, who must get in. */
static gboolean
make_folder (Demo *demo, GError **error)
{
  demo->folder = g_dir_make_tmp ("wishcast-demo.XXXXXX", error);
  if (demo->folder == NULL)
    return FALSE;
  if (geteuid () != 0 || g_chmod (demo->folder, 0755) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s",
      demo->folder, g_strerror (errno));
  return FALSE;
}

static gboolean
start_log (Demo *demo, GError **error)
{
  g_autofree char *path = g_build_filename (demo->folder, "demo.log", NULL);
  FILE *log = g_fopen (path, "we");

  if (log == NULL) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s",
        path, g_strerror (errno));
    return FALSE;
  }
  setvbuf (log, NULL, _IOLBF, 0);
  /* Never closed: any thread may tell something until the very end. */
  journal_start (log);
  return TRUE;
}

/* NULL: where the pages are is good. */
static gboolean
publish_pages (Demo *demo, char **www, GError **error)
{
  g_autofree char *pages = data_path ("www");

  *www = NULL;
  if (geteuid () != 0)
    return TRUE;
  *www = g_build_filename (demo->folder, "www", NULL);
  return file_tree_publish (pages, *www, error);
}

static gboolean
write_secret (const char *path, const char *secret, GError **error)
{
  return g_file_set_contents_full (
      path, secret, -1, G_FILE_SET_CONTENTS_NONE, 0600, error);
}

static void
make_token (Demo *demo)
{
  StreamKey key;

  /* It looks like a secret of its own, not like a key. */
  stream_key_new (&key);
  demo->token = g_strdup (key.text + STREAM_KEY_ID_LENGTH + 1);
  stream_key_clear (&key);
}

/* The start */

/* In which order the parts come is node.c's to know; the games must be there
 * before it. */
static gboolean
start_database (Demo *demo, GError **error)
{
  g_autofree char *sql = data_path ("sql");
  guint n_applied;

  demo->postgres = private_postgres_start (demo->folder, error);
  if (demo->postgres == NULL)
    return FALSE;
  demo->connection = pg_connection_open (
      private_postgres_get_conninfo (demo->postgres), error);
  return demo->connection != NULL &&
         migrations_apply (demo->connection, sql, &n_applied, error) &&
         demo_games_add (demo->connection, demo->keys, error) &&
         demo_wishlist_add (demo->connection, error);
}

static gboolean
start_node (Demo *demo, GError **error)
{
  g_autofree char *token_file =
      g_build_filename (demo->folder, "operator-token", NULL);
  g_autofree char *secret_file =
      g_build_filename (demo->folder, "webhook-secret", NULL);
  g_autofree char *www = NULL;
  DemoParts parts = {
      .folder = demo->folder,
      .database = private_postgres_get_conninfo (demo->postgres),
      .token_file = token_file,
      .secret_file = secret_file,
  };

  make_token (demo);
  demo->receiver =
      demo_receiver_start (DEMO_N_PLAYERS, demo->address.port, error);
  if (demo->receiver == NULL ||
      !write_secret (token_file, demo->token, error) ||
      !write_secret (
          secret_file, demo_receiver_get_secret (demo->receiver), error) ||
      !publish_pages (demo, &www, error))
    return FALSE;
  parts.www = www;
  parts.webhook_url = demo_receiver_get_webhook_url (demo->receiver);
  demo->settings = demo_settings_new (&demo->address, &parts, error);
  if (demo->settings == NULL)
    return FALSE;
  demo->node = node_start (demo->settings, error);
  return demo->node != NULL;
}

static void
on_publisher_over (const char *reason, gpointer data)
{
  Channel *channel = data;
  Demo *demo = channel->demo;

  g_clear_pointer (&channel->publisher, demo_publisher_free);
  if (demo->is_on_air) {
    printf ("%s is off the air: its publisher was dropped, and stays so.\n",
        channel->game->title);
    return;
  }
  command_say (
      "the publisher of %s has failed: %s", channel->game->title, reason);
  demo->status = EX_UNAVAILABLE;
  g_main_loop_quit (demo->loop);
}

static gboolean
start_publishers (Demo *demo, GError **error)
{
  g_autofree char *host = demo_address_get_host (&demo->address);

  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    Channel *channel = &demo->channels[i];

    if (channel->game->part == DEMO_WAITS)
      continue;
    channel->publisher =
        demo_publisher_start (channel->game, demo->keys[i].text, demo->settings,
            host, on_publisher_over, channel, error);
    if (channel->publisher == NULL)
      return FALSE;
  }
  return TRUE;
}

/* Everything up to the publishers. A signal in between is no error. */
static gboolean
start (Demo *demo, GError **error)
{
  if (!demo_address_check (&demo->address, error) ||
      !make_folder (demo, error) || !start_log (demo, error))
    return FALSE;
  say_step ("Making a database, which takes some seconds");
  if (!start_database (demo, error))
    return FALSE;
  if (demo_signals_have_come ())
    return TRUE;
  say_step ("Starting the service: pages, API, ingest");
  if (!start_node (demo, error))
    return FALSE;
  if (demo_signals_have_come ())
    return TRUE;
  say_step ("Going on air");
  return start_publishers (demo, error);
}

/* While it runs */

/* The broadcasts as the database has them; a game of ours has one. */
static void
look (Demo *demo)
{
  g_autoptr (PgRows) rows = pg_connection_query (demo->connection,
      "SELECT game, link, state <> 'starting' FROM wishcast.broadcast", 0, NULL,
      NULL);

  for (guint row = 0; rows != NULL && row < pg_rows_count (rows); row++)
    for (guint i = 0; i < DEMO_N_GAMES; i++) {
      Channel *channel = &demo->channels[i];

      if (strcmp (channel->game->id, pg_rows_get (rows, row, 0)) != 0)
        continue;
      if (channel->link == NULL)
        channel->link = g_strdup (pg_rows_get (rows, row, 1));
      if (channel->live_since == 0 && *pg_rows_get (rows, row, 2) == 't')
        channel->live_since = g_get_monotonic_time ();
    }
}

static gboolean
are_all_live (Demo *demo)
{
  for (guint i = 0; i < DEMO_N_GAMES; i++)
    if (demo->channels[i].game->part != DEMO_WAITS &&
        demo->channels[i].live_since == 0)
      return FALSE;
  return TRUE;
}

/* Whether all that is to be recorded has been. */
static gboolean
end_recordings (Demo *demo)
{
  gint64 now = g_get_monotonic_time ();
  gboolean all = TRUE;

  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    Channel *channel = &demo->channels[i];
    g_autoptr (GError) error = NULL;

    if (channel->game->part != DEMO_RECORDED || channel->publisher == NULL)
      continue;
    all = FALSE;
    if (now - channel->live_since < RECORDING)
      continue;
    if (!demo_end_broadcast (
            demo->settings, channel->link, demo->keys[i].text, &error))
      command_say ("%s stays on air: %s", channel->game->title, error->message);
    g_clear_pointer (&channel->publisher, demo_publisher_free);
  }
  return all;
}

static gboolean
on_glance (gpointer data)
{
  Demo *demo = data;

  if (demo->is_on_air)
    return end_recordings (demo) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
  look (demo);
  if (are_all_live (demo)) {
    demo->is_on_air = TRUE;
    print_all (demo);
  } else if (g_get_monotonic_time () - demo->begun > PATIENCE) {
    command_say ("nothing was on air in time");
    demo->status = EX_UNAVAILABLE;
    g_main_loop_quit (demo->loop);
    return G_SOURCE_REMOVE;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer data)
{
  Demo *demo = data;

  g_main_loop_quit (demo->loop);
  return G_SOURCE_REMOVE;
}

/* Its life */

static void
demo_init (Demo *demo)
{
  demo->begun = g_get_monotonic_time ();
  demo->loop = g_main_loop_new (NULL, FALSE);
  for (guint i = 0; i < DEMO_N_GAMES; i++)
    demo->channels[i] = (Channel){.demo = demo, .game = &demo_games[i]};
}

static void
demo_clear (Demo *demo)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    g_clear_pointer (&demo->channels[i].publisher, demo_publisher_free);
    g_free (demo->channels[i].link);
    stream_key_clear (&demo->keys[i]);
  }
  node_free (demo->node);
  demo_receiver_free (demo->receiver);
  g_clear_pointer (&demo->settings, settings_free);
  g_clear_pointer (&demo->connection, pg_connection_free);
  private_postgres_free (demo->postgres);
  if (demo->folder != NULL && !file_tree_remove (demo->folder, &error))
    command_say ("%s", error->message);
  g_main_loop_unref (demo->loop);
  demo_address_clear (&demo->address);
  g_free (demo->folder);
  g_free (demo->token);
}

static int
show (Demo *demo)
{
  g_autoptr (GError) error = NULL;

  if (!start (demo, &error)) {
    demo->status = command_fail (error);
  } else {
    demo_signals_watch (on_signal, demo);
    g_timeout_add (GLANCE, on_glance, demo);
    g_main_loop_run (demo->loop);
  }
  if (demo->status != EX_OK && demo->folder != NULL)
    print_log (demo);
  return demo->status;
}

static int
run (int argc, char **argv)
{
  Demo demo = {0};
  int status;

  if (!command_parse (&command_demo, &argc, argv, NULL, 0, 1, NULL, &status))
    return status;
  if (argc == 2 && !demo_address_parse (argv[1], &demo.address)) {
    demo_address_clear (&demo.address);
    return command_refuse (
        &command_demo, "expected " DEMO_ADDRESS_RULE ", not %s", argv[1]);
  }
  if (argc == 1)
    demo.address.ip = g_strdup ("127.0.0.1");
  demo_signals_catch ("Ending. Ctrl-C again ends at once, and leaves files.\n");
  /* Whoever reads what is told may go. */
  signal (SIGPIPE, SIG_IGN);
  setvbuf (stdout, NULL, _IOLBF, 0);
  demo_init (&demo);
  gst_init (NULL, NULL);
  data_load_plugins ();
  status = show (&demo);
  demo_clear (&demo);
  return status;
}

const Command command_demo = {
    "demo",
    "[ADDRESS:PORT]",
    "everything on this machine, on air, with nothing configured",
    "Pages, ingest and publishers with test pictures, on 127.0.0.1 and the "
    "first\n"
    "free port from 8080 on, or at ADDRESS:PORT; and a page, on this machine "
    "only,\n"
    "where invented players are told of the broadcasts. What it prints can be "
    "opened\n"
    "and typed into OBS. All that it keeps is in a temporary folder, removed "
    "at the\n"
    "end. Ctrl-C ends it; a second one at once.",
    run,
};
