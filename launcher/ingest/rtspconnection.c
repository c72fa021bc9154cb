/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtspconnection.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtspclient.h"

GST_DEBUG_CATEGORY_STATIC (rtsp_connection_debug);
#define GST_CAT_DEFAULT rtsp_connection_debug

/* From its connection to RECORD: far more than a slow line needs. */
#define KNOCKING_TIME (10 * G_TIME_SPAN_SECOND)
/* All that a publisher sends before RECORD is 3 kB. */
#define KNOCKING_BYTES 65536
/* The library reads a header that has no end without coming back. */
#define BUSY_TIME (10 * G_TIME_SPAN_SECOND)
/* The client reads its answer in that time, and may close first. */
#define LINGER_MS 1000
#define TICK_MS 250

struct _RtspConnection {
  RtspConnectionHost host;
  GSocket *socket;
  int fd; /* of it, but ours: the library closes its own when it likes */
  char *peer;
  gint64 delay;

  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  int admitted; /* atomic */

  GMutex lock;
  gint64 deadline; /* with lock; monotonic, us: of RECORD */
  gint64 alive;    /* with lock; monotonic, us: when its loop last ran */

  /* Only the thread of the connection. */
  RtspClient *client;
  GSource *ticker, *lingerer;
  Publication *publication; /* until the publisher takes it */
  RtspPublisher *publisher;
};

/* --- ends ------------------------------------------------------------------- */

static gboolean
on_quit (gpointer data)
{
  RtspConnection *self = data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static GSource *
add_source (RtspConnection *self, GSource *source, GSourceFunc func)
{
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
  return source;
}

void
rtsp_connection_close (RtspConnection *self)
{
  g_source_unref (add_source (self, g_idle_source_new (), on_quit));
}

/* A PublicationDropped. */
static void
on_dropped (Publication *publication, const char *reason, gpointer data)
{
  RtspConnection *self = data;

  GST_INFO ("%s is dropped: %s", self->peer, reason);
  rtsp_connection_close (self);
}

static void
on_failed (const char *reason, gpointer data)
{
  RtspConnection *self = data;

  GST_WARNING ("%s is dropped: %s", self->peer, reason);
  rtsp_connection_close (self);
}

/* The answer is still to be sent. */
static void
on_finished (gpointer data)
{
  RtspConnection *self = data;

  if (self->lingerer == NULL)
    self->lingerer =
        add_source (self, g_timeout_source_new (LINGER_MS), on_quit);
}

static guint64
get_received (RtspConnection *self)
{
  struct tcp_info info = {0};
  socklen_t size = sizeof info;

  getsockopt (self->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_bytes_received;
}

static const char *
find_fault (RtspConnection *self, gint64 now)
{
  const char *fault = NULL;

  g_mutex_lock (&self->lock);
  if (now > self->deadline)
    fault = "it did not begin to publish";
  else if (self->deadline != G_MAXINT64 && get_received (self) > KNOCKING_BYTES)
    fault = "its requests are too long";
  else if (now - self->alive > BUSY_TIME)
    fault = "it keeps its thread busy";
  g_mutex_unlock (&self->lock);
  return fault;
}

/* Also for a thread that is reading, and without a farewell, so that nothing of
 * what is still under way is kept. */
static void
abort_socket (RtspConnection *self)
{
  struct linger linger = {.l_onoff = 1, .l_linger = 0};

  setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  shutdown (self->fd, SHUT_RDWR);
}

void
rtsp_connection_inspect (RtspConnection *self, gint64 now)
{
  const char *fault = find_fault (self, now);

  if (fault == NULL)
    return;
  GST_INFO ("%s is dropped: %s", self->peer, fault);
  rtsp_connection_close (self);
  abort_socket (self);
}

static gboolean
on_tick (gpointer data)
{
  RtspConnection *self = data;
  gint64 now = g_get_monotonic_time ();
  const char *fault = NULL;

  g_mutex_lock (&self->lock);
  self->alive = now;
  g_mutex_unlock (&self->lock);
  if (self->publisher != NULL)
    fault = rtsp_publisher_check (self->publisher, now);
  if (fault == NULL)
    return G_SOURCE_CONTINUE;
  GST_INFO ("%s is dropped: %s", self->peer, fault);
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

/* --- what the client asks --------------------------------------------------- */

/* RFC 2326 takes the status codes of HTTP where it has none of its own. */
static guint
to_status (Admission admission)
{
  switch (admission) {
    case ADMISSION_OK:
      return 0;
    case ADMISSION_UNKNOWN_KEY:
    case ADMISSION_REVOKED_KEY:
    case ADMISSION_ENDED:
      return GST_RTSP_STS_FORBIDDEN;
    case ADMISSION_BUSY:
    case ADMISSION_ELSEWHERE:
      return 409;
    case ADMISSION_FULL:
      return GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH;
    case ADMISSION_CLOSED:
      break;
  }
  return GST_RTSP_STS_SERVICE_UNAVAILABLE;
}

static guint
on_announced (const char *key, char **reason, gpointer data)
{
  RtspConnection *self = data;
  Admission admission = broadcasts_admit (self->host.broadcasts, key, "rtsp",
      self->peer, on_dropped, self, &self->publication, reason);

  if (admission == ADMISSION_OK) {
    g_atomic_int_set (&self->admitted, TRUE);
    self->host.judged (self, TRUE, self->host.data);
  } else if (admission == ADMISSION_UNKNOWN_KEY ||
             admission == ADMISSION_REVOKED_KEY) {
    self->host.judged (self, FALSE, self->host.data);
  }
  return to_status (admission);
}

static RtspPublisher *
on_described (const GPtrArray *codecs, GstElement *receiver, gpointer data)
{
  RtspConnection *self = data;

  self->publisher = rtsp_publisher_new (
      g_steal_pointer (&self->publication), codecs, receiver, on_failed, self);
  return rtsp_publisher_ref (self->publisher);
}

static guint
on_recording (char **reason, gpointer data)
{
  RtspConnection *self = data;
  g_autoptr (GError) error = NULL;

  if (!rtsp_publisher_start (self->publisher, &error)) {
    GST_WARNING ("%s: %s", self->peer, error->message);
    *reason = g_strdup ("The broadcast cannot be started on this node");
    return GST_RTSP_STS_SERVICE_UNAVAILABLE;
  }
  g_mutex_lock (&self->lock);
  self->deadline = G_MAXINT64;
  g_mutex_unlock (&self->lock);
  return 0;
}

/* --- thread ----------------------------------------------------------------- */

static void
on_closed (GstRTSPClient *client, gpointer data)
{
  RtspConnection *self = data;

  g_main_loop_quit (self->loop);
}

static void
make_client (RtspConnection *self)
{
  static const RtspClientFuncs funcs = {
      .announced = on_announced,
      .described = on_described,
      .recording = on_recording,
      .finished = on_finished,
  };

  self->client = rtsp_client_new (&funcs, self);
  gst_rtsp_client_set_thread_pool (
      GST_RTSP_CLIENT (self->client), self->host.threads);
  g_signal_connect (self->client, "closed", G_CALLBACK (on_closed), self);
}

static gboolean
on_admit (gpointer data)
{
  RtspConnection *self = data;
  GstRTSPConnection *connection;

  if (gst_rtsp_connection_create_from_socket (
          self->socket, self->peer, 0, NULL, &connection) != GST_RTSP_OK ||
      !gst_rtsp_client_set_connection (
          GST_RTSP_CLIENT (self->client), connection))
    g_main_loop_quit (self->loop);
  else
    gst_rtsp_client_attach (GST_RTSP_CLIENT (self->client), self->context);
  return G_SOURCE_REMOVE;
}

static void
remove_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* The publication goes first, since the threads of the media may wait in its
 * pipeline. */
static void
tear_down (RtspConnection *self)
{
  remove_source (&self->ticker);
  remove_source (&self->lingerer);
  shutdown (self->fd, SHUT_RDWR);
  if (self->publisher != NULL)
    rtsp_publisher_stop (self->publisher);
  g_clear_pointer (&self->publication, publication_end);
  gst_rtsp_client_close (GST_RTSP_CLIENT (self->client));
  g_clear_object (&self->client);
  g_clear_pointer (&self->publisher, rtsp_publisher_unref);
  /* What the library has put off: it holds references. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
}

static gpointer
run (gpointer data)
{
  RtspConnection *self = data;
  GSource *opener = g_timeout_source_new (self->delay / 1000);

  g_main_context_push_thread_default (self->context);
  make_client (self);
  self->ticker = add_source (self, g_timeout_source_new (TICK_MS), on_tick);
  g_source_unref (add_source (self, opener, on_admit));
  g_main_loop_run (self->loop);
  tear_down (self);
  g_main_context_pop_thread_default (self->context);
  self->host.ended (self, self->host.data);
  return NULL;
}

RtspConnection *
rtsp_connection_new (const RtspConnectionHost *host, GSocket *socket,
    const char *peer, gint64 delay)
{
  RtspConnection *self = g_new0 (RtspConnection, 1);

  GST_DEBUG_CATEGORY_INIT (
      rtsp_connection_debug, "rtspingest", 0, "publishers by RTSP");
  self->host = *host;
  self->socket = g_object_ref (socket);
  self->fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 3);
  self->peer = g_strdup (peer);
  self->delay = delay;
  g_mutex_init (&self->lock);
  self->alive = g_get_monotonic_time ();
  self->deadline = self->alive + delay + KNOCKING_TIME;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new ("rtsp-publisher", run, self);
  return self;
}

const char *
rtsp_connection_get_peer (RtspConnection *self)
{
  return self->peer;
}

gboolean
rtsp_connection_is_admitted (RtspConnection *self)
{
  return g_atomic_int_get (&self->admitted);
}

void
rtsp_connection_free (RtspConnection *self)
{
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_object_unref (self->socket);
  if (self->fd >= 0)
    close (self->fd);
  g_mutex_clear (&self->lock);
  g_free (self->peer);
  g_free (self);
}
