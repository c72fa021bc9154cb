/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/base.h>

G_BEGIN_DECLS

#define GST_TYPE_GCS_SINK (gst_gcs_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstGcsSink, gst_gcs_sink, GST, GCS_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE (gcssink);

G_END_DECLS
