/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origincontext.h"

#define ORIGIN_TYPE (origin_get_type ())

static GType origin_get_type (void);
G_DEFINE_BOXED_TYPE (Origin, origin, origin_ref, origin_unref)

/**
 * origin_context_new:
 *
 * It is not persistent: a pipeline that goes to NULL lets go of the origin.
 *
 * Returns: (transfer full): a context `wishcast.origin` with the fields origin
 *     (boxed, holds a reference), address (string) and port (guint), as bound
 */
GstContext *
origin_context_new (Origin *origin, const char *address)
{
  GstContext *context = gst_context_new (ORIGIN_CONTEXT_TYPE, FALSE);

  gst_structure_set (gst_context_writable_structure (context), "origin",
      ORIGIN_TYPE, origin, "address", G_TYPE_STRING, address, "port",
      G_TYPE_UINT, (guint)origin_get_port (origin), NULL);
  return context;
}

static Origin *
parse (GstContext *context, const char *address, guint16 port)
{
  const GstStructure *structure = gst_context_get_structure (context);
  Origin *origin = NULL;
  guint bound = 0;

  if (g_strcmp0 (gst_structure_get_string (structure, "address"), address) !=
          0 ||
      !gst_structure_get_uint (structure, "port", &bound) ||
      (port != 0 && port != bound))
    return NULL;
  gst_structure_get (structure, "origin", ORIGIN_TYPE, &origin, NULL);
  return origin;
}

static GstContext *
ask (GstElement *element)
{
  GstContext *context = gst_element_get_context (element, ORIGIN_CONTEXT_TYPE);

  if (context != NULL)
    return context;
  gst_element_post_message (element,
      gst_message_new_need_context (GST_OBJECT (element), ORIGIN_CONTEXT_TYPE));
  return gst_element_get_context (element, ORIGIN_CONTEXT_TYPE);
}

/**
 * origin_context_ask:
 * @port: 0 takes any port of @address
 *
 * Asks the application and the other elements of the pipeline.
 *
 * Returns: (transfer full) (nullable): the origin that serves @address and
 *     @port, if one of them has it
 */
Origin *
origin_context_ask (GstElement *element, const char *address, guint16 port)
{
  g_autoptr (GstContext) context = ask (element);

  return context != NULL ? parse (context, address, port) : NULL;
}

/**
 * origin_context_find:
 *
 * Returns: (transfer full) (nullable): the origin of the pipeline, whatever its
 *     address, if there is one
 */
Origin *
origin_context_find (GstElement *element)
{
  g_autoptr (GstContext) context = ask (element);
  Origin *origin = NULL;

  if (context != NULL)
    gst_structure_get (gst_context_get_structure (context), "origin",
        ORIGIN_TYPE, &origin, NULL);
  return origin;
}
