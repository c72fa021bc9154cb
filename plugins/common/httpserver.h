/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A small HTTP/1.1 server for many readers of the same bytes. Nothing but
 * httpserver.c knows the library under it.
 *
 * Life of a request: the handler is called on a server thread when the headers
 * are in. It returns a response, or it calls http_request_suspend() and returns
 * %NULL. A suspended request costs no thread; http_request_resume() makes the
 * server call the handler again. Between the two the request cannot go away,
 * because a suspended connection is not read: its owner must bound the wait. */
typedef struct _HttpServer HttpServer;
typedef struct _HttpRequest HttpRequest;
typedef struct _HttpResponse HttpResponse;

typedef enum {
  HTTP_METHOD_GET,
  HTTP_METHOD_HEAD,
  HTTP_METHOD_OPTIONS,
  HTTP_METHOD_OTHER,
} HttpMethod;

typedef HttpResponse *(*HttpHandler) (HttpRequest *request, gpointer user_data);

typedef struct {
  const char *address; /* IPv4 or IPv6, numeric */
  guint16 port;        /* 0: any free one */
  guint threads;
  guint max_connections;             /* lowered to what RLIMIT_NOFILE allows */
  guint max_connections_per_address; /* 0: no limit */
  guint idle_timeout; /* s: from connect, or the end of the answer before,
                                to the last byte of a request's headers */
  guint min_rate;     /* bytes/s below which a reader is given up */
} HttpServerConfig;

HttpServer *http_server_new (const HttpServerConfig *config,
    HttpHandler handler, gpointer user_data, GError **error);
guint16 http_server_get_port (HttpServer *server);
guint http_server_get_max_connections (HttpServer *server);
void http_server_sweep (HttpServer *server, gint64 now);
void http_server_quiesce (HttpServer *server);
void http_server_free (HttpServer *server);

HttpMethod http_request_get_method (HttpRequest *request);
const char *http_request_get_path (HttpRequest *request);
const char *http_request_get_query (HttpRequest *request);
const char *http_request_get_header (HttpRequest *request, const char *name);
gboolean http_request_suspend (HttpRequest *request);
void http_request_resume (HttpRequest *request);
void http_request_set_data (
    HttpRequest *request, gpointer data, GDestroyNotify destroy);
gpointer http_request_get_data (HttpRequest *request);

HttpResponse *http_response_new (guint status, GBytes *body);
HttpResponse *http_response_new_pieces (
    guint status, GBytes *const *pieces, guint n_pieces);
HttpResponse *http_response_new_file (
    guint status, int fd, guint64 offset, guint64 length, GError **error);
void http_response_add_header (
    HttpResponse *response, const char *name, const char *value);
HttpResponse *http_response_ref (HttpResponse *response);
void http_response_unref (HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpResponse, http_response_unref)

G_END_DECLS
