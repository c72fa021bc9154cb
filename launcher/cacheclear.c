/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cacheclear.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "cachelayout.h"

static gboolean
is_ours (const char *name)
{
  return g_str_equal (name, CACHE_INDEX_NAME) ||
         g_str_equal (name, CACHE_JOINT_NAME) ||
         g_str_has_prefix (name, "broadcast.json") ||
         g_str_has_suffix (name, ".cmaf");
}

/* (transfer full): the names of what is in the folder. */
static GPtrArray *
read_names (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "Cannot read the folder %s: %s", path, g_strerror (errno));
    return NULL;
  }
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  return g_steal_pointer (&names);
}

static gboolean
check_names (const CacheFolder *folder, GPtrArray *names, GError **error)
{
  for (guint i = 0; i < names->len; i++)
    if (!is_ours (names->pdata[i]))
      return cache_folder_refuse (folder, names->pdata[i],
          "is not of the store; nothing was deleted", error);
  return TRUE;
}

/* Takes the writer's lock. The descriptor holds it. */
static int
lock_index (const CacheFolder *folder, GError **error)
{
  int fd = cache_folder_open_file (folder, CACHE_INDEX_NAME, O_RDWR, error);

  if (fd < 0)
    return -1;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (errno == EWOULDBLOCK)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
        "%s is on air: somebody writes to %s", folder->link, folder->path);
  else
    cache_folder_fail (folder, CACHE_INDEX_NAME, "lock", errno, error);
  close (fd);
  return -1;
}

static gboolean
delete_folder (const char *path, GPtrArray *names, GError **error)
{
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *file = g_build_filename (path, names->pdata[i], NULL);

    if (g_unlink (file) != 0 && errno != ENOENT) {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
          "Cannot delete %s: %s", file, g_strerror (errno));
      return FALSE;
    }
  }
  if (g_rmdir (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "Cannot delete the folder %s: %s", path, g_strerror (errno));
  return FALSE;
}

/* Nothing but what cache_clear() would have deleted. */
void
cache_clear_remains (const char *cache_dir, const char *name)
{
  g_autofree char *path = g_build_filename (cache_dir, name, NULL);
  g_autoptr (GPtrArray) names = NULL;
  GStatBuf info;

  if (g_lstat (path, &info) != 0 || !S_ISDIR (info.st_mode))
    return;
  names = read_names (path, NULL);
  for (guint i = 0; names != NULL && i < names->len; i++)
    if (!is_ours (names->pdata[i]))
      return;
  if (names != NULL)
    delete_folder (path, names, NULL);
}

static gboolean
clear_locked (const CacheFolder *folder, const char *cache_dir, GError **error)
{
  g_autofree char *name = g_strconcat (CACHE_REMAINS, folder->link, NULL);
  g_autofree char *remains = g_build_filename (cache_dir, name, NULL);
  g_autoptr (GPtrArray) names = read_names (folder->path, error);

  if (names == NULL || !check_names (folder, names, error))
    return FALSE;
  cache_clear_remains (cache_dir, name);
  if (g_rename (folder->path, remains) != 0)
    return cache_folder_fail (folder, ".", "rename", errno, error);
  return delete_folder (remains, names, error);
}

gboolean
cache_clear (const char *cache_dir, const char *link, GError **error)
{
  CacheFolder folder = {.fd = -1};
  gboolean done = FALSE;
  int fd;

  if (cache_folder_open (&folder, cache_dir, link, error)) {
    fd = lock_index (&folder, error);
    done = fd >= 0 && clear_locked (&folder, cache_dir, error);
    if (fd >= 0)
      close (fd);
  }
  cache_folder_clear (&folder);
  return done;
}

gboolean
cache_is_read (const char *cache_dir, const char *link)
{
  CacheFolder folder = {.fd = -1};
  gboolean is_read;

  is_read = cache_folder_open (&folder, cache_dir, link, NULL) &&
            flock (folder.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  cache_folder_clear (&folder);
  return is_read;
}
