/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "delivery.h"
#include "kafkakit.h"
#include "kafkaproducer.h"
#include "outboxrelay.h"
#include "pgkit.h"
#include "wishlistsource-private.h"

#define TOPIC "wishcast.test"
#define KEYS 20
/* As of kafkaproducer.c. */
#define MOST_MESSAGES 10000
#define MOST_BYTES (32768 * 1024)
#define CONTENT_TYPE "application/cloudevents+json; charset=UTF-8"

static void
send_text (KafkaProducer *producer, const char *key, const char *value)
{
  const KafkaRecord record = {key, value, strlen (value)};
  g_autoptr (GError) error = NULL;

  kafka_producer_send (producer, &record, NULL, &error);
  g_assert_no_error (error);
}

static void
flush (KafkaProducer *producer)
{
  g_autoptr (GError) error = NULL;

  kafka_producer_flush (producer, NULL, &error);
  g_assert_no_error (error);
}

/* Message i has the key i % KEYS. */
static void
send_many (KafkaProducer *producer, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf ("key-%u", i % KEYS);
    g_autofree char *value = g_strdup_printf ("%u", i);

    send_text (producer, key, value);
  }
}

/* Each of them once, those of a key in one partition and in order. */
static void
assert_many (KafkaKit *kit, guint n)
{
  g_autoptr (GPtrArray) messages = kafka_kit_read (kit);
  int partition[KEYS], last[KEYS];

  memset (partition, -1, sizeof partition);
  memset (last, -1, sizeof last);
  g_assert_cmpuint (messages->len, ==, n);
  for (guint i = 0; i < messages->len; i++) {
    const KafkaMessage *message = g_ptr_array_index (messages, i);
    int value = atoi (message->value);
    int key = value % KEYS;
    g_autofree char *expected = g_strdup_printf ("key-%d", key);

    g_assert_cmpstr (message->key, ==, expected);
    g_assert_cmpstr (message->content_type, ==, CONTENT_TYPE);
    if (partition[key] >= 0)
      g_assert_cmpint (message->partition, ==, partition[key]);
    partition[key] = message->partition;
    g_assert_cmpint (value, ==, last[key] < 0 ? key : last[key] + KEYS);
    last[key] = value;
  }
}

static void
test_order (void)
{
  g_autoptr (KafkaKit) kit = kafka_kit_new (TOPIC);
  g_autoptr (KafkaProducer) producer =
      kafka_producer_new (kafka_kit_get_brokers (kit), TOPIC, NULL);

  flush (producer);
  send_many (producer, 1000);
  flush (producer);
  assert_many (kit, 1000);
}

/* What the broker does not take at first is sent again, once. Of several requests
 * under way this cluster does not keep the order, as a broker does. */
static void
test_retried (void)
{
  g_autoptr (KafkaKit) kit = kafka_kit_new (TOPIC);
  g_autoptr (KafkaProducer) producer =
      kafka_producer_new (kafka_kit_get_brokers (kit), TOPIC, NULL);

  kafka_kit_refuse (kit, 6, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  send_many (producer, 400);
  flush (producer);
  assert_many (kit, 400);
}

/* The message alone is refused, not those around it. */
static void
on_answered (gpointer message_data, const char *refusal, gpointer data)
{
  GString *refused = data;

  if (refusal == NULL)
    return;
  g_string_append_printf (refused, "%s:", (const char *)message_data);
  g_assert_nonnull (strstr (refusal, "too large"));
}

static void
test_too_large (void)
{
  g_autoptr (KafkaKit) kit = kafka_kit_new (TOPIC);
  g_autoptr (KafkaProducer) producer =
      kafka_producer_new (kafka_kit_get_brokers (kit), TOPIC, NULL);
  g_autoptr (GString) refused = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  char name[] = "large";
  g_autofree char *large = g_strnfill (2000000, 'x');
  const KafkaRecord record = {"a", large, strlen (large), FALSE, name};

  kafka_producer_on_answered (producer, on_answered, refused);
  send_many (producer, 50);
  g_assert_true (kafka_producer_send (producer, &record, NULL, &error));
  flush (producer);
  g_assert_cmpstr (refused->str, ==, "large:");
  assert_many (kit, 50);
}

/* With nobody to take them, no more is held than the bound says. */
static void
test_bound (void)
{
  static const struct {
    gsize size;
    guint least, most;
  } cases[] = {
      {10, MOST_MESSAGES, MOST_MESSAGES},
      {16 * 1024, MOST_BYTES / (17 * 1024), MOST_BYTES / (16 * 1024) + 1},
  };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  /* It is looked at only where there is no room. */
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (KafkaProducer) producer =
        kafka_producer_new ("127.0.0.1:1", TOPIC, NULL);
    g_autofree char *value = g_strnfill (cases[i].size, 'x');
    const KafkaRecord record = {"a", value, cases[i].size};
    g_autoptr (GError) error = NULL;
    guint n = 0;

    while (n < 2 * MOST_MESSAGES &&
           kafka_producer_send (producer, &record, cancellable, &error))
      n++;
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint (n, >=, cases[i].least);
    g_assert_cmpuint (n, <=, cases[i].most);
    /* A send that is broken off leaves nothing to wait for. */
    flush (producer);
  }
}

/* --- The delivery ----------------------------------------------------------------*/

static const NoticeJob job = {
    .broadcast = "0b0e7f4c-6f0a-4e0e-9a58-0d3f6e1c2b3a",
    .link = "k3v7q2m5x4t6w2ab",
    .game = "half-life",
    .game_title = "Half-Life",
    .title = "",
    .watch_url = "https://play.example/watch/k3v7q2m5x4t6w2ab",
    .source = "https://play.example",
    .started_at = "2026-03-01T18:00:05.000Z",
};

/* Users "PREFIX0", "PREFIX1" …, with their events made ahead, or not. */
static WishlistPage *
make_page (
    const NoticeForm *form, const char *prefix, guint n, gboolean is_prepared)
{
  WishlistPage *page = wishlist_page_new ();

  for (guint i = 0; i < n; i++) {
    g_autofree char *id = g_strdup_printf ("%s%u", prefix, i);

    wishlist_page_add (page, job.game, id, "Alyx", NULL);
  }
  if (is_prepared)
    notice_prepare (page, form);
  return page;
}

typedef struct {
  KafkaKit *kit;
  NoticeTexts *texts;
  NoticeForm *form;
  Delivery *delivery;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  KafkaDeliverySettings settings = {.topic = TOPIC};
  g_autoptr (GError) error = NULL;

  f->kit = kafka_kit_new (TOPIC);
  f->texts = notice_texts_new ();
  f->form = notice_form_new (f->texts, &job);
  settings.brokers = kafka_kit_get_brokers (f->kit);
  f->delivery = kafka_delivery_new (&settings, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  delivery_free (f->delivery);
  notice_form_free (f->form);
  notice_texts_free (f->texts);
  kafka_kit_free (f->kit);
}

static gboolean
begin (Fixture *f, const WishlistPage *page, GError **error)
{
  return f->delivery->class->begin (f->delivery, f->form, page, NULL, error);
}

static gboolean
deliver (Fixture *f, const WishlistPage *page, DeliveryResult *result,
    GError **error)
{
  return f->delivery->class->deliver (
      f->delivery, f->form, 0, page, result, NULL, error);
}

/* The key is the user, and the value what notice_append_event() makes. */
static void
assert_told (Fixture *f, const WishlistPage *page, guint n)
{
  g_autoptr (GPtrArray) messages = kafka_kit_read (f->kit);
  g_autoptr (GHashTable) values =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < page->users->len; i++) {
    const WishlistUser *user = wishlist_page_get (page, i);
    GString *json = g_string_new (NULL);

    notice_append_event (json, f->form, user);
    g_hash_table_insert (
        values, (gpointer)user->id, g_string_free (json, FALSE));
  }
  for (guint i = 0; i < messages->len; i++) {
    const KafkaMessage *message = g_ptr_array_index (messages, i);
    const char *value = g_hash_table_lookup (values, message->key);

    if (value == NULL)
      continue;
    g_assert_cmpstr (message->value, ==, value);
    g_hash_table_add (told, message->key);
  }
  g_assert_cmpuint (g_hash_table_size (told), ==, n);
}

static void
test_delivery (Fixture *f, gconstpointer data)
{
  g_autoptr (WishlistPage) page = make_page (f->form, "user-", 501, FALSE);
  g_autofree char *long_name = g_strnfill (1200000, 'x');
  g_auto (DeliveryResult) result = {0};
  g_autoptr (GError) error = NULL;
  const DeliveryRefusal *refusal;

  wishlist_page_get (page, 7)->name = long_name;
  g_assert_true (begin (f, page, &error));
  g_assert_true (deliver (f, page, &result, &error));
  g_assert_cmpuint (result.sent, ==, 500);
  g_assert_cmpuint (result.refusals->len, ==, 1);
  refusal = g_ptr_array_index (result.refusals, 0);
  g_assert_cmpstr (refusal->user->id, ==, "user-7");
  assert_told (f, page, 500);
}

/* Two are under way, and each is answered for by itself. */
static void
test_delivery_ahead (Fixture *f, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (1200000, 'x');
  g_autoptr (GError) error = NULL;
  WishlistPage *pages[5];

  for (guint i = 0; i < G_N_ELEMENTS (pages); i++) {
    g_autofree char *prefix = g_strdup_printf ("page-%u-", i);

    pages[i] = make_page (f->form, prefix, 300 + i, i > 0);
  }
  wishlist_page_get (pages[0], 3)->name = long_name;
  g_assert_true (begin (f, pages[0], &error));
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++) {
    g_auto (DeliveryResult) result = {0};

    if (i + 1 < G_N_ELEMENTS (pages))
      g_assert_true (begin (f, pages[i + 1], &error));
    g_assert_true (deliver (f, pages[i], &result, &error));
    g_assert_cmpuint (result.sent, ==, i == 0 ? 299 : 300 + i);
    g_assert_cmpuint (
        result.refusals != NULL ? result.refusals->len : 0, ==, i == 0);
    assert_told (f, pages[i], i == 0 ? 299 : 300 + i);
    /* Nobody looks at it any more. */
    wishlist_page_free (pages[i]);
  }
}

/* What is dropped is not looked at any more, and what comes next comes whole. */
static void
test_delivery_dropped (Fixture *f, gconstpointer data)
{
  WishlistPage *one = make_page (f->form, "one-", 300, TRUE);
  WishlistPage *two = make_page (f->form, "two-", 300, TRUE);
  g_autoptr (WishlistPage) three = make_page (f->form, "three-", 300, TRUE);
  g_auto (DeliveryResult) result = {0};
  g_autoptr (GError) error = NULL;

  kafka_kit_set_down (f->kit, TRUE);
  g_assert_true (begin (f, one, &error));
  g_assert_true (begin (f, two, &error));
  f->delivery->class->drop (f->delivery);
  wishlist_page_free (one);
  wishlist_page_free (two);
  kafka_kit_set_down (f->kit, FALSE);
  g_assert_true (begin (f, three, &error));
  g_assert_true (deliver (f, three, &result, &error));
  g_assert_cmpuint (result.sent, ==, 300);
  assert_told (f, three, 300);
}

/* The broker is away for longer than messages are kept, and comes back. */
static void
test_delivery_away (Fixture *f, gconstpointer data)
{
  g_autoptr (WishlistPage) page = make_page (f->form, "user-", 100, TRUE);
  g_auto (DeliveryResult) first = {0}, second = {0};
  g_autoptr (GError) error = NULL;

  kafka_kit_set_down (f->kit, TRUE);
  g_assert_true (begin (f, page, &error));
  g_assert_false (deliver (f, page, &first, &error));
  g_assert_error (error, DELIVERY_ERROR, DELIVERY_ERROR_AWAY);
  g_assert_cmpstr (f->delivery->problem, ==, "broker");
  g_assert_cmpuint (first.sent, ==, 0);
  g_assert_null (first.refusals);
  g_clear_error (&error);
  kafka_kit_set_down (f->kit, FALSE);
  g_assert_true (begin (f, page, &error));
  g_assert_true (deliver (f, page, &second, &error));
  g_assert_cmpuint (second.sent, ==, 100);
  assert_told (f, page, 100);
}

/* --- The relay --------------------------------------------------------------------*/

static void
add_broadcast (PgKit *pg, const char *link)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,"
      " changed_at) VALUES (gen_random_uuid (), '%s', 'half-life', 'starting',"
      " 'node', now (), now ())",
      link);

  pg_kit_run (pg, sql);
}

static OutboxRelay *
start_relay (PgKit *pg, KafkaKit *kit)
{
  g_autoptr (GError) error = NULL;
  OutboxRelay *relay = outbox_relay_new (pg_kit_get_conninfo (pg),
      kafka_kit_get_brokers (kit), TOPIC, "https://play.example", &error);

  g_assert_no_error (error);
  return relay;
}

/* What became of @link, in the order of the topic. */
static void
assert_life (GPtrArray *messages, const char *link, const char *expected)
{
  g_autoptr (GString) life = g_string_new (NULL);

  for (guint i = 0; i < messages->len; i++) {
    const KafkaMessage *message = g_ptr_array_index (messages, i);
    g_autofree char *type = NULL;
    const char *begin;

    if (strcmp (message->key, link) != 0)
      continue;
    begin = strstr (message->value, "\"type\":\"com.wishcast.broadcast.");
    g_assert_nonnull (begin);
    begin += strlen ("\"type\":\"com.wishcast.broadcast.");
    type = g_strndup (begin, strcspn (begin, "\""));
    g_string_append_printf (life, "%s ", type);
    g_assert_nonnull (strstr (message->value, link));
    g_assert_cmpstr (message->content_type, ==, CONTENT_TYPE);
  }
  g_assert_cmpstr (life->str, ==, expected);
}

static void
test_relay (void)
{
  g_autoptr (PgKit) pg = pg_kit_new ();
  g_autoptr (KafkaKit) kit = kafka_kit_new (TOPIC);
  g_autoptr (GPtrArray) before = NULL, after = NULL;
  OutboxRelay *relay, *other;

  pg_kit_add_game (pg, "half-life", "Half-Life");
  /* What was written while nobody relayed is not lost. */
  add_broadcast (pg, "one");
  add_broadcast (pg, "two");
  pg_kit_run (pg, "UPDATE wishcast.broadcast SET state = 'live'");
  relay = start_relay (pg, kit);
  before = kafka_kit_await (kit, 4);
  assert_life (before, "one", "starting.v1 live.v1 ");
  assert_life (before, "two", "starting.v1 live.v1 ");

  /* A second one does not tell it again; when the first is gone, it goes on
   * where that stopped. */
  other = start_relay (pg, kit);
  pg_kit_run (pg,
      "UPDATE wishcast.broadcast SET state = 'interrupted' WHERE link = 'one'");
  g_ptr_array_unref (kafka_kit_await (kit, 5));
  pg_kit_await (pg,
      "SELECT id = (SELECT max (id) FROM wishcast.outbox) "
      "FROM wishcast.outbox_position",
      "t");
  outbox_relay_free (relay);
  pg_kit_run (pg,
      "UPDATE wishcast.broadcast SET state = 'live' WHERE link = 'one';"
      "UPDATE wishcast.broadcast SET state = 'ended'");
  after = kafka_kit_await (kit, 8);
  assert_life (
      after, "one", "starting.v1 live.v1 interrupted.v1 live.v1 ended.v1 ");
  assert_life (after, "two", "starting.v1 live.v1 ended.v1 ");
  outbox_relay_free (other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/kafka/" name, function)
  ADD ("order", test_order);
  ADD ("retried", test_retried);
  ADD ("too-large", test_too_large);
  ADD ("bound", test_bound);
#define ADD_DELIVERY(name, function)                                           \
  g_test_add (                                                                 \
      "/kafka/delivery" name, Fixture, NULL, set_up, function, tear_down)
  ADD_DELIVERY ("", test_delivery);
  ADD_DELIVERY ("/ahead", test_delivery_ahead);
  ADD_DELIVERY ("/dropped", test_delivery_dropped);
  ADD_DELIVERY ("/away", test_delivery_away);
  ADD ("relay", test_relay);
  return g_test_run ();
}
