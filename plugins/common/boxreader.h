/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A walk over the boxes of ISO/IEC 14496-12 4.2 in a stretch of bytes. */
typedef struct {
  const guint8 *data;
  gsize size;
  gsize next;
} BoxReader;

typedef struct {
  guint32 type;        /* BOX_TYPE ("moov") */
  gsize offset;        /* of the header, in the reader's bytes */
  const guint8 *start; /* the header */
  gsize total;         /* bytes of header and content */
  const guint8 *content;
  gsize size; /* bytes of the content */
} Box;

#define BOX_TYPE(s)                                                            \
  ((guint32)(guint8)(s)[0] << 24 | (guint32)(guint8)(s)[1] << 16 |             \
      (guint32)(guint8)(s)[2] << 8 | (guint32)(guint8)(s)[3])

void box_reader_init (BoxReader *reader, const guint8 *data, gsize size);
gboolean box_reader_next (BoxReader *reader, Box *box);
gboolean box_find (const guint8 *data, gsize size, guint32 type, Box *box);

guint32 box_get_uint32 (const guint8 *data);

G_END_DECLS
