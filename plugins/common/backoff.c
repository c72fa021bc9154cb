/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backoff.h"

gint64
backoff_next (Backoff *backoff, double random)
{
  gint64 wait = backoff->first;

  for (guint i = 0; i < backoff->failures && wait < backoff->most; i++)
    wait *= 2;
  wait = (gint64)(random * (double)MIN (wait, backoff->most));
  backoff->failures++;
  return MAX (wait, backoff->first / 2);
}

void
backoff_reset (Backoff *backoff)
{
  backoff->failures = 0;
}
