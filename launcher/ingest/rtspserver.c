/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtspserver.h"

#include <gio/gio.h>

#include "floodgate.h"
#include "maincontext.h"
#include "publishersrc.h"
#include "rtspconnection.h"

GST_DEBUG_CATEGORY_STATIC (rtsp_server_ingest_debug);
#define GST_CAT_DEFAULT rtsp_server_ingest_debug

/* Connections whose key has not been let in. Each has a thread, and 10 s; when
 * there are more, the oldest goes, so that a flood cannot lock the door. */
#define MAX_KNOCKING 64
/* Addresses that knocked in vain. */
#define MAX_ADDRESSES 4096
#define BACKLOG 128
#define TICK_MS 100

struct _RtspIngest {
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GSocketService *service;
  GSource *ticker;
  guint16 port;
  RtspConnectionHost host;

  /* Only the thread. */
  GQueue connections; /* of RtspConnection, the oldest first */
  gboolean closing;

  GMutex lock;
  Floodgate *gate; /* with lock */
};

/* --- connections ------------------------------------------------------------ */

typedef struct {
  RtspIngest *ingest;
  RtspConnection *connection;
} Ended;

static gboolean
on_ended_here (gpointer data)
{
  Ended *ended = data;
  RtspIngest *self = ended->ingest;

  g_queue_remove (&self->connections, ended->connection);
  rtsp_connection_free (ended->connection);
  if (self->closing && g_queue_is_empty (&self->connections))
    g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static void
on_ended (RtspConnection *connection, gpointer data)
{
  RtspIngest *self = data;
  GSource *source = g_idle_source_new ();
  Ended *ended = g_new (Ended, 1);

  ended->ingest = self;
  ended->connection = connection;
  g_source_set_callback (source, on_ended_here, ended, g_free);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static void
on_judged (RtspConnection *connection, gboolean admitted, gpointer data)
{
  RtspIngest *self = data;
  const char *peer = rtsp_connection_get_peer (connection);

  g_mutex_lock (&self->lock);
  if (admitted)
    floodgate_admitted (self->gate, peer);
  else
    floodgate_refused (self->gate, peer, g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);
}

static void
make_room (RtspIngest *self)
{
  RtspConnection *oldest = NULL;
  guint n = 0;

  for (GList *l = self->connections.head; l != NULL; l = l->next) {
    if (rtsp_connection_is_admitted (l->data))
      continue;
    if (n++ == 0)
      oldest = l->data;
  }
  if (n >= MAX_KNOCKING)
    rtsp_connection_close (oldest);
}

static gboolean
on_tick (gpointer data)
{
  RtspIngest *self = data;
  gint64 now = g_get_monotonic_time ();

  for (GList *l = self->connections.head; l != NULL; l = l->next)
    rtsp_connection_inspect (l->data, now);
  return G_SOURCE_CONTINUE;
}

static char *
get_peer (GSocketConnection *connection)
{
  g_autoptr (GSocketAddress) address =
      g_socket_connection_get_remote_address (connection, NULL);

  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return NULL;
  return g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection,
    GObject *unused, gpointer data)
{
  RtspIngest *self = data;
  g_autofree char *peer = get_peer (connection);
  gint64 delay;

  if (peer == NULL)
    return TRUE;
  make_room (self);
  g_mutex_lock (&self->lock);
  delay = floodgate_get_delay (self->gate, peer, g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);
  GST_DEBUG ("%s knocks, and waits %" G_GINT64_FORMAT " us", peer, delay);
  g_queue_push_tail (&self->connections,
      rtsp_connection_new (&self->host,
          g_socket_connection_get_socket (connection), peer, delay));
  return TRUE;
}

/* --- thread ----------------------------------------------------------------- */

static gpointer
run (gpointer data)
{
  RtspIngest *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gboolean
on_close (gpointer data)
{
  RtspIngest *self = data;

  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  self->closing = TRUE;
  for (GList *l = self->connections.head; l != NULL; l = l->next)
    rtsp_connection_close (l->data);
  if (g_queue_is_empty (&self->connections))
    g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
listen_at (RtspIngest *self, const char *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) wanted =
      g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocketAddress) got = NULL;
  GSocketListener *listener = G_SOCKET_LISTENER (self->service);

  if (wanted == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not an IP address", address);
    return FALSE;
  }
  g_socket_listener_set_backlog (listener, BACKLOG);
  if (!g_socket_listener_add_address (listener, wanted, G_SOCKET_TYPE_STREAM,
          G_SOCKET_PROTOCOL_TCP, NULL, &got, error)) {
    g_prefix_error (error, "RTSP at %s:%u: ", address, port);
    return FALSE;
  }
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  return TRUE;
}

static void
free_members (RtspIngest *self)
{
  if (self->ticker != NULL)
    g_source_destroy (self->ticker);
  g_clear_pointer (&self->ticker, g_source_unref);
  g_clear_object (&self->service);
  g_clear_object (&self->host.threads);
  floodgate_free (self->gate);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_free (self);
}

RtspIngest *
rtsp_ingest_new (
    const char *address, guint16 port, Broadcasts *broadcasts, GError **error)
{
  RtspIngest *self = g_new0 (RtspIngest, 1);
  gboolean ok;

  GST_DEBUG_CATEGORY_INIT (
      rtsp_server_ingest_debug, "rtspserver", 0, "publishers by RTSP");
  GST_ELEMENT_REGISTER (publishersrc, NULL);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->gate = floodgate_new (MAX_ADDRESSES);
  g_mutex_init (&self->lock);
  self->host.broadcasts = broadcasts;
  self->host.threads = gst_rtsp_thread_pool_new ();
  self->host.judged = on_judged;
  self->host.ended = on_ended;
  self->host.data = self;

  /* The service accepts in the context that is the default here. */
  g_main_context_push_thread_default (self->context);
  self->service = g_socket_service_new ();
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), self);
  ok = listen_at (self, address, port, error);
  g_main_context_pop_thread_default (self->context);
  if (!ok) {
    free_members (self);
    return NULL;
  }
  self->ticker = g_timeout_source_new (TICK_MS);
  g_source_set_callback (self->ticker, on_tick, self, NULL);
  g_source_attach (self->ticker, self->context);
  self->thread = g_thread_new ("rtsp-ingest", run, self);
  return self;
}

guint16
rtsp_ingest_get_port (RtspIngest *self)
{
  return self->port;
}

void
rtsp_ingest_free (RtspIngest *self)
{
  main_context_call (self->context, on_close, self);
  g_thread_join (self->thread);
  free_members (self);
}
