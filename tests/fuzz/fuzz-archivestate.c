/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>

#include "archivestate.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What can be read is written so that it reads the same, and never leads to a
 * part that is not there. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (ArchiveState) state =
      archive_state_parse ((const char *)data, size, NULL);
  g_autoptr (ArchiveState) again = NULL;
  g_autofree char *text = NULL, *same = NULL;
  guint number;

  if (state == NULL)
    return 0;
  archive_state_get_current (state, &number);
  if (number >= state->parts->len)
    abort ();
  archive_state_is_done (state);
  text = archive_state_render (state);
  again = archive_state_parse (text, strlen (text), NULL);
  if (again == NULL)
    abort ();
  same = archive_state_render (again);
  if (strcmp (text, same) != 0)
    abort ();
  return 0;
}
