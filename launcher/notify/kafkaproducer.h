/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* An idempotent producer of Apache Kafka for CloudEvents in structured mode
 * (Kafka Protocol Binding for CloudEvents 1.0.2, section 3.3). Belongs to one
 * thread, which it blocks. The only file that knows librdkafka. */
typedef struct _KafkaProducer KafkaProducer;

typedef enum {
  KAFKA_ERROR_AWAY,  /* worth trying again later */
  KAFKA_ERROR_WRONG, /* the configuration, the topic, the rights */
} KafkaError;

#define KAFKA_ERROR (kafka_error_quark ())
GQuark kafka_error_quark (void);

/* @brokers: host:port, with commas. Nobody is asked yet whether they are there. */
KafkaProducer *kafka_producer_new (const char *brokers, GError **error);
void kafka_producer_free (KafkaProducer *producer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KafkaProducer, kafka_producer_free)

/* Told from within kafka_producer_flush() and _send(), for each message that
 * cannot be taken for what it is, as one that is too large. */
typedef void (*KafkaRefused) (
    gpointer message_data, const char *reason, gpointer data);
void kafka_producer_on_refused (
    KafkaProducer *producer, KafkaRefused refused, gpointer data);

/* Queues one; waits while the queue is full. @key and @value are copied. FALSE:
 * none may have come; the producer is emptied. */
gboolean kafka_producer_send (KafkaProducer *producer, const char *topic,
    const char *key, const char *value, gsize length, gpointer message_data,
    GCancellable *cancellable, GError **error);
/* Waits until the brokers have all that was queued, on as many of their disks as
 * the topic asks for. FALSE: some may not have come; the producer is emptied, so
 * that all of them can be sent again. */
gboolean kafka_producer_flush (
    KafkaProducer *producer, GCancellable *cancellable, GError **error);

G_END_DECLS
