/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define BROADCAST_CONTEXT_TYPE "wishcast.broadcast"

/* How an element of a broadcast's pipeline learns which broadcast it serves. */
typedef struct {
  char *link;
  char *id;              /* UUID, or NULL */
  char *game;            /* or NULL */
  guint64 resume_window; /* ns, 0: the end of the stream is the end */
} BroadcastInfo;

void broadcast_info_free (BroadcastInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BroadcastInfo, broadcast_info_free)

GstContext *broadcast_context_new (const BroadcastInfo *info);
BroadcastInfo *broadcast_context_parse (GstContext *context);
BroadcastInfo *broadcast_context_ask (
    GstElement *element, const char *link_property);

G_END_DECLS
