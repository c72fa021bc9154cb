/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fanout.h"
#include "settings.h"

G_BEGIN_DECLS

/* Tells the wishlist of broadcasts, and the broker of every change of one. Any
 * number of nodes may run one. Without a webhook and a broker it does nothing,
 * and the jobs wait. */
typedef struct _Notifier Notifier;

/* @settings must outlive it. */
Notifier *notifier_new (
    const Settings *settings, const char *conninfo, GError **error);
/* What is under way is broken off, and goes on with the next start. */
void notifier_free (Notifier *notifier);
/* Thread-safe. */
void notifier_get_stats (Notifier *notifier, FanoutStats *stats);

G_END_DECLS
