/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcachemessages.h"

GstMessage *
gst_cache_message_laid_out (
    GstObject *source, const char *link, CachePiece *piece, GError **error)
{
  gboolean changed = cache_piece_get_state (piece) == CACHE_PIECE_CHANGED;
  CachePieceSummary summary;
  guint32 epoch = 0;
  guint64 msn;

  if (!cache_piece_summarize (piece, &summary, error))
    return NULL;
  if (changed)
    cache_piece_get_change (piece, &epoch, &msn);
  return gst_message_new_element (source,
      gst_structure_new ("cachesrc-laid-out", "link", G_TYPE_STRING, link,
          "size", G_TYPE_UINT64, summary.size, "crc32c", G_TYPE_UINT,
          summary.crc32c, "duration", G_TYPE_UINT64, summary.duration,
          "incomplete", G_TYPE_BOOLEAN, summary.incomplete, "changed",
          G_TYPE_BOOLEAN, changed, "epoch", G_TYPE_UINT, epoch, NULL));
}

GstMessage *
gst_cache_message_init_changed (
    GstObject *source, const char *link, CachePiece *piece)
{
  guint32 epoch;
  guint64 msn;

  cache_piece_get_change (piece, &epoch, &msn);
  return gst_message_new_element (source,
      gst_structure_new ("cachesrc-init-changed", "link", G_TYPE_STRING, link,
          "epoch", G_TYPE_UINT, epoch, "msn", G_TYPE_UINT64, msn, NULL));
}

GstMessage *
gst_cache_message_time_set (
    GstObject *source, const char *link, guint32 epoch, const CachePacer *pacer)
{
  return gst_message_new_element (source,
      gst_structure_new ("cachesrc-time-set", "link", G_TYPE_STRING, link,
          "epoch", G_TYPE_UINT, epoch, "time", G_TYPE_UINT64, pacer->pts,
          "wallclock", G_TYPE_INT64, pacer->wallclock / (gint64)GST_USECOND,
          "delay", G_TYPE_UINT64, pacer->delay, NULL));
}
