/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What nginx's RTMP module tells of one of its clients: the form that it posts
 * for on_publish, on_play, on_update and the like. Nearly every field is what
 * that client sent, so this reads foreign bytes. */
typedef struct {
  char *call; /* "publish", "publish_done", "update_publish", "play", ... */
  char *app;  /* of the address */
  char *name; /* of the stream: as the client sent it, so the key */
  char *address;
  char *client; /* number of the connection, unique until nginx ends */
  gint64 time;  /* ms of media received so far, or -1 if not told */
} RtmpCall;

/* Longer ones are no key, and no address. */
#define RTMP_CALL_MAX_VALUE 256

/* FALSE: @body is no such form, lacks a field, or has one twice. nginx appends
 * the arguments of the publisher's address as they are; so whoever says
 * `KEY?addr=...` would choose what we read. @error never has a value. */
gboolean rtmp_call_parse (
    RtmpCall *call, const char *body, gsize length, GError **error);
void rtmp_call_clear (RtmpCall *call);

G_END_DECLS
