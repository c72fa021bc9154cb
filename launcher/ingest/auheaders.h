/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How AU headers are written (RFC 3640), as the SDP says. */
typedef struct {
  guint size_length;  /* bits; 0: there are no headers */
  guint index_length; /* bits, of the first */
  guint delta_length; /* bits, of the others */
} AuFormat;

/* Whether each access unit that an RTP payload of mpeg4-generic announces has at
 * least a byte in it. */
gboolean au_headers_check (
    const AuFormat *format, const guint8 *payload, gsize size);

G_END_DECLS
