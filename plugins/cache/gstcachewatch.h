/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Waits for the store of a link to grow. Belongs to one thread, but for
 * gst_cache_watch_set_flushing(). */
typedef struct {
  GstPoll *poll;
  GstPollFD fd; /* -1 without inotify */
} GstCacheWatch;

void gst_cache_watch_init (GstCacheWatch *watch);
void gst_cache_watch_clear (GstCacheWatch *watch);

/* Before the first look at the store, so that nothing is missed between. FALSE
 * and errno: it cannot be watched, and is looked at now and then. */
gboolean gst_cache_watch_start (
    GstCacheWatch *watch, const char *cache_dir, const char *link);
void gst_cache_watch_stop (GstCacheWatch *watch);
/* Until something may have been appended. FALSE: it is flushing. */
gboolean gst_cache_watch_wait (GstCacheWatch *watch);
void gst_cache_watch_set_flushing (GstCacheWatch *watch, gboolean flushing);

G_END_DECLS
