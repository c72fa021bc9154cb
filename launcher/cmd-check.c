/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "checkcloud.h"
#include "checknotify.h"
#include "commands.h"
#include "datadir.h"
#include "folderspace.h"
#include "pipelinecheck.h"

typedef struct {
  const Settings *settings;
  int status; /* of the first that is wrong */
} Check;

static void say (Check *check, int status, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* One line. @status is EX_OK, or the exit code for what is wrong. */
static void
say (Check *check, int status, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  printf ("%-6s %s\n", status == EX_OK ? "ok" : "wrong", text);
  fflush (stdout);
  if (check->status == EX_OK)
    check->status = status;
}

static void
check_database (Check *check)
{
  g_auto (CommandDatabase) database = {0};
  g_autoptr (GError) error = NULL;
  g_autofree char *version = NULL;

  if (command_database_open (&database, check->settings, &error) &&
      command_ask (
          database.connection, &version, &error, "SHOW server_version", NULL)) {
    say (check, EX_OK, "database: %sPostgreSQL %s, with all tables",
        database.server != NULL ? "a private " : "", version);
    return;
  }
  if (settings_get_string (check->settings, SETTING_DATABASE_URL) != NULL) {
    g_autofree char *place =
        settings_get_place (check->settings, SETTING_DATABASE_URL);

    say (check, command_status (error), "%s: %s", place, error->message);
  } else {
    say (check, command_status (error), "the private PostgreSQL: %s",
        error->message);
  }
}

/* Pipelines */

static void
on_pipeline (
    const char *game, const char *path, const GError *error, gpointer data)
{
  if (error == NULL)
    say (data, EX_OK, "pipeline of %s: %s", game, path);
  else
    say (data, EX_CONFIG, "pipeline of %s: %s", game, error->message);
}

/* Ports */

/* What one node listens on. */
typedef struct {
  Setting address; /* N_SETTINGS: 127.0.0.1 */
  Setting port;
  gboolean is_used;
  gboolean is_udp;
} Listener;

/* The socket, which holds the port until all are checked, so that two settings
 * with the same one are found. */
static GSocket *
take_port (const char *address, guint port, gboolean is_udp, GError **error)
{
  g_autoptr (GSocketAddress) where =
      g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocket) socket =
      g_socket_new (g_socket_address_get_family (where),
          is_udp ? G_SOCKET_TYPE_DATAGRAM : G_SOCKET_TYPE_STREAM,
          G_SOCKET_PROTOCOL_DEFAULT, error);

  if (socket == NULL || !g_socket_bind (socket, where, !is_udp, error) ||
      (!is_udp && !g_socket_listen (socket, error)))
    return NULL;
  return g_steal_pointer (&socket);
}

static void
check_ports (Check *check)
{
  const Settings *settings = check->settings;
  gboolean nginx = settings_get_boolean (settings, SETTING_NGINX_PRIVATE);
  gboolean ingest = settings_get_boolean (settings, SETTING_SERVICES_INGEST);
  gboolean api = settings_get_boolean (settings, SETTING_SERVICES_API);
  const Listener listeners[] = {
      {SETTING_NGINX_ADDRESS, SETTING_NGINX_PORT, nginx},
      {N_SETTINGS, SETTING_NGINX_CONTROL_PORT, nginx && ingest},
      {SETTING_RTSP_ADDRESS, SETTING_RTSP_PORT, ingest},
      {SETTING_RTMP_ADDRESS, SETTING_RTMP_PORT, ingest && nginx},
      {SETTING_HOOK_ADDRESS, SETTING_HOOK_PORT, ingest},
      {SETTING_ORIGIN_ADDRESS, SETTING_ORIGIN_PORT, ingest},
      {SETTING_API_ADDRESS, SETTING_API_PORT, api},
      {SETTING_API_LOG_ADDRESS, SETTING_API_LOG_PORT, TRUE, TRUE},
  };
  g_autoptr (GPtrArray) sockets =
      g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < G_N_ELEMENTS (listeners); i++) {
    const Listener *l = &listeners[i];
    const char *address = l->address == N_SETTINGS
                              ? "127.0.0.1"
                              : settings_get_string (settings, l->address);
    guint port = settings_get_uint (settings, l->port);
    g_autofree char *place = settings_get_place (settings, l->port);
    g_autoptr (GError) error = NULL;
    GSocket *socket;

    if (!l->is_used || port == 0)
      continue;
    socket = take_port (address, port, l->is_udp, &error);
    if (socket == NULL) {
      say (check, EX_UNAVAILABLE, "%s: port %u of %s: %s", place, port, address,
          error->message);
    } else {
      g_ptr_array_add (sockets, socket);
      say (check, EX_OK, "%s: port %u of %s is free", place, port, address);
    }
  }
}

/* Folders */

static int
folder_status (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return EX_CANTCREAT;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return EX_IOERR;
  return command_status (error);
}

static void
check_cache (Check *check)
{
  const char *dir = settings_get_string (check->settings, SETTING_CACHE_DIR);
  g_autofree char *place =
      settings_get_place (check->settings, SETTING_CACHE_DIR);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (folder_space_check (dir, &text, &error))
    say (check, EX_OK, "%s: %s", place, text);
  else
    say (check, folder_status (error), "%s: %s", place, error->message);
}

/* Where recordings go, and come from. */
static void
check_recordings (Check *check)
{
  const Settings *settings = check->settings;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (!settings_get_boolean (settings, SETTING_SERVICES_ARCHIVER) &&
      !settings_get_boolean (settings, SETTING_SERVICES_RETENTION) &&
      !settings_get_boolean (settings, SETTING_SERVICES_API))
    return;
  if (check_cloud (settings, &text, &error))
    say (check, EX_OK, "%s", text);
  else
    say (check, folder_status (error), "%s", error->message);
}

/* Notices */

static void
on_notify (int status, const char *text, gpointer data)
{
  say (data, status, "%s", text);
}

/* nginx */

/* Folder of its loadable modules; sets @built_in to what the program was built
 * with. (transfer full) */
static char *
ask_nginx (const char *program, char **built_with, GError **error)
{
  const char *const argv[] = {program, "-V", NULL};
  g_autoptr (GRegex) regex = g_regex_new ("--modules-path=(\\S+)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (!g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL,
          NULL, NULL, NULL, built_with, NULL, error))
    return NULL;
  if (!g_regex_match (regex, *built_with, 0, &match))
    return g_strdup ("/usr/lib/nginx/modules");
  return g_match_info_fetch (match, 1);
}

static void
check_module (Check *check, const char *folder, const char *built_with,
    const char *name, const char *package)
{
  g_autofree char *file = g_strdup_printf ("ngx_%s_module.so", name);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  /* Without `=dynamic`, or as a source folder. */
  g_autofree char *pattern =
      g_strdup_printf ("--with-%s(?=\\s)|--add-module=\\S*%s", name, name);

  if (g_file_test (path, G_FILE_TEST_EXISTS) ||
      g_regex_match_simple (pattern, built_with, 0, 0))
    say (check, EX_OK, "nginx: has the module %s", name);
  else
    say (check, EX_UNAVAILABLE, "nginx: %s is not there; Debian has it in %s",
        path, package);
}

static void
check_nginx (Check *check)
{
  g_autofree char *program = g_find_program_in_path ("nginx");
  g_autofree char *folder = NULL, *built_with = NULL;
  g_autoptr (GError) error = NULL;

  if (!settings_get_boolean (check->settings, SETTING_NGINX_PRIVATE))
    return;
  /* Not in the PATH of a user on Debian. */
  if (program == NULL)
    program = g_strdup ("/usr/sbin/nginx");
  folder = ask_nginx (program, &built_with, &error);
  if (folder == NULL) {
    say (check, EX_UNAVAILABLE, "nginx: %s", error->message);
    return;
  }
  say (check, EX_OK, "nginx: %s", program);
  check_module (check, folder, built_with, "rtmp", "libnginx-mod-rtmp");
  check_module (check, folder, built_with, "stream", "libnginx-mod-stream");
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  Check check = {0};
  int status;

  if (!command_parse (
          &command_check, &argc, argv, NULL, 0, 0, &settings, &status))
    return status;
  gst_init (NULL, NULL);
  data_load_plugins ();
  check.settings = settings;
  say (&check, EX_OK, "configuration");
  check_database (&check);
  pipeline_check_all (check.settings, on_pipeline, &check);
  check_ports (&check);
  check_cache (&check);
  check_recordings (&check);
  check_notify (check.settings, on_notify, &check);
  check_nginx (&check);
  return check.status;
}

const Command command_check = {
    "check",
    "",
    "see whether `wishcast run` will find all it needs",
    "One line for each thing, ok or wrong, with the place in the "
    "configuration\n"
    "and what to do, and below the cloud's the lifecycle rules that the "
    "bucket\n"
    "should have. The exit code is that of the first that is wrong. While the\n"
    "service runs, its ports are in use, and told so.",
    run,
};
