/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tracktable.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Whatever is accepted is written and read again as the same. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  g_autoptr (JsonNode) written = NULL;
  g_autoptr (TrackTable) table = NULL, again = NULL;

  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  if (node == NULL)
    return 0;
  table = track_table_from_json (node, NULL);
  if (table == NULL)
    return 0;
  written = track_table_to_json (table);
  again = track_table_from_json (written, NULL);
  if (again == NULL || !track_table_equal (table, again))
    abort ();
  return 0;
}
