/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* Takes publishers by RTMP through nginx's RTMP module: answers what it asks,
 * and has the pipelines pull with rtmp2src. nginx renames an admitted stream to
 * the ticket that we answer, so no key is in the address that is pulled, and no
 * one but us can play it. Runs on a thread of its own.
 *
 * nginx asks /publish, /publish-done, /play and /update (on_publish and so on,
 * see data/nginx/node.conf.in). Only /publish and /publish-done are needed;
 * /play has the pull be there before the first frame, /update notices an nginx
 * or a publisher that is gone without a word. */
typedef struct _RtmpIngest RtmpIngest;

typedef struct {
  const char *hook_address; /* where nginx asks; peers other than this machine
                               and the host in @pull are refused */
  guint16 hook_port;        /* 0 takes a free one */
  const char *pull;         /* rtmp://127.0.0.1:1935/live: where we pull */
  const char *control;      /* http://127.0.0.1:8083/control, nginx's RTMP
                               control module, which drops publishers at once;
                               or NULL: they are dropped at the next update */
} RtmpIngestSettings;

RtmpIngest *rtmp_ingest_new (
    const RtmpIngestSettings *settings, Broadcasts *broadcasts, GError **error);
guint16 rtmp_ingest_get_hook_port (RtmpIngest *ingest);
/* Ends all publications, and joins the threads. */
void rtmp_ingest_free (RtmpIngest *ingest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RtmpIngest, rtmp_ingest_free)

G_END_DECLS
