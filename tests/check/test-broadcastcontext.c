/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/check/gstharness.h>

#include "broadcastcontext.h"

static BroadcastInfo some_broadcast = {
    .link = (char *)"some-link",
    .id = (char *)"11111111-2222-3333-4444-555555555555",
    .game = (char *)"half-life",
    .resume_window = 90 * GST_SECOND,
};

static void
assert_is_some_broadcast (const BroadcastInfo *info)
{
  g_assert_nonnull (info);
  g_assert_cmpstr (info->link, ==, some_broadcast.link);
  g_assert_cmpstr (info->id, ==, some_broadcast.id);
  g_assert_cmpstr (info->game, ==, some_broadcast.game);
  g_assert_cmpuint (info->resume_window, ==, some_broadcast.resume_window);
}

static void
test_round_trip (void)
{
  g_autoptr (GstContext) context = broadcast_context_new (&some_broadcast);
  g_autoptr (BroadcastInfo) info = broadcast_context_parse (context);

  g_assert_true (gst_context_is_persistent (context));
  assert_is_some_broadcast (info);
}

static void
test_foreign (void)
{
  g_autoptr (GstContext) other = gst_context_new ("other", TRUE);
  g_autoptr (GstContext) empty = gst_context_new (BROADCAST_CONTEXT_TYPE, TRUE);
  g_autoptr (GstContext) absurd =
      gst_context_new (BROADCAST_CONTEXT_TYPE, TRUE);

  gst_structure_set (gst_context_writable_structure (absurd), "link",
      G_TYPE_STRING, "../../etc", NULL);
  g_assert_null (broadcast_context_parse (other));
  g_assert_null (broadcast_context_parse (empty));
  g_assert_null (broadcast_context_parse (absurd));
}

static void
test_nobody_knows (void)
{
  g_autoptr (GstElement) element = gst_element_factory_make ("identity", NULL);

  gst_object_ref_sink (element);
  g_assert_null (broadcast_context_ask (element, NULL));
}

/* The context that an application set before. */
static void
test_element_has_it (void)
{
  g_autoptr (GstElement) element = gst_element_factory_make ("identity", NULL);
  g_autoptr (GstContext) context = broadcast_context_new (&some_broadcast);
  g_autoptr (BroadcastInfo) info = NULL;

  gst_object_ref_sink (element);
  gst_element_set_context (element, context);
  info = broadcast_context_ask (element, NULL);
  assert_is_some_broadcast (info);
}

static void
test_property_wins (void)
{
  g_autoptr (GstElement) element = gst_element_factory_make ("identity", NULL);
  g_autoptr (GstContext) context = broadcast_context_new (&some_broadcast);
  g_autoptr (BroadcastInfo) other = NULL, same = NULL;

  gst_object_ref_sink (element);
  gst_element_set_context (element, context);
  other = broadcast_context_ask (element, "other-link");
  g_assert_cmpstr (other->link, ==, "other-link");
  g_assert_null (other->id);
  g_assert_cmpuint (other->resume_window, ==, 0);
  /* What else is known of the link is kept. */
  same = broadcast_context_ask (element, "some-link");
  assert_is_some_broadcast (same);
}

static gboolean
answer_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  const char *type;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT &&
      gst_query_parse_context_type (query, &type) &&
      g_str_equal (type, BROADCAST_CONTEXT_TYPE)) {
    g_autoptr (GstContext) context = broadcast_context_new (&some_broadcast);

    gst_query_set_context (query, context);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

static void
test_query (void)
{
  GstHarness *h = gst_harness_new ("identity");
  g_autoptr (BroadcastInfo) info = NULL;

  gst_pad_set_query_function (h->srcpad, answer_query);
  info = broadcast_context_ask (h->element, NULL);
  assert_is_some_broadcast (info);
  gst_harness_teardown (h);
}

static GstBusSyncReply
answer_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  guint *n_asked = user_data;
  const char *type;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_NEED_CONTEXT &&
      gst_message_parse_context_type (message, &type) &&
      g_str_equal (type, BROADCAST_CONTEXT_TYPE)) {
    g_autoptr (GstContext) context = broadcast_context_new (&some_broadcast);

    (*n_asked)++;
    gst_element_set_context (GST_ELEMENT (GST_MESSAGE_SRC (message)), context);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
test_need_context (void)
{
  g_autoptr (GstElement) pipeline = gst_pipeline_new (NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstElement *element = gst_element_factory_make ("identity", NULL);
  g_autoptr (BroadcastInfo) info = NULL, again = NULL;
  guint n_asked = 0;

  gst_object_ref_sink (pipeline);
  gst_bin_add (GST_BIN (pipeline), element);
  gst_bus_set_sync_handler (bus, answer_message, &n_asked, NULL);
  info = broadcast_context_ask (element, NULL);
  assert_is_some_broadcast (info);
  again = broadcast_context_ask (element, NULL);
  assert_is_some_broadcast (again);
  g_assert_cmpuint (n_asked, ==, 1);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/broadcast-context/round-trip", test_round_trip);
  g_test_add_func ("/broadcast-context/foreign", test_foreign);
  g_test_add_func ("/broadcast-context/nobody-knows", test_nobody_knows);
  g_test_add_func ("/broadcast-context/element-has-it", test_element_has_it);
  g_test_add_func ("/broadcast-context/property-wins", test_property_wins);
  g_test_add_func ("/broadcast-context/query", test_query);
  g_test_add_func ("/broadcast-context/need-context", test_need_context);
  return g_test_run ();
}
