/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settingstable.h"

#include "notice.h"

#define SECOND (G_GUINT64_CONSTANT (1000000000))
#define HOUR (3600 * SECOND)

#define PORT(standard) SETTING_NUMBER, standard, 1, G_MAXUINT16
#define PORT_OR_NONE(standard) SETTING_NUMBER, standard, 0, G_MAXUINT16

#define OWN_WISHLIST                                                           \
  "SELECT user_id, username, language FROM wishcast.wishlist "                 \
  "WHERE game = $1 AND ($2::text IS NULL OR user_id > $2) "                    \
  "ORDER BY user_id LIMIT $3::integer"

const SettingGroup settings_groups[] = {
    {"node", "This machine."},
    {"services", "What this node does. The same program is an ingest node, an "
                 "API node, or all in one."},
    {"database", "PostgreSQL."},
    {"nginx", "What stands in front: pages, API and media on one port."},
    {"www", "The pages."},
    {"ingest", "Where publishers connect."},
    {"broadcast", "Every broadcast."},
    {"pipelines", "What a broadcast is: the description that its pipeline is "
                  "made of. Besides the keys below, any game's id may be one, "
                  "with the description of that game's broadcasts."},
    {"origin", "The HTTP server of the media."},
    {"cache", "Where the media of broadcasts is kept while it is live, and "
              "until it is archived."},
    {"archive", "Where recordings are kept, if there is no [cloud]."},
    {"cloud", "Google Cloud Storage, for recordings."},
    {"api", "The JSON API."},
    {"broker", "Apache Kafka."},
    {"wishlist", "The store: who has a game on the wishlist."},
    {"notify", "How they are told that a broadcast of the game has begun. "
               "Without webhook-url and bootstrap-servers nobody is."},
    {"notify-texts",
        "What they are told. {game} is the title of the game, {id} its id, "
        "{username} whom it is for, {link} the address of the page; {{ is a "
        "brace. Besides the key below, any language (de, pt-BR) may be one, "
        "with the text for the users who have it."},
};

const guint settings_n_groups = G_N_ELEMENTS (settings_groups);

const SettingRow settings_table[N_SETTINGS] = {
    [SETTING_NODE_NAME] = {"node", "name", SETTING_NAME,
        .doc = "Its name in the database, one that no other node has: "
               "broadcasts belong to it. Unset: the name of the host."},
    [SETTING_NODE_DATA_DIR] = {"node", "data-dir", SETTING_PATH,
        .doc = "Folder of all that this node keeps. Unset: $STATE_DIRECTORY, "
               "which systemd sets; else /var/lib/wishcast for root, and "
               "~/.local/state/wishcast for others."},
    [SETTING_SERVICES_INGEST] = {"services", "ingest", SETTING_BOOLEAN, "true",
        .doc = "Take publishers, run broadcasts, serve their media."},
    [SETTING_SERVICES_API] = {"services", "api", SETTING_BOOLEAN, "true",
        .doc = "Answer the JSON API."},
    [SETTING_SERVICES_SWEEPER] = {"services", "sweeper", SETTING_BOOLEAN,
        "true",
        .doc = "End the broadcasts of nodes that died. Any number of nodes may "
               "do it."},
    [SETTING_SERVICES_NOTIFIER] = {"services", "notifier", SETTING_BOOLEAN,
        "true",
        .doc = "Tell those who have the game on the wishlist. Any number of "
               "nodes may do it."},
    [SETTING_SERVICES_ARCHIVER] = {"services", "archiver", SETTING_BOOLEAN,
        "true",
        .doc = "Archive the broadcasts of this node's cache, and clear the "
               "cache of what is archived."},
    [SETTING_SERVICES_RETENTION] = {"services", "retention", SETTING_BOOLEAN,
        "true",
        .doc = "Delete recordings whose time is over. Any number of nodes may "
               "do it; those in a folder only their own node can."},
    [SETTING_DATABASE_URL] = {"database", "url", SETTING_TEXT,
        .doc = "A postgresql:// address or key=value words, as libpq takes "
               "them. A password belongs into a file (passfile=...) rather "
               "than here. Unset: a private PostgreSQL in data-dir, started "
               "when it is needed."},
    [SETTING_NGINX_PRIVATE] = {"nginx", "private", SETTING_BOOLEAN, "true",
        .doc = "Run one of our own. With false, data/nginx has what yours "
               "needs."},
    [SETTING_NGINX_ADDRESS] = {"nginx", "address", SETTING_ADDRESS, "0.0.0.0",
        .doc = "IP address it listens on for viewers."},
    [SETTING_NGINX_PORT] = {"nginx", "port", PORT ("8080"),
        .doc = "Port for viewers."},
    [SETTING_NGINX_CONTROL_PORT] = {"nginx", "control-port", PORT ("8084"),
        .doc = "Port on 127.0.0.1 at which we ask it to drop a publisher."},
    [SETTING_WWW_DIR] = {"www", "dir", SETTING_PATH,
        .doc = "Their folder. Unset: the one that came with the program."},
    [SETTING_WWW_PUBLIC_URL] = {"www", "public-url", SETTING_HTTP,
        .doc = "Where people reach the pages, for every address that is given "
               "out. Unset: nginx's own address."},
    [SETTING_RTSP_ADDRESS] = {"ingest", "rtsp-address", SETTING_ADDRESS,
        "0.0.0.0", .doc = "IP address for publishers by RTSP."},
    [SETTING_RTSP_PORT] = {"ingest", "rtsp-port", PORT_OR_NONE ("8554"),
        .doc = "Their port; 0: no RTSP."},
    [SETTING_RTSP_PUBLIC_URL] = {"ingest", "rtsp-public-url", SETTING_RTSPS,
        .doc = "What publishers are told to type for RTSP; their key comes "
               "behind it. Unset: the host of public-url with rtsp-port, and "
               "/live."},
    [SETTING_RTMP_ADDRESS] = {"ingest", "rtmp-address", SETTING_ADDRESS,
        "0.0.0.0",
        .doc = "IP address for publishers by RTMP, at the private "
               "nginx."},
    [SETTING_RTMP_PORT] = {"ingest", "rtmp-port", PORT_OR_NONE ("1935"),
        .doc = "Their port; 0: no RTMP."},
    [SETTING_RTMP_PUBLIC_URL] = {"ingest", "rtmp-public-url", SETTING_RTMPS,
        .doc = "What publishers are told to type for RTMP. Unset: the host of "
               "public-url with rtmp-port, and /live."},
    [SETTING_RTMP_PULL] = {"ingest", "rtmp-pull", SETTING_RTMP,
        "rtmp://127.0.0.1:1935/live",
        .doc = "Where an nginx that is not ours has their streams."},
    [SETTING_RTMP_CONTROL] = {"ingest", "rtmp-control", SETTING_HTTP,
        "http://127.0.0.1:8084/control",
        .doc = "Where an nginx that is not ours has its RTMP control module."},
    [SETTING_HOOK_ADDRESS] = {"ingest", "hook-address", SETTING_ADDRESS,
        "127.0.0.1",
        .doc = "IP address at which nginx asks whether a "
               "publisher is let in."},
    [SETTING_HOOK_PORT] = {"ingest", "hook-port", PORT ("8083"),
        .doc = "The port of that."},
    [SETTING_MAX_PUBLISHERS] = {"ingest", "max-publishers", SETTING_NUMBER,
        "100", .least = 1, .most = 10000,
        .doc = "How many may publish to this node at once."},
    [SETTING_RESUME_WINDOW] = {"broadcast", "resume-window", SETTING_TIME,
        "90 s", .least = 0, .most = 24 * HOUR,
        .doc = "How long a publisher that dropped may take to come back into "
               "the same broadcast. Then it is over. 0 s: at once."},
    [SETTING_PIPELINES_DIR] = {"pipelines", "dir", SETTING_PATH,
        .doc = "Folder of the descriptions. Unset: the one that came with the "
               "program."},
    [SETTING_PIPELINES_DEFAULT] = {"pipelines", "default", SETTING_TEXT,
        "broadcast.pipeline",
        .doc = "File of the description for games that are not named here, in "
               "that folder or with its full path."},
    [SETTING_ORIGIN_ADDRESS] = {"origin", "address", SETTING_ADDRESS,
        "127.0.0.1",
        .doc = "IP address it listens on; it is made to stand "
               "behind nginx."},
    [SETTING_ORIGIN_PORT] = {"origin", "port", PORT ("8081"),
        .doc = "Its port."},
    [SETTING_ORIGIN_URL] = {"origin", "url", SETTING_HTTP,
        .doc = "Where edges and other nodes reach it. Unset: they do not."},
    [SETTING_ORIGIN_DVR_WINDOW] = {"origin", "dvr-window", SETTING_TIME,
        "300 s", .least = 10 * SECOND, .most = 24 * HOUR,
        .doc = "How far back a viewer can seek while a broadcast is live."},
    [SETTING_CACHE_DIR] = {"cache", "dir", SETTING_PATH,
        .doc = "Its folder. Unset: cache in data-dir."},
    [SETTING_CACHE_MAX_SIZE] = {"cache", "max-size", SETTING_SIZE, "50 %",
        .doc = "How large it may become: a size (200 GB) or a share of its "
               "disk (50 %). Beyond that what is archived goes, the oldest "
               "first; what is not archived never does, and the operator is "
               "told before."},
    [SETTING_ARCHIVE_DIR] = {"archive", "dir", SETTING_PATH,
        .doc = "The folder. Unset: recordings in data-dir."},
    [SETTING_CLOUD_BUCKET] = {"cloud", "bucket", SETTING_NAME,
        .doc = "Name of the bucket. Unset: recordings stay in the folder of "
               "[archive]."},
    [SETTING_CLOUD_PREFIX] = {"cloud", "prefix", SETTING_TEXT,
        .doc = "What the names of all objects begin with, such as wishcast/. "
               "Unset: nothing."},
    [SETTING_CLOUD_ENDPOINT] = {"cloud", "endpoint", SETTING_HTTP,
        .doc = "Address of the service, for an emulator or a private one. "
               "Unset: Google's, or what STORAGE_EMULATOR_HOST says."},
    [SETTING_CLOUD_CREDENTIALS_FILE] = {"cloud", "credentials-file",
        SETTING_PATH,
        .doc = "Key file of the service account (JSON); others must not be "
               "able to read it. Unset: what GOOGLE_APPLICATION_CREDENTIALS "
               "names, else the account of the machine."},
    [SETTING_API_ADDRESS] = {"api", "address", SETTING_ADDRESS, "127.0.0.1",
        .doc = "IP address it listens on; only nginx and operators need to "
               "reach it."},
    [SETTING_API_PORT] = {"api", "port", PORT ("8082"), .doc = "Its port."},
    [SETTING_API_LOG_ADDRESS] = {"api", "log-address", SETTING_ADDRESS,
        "127.0.0.1",
        .doc = "IP address for nginx's log of the media, from which viewers "
               "are counted. Another one if edges on other machines send "
               "theirs; let only them reach it."},
    [SETTING_API_LOG_PORT] = {"api", "log-port", PORT_OR_NONE ("8085"),
        .doc = "Port of that, UDP; 0: viewers are counted by the pages "
               "alone."},
    [SETTING_API_OPERATOR_TOKEN_FILE] = {"api", "operator-token-file",
        SETTING_PATH,
        .doc = "File with the secret that an operator's requests bear. Unset: "
               "operators have the command line only."},
    [SETTING_BROKER_SERVERS] = {"broker", "bootstrap-servers", SETTING_TEXT,
        .doc = "host:port of some of its servers, with commas. Unset: events "
               "stay in PostgreSQL."},
    [SETTING_BROKER_BROADCASTS_TOPIC] = {"broker", "broadcasts-topic",
        SETTING_NAME, "wishcast.broadcasts",
        .doc = "The topic that gets every change of a broadcast, in order; the "
               "key is its link."},
    [SETTING_WISHLIST_QUERY] = {"wishlist", "query", SETTING_TEXT, OWN_WISHLIST,
        .doc = "SQL for a page of it: of the game $1, those after the user id "
               "$2, at most $3, as columns user id, name and language (which "
               "may be NULL), ordered by user id."},
    [SETTING_WISHLIST_DATABASE] = {"wishlist", "database", SETTING_TEXT,
        .doc = "The PostgreSQL that is asked, as libpq has it. Unset: that of "
               "[database]."},
    [SETTING_WISHLIST_URL] = {"wishlist", "url", SETTING_HTTP,
        .doc = "Address of the store's own service, which is asked in the "
               "place of a database."},
    [SETTING_WISHLIST_TOKEN_FILE] = {"wishlist", "token-file", SETTING_PATH,
        .doc = "File with the secret that requests to url bear; others must "
               "not be able to read it."},
    [SETTING_NOTIFY_WEBHOOK_URL] = {"notify", "webhook-url", SETTING_HTTP,
        .doc = "Where notices are sent by HTTP, signed as Standard Webhooks "
               "are. Unset: nowhere."},
    [SETTING_NOTIFY_WEBHOOK_SECRET_FILE] = {"notify", "webhook-secret-file",
        SETTING_PATH,
        .doc = "File with the secret that signs them, whsec_ and base64; two, "
               "a line each, while one takes the place of the other. Others "
               "must not be able to read it."},
    [SETTING_NOTIFY_WEBHOOK_BATCH] = {"notify", "webhook-batch", SETTING_NUMBER,
        "100", .least = 1, .most = 1000,
        .doc = "How many users a request is about, at most: it is kept under "
               "20 kB, as Standard Webhooks advises."},
    [SETTING_NOTIFY_WEBHOOK_CONCURRENCY] = {"notify", "webhook-concurrency",
        SETTING_NUMBER, "8", .least = 1, .most = 100,
        .doc = "How many requests are under way at once."},
    [SETTING_NOTIFY_WEBHOOK_TIMEOUT] = {"notify", "webhook-timeout",
        SETTING_TIME, "10 s", .least = SECOND, .most = 60 * SECOND,
        .doc = "How long an answer may take; then the request is repeated."},
    [SETTING_NOTIFY_KAFKA_TOPIC] = {"notify", "kafka-topic", SETTING_NAME,
        "wishcast.notices",
        .doc = "The topic that gets notices, if [broker] has servers; the key "
               "is the user id."},
    [SETTING_NOTIFY_MAX_RATE] = {"notify", "max-rate", SETTING_NUMBER, "0",
        .least = 0, .most = 1000000,
        .doc = "How many users are told in a second, so that they do not all "
               "arrive in the same one; 0: as many as it goes."},
    [SETTING_NOTIFY_AFTER] = {"notify", "after", SETTING_TIME, "0 s",
        .least = 0, .most = HOUR,
        .doc = "How long media has flowed before anybody is told. 0 s: two "
               "whole segments, so that there is something to see."},
    [SETTING_NOTIFY_QUIET_PERIOD] = {"notify", "quiet-period", SETTING_TIME,
        "30 min", .least = 0, .most = 30 * 24 * HOUR,
        .doc = "How long after it nobody is told of the same game again."},
    [SETTING_NOTICE_TEXT] = {"notify-texts", "default", SETTING_NOTICE,
        NOTICE_DEFAULT_TEXT,
        .doc = "The text for users whose language is not here."},
};
