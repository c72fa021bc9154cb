/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kafkaproducer.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#define CONTENT_TYPE "application/cloudevents+json; charset=UTF-8"
/* How long a wait looks for nothing but the brokers. */
#define GLANCE 100 /* ms */
/* A page of the fan-out, and what it may hold in memory. */
#define MOST_MESSAGES "10000"
#define MOST_KBYTES "32768"
/* From send() until a message counts as not taken. */
#define DELIVERY_TIMEOUT "30000" /* ms */
#define ERROR_SIZE 512
/* Messages between two looks for answers: each look takes locks. */
#define LOOK 64

struct _KafkaProducer {
  rd_kafka_t *rk;          /* NULL: to be made */
  rd_kafka_topic_t *topic; /* of it */
  char *brokers, *topic_name;
  KafkaAnswered answered; /* or NULL */
  gpointer data;
  guint n_sent;
  guint n_failed; /* since it was empty */
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
answer (KafkaProducer *producer, gpointer message_data, const char *refusal)
{
  if (producer->answered != NULL)
    producer->answered (message_data, refusal, producer->data);
}

static void
on_delivered (rd_kafka_t *rk, const rd_kafka_message_t *message, void *data)
{
  KafkaProducer *producer = data;

  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    answer (producer, message->_private, NULL);
    return;
  }
  if (is_refusal (message->err)) {
    answer (producer, message->_private, rd_kafka_err2str (message->err));
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
      /* The end of each page waits for it. */
      {"linger.ms", "1"},
      {"compression.codec", "lz4"},
      {"queue.buffering.max.messages", MOST_MESSAGES},
      {"queue.buffering.max.kbytes", MOST_KBYTES},
      {"delivery.timeout.ms", DELIVERY_TIMEOUT},
      {"reconnect.backoff.max.ms", "5000"},
      {"client.id", "wishcast"},
  };
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  gboolean is_good = set (conf, "bootstrap.servers", producer->brokers, error);
  char text[ERROR_SIZE] = "";

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
  if (producer->rk == NULL) {
    rd_kafka_conf_destroy (conf);
    g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_WRONG, "Kafka: %s", text);
    return FALSE;
  }
  producer->topic =
      rd_kafka_topic_new (producer->rk, producer->topic_name, NULL);
  if (producer->topic != NULL)
    return TRUE;
  g_clear_pointer (&producer->rk, rd_kafka_destroy);
  g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_WRONG,
      "Kafka: \"%s\" is no name of a topic", producer->topic_name);
  return FALSE;
}

/* The first that goes wrong, as one line for people; at best librdkafka knows who
 * did not answer. */
static void
on_trouble (rd_kafka_t *rk, int code, const char *reason, void *data)
{
  char **trouble = data;

  if (*trouble == NULL)
    *trouble = g_strdup (reason);
}

int
kafka_count_brokers (const char *brokers, int timeout, GError **error)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  const struct rd_kafka_metadata *metadata = NULL;
  g_autofree char *trouble = NULL;
  char text[ERROR_SIZE] = "";
  rd_kafka_t *rk = NULL;
  rd_kafka_resp_err_t code;
  int n = -1;

  rd_kafka_conf_set_log_cb (conf, on_log);
  rd_kafka_conf_set_error_cb (conf, on_trouble);
  rd_kafka_conf_set_opaque (conf, &trouble);
  if (set (conf, "bootstrap.servers", brokers, error))
    rk = rd_kafka_new (RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (rk == NULL) {
    rd_kafka_conf_destroy (conf);
    if (error != NULL && *error == NULL)
      g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_WRONG, "Kafka: %s", text);
    return -1;
  }
  /* Of no topic. */
  code = rd_kafka_metadata (rk, FALSE, NULL, &metadata, timeout);
  rd_kafka_poll (rk, 0);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    n = metadata->broker_cnt;
    rd_kafka_metadata_destroy (metadata);
  } else {
    g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_AWAY,
        "Kafka at %s does not answer: %s", brokers,
        trouble != NULL ? trouble : rd_kafka_err2str (code));
  }
  rd_kafka_destroy (rk);
  return n;
}

KafkaProducer *
kafka_producer_new (const char *brokers, const char *topic, GError **error)
{
  g_autoptr (KafkaProducer) producer = g_new0 (KafkaProducer, 1);

  producer->brokers = g_strdup (brokers);
  producer->topic_name = g_strdup (topic);
  if (!connect_producer (producer, error))
    return NULL;
  return g_steal_pointer (&producer);
}

/* Also the way out of a fatal error, after which an idempotent producer takes
 * nothing more. */
void
kafka_producer_empty (KafkaProducer *producer)
{
  KafkaAnswered answered = producer->answered;

  if (producer->rk == NULL)
    return;
  producer->answered = NULL;
  rd_kafka_purge (
      producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush (producer->rk, 0);
  rd_kafka_topic_destroy (producer->topic);
  /* Waits for its threads. */
  rd_kafka_destroy (producer->rk);
  producer->answered = answered;
  producer->rk = NULL;
  producer->n_failed = 0;
  g_clear_pointer (&producer->failure, g_free);
}

void
kafka_producer_free (KafkaProducer *producer)
{
  if (producer == NULL)
    return;
  kafka_producer_empty (producer);
  g_free (producer->brokers);
  g_free (producer->topic_name);
  g_free (producer);
}

void
kafka_producer_on_answered (
    KafkaProducer *producer, KafkaAnswered answered, gpointer data)
{
  producer->answered = answered;
  producer->data = data;
}

static rd_kafka_resp_err_t
produce (KafkaProducer *producer, const KafkaRecord *record)
{
  return rd_kafka_producev (producer->rk, RD_KAFKA_V_RKT (producer->topic),
      RD_KAFKA_V_KEY (record->key, strlen (record->key)),
      RD_KAFKA_V_VALUE ((void *)record->value, record->length),
      RD_KAFKA_V_HEADER ("content-type", CONTENT_TYPE, -1),
      RD_KAFKA_V_MSGFLAGS (record->is_kept ? 0 : RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_OPAQUE (record->data), RD_KAFKA_V_END);
}

gboolean
kafka_producer_send (KafkaProducer *producer, const KafkaRecord *record,
    GCancellable *cancellable, GError **error)
{
  rd_kafka_resp_err_t code;

  if (producer->rk == NULL && !connect_producer (producer, error))
    return FALSE;
  while ((code = produce (producer, record)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error)) {
      kafka_producer_empty (producer);
      return FALSE;
    }
    rd_kafka_poll (producer->rk, GLANCE);
  }
  if (++producer->n_sent % LOOK == 0)
    rd_kafka_poll (producer->rk, 0);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
    return TRUE;
  if (is_refusal (code)) {
    answer (producer, record->data, rd_kafka_err2str (code));
    return TRUE;
  }
  g_set_error (error, KAFKA_ERROR,
      code == RD_KAFKA_RESP_ERR__FATAL ? KAFKA_ERROR_AWAY : KAFKA_ERROR_WRONG,
      "Kafka, topic %s: %s", producer->topic_name, rd_kafka_err2str (code));
  kafka_producer_empty (producer);
  return FALSE;
}

/* After a wait. */
static gboolean
judge (KafkaProducer *producer, GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_set_error_if_cancelled (cancellable, error)) {
    if (producer->n_failed == 0)
      return TRUE;
    g_set_error (error, KAFKA_ERROR, KAFKA_ERROR_AWAY,
        "Kafka at %s has not taken %u messages: %s", producer->brokers,
        producer->n_failed, producer->failure);
  }
  kafka_producer_empty (producer);
  return FALSE;
}

gboolean
kafka_producer_await (KafkaProducer *producer, const guint *open,
    GCancellable *cancellable, GError **error)
{
  while (*open > 0 && producer->n_failed == 0 &&
         !g_cancellable_is_cancelled (cancellable))
    rd_kafka_poll (producer->rk, GLANCE);
  return judge (producer, cancellable, error);
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
  return judge (producer, cancellable, error);
}
