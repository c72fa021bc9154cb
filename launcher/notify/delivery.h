/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "notice.h"

G_BEGIN_DECLS

/* Where notices go: a webhook, a Kafka topic. A delivery belongs to one thread,
 * which it blocks; how many bytes and requests it holds at a time is bounded by
 * the page. */
typedef struct _Delivery Delivery;

typedef struct {
  const WishlistUser *user; /* of the page */
  char *reason;
} DeliveryRefusal;

typedef struct {
  guint64 sent;
  GPtrArray *refusals; /* of DeliveryRefusal: refused for good; NULL: none */
} DeliveryResult;      /* begins as zeros */

void delivery_result_add_refusal (
    DeliveryResult *result, const WishlistUser *user, const char *reason);

/* Takes all that @more has. */
void delivery_result_merge (DeliveryResult *result, DeliveryResult *more);
void delivery_result_clear (DeliveryResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeliveryResult, delivery_result_clear)

typedef enum {
  DELIVERY_ERROR_AWAY,     /* worth trying again, after `retry after` if told */
  DELIVERY_ERROR_DISABLED, /* the receiver wants no more (410) */
  DELIVERY_ERROR_WRONG,    /* somebody must mend it: address, secret, topic */
} DeliveryError;

#define DELIVERY_ERROR (delivery_error_quark ())
GQuark delivery_error_quark (void);

typedef struct {
  /* Hands @page over, ahead of deliver(), which comes for each page in the same
   * order. At most two are begun at a time, so that one is under way while the
   * other is committed. They and @form stay until they are delivered or dropped.
   * NULL: all is done by deliver(). FALSE: all that was begun is dropped. */
  gboolean (*begin) (Delivery *delivery, const NoticeForm *form,
      const WishlistPage *page, GCancellable *cancellable, GError **error);
  /* Returns once every user of @page has been taken or refused for good. FALSE:
   * some may have been taken; the same page will be delivered again, with the
   * same keys, and what was begun is dropped. @page_number counts from 0 within
   * the job. */
  gboolean (*deliver) (Delivery *delivery, const NoticeForm *form,
      guint64 page_number, const WishlistPage *page, DeliveryResult *result,
      GCancellable *cancellable, GError **error);
  /* Nothing of the pages that were begun is used any more once it returns. NULL
   * where begin() is. */
  void (*drop) (Delivery *delivery);
  void (*free) (Delivery *delivery);
} DeliveryClass;

/* Bytes of a code. */
#define DELIVERY_PROBLEM 16

struct _Delivery {
  const DeliveryClass *class;
  gint64 retry_after; /* us; what the receiver has asked for last, or 0 */
  /* What was wrong last, for programs (openapi.json, `problemCode`), or "" */
  char problem[DELIVERY_PROBLEM];
};

typedef struct {
  const char *url;
  const char *const
      *secrets;      /* whsec_…; the first signs, so do all in a rotation */
  guint batch;       /* users a request, at most [100] */
  gsize body;        /* bytes a request, at most, if it is of more than one user
                        [WEBHOOK_BODY] */
  guint concurrency; /* requests at a time [8] */
  guint timeout;     /* s a request [10] */
} WebhookSettings;

/* What Standard Webhooks advises to keep a body under. */
#define WEBHOOK_BODY 20000

/* Standard Webhooks; bodies are `application/cloudevents-batch+json`. */
Delivery *webhook_new (const WebhookSettings *settings, GError **error);

typedef struct {
  const char *brokers;
  const char *topic;
} KafkaDeliverySettings;

/* An idempotent producer, key = user id, CloudEvents' structured mode of the Kafka
 * binding. */
Delivery *kafka_delivery_new (
    const KafkaDeliverySettings *settings, GError **error);

void delivery_free (Delivery *delivery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Delivery, delivery_free)

G_END_DECLS
