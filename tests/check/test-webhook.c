/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-glib/json-glib.h>
#include <string.h>

#include "delivery.h"
#include "httpstub.h"
#include "webhooksign.h"
#include "wishlistsource-private.h"

#define PATIENCE (20 * G_USEC_PER_SEC)
/* That of the vector of Standard Webhooks. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define LONGEST_NAME 10000

static const NoticeJob job = {
    .broadcast = "0f8fad5b-d9cb-569f-a165-70867728950e",
    .link = "k3v7q2m5x4t6w2ab",
    .game = "half-life",
    .game_title = "Half-Life",
    .title = "Speedrun",
    .watch_url = "https://play.example/watch/k3v7q2m5x4t6w2ab",
    .source = "https://play.example",
    .started_at = "2026-03-01T18:00:01.002Z",
};

/* --- Signatures -----------------------------------------------------------------*/

static char *
sign (const char *const *secrets, const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WebhookSigner) signer = webhook_signer_new (secrets, &error);

  g_assert_no_error (error);
  return webhook_signer_sign (
      signer, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen (body));
}

/* As Standard Webhooks and its libraries have it. */
static void
test_vector (void)
{
  g_autofree char *header =
      sign ((const char *const[]){SECRET, NULL}, "{\"test\": 2432232314}");

  g_assert_cmpstr (
      header, ==, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/* printf '%s' 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.[]' | openssl dgst \
 *   -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base64 */
static void
test_rotation (void)
{
  g_autofree char *header =
      sign ((const char *const[]){OTHER_SECRET, SECRET, NULL}, "[]");

  g_assert_cmpstr (header, ==,
      "v1,2Oyvsna0b+RDLfV1fQy+4tWo4jxo7dnhopTdG1n9Jt8= "
      "v1,UYCWov/bxjqmO2Iz0AUcbre8dBJrcDoCWOEYbZNTpcM=");
}

static void
test_wrong_secrets (void)
{
  static const char *const cases[] = {
      "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",                 /* without whsec_ */
      "whsec_", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", /* 23 bytes */
      "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEB"
      "ESExQVFhcYGRobHB0eHwA=", /* 65 bytes */
      "whsec_MfKQ9r8GKYqrTwj*UPD8ILPZIo2LaLaSw",
      "whsec_MfKQ9r8GKYqrTwj UPD8ILPZIo2LaLaSw",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WebhookSigner) signer = webhook_signer_new (
        (const char *const[]){SECRET, cases[i], NULL}, &error);

    g_assert_null (signer);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, "Secret 2 "));
    g_assert_null (strstr (error->message, "MfKQ"));
    g_assert_null (strstr (error->message, "AAEC"));
  }
}

static void
test_no_secret (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (webhook_signer_new ((const char *const[]){NULL}, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

/* --- A receiver -------------------------------------------------------------------*/

/* A request whose signature is right. */
typedef struct {
  char *id;
  char *body;
  guint n_users;
} Sent;

typedef struct Fixture Fixture;

struct Fixture {
  HttpStub *stub;
  char *url;
  NoticeTexts *texts;
  NoticeForm *form;
  WebhookSettings settings;
  const char *secrets[3];
  Delivery *delivery;
  WishlistPage *page;
  DeliveryResult result;
  /* How the receiver answers; with the lock. NULL: it takes all. */
  void (*answer) (Fixture *f, const Sent *sent, StubAnswer *answer);

  GMutex lock;
  GCond changed;
  /* with lock */
  GPtrArray *requests; /* of Sent, in the order in which they came */
  GHashTable *told;    /* user id -> how often taken */
  GHashTable *keys;    /* user id -> idempotency key */
  guint n_open, most_open;
  guint hold; /* answer none until so many are open */
};

static void
sent_free (gpointer data)
{
  Sent *sent = data;

  g_free (sent->id);
  g_free (sent->body);
  g_free (sent);
}

/* What an own implementation of Standard Webhooks makes of it. */
static void
verify (const StubRequest *request)
{
  const char *id = g_hash_table_lookup (request->headers, "webhook-id");
  const char *time =
      g_hash_table_lookup (request->headers, "webhook-timestamp");
  const char *header =
      g_hash_table_lookup (request->headers, "webhook-signature");
  gint64 age =
      g_get_real_time () / G_USEC_PER_SEC - g_ascii_strtoll (time, NULL, 10);
  g_autofree char *content =
      g_strdup_printf ("%s.%s.%s", id, time, request->body);
  gsize length;
  g_autofree guchar *key = g_base64_decode (strchr (SECRET, '_') + 1, &length);
  g_autofree char *hex =
      g_compute_hmac_for_string (G_CHECKSUM_SHA256, key, length, content, -1);
  guchar digest[32];
  g_autofree char *text = NULL, *expected = NULL;

  for (guint i = 0; i < sizeof digest; i++)
    digest[i] = (guchar)(g_ascii_xdigit_value (hex[2 * i]) << 4 |
                         g_ascii_xdigit_value (hex[2 * i + 1]));
  text = g_base64_encode (digest, sizeof digest);
  expected = g_strconcat ("v1,", text, NULL);
  g_assert_cmpstr (header, ==, expected);
  g_assert_cmpint (age, >=, 0);
  g_assert_cmpint (age, <, 300);
}

static JsonArray *
parse_events (JsonNode *root)
{
  g_assert_nonnull (root);
  return json_node_get_array (root);
}

/* With the lock. Of a user there may never be another key. */
static void
note_keys (Fixture *f, JsonArray *events)
{
  for (guint i = 0; i < json_array_get_length (events); i++) {
    JsonObject *event = json_array_get_object_element (events, i);
    const char *user = json_object_get_string_member (event, "subject");
    const char *key = json_object_get_string_member (event, "id");
    const char *known = g_hash_table_lookup (f->keys, user);

    if (known != NULL)
      g_assert_cmpstr (key, ==, known);
    else
      g_hash_table_insert (f->keys, g_strdup (user), g_strdup (key));
  }
}

static void
note_taken (Fixture *f, JsonArray *events)
{
  for (guint i = 0; i < json_array_get_length (events); i++) {
    const char *user = json_object_get_string_member (
        json_array_get_object_element (events, i), "subject");
    guint n = GPOINTER_TO_UINT (g_hash_table_lookup (f->told, user));

    g_hash_table_insert (f->told, g_strdup (user), GUINT_TO_POINTER (n + 1));
  }
}

/* With the lock. The same id has the same body, and the other way round. */
static void
note_request (Fixture *f, Sent *sent)
{
  for (guint i = 0; i < f->requests->len; i++) {
    const Sent *other = g_ptr_array_index (f->requests, i);

    g_assert_cmpint (strcmp (other->id, sent->id) == 0, ==,
        strcmp (other->body, sent->body) == 0);
  }
  g_ptr_array_add (f->requests, sent);
}

static void
await_others (Fixture *f)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  f->n_open++;
  f->most_open = MAX (f->most_open, f->n_open);
  g_cond_broadcast (&f->changed);
  while (f->n_open < f->hold)
    if (!g_cond_wait_until (&f->changed, &f->lock, deadline))
      g_assert_cmpuint (f->n_open, >=, f->hold);
  f->hold = 0;
}

static void
receive (const StubRequest *request, StubAnswer *answer, gpointer data)
{
  Fixture *f = data;
  g_autoptr (JsonNode) root = json_from_string (request->body, NULL);
  JsonArray *events = parse_events (root);
  Sent *sent = g_new0 (Sent, 1);

  g_assert_cmpstr (request->method, ==, "POST");
  g_assert_cmpstr (request->target, ==, "/hook?a=b");
  g_assert_cmpstr (g_hash_table_lookup (request->headers, "content-type"), ==,
      "application/cloudevents-batch+json");
  verify (request);
  sent->id = g_strdup (g_hash_table_lookup (request->headers, "webhook-id"));
  sent->body = g_strdup (request->body);
  sent->n_users = json_array_get_length (events);
  g_mutex_lock (&f->lock);
  note_keys (f, events);
  note_request (f, sent);
  await_others (f);
  if (f->answer != NULL)
    f->answer (f, sent, answer);
  if (answer->manner == STUB_ANSWER && answer->status / 100 == 2)
    note_taken (f, events);
  f->n_open--;
  g_mutex_unlock (&f->lock);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_mutex_init (&f->lock);
  g_cond_init (&f->changed);
  f->requests = g_ptr_array_new_with_free_func (sent_free);
  f->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  f->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  f->stub = http_stub_new (receive, f);
  f->url = http_stub_make_url (f->stub, "/hook?a=b");
  f->texts = notice_texts_new ();
  f->form = notice_form_new (f->texts, &job);
  f->secrets[0] = SECRET;
  f->settings = (WebhookSettings){f->url, f->secrets, 100, G_MAXSSIZE, 8, 10};
  f->page = wishlist_page_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  delivery_result_clear (&f->result);
  delivery_free (f->delivery);
  http_stub_free (f->stub);
  wishlist_page_free (f->page);
  notice_form_free (f->form);
  notice_texts_free (f->texts);
  g_hash_table_unref (f->told);
  g_hash_table_unref (f->keys);
  g_ptr_array_unref (f->requests);
  g_free (f->url);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->changed);
}

/* Users "1", "2" … */
static void
add_users (Fixture *f, guint n)
{
  for (guint i = 1; i <= n; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);
    g_autofree char *name = g_strdup_printf ("User \"%u\"", i);

    wishlist_page_add (f->page, job.game, id, name, NULL);
  }
}

static gboolean
deliver_page (
    Fixture *f, guint64 number, GCancellable *cancellable, GError **error)
{
  if (f->delivery == NULL) {
    g_autoptr (GError) why = NULL;

    f->delivery = webhook_new (&f->settings, &why);
    g_assert_no_error (why);
  }
  delivery_result_clear (&f->result);
  return f->delivery->class->deliver (
      f->delivery, f->form, number, f->page, &f->result, cancellable, error);
}

static void
deliver (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  deliver_page (f, 0, NULL, &error);
  g_assert_no_error (error);
}

static void
fail_to_deliver (
    Fixture *f, DeliveryError code, const char *expected, const char *problem)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deliver_page (f, 0, NULL, &error));
  g_assert_error (error, DELIVERY_ERROR, (int)code);
  g_assert_cmpstr (f->delivery->problem, ==, problem);
  g_assert_nonnull (strstr (error->message, expected));
  g_assert_nonnull (strstr (error->message, "/hook"));
  g_assert_null (strstr (error->message, "a=b"));
}

/* Each of the @n users was told once, but for @refused. */
static void
assert_told (Fixture *f, guint n, guint refused)
{
  for (guint i = 1; i <= n; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);

    g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (f->told, id)), ==,
        i == refused ? 0 : 1);
  }
}

/* --- Answers ------------------------------------------------------------------------*/

static void
test_taken (Fixture *f, gconstpointer data)
{
  add_users (f, 250);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 250);
  g_assert_null (f->result.refusals);
  g_assert_cmpuint (f->requests->len, ==, 3);
  assert_told (f, 250, 0);
}

/* 20 kB is what Standard Webhooks advises for a body, and as many users are in one
 * as fit. */
static void
test_body_size (Fixture *f, gconstpointer data)
{
  gsize most = 0;

  f->settings.body = WEBHOOK_BODY;
  add_users (f, 250);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 250);
  assert_told (f, 250, 0);
  for (guint i = 0; i < f->requests->len; i++) {
    gsize length = strlen (((Sent *)g_ptr_array_index (f->requests, i))->body);

    g_assert_cmpuint (length, <=, WEBHOOK_BODY);
    most = MAX (most, length);
  }
  g_assert_cmpuint (most, >, WEBHOOK_BODY - 1000);
}

/* What one user is told is never cut; no name makes it grow without bounds. */
static void
test_long_names (Fixture *f, gconstpointer data)
{
  g_autofree char *name = g_strnfill (LONGEST_NAME, '"');

  f->settings.batch = 4;
  for (guint i = 0; i < 4; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);

    wishlist_page_add (f->page, job.game, id, name, NULL);
  }
  deliver (f);
  g_assert_cmpuint (f->requests->len, ==, 1);
  g_assert_cmpuint (strlen (((Sent *)g_ptr_array_index (f->requests, 0))->body),
      <, 4 * (2 * 2 * LONGEST_NAME + 2000));
}

static void
test_empty_page (Fixture *f, gconstpointer data)
{
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 0);
  g_assert_cmpuint (f->requests->len, ==, 0);
}

static void
stumble (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  switch (f->requests->len) {
    case 1:
      answer->status = 500;
      break;
    case 2:
      answer->manner = STUB_RESET;
      break;
    case 3:
      answer->manner = STUB_NONSENSE;
      answer->body = g_strdup ("\x16\x03\x01 no HTTP\r\n\r\n");
      break;
    case 4:
      answer->status = 503;
      answer->headers = "Retry-After: 1\r\n";
      break;
    default:
      break;
  }
}

/* Whatever it was, the same comes again under the same id, see note_request(). */
static void
test_sent_again (Fixture *f, gconstpointer data)
{
  f->answer = stumble;
  add_users (f, 10);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 10);
  g_assert_cmpuint (f->requests->len, ==, 5);
  assert_told (f, 10, 0);
}

static void
answer_server_error (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 500;
  answer->body = g_strnfill (1024 * 1024, 'x');
}

static void
test_server_error (Fixture *f, gconstpointer data)
{
  f->answer = answer_server_error;
  add_users (f, 10);
  fail_to_deliver (f, DELIVERY_ERROR_AWAY, "500", "status-500");
  g_assert_cmpuint (f->requests->len, ==, 5);
  g_assert_cmpuint (f->result.sent, ==, 0);
}

static void
answer_too_many (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 429;
  answer->headers = "Retry-After: 77\r\n";
}

/* That is for the whole job to wait. */
static void
test_too_many (Fixture *f, gconstpointer data)
{
  f->answer = answer_too_many;
  add_users (f, 10);
  fail_to_deliver (f, DELIVERY_ERROR_AWAY, "429", "status-429");
  g_assert_cmpuint (f->requests->len, ==, 1);
  g_assert_cmpint (f->delivery->retry_after, ==, 77 * G_USEC_PER_SEC);
  f->answer = NULL;
  deliver (f);
  g_assert_cmpint (f->delivery->retry_after, ==, 0);
}

static void
answer_never (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->manner = STUB_SILENCE;
}

static void
test_silent (Fixture *f, gconstpointer data)
{
  f->settings.timeout = 1;
  f->answer = answer_never;
  add_users (f, 10);
  fail_to_deliver (f, DELIVERY_ERROR_AWAY, "in time", "late");
}

static void
answer_slowly (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->manner = STUB_DRIP;
}

/* It has said that it takes them. */
static void
test_slow (Fixture *f, gconstpointer data)
{
  f->settings.timeout = 1;
  f->answer = answer_slowly;
  add_users (f, 10);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 10);
}

static void
test_nobody_there (Fixture *f, gconstpointer data)
{
  http_stub_free (f->stub);
  add_users (f, 10);
  fail_to_deliver (f, DELIVERY_ERROR_AWAY, "cannot be reached", "unreachable");
  f->stub = http_stub_new (receive, f);
}

static void
answer_gone (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 410;
}

static void
test_gone (Fixture *f, gconstpointer data)
{
  f->answer = answer_gone;
  f->settings.concurrency = 1;
  add_users (f, 250);
  fail_to_deliver (f, DELIVERY_ERROR_DISABLED, "410", "status-410");
  g_assert_cmpuint (f->requests->len, ==, 1);
}

static void
answer_unauthorized (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 401;
  answer->headers = "WWW-Authenticate: Basic realm=\"x\"\r\n";
}

static void
answer_moved (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 303;
  answer->headers = "Location: /elsewhere\r\n";
}

static void
answer_not_found (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 404;
}

/* None of it is a user's fault, nor better the next time. */
static void
test_wrong (Fixture *f, gconstpointer data)
{
  add_users (f, 10);
  f->answer = answer_unauthorized;
  fail_to_deliver (f, DELIVERY_ERROR_WRONG, "401", "status-401");
  f->answer = answer_moved;
  fail_to_deliver (f, DELIVERY_ERROR_WRONG, "303", "status-303");
  f->answer = answer_not_found;
  fail_to_deliver (f, DELIVERY_ERROR_WRONG, "404", "status-404");
  g_assert_cmpuint (f->requests->len, ==, 3);
}

/* --- Users that are refused ---------------------------------------------------------*/

static void
refuse_17 (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  static const guint statuses[] = {400, 413, 422};

  if (strstr (sent->body, "\"subject\":\"17\"") != NULL)
    answer->status = statuses[f->requests->len % G_N_ELEMENTS (statuses)];
}

static void
test_one_refused (Fixture *f, gconstpointer data)
{
  const DeliveryRefusal *refusal;

  f->answer = refuse_17;
  add_users (f, 100);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 99);
  g_assert_cmpuint (f->result.refusals->len, ==, 1);
  refusal = g_ptr_array_index (f->result.refusals, 0);
  g_assert_cmpstr (refusal->user->id, ==, "17");
  g_assert_true (g_str_has_prefix (refusal->reason, "status 4"));
  assert_told (f, 100, 17);
}

static void
refuse_all (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  answer->status = 400;
}

static void
test_all_refused (Fixture *f, gconstpointer data)
{
  f->answer = refuse_all;
  add_users (f, 9);
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 0);
  g_assert_cmpuint (f->result.refusals->len, ==, 9);
  g_assert_cmpuint (f->requests->len, ==, 2 * 9 - 1);
}

/* --- A page once more -----------------------------------------------------------------*/

static void
fail_with_150 (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  if (strstr (sent->body, "\"subject\":\"150\"") != NULL)
    answer->status = 403;
}

/* What has been taken of it is not sent again. */
static void
test_page_again (Fixture *f, gconstpointer data)
{
  f->answer = fail_with_150;
  f->settings.concurrency = 1;
  add_users (f, 250);
  fail_to_deliver (f, DELIVERY_ERROR_WRONG, "403", "status-403");
  g_assert_cmpuint (f->requests->len, ==, 2);
  f->answer = NULL;
  deliver (f);
  g_assert_cmpuint (f->result.sent, ==, 250);
  g_assert_cmpuint (f->requests->len, ==, 4);
  assert_told (f, 250, 0);
}

/* Of the same users, but another page: it is sent. */
static void
test_next_page (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_users (f, 10);
  deliver (f);
  deliver (f);
  g_assert_cmpuint (f->requests->len, ==, 1);
  g_assert_true (deliver_page (f, 1, NULL, &error));
  g_assert_cmpuint (f->requests->len, ==, 2);
}

/* --- At a time --------------------------------------------------------------------------*/

static void
test_concurrency (Fixture *f, gconstpointer data)
{
  f->settings.batch = 1;
  f->settings.concurrency = 3;
  f->hold = 3;
  add_users (f, 60);
  deliver (f);
  g_assert_cmpuint (f->most_open, ==, 3);
  assert_told (f, 60, 0);
}

static void
refuse_to_hurry (Fixture *f, const Sent *sent, StubAnswer *answer)
{
  /* Half of them are under way then, half wait for their next attempt. */
  if (f->requests->len % 2)
    answer->manner = STUB_SILENCE;
  else
    answer->status = 500;
}

typedef struct {
  Fixture *f;
  GCancellable *cancellable;
} Stopping;

static gpointer
stop_soon (gpointer data)
{
  const Stopping *stopping = data;
  Fixture *f = stopping->f;
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&f->lock);
  while (f->requests->len < f->settings.concurrency)
    if (!g_cond_wait_until (&f->changed, &f->lock, deadline))
      g_assert_not_reached ();
  g_mutex_unlock (&f->lock);
  g_cancellable_cancel (stopping->cancellable);
  return NULL;
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Stopping stopping = {f, cancellable};
  GThread *thread;

  f->answer = refuse_to_hurry;
  f->settings.timeout = 3600;
  add_users (f, 5000);
  thread = g_thread_new ("stop", stop_soon, &stopping);
  g_assert_false (deliver_page (f, 0, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                        \
  g_test_add ("/webhook/" path, Fixture, NULL, set_up, func, tear_down)
  g_test_add_func ("/webhooksign/vector", test_vector);
  g_test_add_func ("/webhooksign/rotation", test_rotation);
  g_test_add_func ("/webhooksign/wrong-secrets", test_wrong_secrets);
  g_test_add_func ("/webhooksign/no-secret", test_no_secret);
  ADD ("taken", test_taken);
  ADD ("body-size", test_body_size);
  ADD ("long-names", test_long_names);
  ADD ("empty-page", test_empty_page);
  ADD ("sent-again", test_sent_again);
  ADD ("server-error", test_server_error);
  ADD ("too-many", test_too_many);
  ADD ("silent", test_silent);
  ADD ("slow", test_slow);
  ADD ("nobody-there", test_nobody_there);
  ADD ("gone", test_gone);
  ADD ("wrong", test_wrong);
  ADD ("one-refused", test_one_refused);
  ADD ("all-refused", test_all_refused);
  ADD ("page-again", test_page_again);
  ADD ("next-page", test_next_page);
  ADD ("concurrency", test_concurrency);
  ADD ("cancelled", test_cancelled);
  return g_test_run ();
}
