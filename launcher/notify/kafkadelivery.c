/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "delivery.h"
#include "kafkaproducer.h"

typedef struct {
  Delivery delivery;
  KafkaProducer *producer;
  char *topic;
  DeliveryResult *result; /* of the page that is under way */
} KafkaDelivery;

static void
on_refused (gpointer user, const char *reason, gpointer data)
{
  KafkaDelivery *kafka = data;

  delivery_result_add_refusal (kafka->result, user, reason);
}

static gboolean
send_page (KafkaDelivery *kafka, const NoticeTexts *texts, const NoticeJob *job,
    const WishlistPage *page, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) json = g_string_new (NULL);

  for (guint i = 0; i < page->users->len; i++) {
    WishlistUser *user = g_ptr_array_index (page->users, i);

    g_string_truncate (json, 0);
    notice_append_event (json, texts, job, user);
    if (!kafka_producer_send (kafka->producer, kafka->topic, user->id,
            json->str, json->len, user, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

/* Moves it into the domain of deliveries. */
static void
take_error (GError *why, GError **error)
{
  if (why->domain != KAFKA_ERROR) {
    g_propagate_error (error, why);
    return;
  }
  g_set_error_literal (error, DELIVERY_ERROR,
      why->code == KAFKA_ERROR_AWAY ? DELIVERY_ERROR_AWAY
                                    : DELIVERY_ERROR_WRONG,
      why->message);
  g_error_free (why);
}

static gboolean
deliver (Delivery *delivery, const NoticeTexts *texts, const NoticeJob *job,
    guint64 page_number, const WishlistPage *page, DeliveryResult *result,
    GCancellable *cancellable, GError **error)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;
  guint before = result->refusals != NULL ? result->refusals->len : 0;
  GError *why = NULL;

  kafka->result = result;
  if (!send_page (kafka, texts, job, page, cancellable, &why) ||
      !kafka_producer_flush (kafka->producer, cancellable, &why)) {
    take_error (why, error);
    return FALSE;
  }
  result->sent +=
      page->users->len -
      ((result->refusals != NULL ? result->refusals->len : 0) - before);
  return TRUE;
}

static void
free_delivery (Delivery *delivery)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;

  kafka_producer_free (kafka->producer);
  g_free (kafka->topic);
  g_free (kafka);
}

Delivery *
kafka_delivery_new (const KafkaDeliverySettings *settings, GError **error)
{
  static const DeliveryClass class = {deliver, free_delivery};
  KafkaProducer *producer = kafka_producer_new (settings->brokers, error);
  KafkaDelivery *kafka;

  if (producer == NULL)
    return NULL;
  kafka = g_new0 (KafkaDelivery, 1);
  kafka->delivery.class = &class;
  kafka->producer = producer;
  kafka->topic = g_strdup (settings->topic);
  kafka_producer_on_refused (producer, on_refused, kafka);
  return &kafka->delivery;
}
