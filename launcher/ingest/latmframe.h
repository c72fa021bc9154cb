/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of the PayloadLengthInfo (ISO/IEC 14496-3, 1.7.3.1) at the begin of
 * @frame, if it announces just what follows; else 0. GStreamer 1.22 leaves it in
 * front of the first frame that rtpmp4adepay gives. */
gsize latm_frame_get_prefix (const guint8 *frame, gsize size);

G_END_DECLS
