/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archiver.h"
#include "broadcasts.h"
#include "cachekeeper.h"
#include "notifier.h"
#include "overview.h"
#include "retention.h"
#include "viewers.h"

G_BEGIN_DECLS

/* The HTTP API: JSON at /api/v1 (data/openapi.json), server-sent events,
 * /metrics, /healthz, /readyz. A thread of its own. */
typedef struct _Api Api;

typedef struct {
  const char *address;
  guint16 port; /* 0 takes a free one */
  const char *conninfo;
  const char *openapi;        /* path of data/openapi.json */
  const char *operator_token; /* or NULL: operators are not let in by token */
  const char *rtmp_url;       /* what publishers type, or NULL: no RTMP */
  const char *rtsp_url;       /* or NULL: no RTSP */
  const char *node;
  Broadcasts *broadcasts; /* of this node, or NULL if it has no ingest */
  Keyring *keyring;       /* who may end a broadcast: its developer */
  Viewers *viewers;
  Overview *overview;
  Notifier *notifier;   /* of this node, or NULL */
  Archiver *archiver;   /* of this node, or NULL */
  CacheKeeper *keeper;  /* as well */
  Retention *retention; /* as well */
  ArchiveStore *store;  /* of this node, or NULL: it hands out no recording */
} ApiSettings;

Api *api_new (const ApiSettings *settings, GError **error);
guint16 api_get_port (Api *api);
void api_free (Api *api);

G_END_DECLS
