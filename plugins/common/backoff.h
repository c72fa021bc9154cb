/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Exponential backoff with full jitter: the n-th wait is a random time between
 * 0 and min (first * 2^n, most), but at least `first / 2`, so that a loop never
 * spins. Times in us. */
typedef struct {
  gint64 first;
  gint64 most;
  guint failures;
} Backoff;

/* How long to wait before the next attempt. @random is in [0, 1). */
gint64 backoff_next (Backoff *backoff, double random);
void backoff_reset (Backoff *backoff);

G_END_DECLS
