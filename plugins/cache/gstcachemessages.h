/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "cachepacer.h"
#include "cachepiece.h"

G_BEGIN_DECLS

/* What cachesrc tells; gstcachesrc.c documents the fields. */

/* Of a piece that does not grow any more; NULL and @error if its index cannot be
 * read. */
GstMessage *gst_cache_message_laid_out (
    GstObject *source, const char *link, CachePiece *piece, GError **error);
/* Of a piece that ended with that. */
GstMessage *gst_cache_message_init_changed (
    GstObject *source, const char *link, CachePiece *piece);
GstMessage *gst_cache_message_time_set (GstObject *source, const char *link,
    guint32 epoch, const CachePacer *pacer);

G_END_DECLS
