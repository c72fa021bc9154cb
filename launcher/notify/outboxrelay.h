/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Every change of a broadcast, from wishcast.outbox to a topic of Kafka, in order
 * per broadcast: key = link, CloudEvents of the type
 * "com.wishcast.<event>.v1", id = "outbox-<id>", data = openapi.json "Broadcast".
 * At least once; after a kill the last hundred at most are repeated, with the same
 * ids. Of the nodes that run one, the one with the lock of the database works. */
typedef struct _OutboxRelay OutboxRelay;

/* NULL and @error if the settings of Kafka are wrong. */
OutboxRelay *outbox_relay_new (const char *conninfo, const char *brokers,
    const char *topic, const char *source, GError **error);
void outbox_relay_free (OutboxRelay *relay);
/* Since the start. */
guint64 outbox_relay_get_sent (OutboxRelay *relay);

G_END_DECLS
