/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcachewatch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cachelayout.h"

/* Inotify tells of growth at once. This is for file systems of which it tells
 * nothing, as those of a network. */
#define POLL_INTERVAL GST_SECOND

void
gst_cache_watch_init (GstCacheWatch *watch)
{
  watch->poll = gst_poll_new (TRUE);
  gst_poll_fd_init (&watch->fd);
}

void
gst_cache_watch_clear (GstCacheWatch *watch)
{
  gst_cache_watch_stop (watch);
  gst_poll_free (watch->poll);
}

gboolean
gst_cache_watch_start (
    GstCacheWatch *watch, const char *cache_dir, const char *link)
{
  g_autofree char *path =
      g_build_filename (cache_dir, link, CACHE_INDEX_NAME, NULL);
  int fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  int code;

  if (fd >= 0 && inotify_add_watch (
                     fd, path, IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF) >= 0) {
    watch->fd.fd = fd;
    gst_poll_add_fd (watch->poll, &watch->fd);
    gst_poll_fd_ctl_read (watch->poll, &watch->fd, TRUE);
    return TRUE;
  }
  code = errno;
  if (fd >= 0)
    close (fd);
  errno = code;
  return FALSE;
}

void
gst_cache_watch_stop (GstCacheWatch *watch)
{
  if (watch->fd.fd < 0)
    return;
  gst_poll_remove_fd (watch->poll, &watch->fd);
  close (watch->fd.fd);
  watch->fd.fd = -1;
}

gboolean
gst_cache_watch_wait (GstCacheWatch *watch)
{
  char events[4096];

  if (gst_poll_wait (watch->poll, POLL_INTERVAL) < 0 && errno == EBUSY)
    return FALSE;
  while (watch->fd.fd >= 0 && read (watch->fd.fd, events, sizeof events) > 0)
    ;
  return TRUE;
}

void
gst_cache_watch_set_flushing (GstCacheWatch *watch, gboolean flushing)
{
  gst_poll_set_flushing (watch->poll, flushing);
}
