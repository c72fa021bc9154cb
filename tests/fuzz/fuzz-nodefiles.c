/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keyfile.h"
#include "statefile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_broadcasts (const char *text, gsize length)
{
  g_autoptr (GPtrArray) read = state_file_parse (text, length, NULL);
  g_autoptr (GPtrArray) again = NULL;
  g_autofree char *written = NULL, *rewritten = NULL;

  if (read == NULL)
    return;
  written = state_file_render (read);
  again = state_file_parse (written, strlen (written), NULL);
  if (again == NULL)
    abort ();
  rewritten = state_file_render (again);
  if (strcmp (written, rewritten) != 0)
    abort ();
}

static void
check_keys (const char *text, gsize length)
{
  g_autoptr (GHashTable) read = key_table_parse (text, length, NULL);
  g_autoptr (GHashTable) again = NULL;
  g_autofree char *written = NULL;

  if (read == NULL)
    return;
  written = key_table_render (read);
  again = key_table_parse (written, strlen (written), NULL);
  if (again == NULL || g_hash_table_size (again) != g_hash_table_size (read))
    abort ();
}

/* What the node keeps for its next start. Whatever is accepted is written and
 * read again as the same. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);

  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  check_broadcasts (text, size);
  check_keys (text, size);
  return 0;
}
