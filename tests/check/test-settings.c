/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "broadcastrules.h"
#include "datadir.h"
#include "settings.h"
#include "settingstable.h"
#include "sizetext.h"
#include "suggest.h"
#include "timetext.h"

#define SECOND (G_GUINT64_CONSTANT (1000000000))

static Settings *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  Settings *settings =
      settings_parse ("/etc/x/node.conf", text, strlen (text), &error);

  g_assert_no_error (error);
  return settings;
}

static void
assert_refused (const char *text, gssize length, const char *expected)
{
  g_autoptr (GError) error = NULL;
  Settings *settings = settings_parse (
      "node.conf", text, length < 0 ? strlen (text) : (gsize)length, &error);

  if (settings != NULL)
    g_error ("Taken instead of: %s", expected);
  g_assert_error (error, SETTINGS_ERROR, SETTINGS_ERROR_VALUE);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
test_settings_defaults (void)
{
  g_autoptr (Settings) settings = parse ("");
  g_autofree char *cache = NULL, *pipeline = NULL, *place = NULL;

  g_assert_true (settings_get_boolean (settings, SETTING_SERVICES_API));
  g_assert_cmpuint (settings_get_uint (settings, SETTING_RTSP_PORT), ==, 8554);
  g_assert_cmpuint (
      settings_get_time (settings, SETTING_RESUME_WINDOW), ==, 90 * SECOND);
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_ORIGIN_ADDRESS), ==, "127.0.0.1");
  g_assert_cmpuint (
      settings_get_uint (settings, SETTING_API_LOG_PORT), ==, 8085);
  g_assert_null (settings_get_string (settings, SETTING_DATABASE_URL));
  g_assert_null (settings_get_string (settings, SETTING_ORIGIN_URL));
  g_assert_cmpstr (settings_get_string (settings, SETTING_NODE_NAME), !=, "");
  g_assert_true (g_str_has_suffix (
      settings_get_string (settings, SETTING_WWW_PUBLIC_URL), ":8080"));
  g_assert_true (g_str_has_suffix (
      settings_get_string (settings, SETTING_RTMP_PUBLIC_URL), ":1935/live"));
  cache = g_build_filename (
      settings_get_string (settings, SETTING_NODE_DATA_DIR), "cache", NULL);
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_CACHE_DIR), ==, cache);
  pipeline = settings_get_pipeline (settings, "half-life");
  g_assert_true (g_str_has_suffix (pipeline, "/pipelines/broadcast.pipeline"));
  place = settings_get_place (settings, SETTING_API_PORT);
  g_assert_cmpstr (place, ==, "[api] port");
}

/* What follows from a key that another one has: all of it, and in which
 * environment. */
static void
test_settings_data_dir (void)
{
  g_autoptr (Settings) settings = NULL;

  g_setenv ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", TRUE);
  settings = parse ("");
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_NODE_DATA_DIR), ==, "/var/lib/a");
  g_assert_cmpstr (settings_get_string (settings, SETTING_CACHE_DIR), ==,
      "/var/lib/a/cache");
  g_unsetenv ("STATE_DIRECTORY");
}

static void
test_settings_values (void)
{
  g_autoptr (Settings) settings = NULL;
  g_autofree char *one = NULL, *other = NULL, *place = NULL;
  g_autofree char **games = NULL;

  settings = parse ("# a comment\r\n"
                    "[node]\r\n"
                    "  name = n1  \r\n"
                    "data-dir=state\r\n"
                    "\n"
                    "[database]\n"
                    "url = host=/run/x dbname=a\\\\b\n"
                    "[services]\n"
                    "api = false\n"
                    "[broadcast]\n"
                    "resume-window = 2 min\n"
                    "[nginx]\n"
                    "address = ::1\n"
                    "port = 80\n"
                    "[pipelines]\n"
                    "dir = ../pipelines\n"
                    "half-life = ladder.pipeline\n"
                    "portal = /srv/portal.pipeline\n");
  g_assert_cmpstr (settings_get_string (settings, SETTING_NODE_NAME), ==, "n1");
  g_assert_cmpstr (settings_get_string (settings, SETTING_NODE_DATA_DIR), ==,
      "/etc/x/state");
  g_assert_cmpstr (settings_get_string (settings, SETTING_DATABASE_URL), ==,
      "host=/run/x dbname=a\\b");
  g_assert_false (settings_get_boolean (settings, SETTING_SERVICES_API));
  g_assert_cmpuint (
      settings_get_time (settings, SETTING_RESUME_WINDOW), ==, 120 * SECOND);
  g_assert_cmpstr (settings_get_string (settings, SETTING_WWW_PUBLIC_URL), ==,
      "http://[::1]:80");
  one = settings_get_pipeline (settings, "half-life");
  g_assert_cmpstr (one, ==, "/etc/pipelines/ladder.pipeline");
  other = settings_get_pipeline (settings, "portal");
  g_assert_cmpstr (other, ==, "/srv/portal.pipeline");
  games = settings_get_games (settings);
  g_assert_cmpuint (g_strv_length (games), ==, 2);
  place = settings_get_place (settings, SETTING_NODE_NAME);
  g_assert_cmpstr (place, ==, "/etc/x/node.conf:3: [node] name");
}

/* What publishers are told: the host that people are told, unless it is said. */
static void
test_settings_ingest (void)
{
  static const struct {
    const char *text, *rtmp, *rtsp;
  } cases[] = {
      {"[www]\npublic-url = https://cast.example/store\n",
          "rtmp://cast.example:1935/live", "rtsp://cast.example:8554/live"},
      {"[nginx]\naddress = 2001:db8::7\n[ingest]\nrtmp-port = 19350\n",
          "rtmp://[2001:db8::7]:19350/live", "rtsp://[2001:db8::7]:8554/live"},
      {"[ingest]\nrtmp-port = 0\nrtsp-port = 0\n", NULL, NULL},
      {"[ingest]\nrtmp-public-url = rtmps://in.example/live\n"
       "rtsp-public-url = rtsp://in.example/live\n",
          "rtmps://in.example/live", "rtsp://in.example/live"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Settings) settings = parse (cases[i].text);

    g_assert_cmpstr (settings_get_string (settings, SETTING_RTMP_PUBLIC_URL),
        ==, cases[i].rtmp);
    g_assert_cmpstr (settings_get_string (settings, SETTING_RTSP_PUBLIC_URL),
        ==, cases[i].rtsp);
  }
}

/* The texts of notices, one a language. */
static void
test_settings_notices (void)
{
  g_autoptr (Settings) settings = parse ("[notify-texts]\n"
                                         "default = {game}, {username}\n"
                                         "pt-BR = Oi {username}\n"
                                         "de = {{Hallo} {link}\n");
  g_autofree char **languages = settings_get_languages (settings);

  g_assert_cmpstr (settings_get_string (settings, SETTING_NOTICE_TEXT), ==,
      "{game}, {username}");
  g_assert_cmpuint (g_strv_length (languages), ==, 2);
  g_assert_cmpstr (
      settings_get_notice (settings, "pt-BR"), ==, "Oi {username}");
  g_assert_cmpstr (settings_get_notice (settings, "de"), ==, "{{Hallo} {link}");
  g_assert_null (settings_get_notice (settings, "en"));
}

static const struct {
  const char *text, *expected;
} refused[] = {
    {"\n\n[orign]\n",
        "node.conf:3: [orign]: there is no such group. Is origin meant?"},
    {"[elephant]\n",
        "node.conf:1: [elephant]: there is no such group. There are: node, "
        "services, database, nginx, www, ingest, broadcast, pipelines, "
        "origin, cache, archive, cloud, api, broker, wishlist, notify, "
        "notify-texts"},
    {"[api\n", "node.conf:1: expected the name of a group between [ and ], "
               "and nothing behind it"},
    {"[api] # x\n", "node.conf:1: expected the name of a group between [ and "
                    "], and nothing behind it"},
    {"name = x\n", "node.conf:1: name stands before the first [group]"},
    {"[api]\nprot = 1\n",
        "node.conf:2: [api] prot: there is no such key. Is port meant?"},
    {"[api]\nelephant = 1\n",
        "node.conf:2: [api] elephant: there is no such key. The group has: "
        "address, port, log-address, log-port, operator-token-file"},
    {"[api]\nport 80\n",
        "node.conf:2: expected [group], key = value, or a comment behind a # "
        "of its own line"},
    {"[api]\n= 80\n",
        "node.conf:2: expected [group], key = value, or a comment behind a # "
        "of its own line"},
    {"[api]\nport = 1\n[api]\n\nport = 2\n",
        "node.conf:5: [api] port: is set a second time; the first is in line "
        "2"},
    {"[api]\nport = 0\n",
        "node.conf:2: [api] port: expected a whole number from 1 to 65535, "
        "not \"0\""},
    {"[api]\nport = 8082 # of the API\n",
        "node.conf:2: [api] port: expected a whole number from 1 to 65535, "
        "not \"8082 # of the API\""},
    {"[api]\nport =\n",
        "node.conf:2: [api] port: expected a whole number from 1 to 65535, "
        "not \"\""},
    {"[api]\naddress = localhost\n",
        "node.conf:2: [api] address: expected an IP address, such as "
        "127.0.0.1, not \"localhost\""},
    {"[services]\napi = yes\n",
        "node.conf:2: [services] api: expected true or false, not \"yes\""},
    {"[broadcast]\nresume-window = 90\n",
        "node.conf:2: [broadcast] resume-window: expected " TIME_TEXT_RULE
        ", from 0 ms to 1 d, not \"90\""},
    {"[broadcast]\nresume-window = 2 d\n",
        "node.conf:2: [broadcast] resume-window: expected " TIME_TEXT_RULE
        ", from 0 ms to 1 d, not \"2 d\""},
    {"[cache]\nmax-size = 20\n",
        "node.conf:2: [cache] max-size: expected " SIZE_TEXT_RULE
        ", not \"20\""},
    {"[cache]\nmax-size = 101 %\n",
        "node.conf:2: [cache] max-size: expected " SIZE_TEXT_RULE
        ", not \"101 %\""},
    {"[node]\nname = a b\n",
        "node.conf:2: [node] name: expected 1 to 64 of the characters A-Z "
        "a-z 0-9 - _ ., not \"a b\""},
    {"[www]\npublic-url = wishcast.example\n",
        "node.conf:2: [www] public-url: expected an http:// or https:// "
        "address, not \"wishcast.example\""},
    {"[www]\npublic-url = http://\n",
        "node.conf:2: [www] public-url: expected an http:// or https:// "
        "address, not \"http://\""},
    {"[ingest]\nrtmp-pull = http://a/live\n",
        "node.conf:2: [ingest] rtmp-pull: expected an rtmp:// address, not "
        "\"http://a/live\""},
    {"[ingest]\nrtmp-public-url = rtsp://a/live\n",
        "node.conf:2: [ingest] rtmp-public-url: expected an rtmp:// or "
        "rtmps:// address, not \"rtsp://a/live\""},
    {"[ingest]\nrtsp-public-url = a:8554\n",
        "node.conf:2: [ingest] rtsp-public-url: expected an rtsp:// or "
        "rtsps:// address, not \"a:8554\""},
    {"[pipelines]\nHalf = a\n",
        "node.conf:2: [pipelines] Half: expected dir, default, or the id of "
        "a game, which has " GAME_RULE},
    {"[pipelines]\nhalf =\n",
        "node.conf:2: [pipelines] half: expected the file of a description"},
    {"[notify-texts]\ngerman text = a\n",
        "node.conf:2: [notify-texts] german text: expected default, or a "
        "language, such as de or pt-BR"},
    {"[notify-texts]\nde = Hallo {name}\n",
        "node.conf:2: [notify-texts] de: expected a text in which {game}, "
        "{id}, {username} and {link} are filled in, and {{ is a brace"},
    {"[notify-texts]\ndefault = {game\n",
        "node.conf:2: [notify-texts] default: expected a text in which "
        "{game}, {id}, {username} and {link} are filled in, and {{ is a "
        "brace, not \"{game\""},
    {"[notify]\nkafka-topic = a b\n",
        "node.conf:2: [notify] kafka-topic: expected 1 to 64 of the "
        "characters A-Z a-z 0-9 - _ ., not \"a b\""},
    /* A secret may stand here, so it is not repeated. */
    {"[database]\nurl = password=\\q\n",
        "node.conf:2: [database] url: expected a text; a backslash is "
        "written \\\\, a line feed \\n"},
    {"[api]\n\xff\n", "node.conf:2: expected text in UTF-8"},
};

static void
test_settings_refuses (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    assert_refused (refused[i].text, -1, refused[i].expected);
  assert_refused ("[api]\n\0", 7, "node.conf:2: expected text in UTF-8");
}

static void
test_settings_load (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_dir_make_tmp ("settings-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "a.conf", NULL);
  g_autofree char *expected = NULL;
  Settings *settings = settings_load (path, &error);

  g_assert_null (settings);
  g_assert_error (error, SETTINGS_ERROR, SETTINGS_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "[cache]\ndir = c\n", -1, NULL));
  settings = settings_load (path, &error);
  g_assert_no_error (error);
  expected = g_build_filename (dir, "c", NULL);
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_CACHE_DIR), ==, expected);
  settings_free (settings);
  g_unlink (path);
  g_rmdir (dir);
}

/* data/wishcast.conf */

typedef struct {
  char **lines;
  guint next;
} Conf;

/* Comment lines from the next one on, as one text; skips blank lines. */
static char *
take_comment (Conf *conf)
{
  g_autoptr (GString) text = g_string_new (NULL);

  while (*conf->lines[conf->next] == '\0')
    conf->next++;
  while (g_str_has_prefix (conf->lines[conf->next], "# ")) {
    if (text->len > 0)
      g_string_append_c (text, ' ');
    g_string_append (text, conf->lines[conf->next++] + 2);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_line (Conf *conf, const char *expected)
{
  g_assert_cmpstr (conf->lines[conf->next], ==, expected);
  conf->next++;
}

static void
assert_key (Conf *conf, const SettingRow *row)
{
  g_autofree char *doc = take_comment (conf);
  g_autofree char *line = g_strdup_printf (
      "#%s = %s", row->key, row->standard != NULL ? row->standard : "");

  g_assert_cmpstr (doc, ==, row->doc);
  assert_line (conf, g_strchomp (line));
}

static void
test_settings_documented (void)
{
  g_autofree char *path = data_path ("wishcast.conf");
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  Conf conf = {.next = 4};
  guint setting = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  conf.lines = lines;
  for (guint i = 0; i < settings_n_groups; i++) {
    g_autofree char *doc = take_comment (&conf);
    g_autofree char *header =
        g_strdup_printf ("[%s]", settings_groups[i].group);

    g_assert_cmpstr (doc, ==, settings_groups[i].doc);
    assert_line (&conf, header);
    for (; setting < N_SETTINGS && strcmp (settings_table[setting].group,
                                       settings_groups[i].group) == 0;
         setting++)
      assert_key (&conf, &settings_table[setting]);
  }
  g_assert_cmpuint (setting, ==, N_SETTINGS);
  assert_line (&conf, "");
  g_assert_null (conf.lines[conf.next]);
}

/* With every # in front of a key taken away it still says the same. */
static void
test_settings_documented_is_valid (void)
{
  g_autofree char *path = data_path ("wishcast.conf");
  g_autofree char *text = NULL, *bare = NULL;
  g_autoptr (GRegex) regex =
      g_regex_new ("^#(?=\\S)", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (Settings) standard = parse ("");
  g_autoptr (Settings) settings = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  bare = g_regex_replace_literal (regex, text, -1, 0, "", 0, NULL);
  settings = parse (bare);
  for (guint i = 0; i < N_SETTINGS; i++) {
    g_autofree char *place = settings_get_place (settings, i);

    g_assert_true (g_str_has_prefix (place, "/etc/x/node.conf:"));
    g_assert_cmpstr (settings_get_string (settings, i), ==,
        settings_get_string (standard, i));
  }
}

static void
test_time_text (void)
{
  static const struct {
    const char *text;
    guint64 time;
  } good[] = {
      {"0 s", 0},
      {"500 ms", SECOND / 2},
      {"90s", 90 * SECOND},
      {"2 min", 120 * SECOND},
      {"24h", 86400 * SECOND},
      {"1 d", 86400 * SECOND},
  };
  static const char *const bad[] = {"", "s", "1", "1 ", "-1 s", "1.5 s", "1 y",
      "1 s s", " 1 s", "99999999999 d", "99999999999999999999 s"};
  guint64 time;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_assert_true (time_text_parse (good[i].text, &time));
    g_assert_cmpuint (time, ==, good[i].time);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (time_text_parse (bad[i], &time));
}

static void
test_suggest (void)
{
  static const char *const names[] = {"launch", "check", "db", NULL};

  g_assert_cmpstr (suggest ("lanch", names), ==, "launch");
  g_assert_cmpstr (suggest ("chekc", names), ==, "check");
  g_assert_cmpstr (suggest ("bd", names), ==, NULL);
  g_assert_cmpstr (suggest ("", names), ==, NULL);
  g_assert_cmpstr (
      suggest ("check-check-check-check-check-check-check", names), ==, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("STATE_DIRECTORY");
  g_test_add_func ("/settings/defaults", test_settings_defaults);
  g_test_add_func ("/settings/data-dir", test_settings_data_dir);
  g_test_add_func ("/settings/values", test_settings_values);
  g_test_add_func ("/settings/ingest", test_settings_ingest);
  g_test_add_func ("/settings/notices", test_settings_notices);
  g_test_add_func ("/settings/refuses", test_settings_refuses);
  g_test_add_func ("/settings/load", test_settings_load);
  g_test_add_func ("/settings/documented", test_settings_documented);
  g_test_add_func (
      "/settings/documented-is-valid", test_settings_documented_is_valid);
  g_test_add_func ("/settings/time-text", test_time_text);
  g_test_add_func ("/settings/suggest", test_suggest);
  return g_test_run ();
}
