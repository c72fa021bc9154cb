/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpquery.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  HttpDirectives directives;

  if (http_query_parse (text, &directives))
    g_assert_true (!directives.has_part || directives.has_msn);
  return 0;
}
