/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "auheaders.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The first three bytes are the format. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  AuFormat format;

  if (size < 3)
    return 0;
  format = (AuFormat){data[0], data[1], data[2]};
  au_headers_check (&format, data + 3, size - 3);
  return 0;
}
