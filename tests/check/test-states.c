/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every element of this repository through all states, with nothing linked:
 * what a user does who mistypes a pipeline, and what a leak shows in. */

#include <gst/gst.h>

#define N_ROUNDS 50

static void
add_own_elements (GstPlugin *plugin, GPtrArray *names)
{
  GList *features = gst_registry_get_feature_list_by_plugin (
      gst_registry_get (), gst_plugin_get_name (plugin));

  for (GList *l = features; l != NULL; l = l->next)
    if (GST_IS_ELEMENT_FACTORY (l->data))
      g_ptr_array_add (names, g_strdup (gst_plugin_feature_get_name (l->data)));
  gst_plugin_feature_list_free (features);
}

static GPtrArray *
find_own_elements (void)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GList *plugins = gst_registry_get_plugin_list (gst_registry_get ());

  for (GList *l = plugins; l != NULL; l = l->next)
    if (g_strcmp0 (gst_plugin_get_source (l->data), "wishcast") == 0)
      add_own_elements (l->data, names);
  gst_plugin_list_free (plugins);
  return names;
}

/* Up and down in every way; whether a state is refused is the element's
 * business, but it must always come down again. */
static void
test_element (gconstpointer name)
{
  static const GstState targets[] = {
      GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};

  for (guint i = 0; i < N_ROUNDS; i++) {
    GstElement *element = gst_element_factory_make (name, NULL);
    g_autoptr (GstBus) bus = gst_bus_new ();

    g_assert_nonnull (element);
    gst_object_ref_sink (element);
    gst_element_set_bus (element, bus);
    gst_element_set_state (element, targets[i % 3]);
    if (i % 2 == 0)
      g_assert_cmpint (gst_element_set_state (element, GST_STATE_READY), !=,
          GST_STATE_CHANGE_ASYNC);
    gst_element_set_state (element, targets[(i / 3) % 3]);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_NULL), ==,
        GST_STATE_CHANGE_SUCCESS);
    gst_bus_set_flushing (bus, TRUE);
    gst_element_set_bus (element, NULL);
    g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (element), ==, 1);
    gst_object_unref (element);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = NULL;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  names = find_own_elements ();
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *path = g_strconcat ("/states/", name, NULL);

    g_test_add_data_func (path, name, test_element);
  }
  return g_test_run ();
}
