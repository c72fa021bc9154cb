/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_BROADCAST_REGISTER (gst_broadcast_register_get_type ())
G_DECLARE_FINAL_TYPE (GstBroadcastRegister, gst_broadcast_register, GST,
    BROADCAST_REGISTER, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (broadcastregister);

G_END_DECLS
