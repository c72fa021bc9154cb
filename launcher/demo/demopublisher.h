/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "demogames.h"
#include "settings.h"

G_BEGIN_DECLS

/* Who broadcasts for a game of the demo, with pipelines/demo-publisher.pipeline
 * in this process: over the network, as anybody would. */
typedef struct _DemoPublisher DemoPublisher;

/* On the default main context, once: it was dropped, or failed. It does not
 * come back. @reason is for people. The publisher may be freed in it. */
typedef void (*DemoPublisherOver) (const char *reason, gpointer data);

/* Publishes to the node of @settings, which @host reaches. @key: as a text. */
DemoPublisher *demo_publisher_start (const DemoGame *game, const char *key,
    const Settings *settings, const char *host, DemoPublisherOver over,
    gpointer data, GError **error);
/* Leaves. Accepts NULL. */
void demo_publisher_free (DemoPublisher *publisher);

/* Where publishers of either kind reach the node; by RTSP with the key in it.
 * (transfer full) */
char *demo_publisher_get_rtmp (const Settings *settings, const char *host);
char *demo_publisher_get_rtsp (
    const Settings *settings, const char *host, const char *key);

G_END_DECLS
