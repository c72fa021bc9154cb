/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "broadcasts.h"

G_BEGIN_DECLS

/* One TCP connection of a publisher, on a thread of its own: what one client
 * does, or how long its pipeline takes to start and to stop, is not noticed by
 * another. */
typedef struct _RtspConnection RtspConnection;

/* Told on the thread of the connection. */
typedef struct {
  Broadcasts *broadcasts;
  GstRTSPThreadPool *threads; /* for the media */
  /* A key was let in, or it was none. */
  void (*judged) (RtspConnection *connection, gboolean admitted, gpointer data);
  /* The last that the connection does: it is to be freed elsewhere. */
  void (*ended) (RtspConnection *connection, gpointer data);
  gpointer data;
} RtspConnectionHost;

/* @delay: us for which its first request waits. @host must outlive it. */
RtspConnection *rtsp_connection_new (const RtspConnectionHost *host,
    GSocket *socket, const char *peer, gint64 delay);
const char *rtsp_connection_get_peer (RtspConnection *connection);
/* Whether its key has been let in. From any thread. */
gboolean rtsp_connection_is_admitted (RtspConnection *connection);
/* Ends it if it should be: it did not publish in time, or does not let its own
 * thread look after it. Not on its thread; @now: monotonic, us. */
void rtsp_connection_inspect (RtspConnection *connection, gint64 now);
/* Asks it to end. From any thread. */
void rtsp_connection_close (RtspConnection *connection);
/* Waits for its end. */
void rtsp_connection_free (RtspConnection *connection);

G_END_DECLS
