/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "broadcastrules.h"
#include "commands.h"
#include "gamekeys.h"
#include "timetext.h"

static char *overlap_text;

static const GOptionEntry entries[] = {
    {"overlap", 0, 0, G_OPTION_ARG_STRING, &overlap_text,
        "How long the old key still works after rotate [24h]", "TIME"},
    {NULL},
};

/* Adding and rotating */

/* The key alone goes to the standard output, for scripts. */
static void
print_key (const Settings *settings, const StreamKey *key)
{
  const char *rtmp = settings_get_string (settings, SETTING_RTMP_PUBLIC_URL);
  const char *rtsp = settings_get_string (settings, SETTING_RTSP_PUBLIC_URL);

  fflush (stdout);
  fputs ("The stream key, shown this once:\n\n", stderr);
  puts (key->text);
  fflush (stdout);
  if (rtmp != NULL)
    fprintf (stderr,
        "\nOBS, Settings, Stream:\n"
        "  Service     Custom...\n"
        "  Server      %s\n"
        "  Stream Key  the key\n",
        rtmp);
  if (rtsp != NULL)
    fprintf (stderr,
        "\nOr by RTSP. OBS, Settings, Output, Output Mode Advanced, Recording; "
        "then Start Recording:\n"
        "  Type                         Custom Output (FFmpeg)\n"
        "  FFmpeg Output Type           Output to URL\n"
        "  File path or URL             %s/<the key>\n"
        "  Container Format             rtsp\n"
        "  Muxer Settings               rtsp_transport=tcp\n"
        "  Video Encoder, Audio Encoder libx264, aac\n",
        rtsp);
  fputs ("\nA keyframe interval of 2 s suits players best.\n", stderr);
}

static gboolean
find_game (PgConnection *connection, const char *game, int *status)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *title = NULL;

  if (!command_ask (connection, &title, &error,
          "SELECT title FROM wishcast.game WHERE id = $1", game, NULL)) {
    *status = command_fail (error);
    return FALSE;
  }
  if (title == NULL) {
    command_say ("there is no game %s: wishcast game add %s TITLE", game, game);
    *status = EX_DATAERR;
  }
  return title != NULL;
}

/* What became of a new key. @done and @added: as of gamekeys.h. */
static int
tell_key (const Settings *settings, char **argv, StreamKey *key, gboolean done,
    gboolean added, const GError *error, const char *refusal)
{
  int status = EX_OK;

  if (!done) {
    status = command_fail (error);
  } else if (!added) {
    command_say ("%s, for %s, %s", argv[1], argv[0], refusal);
    status = EX_DATAERR;
  } else {
    print_key (settings, key);
  }
  stream_key_clear (key);
  return status;
}

static int
add_key (CommandDatabase *database, const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean done, added;
  StreamKey key;
  int status;

  if (!find_game (database->connection, argv[0], &status))
    return status;
  if (!title_is_valid (argv[1])) {
    command_say ("a name has " TITLE_RULE);
    return EX_DATAERR;
  }
  done = game_key_add (
      database->connection, argv[0], argv[1], &key, &added, &error);
  return tell_key (settings, argv, &key, done, added, error,
      "has a key already: wishcast key rotate");
}

static int
rotate_key (CommandDatabase *database, const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean done, added;
  guint64 overlap;
  StreamKey key;
  int status;

  if (!time_text_parse (overlap_text ? overlap_text : "24h", &overlap))
    return command_refuse (&command_key, "--overlap: expected " TIME_TEXT_RULE);
  if (!find_game (database->connection, argv[0], &status))
    return status;
  done = game_key_rotate (
      database->connection, argv[0], argv[1], overlap, &key, &added, &error);
  return tell_key (settings, argv, &key, done, added, error,
      "is not there: wishcast key add");
}

/* Revoking and listing */

static int
revoke_key (CommandDatabase *database, const Settings *settings, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *revoked = NULL;
  char buffer[STREAM_KEY_ID_LENGTH + 1];
  const char *id = argv[0];

  /* Somebody may have the whole key at hand. It is not repeated. */
  if (strchr (id, '-') != NULL)
    id = stream_key_redact (id, buffer);
  if (!command_ask (database->connection, &revoked, &error,
          "UPDATE wishcast.stream_key"
          " SET revoked_at = coalesce (revoked_at, now ()) WHERE id = $1"
          " RETURNING id",
          id, NULL))
    return command_fail (error);
  if (revoked == NULL) {
    command_say ("there is no key of the id %s: wishcast key list", id);
    return EX_DATAERR;
  }
  return EX_OK;
}

static int
list_keys (CommandDatabase *database, const Settings *settings, char **argv)
{
  static const char *const titles[] = {
      "ID", "GAME", "NAME", "CREATED", "STATE", NULL};
  const char *values[] = {argv[0]};
  g_autoptr (GError) error = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (database->connection,
      "SELECT k.id, b.game, b.name,"
      " to_char (k.created_at, 'YYYY-MM-DD HH24:MI'),"
      " CASE WHEN k.revoked_at IS NOT NULL"
      "  THEN 'revoked ' || to_char (k.revoked_at, 'YYYY-MM-DD HH24:MI')"
      " WHEN k.expires_at <= now ()"
      "  THEN 'expired ' || to_char (k.expires_at, 'YYYY-MM-DD HH24:MI')"
      " WHEN k.expires_at IS NOT NULL"
      "  THEN 'until ' || to_char (k.expires_at, 'YYYY-MM-DD HH24:MI')"
      " ELSE 'valid' END "
      "FROM wishcast.stream_key k"
      " JOIN wishcast.broadcaster b ON b.id = k.broadcaster "
      "WHERE $1::text IS NULL OR b.game = $1 "
      "ORDER BY b.game, b.name, k.created_at",
      1, values, &error);
  CommandTable *table;

  if (rows == NULL)
    return command_fail (error);
  table = command_table_new (titles);
  for (guint i = 0; i < pg_rows_count (rows); i++) {
    const char *texts[G_N_ELEMENTS (titles) - 1];

    for (guint j = 0; j < G_N_ELEMENTS (texts); j++)
      texts[j] = pg_rows_get (rows, i, j);
    command_table_add (table, texts);
  }
  command_table_print (table, "There is no key: wishcast key add GAME NAME");
  return EX_OK;
}

static const CommandAction actions[] = {
    {"add", 2, 2, "a game and a name", add_key},
    {"list", 0, 1, "a game, or nothing", list_keys},
    {"revoke", 1, 1, "the id of a key", revoke_key},
    {"rotate", 2, 2, "a game and a name", rotate_key, TRUE},
};

static int
run (int argc, char **argv)
{
  return command_run_action (
      &command_key, actions, G_N_ELEMENTS (actions), entries, argc, argv);
}

const Command command_key = {
    "key",
    "add GAME NAME | rotate GAME NAME | revoke KEY-ID | list [GAME]",
    "stream keys: who may broadcast for a game",
    "NAME is who broadcasts: a person or a team. A key is printed once, to "
    "the\n"
    "standard output; the database keeps its id, which may be shown, and a "
    "hash\n"
    "of the rest. rotate makes a new one, and leaves the old one valid for a\n"
    "while; revoke ends one at once.",
    run,
};
