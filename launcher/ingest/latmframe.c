/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "latmframe.h"

/* Bytes of 255 go on, any other ends it; their sum is the length. */
gsize
latm_frame_get_prefix (const guint8 *frame, gsize size)
{
  gsize length = 0;

  for (gsize i = 0; i < size; i++) {
    length += frame[i];
    if (frame[i] != 255)
      return i + 1 + length == size ? i + 1 : 0;
  }
  return 0;
}
