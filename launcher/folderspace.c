/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folderspace.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A publisher's 6 Mbit/s fill it in 22 minutes. */
#define LEAST_SPACE (G_GUINT64_CONSTANT (1) << 30)

/* Whether files can be made in @path, or it can be made itself. */
static gboolean
can_write (const char *path)
{
  g_autofree char *parent = NULL;

  if (access (path, F_OK) == 0)
    return access (path, W_OK | X_OK) == 0 &&
           g_file_test (path, G_FILE_TEST_IS_DIR);
  parent = g_path_get_dirname (path);
  return can_write (parent);
}

static guint64
get_space (const char *path)
{
  struct statvfs info;
  g_autofree char *parent = NULL;

  if (statvfs (path, &info) == 0)
    return (guint64)info.f_bavail * info.f_frsize;
  parent = g_path_get_dirname (path);
  return errno == ENOENT ? get_space (parent) : 0;
}

gboolean
folder_space_check (const char *path, char **text, GError **error)
{
  guint64 space = get_space (path);
  g_autofree char *free = g_format_size (space);

  if (!can_write (path)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "the folder %s cannot be written to", path);
    return FALSE;
  }
  if (space < LEAST_SPACE) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "%s has only %s free",
        path, free);
    return FALSE;
  }
  *text = g_strdup_printf ("%s, %s free", path, free);
  return TRUE;
}
