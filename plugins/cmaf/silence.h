/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SILENCE_MAX_SIZE 16

gsize silence_aac (guint object_type, guint channels, guint8 *frame);
gsize silence_opus (guint channels, guint samples, guint8 *frame);

G_END_DECLS
