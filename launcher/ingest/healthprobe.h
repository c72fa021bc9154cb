/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Watches the pads of the element `source` of a broadcast's pipeline, whichever
 * it is. Thread-safe. */
typedef struct _HealthProbe HealthProbe;

HealthProbe *health_probe_new (GstElement *source);
/* Call it about once a second. The findings as JSON (transfer full) if they
 * changed since, else NULL. @now: monotonic, us. */
char *health_probe_tick (HealthProbe *probe, gint64 now);
guint64 health_probe_get_bytes (HealthProbe *probe);
void health_probe_free (HealthProbe *probe);

G_END_DECLS
