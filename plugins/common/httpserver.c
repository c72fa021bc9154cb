/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpserver.h"

#include <errno.h>
#include <gio/gio.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request of ours is a line and a few headers. The library answers 431 to
 * what does not fit, and this times max_connections is all a flood can make the
 * server allocate. */
#define CONNECTION_MEMORY (16 * 1024)
#define LISTEN_BACKLOG 1024
/* Descriptors left to the rest of the process: a quarter of the limit. */
#define NOFILE_SHARE(limit) ((limit) / 4 * 3)
/* A connection without a deadline. */
#define NEVER G_MAXINT

typedef struct {
  int fd;
  int deadline; /* atomic; s since server->started */
} Connection;

/* One event loop. The library's own threads are not used: when exactly as many
 * sockets are ready as fit into one epoll_wait(), version 0.9.75 waits for yet
 * another before it serves them. MHD_run() never waits. */
typedef struct {
  HttpServer *server;
  struct MHD_Daemon *daemon;
  GThread *thread;
  int wake_fd; /* eventfd */
  int woken;   /* atomic: wake_fd was written and not yet read */
} Worker;

struct _HttpServer {
  GPtrArray *workers; /* of Worker */
  int stopping;       /* atomic */
  HttpHandler handler;
  gpointer user_data;
  guint16 port;
  guint max_connections;
  guint idle_timeout;
  guint min_rate;
  gint64 started;
  int quiesced; /* atomic */

  GMutex lock;
  GHashTable *connections; /* of Connection; with lock */
};

struct _HttpRequest {
  Worker *worker;
  struct MHD_Connection *connection;
  Connection *peer;
  HttpMethod method;
  gpointer data;
  GDestroyNotify destroy;
  const char *query; /* into path, or NULL */
  char path[];
};

struct _HttpResponse {
  gatomicrefcount refs;
  guint status;
  guint64 size;
  struct MHD_Response *response;
};

static int
seconds (HttpServer *server, gint64 now)
{
  return (now - server->started) / G_USEC_PER_SEC;
}

/* How long the peer may take for what comes next: @size bytes to read, then
 * the headers of another request to send. */
static void
extend_deadline (HttpServer *server, Connection *peer, guint64 size)
{
  guint64 allowance = server->idle_timeout + size / server->min_rate;
  gint64 now = seconds (server, g_get_monotonic_time ());

  g_atomic_int_set (&peer->deadline, MIN (now + allowance, NEVER - 1));
}

/* The library calls this with the request line, before it parses the headers.
 * It is the only place that sees the target as it was sent. */
static void *
begin_request (void *user_data, const char *uri, struct MHD_Connection *c)
{
  gsize length = strlen (uri);
  HttpRequest *request = g_malloc (sizeof (HttpRequest) + length + 1);
  char *mark;

  *request = (HttpRequest){.worker = user_data, .connection = c};
  memcpy (request->path, uri, length + 1);
  mark = strchr (request->path, '?');
  if (mark != NULL) {
    *mark = '\0';
    request->query = mark + 1;
  }
  return request;
}

static void
end_request (void *user_data, struct MHD_Connection *connection,
    void **request_data, enum MHD_RequestTerminationCode code)
{
  HttpRequest *request = *request_data;

  if (request == NULL)
    return;
  if (request->peer != NULL)
    extend_deadline (request->worker->server, request->peer, 0);
  http_request_set_data (request, NULL, NULL);
  g_free (request);
  *request_data = NULL;
}

static HttpMethod
parse_method (const char *method)
{
  if (strcmp (method, MHD_HTTP_METHOD_GET) == 0)
    return HTTP_METHOD_GET;
  if (strcmp (method, MHD_HTTP_METHOD_HEAD) == 0)
    return HTTP_METHOD_HEAD;
  if (strcmp (method, MHD_HTTP_METHOD_OPTIONS) == 0)
    return HTTP_METHOD_OPTIONS;
  return HTTP_METHOD_OTHER;
}

static enum MHD_Result
handle_request (void *user_data, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload_data, size_t *upload_data_size, void **request_data)
{
  HttpServer *server = ((Worker *)user_data)->server;
  HttpRequest *request = *request_data;
  HttpResponse *response;
  enum MHD_Result result;

  if (request->peer == NULL) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info (
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    request->peer = info->socket_context;
    request->method = parse_method (method);
    /* An answer this early would end the connection, because the library does
     * not know yet that no body follows. That is right for a method of which
     * nobody wants to read a body. */
    if (request->method != HTTP_METHOD_OTHER)
      return MHD_YES;
  }
  /* A body that nobody asked for is thrown away. */
  if (*upload_data_size != 0) {
    *upload_data_size = 0;
    return MHD_YES;
  }
  response = server->handler (request, server->user_data);
  if (response == NULL)
    return MHD_YES;
  extend_deadline (server, request->peer, response->size);
  result =
      MHD_queue_response (connection, response->status, response->response);
  http_response_unref (response);
  return result;
}

static void
notify_connection (void *user_data, struct MHD_Connection *connection,
    void **socket_context, enum MHD_ConnectionNotificationCode code)
{
  HttpServer *server = user_data;

  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    Connection *peer = g_new0 (Connection, 1);

    peer->fd = info->connect_fd;
    extend_deadline (server, peer, 0);
    g_mutex_lock (&server->lock);
    g_hash_table_add (server->connections, peer);
    g_mutex_unlock (&server->lock);
    *socket_context = peer;
  } else {
    g_mutex_lock (&server->lock);
    g_hash_table_remove (server->connections, *socket_context);
    g_mutex_unlock (&server->lock);
    *socket_context = NULL;
  }
}

G_GNUC_PRINTF (2, 0)
static void
log_library (void *user_data, const char *format, va_list args)
{
  g_autofree char *text = g_strdup_vprintf (format, args);

  g_debug ("libmicrohttpd: %s", g_strchomp (text));
}

/* Returns a listening descriptor, or -1. */
static int
listen_on (const char *address, guint16 port, guint16 *bound, GError **error)
{
  g_autoptr (GSocketAddress) wanted = NULL;
  g_autoptr (GSocketAddress) local = NULL;
  g_autoptr (GSocket) socket = NULL;
  int fd;

  wanted = g_inet_socket_address_new_from_string (address, port);
  if (wanted == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not an IPv4 or IPv6 address", address);
    return -1;
  }
  socket = g_socket_new (g_socket_address_get_family (wanted),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL || !g_socket_bind (socket, wanted, TRUE, error))
    return -1;
  g_socket_set_listen_backlog (socket, LISTEN_BACKLOG);
  if (!g_socket_listen (socket, error))
    return -1;
  local = g_socket_get_local_address (socket, error);
  if (local == NULL)
    return -1;
  *bound = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  /* The library closes its copy, GSocket the original. */
  fd = dup (g_socket_get_fd (socket));
  if (fd < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "dup: %s",
        g_strerror (errno));
  return fd;
}

static guint
bounded_connections (guint wanted)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return wanted;
  return CLAMP (wanted, 1, MAX (NOFILE_SHARE (limit.rlim_cur), 1));
}

static void
wake (Worker *worker)
{
  if (g_atomic_int_compare_and_exchange (&worker->woken, FALSE, TRUE))
    eventfd_write (worker->wake_fd, 1);
}

static gpointer
run_worker (gpointer data)
{
  Worker *worker = data;
  const union MHD_DaemonInfo *info =
      MHD_get_daemon_info (worker->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  struct pollfd fds[] = {
      {.fd = info->epoll_fd, .events = POLLIN},
      {.fd = worker->wake_fd, .events = POLLIN},
  };
  sigset_t set;

  /* sendfile() has no flag for it. */
  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  while (!g_atomic_int_get (&worker->server->stopping)) {
    MHD_UNSIGNED_LONG_LONG timeout;
    eventfd_t count;
    int wait = -1;

    if (MHD_get_timeout (worker->daemon, &timeout) == MHD_YES)
      wait = MIN (timeout, G_MAXINT);
    poll (fds, G_N_ELEMENTS (fds), wait);
    if (fds[1].revents != 0) {
      eventfd_read (worker->wake_fd, &count);
      g_atomic_int_set (&worker->woken, FALSE);
    }
    MHD_run (worker->daemon);
  }
  return NULL;
}

static struct MHD_Daemon *
start_daemon (Worker *worker, const HttpServerConfig *config, int fd)
{
  HttpServer *server = worker->server;

  return MHD_start_daemon (MHD_USE_EPOLL | MHD_USE_TURBO |
                               MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
      server->port, NULL, NULL, handle_request, worker,
      MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET,
      (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT,
      MAX (server->max_connections / config->threads, 1),
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->max_connections_per_address,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
      MHD_OPTION_URI_LOG_CALLBACK, begin_request, worker,
      MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
      MHD_OPTION_NOTIFY_CONNECTION, notify_connection, server,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

/* The thread is gone. */
static void
worker_free (gpointer data)
{
  Worker *worker = data;

  if (worker->daemon != NULL)
    MHD_stop_daemon (worker->daemon);
  if (worker->wake_fd >= 0)
    close (worker->wake_fd);
  g_free (worker);
}

/* Every worker accepts from the same socket. @fd stays the caller's. */
static gboolean
start_worker (HttpServer *server, const HttpServerConfig *config, int fd)
{
  Worker *worker = g_new0 (Worker, 1);
  int copy = dup (fd);

  worker->server = server;
  worker->wake_fd = eventfd (0, EFD_CLOEXEC);
  if (copy >= 0 && worker->wake_fd >= 0)
    worker->daemon = start_daemon (worker, config, copy);
  if (worker->daemon == NULL) {
    if (copy >= 0)
      close (copy);
    worker_free (worker);
    return FALSE;
  }
  worker->thread = g_thread_new ("http", run_worker, worker);
  g_ptr_array_add (server->workers, worker);
  return TRUE;
}

/**
 * http_server_new:
 * @handler: called on the server's threads, several at a time
 *
 * Listens and starts serving at once.
 *
 * Returns: (transfer full) (nullable): the server, or %NULL and @error
 *     (G_IO_ERROR_ADDRESS_IN_USE if the port is taken)
 */
HttpServer *
http_server_new (const HttpServerConfig *config, HttpHandler handler,
    gpointer user_data, GError **error)
{
  HttpServer *server;
  guint16 port = 0;
  int fd = listen_on (config->address, config->port, &port, error);
  gboolean started = TRUE;

  if (fd < 0)
    return NULL;
  server = g_new0 (HttpServer, 1);
  g_mutex_init (&server->lock);
  server->connections = g_hash_table_new_full (NULL, NULL, g_free, NULL);
  server->workers = g_ptr_array_new_with_free_func (worker_free);
  server->handler = handler;
  server->user_data = user_data;
  server->port = port;
  server->max_connections = bounded_connections (config->max_connections);
  server->idle_timeout = config->idle_timeout;
  server->min_rate = MAX (config->min_rate, 1);
  server->started = g_get_monotonic_time ();
  for (guint i = 0; started && i < config->threads; i++)
    started = start_worker (server, config, fd);
  close (fd);
  if (!started) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The HTTP server does not start on %s port %u", config->address, port);
    http_server_free (server);
    return NULL;
  }
  return server;
}

guint16
http_server_get_port (HttpServer *server)
{
  return server->port;
}

guint
http_server_get_max_connections (HttpServer *server)
{
  return server->max_connections;
}

/**
 * http_server_sweep:
 * @now: g_get_monotonic_time()
 *
 * Drops the connections whose peer is too slow to send a request or to read an
 * answer. The owner calls it about once a second. A byte now and then does not
 * help the peer, as it would against the library's own idle timeout.
 */
void
http_server_sweep (HttpServer *server, gint64 now)
{
  int second = seconds (server, now);
  GHashTableIter iter;
  gpointer key;

  g_mutex_lock (&server->lock);
  g_hash_table_iter_init (&iter, server->connections);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    Connection *peer = key;

    /* The descriptor is open: it leaves the table before it is closed. The
     * server thread sees the end of the stream and cleans up. */
    if (g_atomic_int_get (&peer->deadline) < second)
      shutdown (peer->fd, SHUT_RDWR);
  }
  g_mutex_unlock (&server->lock);
}

/**
 * http_server_quiesce:
 *
 * From here on http_request_suspend() fails. The owner then resumes what it has
 * suspended and calls http_server_free().
 */
void
http_server_quiesce (HttpServer *server)
{
  g_atomic_int_set (&server->quiesced, TRUE);
}

/**
 * http_server_free:
 *
 * Closes the port and all connections. No request may be suspended. Must not be
 * called on a server thread.
 */
void
http_server_free (HttpServer *server)
{
  if (server == NULL)
    return;
  g_atomic_int_set (&server->stopping, TRUE);
  for (guint i = 0; i < server->workers->len; i++) {
    Worker *worker = g_ptr_array_index (server->workers, i);

    wake (worker);
    g_thread_join (worker->thread);
  }
  g_ptr_array_unref (server->workers);
  g_hash_table_unref (server->connections);
  g_mutex_clear (&server->lock);
  g_free (server);
}

HttpMethod
http_request_get_method (HttpRequest *request)
{
  return request->method;
}

/**
 * http_request_get_path:
 *
 * Returns: the path of the target as it was sent, still percent-encoded
 */
const char *
http_request_get_path (HttpRequest *request)
{
  return request->path;
}

/**
 * http_request_get_query:
 *
 * Returns: (nullable): what followed the first "?", still percent-encoded
 */
const char *
http_request_get_query (HttpRequest *request)
{
  return request->query;
}

/**
 * http_request_get_header:
 * @name: in any case
 *
 * Returns: (nullable): the value of the first header of that name
 */
const char *
http_request_get_header (HttpRequest *request, const char *name)
{
  return MHD_lookup_connection_value (
      request->connection, MHD_HEADER_KIND, name);
}

/**
 * http_request_suspend:
 *
 * Only inside the handler, which then returns %NULL. The caller makes sure that
 * nobody can resume the request before this returns.
 *
 * Returns: %FALSE if the server is about to stop; answer the request then
 */
gboolean
http_request_suspend (HttpRequest *request)
{
  if (g_atomic_int_get (&request->worker->server->quiesced))
    return FALSE;
  g_atomic_int_set (&request->peer->deadline, NEVER);
  MHD_suspend_connection (request->connection);
  return TRUE;
}

/**
 * http_request_resume:
 *
 * Calls the handler again on a server thread. Any thread may call this, once
 * for each suspend; the request may be gone when it returns.
 */
void
http_request_resume (HttpRequest *request)
{
  Worker *worker = request->worker;

  MHD_resume_connection (request->connection);
  wake (worker);
}

/**
 * http_request_set_data:
 * @data: (transfer full) (nullable): the owner's state, freed with the request
 */
void
http_request_set_data (
    HttpRequest *request, gpointer data, GDestroyNotify destroy)
{
  if (request->data != NULL && request->destroy != NULL)
    request->destroy (request->data);
  request->data = data;
  request->destroy = destroy;
}

gpointer
http_request_get_data (HttpRequest *request)
{
  return request->data;
}

static HttpResponse *
wrap (guint status, guint64 size, struct MHD_Response *response)
{
  HttpResponse *self = g_new (HttpResponse, 1);

  g_assert (response != NULL);
  g_atomic_ref_count_init (&self->refs);
  self->status = status;
  self->size = size;
  self->response = response;
  return self;
}

static void
release_bytes (void *bytes)
{
  g_bytes_unref (bytes);
}

/**
 * http_response_new:
 * @body: (nullable): shared, not copied
 *
 * A response may answer any number of requests, at the same time and on any
 * thread, once its headers are added. A HEAD request is answered without the
 * body.
 *
 * Returns: (transfer full):
 */
HttpResponse *
http_response_new (guint status, GBytes *body)
{
  gsize size = 0;
  const void *data = body != NULL ? g_bytes_get_data (body, &size) : NULL;

  if (size == 0)
    return wrap (status, 0,
        MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT));
  return wrap (status, size,
      MHD_create_response_from_buffer_with_free_callback_cls (
          size, (void *)data, release_bytes, g_bytes_ref (body)));
}

static void
release_pieces (void *pieces)
{
  g_ptr_array_unref (pieces);
}

/**
 * http_response_new_pieces:
 * @pieces: what the body consists of, shared, not copied
 *
 * Returns: (transfer full):
 */
HttpResponse *
http_response_new_pieces (guint status, GBytes *const *pieces, guint n_pieces)
{
  g_autofree struct MHD_IoVec *vector = g_new (struct MHD_IoVec, n_pieces);
  GPtrArray *kept =
      g_ptr_array_new_full (n_pieces, (GDestroyNotify)g_bytes_unref);
  guint64 size = 0;

  for (guint i = 0; i < n_pieces; i++) {
    gsize length;

    vector[i].iov_base = g_bytes_get_data (pieces[i], &length);
    vector[i].iov_len = length;
    size += length;
    g_ptr_array_add (kept, g_bytes_ref (pieces[i]));
  }
  return wrap (status, size,
      MHD_create_response_from_iovec (vector, n_pieces, release_pieces, kept));
}

/**
 * http_response_new_file:
 * @fd: stays the caller's; a duplicate lives as long as the response
 *
 * Returns: (transfer full) (nullable): %NULL and @error if there is no
 *     descriptor left
 */
HttpResponse *
http_response_new_file (
    guint status, int fd, guint64 offset, guint64 length, GError **error)
{
  struct MHD_Response *response;
  int copy = dup (fd);

  if (copy < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "dup: %s",
        g_strerror (errno));
    return NULL;
  }
  response = MHD_create_response_from_fd_at_offset64 (length, copy, offset);
  return wrap (status, length, response);
}

/**
 * http_response_add_header:
 *
 * Only before the response is used. Content-Length, Date and Connection are the
 * server's.
 */
void
http_response_add_header (
    HttpResponse *response, const char *name, const char *value)
{
  if (MHD_add_response_header (response->response, name, value) != MHD_YES)
    g_critical ("The header %s: %s is malformed", name, value);
}

HttpResponse *
http_response_ref (HttpResponse *response)
{
  g_atomic_ref_count_inc (&response->refs);
  return response;
}

void
http_response_unref (HttpResponse *response)
{
  if (response == NULL || !g_atomic_ref_count_dec (&response->refs))
    return;
  MHD_destroy_response (response->response);
  g_free (response);
}
