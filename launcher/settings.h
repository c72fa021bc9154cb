/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The configuration: a GKeyFile, in which every key is known here. What is not
 * in the file has its default. data/wishcast.conf documents each. */
typedef struct _Settings Settings;

typedef enum {
  SETTING_NODE_NAME,          /* [node] name */
  SETTING_NODE_DATA_DIR,      /* [node] data-dir: all that this node keeps */
  SETTING_SERVICES_INGEST,    /* [services] ingest, bool */
  SETTING_SERVICES_API,       /* [services] api, bool */
  SETTING_SERVICES_SWEEPER,   /* [services] sweeper, bool */
  SETTING_SERVICES_NOTIFIER,  /* [services] notifier, bool */
  SETTING_SERVICES_ARCHIVER,  /* [services] archiver, bool */
  SETTING_SERVICES_RETENTION, /* [services] retention, bool */
  SETTING_DATABASE_URL,       /* [database] url; unset: a private PostgreSQL */
  SETTING_NGINX_PRIVATE,      /* [nginx] private, bool: we run one */
  SETTING_NGINX_ADDRESS,      /* [nginx] address; pages, /api, /live */
  SETTING_NGINX_PORT,         /* [nginx] port, 8080 */
  SETTING_NGINX_CONTROL_PORT, /* [nginx] control-port, 8084, on 127.0.0.1 */
  SETTING_WWW_DIR,            /* [www] dir, of the pages */
  SETTING_WWW_PUBLIC_URL,     /* [www] public-url, of the pages */
  SETTING_RTSP_ADDRESS,       /* [ingest] rtsp-address, 0.0.0.0 */
  SETTING_RTSP_PORT,          /* [ingest] rtsp-port, 8554; 0: none */
  SETTING_RTSP_PUBLIC_URL,    /* [ingest] rtsp-public-url, for publishers */
  SETTING_RTMP_ADDRESS,       /* [ingest] rtmp-address, 0.0.0.0 */
  SETTING_RTMP_PORT,          /* [ingest] rtmp-port, 1935; 0: none */
  SETTING_RTMP_PUBLIC_URL,    /* [ingest] rtmp-public-url, for publishers */
  SETTING_RTMP_PULL,          /* [ingest] rtmp-pull: rtmp://127.0.0.1:1935/live,
                               where an nginx not of ours has the streams */
  SETTING_RTMP_CONTROL,       /* [ingest] rtmp-control, of the same nginx */
  SETTING_HOOK_ADDRESS,       /* [ingest] hook-address, 127.0.0.1 */
  SETTING_HOOK_PORT,          /* [ingest] hook-port: nginx's on_publish */
  SETTING_MAX_PUBLISHERS,     /* [ingest] max-publishers */
  SETTING_RESUME_WINDOW,      /* [broadcast] resume-window, 90 s */
  SETTING_PIPELINES_DIR,      /* [pipelines] dir */
  SETTING_PIPELINES_DEFAULT,  /* [pipelines] default; any other key in this
                                group is a game's id */
  SETTING_ORIGIN_ADDRESS,     /* [origin] address */
  SETTING_ORIGIN_PORT,        /* [origin] port, 8081 */
  SETTING_ORIGIN_URL,         /* [origin] url, as other nodes reach it */
  SETTING_ORIGIN_DVR_WINDOW,  /* [origin] dvr-window */
  SETTING_CACHE_DIR,          /* [cache] dir */
  SETTING_CACHE_MAX_SIZE,     /* [cache] max-size, text: size_text_parse() */
  SETTING_ARCHIVE_DIR,        /* [archive] dir, where there is no cloud */
  SETTING_CLOUD_BUCKET,       /* [cloud] bucket; unset: [archive] dir */
  SETTING_CLOUD_PREFIX,       /* [cloud] prefix, of the names of objects */
  SETTING_CLOUD_ENDPOINT,     /* [cloud] endpoint; unset: Google's */
  SETTING_CLOUD_CREDENTIALS_FILE,     /* [cloud] credentials-file */
  SETTING_API_ADDRESS,                /* [api] address */
  SETTING_API_PORT,                   /* [api] port, 8082 */
  SETTING_API_LOG_ADDRESS,            /* [api] log-address, 127.0.0.1 */
  SETTING_API_LOG_PORT,               /* [api] log-port, 8085, UDP; 0: none */
  SETTING_API_OPERATOR_TOKEN_FILE,    /* [api] operator-token-file */
  SETTING_BROKER_SERVERS,             /* [broker] bootstrap-servers */
  SETTING_BROKER_BROADCASTS_TOPIC,    /* [broker] broadcasts-topic */
  SETTING_WISHLIST_QUERY,             /* [wishlist] query */
  SETTING_WISHLIST_DATABASE,          /* [wishlist] database; unset: ours */
  SETTING_WISHLIST_URL,               /* [wishlist] url; unset: the database */
  SETTING_WISHLIST_TOKEN_FILE,        /* [wishlist] token-file */
  SETTING_NOTIFY_WEBHOOK_URL,         /* [notify] webhook-url */
  SETTING_NOTIFY_WEBHOOK_SECRET_FILE, /* [notify] webhook-secret-file */
  SETTING_NOTIFY_WEBHOOK_BATCH,       /* [notify] webhook-batch, users */
  SETTING_NOTIFY_WEBHOOK_CONCURRENCY, /* [notify] webhook-concurrency */
  SETTING_NOTIFY_WEBHOOK_TIMEOUT,     /* [notify] webhook-timeout */
  SETTING_NOTIFY_KAFKA_TOPIC,         /* [notify] kafka-topic */
  SETTING_NOTIFY_MAX_RATE,            /* [notify] max-rate, users/s; 0: any */
  SETTING_NOTIFY_AFTER,               /* [notify] after; 0: two segments */
  SETTING_NOTIFY_QUIET_PERIOD,        /* [notify] quiet-period */
  SETTING_NOTICE_TEXT,                /* [notify-texts] default; any other key
                                        in this group is a language */
  N_SETTINGS
} Setting;

/* Errors are of the domain SETTINGS_ERROR; their text begins with
 * FILE:LINE: [GROUP] KEY and says what was expected. */
#define SETTINGS_ERROR (settings_error_quark ())
GQuark settings_error_quark (void);
typedef enum {
  SETTINGS_ERROR_FILE,  /* cannot be read */
  SETTINGS_ERROR_VALUE, /* unknown group or key, or a bad value */
} SettingsError;

/* @path NULL: /etc/wishcast/wishcast.conf if there is one, else defaults. */
Settings *settings_load (const char *path, GError **error);
Settings *settings_parse (
    const char *name, const char *text, gsize length, GError **error);
void settings_free (Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Settings, settings_free)

/* Text as written, or the default; NULL if unset and without a default, which
 * data/wishcast.conf tells of each that can be. Relative paths are made
 * absolute, against the folder of the file. (transfer none) */
const char *settings_get_string (const Settings *settings, Setting setting);
gboolean settings_get_boolean (const Settings *settings, Setting setting);
guint settings_get_uint (const Settings *settings, Setting setting);
/* A time with its unit ("500 ms", "90 s", "2 min", "1 h"), in ns. */
guint64 settings_get_time (const Settings *settings, Setting setting);
/* The path of the description that a game's broadcasts run. (transfer full) */
char *settings_get_pipeline (const Settings *settings, const char *game);
/* The games that have one of their own. (transfer container) */
char **settings_get_games (const Settings *settings);
/* The languages that have a notice of their own. (transfer container) */
char **settings_get_languages (const Settings *settings);
/* @language: one of those. (transfer none) */
const char *settings_get_notice (
    const Settings *settings, const char *language);
/* For messages: "FILE:LINE: [GROUP] KEY", or "[GROUP] KEY" for what is not in
 * the file. (transfer full) */
char *settings_get_place (const Settings *settings, Setting setting);

G_END_DECLS
