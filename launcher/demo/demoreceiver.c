/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demoreceiver.h"

#include <libsoup/soup.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "datadir.h"
#include "demoinbox.h"
#include "maincontext.h"
#include "serversocket.h"
#include "webhooksign.h"

#define LOOPBACK "127.0.0.1"
/* The first port that is looked at, behind those of a node; and how many are. */
#define FIRST_PORT 8090
#define MOST_LOOKS 200
#define SECRET_BYTES 32
/* A batch of the notifier has some 20 kB. */
#define MOST_BODY (4 * 1024 * 1024)
/* s that a time may be off, as Standard Webhooks advises. */
#define TOLERANCE (5 * 60)

#define WEBHOOK_PATH "/webhook"
#define DATA_PATH "/notices.json"
#define POLICY                                                                 \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "  \
  "connect-src 'self'; base-uri 'none'; form-action 'none'; "                  \
  "frame-ancestors 'none'"

struct _DemoReceiver {
  GSocket *socket;
  char *url, *webhook_url, *secret;
  WebhookSigner *signer;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  /* of the thread */
  SoupServer *server;
  DemoInbox *inbox;
  char *www;
};

/* All that the page is made of: nothing else of the folder is served. */
static const struct {
  const char *path, *file, *type;
} files[] = {
    {"/", "notices.html", "text/html; charset=utf-8"},
    {"/dom.js", "dom.js", "text/javascript; charset=utf-8"},
    {"/i18n.js", "i18n.js", "text/javascript; charset=utf-8"},
    {"/icon.svg", "icon.svg", "image/svg+xml"},
    {"/notices.css", "notices.css", "text/css; charset=utf-8"},
    {"/notices.js", "notices.js", "text/javascript; charset=utf-8"},
    {"/repeat.js", "repeat.js", "text/javascript; charset=utf-8"},
    {"/shell.js", "shell.js", "text/javascript; charset=utf-8"},
    {"/style.css", "style.css", "text/css; charset=utf-8"},
    {"/texts/en.js", "texts/en.js", "text/javascript; charset=utf-8"},
    {"/texts/ru.js", "texts/ru.js", "text/javascript; charset=utf-8"},
};

/* --- Answers ---------------------------------------------------------------*/

/* Takes @body. */
static void
answer (SoupServerMessage *message, guint status, const char *type, char *body,
    gsize length)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);

  soup_message_headers_replace (headers, "Content-Security-Policy", POLICY);
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace (headers, "Referrer-Policy", "same-origin");
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_server_message_set_status (message, status, NULL);
  if (body != NULL)
    soup_server_message_set_response (
        message, type, SOUP_MEMORY_TAKE, body, length);
}

static void
answer_file (DemoReceiver *receiver, SoupServerMessage *message, guint row)
{
  g_autofree char *path =
      g_build_filename (receiver->www, files[row].file, NULL);
  g_autoptr (GError) error = NULL;
  char *body;
  gsize length;

  if (g_file_get_contents (path, &body, &length, &error)) {
    answer (message, SOUP_STATUS_OK, files[row].type, body, length);
  } else {
    g_warning ("The page of the notices: %s", error->message);
    answer (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, NULL, NULL, 0);
  }
}

static void
answer_page (
    DemoReceiver *receiver, SoupServerMessage *message, const char *path)
{
  char *json;

  if (strcmp (path, DATA_PATH) == 0) {
    json = demo_inbox_to_json (receiver->inbox);
    answer (message, SOUP_STATUS_OK, "application/json", json, strlen (json));
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    if (strcmp (files[i].path, path) == 0) {
      answer_file (receiver, message, i);
      return;
    }
  answer (message, SOUP_STATUS_NOT_FOUND, NULL, NULL, 0);
}

/* --- The webhook -----------------------------------------------------------*/

/* Whether one of @given, which are separated by spaces, is @wanted. */
static gboolean
has_signature (const char *given, const char *wanted)
{
  g_auto (GStrv) all = g_strsplit (given, " ", -1);
  gsize length = strlen (wanted);

  for (guint i = 0; all[i] != NULL; i++)
    if (strlen (all[i]) == length &&
        CRYPTO_memcmp (all[i], wanted, length) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_signed (DemoReceiver *receiver, SoupServerMessage *message, GBytes *body)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  const char *id = soup_message_headers_get_one (headers, "webhook-id");
  const char *time =
      soup_message_headers_get_one (headers, "webhook-timestamp");
  const char *given =
      soup_message_headers_get_one (headers, "webhook-signature");
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *wanted = NULL;
  gint64 timestamp;

  if (id == NULL || time == NULL || given == NULL ||
      !g_ascii_string_to_signed (
          time, 10, now - TOLERANCE, now + TOLERANCE, &timestamp, NULL))
    return FALSE;
  wanted = webhook_signer_sign (receiver->signer, id, timestamp,
      g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  return has_signature (given, wanted);
}

static void
take_notices (DemoReceiver *receiver, SoupServerMessage *message)
{
  g_autoptr (GBytes) body = soup_message_body_flatten (
      soup_server_message_get_request_body (message));
  guint status = SOUP_STATUS_NO_CONTENT;

  if (!is_signed (receiver, message, body))
    status = SOUP_STATUS_UNAUTHORIZED;
  else if (!demo_inbox_take (receiver->inbox, g_bytes_get_data (body, NULL),
               g_bytes_get_size (body)))
    status = SOUP_STATUS_BAD_REQUEST;
  answer (message, status, NULL, NULL, 0);
}

/* --- Requests --------------------------------------------------------------*/

/* What is answered here is not handed to on_request(). */
static void
on_headers (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  goffset length = soup_message_headers_get_content_length (headers);
  gboolean is_webhook = strcmp (path, WEBHOOK_PATH) == 0;

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED ||
      length > (is_webhook ? MOST_BODY : 0))
    answer (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, NULL, NULL, 0);
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  DemoReceiver *receiver = data;
  const char *method = soup_server_message_get_method (message);
  gboolean is_webhook = strcmp (path, WEBHOOK_PATH) == 0;

  if (strcmp (method, is_webhook ? "POST" : "GET") != 0)
    answer (message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL, NULL, 0);
  else if (is_webhook)
    take_notices (receiver, message);
  else
    answer_page (receiver, message, path);
}

/* --- The thread ------------------------------------------------------------*/

static void
take_connection (GSocket *accepted, gpointer data)
{
  DemoReceiver *receiver = data;
  g_autoptr (GSocketAddress) remote =
      g_socket_get_remote_address (accepted, NULL);

  if (remote != NULL)
    server_socket_give (receiver->server, accepted, remote);
}

static gpointer
run (gpointer data)
{
  DemoReceiver *receiver = data;
  ServerSocket *listener;

  g_main_context_push_thread_default (receiver->context);
  receiver->server = soup_server_new (NULL, NULL);
  soup_server_add_early_handler (
      receiver->server, NULL, on_headers, receiver, NULL);
  soup_server_add_handler (receiver->server, NULL, on_request, receiver, NULL);
  listener = server_socket_new (receiver->socket, take_connection, receiver);
  g_main_loop_run (receiver->loop);
  server_socket_free (listener);
  soup_server_disconnect (receiver->server);
  g_object_unref (receiver->server);
  g_main_context_pop_thread_default (receiver->context);
  return NULL;
}

/* --- Public ----------------------------------------------------------------*/

/* The usual one, or the next that is free. NULL and @error: there is none. */
static GSocket *
listen_somewhere (guint16 taken_port, guint16 *port, GError **error)
{
  for (guint i = 0; i < MOST_LOOKS; i++) {
    g_autoptr (GError) why = NULL;
    GSocket *socket;

    *port = (guint16)(FIRST_PORT + i);
    if (*port == taken_port)
      continue;
    socket = server_socket_listen (LOOPBACK, port, &why);
    if (socket != NULL)
      return socket;
    if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
      g_propagate_error (error, g_steal_pointer (&why));
      return NULL;
    }
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
      "No port of " LOOPBACK " is free from %d on", FIRST_PORT);
  return NULL;
}

static char *
make_secret (void)
{
  guchar bytes[SECRET_BYTES];
  g_autofree char *text = NULL;

  /* OpenSSL fails here only if the kernel has no randomness to give. */
  if (RAND_bytes (bytes, sizeof bytes) != 1)
    g_error ("There are no random bytes to be had");
  text = g_base64_encode (bytes, sizeof bytes);
  return g_strconcat ("whsec_", text, NULL);
}

DemoReceiver *
demo_receiver_start (guint n_wishing, guint16 taken_port, GError **error)
{
  guint16 port;
  GSocket *socket = listen_somewhere (taken_port, &port, error);
  DemoReceiver *receiver;

  if (socket == NULL)
    return NULL;
  receiver = g_new0 (DemoReceiver, 1);
  receiver->socket = socket;
  receiver->url = g_strdup_printf ("http://" LOOPBACK ":%u/", port);
  receiver->webhook_url =
      g_strdup_printf ("http://" LOOPBACK ":%u" WEBHOOK_PATH, port);
  receiver->secret = make_secret ();
  receiver->signer =
      webhook_signer_new ((const char *const[]){receiver->secret, NULL}, NULL);
  receiver->inbox = demo_inbox_new (n_wishing);
  receiver->www = data_path ("www");
  receiver->context = g_main_context_new ();
  receiver->loop = g_main_loop_new (receiver->context, FALSE);
  receiver->thread = g_thread_new ("demo-receiver", run, receiver);
  return receiver;
}

void
demo_receiver_free (DemoReceiver *receiver)
{
  if (receiver == NULL)
    return;
  main_loop_end (receiver->loop);
  g_thread_join (receiver->thread);
  g_main_loop_unref (receiver->loop);
  g_main_context_unref (receiver->context);
  demo_inbox_free (receiver->inbox);
  webhook_signer_free (receiver->signer);
  g_object_unref (receiver->socket);
  g_free (receiver->www);
  g_free (receiver->secret);
  g_free (receiver->webhook_url);
  g_free (receiver->url);
  g_free (receiver);
}

const char *
demo_receiver_get_url (DemoReceiver *receiver)
{
  return receiver->url;
}

const char *
demo_receiver_get_webhook_url (DemoReceiver *receiver)
{
  return receiver->webhook_url;
}

const char *
demo_receiver_get_secret (DemoReceiver *receiver)
{
  return receiver->secret;
}
