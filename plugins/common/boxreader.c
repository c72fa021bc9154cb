/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "boxreader.h"

#include <string.h>

guint32
box_get_uint32 (const guint8 *data)
{
  guint32 value;

  memcpy (&value, data, sizeof value);
  return GUINT32_FROM_BE (value);
}

/**
 * box_reader_init:
 * @data: boxes side by side: a file, or the content of a box; not copied
 */
void
box_reader_init (BoxReader *reader, const guint8 *data, gsize size)
{
  *reader = (BoxReader){.data = data, .size = size};
}

/**
 * box_reader_next:
 * @box: (out): the next box, all of it within the reader's bytes
 *
 * Takes sizes of 32 and 64 bits and the size 0, which reaches to the end.
 *
 * Returns: %FALSE at the end, or where no whole box follows: then
 *     reader->next < reader->size
 */
gboolean
box_reader_next (BoxReader *reader, Box *box)
{
  const guint8 *start = reader->data + reader->next;
  gsize left = reader->size - reader->next;
  guint64 total;
  gsize header = 8;

  if (left < header)
    return FALSE;
  total = box_get_uint32 (start);
  if (total == 1) {
    header = 16;
    if (left < header)
      return FALSE;
    total =
        (guint64)box_get_uint32 (start + 8) << 32 | box_get_uint32 (start + 12);
  } else if (total == 0) {
    total = left;
  }
  if (total < header || total > left)
    return FALSE;

  *box = (Box){
      .type = box_get_uint32 (start + 4),
      .offset = reader->next,
      .start = start,
      .total = total,
      .content = start + header,
      .size = total - header,
  };
  reader->next += total;
  return TRUE;
}

/**
 * box_find:
 * @box: (out): the first box of @type in @size bytes at @data
 *
 * Returns: %FALSE if there is none
 */
gboolean
box_find (const guint8 *data, gsize size, guint32 type, Box *box)
{
  BoxReader reader;

  box_reader_init (&reader, data, size);
  while (box_reader_next (&reader, box))
    if (box->type == type)
      return TRUE;
  return FALSE;
}
