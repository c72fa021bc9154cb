/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that telling a wishlist by Kafka can cost: its rows are copied out
 * of PostgreSQL, and messages that are ready are handed to an idempotent
 * librdkafka. Nothing is done with the rows, and nothing waits in between.
 *
 * bench-fanout-floor CONNINFO QUERY BROKERS TOPIC FILE: FILE has a message a
 * line, a key, a tab and a value. */

#include <glib.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

/* As ours says it. */
#define CONTENT_TYPE "application/cloudevents+json; charset=UTF-8"

static guint n_failed;

static double
get_seconds (gint64 begun)
{
  return (double)(g_get_monotonic_time () - begun) / G_USEC_PER_SEC;
}

static void
copy_out (const char *conninfo, const char *query)
{
  g_autofree char *copy = g_strdup_printf ("COPY (%s) TO STDOUT", query);
  PGconn *pg = PQconnectdb (conninfo);
  PGresult *result = PQexec (pg, copy);
  char *row;

  if (PQresultStatus (result) != PGRES_COPY_OUT)
    g_error ("%s", PQerrorMessage (pg));
  while (PQgetCopyData (pg, &row, FALSE) > 0)
    PQfreemem (row);
  PQclear (result);
  PQfinish (pg);
}

static void
on_delivered (rd_kafka_t *rk, const rd_kafka_message_t *message, void *data)
{
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    n_failed++;
}

static rd_kafka_t *
connect_producer (const char *brokers)
{
  const struct {
    const char *name, *value;
  } options[] = {
      {"bootstrap.servers", brokers},
      {"enable.idempotence", "true"},
      {"linger.ms", "5"},
      {"compression.codec", "lz4"},
  };
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char text[512];
  rd_kafka_t *rk;

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (rd_kafka_conf_set (conf, options[i].name, options[i].value, text,
            sizeof text) != RD_KAFKA_CONF_OK)
      g_error ("%s", text);
  rd_kafka_conf_set_dr_msg_cb (conf, on_delivered);
  rk = rd_kafka_new (RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (rk == NULL)
    g_error ("%s", text);
  return rk;
}

static void
produce (rd_kafka_t *rk, const char *topic, const char *line, const char *end)
{
  const char *tab = memchr (line, '\t', (gsize)(end - line));

  if (tab == NULL)
    g_error ("A line has no tab");
  while (rd_kafka_producev (rk, RD_KAFKA_V_TOPIC (topic),
             RD_KAFKA_V_KEY (line, (gsize)(tab - line)),
             RD_KAFKA_V_VALUE ((void *)(tab + 1), (gsize)(end - tab - 1)),
             RD_KAFKA_V_HEADER ("content-type", CONTENT_TYPE, -1),
             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
    rd_kafka_poll (rk, 10);
  rd_kafka_poll (rk, 0);
}

static guint
produce_all (const char *brokers, const char *topic, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &error);
  rd_kafka_t *rk = connect_producer (brokers);
  const char *line, *end, *newline;
  guint n = 0;

  if (file == NULL)
    g_error ("%s", error->message);
  line = g_mapped_file_get_contents (file);
  end = line + g_mapped_file_get_length (file);
  for (; (newline = memchr (line, '\n', (gsize)(end - line))) != NULL;
       line = newline + 1, n++)
    produce (rk, topic, line, newline);
  while (rd_kafka_outq_len (rk) > 0)
    rd_kafka_flush (rk, 100);
  rd_kafka_destroy (rk);
  if (n_failed > 0)
    g_error ("%u messages were not taken", n_failed);
  return n;
}

int
main (int argc, char **argv)
{
  gint64 begun = g_get_monotonic_time ();
  double copied;
  guint n;

  if (argc != 6)
    g_error ("bench-fanout-floor CONNINFO QUERY BROKERS TOPIC FILE");
  copy_out (argv[1], argv[2]);
  copied = get_seconds (begun);
  begun = g_get_monotonic_time ();
  n = produce_all (argv[3], argv[4], argv[5]);
  printf ("messages %u copy_s %.3f produce_s %.3f\n", n, copied,
      get_seconds (begun));
  return 0;
}
