/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A strict reader of Prometheus' text format 0.0.4: whatever Prometheus could
 * take amiss, and a sample without HELP and TYPE, or twice, fails the test.
 * Returns sample (name and labels, as written) -> double. */
GHashTable *metrics_read (const char *text);
double metrics_get (GHashTable *metrics, const char *sample);

G_END_DECLS
