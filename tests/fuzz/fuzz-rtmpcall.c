/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmpcall.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RtmpCall call;
  g_autoptr (GError) error = NULL;

  if (!rtmp_call_parse (&call, (const char *)data, size, &error)) {
    g_assert (error);
    return 0;
  }
  g_assert (call.call && call.app && call.name && call.address && call.client);
  g_assert (strlen (call.name) <= RTMP_CALL_MAX_VALUE);
  g_assert (call.time >= -1);
  rtmp_call_clear (&call);
  return 0;
}
