/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HTTP_RANGE_WHOLE,         /* answer 200 with everything */
  HTTP_RANGE_PARTIAL,       /* answer 206 with the range */
  HTTP_RANGE_UNSATISFIABLE, /* answer 416 */
} HttpRangeResult;

typedef struct {
  guint64 offset;
  guint64 length;
} HttpRange;

HttpRangeResult http_range_parse (
    const char *header, guint64 size, HttpRange *range);

G_END_DECLS
