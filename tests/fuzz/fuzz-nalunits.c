/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nalunits.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* The first byte chooses codec and length size; the rest is an access unit. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const guint length_sizes[] = {1, 2, 4, 3};
  NalSummary summary;
  gboolean h265;
  guint length_size;
  guint8 *stripped;

  if (size == 0)
    return 0;
  h265 = data[0] & 4;
  length_size = length_sizes[data[0] & 3];
  nal_units_inspect (data + 1, size - 1, h265, length_size, &summary);
  stripped = malloc (MAX (summary.stripped_size, 1));
  if (nal_units_copy_stripped (stripped, data + 1, size - 1, h265,
          length_size) != summary.stripped_size)
    abort ();
  free (stripped);
  return 0;
}
