/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "broadcastcontext.h"

#include "link.h"

void
broadcast_info_free (BroadcastInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->link);
  g_free (info->id);
  g_free (info->game);
  g_free (info);
}

/**
 * broadcast_context_new:
 *
 * Returns: (transfer full): a persistent context `wishcast.broadcast` with the
 *     fields link (string), id (string), game (string) and resume-window
 *     (guint64, ns)
 */
GstContext *
broadcast_context_new (const BroadcastInfo *info)
{
  GstContext *context = gst_context_new (BROADCAST_CONTEXT_TYPE, TRUE);

  gst_structure_set (gst_context_writable_structure (context), "link",
      G_TYPE_STRING, info->link, "id", G_TYPE_STRING, info->id, "game",
      G_TYPE_STRING, info->game, "resume-window", G_TYPE_UINT64,
      info->resume_window, NULL);
  return context;
}

/**
 * broadcast_context_parse:
 *
 * Returns: (transfer full) (nullable): what @context says, or %NULL if it is of
 *     another type or its link is not a link
 */
BroadcastInfo *
broadcast_context_parse (GstContext *context)
{
  const GstStructure *structure;
  BroadcastInfo *info;
  const char *link;

  if (!gst_context_has_context_type (context, BROADCAST_CONTEXT_TYPE))
    return NULL;
  structure = gst_context_get_structure (context);
  link = gst_structure_get_string (structure, "link");
  if (!link_is_valid (link))
    return NULL;

  info = g_new0 (BroadcastInfo, 1);
  info->link = g_strdup (link);
  info->id = g_strdup (gst_structure_get_string (structure, "id"));
  info->game = g_strdup (gst_structure_get_string (structure, "game"));
  gst_structure_get_uint64 (structure, "resume-window", &info->resume_window);
  return info;
}

static GstContext *
query_peers (GstElement *element)
{
  g_autoptr (GstQuery) query = gst_query_new_context (BROADCAST_CONTEXT_TYPE);
  GstContext *context = NULL;
  GValue item = G_VALUE_INIT;
  gboolean found = FALSE;
  GstIterator *pads = gst_element_iterate_sink_pads (element);

  while (!found && gst_iterator_next (pads, &item) == GST_ITERATOR_OK) {
    found = gst_pad_peer_query (g_value_get_object (&item), query);
    g_value_reset (&item);
  }
  if (G_IS_VALUE (&item))
    g_value_unset (&item);
  gst_iterator_free (pads);

  if (found)
    gst_query_parse_context (query, &context);
  return context != NULL ? gst_context_ref (context) : NULL;
}

/**
 * broadcast_context_ask:
 * @link_property: (nullable): the element's `link` if the user set one
 *
 * For an element's first buffer: which broadcast is this? The property wins; if
 * it is not set, upstream is asked by a CONTEXT query, then the application by
 * a NEED_CONTEXT message, which is answered within the call or not at all.
 *
 * Returns: (transfer full) (nullable): the broadcast, with resume-window 0 if
 *     only the property names it; %NULL if nobody knows
 */
BroadcastInfo *
broadcast_context_ask (GstElement *element, const char *link_property)
{
  g_autoptr (GstContext) context = NULL;
  BroadcastInfo *info;

  context = gst_element_get_context (element, BROADCAST_CONTEXT_TYPE);
  if (context == NULL)
    context = query_peers (element);
  if (context == NULL && link_property == NULL) {
    gst_element_post_message (
        element, gst_message_new_need_context (
                     GST_OBJECT (element), BROADCAST_CONTEXT_TYPE));
    context = gst_element_get_context (element, BROADCAST_CONTEXT_TYPE);
  }
  info = context != NULL ? broadcast_context_parse (context) : NULL;
  if (link_property != NULL &&
      g_strcmp0 (info ? info->link : NULL, link_property) != 0) {
    g_clear_pointer (&info, broadcast_info_free);
    info = g_new0 (BroadcastInfo, 1);
    info->link = g_strdup (link_property);
  }
  return info;
}
