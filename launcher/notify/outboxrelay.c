/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outboxrelay.h"

#include <string.h>

#include "jsontext.h"
#include "kafkaproducer.h"
#include "pgworker.h"

/* Changes are rare: a hundred are many, and a few hundred kB. */
#define BATCH "100"
#define GLANCE 5000 /* ms; also how often a Kafka that is away is tried */

struct _OutboxRelay {
  char *source; /* of the events */
  PgWorker *worker;
  GCancellable *ending;
  guint64 sent; /* atomic */

  /* of the worker's thread */
  KafkaProducer *producer;
  gboolean is_leader;
  gboolean is_troubled; /* told so */
};

enum { COLUMN_ID, COLUMN_EVENT, COLUMN_LINK, COLUMN_TIME, COLUMN_DATA };

static void
append_event (
    GString *json, const OutboxRelay *relay, const PgRows *rows, guint row)
{
  g_string_append_printf (json,
      "{\"specversion\":\"1.0\",\"id\":\"outbox-%s\","
      "\"type\":\"com.wishcast.%s.v1\",\"source\":",
      pg_rows_get (rows, row, COLUMN_ID),
      pg_rows_get (rows, row, COLUMN_EVENT));
  json_text_append (json, relay->source);
  g_string_append_printf (json,
      ",\"subject\":\"%s\",\"time\":\"%s\","
      "\"datacontenttype\":\"application/json\",\"data\":%s}",
      pg_rows_get (rows, row, COLUMN_LINK),
      pg_rows_get (rows, row, COLUMN_TIME),
      pg_rows_get (rows, row, COLUMN_DATA));
}

static gboolean
send_rows (OutboxRelay *relay, const PgRows *rows, GError **error)
{
  g_autoptr (GString) json = g_string_new (NULL);

  for (guint i = 0; i < pg_rows_count (rows); i++) {
    KafkaRecord record = {.key = pg_rows_get (rows, i, COLUMN_LINK)};

    g_string_truncate (json, 0);
    append_event (json, relay, rows, i);
    record.value = json->str;
    record.length = json->len;
    if (!kafka_producer_send (relay->producer, &record, relay->ending, error))
      return FALSE;
  }
  return kafka_producer_flush (relay->producer, relay->ending, error);
}

/* Of the session: another node takes over when this one is gone. */
static gboolean
lead (OutboxRelay *relay, PgConnection *connection, GError **error)
{
  g_autoptr (PgRows) rows = NULL;

  if (relay->is_leader)
    return TRUE;
  rows = pg_connection_query (connection,
      "SELECT pg_try_advisory_lock (hashtext ('wishcast.outbox-relay'))", 0,
      NULL, error);
  relay->is_leader = rows != NULL && *pg_rows_get (rows, 0, 0) == 't';
  return rows != NULL;
}

static void
tell (OutboxRelay *relay, const GError *error)
{
  if (error != NULL && !relay->is_troubled)
    g_message ("Events of broadcasts wait in the database: %s", error->message);
  else if (error == NULL && relay->is_troubled)
    g_message ("Events of broadcasts are told again");
  relay->is_troubled = error != NULL;
}

static gboolean
write_position (PgConnection *connection, const char *id, GError **error)
{
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "INSERT INTO wishcast.outbox_position VALUES ('kafka', $1::bigint) "
      "ON CONFLICT (reader) DO UPDATE SET id = EXCLUDED.id",
      1, &id, error);

  return rows != NULL;
}

/* FALSE: the database. What is wrong with Kafka is told and tried again. */
static gboolean
relay_batch (OutboxRelay *relay, PgConnection *connection, gboolean *is_done,
    GError **error)
{
  static const char *const values[] = {BATCH};
  g_autoptr (GError) why = NULL;
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT id, event, link, wishcast.json_time (created_at), data "
      "FROM wishcast.outbox WHERE id > coalesce ((SELECT id "
      "FROM wishcast.outbox_position WHERE reader = 'kafka'), 0) "
      "ORDER BY id LIMIT $1::integer",
      1, values, error);
  guint n;

  if (rows == NULL)
    return FALSE;
  n = pg_rows_count (rows);
  *is_done = TRUE;
  if (n == 0)
    return TRUE;
  if (!send_rows (relay, rows, &why)) {
    tell (relay, why);
    return TRUE;
  }
  tell (relay, NULL);
  __atomic_fetch_add (&relay->sent, n, __ATOMIC_RELAXED);
  *is_done = FALSE;
  return write_position (
      connection, pg_rows_get (rows, n - 1, COLUMN_ID), error);
}

static gboolean
relay_all (PgConnection *connection, gpointer data, GError **error)
{
  OutboxRelay *relay = data;
  gboolean is_done = FALSE;

  if (!lead (relay, connection, error))
    return FALSE;
  while (relay->is_leader && !is_done &&
         !g_cancellable_is_cancelled (relay->ending))
    if (!relay_batch (relay, connection, &is_done, error))
      return FALSE;
  return TRUE;
}

static gboolean
on_notified (PgConnection *connection, const char *channel, const char *payload,
    gpointer data, GError **error)
{
  return relay_all (connection, data, error);
}

static void
on_lost (const GError *error, gpointer data)
{
  OutboxRelay *relay = data;

  relay->is_leader = FALSE;
}

OutboxRelay *
outbox_relay_new (const char *conninfo, const char *brokers, const char *topic,
    const char *source, GError **error)
{
  static const char *const channels[] = {"wishcast_events", NULL};
  const PgWorkerEvents events = {
      .connected = relay_all, .notified = on_notified, .lost = on_lost};
  KafkaProducer *producer = kafka_producer_new (brokers, topic, error);
  OutboxRelay *relay;

  if (producer == NULL)
    return NULL;
  relay = g_new0 (OutboxRelay, 1);
  relay->producer = producer;
  relay->source = g_strdup (source);
  relay->ending = g_cancellable_new ();
  relay->worker = pg_worker_new ("outbox", conninfo, channels, &events, relay);
  pg_worker_add_timer (relay->worker, GLANCE, relay_all, relay);
  return relay;
}

void
outbox_relay_free (OutboxRelay *relay)
{
  if (relay == NULL)
    return;
  g_cancellable_cancel (relay->ending);
  pg_worker_free (relay->worker, 0);
  kafka_producer_free (relay->producer);
  g_object_unref (relay->ending);
  g_free (relay->source);
  g_free (relay);
}

guint64
outbox_relay_get_sent (OutboxRelay *relay)
{
  return __atomic_load_n (&relay->sent, __ATOMIC_RELAXED);
}
