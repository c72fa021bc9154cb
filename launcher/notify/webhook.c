/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A page is cut into batches, some of which are under way at a time. A batch that
 * the receiver does not take now is sent again, with backoff; one that it does
 * not take for what is in it is halved, until the users it is about stand alone.
 * What has been taken is remembered until the next page, so that a page that has
 * to be delivered again repeats nothing that this process has an answer for. */

#include <libsoup/soup.h>
#include <string.h>

#include "backoff.h"
#include "delivery.h"
#include "webaddress.h"
#include "webhooksign.h"

#define CONTENT_TYPE "application/cloudevents-batch+json"
/* For one batch in one go. Then the job itself waits, and somebody is told. */
#define MOST_ATTEMPTS 5
/* Of an answer, which nobody reads: enough to use the connection again. */
#define MOST_ANSWER (64 * 1024)
/* Nobody is made to wait longer than this by one header. */
#define MOST_RETRY_AFTER (60 * 60)
#define STATUS_TOO_EARLY 425
#define STATUS_TOO_MANY 429

typedef struct {
  Delivery delivery;
  WebhookSigner *signer;
  GUri *uri;
  guint batch;
  gsize body; /* bytes */
  guint concurrency;
  guint timeout; /* s */
  GMainContext *context;
  SoupSession *session; /* made on the thread that delivers */
  GHashTable *taken;    /* webhook-ids of this page */
  char *broadcast;      /* of the page; or NULL */
  guint64 page_number;
} Webhook;

/* One call of deliver(). */
typedef struct {
  Webhook *webhook;
  const NoticeForm *form;
  DeliveryResult *result;
  GQueue waiting; /* of Batch */
  GQueue open;    /* of Batch: under way, or resting before the next attempt */
  GError *error;  /* the first; nothing is begun after it */
  gint64 retry_after;
} Round;

typedef struct {
  Round *round;
  const WishlistUser *users; /* of the page, side by side */
  guint n;                   /* of them */
  char *id;
  char *body;
  gsize length;
  Backoff backoff;
  guint attempts;
  SoupMessage *message;
  GCancellable *cancellable; /* of the request, or of the rest */
  GSource *deadline;         /* of the request, or NULL */
  char *answer;              /* what comes is read into it */
} Batch;

/* --- Batches ------------------------------------------------------------------*/

static void
end_request (Batch *batch)
{
  if (batch->deadline != NULL)
    g_source_destroy (batch->deadline);
  g_clear_pointer (&batch->deadline, g_source_unref);
}

static void
batch_free (Batch *batch)
{
  end_request (batch);
  g_free (batch->id);
  g_free (batch->body);
  g_free (batch->answer);
  g_clear_object (&batch->message);
  g_clear_object (&batch->cancellable);
  g_free (batch);
}

/* It is under way no more. */
static void
close_batch (Batch *batch)
{
  g_queue_remove (&batch->round->open, batch);
  batch_free (batch);
}

/* The same for the same broadcast and users, and for no others: a receiver that
 * has seen it may forget the body. */
static char *
make_id (const NoticeJob *job, const WishlistUser *users, guint n)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (sum, (const guchar *)job->broadcast, -1);
  for (guint i = 0; i < n; i++) {
    const char *id = users[i].id;

    /* With its end, so that "ab", "c" is not "a", "bc". */
    g_checksum_update (sum, (const guchar *)id, (gssize)strlen (id) + 1);
  }
  return g_strdup_printf ("msg_%s", g_checksum_get_string (sum));
}

static void
make_body (Batch *batch)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < batch->n; i++) {
    if (i > 0)
      g_string_append_c (json, ',');
    notice_append_event (json, batch->round->form, &batch->users[i]);
  }
  g_string_append_c (json, ']');
  batch->length = json->len;
  batch->body = g_string_free (json, FALSE);
}

/* Takes up @users, unless they have been taken before. */
static void
add_batch (Round *round, const WishlistUser *users, guint n)
{
  Batch *batch = g_new0 (Batch, 1);

  batch->round = round;
  batch->users = users;
  batch->n = n;
  batch->id = make_id (notice_form_get_job (round->form), users, n);
  batch->backoff =
      (Backoff){200 * G_TIME_SPAN_MILLISECOND, 5 * G_TIME_SPAN_SECOND};
  if (g_hash_table_contains (round->webhook->taken, batch->id)) {
    round->result->sent += n;
    batch_free (batch);
  } else {
    g_queue_push_tail (&round->waiting, batch);
  }
}

/* --- One request ----------------------------------------------------------------*/

/* Bytes of the event. */
static gsize
measure (const Round *round, const WishlistUser *user)
{
  g_autoptr (GString) json = NULL;

  if (user->event != NULL)
    return user->event_length;
  json = g_string_new (NULL);
  notice_append_event (json, round->form, user);
  return json->len;
}

/* Into batches of so many users and so many bytes; one user alone may be more. */
static void
cut (Round *round, const WishlistPage *page)
{
  const Webhook *webhook = round->webhook;
  const WishlistUser *users = (const WishlistUser *)page->users->data;
  guint n = page->users->len;
  gsize size = strlen ("[]");
  guint first = 0;

  for (guint i = 0; i < n; i++) {
    gsize event = measure (round, &users[i]) + strlen (",");

    if (i > first &&
        (i - first == webhook->batch || size + event > webhook->body)) {
      add_batch (round, users + first, i - first);
      first = i;
      size = strlen ("[]");
    }
    size += event;
  }
  if (first < n)
    add_batch (round, users + first, n - first);
}

static void send_batch (Batch *batch);

/* @problem: as Delivery has it. */
static void
fail (Batch *batch, DeliveryError code, const char *problem, const char *reason)
{
  Round *round = batch->round;

  if (round->error == NULL) {
    g_set_error (&round->error, DELIVERY_ERROR, code, "The webhook %s://%s%s%s",
        g_uri_get_scheme (round->webhook->uri),
        g_uri_get_host (round->webhook->uri),
        g_uri_get_path (round->webhook->uri), reason);
    g_strlcpy (round->webhook->delivery.problem, problem, DELIVERY_PROBLEM);
  }
  /* The others are worth an answer if they have come so far; new ones not. */
  g_queue_clear_full (&round->waiting, (GDestroyNotify)batch_free);
  close_batch (batch);
}

static gboolean
on_backoff (gpointer data)
{
  Batch *batch = data;

  if (batch->round->error != NULL)
    close_batch (batch);
  else
    send_batch (batch);
  return G_SOURCE_REMOVE;
}

/* For @wait us, or until all is cancelled. */
static void
rest (Batch *batch, gint64 wait)
{
  g_autoptr (GSource) timer =
      g_timeout_source_new ((guint)(wait / G_TIME_SPAN_MILLISECOND));
  g_autoptr (GSource) cancelled = NULL;

  g_clear_object (&batch->cancellable);
  batch->cancellable = g_cancellable_new ();
  cancelled = g_cancellable_source_new (batch->cancellable);
  g_source_set_dummy_callback (cancelled);
  g_source_add_child_source (timer, cancelled);
  g_source_set_callback (timer, on_backoff, batch, NULL);
  g_source_attach (timer, batch->round->webhook->context);
}

/* @wait: us, or 0 for what the backoff says. */
static void
try_later (Batch *batch, gint64 wait, const char *problem, const char *reason)
{
  Round *round = batch->round;

  if (round->error != NULL) {
    close_batch (batch);
    return;
  }
  batch->attempts++;
  if (wait == 0)
    wait = backoff_next (&batch->backoff, g_random_double ());
  if (batch->attempts == MOST_ATTEMPTS || wait > batch->backoff.most) {
    round->retry_after = MAX (round->retry_after, wait);
    fail (batch, DELIVERY_ERROR_AWAY, problem, reason);
    return;
  }
  rest (batch, wait);
}

static void
refuse (Batch *batch, guint status)
{
  Round *round = batch->round;
  guint n = batch->n;

  if (n == 1) {
    g_autofree char *reason = g_strdup_printf ("status %u", status);

    delivery_result_add_refusal (round->result, batch->users, reason);
  } else if (round->error == NULL) {
    add_batch (round, batch->users, n / 2);
    add_batch (round, batch->users + n / 2, n - n / 2);
  }
  close_batch (batch);
}

/* us; 0 if it was not said, or said as a date, which needs the same clock. */
static gint64
get_retry_after (SoupMessage *message)
{
  const char *text = soup_message_headers_get_one (
      soup_message_get_response_headers (message), "Retry-After");
  guint64 seconds;

  if (text == NULL ||
      !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &seconds, NULL))
    return 0;
  return (gint64)MIN (seconds, MOST_RETRY_AFTER) * G_TIME_SPAN_SECOND;
}

static void
take (Batch *batch)
{
  Round *round = batch->round;

  round->result->sent += batch->n;
  g_hash_table_add (round->webhook->taken, g_steal_pointer (&batch->id));
  close_batch (batch);
}

static void
judge (Batch *batch)
{
  guint status = soup_message_get_status (batch->message);
  g_autofree char *reason = g_strdup_printf (" answers with status %u", status);
  g_autofree char *problem = g_strdup_printf ("status-%u", status);

  switch (status) {
    case SOUP_STATUS_BAD_REQUEST:
    case SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE:
    case SOUP_STATUS_UNPROCESSABLE_ENTITY:
      refuse (batch, status);
      return;
    case SOUP_STATUS_GONE:
      fail (batch, DELIVERY_ERROR_DISABLED, problem,
          " wants no more notices (410)");
      return;
    case SOUP_STATUS_REQUEST_TIMEOUT:
    case STATUS_TOO_EARLY:
    case STATUS_TOO_MANY:
      try_later (batch, get_retry_after (batch->message), problem, reason);
      return;
    default:
      break;
  }
  if (SOUP_STATUS_IS_SUCCESSFUL (status)) {
    take (batch);
  } else if (SOUP_STATUS_IS_SERVER_ERROR (status)) {
    try_later (batch, get_retry_after (batch->message), problem, reason);
  } else {
    /* Address, secret, rights, a redirect: nothing of it is a user's fault. */
    fail (batch, DELIVERY_ERROR_WRONG, problem, reason);
  }
}

static void
on_read (GObject *stream, GAsyncResult *result, gpointer data)
{
  /* What the body is does not matter, nor whether all of it has come. */
  g_input_stream_read_all_finish (G_INPUT_STREAM (stream), result, NULL, NULL);
  g_object_unref (stream);
  end_request (data);
  judge (data);
}

static void
on_answer (GObject *session, GAsyncResult *result, gpointer data)
{
  Batch *batch = data;
  g_autoptr (GError) error = NULL;
  GInputStream *stream =
      soup_session_send_finish (SOUP_SESSION (session), result, &error);

  if (stream != NULL) {
    if (batch->answer == NULL)
      batch->answer = g_malloc (MOST_ANSWER);
    g_input_stream_read_all_async (stream, batch->answer, MOST_ANSWER,
        G_PRIORITY_DEFAULT, batch->cancellable, on_read, batch);
    return;
  }
  end_request (batch);
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE)) {
    fail (batch, DELIVERY_ERROR_WRONG, "untrusted",
        " has a certificate that is not trusted");
  } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    try_later (batch, 0, "late", " does not answer in time");
  } else {
    g_autofree char *reason =
        g_strdup_printf (" cannot be reached: %s", error->message);

    try_later (batch, 0, "unreachable", reason);
  }
}

static gboolean
on_deadline (gpointer data)
{
  Batch *batch = data;

  g_cancellable_cancel (batch->cancellable);
  return G_SOURCE_REMOVE;
}

/* For all of it, however slowly something comes. */
static void
begin_request (Batch *batch)
{
  const Webhook *webhook = batch->round->webhook;

  g_clear_object (&batch->cancellable);
  batch->cancellable = g_cancellable_new ();
  batch->deadline = g_timeout_source_new_seconds (webhook->timeout);
  g_source_set_callback (batch->deadline, on_deadline, batch, NULL);
  g_source_attach (batch->deadline, webhook->context);
}

static void
send_batch (Batch *batch)
{
  Webhook *webhook = batch->round->webhook;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *timestamp = g_strdup_printf ("%" G_GINT64_FORMAT, now);
  g_autofree char *signature = NULL;
  g_autoptr (GBytes) body = NULL;
  SoupMessageHeaders *headers;

  if (batch->body == NULL)
    make_body (batch);
  signature = webhook_signer_sign (
      webhook->signer, batch->id, now, batch->body, batch->length);
  body = g_bytes_new_static (batch->body, batch->length);
  g_clear_object (&batch->message);
  batch->message = soup_message_new_from_uri (SOUP_METHOD_POST, webhook->uri);
  soup_message_add_flags (batch->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_message_set_request_body_from_bytes (batch->message, CONTENT_TYPE, body);
  headers = soup_message_get_request_headers (batch->message);
  soup_message_headers_replace (headers, "webhook-id", batch->id);
  soup_message_headers_replace (headers, "webhook-timestamp", timestamp);
  soup_message_headers_replace (headers, "webhook-signature", signature);
  begin_request (batch);
  soup_session_send_async (webhook->session, batch->message, G_PRIORITY_DEFAULT,
      batch->cancellable, on_answer, batch);
}

/* --- A page --------------------------------------------------------------------*/

static void
make_session (Webhook *webhook)
{
  webhook->session = soup_session_new_with_options ("max-conns",
      (int)webhook->concurrency, "max-conns-per-host",
      (int)webhook->concurrency, "user-agent", "wishcast", NULL);
}

/* Another page: what was taken of the last one is of no interest any more. */
static void
turn_to (Webhook *webhook, const NoticeJob *job, guint64 page_number)
{
  if (webhook->broadcast != NULL && webhook->page_number == page_number &&
      strcmp (webhook->broadcast, job->broadcast) == 0)
    return;
  g_hash_table_remove_all (webhook->taken);
  g_free (webhook->broadcast);
  webhook->broadcast = g_strdup (job->broadcast);
  webhook->page_number = page_number;
}

static void
on_cancelled (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

static void
cancel_batch (gpointer data, gpointer unused)
{
  const Batch *batch = data;

  g_cancellable_cancel (batch->cancellable);
}

static void
run_round (Round *round, GCancellable *cancellable)
{
  Webhook *webhook = round->webhook;

  while (round->open.length > 0 || round->waiting.length > 0) {
    while (round->open.length < webhook->concurrency &&
           round->waiting.length > 0) {
      Batch *batch = g_queue_pop_head (&round->waiting);

      g_queue_push_tail (&round->open, batch);
      send_batch (batch);
    }
    g_main_context_iteration (webhook->context, TRUE);
    if (g_cancellable_set_error_if_cancelled (
            cancellable, round->error == NULL ? &round->error : NULL)) {
      g_queue_clear_full (&round->waiting, (GDestroyNotify)batch_free);
      g_queue_foreach (&round->open, cancel_batch, NULL);
    }
  }
}

static gboolean
deliver (Delivery *delivery, const NoticeForm *form, guint64 page_number,
    const WishlistPage *page, DeliveryResult *result, GCancellable *cancellable,
    GError **error)
{
  Webhook *webhook = (Webhook *)delivery;
  Round round = {.webhook = webhook,
      .form = form,
      .result = result,
      .waiting = G_QUEUE_INIT,
      .open = G_QUEUE_INIT};
  gulong handler = 0;

  turn_to (webhook, notice_form_get_job (form), page_number);
  cut (&round, page);
  if (cancellable != NULL)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (on_cancelled), webhook->context, NULL);
  g_main_context_push_thread_default (webhook->context);
  if (webhook->session == NULL)
    make_session (webhook);
  run_round (&round, cancellable);
  g_main_context_pop_thread_default (webhook->context);
  g_cancellable_disconnect (cancellable, handler);
  delivery->retry_after = round.retry_after;
  if (round.error == NULL)
    return TRUE;
  g_propagate_error (error, round.error);
  return FALSE;
}

static void
free_delivery (Delivery *delivery)
{
  Webhook *webhook = (Webhook *)delivery;

  g_main_context_push_thread_default (webhook->context);
  g_clear_object (&webhook->session);
  while (g_main_context_iteration (webhook->context, FALSE))
    ;
  g_main_context_pop_thread_default (webhook->context);
  g_main_context_unref (webhook->context);
  webhook_signer_free (webhook->signer);
  g_hash_table_unref (webhook->taken);
  g_uri_unref (webhook->uri);
  g_free (webhook->broadcast);
  g_free (webhook);
}

Delivery *
webhook_new (const WebhookSettings *settings, GError **error)
{
  static const DeliveryClass class = {
      .deliver = deliver, .free = free_delivery};
  g_autoptr (WebhookSigner) signer =
      webhook_signer_new (settings->secrets, error);
  g_autoptr (GUri) uri = NULL;
  Webhook *webhook;

  if (signer == NULL)
    return NULL;
  uri = web_address_parse (settings->url);
  if (uri == NULL) {
    /* It may have a secret in it, so it is not shown. */
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "The address of the webhook must be http://… or https://…");
    return NULL;
  }
  webhook = g_new0 (Webhook, 1);
  webhook->delivery.class = &class;
  webhook->signer = g_steal_pointer (&signer);
  webhook->uri = g_steal_pointer (&uri);
  webhook->batch = settings->batch;
  webhook->body = settings->body;
  webhook->concurrency = settings->concurrency;
  webhook->timeout = settings->timeout;
  webhook->context = g_main_context_new ();
  webhook->taken =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return &webhook->delivery;
}
