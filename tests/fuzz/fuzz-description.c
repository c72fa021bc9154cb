/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>

#include "description.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* An element with one text, so that no plugin is needed. */

#define FUZZ_TYPE_ELEMENT (fuzz_element_get_type ())
G_DECLARE_FINAL_TYPE (FuzzElement, fuzz_element, FUZZ, ELEMENT, GstElement)

struct _FuzzElement {
  GstElement parent;
  char *text;
};

G_DEFINE_FINAL_TYPE (FuzzElement, fuzz_element, GST_TYPE_ELEMENT)

static void
fuzz_element_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  FuzzElement *self = FUZZ_ELEMENT (object);

  g_free (self->text);
  self->text = g_value_dup_string (value);
}

static void
fuzz_element_finalize (GObject *object)
{
  g_free (FUZZ_ELEMENT (object)->text);
  G_OBJECT_CLASS (fuzz_element_parent_class)->finalize (object);
}

static void
fuzz_element_class_init (FuzzElementClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = fuzz_element_set_property;
  object_class->finalize = fuzz_element_finalize;
  g_object_class_install_property (object_class, 1,
      g_param_spec_string ("text", "", "", NULL, G_PARAM_WRITABLE));
  gst_element_class_set_static_metadata (
      GST_ELEMENT_CLASS (klass), "fuzz", "Generic", "has a text", "wishcast");
}

static void
fuzz_element_init (FuzzElement *self)
{
}

static void
init_once (void)
{
  static gboolean done;

  if (done)
    return;
  done = TRUE;
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
  gst_element_register (NULL, "fuzzelement", GST_RANK_NONE, FUZZ_TYPE_ELEMENT);
}

/* Whatever the value, it is the text of the first of two elements. */
static void
check_value (const char *template, GHashTable *variables, const char *value)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded =
      description_expand ("f", template, variables, &error);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) element = NULL;

  g_assert_no_error (error);
  pipeline = description_parse ("f", expanded, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  g_assert_cmpint (GST_BIN_NUMCHILDREN (pipeline), ==, 2);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "it");
  g_assert_cmpstr (FUZZ_ELEMENT (element)->text, ==, value);
}

/* The input as a description, then as a value. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (GHashTable) variables = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = NULL, *inside = NULL;

  init_once ();
  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  g_hash_table_insert (variables, (gpointer) "v", text);
  expanded = description_expand ("f", text, variables, &error);
  g_assert_true ((expanded == NULL) == (error != NULL));
  g_assert_true (error == NULL || g_str_has_prefix (error->message, "f:"));

  check_value ("fuzzelement text=${v} name=it fuzzelement text=\"a b\"",
      variables, text);
  check_value ("fuzzelement text=\"${v}\" name=it fuzzelement text=\"a b\"",
      variables, text);
  inside = g_strdup_printf ("x %s", text);
  check_value ("fuzzelement text=\"x ${v}\" name=it fuzzelement text=\"a b\"",
      variables, inside);
  return 0;
}
