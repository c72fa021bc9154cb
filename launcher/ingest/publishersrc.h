/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* `publishersrc`, the element that stands for ${source} where the launcher
 * itself receives the media: sometimes pads `video` and `audio` (`video_1`, ...
 * for further ones). It has no thread and no queue: the receiver's streaming
 * thread pushes through it into the broadcast's pipeline. */
#define PUBLISHER_TYPE_SRC (publisher_src_get_type ())
G_DECLARE_FINAL_TYPE (PublisherSrc, publisher_src, PUBLISHER, SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (publishersrc)

/* Adds a pad for a stream of @caps. Call it for all, then
 * publisher_src_no_more_pads(). Index of the stream. */
guint publisher_src_add_stream (
    PublisherSrc *source, const char *media, GstCaps *caps);
void publisher_src_no_more_pads (PublisherSrc *source);
/* Takes @buffer, stamped in running time. */
GstFlowReturn publisher_src_push (
    PublisherSrc *source, guint stream, GstBuffer *buffer);
/* EOS on every pad. */
void publisher_src_end (PublisherSrc *source);

G_END_DECLS
