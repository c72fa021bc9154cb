/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define PUBLISHER_TYPE_SRC (publisher_src_get_type ())
G_DECLARE_FINAL_TYPE (PublisherSrc, publisher_src, PUBLISHER, SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (publishersrc)

/* All of these are safe from any thread and in any state of the pipeline. */

/* Adds a pad for a stream of @media, "video" or "audio"; @caps are all that is
 * known of it before it begins, and decide what its pad can be linked to. Call
 * it for all, then publisher_src_no_more_pads(). Index of the stream. */
guint publisher_src_add_stream (
    PublisherSrc *source, const char *media, GstCaps *caps);
void publisher_src_no_more_pads (PublisherSrc *source);
/* What the stream really is: before its first buffer, and when it changes. */
void publisher_src_set_caps (PublisherSrc *source, guint stream, GstCaps *caps);
/* Takes @buffer, stamped in running time of the pipeline of @source plus
 * PUBLISHER_SRC_ZERO: frames may belong before its zero, as the decode times of
 * B-frames do. One thread at a time for each stream. FLUSHING: the pipeline is
 * not running; EOS: after publisher_src_end(). */
#define PUBLISHER_SRC_ZERO (3600 * GST_SECOND)
GstFlowReturn publisher_src_push (
    PublisherSrc *source, guint stream, GstBuffer *buffer);
/* EOS on every pad, after the buffer that is under way there: does not wait for
 * it. */
void publisher_src_end (PublisherSrc *source);

G_END_DECLS
