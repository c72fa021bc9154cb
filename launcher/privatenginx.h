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
  const char *origin;    /* host:port, or NULL: no media here */
  const char *media_log; /* host:port for its log of the media, or NULL */
  const char *api;       /* host:port, or NULL: no API here */
  const char *cloud; /* whence recordings come: http(s)://host:port, or NULL */
  /* What follows is for RTMP only. */
  const char *rtmp_address;
  guint16 rtmp_port;    /* 0: no RTMP; the pull is at 127.0.0.1 in any case */
  const char *hook;     /* host:port */
  guint16 control_port; /* on 127.0.0.1, for the RTMP ingest */
} PrivateNginxSettings;

/* Blocks until it listens on all ports. The error says why it does not, in
 * nginx's words: which port is taken, which module is missing. Started as root,
 * its workers run as www-data, who must be able to read the pages. */
PrivateNginx *private_nginx_start (
    const PrivateNginxSettings *settings, GError **error);
/* Ends it at once, with all connections: what should end well before that, like
 * broadcasts, must have ended. */
void private_nginx_free (PrivateNginx *nginx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PrivateNginx, private_nginx_free)

G_END_DECLS
