/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Readers of what a publisher sends: never trust a length. */

typedef struct {
  guint nal_length_size;
  guint width, height; /* of the picture, cropped */
  guint fps_n, fps_d;  /* 0 if the stream does not say */
} VideoParams;

gboolean param_sets_parse_avcc (
    const guint8 *data, gsize size, VideoParams *params, GError **error);
gboolean param_sets_parse_hvcc (
    const guint8 *data, gsize size, VideoParams *params, GError **error);
gboolean param_sets_parse_asc (const guint8 *data, gsize size, guint *rate,
    guint *channels, guint *frame_samples, GError **error);

G_END_DECLS
