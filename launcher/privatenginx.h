/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An nginx of our own, from data/nginx/node.conf.in: pages, API and media on
 * one port, and the RTMP module. Dies with this process, and is started again
 * when it dies alone. */
typedef struct _PrivateNginx PrivateNginx;

typedef struct {
  const char *template; /* data/nginx/node.conf.in */
  const char *prefix;   /* folder for its files, made if it is not there */
  const char *www;      /* folder of the pages */
  const char *address;  /* of the pages */
  guint16 port;
  const char *origin; /* host:port */
  const char *api;    /* host:port */
  const char *rtmp_address;
  guint16 rtmp_port;
  const char *hook;     /* host:port */
  guint16 control_port; /* on 127.0.0.1, for the RTMP ingest */
} PrivateNginxSettings;

PrivateNginx *private_nginx_start (
    const PrivateNginxSettings *settings, GError **error);
void private_nginx_free (PrivateNginx *nginx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PrivateNginx, private_nginx_free)

G_END_DECLS
