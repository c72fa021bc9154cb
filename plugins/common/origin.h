/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "chunkinfo.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* The origin: one per address and port in the process. It serves what elements
 * push into it over HTTP, outlives them, and knows neither GStreamer nor the
 * HTTP library. All functions may be called from any thread and none blocks on
 * disk or network. */
typedef struct _Origin Origin;
typedef struct _OriginBroadcast OriginBroadcast;

/* ns; what a window has unless somebody asks for another. */
#define ORIGIN_MEMORY_WINDOW G_GUINT64_CONSTANT (12000000000)
#define ORIGIN_CACHED_DVR_WINDOW G_GUINT64_CONSTANT (300000000000)
#define ORIGIN_APPEND_GRACE G_GUINT64_CONSTANT (250000000)

typedef struct {
  guint64 memory_window; /* ns of media kept in memory */
  guint64 dvr_window;    /* ns of media a live playlist lists */
  guint64
      append_grace; /* ns a part waits for the store before it is listed anyway */
} OriginWindow;

/* What happened to a broadcast so far. */
typedef struct {
  guint64 parts;            /* listed */
  guint64 parts_not_stored; /* of these: the store was late */
  guint64 dropped;          /* chunks that did not continue the broadcast */
  guint waiting;            /* requests that are held now */
  /* Of the parts that were listed lately, ns from the last frame's coming to the
   * packager; ORIGIN_NO_LATENCY: there are none. */
  guint64 part_latency_median;
  guint64 part_latency_p99;
} OriginStats;

#define ORIGIN_NO_LATENCY G_MAXUINT64

/* Gives the origin of @address:@port, started if there is none (transfer full).
 * Port 0 takes a free one. */
Origin *origin_acquire (const char *address, guint16 port, GError **error);
Origin *origin_ref (Origin *origin);
void origin_unref (Origin *origin);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Origin, origin_unref)
guint16 origin_get_port (Origin *origin);

/* Which folder answers for what is not, or no longer, in memory. One per
 * origin: FALSE and @error if another was set before. */
gboolean origin_set_cache_dir (
    Origin *origin, const char *cache_dir, GError **error);

/* Puts @link on air, or takes up a link whose publisher dropped. FALSE/NULL and
 * @error if somebody else is publishing it now. (transfer full) */
OriginBroadcast *origin_publish (Origin *origin, const char *link,
    const OriginWindow *window, GError **error);
void origin_broadcast_set_tracks (
    OriginBroadcast *broadcast, TrackTable *table);
/* Takes no ownership; keeps a reference on @bytes as long as it needs. */
void origin_broadcast_push (
    OriginBroadcast *broadcast, const ChunkInfo *info, GBytes *bytes);
void origin_broadcast_get_stats (
    OriginBroadcast *broadcast, OriginStats *stats);
/* The publisher is gone: the link stays on air, interrupted, for @resume_window
 * ns, then ends; with 0 it ends now. Frees @broadcast (not the link). */
void origin_broadcast_leave (OriginBroadcast *broadcast, guint64 resume_window);

/* Ends an interrupted link before its window has passed. FALSE: it is not on
 * air, or somebody is publishing it. */
gboolean origin_end (Origin *origin, const char *link);

/* Whether a player that comes to @link now finds its playlists complete. */
gboolean origin_is_playable (Origin *origin, const char *link);

/* When something of @link was last sent from the cache, in us of the monotonic
 * clock; 0: not in the last minutes. A link on air is read now. */
gint64 origin_get_last_read (Origin *origin, const char *link);
/* @link was cleared from the cache: what is left of it in memory is not served
 * any more. One that is on air and has not ended stays. */
void origin_forget (Origin *origin, const char *link);

/* The latest thumbnail of @link, a whole JPEG. Needs no publish: another branch
 * of the pipeline makes it. Forgotten when the link leaves the air. */
void origin_set_poster (Origin *origin, const char *link, GBytes *jpeg);

G_END_DECLS
