/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "paramsets.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_video (gboolean ok, const VideoParams *params)
{
  if (ok && (params->width == 0 || params->height == 0 ||
                params->nal_length_size == 0 || params->nal_length_size > 4))
    abort ();
}

/* The first byte chooses the record: avcC, hvcC or AudioSpecificConfig. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  VideoParams params;
  guint rate, channels, samples;

  if (size == 0)
    return 0;
  switch (data[0] % 3) {
    case 0:
      check_video (
          param_sets_parse_avcc (data + 1, size - 1, &params, NULL), &params);
      break;
    case 1:
      check_video (
          param_sets_parse_hvcc (data + 1, size - 1, &params, NULL), &params);
      break;
    default:
      if (param_sets_parse_asc (
              data + 1, size - 1, &rate, &channels, &samples, NULL) &&
          (rate == 0 || channels == 0 || samples == 0))
        abort ();
      break;
  }
  return 0;
}
