/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filetree.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

static gboolean
fail (GError **error, const char *path, const char *what)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
      "%s cannot be %s: %s", path, what, g_strerror (number));
  return FALSE;
}

gboolean
file_tree_remove (const char *path, GError **error)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK) &&
      (dir = g_dir_open (path, 0, NULL)) != NULL)
    while ((name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (!file_tree_remove (child, error))
        return FALSE;
    }
  return g_remove (path) == 0 || errno == ENOENT ||
         fail (error, path, "removed");
}

static gboolean
publish_file (const char *from, const char *to, GError **error)
{
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) copy = g_file_new_for_path (to);

  return g_file_copy (
             source, copy, G_FILE_COPY_NONE, NULL, NULL, NULL, error) &&
         (g_chmod (to, 0644) == 0 || fail (error, to, "shown to everybody"));
}

gboolean
file_tree_publish (const char *from, const char *to, GError **error)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (from, G_FILE_TEST_IS_DIR))
    return publish_file (from, to, error);
  if (g_mkdir (to, 0755) != 0 || g_chmod (to, 0755) != 0)
    return fail (error, to, "made");
  dir = g_dir_open (from, 0, error);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *source = g_build_filename (from, name, NULL);
    g_autofree char *copy = g_build_filename (to, name, NULL);

    if (!file_tree_publish (source, copy, error))
      return FALSE;
  }
  return dir != NULL;
}
