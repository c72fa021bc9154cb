/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sysexits.h>

#include "archivestate.h"
#include "commandkit.h"
#include "gcskit.h"
#include "httpstub.h"
#include "kafkakit.h"
#include "pgkit.h"
#include "storekit.h"
#include "streamkey.h"

static const char *const commands[] = {
    "cache", "check", "db", "demo", "end", "game", "key", "launch", "notify"};

/* A configuration with the database of @pg. */
static void
init (CommandKit *kit, PgKit *pg)
{
  g_autofree char *text = g_strdup_printf ("[database]\nurl = %s\n"
                                           "[www]\npublic-url = "
                                           "https://play.example\n",
      pg_kit_get_conninfo (pg));

  command_kit_init (kit, text);
}

static void
test_commands_help (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) help = command_kit_run (NULL, "--help", NULL);

  command_kit_init (&kit, NULL);
  g_assert_cmpint (help.status, ==, EX_OK);
  command_kit_expect (NULL, EX_USAGE, "", "Usage: wishcast COMMAND", NULL);
  command_kit_expect (NULL, EX_OK, "wishcast 0.", NULL, "--version", NULL);
  command_kit_expect (NULL, EX_USAGE, "",
      "wishcast: there is no command lanch. Is launch meant?", "lanch", NULL);
  command_kit_expect (
      NULL, EX_USAGE, "", "wishcast --help lists them", "elephant", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_autofree char *line = g_strdup_printf ("\n  %-8s ", commands[i]);
    g_autofree char *usage = g_strdup_printf ("wishcast %s", commands[i]);

    g_assert_nonnull (strstr (help.out, line));
    command_kit_expect (NULL, EX_OK, usage, NULL, commands[i], "--help", NULL);
    command_kit_expect (
        NULL, EX_OK, "wishcast 0.", NULL, commands[i], "--version", NULL);
    command_kit_expect (
        NULL, EX_USAGE, "", "--nonsense", commands[i], "--nonsense", NULL);
  }
}

static void
test_commands_usage (void)
{
  static const char *const lines[] = {"cache", "cache clear",
      "cache clear x --archived", "cache list --force", "cache list x",
      "cache elephant", "check x", "db", "db elephant", "db migrate x", "end",
      "end a b", "game", "game add", "game add a", "game list a",
      "game elephant", "game set", "key", "key add a", "key list a b",
      "key revoke", "key rotate a", "key elephant", "key list --overlap=1h",
      "launch", "notify", "notify cancel", "notify dry-run", "notify retry",
      "notify status a b", "notify elephant"};
  g_auto (CommandKit) kit = {0};

  /* Nothing of this gets as far as the database. */
  command_kit_init (&kit, "[database]\nurl = host=/nonexistent\n");
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
    guint n = g_strv_length (words);

    command_kit_expect (&kit, EX_USAGE, "", "\nUsage: wishcast ", words[0],
        n > 1 ? words[1] : NULL, n > 2 ? words[2] : NULL,
        n > 3 ? words[3] : NULL, NULL);
  }
}

static void
test_commands_demo (void)
{
  command_kit_expect (NULL, EX_USAGE, "",
      "wishcast: demo: expected ADDRESS:PORT, as 127.0.0.1:8080, ", "demo",
      "localhost:8080", NULL);
  command_kit_expect (NULL, EX_USAGE, "", "b is one argument too many", "demo",
      "127.0.0.1:8080", "b", NULL);
}

static void
test_commands_configuration (void)
{
  g_auto (CommandKit) kit = {0};

  command_kit_init (&kit, "[api]\nprot = 1\n");
  command_kit_expect (&kit, EX_CONFIG, "",
      "wishcast.conf:2: [api] prot: there is no such key. Is port meant?",
      "game", "list", NULL);
  command_kit_expect (NULL, EX_NOINPUT, "", "/nonexistent", "game", "list",
      "-c", "/nonexistent", NULL);
}

static void
test_commands_database_away (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};

  command_kit_init (&kit,
      "[database]\nurl = host=127.0.0.1 port=1 user=x password=hunter2\n");
  result = command_kit_run (&kit, "game", "list", NULL);
  g_assert_cmpint (result.status, ==, EX_UNAVAILABLE);
  g_assert_cmpstr (result.out, ==, "");
  g_assert_null (strstr (result.err, "hunter2"));
}

static void
test_commands_migrate (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_autofree char *text = NULL;

  pg_kit_run (pg, "CREATE DATABASE bare");
  text = g_strdup_printf (
      "[database]\nurl = %s dbname=bare\n", pg_kit_get_conninfo (pg));
  command_kit_init (&kit, text);
  command_kit_expect (
      &kit, EX_CONFIG, "", "wishcast db migrate", "game", "list", NULL);
  command_kit_expect (
      &kit, EX_OK, "Migrations applied: ", "", "db", "migrate", NULL);
  command_kit_expect (
      &kit, EX_OK, "The tables are up to date.\n", "", "db", "migrate", NULL);
  command_kit_expect (
      &kit, EX_OK, "There is no game", "", "game", "list", NULL);
}

static void
test_commands_game (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};

  init (&kit, pg);
  command_kit_expect (&kit, EX_OK, "", "", "game", "add", "half-life",
      "Half-Life: \"Blue\" 'Shift'", NULL);
  command_kit_expect (&kit, EX_DATAERR, "", "there is a game half-life already",
      "game", "add", "half-life", "x", NULL);
  command_kit_expect (&kit, EX_DATAERR, "", "Half is no id of a game", "game",
      "add", "Half", "x", NULL);
  command_kit_expect (
      &kit, EX_DATAERR, "", "a title has", "game", "add", "a", "a\nb", NULL);
  pg_kit_assert (pg, "SELECT id, title FROM wishcast.game",
      "half-life|Half-Life: \"Blue\" 'Shift'");
  command_kit_expect (&kit, EX_OK,
      "half-life  Half-Life: \"Blue\" 'Shift'  0           7 d\n", "", "game",
      "list", NULL);

  command_kit_expect (&kit, EX_OK, "", "", "game", "set", "half-life",
      "--recording-kept=36 h", NULL);
  pg_kit_assert (pg, "SELECT recording_kept FROM wishcast.game", "36:00:00");
  command_kit_expect (&kit, EX_OK, "  36 h\n", "", "game", "list", NULL);
  command_kit_expect (&kit, EX_DATAERR, "",
      "there is no game portal: wishcast game add portal TITLE", "game", "set",
      "portal", "--recording-kept=0s", NULL);
  for (guint i = 0; i < 2; i++)
    command_kit_expect (&kit, EX_USAGE, "",
        "--recording-kept: expected a whole number with its unit", "game",
        "set", "half-life", i == 0 ? "--recording-kept=3" : NULL, NULL);
  command_kit_expect (&kit, EX_USAGE, "", "--recording-kept is for set", "game",
      "list", "--recording-kept=3d", NULL);
}

/* The one line on the standard output, and nowhere else. (transfer full) */
static char *
take_key (CommandKit *kit, const char *action, const char *overlap)
{
  g_auto (CommandResult) result =
      command_kit_run (kit, "key", action, "half-life", "Valve", overlap, NULL);
  StreamKey key;
  char *text;

  g_assert_cmpint (result.status, ==, EX_OK);
  text = g_strchomp (g_strdup (result.out));
  g_assert_true (stream_key_parse (&key, text));
  g_assert_null (strstr (result.err, text));
  g_assert_nonnull (strstr (result.err, "rtmp://play.example:1935/live"));
  g_assert_nonnull (strstr (result.err, "rtsp://play.example:8554/live/"));
  return text;
}

#define KEYS                                                                   \
  "SELECT count (*), count (expires_at), count (revoked_at) "                  \
  "FROM wishcast.stream_key"

static void
assert_hash (PgKit *pg, const char *key)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT hash = sha256 ('%s') FROM wishcast.stream_key WHERE id = '%.8s'",
      key, key);

  pg_kit_assert (pg, sql, "t");
}

static void
test_commands_key (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_autofree char *first = NULL, *second = NULL, *third = NULL;

  init (&kit, pg);
  command_kit_expect (&kit, EX_DATAERR, "", "there is no game half-life", "key",
      "add", "half-life", "Valve", NULL);
  pg_kit_add_game (pg, "half-life", "Half-Life");
  command_kit_expect (&kit, EX_DATAERR, "",
      "Valve, for half-life, is not there", "key", "rotate", "half-life",
      "Valve", NULL);
  first = take_key (&kit, "add", NULL);
  assert_hash (pg, first);
  pg_kit_assert (pg, KEYS, "1|0|0");
  command_kit_expect (&kit, EX_DATAERR, "", "has a key already", "key", "add",
      "half-life", "Valve", NULL);

  command_kit_expect (&kit, EX_USAGE, "", "--overlap: expected", "key",
      "rotate", "half-life", "Valve", "--overlap=1", NULL);
  second = take_key (&kit, "rotate", "--overlap=2h");
  assert_hash (pg, second);
  pg_kit_assert (pg, KEYS, "2|1|0");
  pg_kit_assert (pg,
      "SELECT expires_at BETWEEN now () + interval '119 minutes' "
      "AND now () + interval '120 minutes' FROM wishcast.stream_key "
      "WHERE expires_at IS NOT NULL",
      "t");
  /* A later rotation does not prolong what an earlier one has ended. */
  third = take_key (&kit, "rotate", "--overlap=3h");
  pg_kit_assert (pg,
      "SELECT count (*) FROM wishcast.stream_key "
      "WHERE expires_at < now () + interval '121 minutes'",
      "1");
  pg_kit_assert (pg, KEYS, "3|2|0");

  command_kit_expect (&kit, EX_DATAERR, "", "there is no key of the id", "key",
      "revoke", "aaaaaaaa", NULL);
  /* The whole key does as well. */
  command_kit_expect (&kit, EX_OK, "", "", "key", "revoke", third, NULL);
  pg_kit_assert (pg, KEYS, "3|2|1");
  command_kit_expect (&kit, EX_OK, "  revoked ", "", "key", "list", NULL);
  command_kit_expect (
      &kit, EX_OK, "  until ", "", "key", "list", "half-life", NULL);
  command_kit_expect (
      &kit, EX_OK, "There is no key", "", "key", "list", "portal", NULL);
}

static void
add_broadcast (PgKit *pg, const char *link, const char *state)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,"
      " changed_at) VALUES (gen_random_uuid (), '%s', 'half-life', '%s',"
      " 'node', now (), now ())",
      link, state);

  pg_kit_run (pg, sql);
}

static void
test_commands_end (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};
  GSubprocess *process;

  init (&kit, pg);
  pg_kit_add_game (pg, "half-life", "Half-Life");
  add_broadcast (pg, "on", "live");
  add_broadcast (pg, "over", "ended");
  command_kit_expect (
      &kit, EX_DATAERR, "", "there is no broadcast off", "end", "off", NULL);
  command_kit_expect (
      &kit, EX_DATAERR, "", "a/b is no link", "end", "a/b", NULL);
  command_kit_expect (
      &kit, EX_OK, "It has ended already.", "", "end", "over", NULL);

  process = command_kit_start (&kit, "end", "on", NULL);
  pg_kit_await (pg,
      "SELECT end_requested_at IS NOT NULL FROM wishcast.broadcast "
      "WHERE link = 'on'",
      "t");
  pg_kit_run (
      pg, "UPDATE wishcast.broadcast SET state = 'ended' WHERE link = 'on'");
  result = command_kit_finish (process);
  g_assert_cmpint (result.status, ==, EX_OK);
  g_assert_cmpstr (result.out, ==, "Ended.\n");
}

/* The states of one job, as an operator has them changed. */
static void
test_commands_notify (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};

  init (&kit, pg);
  command_kit_expect (
      &kit, EX_OK, "Nobody was to be told", "", "notify", "status", NULL);
  command_kit_expect (
      &kit, EX_DATAERR, "", "a/b is no link", "notify", "cancel", "a/b", NULL);
  pg_kit_add_game (pg, "half-life", "Half-Life");
  add_broadcast (pg, "on", "live");
  pg_kit_run (pg,
      "SELECT wishcast.file_notification (id, link, game, now (), '0 s') "
      "FROM wishcast.broadcast");
  command_kit_expect (
      &kit, EX_OK, "on    half-life  pending", "", "notify", "status", NULL);
  command_kit_expect (
      &kit, EX_OK, "  pending ", "", "notify", "status", "on", NULL);
  command_kit_expect (&kit, EX_DATAERR, "",
      "nobody is to be told of a broadcast off", "notify", "status", "off",
      NULL);

  command_kit_expect (&kit, EX_DATAERR, "",
      "off has no notices that could be cancelled", "notify", "cancel", "off",
      NULL);
  command_kit_expect (
      &kit, EX_OK, "Cancelled.", "", "notify", "cancel", "on", NULL);
  command_kit_expect (
      &kit, EX_OK, "cancelled (operator)", "", "notify", "status", "on", NULL);
  command_kit_expect (
      &kit, EX_OK, "Taken up again.", "", "notify", "retry", "on", NULL);
  pg_kit_assert (pg, "SELECT state FROM wishcast.notification_job", "pending");

  /* Done, and nobody refused it: nothing to take up. */
  pg_kit_run (pg, "UPDATE wishcast.notification_job SET state = 'done'");
  command_kit_expect (&kit, EX_DATAERR, "", "on has no notices to take up",
      "notify", "retry", "on", NULL);
}

static void
test_commands_notify_dry_run (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_autofree char *text = NULL;
  g_auto (CommandResult) result = {0};

  init (&kit, pg);
  command_kit_expect (&kit, EX_DATAERR, "", "there is no game half-life",
      "notify", "dry-run", "half-life", NULL);
  pg_kit_add_game (pg, "half-life", "Half-Life");
  command_kit_expect (&kit, EX_OK, "0 would be told. Nobody was.\n", "",
      "notify", "dry-run", "half-life", NULL);
  pg_kit_run (pg, "INSERT INTO wishcast.wishlist VALUES "
                  "('half-life', '1', 'Gordon', NULL), "
                  "('half-life', '2', 'Alyx', 'de-AT'), "
                  "('half-life', '3', E'Bar\033[31mney', NULL), "
                  "('half-life', '4', 'Eli', NULL)");
  text = g_strdup_printf ("[database]\nurl = %s\n"
                          "[www]\npublic-url = https://play.example/\n"
                          "[notify-texts]\nde = {game}, {username}: {link}\n",
      pg_kit_get_conninfo (pg));
  command_kit_configure (&kit, text);
  result = command_kit_run (&kit, "notify", "dry-run", "half-life", NULL);
  g_assert_cmpint (result.status, ==, EX_OK);
  g_assert_true (g_str_has_prefix (result.out,
      "1: Game Half-Life started the broadcast. Dear Gordon, join us via link "
      "https://play.example/watch/LINK!\n"
      "2: Half-Life, Alyx: https://play.example/watch/LINK\n"
      "3: Game Half-Life "));
  g_assert_null (strchr (result.out, '\033'));
  g_assert_null (strstr (result.out, "Eli"));
  g_assert_true (
      g_str_has_suffix (result.out, "\n4 would be told. Nobody was.\n"));
  pg_kit_assert (pg, "SELECT count (*) FROM wishcast.notification_job", "0");
}

static void
assert_says (const CommandResult *result, const char *expected)
{
  if (strstr (result->out, expected) == NULL)
    g_error ("Expected \"%s\" in\n%s", expected, result->out);
}

/* What is found before anybody waits for a notice. */
static void
test_commands_check_notify (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_autofree char *secret = NULL;
  static const struct {
    const char *lines, *secret;
    int mode;
    const char *expected;
  } cases[] = {
      {"", "", 0600, "ok     notices: nobody is told"},
      {"webhook-url = http://127.0.0.1:1/\n", "", 0600,
          "wishcast.conf:4: [notify] webhook-url: needs webhook-secret-file"},
      {"webhook-url = http://127.0.0.1:1/\nwebhook-secret-file = none\n", "",
          0600,
          "wishcast.conf:5: [notify] webhook-secret-file: Failed to open file"},
      {"webhook-url = http://127.0.0.1:1/\nwebhook-secret-file = secret\n",
          "\n", 0600, "secret, which is empty"},
      {"webhook-url = http://127.0.0.1:1/\nwebhook-secret-file = secret\n",
          "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n", 0604,
          "wishcast.conf:5: [notify] webhook-secret-file: everybody on this "
          "machine can read "},
      {"webhook-url = http://127.0.0.1:1/\nwebhook-secret-file = secret\n",
          "hunter2\n", 0600, "wishcast.conf:5: [notify] webhook-secret-file: "},
      {"webhook-url = http://127.0.0.1:1/a\nwebhook-secret-file = secret\n",
          "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n", 0600,
          "ok     notices: to http://127.0.0.1:1/a\n"},
      {"[wishlist]\ndatabase = hunter2\n", "", 0600,
          "wishcast.conf:5: [wishlist] database: expected postgresql://"},
  };

  command_kit_init (&kit, NULL);
  secret = g_build_filename (kit.dir, "secret", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text =
        g_strdup_printf ("[database]\nurl = %s\n[notify]\n%s",
            pg_kit_get_conninfo (pg), cases[i].lines);
    g_auto (CommandResult) result = {0};

    command_kit_configure (&kit, text);
    g_free (command_kit_write (&kit, "secret", cases[i].secret));
    g_assert_cmpint (g_chmod (secret, cases[i].mode), ==, 0);
    result = command_kit_run (&kit, "check", NULL);
    assert_says (&result, cases[i].expected);
    g_assert_null (strstr (result.out, "hunter2"));
  }
}

/* Google, with the rights of the account in @data, and nobody else's bucket. */
static void
answer_cloud (const StubRequest *request, StubAnswer *answer, gpointer data)
{
  if (strcmp (request->target, "/token") == 0)
    answer->body = g_strdup ("{\"access_token\": \"hunter2\", "
                             "\"expires_in\": 60, \"token_type\": \"Bearer\"}");
  else if (strstr (request->target, "/b/recordings") == NULL)
    answer->status = 404;
  else
    answer->body = g_strdup_printf (
        "{\"permissions\": [\"storage.objects.create\", "
        "\"storage.objects.get\", \"storage.objects.list\"%s]}",
        *(const char **)data);
}

static void
check_for (CommandKit *kit, PgKit *pg, const char *lines, const char *expected)
{
  g_autofree char *text = g_strdup_printf (
      "[database]\nurl = %s\n%s", pg_kit_get_conninfo (pg), lines);
  g_auto (CommandResult) result = {0};

  command_kit_configure (kit, text);
  result = command_kit_run (kit, "check", NULL);
  if (strstr (result.out, expected) == NULL)
    g_error ("Expected \"%s\" in\n%s", expected, result.out);
  g_assert_null (strstr (result.out, "hunter2"));
}

/* The rules as they are printed, which gcloud takes. */
#define RULES                                                                  \
  "replaces the rules that the bucket has:\n"                                  \
  "{\n"                                                                        \
  "  \"rule\" : [\n"                                                           \
  "    {\n"                                                                    \
  "      \"action\" : {\n"                                                     \
  "        \"type\" : \"Delete\"\n"                                            \
  "      },\n"                                                                 \
  "      \"condition\" : {\n"                                                  \
  "        \"daysSinceCustomTime\" : 1,\n"                                     \
  "        \"matchesPrefix\" : [\n"                                            \
  "          \"shop/\"\n"                                                      \
  "        ]\n"                                                                \
  "      }\n"                                                                  \
  "    },\n"                                                                   \
  "    {\n"                                                                    \
  "      \"action\" : {\n"                                                     \
  "        \"type\" : \"Delete\"\n"                                            \
  "      },\n"                                                                 \
  "      \"condition\" : {\n"                                                  \
  "        \"age\" : 8,\n"                                                     \
  "        \"matchesPrefix\" : [\n"                                            \
  "          \"shop/\"\n"                                                      \
  "        ],\n"                                                               \
  "        \"matchesSuffix\" : [\n"                                            \
  "          \".head\",\n"                                                     \
  "          \".body\"\n"                                                      \
  "        ]\n"                                                                \
  "      }\n"                                                                  \
  "    }\n"                                                                    \
  "  ]\n"                                                                      \
  "}\n"

static void
test_commands_check_cloud (void)
{
  static const struct {
    const char *bucket, *keys, *more_rights;
    int mode;
    const char *expected;
  } cases[] = {
      {"recordings", "prefix = shop/\n", "", 0600,
          "ok     cloud: gs://recordings, as nobody, as of an emulator\n"},
      {"recordings", "prefix = shop/\n", "", 0600, RULES},
      {"elsewhere", "", "", 0600,
          "wishcast.conf:4: [cloud] bucket: gs://elsewhere: answered with "
          "status 404"},
      {"recordings", "credentials-file = key\n", ", \"storage.objects.delete\"",
          0600, "ok     cloud: gs://recordings, as " GCS_KIT_EMAIL "\n"},
      {"recordings", "credentials-file = key\n", "", 0600,
          "wishcast.conf:4: [cloud] bucket: " GCS_KIT_EMAIL
          " lacks storage.objects.delete; give it the role Storage Object User "
          "(roles/storage.objectUser) on gs://recordings\n"},
      {"recordings", "credentials-file = key\n", "", 0604,
          "/key: everybody on this machine can read it; run chmod o= on it"},
      {"recordings", "credentials-file = none\n", "", 0600,
          "wishcast.conf:6: [cloud] credentials-file: "},
  };
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  const char *more_rights = "";
  g_autoptr (HttpStub) stub = http_stub_new (answer_cloud, &more_rights);
  g_autofree char *url = http_stub_make_url (stub, "");
  g_autofree char *token_uri = http_stub_make_url (stub, "/token");
  g_autofree char *json = gcs_kit_make_json (token_uri);
  g_autofree char *key = NULL;

  command_kit_init (&kit, NULL);
  key = command_kit_write (&kit, "key", json);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *lines =
        g_strdup_printf ("[cloud]\nbucket = %s\nendpoint = %s\n%s",
            cases[i].bucket, url, cases[i].keys);

    g_assert_cmpint (g_chmod (key, cases[i].mode), ==, 0);
    more_rights = cases[i].more_rights;
    check_for (&kit, pg, lines, cases[i].expected);
  }
}

/* Without a cloud. */
static void
test_commands_check_archive (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_auto (CommandKit) kit = {0};
  g_autofree char *found = NULL, *file = NULL;

  command_kit_init (&kit, NULL);
  found = g_strdup_printf ("[archive] dir: %s/there/not yet, ", kit.dir);
  check_for (&kit, pg, "[archive]\ndir = there/not yet\n", found);
  file = command_kit_write (&kit, "file", "");
  check_for (
      &kit, pg, "[archive]\ndir = file\n", "/file cannot be written to\n");
}

/* A configuration for notices: a broker, a webhook, and lines of [wishlist]. */
static void
configure_notices (CommandKit *kit, PgKit *pg, const char *brokers,
    const char *webhook, const char *wishlist)
{
  g_autofree char *secret = command_kit_write (
      kit, "secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
  g_autofree char *text = g_strdup_printf ("[database]\nurl = %s\n"
                                           "[broker]\nbootstrap-servers = %s\n"
                                           "[notify]\nwebhook-url = %s/token\n"
                                           "webhook-secret-file = secret\n"
                                           "[wishlist]\n%s\n",
      pg_kit_get_conninfo (pg), brokers, webhook, wishlist);

  g_assert_cmpint (g_chmod (secret, 0600), ==, 0);
  command_kit_configure (kit, text);
}

/* Who takes them, where the wishlist is, the brokers: all are there, and nobody is
 * sent anything. */
static void
test_commands_check_notify_there (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_autoptr (KafkaKit) kafka = kafka_kit_new ("wishcast.notices");
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_auto (CommandKit) kit = {0};
  guint port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree char *webhook = g_strdup_printf ("http://127.0.0.1:%u", port);
  g_autofree char *wishlist =
      g_strdup_printf ("database = %s", pg_kit_get_conninfo (pg));
  g_autofree char *expected = g_strdup_printf (
      "wishcast.conf:6: [notify] webhook-url: %s can be reached\n", webhook);
  g_autoptr (GPtrArray) messages = NULL;
  g_auto (CommandResult) result = {0};

  g_assert_cmpuint (port, !=, 0);
  command_kit_init (&kit, NULL);
  configure_notices (
      &kit, pg, kafka_kit_get_brokers (kafka), webhook, wishlist);
  result = command_kit_run (&kit, "check", NULL);
  assert_says (&result, expected);
  assert_says (&result, "wishcast.conf:4: [broker] bootstrap-servers: Kafka "
                        "answers; brokers: 1\n");
  assert_says (
      &result, "wishcast.conf:9: [wishlist] database: PostgreSQL answers\n");
  messages = kafka_kit_read (kafka);
  g_assert_cmpuint (messages->len, ==, 0);
}

/* Each is named by its key, and none with what may be a secret. */
static void
test_commands_check_notify_away (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_auto (CommandKit) kit = {0};
  guint port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  /* It takes the connection, and says nothing where TLS would begin. */
  g_autofree char *webhook = g_strdup_printf ("https://127.0.0.1:%u", port);
  g_autofree char *expected = NULL;
  g_auto (CommandResult) result = {0};

  command_kit_init (&kit, NULL);
  configure_notices (
      &kit, pg, "127.0.0.1:1", webhook, "url = http://127.0.0.1:1/wishlist");
  expected = g_strdup_printf ("wrong  %s:6: [notify] webhook-url: %s cannot be "
                              "reached: it does not answer within 5 s\n",
      kit.conf, webhook);
  result = command_kit_run (&kit, "check", NULL);
  assert_says (&result, expected);
  assert_says (&result, "wishcast.conf:4: [broker] bootstrap-servers: Kafka at "
                        "127.0.0.1:1 does not answer: ");
  assert_says (&result, "Connection refused");
  assert_says (&result, "wishcast.conf:9: [wishlist] url: http://127.0.0.1:1 "
                        "cannot be reached: ");
  g_assert_cmpint (result.status, !=, EX_OK);
}

static void
test_commands_cache (void)
{
  g_auto (CommandKit) kit = {0};
  g_autofree char *dir = NULL, *folder = NULL, *foreign = NULL;
  CacheWriter *writer;

  command_kit_init (
      &kit, "[services]\narchiver = false\n[cache]\ndir = store\n");
  command_kit_expect (
      &kit, EX_OK, "The cache is empty.", "", "cache", "list", NULL);
  dir = g_build_filename (kit.dir, "store", NULL);
  folder = g_build_filename (dir, KIT_LINK, NULL);
  writer = kit_open_writer (dir);
  g_assert_true (kit_epoch (0, 0, 3, 640, kit_append, writer));
  command_kit_expect (&kit, EX_OK, "  0:00:06  1       no        open\n", "",
      "cache", "list", NULL);
  command_kit_expect (&kit, EX_TEMPFAIL, "", KIT_LINK " is on air", "cache",
      "clear", KIT_LINK, NULL);
  g_assert_true (cache_writer_end (writer, NULL));
  cache_writer_free (writer);
  command_kit_expect (&kit, EX_OK, "  0:00:06  1       no        ended\n", "",
      "cache", "list", NULL);

  foreign = g_build_filename (folder, "diary.txt", NULL);
  g_assert_true (g_file_set_contents (foreign, "x", -1, NULL));
  command_kit_expect (&kit, EX_IOERR, "", "diary.txt is not of the store",
      "cache", "clear", KIT_LINK, NULL);
  g_assert_cmpint (g_remove (foreign), ==, 0);
  command_kit_expect (&kit, EX_OK, "", "", "cache", "clear", KIT_LINK, NULL);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  command_kit_expect (
      &kit, EX_NOINPUT, "", folder, "cache", "clear", KIT_LINK, NULL);
  command_kit_expect (
      &kit, EX_DATAERR, "", "A link is", "cache", "clear", "../x", NULL);
}

/* As the archiver has it once all is done. */
static void
set_archived (CommandKit *kit, const char *link)
{
  g_autofree char *dir = g_build_filename (kit->dir, "state", "archive", NULL);
  g_autoptr (ArchiveState) state = archive_state_new ("x/0.mp4");
  ArchivePart *part = archive_state_get_current (state, NULL);
  g_autoptr (GError) error = NULL;

  part->stage = ARCHIVE_STAGE_READY;
  part->told = ARCHIVE_TOLD_ALL;
  part->is_last = TRUE;
  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  archive_state_save (state, dir, link, &error);
  g_assert_no_error (error);
}

static void
store_ended (const char *dir, const char *link)
{
  g_autoptr (CacheWriter) writer = cache_writer_open (dir, link, NULL);
  g_autoptr (TrackTable) table = kit_table ();

  g_assert_true (cache_writer_set_tracks (writer, table, NULL));
  g_assert_true (kit_epoch (0, 0, 3, 640, kit_append, writer));
  g_assert_true (cache_writer_end (writer, NULL));
}

/* Where recordings are archived, what is not must not be lost by mistake. */
static void
test_commands_cache_archived (void)
{
  g_auto (CommandKit) kit = {0};
  g_autofree char *dir = NULL;

  command_kit_init (&kit, "[node]\ndata-dir = state\n[cache]\ndir = store\n");
  dir = g_build_filename (kit.dir, "store", NULL);
  store_ended (dir, "a");
  store_ended (dir, "b");
  store_ended (dir, "c");
  set_archived (&kit, "a");
  set_archived (&kit, "b");
  command_kit_expect (
      &kit, EX_OK, "1       yes       ended\n", "", "cache", "list", NULL);
  command_kit_expect (
      &kit, EX_OK, "1       no        ended\n", "", "cache", "list", NULL);
  command_kit_expect (
      &kit, EX_DATAERR, "", "c is not archived", "cache", "clear", "c", NULL);
  command_kit_expect (&kit, EX_OK, "", "", "cache", "clear", "a", NULL);
  command_kit_expect (
      &kit, EX_OK, "b\n", "", "cache", "clear", "--archived", NULL);
  command_kit_expect (&kit, EX_OK, "c  ", "", "cache", "list", NULL);
  command_kit_expect (
      &kit, EX_OK, "", "", "cache", "clear", "c", "--force", NULL);
  command_kit_expect (
      &kit, EX_OK, "The cache is empty.", "", "cache", "list", NULL);
}

/* Nothing configured: a PostgreSQL of our own, which keeps what it is told. */
static void
test_commands_private_database (void)
{
  g_auto (CommandKit) kit = {0};

  command_kit_init (&kit, "[node]\ndata-dir = state\n");
  command_kit_expect (
      &kit, EX_OK, "", "", "game", "add", "half-life", "Half-Life", NULL);
  command_kit_expect (
      &kit, EX_OK, "half-life  Half-Life", "", "game", "list", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/commands/" path, function)
  ADD ("help", test_commands_help);
  ADD ("usage", test_commands_usage);
  ADD ("demo", test_commands_demo);
  ADD ("configuration", test_commands_configuration);
  ADD ("database-away", test_commands_database_away);
  ADD ("migrate", test_commands_migrate);
  ADD ("game", test_commands_game);
  ADD ("key", test_commands_key);
  ADD ("end", test_commands_end);
  ADD ("cache", test_commands_cache);
  ADD ("cache-archived", test_commands_cache_archived);
  ADD ("notify", test_commands_notify);
  ADD ("notify-dry-run", test_commands_notify_dry_run);
  ADD ("check-archive", test_commands_check_archive);
  ADD ("check-cloud", test_commands_check_cloud);
  ADD ("check-notify", test_commands_check_notify);
  ADD ("check-notify-there", test_commands_check_notify_there);
  ADD ("check-notify-away", test_commands_check_notify_away);
  ADD ("private-database", test_commands_private_database);
  return g_test_run ();
}
