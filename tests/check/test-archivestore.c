/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "archivestore.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "crc32c.h"
#include "gcserror.h"
#include "storekit.h"

#define HEAD "link/0.head"
#define BODY "link/0.body"
#define OBJECT "link/0.mp4"

typedef struct {
  char *dir;
  ArchiveStore *store;
  ArchiveObject expected;
  GByteArray *whole;
} Fixture;

static void
put (Fixture *fix, const char *name, const guint8 *data, gsize size)
{
  g_autofree char *path = g_build_filename (fix->dir, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (path, (const char *)data, (gssize)size, &error);
  g_assert_no_error (error);
}

static gboolean
is_there (Fixture *fix, const char *name)
{
  g_autofree char *path = g_build_filename (fix->dir, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
check_object (Fixture *fix)
{
  g_autofree char *path = g_build_filename (fix->dir, OBJECT, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (data, size, fix->whole->data, fix->whole->len);
}

static const guint8 head[] = "the head ";
#define HEAD_SIZE (sizeof head - 1)

static void
put_pieces (Fixture *fix)
{
  put (fix, HEAD, head, HEAD_SIZE);
  put (fix, BODY, fix->whole->data + HEAD_SIZE, fix->whole->len - HEAD_SIZE);
}

static void
set_up (Fixture *fix, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;

  fix->dir = kit_dir_new ();
  text = g_strdup_printf ("[archive]\ndir = %s\n", fix->dir);
  settings = settings_parse ("test.conf", text, strlen (text), &error);
  g_assert_no_error (error);
  fix->store = archive_store_new (settings, &error);
  g_assert_no_error (error);
  /* More than a block. */
  fix->whole = g_byte_array_new ();
  g_byte_array_append (fix->whole, head, HEAD_SIZE);
  for (guint32 i = 0; i < 300000; i++)
    g_byte_array_append (fix->whole, (const guint8 *)&i, sizeof i);
  fix->expected = (ArchiveObject){
      fix->whole->len, crc32c_update (0, fix->whole->data, fix->whole->len)};
}

static void
tear_down (Fixture *fix, gconstpointer unused)
{
  archive_store_unref (fix->store);
  g_byte_array_unref (fix->whole);
  kit_dir_free (fix->dir);
}

static gboolean
join (Fixture *fix, GError **error)
{
  return archive_store_join (
      fix->store, HEAD, BODY, OBJECT, &fix->expected, 0, NULL, error);
}

static void
test_join (Fixture *fix, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL, *path = NULL;
  ArchiveObject found;

  put_pieces (fix);
  g_assert_false (
      archive_store_stat (fix->store, OBJECT, &found, NULL, &error));
  g_assert_error (error, GCS_ERROR, GCS_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (archive_store_open (
      fix->store, OBJECT, 0, 60, "inline", &address, &path, NULL, &error));
  g_assert_error (error, GCS_ERROR, GCS_ERROR_NOT_FOUND);
  g_clear_error (&error);

  join (fix, &error);
  g_assert_no_error (error);
  check_object (fix);
  g_assert_false (is_there (fix, HEAD));
  g_assert_false (is_there (fix, BODY));
  g_assert_false (is_there (fix, "link/.0.mp4.new"));

  archive_store_stat (fix->store, OBJECT, &found, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (found.size, ==, fix->expected.size);
  g_assert_cmphex (found.crc32c, ==, fix->expected.crc32c);
  archive_store_open (
      fix->store, OBJECT, 0, 60, "inline", &address, &path, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (address);
  g_assert_true (g_str_has_suffix (path, "/" OBJECT));
}

/* As a crash leaves it after each step. */
static void
test_join_again (Fixture *fix, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  /* Half of it was copied. */
  put_pieces (fix);
  put (fix, "link/.0.mp4.new", fix->whole->data, fix->whole->len / 2);
  join (fix, &error);
  g_assert_no_error (error);
  check_object (fix);
  g_assert_false (is_there (fix, "link/.0.mp4.new"));

  /* It has its name, and both pieces are there. */
  put_pieces (fix);
  join (fix, &error);
  g_assert_no_error (error);
  g_assert_false (is_there (fix, HEAD));
  g_assert_false (is_there (fix, BODY));

  /* One of the pieces has gone. */
  put (fix, BODY, fix->whole->data + HEAD_SIZE, fix->whole->len - HEAD_SIZE);
  join (fix, &error);
  g_assert_no_error (error);
  check_object (fix);
  g_assert_false (is_there (fix, BODY));

  /* All was done. */
  join (fix, &error);
  g_assert_no_error (error);
  check_object (fix);
}

static void
refuse (Fixture *fix, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (join (fix, &error));
  g_assert_error (error, GCS_ERROR, code);
  g_assert_false (is_there (fix, OBJECT));
  g_assert_false (is_there (fix, "link/.0.mp4.new"));
}

static void
test_corrupt (Fixture *fix, gconstpointer unused)
{
  refuse (fix, GCS_ERROR_NOT_FOUND);
  put_pieces (fix);
  fix->whole->data[fix->whole->len / 2] ^= 1;
  put_pieces (fix);
  refuse (fix, GCS_ERROR_CORRUPT);
  fix->whole->data[fix->whole->len / 2] ^= 1;
  put (
      fix, BODY, fix->whole->data + HEAD_SIZE, fix->whole->len - HEAD_SIZE - 1);
  refuse (fix, GCS_ERROR_CORRUPT);
  g_assert_true (is_there (fix, HEAD));
  g_assert_true (is_there (fix, BODY));
}

/* What has the name of the whole, and is something else, makes way. */
static void
test_foreign (Fixture *fix, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fix, OBJECT, head, HEAD_SIZE);
  put_pieces (fix);
  join (fix, &error);
  g_assert_no_error (error);
  check_object (fix);
}

static void
test_cancelled (Fixture *fix, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  put_pieces (fix);
  g_cancellable_cancel (cancellable);
  g_assert_false (archive_store_join (
      fix->store, HEAD, BODY, OBJECT, &fix->expected, 0, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (is_there (fix, OBJECT));
  g_assert_true (is_there (fix, BODY));
}

static void
test_names (Fixture *fix, gconstpointer unused)
{
  static const char *const bad[] = {"", "/etc/passwd", "../x", "link/../../x",
      "link/.hidden", "link//x", "link/", ".", "a b", "a\\b", "a\nb",
      "\xc3\xa4"};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *address = NULL, *path = NULL;
    ArchiveObject found;
    guint64 offset;

    g_assert_false (archive_store_prepare (fix->store, bad[i], &offset, NULL));
    g_assert_false (
        archive_store_stat (fix->store, bad[i], &found, NULL, NULL));
    g_assert_false (archive_store_delete (fix->store, bad[i], NULL, NULL));
    g_assert_false (archive_store_join (
        fix->store, HEAD, BODY, bad[i], &fix->expected, 0, NULL, NULL));
    g_assert_false (archive_store_open (
        fix->store, bad[i], 0, 1, NULL, &address, &path, NULL, &error));
    g_assert_error (error, GCS_ERROR, GCS_ERROR_SETTINGS);
  }
}

static void
test_delete (Fixture *fix, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put_pieces (fix);
  archive_store_delete (fix->store, HEAD, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (is_there (fix, BODY));
  archive_store_delete (fix->store, BODY, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (is_there (fix, "link"));
  archive_store_delete (fix->store, BODY, NULL, &error);
  g_assert_no_error (error);
}

/* The sink goes on where the file ends. */
static void
test_sink (Fixture *fix, gconstpointer unused)
{
  g_autofree char *sink = NULL, *line = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GError) error = NULL;
  guint64 offset;

  put (fix, BODY, head, HEAD_SIZE);
  archive_store_prepare (fix->store, BODY, &offset, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (offset, ==, HEAD_SIZE);
  sink = archive_store_describe_sink (fix->store, BODY, "unused");
  line = g_strdup_printf ("fakesrc num-buffers=2 sizetype=fixed sizemax=100 "
                          "filltype=zero ! %s",
      sink);
  pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  bus = gst_element_get_bus (pipeline);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  archive_store_prepare (fix->store, BODY, &offset, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (offset, ==, HEAD_SIZE + 200);
}

static void
test_settings (Fixture *fix, gconstpointer unused)
{
  static const char text[] = "[cloud]\nbucket = b\n"
                             "endpoint = http://127.0.0.1:1\n"
                             "prefix = some thing/\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (Settings) settings =
      settings_parse ("test.conf", text, sizeof text - 1, &error);
  g_autofree char *name = archive_store_name (fix->store, "link", 3);

  g_assert_no_error (error);
  g_assert_cmpstr (name, ==, "link/3.mp4");
  g_assert_null (archive_store_get_bucket (fix->store));
  g_assert_null (archive_store_new (settings, &error));
  g_assert_error (error, GCS_ERROR, GCS_ERROR_SETTINGS);
  g_assert_true (
      g_str_has_prefix (error->message, "test.conf:4: [cloud] prefix"));
}

static void
add (const char *name, void (*test) (Fixture *fix, gconstpointer unused))
{
  g_autofree char *path = g_strconcat ("/archivestore/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  add ("join", test_join);
  add ("join-again", test_join_again);
  add ("corrupt", test_corrupt);
  add ("foreign", test_foreign);
  add ("cancelled", test_cancelled);
  add ("names", test_names);
  add ("delete", test_delete);
  add ("sink", test_sink);
  add ("settings", test_settings);
  return g_test_run ();
}
