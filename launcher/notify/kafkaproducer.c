/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kafkaproducer.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#define CONTENT_TYPE "application/cloudevents+json; charset=UTF-8"
/* How long a wait looks for nothing but the brokers. */
#define GLANCE 100 /* ms */
/* More than a page of the fan-out, and what it may hold in memory. */
#define MOST_MESSAGES "10000"
#define MOST_KBYTES "32768"
/* From send() until a message counts as not taken. */
#define DELIVERY_TIMEOUT "30000" /* ms */
#define ERROR_SIZE 512

struct _KafkaProducer {
  rd_kafka_t *rk; /* NULL: to be made */
  char *brokers;
  KafkaRefused refused;
  gpointer data;
  guint n_failed; /* since the last flush */
  char *failure;  /* the first of them */
};

G_DEFINE_QUARK (kafka - error, kafka_error)

/* Nothing about time or brokers would change it. */
static gboolean
is_refusal (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
         code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
         code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
         code == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

static void
on_delivered (rd_kafka_t *rk, const rd_kafka_message_t *message, void *data)
{
  KafkaProducer *producer = data;

  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  if (is_refusal (message->err)) {
    if (producer->refused != NULL)
      producer->refused (
          message->_private, rd_kafka_err2str (message->err), producer->data);
    return;
  }
  producer->n_failed++;
  if (producer->failure == NULL)
    producer->failure = g_strdup (rd_kafka_err2str (message->err));
}

/* Its own log goes to the standard error, past ours. */
static void
on_log (const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
  g_debug ("kafka: %s: %s", facility, text);
}

static gboolean
set (rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
  char text[ERROR_SIZE];

  if (rd_kafka_conf_set (conf, name, value, text, sizeof text) ==
      RD_KAFKA_CONF_OK)
    return TRUE;
  g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_WRONG, "Kafka: %s", text);
  return FALSE;
}

static gboolean
connect_producer (KafkaProducer *producer, GError **error)
{
  static const struct {
    const char *name, *value;
  } options[] = {
      {"enable.idempotence", "true"},
      {"linger.ms", "5"},
      {"compression.codec", "lz4"},
      {"queue.buffering.max.messages", MOST_MESSAGES},
      {"queue.buffering.max.kbytes", MOST_KBYTES},
      {"delivery.timeout.ms", DELIVERY_TIMEOUT},
      {"reconnect.backoff.max.ms", "5000"},
      {"client.id", "wishcast"},
  };
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  gboolean is_good = set (conf, "bootstrap.servers", producer->brokers, error);
  char text[ERROR_SIZE];

  for (guint i = 0; is_good && i < G_N_ELEMENTS (options); i++)
    is_good = set (conf, options[i].name, options[i].value, error);
  if (!is_good) {
    rd_kafka_conf_destroy (conf);
    return FALSE;
  }
  rd_kafka_conf_set_opaque (conf, producer);
  rd_kafka_conf_set_dr_msg_cb (conf, on_delivered);
  rd_kafka_conf_set_log_cb (conf, on_log);
  producer->rk = rd_kafka_new (RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (producer->rk != NULL)
    return TRUE;
  rd_kafka_conf_destroy (conf);
  g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_WRONG, "Kafka: %s", text);
  return FALSE;
}

KafkaProducer *
kafka_producer_new (const char *brokers, GError **error)
{
  g_autoptr (KafkaProducer) producer = g_new0 (KafkaProducer, 1);

  producer->brokers = g_strdup (brokers);
  if (!connect_producer (producer, error))
    return NULL;
  return g_steal_pointer (&producer);
}

/* Drops what is queued, as it names what the caller is about to free. Also the way
 * out of a fatal error, after which an idempotent producer takes nothing more. */
static void
disconnect (KafkaProducer *producer)
{
  if (producer->rk == NULL)
    return;
  rd_kafka_purge (
      producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush (producer->rk, 0);
  rd_kafka_destroy (producer->rk);
  producer->rk = NULL;
  producer->n_failed = 0;
  g_clear_pointer (&producer->failure, g_free);
}

void
kafka_producer_free (KafkaProducer *producer)
{
  if (producer == NULL)
    return;
  producer->refused = NULL;
  disconnect (producer);
  g_free (producer->brokers);
  g_free (producer);
}

void
kafka_producer_on_refused (
    KafkaProducer *producer, KafkaRefused refused, gpointer data)
{
  producer->refused = refused;
  producer->data = data;
}

static rd_kafka_resp_err_t
produce (KafkaProducer *producer, const char *topic, const char *key,
    const char *value, gsize length, gpointer message_data)
{
  return rd_kafka_producev (producer->rk, RD_KAFKA_V_TOPIC (topic),
      RD_KAFKA_V_KEY (key, strlen (key)),
      RD_KAFKA_V_VALUE ((void *)value, length),
      RD_KAFKA_V_HEADER ("content-type", CONTENT_TYPE, -1),
      RD_KAFKA_V_MSGFLAGS (RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_OPAQUE (message_data), RD_KAFKA_V_END);
}

gboolean
kafka_producer_send (KafkaProducer *producer, const char *topic,
    const char *key, const char *value, gsize length, gpointer message_data,
    GCancellable *cancellable, GError **error)
{
  rd_kafka_resp_err_t code;

  if (producer->rk == NULL && !connect_producer (producer, error))
    return FALSE;
  while ((code = produce (producer, topic, key, value, length, message_data)) ==
         RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error)) {
      disconnect (producer);
      return FALSE;
    }
    rd_kafka_poll (producer->rk, GLANCE);
  }
  rd_kafka_poll (producer->rk, 0);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
    return TRUE;
  if (is_refusal (code)) {
    if (producer->refused != NULL)
      producer->refused (message_data, rd_kafka_err2str (code), producer->data);
    return TRUE;
  }
  g_set_error (error, KAFKA_ERROR,
      code == RD_KAFKA_RESP_ERR__FATAL ? KAFKA_ERROR_AWAY : KAFKA_ERROR_WRONG,
      "Kafka, topic %s: %s", topic, rd_kafka_err2str (code));
  disconnect (producer);
  return FALSE;
}

gboolean
kafka_producer_flush (
    KafkaProducer *producer, GCancellable *cancellable, GError **error)
{
  if (producer->rk == NULL)
    return TRUE;
  while (rd_kafka_outq_len (producer->rk) > 0 &&
         !g_cancellable_is_cancelled (cancellable))
    rd_kafka_flush (producer->rk, GLANCE);
  if (!g_cancellable_set_error_if_cancelled (cancellable, error)) {
    if (producer->n_failed == 0)
      return TRUE;
    g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_AWAY,
        "Kafka at %s has not taken %u messages: %s", producer->brokers,
        producer->n_failed, producer->failure);
  }
  disconnect (producer);
  return FALSE;
}
