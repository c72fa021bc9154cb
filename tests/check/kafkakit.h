/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* librdkafka's cluster of one broker, which speaks the protocol on a port of this
 * machine and can be told to misbehave. What fails in here fails the test. */
typedef struct _KafkaKit KafkaKit;

typedef struct {
  char *key, *value;
  char *content_type; /* NULL: it has no such header */
  int partition;
} KafkaMessage;

/* With a topic of four partitions. */
KafkaKit *kafka_kit_new (const char *topic);
void kafka_kit_free (KafkaKit *kit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KafkaKit, kafka_kit_free)

/* (transfer none) */
const char *kafka_kit_get_brokers (KafkaKit *kit);
void kafka_kit_set_down (KafkaKit *kit, gboolean is_down);
/* The next @n requests with messages are answered with @code, and not taken. */
void kafka_kit_refuse (KafkaKit *kit, guint n, int code);
/* All that the topic has, in order of each partition: of KafkaMessage.
 * (transfer full) */
GPtrArray *kafka_kit_read (KafkaKit *kit);
/* The same once there are @n, for 20 s at most. */
GPtrArray *kafka_kit_await (KafkaKit *kit, guint n);

G_END_DECLS
