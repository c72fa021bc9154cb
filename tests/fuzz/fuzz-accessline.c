/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "accessline.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* Of just that size, so that reading on is noticed. */
  g_autofree char *text = g_memdup2 (data, size);
  AccessLine line;

  /* Then it is NULL, which no buffer is. */
  if (size == 0 || !access_line_parse (&line, text, size))
    return 0;
  g_assert_true (*line.link == '\0' || link_is_valid (line.link));
  g_assert_false (line.is_watching && *line.link == '\0');
  g_assert_cmpuint (line.who_length, >, 0);
  g_assert_true (line.who > text && line.who + line.who_length == text + size);
  return 0;
}
