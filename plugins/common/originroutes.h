/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "link.h"

G_BEGIN_DECLS

typedef enum {
  ORIGIN_ROUTE_MASTER,  /* /live/<link>/master.m3u8 */
  ORIGIN_ROUTE_POSTER,  /* /live/<link>/poster.jpg */
  ORIGIN_ROUTE_MEDIA,   /* /live/<link>/<track>/index.m3u8 */
  ORIGIN_ROUTE_INIT,    /* /live/<link>/<track>/init-<epoch>.mp4 */
  ORIGIN_ROUTE_SEGMENT, /* /live/<link>/<track>/<epoch>-<msn>.m4s */
  ORIGIN_ROUTE_PART,    /* /live/<link>/<track>/<epoch>-<msn>.<part>.m4s */
} OriginRouteKind;

/* What a URL of the origin asks for. */
typedef struct {
  OriginRouteKind kind;
  char link[LINK_MAX_LENGTH + 1];
  char track[LINK_MAX_LENGTH + 1]; /* from MEDIA on */
  guint32 epoch;                   /* from INIT on */
  guint64 msn;                     /* from SEGMENT on */
  guint32 part;                    /* PART */
} OriginRoute;

gboolean origin_route_parse (const char *path, OriginRoute *route);

G_END_DECLS
