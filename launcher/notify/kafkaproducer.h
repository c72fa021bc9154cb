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

/* How many brokers the cluster at @brokers says it has, asked for @timeout ms at
 * most. No topic is made by that. -1 and @error: nobody says anything. */
int kafka_count_brokers (const char *brokers, int timeout, GError **error);

/* @brokers: host:port, with commas. Nobody is asked yet whether they are there. */
KafkaProducer *kafka_producer_new (
    const char *brokers, const char *topic, GError **error);
void kafka_producer_free (KafkaProducer *producer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KafkaProducer, kafka_producer_free)

/* Told from within kafka_producer_send(), _await() and _flush(), of each message
 * that the brokers have taken, on as many of their disks as the topic asks for,
 * or that cannot be taken for what it is, as one that is too large. @refusal: why
 * not; NULL: it was taken. */
typedef void (*KafkaAnswered) (
    gpointer message_data, const char *refusal, gpointer data);
void kafka_producer_on_answered (
    KafkaProducer *producer, KafkaAnswered answered, gpointer data);

typedef struct {
  const char *key;
  const char *value;
  gsize length; /* of the value */
  gboolean
      is_kept;   /* the value stays where it is until the message is answered,
                       or the producer is emptied; else it is copied */
  gpointer data; /* for KafkaAnswered */
} KafkaRecord;

/* Queues one; waits while the queue is full. FALSE: none may have come; the
 * producer is emptied. */
gboolean kafka_producer_send (KafkaProducer *producer,
    const KafkaRecord *record, GCancellable *cancellable, GError **error);
/* Waits until @open, which KafkaAnswered counts down, is 0; others may be under
 * way. FALSE: some of all that was queued may not have come; the producer is
 * emptied, so that all of them can be sent again. */
gboolean kafka_producer_await (KafkaProducer *producer, const guint *open,
    GCancellable *cancellable, GError **error);
/* The same until all that was queued is answered. */
gboolean kafka_producer_flush (
    KafkaProducer *producer, GCancellable *cancellable, GError **error);
/* Forgets what is queued: nobody is told of it any more, and no value of it is
 * looked at. Some of it may have come. */
void kafka_producer_empty (KafkaProducer *producer);

G_END_DECLS
