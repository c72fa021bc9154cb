/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* Takes publishers by RTMP through nginx's RTMP module: answers its on_publish
 * and on_publish_done, and has the pipelines pull with rtmp2src. nginx renames
 * an admitted stream to the ticket that we answer, so no key is in the address
 * that is pulled or logged. Runs on a thread of its own. */
typedef struct _RtmpIngest RtmpIngest;

typedef struct {
  const char *hook_address; /* where nginx asks: /publish, /publish-done */
  guint16 hook_port;        /* 0 takes a free one */
  const char *pull;         /* rtmp://127.0.0.1:1935/live: where we pull; may be
                               set later, as the port of nginx may be */
  const char *control;      /* http://127.0.0.1:8080/control: nginx's RTMP
                               control module, which drops publishers */
} RtmpIngestSettings;

RtmpIngest *rtmp_ingest_new (
    const RtmpIngestSettings *settings, Broadcasts *broadcasts, GError **error);
guint16 rtmp_ingest_get_hook_port (RtmpIngest *ingest);
void rtmp_ingest_free (RtmpIngest *ingest);

G_END_DECLS
