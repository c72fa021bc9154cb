/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of start: whoever asks comes after whoever answers.
 *
 *   1. the database, if it is ours, and its tables
 *   2. the stream keys, from the file at least
 *   3. the broadcasts: the origin opens its port, and what was interrupted is on
 *      air again
 *   4. the archiver, who keeps its cache, retention and the notifier: what was
 *      broken off goes on
 *   5. the API, and what counts viewers for it
 *   6. RTMP, which nginx asks; then nginx: pages, API, media, publishers
 *   7. RTSP
 *   8. the sweeper
 *   9. the report of all that
 *
 * And of the end: publishers first, then whoever looks at broadcasts (API,
 * archiver), then the broadcasts with what they still have to store and tell, then the notifier,
 * whom nothing new comes to, and players at the very last. */

#include "node.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "accesslog.h"
#include "api.h"
#include "archiver.h"
#include "broadcasts.h"
#include "cachekeeper.h"
#include "datadir.h"
#include "keyring.h"
#include "migrations.h"
#include "nodereport.h"
#include "notifier.h"
#include "pipelinecheck.h"
#include "privatenginx.h"
#include "privatepostgres.h"
#include "retention.h"
#include "rtmphook.h"
#include "rtspserver.h"
#include "sweeper.h"

/* What pipelines get to store what they hold back. */
#define PATIENCE (8 * G_USEC_PER_SEC)
#define NS_PER_US 1000
#define LOOPBACK "127.0.0.1"
#define GOOGLE_CLOUD "https://storage.googleapis.com"
#define ARCHIVE_PIPELINE "archive.pipeline"

struct _Node {
  const Settings *settings;
  char *data_dir;
  PrivatePostgres *postgres; /* or NULL: another's */
  const char *conninfo;
  Keyring *keyring;
  Broadcasts *broadcasts; /* NULL without ingest */
  ArchiveStore *archive;  /* where recordings are kept */
  Archiver *archiver;     /* NULL without that service */
  CacheKeeper *keeper;    /* of the cache; as the archiver */
  Retention *retention;   /* NULL without that service */
  Notifier *notifier;     /* NULL without that service */
  Viewers *viewers;
  AccessLog *access_log; /* or NULL: not taken */
  Overview *overview;    /* NULL without API */
  Api *api;
  RtmpIngest *rtmp;
  PrivateNginx *nginx;
  RtspIngest *rtsp;
  Sweeper *sweeper;
  NodeReport *report;
};

/* --- the database ------------------------------------------------------------- */

static gboolean
start_own_database (Node *node, GError **error)
{
  g_autofree char *sql = data_path ("sql");
  g_autoptr (PgConnection) connection = NULL;
  guint n_applied;

  node->postgres = private_postgres_start (node->data_dir, error);
  if (node->postgres == NULL)
    return FALSE;
  node->conninfo = private_postgres_get_conninfo (node->postgres);
  connection = pg_connection_open (node->conninfo, error);
  return connection != NULL &&
         migrations_apply (connection, sql, &n_applied, error);
}

static gboolean
check_tables (PgConnection *connection, GError **error)
{
  g_autofree char *sql = data_path ("sql");
  guint n_missing;

  if (!migrations_count_missing (connection, sql, &n_missing, error))
    return FALSE;
  if (n_missing == 0)
    return TRUE;
  if (n_missing == G_MAXUINT)
    g_set_error_literal (error, PG_ERROR, PG_ERROR_SCHEMA,
        "The tables of the database are of a newer version of wishcast; this "
        "one must not use them");
  else
    g_set_error_literal (error, PG_ERROR, PG_ERROR_SCHEMA,
        "The tables of the database are not those of this version: run "
        "`wishcast db migrate`");
  return FALSE;
}

/* One that is away is no reason not to go on air: keys and broadcasts are in
 * files, too. */
static gboolean
check_database (Node *node, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (PgConnection) connection =
      pg_connection_open (node->conninfo, &why);

  if (connection != NULL)
    return check_tables (connection, error);
  if (!g_error_matches (why, PG_ERROR, PG_ERROR_AWAY)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  g_message ("The database is away; what it is to know is told later: %s",
      why->message);
  return TRUE;
}

static gboolean
start_database (Node *node, GError **error)
{
  node->conninfo = settings_get_string (node->settings, SETTING_DATABASE_URL);
  return node->conninfo != NULL ? check_database (node, error)
                                : start_own_database (node, error);
}

/* --- the broadcasts -------------------------------------------------------------- */

static char *
get_pipeline (const char *game, gpointer data)
{
  return settings_get_pipeline (data, game);
}

/* One that is wrong is no reason to keep the others off the air. */
static void
on_pipeline (
    const char *game, const char *path, const GError *error, gpointer data)
{
  if (error != NULL)
    g_message ("The pipeline of %s cannot run: %s", game, error->message);
}

static gboolean
start_broadcasts (Node *node, GError **error)
{
  const Settings *s = node->settings;
  g_autofree char *state_file =
      g_build_filename (node->data_dir, "broadcasts.json", NULL);
  BroadcastsSettings settings = {
      .node = settings_get_string (s, SETTING_NODE_NAME),
      .conninfo = node->conninfo,
      .state_file = state_file,
      .cache_dir = settings_get_string (s, SETTING_CACHE_DIR),
      .origin_address = settings_get_string (s, SETTING_ORIGIN_ADDRESS),
      .origin_port = (guint16)settings_get_uint (s, SETTING_ORIGIN_PORT),
      .origin_url = settings_get_string (s, SETTING_ORIGIN_URL),
      .dvr_window = settings_get_time (s, SETTING_ORIGIN_DVR_WINDOW),
      .resume_window = settings_get_time (s, SETTING_RESUME_WINDOW),
      .notify_after = settings_get_time (s, SETTING_NOTIFY_AFTER),
      .quiet_period = settings_get_time (s, SETTING_NOTIFY_QUIET_PERIOD),
      .max_publishers = settings_get_uint (s, SETTING_MAX_PUBLISHERS),
      .get_pipeline = get_pipeline,
      .data = (gpointer)s,
  };

  /* Loads the plugins, so that the first publisher does not wait for that: what
   * nginx cannot hand on meanwhile it drops. */
  pipeline_check_all (s, on_pipeline, NULL);
  node->broadcasts = broadcasts_new (&settings, node->keyring, error);
  return node->broadcasts != NULL;
}

/* --- the recordings ---------------------------------------------------------------- */

/* Who has descriptions of his own need not have one of this. (transfer full) */
static char *
find_archive_pipeline (const Settings *settings)
{
  char *path =
      g_build_filename (settings_get_string (settings, SETTING_PIPELINES_DIR),
          ARCHIVE_PIPELINE, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_free (path);
    path = data_path ("pipelines/" ARCHIVE_PIPELINE);
  }
  return path;
}

static gboolean
start_archiver (Node *node, GError **error)
{
  const Settings *s = node->settings;
  g_autofree char *state_dir =
      g_build_filename (node->data_dir, "archive", NULL);
  g_autofree char *pipeline = find_archive_pipeline (s);
  ArchiverSettings settings = {
      .node = settings_get_string (s, SETTING_NODE_NAME),
      .conninfo = node->conninfo,
      .cache_dir = settings_get_string (s, SETTING_CACHE_DIR),
      .state_dir = state_dir,
      .pipeline = pipeline,
      .store = node->archive,
      .broadcasts = node->broadcasts,
  };

  if (!settings_get_boolean (s, SETTING_SERVICES_ARCHIVER))
    return TRUE;
  node->archiver = archiver_new (&settings, error);
  return node->archiver != NULL;
}

/* Only what is archived leaves the cache. */
static void
start_keeper (Node *node)
{
  const Settings *s = node->settings;
  g_autofree char *state_dir =
      g_build_filename (node->data_dir, "archive", NULL);
  CacheKeeperSettings settings = {
      .cache_dir = settings_get_string (s, SETTING_CACHE_DIR),
      .state_dir = state_dir,
      .max_size = settings_get_string (s, SETTING_CACHE_MAX_SIZE),
      .dvr_window = settings_get_time (s, SETTING_ORIGIN_DVR_WINDOW),
      .broadcasts = node->broadcasts,
  };

  if (node->archiver != NULL)
    node->keeper = cache_keeper_new (&settings);
}

static void
start_retention (Node *node)
{
  RetentionSettings settings = {
      .conninfo = node->conninfo,
      .node = settings_get_string (node->settings, SETTING_NODE_NAME),
      .store = node->archive,
  };

  if (settings_get_boolean (node->settings, SETTING_SERVICES_RETENTION))
    node->retention = retention_new (&settings);
}

static gboolean
start_recordings (Node *node, GError **error)
{
  node->archive = archive_store_new (node->settings, error);
  if (node->archive == NULL || !start_archiver (node, error))
    return FALSE;
  start_keeper (node);
  start_retention (node);
  return TRUE;
}

/* --- the notifier ----------------------------------------------------------------- */

static gboolean
start_notifier (Node *node, GError **error)
{
  if (!settings_get_boolean (node->settings, SETTING_SERVICES_NOTIFIER))
    return TRUE;
  node->notifier = notifier_new (node->settings, node->conninfo, error);
  return node->notifier != NULL;
}

/* --- the API ---------------------------------------------------------------------- */

static gboolean
read_token (const Settings *settings, char **token, GError **error)
{
  const char *path =
      settings_get_string (settings, SETTING_API_OPERATOR_TOKEN_FILE);

  if (path == NULL)
    return TRUE;
  if (!g_file_get_contents (path, token, NULL, error))
    return FALSE;
  g_strstrip (*token);
  return TRUE;
}

static gboolean
start_api (Node *node, GError **error)
{
  const Settings *s = node->settings;
  g_autofree char *openapi = data_path ("openapi.json");
  g_autofree char *token = NULL;
  ApiSettings settings = {
      .address = settings_get_string (s, SETTING_API_ADDRESS),
      .port = (guint16)settings_get_uint (s, SETTING_API_PORT),
      .conninfo = node->conninfo,
      .openapi = openapi,
      .rtmp_url = settings_get_string (s, SETTING_RTMP_PUBLIC_URL),
      .rtsp_url = settings_get_string (s, SETTING_RTSP_PUBLIC_URL),
      .node = settings_get_string (s, SETTING_NODE_NAME),
      .broadcasts = node->broadcasts,
      .keyring = node->keyring,
      .viewers = node->viewers,
      .notifier = node->notifier,
      .archiver = node->archiver,
      .keeper = node->keeper,
      .retention = node->retention,
      .store = node->archive,
  };

  if (!settings_get_boolean (s, SETTING_SERVICES_API))
    return TRUE;
  if (!read_token (s, &token, error))
    return FALSE;
  settings.operator_token = token;
  settings.overview = node->overview =
      overview_new (settings.node, g_get_real_time ());
  node->api = api_new (&settings, error);
  return node->api != NULL;
}

/* Also without the API, for that of another node. */
static gboolean
start_viewers (Node *node, GError **error)
{
  const Settings *s = node->settings;
  guint port = settings_get_uint (s, SETTING_API_LOG_PORT);
  g_autofree char *place = settings_get_place (s, SETTING_API_LOG_PORT);

  node->viewers = viewers_new ();
  if (port == 0)
    return TRUE;
  node->access_log =
      access_log_new (settings_get_string (s, SETTING_API_LOG_ADDRESS),
          (guint16)port, node->viewers, error);
  g_prefix_error (error, "%s: ", place);
  return node->access_log != NULL;
}

/* --- nginx and the ingest ------------------------------------------------------------ */

static gboolean
has_rtmp (Node *node)
{
  return node->broadcasts != NULL &&
         settings_get_uint (node->settings, SETTING_RTMP_PORT) != 0;
}

/* Ours is asked where it is; another's is where the configuration says. */
static gboolean
start_rtmp (Node *node, GError **error)
{
  const Settings *s = node->settings;
  gboolean is_ours = settings_get_boolean (s, SETTING_NGINX_PRIVATE);
  g_autofree char *pull = g_strdup_printf (
      "rtmp://" LOOPBACK ":%u/live", settings_get_uint (s, SETTING_RTMP_PORT));
  g_autofree char *control = g_strdup_printf ("http://" LOOPBACK ":%u/control",
      settings_get_uint (s, SETTING_NGINX_CONTROL_PORT));
  RtmpIngestSettings settings = {
      .hook_address = settings_get_string (s, SETTING_HOOK_ADDRESS),
      .hook_port = (guint16)settings_get_uint (s, SETTING_HOOK_PORT),
      .pull = is_ours ? pull : settings_get_string (s, SETTING_RTMP_PULL),
      .control =
          is_ours ? control : settings_get_string (s, SETTING_RTMP_CONTROL),
  };

  if (!has_rtmp (node))
    return TRUE;
  node->rtmp = rtmp_ingest_new (&settings, node->broadcasts, error);
  return node->rtmp != NULL;
}

static char *
make_host (const char *address, guint port)
{
  return strchr (address, ':') != NULL
             ? g_strdup_printf ("[%s]:%u", address, port)
             : g_strdup_printf ("%s:%u", address, port);
}

/* Where this machine itself reaches who listens on @address. */
static const char *
get_reachable (const char *address)
{
  if (strcmp (address, "0.0.0.0") == 0)
    return LOOPBACK;
  return strcmp (address, "::") == 0 ? "::1" : address;
}

static gboolean
start_nginx (Node *node, GError **error)
{
  const Settings *s = node->settings;
  g_autofree char *template = data_path ("nginx/node.conf.in");
  g_autofree char *prefix = g_build_filename (node->data_dir, "nginx", NULL);
  g_autofree char *origin = NULL, *media_log = NULL, *api = NULL, *hook = NULL;
  PrivateNginxSettings settings = {
      .template = template,
      .prefix = prefix,
      .www = settings_get_string (s, SETTING_WWW_DIR),
      .address = settings_get_string (s, SETTING_NGINX_ADDRESS),
      .port = (guint16)settings_get_uint (s, SETTING_NGINX_PORT),
      .rtmp_address = settings_get_string (s, SETTING_RTMP_ADDRESS),
      .control_port =
          (guint16)settings_get_uint (s, SETTING_NGINX_CONTROL_PORT),
  };

  if (!settings_get_boolean (s, SETTING_NGINX_PRIVATE))
    return TRUE;
  if (settings_get_string (s, SETTING_CLOUD_BUCKET) != NULL)
    settings.cloud = settings_get_string (s, SETTING_CLOUD_ENDPOINT) != NULL
                         ? settings_get_string (s, SETTING_CLOUD_ENDPOINT)
                         : GOOGLE_CLOUD;
  if (node->broadcasts != NULL)
    settings.origin = origin =
        make_host (settings_get_string (s, SETTING_ORIGIN_ADDRESS),
            settings_get_uint (s, SETTING_ORIGIN_PORT));
  if (node->access_log != NULL)
    settings.media_log = media_log = make_host (
        get_reachable (settings_get_string (s, SETTING_API_LOG_ADDRESS)),
        access_log_get_port (node->access_log));
  if (node->api != NULL)
    settings.api = api = make_host (
        settings_get_string (s, SETTING_API_ADDRESS), api_get_port (node->api));
  if (node->rtmp != NULL) {
    settings.rtmp_port = (guint16)settings_get_uint (s, SETTING_RTMP_PORT);
    settings.hook = hook =
        make_host (settings_get_string (s, SETTING_HOOK_ADDRESS),
            rtmp_ingest_get_hook_port (node->rtmp));
  }
  node->nginx = private_nginx_start (&settings, error);
  return node->nginx != NULL;
}

static gboolean
start_rtsp (Node *node, GError **error)
{
  guint port = settings_get_uint (node->settings, SETTING_RTSP_PORT);

  if (node->broadcasts == NULL || port == 0)
    return TRUE;
  node->rtsp = rtsp_ingest_new (
      settings_get_string (node->settings, SETTING_RTSP_ADDRESS), (guint16)port,
      node->broadcasts, error);
  return node->rtsp != NULL;
}

/* --- the whole -------------------------------------------------------------------------- */

static gboolean
make_data_dir (Node *node, GError **error)
{
  node->data_dir =
      g_strdup (settings_get_string (node->settings, SETTING_NODE_DATA_DIR));
  if (g_mkdir_with_parents (node->data_dir, 0755) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
      "The folder \"%s\", for what this node keeps, cannot be made: %s",
      node->data_dir, g_strerror (errno));
  return FALSE;
}

static void
start_keyring (Node *node)
{
  g_autofree char *path = g_build_filename (node->data_dir, "keys.json", NULL);

  node->keyring = keyring_new (path, node->conninfo);
}

static void
start_report (Node *node)
{
  const Settings *s = node->settings;
  NodeFiguresSettings settings = {
      .name = settings_get_string (s, SETTING_NODE_NAME),
      .conninfo = node->conninfo,
      .cache_dir = settings_get_string (s, SETTING_CACHE_DIR),
      .broadcasts = node->broadcasts,
      .viewers = node->viewers,
      .archiver = node->archiver,
      .keeper = node->keeper,
      .retention = node->retention,
      .has_api = node->api != NULL,
      .has_sweeper = node->sweeper != NULL,
      .has_notifier = node->notifier != NULL,
  };

  node->report = node_report_new (&settings, node->overview);
}

static gboolean
start_all (Node *node, GError **error)
{
  const Settings *s = node->settings;

  if (!make_data_dir (node, error) || !start_database (node, error))
    return FALSE;
  start_keyring (node);
  if (settings_get_boolean (s, SETTING_SERVICES_INGEST) &&
      !start_broadcasts (node, error))
    return FALSE;
  if (!start_recordings (node, error) || !start_notifier (node, error) ||
      !start_viewers (node, error) || !start_api (node, error) ||
      !start_rtmp (node, error) || !start_nginx (node, error) ||
      !start_rtsp (node, error))
    return FALSE;
  if (settings_get_boolean (s, SETTING_SERVICES_SWEEPER))
    node->sweeper = sweeper_new (node->conninfo,
        (gint64)(settings_get_time (s, SETTING_RESUME_WINDOW) / NS_PER_US));
  start_report (node);
  return TRUE;
}

static void
say_started (Node *node)
{
  const Settings *s = node->settings;

  if (node->nginx != NULL)
    g_message ("Pages, API and media at %s",
        settings_get_string (s, SETTING_WWW_PUBLIC_URL));
  if (node->rtmp != NULL)
    g_message ("Publishers by RTMP at rtmp://%s:%u/live",
        settings_get_string (s, SETTING_RTMP_ADDRESS),
        settings_get_uint (s, SETTING_RTMP_PORT));
  if (node->rtsp != NULL)
    g_message ("Publishers by RTSP at rtsp://%s:%u/live/<stream key>",
        settings_get_string (s, SETTING_RTSP_ADDRESS),
        rtsp_ingest_get_port (node->rtsp));
  g_message (
      "Node \"%s\" is ready", settings_get_string (s, SETTING_NODE_NAME));
}

Node *
node_start (const Settings *settings, GError **error)
{
  Node *node = g_new0 (Node, 1);

  node->settings = settings;
  if (!start_all (node, error)) {
    node_free (node);
    return NULL;
  }
  say_started (node);
  return node;
}

void
node_free (Node *node)
{
  if (node == NULL)
    return;
  g_clear_pointer (&node->report, node_report_free);
  g_clear_pointer (&node->sweeper, sweeper_free);
  g_clear_pointer (&node->rtsp, rtsp_ingest_free);
  g_clear_pointer (&node->rtmp, rtmp_ingest_free);
  g_clear_pointer (&node->api, api_free);
  overview_free (node->overview);
  retention_free (node->retention);
  cache_keeper_free (node->keeper);
  archiver_free (node->archiver);
  archive_store_unref (node->archive);
  broadcasts_free (node->broadcasts, PATIENCE);
  notifier_free (node->notifier);
  g_clear_pointer (&node->nginx, private_nginx_free);
  access_log_free (node->access_log);
  viewers_free (node->viewers);
  keyring_free (node->keyring);
  g_clear_pointer (&node->postgres, private_postgres_free);
  g_free (node->data_dir);
  g_free (node);
}
