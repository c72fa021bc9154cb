/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_CDN_ORIGIN_SINK (gst_cdn_origin_sink_get_type ())
G_DECLARE_FINAL_TYPE (
    GstCdnOriginSink, gst_cdn_origin_sink, GST, CDN_ORIGIN_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE (cdnoriginsink);

G_END_DECLS
