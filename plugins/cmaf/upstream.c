/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "upstream.h"

/**
 * pad_has_source:
 * @pad: a sink pad
 *
 * Whether data could come. It cannot where the way upstream ends at a pad
 * without a peer, such as that of a tee for which a demuxer has found no
 * stream: from there not even EOS will come.
 */
gboolean
pad_has_source (GstPad *pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  g_auto (GValue) item = G_VALUE_INIT;
  gboolean is_source = TRUE, found = FALSE;
  GstIteratorResult result = GST_ITERATOR_OK;
  GstIterator *links;

  if (peer == NULL)
    return FALSE;
  links = gst_pad_iterate_internal_links (peer);
  while (links != NULL && !found && result != GST_ITERATOR_DONE) {
    result = gst_iterator_next (links, &item);
    if (result == GST_ITERATOR_OK) {
      is_source = FALSE;
      found = pad_has_source (g_value_get_object (&item));
      g_value_reset (&item);
    } else if (result == GST_ITERATOR_RESYNC) {
      gst_iterator_resync (links);
    } else {
      break;
    }
  }
  g_clear_pointer (&links, gst_iterator_free);
  /* What has no pads on its other side makes its data itself. */
  return found || is_source;
}
