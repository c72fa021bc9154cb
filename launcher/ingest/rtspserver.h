/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* Takes publishers by RTSP RECORD at rtsp://address:port/live/<stream key>, by
 * interleaved TCP only. Runs on a thread of its own. */
typedef struct _RtspIngest RtspIngest;

/* @port 0 takes a free one. */
RtspIngest *rtsp_ingest_new (
    const char *address, guint16 port, Broadcasts *broadcasts, GError **error);
guint16 rtsp_ingest_get_port (RtspIngest *ingest);
/* Drops all publishers and joins the thread. */
void rtsp_ingest_free (RtspIngest *ingest);

G_END_DECLS
