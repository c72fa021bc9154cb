/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "checknotify.h"

#include <sysexits.h>

#include "kafkaproducer.h"
#include "notifyparts.h"
#include "pgconnection.h"
#include "webaddress.h"

/* For each of those who are asked. */
#define PATIENCE 5 /* s */

typedef struct {
  const Settings *settings;
  CheckNotifySay say;
  gpointer data;
} CheckNotify;

static void report (const CheckNotify *check, int status, const char *format,
    ...) G_GNUC_PRINTF (3, 4);

static void
report (const CheckNotify *check, int status, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  check->say (status, text, check->data);
}

/* --- A server ------------------------------------------------------------------*/

/* One attempt to connect. */
typedef struct {
  GSocketConnection *connection;
  GError *error;
  gboolean is_done;
} Attempt;

static void
on_connected (GObject *client, GAsyncResult *result, gpointer data)
{
  Attempt *attempt = data;

  attempt->connection = g_socket_client_connect_to_uri_finish (
      G_SOCKET_CLIENT (client), result, &attempt->error);
  attempt->is_done = TRUE;
}

static gboolean
on_deadline (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* By the way that a request would take: through a proxy, with TLS. FALSE: @error
 * says why not. */
static gboolean
connect_to (GUri *uri, GError **error)
{
  gboolean is_tls = g_str_equal (g_uri_get_scheme (uri), "https");
  g_autofree char *address = g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) deadline = g_timeout_source_new_seconds (PATIENCE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSocketClient) client = NULL;
  Attempt attempt = {0};

  g_main_context_push_thread_default (context);
  g_source_set_callback (deadline, on_deadline, cancellable, NULL);
  g_source_attach (deadline, context);
  client = g_socket_client_new ();
  g_socket_client_set_tls (client, is_tls);
  g_socket_client_connect_to_uri_async (
      client, address, is_tls ? 443 : 80, cancellable, on_connected, &attempt);
  while (!attempt.is_done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (deadline);
  g_main_context_pop_thread_default (context);
  if (attempt.error == NULL) {
    g_object_unref (attempt.connection);
    return TRUE;
  }
  if (g_error_matches (attempt.error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_error (&attempt.error);
    g_set_error (&attempt.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "it does not answer within %d s", PATIENCE);
  }
  g_propagate_error (error, attempt.error);
  return FALSE;
}

/* Whether somebody is at the address that a setting has, if it has one. The path
 * of it may be a secret, so it is not shown. */
static void
check_server (const CheckNotify *check, Setting setting)
{
  const char *url = settings_get_string (check->settings, setting);
  g_autoptr (GUri) uri = url != NULL ? web_address_parse (url) : NULL;
  g_autofree char *place = settings_get_place (check->settings, setting);
  g_autofree char *server = NULL;
  g_autoptr (GError) error = NULL;

  if (uri == NULL)
    return;
  server = g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (uri), NULL,
      g_uri_get_host (uri), g_uri_get_port (uri), "", NULL, NULL);
  if (connect_to (uri, &error))
    report (check, EX_OK, "%s: %s can be reached", place, server);
  else
    report (check, EX_UNAVAILABLE, "%s: %s cannot be reached: %s", place,
        server, error->message);
}

/* --- The others ------------------------------------------------------------------*/

static void
check_database (const CheckNotify *check)
{
  const char *conninfo =
      settings_get_string (check->settings, SETTING_WISHLIST_DATABASE);
  g_autofree char *place =
      settings_get_place (check->settings, SETTING_WISHLIST_DATABASE);
  g_autoptr (PgConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (conninfo == NULL ||
      settings_get_string (check->settings, SETTING_WISHLIST_URL) != NULL)
    return;
  connection = pg_connection_open (conninfo, &error);
  if (connection != NULL)
    report (check, EX_OK, "%s: PostgreSQL answers", place);
  else
    report (check, EX_UNAVAILABLE, "%s: %s", place, error->message);
}

static void
check_brokers (const CheckNotify *check)
{
  const char *brokers =
      settings_get_string (check->settings, SETTING_BROKER_SERVERS);
  g_autofree char *place =
      settings_get_place (check->settings, SETTING_BROKER_SERVERS);
  g_autoptr (GError) error = NULL;
  int n;

  if (brokers == NULL)
    return;
  n = kafka_count_brokers (brokers, PATIENCE * 1000, &error);
  if (n >= 0)
    report (check, EX_OK, "%s: Kafka answers; brokers: %d", place, n);
  else
    report (check, EX_UNAVAILABLE, "%s: %s", place, error->message);
}

/* FALSE: nothing would be sent. */
static gboolean
check_configuration (const CheckNotify *check)
{
  const char *url =
      settings_get_string (check->settings, SETTING_NOTIFY_WEBHOOK_URL);
  const char *brokers =
      settings_get_string (check->settings, SETTING_BROKER_SERVERS);
  g_autoptr (GError) error = NULL;
  g_autoptr (NotifyStore) store = NULL;
  g_autoptr (GPtrArray) deliveries =
      notify_make_deliveries (check->settings, &error);

  if (deliveries != NULL)
    store = notify_store_new (check->settings, NULL, &error);
  if (store == NULL) {
    report (check, EX_CONFIG, "%s", error->message);
    return FALSE;
  }
  if (deliveries->len == 0) {
    report (check, EX_OK, "notices: nobody is told, as nothing says where");
    return FALSE;
  }
  report (check, EX_OK, "notices: to %s%s%s", url != NULL ? url : "",
      url != NULL && brokers != NULL ? " and " : "",
      brokers != NULL ? brokers : "");
  return TRUE;
}

void
check_notify (const Settings *settings, CheckNotifySay say, gpointer data)
{
  const CheckNotify check = {settings, say, data};

  if (!settings_get_boolean (settings, SETTING_SERVICES_NOTIFIER) ||
      !check_configuration (&check))
    return;
  check_server (&check, SETTING_NOTIFY_WEBHOOK_URL);
  check_brokers (&check);
  check_server (&check, SETTING_WISHLIST_URL);
  check_database (&check);
}
