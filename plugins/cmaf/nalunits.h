/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the packager must know of a coded picture's NAL units. */
typedef struct {
  gboolean key;        /* IDR or IRAP: a player can start here */
  gsize stripped_size; /* bytes without the parameter sets */
} NalSummary;

gboolean nal_units_inspect (const guint8 *data, gsize size, gboolean h265,
    guint length_size, NalSummary *summary);
gsize nal_units_copy_stripped (guint8 *destination, const guint8 *data,
    gsize size, gboolean h265, guint length_size);

G_END_DECLS
