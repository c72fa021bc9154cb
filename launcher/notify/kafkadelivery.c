/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "delivery.h"
#include "kafkaproducer.h"

/* Of pages that are begun. */
#define MOST_LOTS 2

/* A page that is under way. */
typedef struct {
  const WishlistPage *page;
  guint open; /* users who are not answered for */
  DeliveryResult result;
} Lot;

typedef struct {
  Delivery delivery;
  KafkaProducer *producer;
  Lot lots[MOST_LOTS]; /* in the order in which they were begun */
  guint n_lots;
} KafkaDelivery;

static gboolean
has_user (const Lot *lot, const WishlistUser *user)
{
  const WishlistUser *first = (const WishlistUser *)lot->page->users->data;

  return user >= first && user < first + lot->page->users->len;
}

static void
on_answered (gpointer user, const char *refusal, gpointer data)
{
  KafkaDelivery *kafka = data;
  Lot *lot =
      has_user (&kafka->lots[0], user) ? &kafka->lots[0] : &kafka->lots[1];

  lot->open--;
  if (refusal != NULL)
    delivery_result_add_refusal (&lot->result, user, refusal);
  else
    lot->result.sent++;
}

static void
end_lot (KafkaDelivery *kafka)
{
  delivery_result_clear (&kafka->lots[0].result);
  kafka->n_lots--;
  memmove (kafka->lots, kafka->lots + 1, kafka->n_lots * sizeof (Lot));
}

static void
drop (Delivery *delivery)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;

  if (kafka->n_lots > 0)
    kafka_producer_empty (kafka->producer);
  while (kafka->n_lots > 0)
    end_lot (kafka);
}

/* Drops all, and moves @why into the domain of deliveries. */
static gboolean
fail (KafkaDelivery *kafka, GError *why, GError **error)
{
  drop (&kafka->delivery);
  g_strlcpy (kafka->delivery.problem, "broker", DELIVERY_PROBLEM);
  if (why->domain != KAFKA_ERROR) {
    g_propagate_error (error, why);
    return FALSE;
  }
  g_set_error_literal (error, DELIVERY_ERROR,
      why->code == KAFKA_ERROR_AWAY ? DELIVERY_ERROR_AWAY
                                    : DELIVERY_ERROR_WRONG,
      why->message);
  g_error_free (why);
  return FALSE;
}

static gboolean
begin (Delivery *delivery, const NoticeForm *form, const WishlistPage *page,
    GCancellable *cancellable, GError **error)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;
  g_autoptr (GString) json = g_string_new (NULL);
  GError *why = NULL;

  g_return_val_if_fail (kafka->n_lots < MOST_LOTS, FALSE);
  kafka->lots[kafka->n_lots++] = (Lot){.page = page, .open = page->users->len};
  for (guint i = 0; i < page->users->len; i++) {
    WishlistUser *user = wishlist_page_get (page, i);
    KafkaRecord record = {
        user->id, user->event, user->event_length, user->event != NULL, user};

    if (user->event == NULL) {
      g_string_truncate (json, 0);
      notice_append_event (json, form, user);
      record.value = json->str;
      record.length = json->len;
    }
    if (!kafka_producer_send (kafka->producer, &record, cancellable, &why))
      return fail (kafka, why, error);
  }
  return TRUE;
}

static gboolean
deliver (Delivery *delivery, const NoticeForm *form, guint64 page_number,
    const WishlistPage *page, DeliveryResult *result, GCancellable *cancellable,
    GError **error)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;
  Lot *lot = &kafka->lots[0];
  GError *why = NULL;

  g_return_val_if_fail (kafka->n_lots > 0 && lot->page == page, FALSE);
  if (!kafka_producer_await (kafka->producer, &lot->open, cancellable, &why))
    return fail (kafka, why, error);
  delivery_result_merge (result, &lot->result);
  end_lot (kafka);
  return TRUE;
}

static void
free_delivery (Delivery *delivery)
{
  KafkaDelivery *kafka = (KafkaDelivery *)delivery;

  drop (delivery);
  kafka_producer_free (kafka->producer);
  g_free (kafka);
}

Delivery *
kafka_delivery_new (const KafkaDeliverySettings *settings, GError **error)
{
  static const DeliveryClass class = {begin, deliver, drop, free_delivery};
  KafkaProducer *producer =
      kafka_producer_new (settings->brokers, settings->topic, error);
  KafkaDelivery *kafka;

  if (producer == NULL)
    return NULL;
  kafka = g_new0 (KafkaDelivery, 1);
  kafka->delivery.class = &class;
  kafka->producer = producer;
  kafka_producer_on_answered (producer, on_answered, kafka);
  return &kafka->delivery;
}
