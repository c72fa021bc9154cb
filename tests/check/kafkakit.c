/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kafkakit.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#define PARTITIONS 4
#define PRODUCE 0 /* the request's number in the protocol */
#define BROKER 1
#define PATIENCE (20 * G_USEC_PER_SEC)

struct _KafkaKit {
  rd_kafka_t *rk;
  rd_kafka_mock_cluster_t *cluster;
  char *topic;
};

static rd_kafka_t *
make (rd_kafka_type_t type, const char *const *options)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char text[512];
  rd_kafka_t *rk;

  for (guint i = 0; options[i] != NULL; i += 2)
    g_assert_cmpint (
        rd_kafka_conf_set (conf, options[i], options[i + 1], text, sizeof text),
        ==, RD_KAFKA_CONF_OK);
  rk = rd_kafka_new (type, conf, text, sizeof text);
  g_assert_nonnull (rk);
  return rk;
}

KafkaKit *
kafka_kit_new (const char *topic)
{
  static const char *const options[] = {"client.id", "mock", NULL};
  KafkaKit *kit = g_new0 (KafkaKit, 1);

  kit->rk = make (RD_KAFKA_PRODUCER, options);
  kit->cluster = rd_kafka_mock_cluster_new (kit->rk, 1);
  kit->topic = g_strdup (topic);
  g_assert_nonnull (kit->cluster);
  g_assert_cmpint (
      rd_kafka_mock_topic_create (kit->cluster, topic, PARTITIONS, 1), ==, 0);
  return kit;
}

void
kafka_kit_free (KafkaKit *kit)
{
  rd_kafka_mock_cluster_destroy (kit->cluster);
  rd_kafka_destroy (kit->rk);
  g_free (kit->topic);
  g_free (kit);
}

const char *
kafka_kit_get_brokers (KafkaKit *kit)
{
  return rd_kafka_mock_cluster_bootstraps (kit->cluster);
}

void
kafka_kit_set_down (KafkaKit *kit, gboolean is_down)
{
  if (is_down)
    rd_kafka_mock_broker_set_down (kit->cluster, BROKER);
  else
    rd_kafka_mock_broker_set_up (kit->cluster, BROKER);
}

void
kafka_kit_refuse (KafkaKit *kit, guint n, int code)
{
  g_autofree rd_kafka_resp_err_t *codes = g_new (rd_kafka_resp_err_t, n);

  for (guint i = 0; i < n; i++)
    codes[i] = code;
  rd_kafka_mock_push_request_errors_array (kit->cluster, PRODUCE, n, codes);
}

/* --- Reading ------------------------------------------------------------------*/

static void
message_free (gpointer data)
{
  KafkaMessage *message = data;

  g_free (message->key);
  g_free (message->value);
  g_free (message->content_type);
  g_free (message);
}

static KafkaMessage *
copy (const rd_kafka_message_t *from)
{
  KafkaMessage *message = g_new0 (KafkaMessage, 1);
  rd_kafka_headers_t *headers;
  const void *value;
  gsize length;

  message->key = g_strndup (from->key, from->key_len);
  message->value = g_strndup (from->payload, from->len);
  message->partition = from->partition;
  if (rd_kafka_message_headers (from, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
      rd_kafka_header_get_last (headers, "content-type", &value, &length) ==
          RD_KAFKA_RESP_ERR_NO_ERROR)
    message->content_type = g_strndup (value, length);
  return message;
}

static void
assign (rd_kafka_t *rk, const char *topic)
{
  rd_kafka_topic_partition_list_t *list =
      rd_kafka_topic_partition_list_new (PARTITIONS);

  for (int i = 0; i < PARTITIONS; i++)
    rd_kafka_topic_partition_list_add (list, topic, i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  g_assert_cmpint (rd_kafka_assign (rk, list), ==, 0);
  rd_kafka_topic_partition_list_destroy (list);
}

GPtrArray *
kafka_kit_read (KafkaKit *kit)
{
  const char *const options[] = {"bootstrap.servers",
      kafka_kit_get_brokers (kit), "group.id", "test", "enable.partition.eof",
      "true", "enable.auto.commit", "false", NULL};
  rd_kafka_t *rk = make (RD_KAFKA_CONSUMER, options);
  GPtrArray *messages = g_ptr_array_new_with_free_func (message_free);
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  int left = PARTITIONS;

  assign (rk, kit->topic);
  while (left > 0) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll (rk, 1000);

    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    if (message == NULL)
      continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      g_ptr_array_add (messages, copy (message));
    else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
      left--;
    rd_kafka_message_destroy (message);
  }
  rd_kafka_consumer_close (rk);
  rd_kafka_destroy (rk);
  return messages;
}

GPtrArray *
kafka_kit_await (KafkaKit *kit, guint n)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (TRUE) {
    GPtrArray *messages = kafka_kit_read (kit);

    if (messages->len >= n)
      return messages;
    if (g_get_monotonic_time () > deadline)
      g_error ("%u messages instead of %u", messages->len, n);
    g_ptr_array_unref (messages);
  }
}
