/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <string.h>

#include "cloudstub.h"
#include "crc32c.h"

#define UNIT (256 * 1024)

typedef struct {
  CloudStub *cloud;
  GstElement *sink;
  GstBus *bus;
  GstHarness *harness;
} Fixture;

/* --- fixture ---------------------------------------------------------------------*/

static void
set_up (Fixture *f, gconstpointer data)
{
  f->cloud = cloud_stub_new ();
  f->sink = gst_object_ref_sink (gst_element_factory_make ("gcssink", NULL));
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->sink, f->bus);
  g_object_set (f->sink, "bucket", "b", "object", "o/p", "endpoint",
      f->cloud->url, "chunk-size", 2 * UNIT, NULL);
}

static void
play (Fixture *f)
{
  f->harness = gst_harness_new_with_element (f->sink, "sink", NULL);
  gst_harness_set_src_caps_str (f->harness, "application/x-anything");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_clear_pointer (&f->harness, gst_harness_teardown);
  gst_bus_set_flushing (f->bus, TRUE);
  gst_element_set_bus (f->sink, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->sink);
  cloud_stub_free (f->cloud);
}

static GstFlowReturn
push (Fixture *f, GBytes *bytes, gsize offset, gsize size)
{
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, offset, size);

  return gst_harness_push (f->harness, gst_buffer_new_wrapped_bytes (part));
}

/* In buffers of @size. */
static void
push_all (Fixture *f, GBytes *bytes, gsize size)
{
  gsize all = g_bytes_get_size (bytes);

  for (gsize offset = 0; offset < all; offset += size)
    g_assert_cmpint (
        push (f, bytes, offset, MIN (size, all - offset)), ==, GST_FLOW_OK);
}

static void
push_end (Fixture *f)
{
  g_assert_true (gst_harness_push_event (f->harness, gst_event_new_eos ()));
}

static GstMessage *
await_message (Fixture *f, GstMessageType type)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (f->bus, 60 * GST_SECOND, type);

  g_assert_nonnull (message);
  return message;
}

static void
assert_uploaded (Fixture *f, GBytes *bytes)
{
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_ELEMENT);
  const GstStructure *fields = gst_message_get_structure (message);
  guint64 size;
  gint64 generation;
  guint crc;

  g_assert_true (gst_structure_has_name (fields, "gcssink-object-uploaded"));
  g_assert_true (
      gst_structure_get (fields, "size", G_TYPE_UINT64, &size, "generation",
          G_TYPE_INT64, &generation, "crc32c", G_TYPE_UINT, &crc, NULL));
  g_assert_cmpstr (gst_structure_get_string (fields, "bucket"), ==, "b");
  g_assert_cmpstr (gst_structure_get_string (fields, "object"), ==, "o/p");
  g_assert_cmpuint (size, ==, g_bytes_get_size (bytes));
  g_assert_cmpint (generation, ==, f->cloud->generation);
  g_assert_cmpuint (
      crc, ==, crc32c_update (0, g_bytes_get_data (bytes, NULL), size));
  cloud_stub_assert_object (f->cloud, bytes);
}

static void
assert_error (Fixture *f, GstResourceError code)
{
  g_autoptr (GstMessage) message = await_message (f, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int)code);
}

static void
assert_requests (Fixture *f, const char *expected)
{
  g_autofree char *list = cloud_stub_list (f->cloud);

  g_assert_cmpstr (list, ==, expected);
}

static guint64
get_stat (Fixture *f, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

static void
upload (Fixture *f, gsize size, gsize buffer, const char *requests)
{
  g_autoptr (GBytes) bytes = cloud_stub_make_bytes (size);

  play (f);
  push_all (f, bytes, buffer);
  push_end (f);
  assert_uploaded (f, bytes);
  assert_requests (f, requests);
}

/* --- without faults ----------------------------------------------------------------*/

static void
test_chunks (Fixture *f, gconstpointer data)
{
  upload (f, 5 * UNIT + 7, 1000,
      "POST\n"
      "PUT bytes 0-524287/*\n"
      "PUT bytes 524288-1048575/*\n"
      "PUT bytes 1048576-1310726/1310727\n");
  g_assert_cmpuint (get_stat (f, "stored-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (get_stat (f, "sent-bytes"), ==, 5 * UNIT + 7);
  g_assert_cmpuint (get_stat (f, "failures"), ==, 0);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  upload (f, 0, 1, "POST\nPUT bytes */0\n");
}

typedef struct {
  gsize size;
  const char *requests;
} Size;

static const Size sizes[] = {
    {1, "POST\nPUT bytes 0-0/1\n"},
    {UNIT - 1, "POST\nPUT bytes 0-262142/262143\n"},
    {UNIT, "POST\nPUT bytes 0-262143/262144\n"},
    {UNIT + 1, "POST\nPUT bytes 0-262144/262145\n"},
    {2 * UNIT - 1, "POST\nPUT bytes 0-524286/524287\n"},
    {2 * UNIT + 1,
        "POST\nPUT bytes 0-524287/*\nPUT bytes 524288-524288/524289\n"},
};

static void
test_size (Fixture *f, gconstpointer data)
{
  const Size *size = data;

  upload (f, size->size, 100 * 1000, size->requests);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, func)                                                  \
  g_test_add ("/gcssink/" path, Fixture, data, set_up, func, tear_down)
  ADD ("chunks", NULL, test_chunks);
  ADD ("empty", NULL, test_empty);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *path =
        g_strdup_printf ("/gcssink/size/%zu", sizes[i].size);

    g_test_add (path, Fixture, &sizes[i], set_up, test_size, tear_down);
  }
#undef ADD
  return g_test_run ();
}
