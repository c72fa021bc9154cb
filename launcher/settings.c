/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "broadcastrules.h"
#include "datadir.h"
#include "notice.h"
#include "settingstable.h"
#include "sizetext.h"
#include "suggest.h"
#include "timetext.h"

#define SYSTEM_FILE "/etc/wishcast/wishcast.conf"

#define NOTICE_RULE                                                            \
  "a text in which {game}, {id}, {username} and {link} are filled in, and {{ " \
  "is a brace"

/* Groups that take other keys than those of the table. */
typedef enum { FREE_PIPELINES, FREE_NOTICES, N_FREE } FreeGroup;

struct _Settings {
  char *file;
  char *text[N_SETTINGS];     /* NULL: unset */
  guint64 number[N_SETTINGS]; /* BOOLEAN, NUMBER, TIME (ns) */
  guint line[N_SETTINGS];     /* 0: not in the file */
  GHashTable *free[N_FREE];   /* key -> value, as written */
};

/* A `key = value` of the file. */
typedef struct {
  const SettingRow *row; /* NULL: a key of `free` */
  FreeGroup free;
  guint line;
  char *group, *key;
} Entry;

typedef struct {
  const char *file;
  GArray *entries; /* of Entry */
  char *group;     /* that the lines now belong to, or NULL */
} Scan;

GQuark
settings_error_quark (void)
{
  return g_quark_from_static_string ("wishcast-settings-error");
}

static gboolean fail (GError **error, const char *file, guint line,
    const char *group, const char *key, const char *format, ...)
    G_GNUC_PRINTF (6, 7);

/* @group and @key may be NULL. Never given the text of a secret. */
static gboolean
fail (GError **error, const char *file, guint line, const char *group,
    const char *key, const char *format, ...)
{
  g_autoptr (GString) text = g_string_new (NULL);
  va_list args;

  g_string_append_printf (text, "%s:%u: ", file, line);
  if (group != NULL)
    g_string_append_printf (
        text, "[%s]%s%s: ", group, key ? " " : "", key ? key : "");
  va_start (args, format);
  g_string_append_vprintf (text, format, args);
  va_end (args);
  g_set_error_literal (error, SETTINGS_ERROR, SETTINGS_ERROR_VALUE, text->str);
  return FALSE;
}

/* Free keys */

static gboolean
is_text (const char *text)
{
  return *text != '\0';
}

/* As far as it can be told from a slip: letters, then pieces with hyphens. */
static gboolean
is_language (const char *text)
{
  return g_regex_match_simple (
      "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", text, G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
is_notice (const char *text)
{
  g_autoptr (NoticeTexts) texts = notice_texts_new ();

  return *text != '\0' && notice_texts_set (texts, NULL, text, NULL);
}

static const struct {
  const char *group;
  gboolean (*is_key) (const char *key);
  gboolean (*is_value) (const char *value);
  const char *expected_key, *expected_value;
} free_groups[N_FREE] = {
    [FREE_PIPELINES] = {"pipelines", game_is_valid, is_text,
        "dir, default, or the id of a game, which has " GAME_RULE,
        "the file of a description"},
    [FREE_NOTICES] = {"notify-texts", is_language, is_notice,
        "default, or a language, such as de or pt-BR", NOTICE_RULE},
};

/* N_FREE if it takes none. */
static FreeGroup
find_free (const char *group)
{
  FreeGroup i = 0;

  while (i < N_FREE && strcmp (free_groups[i].group, group) != 0)
    i++;
  return i;
}

/* Scanning: GKeyFile reads the values, but tells no lines and takes a key that
 * is there twice. */

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_free (entry->group);
  g_free (entry->key);
}

static const SettingRow *
find_row (const char *group, const char *key)
{
  for (guint i = 0; i < N_SETTINGS; i++)
    if (strcmp (settings_table[i].group, group) == 0 &&
        strcmp (settings_table[i].key, key) == 0)
      return &settings_table[i];
  return NULL;
}

/* The sentence that ends the refusal of @word. */
static char *
list_names (const char *word, const char *what, GPtrArray *names)
{
  const char *meant;
  g_autofree char *all = NULL;

  g_ptr_array_add (names, NULL);
  meant = suggest (word, (const char *const *)names->pdata);
  if (meant != NULL)
    return g_strdup_printf ("Is %s meant?", meant);
  all = g_strjoinv (", ", (char **)names->pdata);
  return g_strdup_printf ("%s: %s", what, all);
}

static gboolean
refuse_group (Scan *scan, guint line, const char *group, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *hint = NULL;

  for (guint i = 0; i < settings_n_groups; i++)
    g_ptr_array_add (names, (gpointer)settings_groups[i].group);
  hint = list_names (group, "There are", names);
  return fail (
      error, scan->file, line, group, NULL, "there is no such group. %s", hint);
}

static gboolean
refuse_key (Scan *scan, guint line, const char *key, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *hint = NULL;

  for (guint i = 0; i < N_SETTINGS; i++)
    if (strcmp (settings_table[i].group, scan->group) == 0)
      g_ptr_array_add (names, (gpointer)settings_table[i].key);
  hint = list_names (key, "The group has", names);
  return fail (error, scan->file, line, scan->group, key,
      "there is no such key. %s", hint);
}

static gboolean
scan_group (Scan *scan, guint line, char *text, GError **error)
{
  char *end = strchr (text, ']');

  if (end == NULL || end[1] != '\0')
    return fail (error, scan->file, line, NULL, NULL,
        "expected the name of a group between [ and ], and nothing behind it");
  *end = '\0';
  g_free (scan->group);
  scan->group = g_strdup (text + 1);
  for (guint i = 0; i < settings_n_groups; i++)
    if (strcmp (settings_groups[i].group, scan->group) == 0)
      return TRUE;
  return refuse_group (scan, line, scan->group, error);
}

static gboolean
scan_key (Scan *scan, guint line, char *text, GError **error)
{
  char *equals = strchr (text, '=');
  Entry entry = {.line = line};

  if (equals == NULL || equals == text)
    return fail (error, scan->file, line, NULL, NULL,
        "expected [group], key = value, or a comment behind a # of its own "
        "line");
  *equals = '\0';
  g_strchomp (text);
  if (scan->group == NULL)
    return fail (error, scan->file, line, NULL, NULL,
        "%s stands before the first [group]", text);
  entry.row = find_row (scan->group, text);
  entry.free = find_free (scan->group);
  if (entry.row == NULL && entry.free == N_FREE)
    return refuse_key (scan, line, text, error);
  if (entry.row == NULL && !free_groups[entry.free].is_key (text))
    return fail (error, scan->file, line, scan->group, text, "expected %s",
        free_groups[entry.free].expected_key);
  for (guint i = 0; i < scan->entries->len; i++) {
    const Entry *other = &g_array_index (scan->entries, Entry, i);

    if (strcmp (other->group, scan->group) == 0 &&
        strcmp (other->key, text) == 0)
      return fail (error, scan->file, line, scan->group, text,
          "is set a second time; the first is in line %u", other->line);
  }
  entry.group = g_strdup (scan->group);
  entry.key = g_strdup (text);
  g_array_append_val (scan->entries, entry);
  return TRUE;
}

static gboolean
scan_lines (Scan *scan, const char *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    char *line = g_strstrip (lines[i]);
    gboolean done = TRUE;

    if (*line == '[')
      done = scan_group (scan, i + 1, line, error);
    else if (*line != '\0' && *line != '#')
      done = scan_key (scan, i + 1, line, error);
    if (!done)
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_encoding (
    const char *file, const char *text, gsize length, GError **error)
{
  const char *end;
  guint line = 1;

  if (g_utf8_validate (text, length, &end))
    return TRUE;
  for (const char *p = text; p < end; p++)
    line += *p == '\n';
  return fail (error, file, line, NULL, NULL, "expected text in UTF-8");
}

/* Values */

static gboolean
is_name (const char *text)
{
  gsize length = strspn (text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_.");

  return length >= 1 && length <= 64 && text[length] == '\0';
}

static gboolean
is_address (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return address != NULL;
}

static gboolean
is_url (const char *text, const char *scheme, const char *other)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL &&
         *g_uri_get_host (uri) != '\0' &&
         (g_strcmp0 (g_uri_get_scheme (uri), scheme) == 0 ||
             g_strcmp0 (g_uri_get_scheme (uri), other) == 0);
}

static gboolean
parse_boolean (const char *text, guint64 *number)
{
  *number = strcmp (text, "true") == 0;
  return *number || strcmp (text, "false") == 0;
}

static gboolean
parse_value (const SettingRow *row, const char *text, guint64 *number)
{
  switch (row->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
      return is_text (text);
    case SETTING_NAME:
      return is_name (text);
    case SETTING_ADDRESS:
      return is_address (text);
    case SETTING_HTTP:
      return is_url (text, "http", "https");
    case SETTING_RTMP:
      return is_url (text, "rtmp", NULL);
    case SETTING_RTMPS:
      return is_url (text, "rtmp", "rtmps");
    case SETTING_RTSPS:
      return is_url (text, "rtsp", "rtsps");
    case SETTING_NOTICE:
      return is_notice (text);
    case SETTING_BOOLEAN:
      return parse_boolean (text, number);
    case SETTING_NUMBER:
      return g_ascii_string_to_unsigned (
          text, 10, row->least, row->most, number, NULL);
    case SETTING_TIME:
      return time_text_parse (text, number) && *number >= row->least &&
             *number <= row->most;
    case SETTING_SIZE:
      return size_text_parse (text, 0, number);
    default:
      g_return_val_if_reached (FALSE);
  }
}

/* (transfer full) */
static char *
describe_expected (const SettingRow *row)
{
  g_autofree char *least = NULL, *most = NULL;

  switch (row->type) {
    case SETTING_NAME:
      return g_strdup (SETTINGS_NAME_RULE);
    case SETTING_ADDRESS:
      return g_strdup ("an IP address, such as 127.0.0.1");
    case SETTING_HTTP:
      return g_strdup ("an http:// or https:// address");
    case SETTING_RTMP:
      return g_strdup ("an rtmp:// address");
    case SETTING_RTMPS:
      return g_strdup ("an rtmp:// or rtmps:// address");
    case SETTING_RTSPS:
      return g_strdup ("an rtsp:// or rtsps:// address");
    case SETTING_NOTICE:
      return g_strdup (NOTICE_RULE);
    case SETTING_BOOLEAN:
      return g_strdup ("true or false");
    case SETTING_NUMBER:
      return g_strdup_printf ("a whole number from %" G_GUINT64_FORMAT
                              " to %" G_GUINT64_FORMAT,
          row->least, row->most);
    case SETTING_TIME:
      least = time_text_format (row->least);
      most = time_text_format (row->most);
      return g_strdup_printf (TIME_TEXT_RULE ", from %s to %s", least, most);
    case SETTING_SIZE:
      return g_strdup (SIZE_TEXT_RULE);
    case SETTING_TEXT:
    case SETTING_PATH:
    default:
      return g_strdup ("a text");
  }
}

static char *
resolve (const Settings *settings, const char *path)
{
  g_autofree char *file = g_canonicalize_filename (settings->file, NULL);
  g_autofree char *folder = g_path_get_dirname (file);

  return g_canonicalize_filename (path, folder);
}

static gboolean
set_row (
    Settings *settings, const Entry *entry, const char *value, GError **error)
{
  const SettingRow *row = entry->row;
  Setting setting = row - settings_table;
  g_autofree char *expected = NULL;

  settings->line[setting] = entry->line;
  /* `key =` of a key without a default leaves it unset. */
  if (*value == '\0' && row->standard == NULL)
    return TRUE;
  if (parse_value (row, value, &settings->number[setting])) {
    g_free (settings->text[setting]);
    settings->text[setting] = row->type == SETTING_PATH
                                  ? resolve (settings, value)
                                  : g_strdup (value);
    return TRUE;
  }
  expected = describe_expected (row);
  return fail (error, settings->file, entry->line, row->group, row->key,
      "expected %s, not \"%s\"", expected, value);
}

static gboolean
set_entry (
    Settings *settings, const Entry *entry, GKeyFile *values, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *value =
      g_key_file_get_string (values, entry->group, entry->key, &problem);

  /* It returns what it made of an escape that it does not know. */
  if (problem != NULL)
    return fail (error, settings->file, entry->line, entry->group, entry->key,
        "expected a text; a backslash is written \\\\, a line feed \\n");
  g_strchomp (value);
  if (entry->row != NULL)
    return set_row (settings, entry, value, error);
  if (!free_groups[entry->free].is_value (value))
    return fail (error, settings->file, entry->line, entry->group, entry->key,
        "expected %s", free_groups[entry->free].expected_value);
  g_hash_table_insert (settings->free[entry->free], g_strdup (entry->key),
      g_steal_pointer (&value));
  return TRUE;
}

/* Defaults */

static void
set_standards (Settings *settings)
{
  for (guint i = 0; i < N_SETTINGS; i++) {
    const SettingRow *row = &settings_table[i];

    if (row->standard == NULL)
      continue;
    settings->text[i] = g_strdup (row->standard);
    if (!parse_value (row, row->standard, &settings->number[i]))
      g_error ("The default of [%s] %s is none", row->group, row->key);
  }
}

static char *
get_data_dir (void)
{
  const char *systemd = g_getenv ("STATE_DIRECTORY");

  /* systemd names several if the unit does. */
  if (systemd != NULL && *systemd != '\0')
    return g_strndup (systemd, strcspn (systemd, ":"));
  if (geteuid () == 0)
    return g_strdup ("/var/lib/wishcast");
  return g_build_filename (g_get_user_state_dir (), "wishcast", NULL);
}

static char *
get_node_name (void)
{
  char *name = g_strndup (g_get_host_name (), 64);

  g_strcanon (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_.", '-');
  return name;
}

static char *
get_public_url (const Settings *settings)
{
  const char *text = settings->text[SETTING_NGINX_ADDRESS];
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  gboolean v6 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 &&
                !g_inet_address_get_is_any (address);

  if (g_inet_address_get_is_any (address))
    text = g_get_host_name ();
  return g_strdup_printf ("http://%s%s%s:%s", v6 ? "[" : "", text,
      v6 ? "]" : "", settings->text[SETTING_NGINX_PORT]);
}

/* Where publishers reach this node, as far as we know: where people do. */
static char *
get_ingest_url (const Settings *settings, const char *scheme, Setting port)
{
  g_autoptr (GUri) uri = g_uri_parse (
      settings->text[SETTING_WWW_PUBLIC_URL], G_URI_FLAGS_NONE, NULL);

  if (settings->number[port] == 0)
    return NULL;
  return g_uri_join (G_URI_FLAGS_NONE, scheme, NULL, g_uri_get_host (uri),
      (int)settings->number[port], "/live", NULL, NULL);
}

/* What the documentation calls "unset" and what then is. */
static void
set_derived (Settings *settings)
{
  char **text = settings->text;

  if (text[SETTING_NODE_NAME] == NULL)
    text[SETTING_NODE_NAME] = get_node_name ();
  if (text[SETTING_NODE_DATA_DIR] == NULL)
    text[SETTING_NODE_DATA_DIR] = get_data_dir ();
  if (text[SETTING_WWW_PUBLIC_URL] == NULL)
    text[SETTING_WWW_PUBLIC_URL] = get_public_url (settings);
  if (text[SETTING_WWW_DIR] == NULL)
    text[SETTING_WWW_DIR] = data_path ("www");
  if (text[SETTING_RTSP_PUBLIC_URL] == NULL)
    text[SETTING_RTSP_PUBLIC_URL] =
        get_ingest_url (settings, "rtsp", SETTING_RTSP_PORT);
  if (text[SETTING_RTMP_PUBLIC_URL] == NULL)
    text[SETTING_RTMP_PUBLIC_URL] =
        get_ingest_url (settings, "rtmp", SETTING_RTMP_PORT);
  if (text[SETTING_PIPELINES_DIR] == NULL)
    text[SETTING_PIPELINES_DIR] = data_path ("pipelines");
  if (text[SETTING_CACHE_DIR] == NULL)
    text[SETTING_CACHE_DIR] =
        g_build_filename (text[SETTING_NODE_DATA_DIR], "cache", NULL);
  if (text[SETTING_ARCHIVE_DIR] == NULL)
    text[SETTING_ARCHIVE_DIR] =
        g_build_filename (text[SETTING_NODE_DATA_DIR], "recordings", NULL);
}

/* Loading */

static gboolean
parse (Settings *settings, const char *text, gsize length, GError **error)
{
  g_autoptr (GKeyFile) values = g_key_file_new ();
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_autoptr (GError) problem = NULL;
  Scan scan = {.file = settings->file, .entries = entries};
  gboolean done;

  g_array_set_clear_func (entries, entry_clear);
  if (!check_encoding (settings->file, text, length, error))
    return FALSE;
  done = scan_lines (&scan, text, error);
  g_free (scan.group);
  if (!done)
    return FALSE;
  if (length > 0 && !g_key_file_load_from_data (
                        values, text, length, G_KEY_FILE_NONE, &problem))
    return fail (error, settings->file, 1, NULL, NULL, "%s", problem->message);
  for (guint i = 0; i < entries->len; i++)
    if (!set_entry (
            settings, &g_array_index (entries, Entry, i), values, error))
      return FALSE;
  return TRUE;
}

Settings *
settings_parse (
    const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (Settings) settings = g_new0 (Settings, 1);
  /* The scanner wants the terminator that @text need not have. */
  g_autofree char *copy = g_strndup (text, length);

  settings->file = g_strdup (name);
  for (guint i = 0; i < N_FREE; i++)
    settings->free[i] =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  set_standards (settings);
  if (!parse (settings, copy, length, error))
    return NULL;
  set_derived (settings);
  return g_steal_pointer (&settings);
}

Settings *
settings_load (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) problem = NULL;
  gsize length;

  if (path == NULL && !g_file_test (SYSTEM_FILE, G_FILE_TEST_EXISTS))
    return settings_parse (SYSTEM_FILE, "", 0, error);
  if (path == NULL)
    path = SYSTEM_FILE;
  if (!g_file_get_contents (path, &text, &length, &problem)) {
    g_set_error_literal (
        error, SETTINGS_ERROR, SETTINGS_ERROR_FILE, problem->message);
    return NULL;
  }
  return settings_parse (path, text, length, error);
}

void
settings_free (Settings *settings)
{
  if (settings == NULL)
    return;
  for (guint i = 0; i < N_SETTINGS; i++)
    g_free (settings->text[i]);
  for (guint i = 0; i < N_FREE; i++)
    g_hash_table_unref (settings->free[i]);
  g_free (settings->file);
  g_free (settings);
}

/* Reading */

static gboolean
has_type (Setting setting, SettingType type)
{
  return (guint)setting < N_SETTINGS && settings_table[setting].type == type;
}

const char *
settings_get_string (const Settings *settings, Setting setting)
{
  g_return_val_if_fail ((guint)setting < N_SETTINGS, NULL);
  return settings->text[setting];
}

gboolean
settings_get_boolean (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (has_type (setting, SETTING_BOOLEAN), FALSE);
  return settings->number[setting] != 0;
}

guint
settings_get_uint (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (has_type (setting, SETTING_NUMBER), 0);
  return settings->number[setting];
}

guint64
settings_get_time (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (has_type (setting, SETTING_TIME), 0);
  return settings->number[setting];
}

char *
settings_get_pipeline (const Settings *settings, const char *game)
{
  const char *file = g_hash_table_lookup (settings->free[FREE_PIPELINES], game);

  if (file == NULL)
    file = settings->text[SETTING_PIPELINES_DEFAULT];
  return g_canonicalize_filename (file, settings->text[SETTING_PIPELINES_DIR]);
}

char **
settings_get_games (const Settings *settings)
{
  return (char **)g_hash_table_get_keys_as_array (
      settings->free[FREE_PIPELINES], NULL);
}

char **
settings_get_languages (const Settings *settings)
{
  return (char **)g_hash_table_get_keys_as_array (
      settings->free[FREE_NOTICES], NULL);
}

const char *
settings_get_notice (const Settings *settings, const char *language)
{
  return g_hash_table_lookup (settings->free[FREE_NOTICES], language);
}

char *
settings_get_place (const Settings *settings, Setting setting)
{
  const SettingRow *row = &settings_table[setting];

  if (settings->line[setting] == 0)
    return g_strdup_printf ("[%s] %s", row->group, row->key);
  return g_strdup_printf ("%s:%u: [%s] %s", settings->file,
      settings->line[setting], row->group, row->key);
}
