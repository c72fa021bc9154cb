/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accesslog.h"

#include <gio/gio.h>
#include <sys/socket.h>

#include "accessline.h"
#include "keyedhash.h"

/* What matters of a line is at its begin, before the user agent; of a longer one
 * the rest is cut off. */
#define MAX_LINE 4096
/* What waits for the thread: some hundred lines, a burst. Of a flood the kernel
 * throws away what is more, and the figures are too low; nobody waits for it.
 * The API shares only the lock of the Viewers with this thread, which holds it
 * for some look-ups a line. */
#define RECEIVE_BUFFER (1024 * 1024)

struct _AccessLog {
  GSocket *socket;
  guint16 port;
  Viewers *viewers;
  KeyedHash *hash;
  GCancellable *ending;
  GThread *thread;
};

static void
count (AccessLog *log, const char *text, gsize length)
{
  gint64 now = g_get_monotonic_time ();
  AccessLine line;

  if (!access_line_parse (&line, text, length))
    return;
  if (line.is_watching)
    viewers_add_player (log->viewers, line.link,
        keyed_hash_compute (log->hash, line.who, line.who_length), now);
  viewers_add_bytes (log->viewers, line.link, line.bytes, now);
}

static gpointer
run (gpointer data)
{
  AccessLog *log = data;
  char text[MAX_LINE];

  while (!g_cancellable_is_cancelled (log->ending)) {
    g_autoptr (GError) error = NULL;
    gssize length =
        g_socket_receive (log->socket, text, sizeof text, log->ending, &error);

    if (length >= 0)
      count (log, text, (gsize)length);
    else if (!g_cancellable_is_cancelled (log->ending))
      g_debug ("The log of the media: %s", error->message);
  }
  return NULL;
}

/* (transfer full) */
static GSocket *
open_socket (const char *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) wanted =
      g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocket) socket = NULL;

  if (wanted == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is not a numeric IPv4 or IPv6 address", address);
    return NULL;
  }
  socket = g_socket_new (g_socket_address_get_family (wanted),
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);
  if (socket == NULL)
    return NULL;
  /* Two that share a port would each see half of the log. */
  if (!g_socket_bind (socket, wanted, FALSE, error)) {
    g_prefix_error (error, "UDP port %u of %s: ", port, address);
    return NULL;
  }
  /* As much of it as the kernel grants. */
  g_socket_set_option (socket, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER, NULL);
  return g_steal_pointer (&socket);
}

AccessLog *
access_log_new (
    const char *address, guint16 port, Viewers *viewers, GError **error)
{
  g_autoptr (GSocket) socket = open_socket (address, port, error);
  g_autoptr (GSocketAddress) local = NULL;
  AccessLog *log;

  if (socket == NULL)
    return NULL;
  local = g_socket_get_local_address (socket, error);
  if (local == NULL)
    return NULL;
  log = g_new0 (AccessLog, 1);
  log->socket = g_steal_pointer (&socket);
  log->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  log->viewers = viewers;
  log->hash = keyed_hash_new ();
  log->ending = g_cancellable_new ();
  log->thread = g_thread_new ("access-log", run, log);
  return log;
}

guint16
access_log_get_port (AccessLog *log)
{
  return log->port;
}

void
access_log_free (AccessLog *log)
{
  if (log == NULL)
    return;
  g_cancellable_cancel (log->ending);
  g_thread_join (log->thread);
  g_object_unref (log->ending);
  keyed_hash_free (log->hash);
  g_object_unref (log->socket);
  g_free (log);
}
