/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_WISHLIST_NOTIFY (gst_wishlist_notify_get_type ())
G_DECLARE_FINAL_TYPE (GstWishlistNotify, gst_wishlist_notify, GST,
    WISHLIST_NOTIFY, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (wishlistnotify);

G_END_DECLS
