/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The walk over the boxes of an init segment, and what rests on it. */

#include <glib.h>

#include "boxreader.h"
#include "cachehead.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
walk (const guint8 *data, gsize size, guint depth)
{
  BoxReader reader;
  gsize end = 0;
  Box box;

  box_reader_init (&reader, data, size);
  while (box_reader_next (&reader, &box)) {
    g_assert_cmpuint (box.offset, ==, end);
    g_assert_cmpuint (box.total, >=, 8);
    g_assert_cmpuint (box.total, <=, size - box.offset);
    end = box.offset + box.total;
    g_assert_true (box.content + box.size == data + end);
    if (depth > 0)
      walk (box.content, box.size, depth - 1);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GBytes) filtered = NULL;
  guint32 id;

  walk (data, size, 8);
  if (cache_head_get_track_id (bytes, &id)) {
    filtered = cache_head_filter (bytes, &id, 1, NULL);
    if (filtered != NULL)
      g_assert_true (cache_head_get_track_id (filtered, &id));
  }
  return 0;
}
