/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CMAF_PACKAGER (gst_cmaf_packager_get_type ())
G_DECLARE_FINAL_TYPE (
    GstCmafPackager, gst_cmaf_packager, GST, CMAF_PACKAGER, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cmafpackager)

G_END_DECLS
