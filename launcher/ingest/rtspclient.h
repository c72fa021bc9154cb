/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

#include "rtsppublisher.h"

G_BEGIN_DECLS

/* One publisher as RTSP sees it: which requests are answered, and how. */
#define RTSP_TYPE_CLIENT (rtsp_client_get_type ())
G_DECLARE_FINAL_TYPE (RtspClient, rtsp_client, RTSP, CLIENT, GstRTSPClient)

/* What the client asks of its connection, all on the thread that it is attached
 * to. A function that refuses answers with a status and sets @reason, a
 * sentence for the developer; 0 is consent. */
typedef struct {
  /* Whether @key may publish. At most once. */
  guint (*announced) (const char *key, char **reason, gpointer data);
  /* The streams are known: what takes them from @receiver. Once, after
   * announced(). (transfer full) */
  RtspPublisher *(*described) (
      const GPtrArray *codecs, GstElement *receiver, gpointer data);
  /* The publisher is about to send. */
  guint (*recording) (char **reason, gpointer data);
  /* The connection is of no more use once the answer is out. */
  void (*finished) (gpointer data);
} RtspClientFuncs;

/* @data must outlive the connection of the client. */
RtspClient *rtsp_client_new (const RtspClientFuncs *funcs, gpointer data);

G_END_DECLS
