/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "boxwriter.h"

#include <string.h>

/**
 * box_begin:
 * @fourcc: four ASCII characters
 *
 * Opens a box inside the one that is open.
 */
void
box_begin (BoxWriter *self, const char *fourcc)
{
  g_return_if_fail (self->depth < G_N_ELEMENTS (self->open));

  self->open[self->depth++] = self->bytes->len;
  box_u32 (self, 0);
  box_fourcc (self, fourcc);
}

/**
 * box_begin_full:
 * @flags: 24 bits
 *
 * Opens a FullBox.
 */
void
box_begin_full (
    BoxWriter *self, const char *fourcc, guint8 version, guint32 flags)
{
  box_begin (self, fourcc);
  box_u32 (self, (guint32)version << 24 | (flags & 0xffffff));
}

void
box_end (BoxWriter *self)
{
  guint start;

  g_return_if_fail (self->depth > 0);

  start = self->open[--self->depth];
  box_patch_u32 (self, start, self->bytes->len - start);
}

void
box_u8 (BoxWriter *self, guint8 value)
{
  g_byte_array_append (self->bytes, &value, 1);
}

void
box_u16 (BoxWriter *self, guint16 value)
{
  guint16 be = GUINT16_TO_BE (value);

  box_bytes (self, &be, sizeof (be));
}

void
box_u32 (BoxWriter *self, guint32 value)
{
  guint32 be = GUINT32_TO_BE (value);

  box_bytes (self, &be, sizeof (be));
}

void
box_u64 (BoxWriter *self, guint64 value)
{
  guint64 be = GUINT64_TO_BE (value);

  box_bytes (self, &be, sizeof (be));
}

void
box_bytes (BoxWriter *self, gconstpointer data, gsize size)
{
  g_byte_array_append (self->bytes, data, size);
}

void
box_zeros (BoxWriter *self, gsize size)
{
  guint start = self->bytes->len;

  g_byte_array_set_size (self->bytes, start + size);
  memset (self->bytes->data + start, 0, size);
}

void
box_fourcc (BoxWriter *self, const char *fourcc)
{
  box_bytes (self, fourcc, 4);
}

/**
 * box_patch_u32:
 * @position: of four bytes written before
 */
void
box_patch_u32 (BoxWriter *self, guint position, guint32 value)
{
  guint32 be = GUINT32_TO_BE (value);

  memcpy (self->bytes->data + position, &be, sizeof (be));
}
