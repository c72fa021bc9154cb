/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/base.h>

G_BEGIN_DECLS

#define GST_TYPE_CACHE_SINK (gst_cache_sink_get_type ())
G_DECLARE_FINAL_TYPE (
    GstCacheSink, gst_cache_sink, GST, CACHE_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE (cachesink);

G_END_DECLS
