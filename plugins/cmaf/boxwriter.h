/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Big-endian boxes of ISO/IEC 14496-12 into a growing array. Boxes nest; a
 * box's size is filled in when it ends. */
typedef struct {
  GByteArray *bytes;
  guint open[8]; /* where the boxes that are open begin */
  guint depth;
} BoxWriter;

#define BOX_WRITER_INIT(array)                                                 \
  {                                                                            \
    .bytes = (array)                                                           \
  }

void box_begin (BoxWriter *self, const char *fourcc);
void box_begin_full (
    BoxWriter *self, const char *fourcc, guint8 version, guint32 flags);
void box_end (BoxWriter *self);
void box_u8 (BoxWriter *self, guint8 value);
void box_u16 (BoxWriter *self, guint16 value);
void box_u32 (BoxWriter *self, guint32 value);
void box_u64 (BoxWriter *self, guint64 value);
void box_bytes (BoxWriter *self, gconstpointer data, gsize size);
void box_zeros (BoxWriter *self, gsize size);
void box_fourcc (BoxWriter *self, const char *fourcc);
void box_patch_u32 (BoxWriter *self, guint position, guint32 value);

G_END_DECLS
