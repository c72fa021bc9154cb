/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "api.h"

#include <libsoup/soup.h>
#include <string.h>
#include <sys/resource.h>

#include "apianswer.h"
#include "apiconnections.h"
#include "apideveloper.h"
#include "apiend.h"
#include "apigate.h"
#include "apimetrics.h"
#include "apinotifications.h"
#include "apioverview.h"
#include "apiqueries.h"
#include "apireads.h"
#include "apirecording.h"
#include "apiroutes.h"
#include "apiviewers.h"
#include "eventstream.h"
#include "maincontext.h"
#include "metrics.h"
#include "serversocket.h"

/* An eighth of the files that the process may open, and no more than this. The
 * origin takes three quarters. Each costs a few KiB, and the kernel's buffers.
 */
#define MAX_CONNECTIONS 512
/* Event streams stay, so some connections are kept for the others. */
#define EVENT_STREAMS_OF(connections) ((connections) / 4 * 3)
/* So do downloads, each with a block of its file in memory. */
#define DOWNLOADS_OF(connections) ((connections) / 8)
/* No request needs a body. One is forgotten as it is read, or refused if it is
 * larger. */
#define MAX_BODY (16 * 1024)
#define MAX_URL 2048

struct _Api {
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  GSource *news; /* made ready by the catalogue */
  guint max_connections;
  GSocket *socket;
  guint16 port;
  Keyring *keyring; /* or NULL */
  char *openapi;    /* the text of the file */
  Catalogue *catalogue;

  /* of the thread */
  SoupServer *server;
  ApiConnections *connections;
  ApiQueries *queries;
  ApiGate *gate;
  ApiDeveloper *developer;
  ApiNotifications *notifications;
  ApiOverview *overview;
  ApiReads *reads;
  ApiRecordings *recordings;
  ApiViewers *viewers;
  EventStreams *streams;
  ApiEnds *ends;
  ApiMetrics *metrics;
};

/* --- Operators -------------------------------------------------------------*/

static void
answer_ready (Api *api, SoupServerMessage *message)
{
  g_autoptr (GString) reasons = g_string_new (NULL);
  gboolean is_ready;

  if (!catalogue_is_ready (api->catalogue))
    g_string_append (reasons, ", \"The database was not reached yet.\"");
  else if (catalogue_get_stale_since (api->catalogue) != 0)
    g_string_append (reasons, ", \"The database is away.\"");
  if (api->keyring != NULL && !keyring_is_ready (api->keyring))
    g_string_append (reasons, ", \"The stream keys are not known yet.\"");
  is_ready = reasons->len == 0;
  if (!is_ready)
    g_string_erase (reasons, 0, strlen (", "));
  api_answer (message,
      is_ready ? SOUP_STATUS_OK : SOUP_STATUS_SERVICE_UNAVAILABLE, API_JSON,
      API_NO_STORE,
      g_strdup_printf ("{\"ready\": %s, \"reasons\": [%s]}",
          is_ready ? "true" : "false", reasons->str));
}

/* --- Events ----------------------------------------------------------------*/

static void
answer_events (Api *api, SoupServerMessage *message, ApiRoute *route)
{
  const char *header = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Last-Event-ID");
  guint64 after = route->last_event;

  /* A reconnect repeats the address; the header is what came last. */
  if (header != NULL && *header != '\0') {
    if (!api_parse_event_id (header, &after)) {
      api_answer_problem (message, SOUP_STATUS_BAD_REQUEST,
          "The header Last-Event-ID must be the id of an event.");
      return;
    }
  } else if (!route->has_last_event) {
    after = catalogue_get_last_event (api->catalogue);
  }
  if (!catalogue_is_ready (api->catalogue))
    api_answer_later (message, 2, "The database was not reached yet.");
  else if (!event_streams_add (api->streams, message, route->game, after))
    api_answer_later (message, 10, "There are too many event streams.");
}

/* --- Requests --------------------------------------------------------------*/

static void
dispatch (Api *api, SoupServerMessage *message, ApiRoute *route)
{
  switch (route->kind) {
    case API_ROUTE_BROADCASTS:
    case API_ROUTE_BROADCAST:
    case API_ROUTE_HEALTH:
    case API_ROUTE_GAMES:
    case API_ROUTE_GAME:
    case API_ROUTE_GAME_BROADCASTS:
      api_reads_request (api->reads, message, route);
      break;
    case API_ROUTE_RECORDING:
      api_recordings_request (api->recordings, message, route);
      break;
    case API_ROUTE_END:
      api_ends_request (api->ends, message, route->link);
      break;
    case API_ROUTE_WATCHING:
    case API_ROUTE_VIEWERS:
      api_viewers_request (api->viewers, message, route);
      break;
    case API_ROUTE_DEVELOPER:
      api_developer_request (api->developer, message);
      break;
    case API_ROUTE_NOTIFICATIONS:
      api_notifications_request (api->notifications, message);
      break;
    case API_ROUTE_OVERVIEW:
      api_overview_request (api->overview, message);
      break;
    case API_ROUTE_EVENTS:
      answer_events (api, message, route);
      break;
    case API_ROUTE_OPENAPI:
      api_answer_json (message, "max-age=300", g_strdup (api->openapi));
      break;
    case API_ROUTE_METRICS:
      api_answer (message, SOUP_STATUS_OK, METRICS_CONTENT_TYPE, API_NO_STORE,
          api_metrics_write (
              api->metrics, api_connections_count (api->connections)));
      break;
    case API_ROUTE_HEALTHZ:
      api_answer (message, SOUP_STATUS_OK, API_JSON, API_NO_STORE,
          g_strdup ("{\"alive\": true}"));
      break;
    case API_ROUTE_READYZ:
      answer_ready (api, message);
      break;
    case API_ROUTE_NONE:
    case N_API_ROUTES:
      g_assert_not_reached ();
  }
}

static void
answer_options (SoupServerMessage *message, const char *methods)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);

  api_answer (message, SOUP_STATUS_NO_CONTENT, NULL, "max-age=86400", NULL);
  soup_message_headers_replace (headers, "Allow", methods);
  soup_message_headers_replace (
      headers, "Access-Control-Allow-Methods", methods);
  soup_message_headers_replace (headers, "Access-Control-Allow-Headers",
      "Authorization, If-None-Match, If-Range, Last-Event-ID, Range");
  soup_message_headers_replace (headers, "Access-Control-Max-Age", "86400");
}

static void
answer_request (Api *api, SoupServerMessage *message, ApiRoute *route)
{
  GUri *uri = soup_server_message_get_uri (message);
  const char *method = soup_server_message_get_method (message);
  const char *methods = api_route_get_methods (route->kind);
  g_autofree char *detail = NULL;

  if (route->kind == API_ROUTE_NONE) {
    api_answer_problem (
        message, SOUP_STATUS_NOT_FOUND, "There is nothing at this path.");
  } else if (strcmp (method, "OPTIONS") == 0) {
    answer_options (message, methods);
  } else if (!api_route_allows (route->kind, method)) {
    api_answer_problem (message, SOUP_STATUS_METHOD_NOT_ALLOWED,
        "This path does not have that method.");
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Allow", methods);
  } else if (!api_route_parse_query (route, g_uri_get_query (uri), &detail)) {
    api_answer_problem (message, SOUP_STATUS_BAD_REQUEST, detail);
  } else {
    dispatch (api, message, route);
  }
}

static void
parse_path (SoupServerMessage *message, ApiRoute *route)
{
  GUri *uri = soup_server_message_get_uri (message);

  *route = (ApiRoute){.kind = API_ROUTE_NONE};
  if (uri != NULL && !soup_server_message_is_options_ping (message))
    api_route_parse_path (route, g_uri_get_path (uri));
}

/* All headers are in. What is answered here, libsoup does not hand to
 * on_request(). */
static void
on_headers (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  g_autofree char *url =
      g_uri_to_string (soup_server_message_get_uri (message));

  soup_message_body_set_accumulate (
      soup_server_message_get_request_body (message), FALSE);
  if (strlen (url) > MAX_URL)
    api_answer_problem (message, SOUP_STATUS_REQUEST_URI_TOO_LONG,
        "The address has more than " G_STRINGIFY (MAX_URL) " characters.");
  else if (soup_message_headers_get_content_length (headers) > MAX_BODY)
    api_answer_problem (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE,
        "No request of this API has so large a body.");
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  ApiRoute route;

  parse_path (message, &route);
  answer_request (data, message, &route);
}

static void
on_answered (SoupServer *server, SoupServerMessage *message, gpointer data)
{
  Api *api = data;
  guint status = soup_server_message_get_status (message);
  ApiRoute route;

  /* 0: it left before it was answered. */
  if (status == 0)
    return;
  parse_path (message, &route);
  api_metrics_count (api->metrics, route.kind, status);
}

/* --- The thread ------------------------------------------------------------*/

static gboolean
dispatch_news (GSource *source, GSourceFunc callback, gpointer data)
{
  Api *api = data;

  g_source_set_ready_time (source, -1);
  event_streams_wake (api->streams);
  api_ends_wake (api->ends);
  return G_SOURCE_CONTINUE;
}

/* On the catalogue's thread. */
static void
on_news (gpointer data)
{
  Api *api = data;

  g_source_set_ready_time (api->news, 0);
}

static GSource *
news_source_new (Api *api)
{
  static GSourceFuncs funcs = {NULL, NULL, dispatch_news, NULL};
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (source, NULL, api, NULL);
  g_source_attach (source, api->context);
  return source;
}

static void
start_server (Api *api)
{
  /* Paths stay as they were sent: no address of ours needs an escape. */
  api->server = soup_server_new ("raw-paths", TRUE, NULL);
  soup_server_add_early_handler (api->server, NULL, on_headers, api, NULL);
  soup_server_add_handler (api->server, NULL, on_request, api, NULL);
  g_signal_connect (
      api->server, "request-finished", G_CALLBACK (on_answered), api);
  g_signal_connect (
      api->server, "request-aborted", G_CALLBACK (on_answered), api);
  api->connections = api_connections_new (
      api->server, api->socket, api->context, api->max_connections);
}

/* What is still asked for is cut off. */
static void
stop_server (Api *api)
{
  g_source_destroy (api->news);
  api_connections_stop (api->connections);
  soup_server_disconnect (api->server);
  api_notifications_stop (api->notifications);
  api_queries_free (api->queries);
  api_ends_free (api->ends);
  api_recordings_free (api->recordings);
  api_developer_free (api->developer);
  api_notifications_free (api->notifications);
  api_overview_free (api->overview);
  api_gate_free (api->gate);
  api_reads_free (api->reads);
  api_viewers_free (api->viewers);
  api_metrics_free (api->metrics);
  event_streams_free (api->streams);
  api_connections_free (api->connections);
  g_object_unref (api->server);
}

static gpointer
run (gpointer data)
{
  Api *api = data;

  g_main_context_push_thread_default (api->context);
  start_server (api);
  g_main_loop_run (api->loop);
  stop_server (api);
  g_main_context_pop_thread_default (api->context);
  return NULL;
}

static guint
get_max_connections (void)
{
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) != 0)
    return MAX_CONNECTIONS;
  return MIN (files.rlim_cur / 8, MAX_CONNECTIONS);
}

/* --- Public ----------------------------------------------------------------*/

Api *
api_new (const ApiSettings *settings, GError **error)
{
  g_autofree char *openapi = NULL;
  g_autoptr (GSocket) socket = NULL;
  guint16 port = settings->port;
  Api *api;

  if (!g_file_get_contents (settings->openapi, &openapi, NULL, error))
    return NULL;
  socket = server_socket_listen (settings->address, &port, error);
  if (socket == NULL) {
    g_prefix_error_literal (error, "The API: ");
    return NULL;
  }

  api = g_new0 (Api, 1);
  api->context = g_main_context_new ();
  api->loop = g_main_loop_new (api->context, FALSE);
  api->socket = g_steal_pointer (&socket);
  api->port = port;
  api->keyring = settings->keyring;
  api->openapi = g_steal_pointer (&openapi);
  api->news = news_source_new (api);
  api->catalogue = catalogue_new (settings->conninfo, on_news, api);
  api->queries = api_queries_new (settings->conninfo, api->context);
  api->max_connections = get_max_connections ();
  api->streams = event_streams_new (
      api->catalogue, api->context, EVENT_STREAMS_OF (api->max_connections));
  api->reads =
      api_reads_new (settings->broadcasts, api->catalogue, api->queries);
  api->recordings = api_recordings_new (settings->store, settings->node,
      api->queries, api->context, DOWNLOADS_OF (api->max_connections));
  api->viewers =
      api_viewers_new (settings->viewers, api->catalogue, api->queries);
  api->gate = api_gate_new (settings, api->context);
  api->ends = api_ends_new (settings->broadcasts, api->gate, api->catalogue,
      api->queries, api->context);
  api->developer =
      api_developer_new (settings, api->gate, api->catalogue, api->queries);
  api->overview = api_overview_new (settings, api->gate);
  api->notifications =
      api_notifications_new (api->gate, api->queries, api->context);
  api->metrics = api_metrics_new (
      settings, api->catalogue, api->streams, api->notifications);
  api->thread = g_thread_new ("api", run, api);
  return api;
}

guint16
api_get_port (Api *api)
{
  return api->port;
}

void
api_free (Api *api)
{
  if (api == NULL)
    return;
  main_loop_end (api->loop);
  g_thread_join (api->thread);
  catalogue_free (api->catalogue);
  g_source_unref (api->news);
  g_object_unref (api->socket);
  g_main_loop_unref (api->loop);
  g_main_context_unref (api->context);
  g_free (api->openapi);
  g_free (api);
}
