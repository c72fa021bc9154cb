/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file of open broadcasts: everything comes back, nothing damaged does. */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "statefile.h"
#include "storekit.h"

#define T0 G_GINT64_CONSTANT (1700000000123456)

static Broadcast *
make (const char *link, BroadcastState state)
{
  Broadcast *broadcast = g_new0 (Broadcast, 1);

  broadcast->link = g_strdup (link);
  broadcast->key_id = g_strdup ("abcdefgh");
  broadcast->game = g_strdup ("half-life");
  broadcast->title = g_strdup ("Half-Life \"\\\n\u00e9\U0001f3ae");
  broadcast->broadcaster = G_MAXINT64;
  broadcast->broadcaster_name = g_strdup ("");
  broadcast->state = state;
  broadcast->created = T0;
  broadcast->since = T0 + 1;
  broadcast->resume_until = state == BROADCAST_INTERRUPTED ? T0 + 90000000 : 0;
  if (state == BROADCAST_ENDED)
    broadcast->reason = g_strdup ("window-passed");
  return broadcast;
}

static GPtrArray *
make_all (void)
{
  GPtrArray *all =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_free);

  g_ptr_array_add (all, make ("a", BROADCAST_STARTING));
  g_ptr_array_add (all, make ("b-_Z", BROADCAST_LIVE));
  g_ptr_array_add (all, make ("c", BROADCAST_INTERRUPTED));
  g_ptr_array_add (all, make ("d", BROADCAST_ENDED));
  return all;
}

static void
assert_same (const GPtrArray *a, const GPtrArray *b)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++) {
    const Broadcast *x = a->pdata[i], *y = b->pdata[i];

    g_assert_cmpstr (x->link, ==, y->link);
    g_assert_cmpstr (x->key_id, ==, y->key_id);
    g_assert_cmpstr (x->game, ==, y->game);
    g_assert_cmpstr (x->title, ==, y->title);
    g_assert_cmpint (x->broadcaster, ==, y->broadcaster);
    g_assert_cmpstr (x->broadcaster_name, ==, y->broadcaster_name);
    g_assert_cmpint (x->state, ==, y->state);
    g_assert_cmpint (x->created, ==, y->created);
    g_assert_cmpint (x->since, ==, y->since);
    g_assert_cmpint (x->resume_until, ==, y->resume_until);
    g_assert_cmpstr (x->reason, ==, y->reason);
  }
}

static void
test_round_trip (void)
{
  g_autoptr (GPtrArray) all = make_all ();
  g_autofree char *text = state_file_render (all);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) read = state_file_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  assert_same (all, read);
}

/* Cut at any byte it is whole or refused, never half. */
static void
test_truncated (void)
{
  g_autoptr (GPtrArray) all = make_all ();
  g_autofree char *text = state_file_render (all);
  gsize length = strlen (text);

  for (gsize n = 0; n < length - 1; n++) {
    g_autofree char *cut = g_memdup2 (text, n + 1);
    g_autoptr (GError) error = NULL;

    cut[n] = '\0';
    g_assert_null (state_file_parse (cut, n, &error));
    g_assert_nonnull (error);
  }
}

static void
test_foreign (void)
{
  static const struct {
    const char *from, *to, *complaint;
  } cases[] = {
      {"wishcast-broadcasts-1", "wishcast-broadcasts-2", "\"format\""},
      {"\"broadcasts\"", "\"broadcats\"", "\"broadcasts\""},
      {"\"link\" : \"a\"", "\"link\" : \"../a\"", "\"link\""},
      {"\"link\" : \"a\"", "\"link\" : 1", "\"link\""},
      {"\"live\"", "\"dead\"", "\"state\""},
      {"\"reason\"", "\"season\"", "\"reason\""},
      {"1700000000123456", "-1", "\"created\""},
      {"1700000000123456", "\"1\"", "\"created\""},
      {"half-life", "half\xfflife", "UTF-8"},
  };
  g_autoptr (GPtrArray) all = make_all ();
  g_autofree char *text = state_file_render (all);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) changed = g_string_new (text);
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (
        g_string_replace (changed, cases[i].from, cases[i].to, 1), ==, 1);
    g_assert_null (state_file_parse (changed->str, changed->len, &error));
    g_assert_nonnull (error);
    if (strstr (error->message, cases[i].complaint) == NULL)
      g_error ("%s", error->message);
  }
}

static StateFile *
open_file (const char *path, GPtrArray **read, char **complaint)
{
  g_autoptr (GError) error = NULL;
  StateFile *file = state_file_open (path, read, complaint, &error);

  g_assert_no_error (error);
  return file;
}

static void
test_file (void)
{
  g_autofree char *dir = kit_dir_new ();
  g_autofree char *path = g_build_filename (dir, "new", "broadcasts", NULL);
  g_autofree char *complaint = NULL;
  g_autoptr (GPtrArray) all = make_all ();
  g_autoptr (GPtrArray) none = NULL, read = NULL, left = NULL;
  StateFile *file = open_file (path, &none, &complaint);
  GStatBuf info;

  g_assert_null (complaint);
  g_assert_cmpuint (none->len, ==, 0);
  state_file_save (file, none);
  state_file_save (file, all);
  state_file_flush (file);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
  /* What is queued when it is freed is written as well; the last one counts. */
  for (guint i = 0; i < 100; i++)
    state_file_save (file, i % 2 == 0 ? none : all);
  state_file_free (file);

  file = open_file (path, &read, &complaint);
  g_assert_null (complaint);
  assert_same (all, read);
  state_file_save (file, none);
  state_file_free (file);
  file = open_file (path, &left, &complaint);
  g_assert_cmpuint (left->len, ==, 0);
  state_file_free (file);
  kit_dir_free (g_steal_pointer (&dir));
}

static void
test_moved_aside (void)
{
  g_autofree char *dir = kit_dir_new ();
  g_autofree char *path = g_build_filename (dir, "broadcasts", NULL);
  g_autofree char *aside = g_strconcat (path, ".unusable", NULL);
  g_autofree char *complaint = NULL, *kept = NULL;
  g_autoptr (GPtrArray) read = NULL;
  StateFile *file;

  g_assert_true (g_file_set_contents (path, "{\"format\"", -1, NULL));
  file = open_file (path, &read, &complaint);
  g_assert_cmpuint (read->len, ==, 0);
  g_assert_nonnull (strstr (complaint, path));
  g_assert_nonnull (strstr (complaint, aside));
  g_assert_true (g_file_get_contents (aside, &kept, NULL, NULL));
  g_assert_cmpstr (kept, ==, "{\"format\"");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  state_file_free (file);
  kit_dir_free (g_steal_pointer (&dir));
}

static void
test_no_folder (void)
{
  g_autofree char *dir = kit_dir_new ();
  g_autofree char *blocker = g_build_filename (dir, "file", NULL);
  g_autofree char *path = g_build_filename (blocker, "broadcasts", NULL);
  g_autofree char *complaint = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) read = NULL;

  g_assert_true (g_file_set_contents (blocker, "", -1, NULL));
  g_assert_null (state_file_open (path, &read, &complaint, &error));
  g_assert_nonnull (strstr (error->message, blocker));
  kit_dir_free (g_steal_pointer (&dir));
}

/* A full disk, say: told once it is asked for, and not for good. */
static void
test_cannot_be_written (void)
{
  g_autofree char *dir = kit_dir_new ();
  g_autofree char *folder = g_build_filename (dir, "state", NULL);
  g_autofree char *path = g_build_filename (folder, "broadcasts", NULL);
  g_autofree char *complaint = NULL, *told = NULL;
  g_autoptr (GPtrArray) read = NULL;
  StateFile *file = open_file (path, &read, &complaint);

  g_assert_cmpint (g_rmdir (folder), ==, 0);
  state_file_save (file, read);
  state_file_flush (file);
  told = state_file_take_complaint (file);
  g_assert_nonnull (told);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  state_file_save (file, read);
  state_file_flush (file);
  g_assert_null (state_file_take_complaint (file));
  state_file_free (file);
  kit_dir_free (g_steal_pointer (&dir));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/statefile/round-trip", test_round_trip);
  g_test_add_func ("/statefile/truncated", test_truncated);
  g_test_add_func ("/statefile/foreign", test_foreign);
  g_test_add_func ("/statefile/file", test_file);
  g_test_add_func ("/statefile/moved-aside", test_moved_aside);
  g_test_add_func ("/statefile/no-folder", test_no_folder);
  g_test_add_func ("/statefile/cannot-be-written", test_cannot_be_written);
  return g_test_run ();
}
