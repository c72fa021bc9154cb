/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filetree.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
make_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("filetree.XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static void
write_file (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (
      path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
assert_mode (const char *path, guint mode)
{
  GStatBuf info;

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, mode);
}

static void
test_filetree_publish (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *from = g_build_filename (folder, "from", NULL);
  g_autofree char *inner = g_build_filename (from, "inner", NULL);
  g_autofree char *file = g_build_filename (inner, "file", NULL);
  g_autofree char *link = g_build_filename (from, "link", NULL);
  g_autofree char *to = g_build_filename (folder, "to", NULL);
  g_autofree char *copy = g_build_filename (to, "inner", "file", NULL);
  g_autofree char *copied_inner = g_build_filename (to, "inner", NULL);
  g_autofree char *copied_link = g_build_filename (to, "link", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  mode_t mask = umask (077);

  g_assert_cmpint (g_mkdir_with_parents (inner, 0700), ==, 0);
  write_file (file, "text");
  g_assert_cmpint (symlink ("inner/file", link), ==, 0);
  g_assert_true (file_tree_publish (from, to, &error));
  g_assert_no_error (error);
  umask (mask);
  assert_mode (to, 0755);
  assert_mode (copied_inner, 0755);
  assert_mode (copy, 0644);
  g_assert_true (g_file_get_contents (copy, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "text");
  g_assert_false (g_file_test (copied_link, G_FILE_TEST_IS_SYMLINK));
  assert_mode (copied_link, 0644);

  /* It does not mix with what is there. */
  g_assert_false (file_tree_publish (from, to, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_true (file_tree_remove (folder, NULL));
}

static void
test_filetree_remove (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *kept = make_folder ();
  g_autofree char *file = g_build_filename (kept, "file", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autofree char *inner = g_build_filename (folder, "a", "b", NULL);
  g_autoptr (GError) error = NULL;

  write_file (file, "text");
  g_assert_cmpint (symlink (kept, link), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (inner, 0700), ==, 0);
  g_assert_true (file_tree_remove (folder, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
  g_assert_true (file_tree_remove (folder, &error));
  g_assert_true (file_tree_remove (kept, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filetree/publish", test_filetree_publish);
  g_test_add_func ("/filetree/remove", test_filetree_remove);
  return g_test_run ();
}
