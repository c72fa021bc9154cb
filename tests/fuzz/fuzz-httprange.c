/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpheaders.h"
#include "httprange.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint64 sizes[] = {0, 1, 1000, G_MAXUINT64};
  g_autofree char *text = g_strndup ((const char *)data, size);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    HttpRange range;

    if (http_range_parse (text, sizes[i], &range) != HTTP_RANGE_PARTIAL)
      continue;
    g_assert_cmpuint (range.length, >, 0);
    g_assert_cmpuint (range.offset, <, sizes[i]);
    g_assert_cmpuint (range.length, <=, sizes[i] - range.offset);
  }
  http_etag_matches (text, "\"a\"");
  http_if_range_holds (text, "\"a\"");
  http_accepts_gzip (text);
  return 0;
}
