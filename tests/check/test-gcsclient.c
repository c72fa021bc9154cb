/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "gcsbucket.h"
#include "gcscredentials-private.h"
#include "gcserror.h"
#include "gcskit.h"
#include "httpstub.h"

#define TOKEN "ya29.hunter2"
#define N_THREADS 8
#define SECOND G_TIME_SPAN_SECOND
#define OBJECT                                                                 \
  "{\"name\": \"o\", \"size\": \"1048576\", \"generation\": "                  \
  "\"1700000000000001\", \"crc32c\": \"4waSgw==\"}"

typedef struct Fixture Fixture;
typedef void (*AnswerFunc) (
    Fixture *f, const StubRequest *request, StubAnswer *answer);

struct Fixture {
  HttpStub *stub;
  char *url;
  char *key_path;
  GcsCredentials *credentials;
  SoupSession *session;
  GcsBucket *bucket; /* with @credentials */
  /* How the service answers what is not about tokens. NULL: with @status, @body
   * and @headers. */
  AnswerFunc answer;
  guint status;
  const char *body, *headers;
  StubManner manner;
  /* The same of tokens. NULL: with @status or 200, and "TOKEN-N". */
  guint token_status;
  const char *token_body;
  guint token_life;
  GMutex lock;
  GCond changed;
  /* With the lock. */
  GString *log; /* a line a request: method, target, authorization, body */
  GString *token_log;
  guint n_tokens;
  guint n_callers;   /* threads that are about to ask for a token */
  guint n_awaited;   /* of them: before it is answered */
  gboolean is_asked; /* a request has come */
};

/* --- Google -----------------------------------------------------------------------*/

static void
answer_token (Fixture *f, const StubRequest *request, StubAnswer *answer)
{
  f->n_tokens++;
  g_string_append_printf (f->token_log, "%s %s %s\n%s\n", request->method,
      request->target,
      (char *)g_hash_table_lookup (request->headers, "content-type"),
      request->body);
  while (f->n_callers < f->n_awaited)
    g_cond_wait (&f->changed, &f->lock);
  answer->status = f->token_status;
  answer->body =
      f->token_body != NULL
          ? g_strdup (f->token_body)
          : g_strdup_printf ("{\"access_token\": \"" TOKEN "-%u\", "
                             "\"expires_in\": %u, \"token_type\": \"Bearer\"}",
                f->n_tokens, f->token_life);
}

static void
on_request (const StubRequest *request, StubAnswer *answer, gpointer data)
{
  Fixture *f = data;
  const char *token = g_hash_table_lookup (request->headers, "authorization");

  g_mutex_lock (&f->lock);
  f->is_asked = TRUE;
  g_cond_broadcast (&f->changed);
  if (strcmp (request->target, "/token") == 0) {
    answer_token (f, request, answer);
  } else {
    g_string_append_printf (f->log, "%s %s%s%s%s%s\n", request->method,
        request->target, token != NULL ? " " : "", token != NULL ? token : "",
        request->length > 0 ? " " : "", request->body);
    answer->status = f->status;
    answer->manner = f->manner;
    answer->headers = f->headers;
    answer->body = g_strdup (f->body);
    if (f->answer != NULL)
      f->answer (f, request, answer);
  }
  g_mutex_unlock (&f->lock);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autofree char *token_uri = NULL;
  g_autofree char *json = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_init (&f->lock);
  g_cond_init (&f->changed);
  f->log = g_string_new (NULL);
  f->token_log = g_string_new (NULL);
  f->status = 200;
  f->token_status = 200;
  f->token_life = 3600;
  f->stub = http_stub_new (on_request, f);
  f->url = http_stub_make_url (f->stub, "");
  token_uri = http_stub_make_url (f->stub, "/token");
  json = gcs_kit_make_json (token_uri);
  f->key_path = gcs_kit_write_file (json);
  f->session = gcs_session_new ();
  f->credentials = gcs_credentials_new_from_file (f->key_path, &error);
  g_assert_no_error (error);
}

static void
make_bucket (Fixture *f, gboolean is_anonymous)
{
  g_autoptr (GcsCredentials) nobody = gcs_credentials_new_anonymous ();
  const GcsBucketSettings settings = {
      "shop-recordings", f->url, is_anonymous ? nobody : f->credentials};
  g_autoptr (GError) error = NULL;

  f->bucket = gcs_bucket_new (&settings, &error);
  g_assert_no_error (error);
}

static void
set_up_bucket (Fixture *f, gconstpointer unused)
{
  set_up (f, NULL);
  make_bucket (f, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  gcs_bucket_free (f->bucket);
  gcs_session_free (f->session);
  gcs_credentials_unref (f->credentials);
  http_stub_free (f->stub);
  g_unlink (f->key_path);
  g_free (f->key_path);
  g_free (f->url);
  g_string_free (f->log, TRUE);
  g_string_free (f->token_log, TRUE);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->changed);
}

/* What was asked since the last time. */
static void
assert_asked (Fixture *f, const char *expected)
{
  g_mutex_lock (&f->lock);
  g_assert_cmpstr (f->log->str, ==, expected);
  g_string_truncate (f->log, 0);
  g_mutex_unlock (&f->lock);
}

static void
assert_told (const GError *error, int code, const char *expected)
{
  g_assert_error (error, GCS_ERROR, code);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
  g_assert_null (strstr (error->message, "hunter2"));
  g_assert_null (strstr (error->message, "eyJ"));
}

/* --- Tokens -----------------------------------------------------------------------*/

static JsonObject *
decode_json (const char *base64url)
{
  g_autofree char *base64 = g_strconcat (base64url, "==", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  gsize length;

  g_strdelimit (base64, "-", '+');
  g_strdelimit (base64, "_", '/');
  base64[strlen (base64) / 4 * 4] = '\0';
  text = (char *)g_base64_decode (base64, &length);
  text = g_realloc (text, length + 1);
  text[length] = '\0';
  node = json_from_string (text, NULL);
  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

static void
assert_signed (const char *assertion, const char *signature)
{
  g_autofree char *base64 = g_strconcat (signature, "==", NULL);
  g_autofree guint8 *bytes = NULL;
  gsize length;

  g_strdelimit (base64, "-", '+');
  g_strdelimit (base64, "_", '/');
  base64[strlen (base64) / 4 * 4] = '\0';
  bytes = g_base64_decode (base64, &length);
  g_assert_true (gcs_kit_verify (
      assertion, (gsize)(signature - 1 - assertion), bytes, length));
}

/* RFC 7523, as Google has it. */
static void
test_grant (Fixture *f, gconstpointer unused)
{
  g_autoptr (SoupMessage) message =
      soup_message_new (SOUP_METHOD_GET, "http://127.0.0.1/");
  g_autofree char *audience = http_stub_make_url (f->stub, "/token");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) header = NULL, claims = NULL;
  g_auto (GStrv) parts = NULL;
  const char *assertion;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC, issued;
  static const char begin[] =
      "POST /token application/x-www-form-urlencoded\n"
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
      "assertion=";

  g_assert_true (gcs_credentials_authorize (
      f->credentials, f->session, message, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (
      soup_message_headers_get_one (
          soup_message_get_request_headers (message), "Authorization"),
      ==, "Bearer " TOKEN "-1");
  g_assert_true (g_str_has_prefix (f->token_log->str, begin));
  assertion = g_strchomp (f->token_log->str) + strlen (begin);
  parts = g_strsplit (assertion, ".", -1);
  g_assert_cmpuint (g_strv_length (parts), ==, 3);
  header = decode_json (parts[0]);
  claims = decode_json (parts[1]);
  g_assert_cmpstr (json_object_get_string_member (header, "alg"), ==, "RS256");
  g_assert_cmpstr (json_object_get_string_member (header, "typ"), ==, "JWT");
  g_assert_cmpstr (
      json_object_get_string_member (header, "kid"), ==, GCS_KIT_KEY_ID);
  g_assert_cmpstr (
      json_object_get_string_member (claims, "iss"), ==, GCS_KIT_EMAIL);
  g_assert_cmpstr (json_object_get_string_member (claims, "aud"), ==, audience);
  g_assert_cmpstr (json_object_get_string_member (claims, "scope"), ==,
      "https://www.googleapis.com/auth/devstorage.read_write");
  issued = json_object_get_int_member (claims, "iat");
  g_assert_cmpint (issued, >=, now);
  g_assert_cmpint (
      json_object_get_int_member (claims, "exp"), ==, issued + 3600);
  assert_signed (
      assertion, assertion + strlen (parts[0]) + strlen (parts[1]) + 2);
}

static void
get_token (Fixture *f, gint64 now, const char *expected)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (gcs_credentials_get_token_at (
      f->credentials, f->session, now, &token, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (token, ==, expected);
}

static void
fail_token (Fixture *f, gint64 now, int code, const char *expected)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (gcs_credentials_get_token_at (
      f->credentials, f->session, now, &token, NULL, &error));
  assert_told (error, code, expected);
  g_assert_null (token);
}

static void
test_refresh (Fixture *f, gconstpointer unused)
{
  f->token_life = 100;
  get_token (f, 7 * SECOND, TOKEN "-1");
  get_token (f, 86 * SECOND, TOKEN "-1");
  get_token (f, 87 * SECOND, TOKEN "-2");
  get_token (f, 166 * SECOND, TOKEN "-2");
  gcs_credentials_forget_token (f->credentials);
  get_token (f, 100 * SECOND, TOKEN "-3");
}

/* Who is away when it would be refreshed is asked again, not at once, while the
 * old one is of use. */
static void
test_refresh_later (Fixture *f, gconstpointer unused)
{
  f->token_life = 200;
  get_token (f, 0, TOKEN "-1");
  f->token_status = 503;
  get_token (f, 160 * SECOND, TOKEN "-1");
  get_token (f, 189 * SECOND, TOKEN "-1");
  g_assert_cmpuint (f->n_tokens, ==, 2);
  get_token (f, 190 * SECOND, TOKEN "-1");
  g_assert_cmpuint (f->n_tokens, ==, 3);
  fail_token (f, 200 * SECOND, GCS_ERROR_AWAY,
      "A token for " GCS_KIT_EMAIL ": answered with status 503");
  f->token_status = 200;
  get_token (f, 200 * SECOND, TOKEN "-5");
}

typedef struct {
  Fixture *f;
  GCancellable *cancellable;
  char *token;
  GError *error;
} Caller;

static gpointer
run_caller (gpointer data)
{
  Caller *caller = data;
  Fixture *f = caller->f;
  SoupSession *session = gcs_session_new ();

  g_mutex_lock (&f->lock);
  f->n_callers++;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  gcs_credentials_get_token_at (f->credentials, session, 0, &caller->token,
      caller->cancellable, &caller->error);
  gcs_session_free (session);
  return NULL;
}

static void
run_callers (Fixture *f, Caller callers[N_THREADS])
{
  GThread *threads[N_THREADS];

  f->n_awaited = N_THREADS;
  for (guint i = 0; i < N_THREADS; i++) {
    callers[i].f = f;
    threads[i] = g_thread_new ("caller", run_caller, &callers[i]);
  }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
test_threads (Fixture *f, gconstpointer unused)
{
  Caller callers[N_THREADS] = {0};

  run_callers (f, callers);
  for (guint i = 0; i < N_THREADS; i++) {
    g_assert_no_error (callers[i].error);
    g_assert_cmpstr (callers[i].token, ==, TOKEN "-1");
    g_free (callers[i].token);
  }
  g_assert_cmpuint (f->n_tokens, ==, 1);
}

static void
test_threads_fail (Fixture *f, gconstpointer unused)
{
  Caller callers[N_THREADS] = {0};

  f->token_status = 500;
  run_callers (f, callers);
  for (guint i = 0; i < N_THREADS; i++) {
    assert_told (callers[i].error, GCS_ERROR_AWAY, "status 500");
    g_clear_error (&callers[i].error);
  }
}

/* Starts a thread, and waits until it is about to ask. */
static GThread *
start_caller (Caller *caller, Fixture *f)
{
  GThread *thread;
  guint n_callers;

  caller->f = f;
  caller->cancellable = g_cancellable_new ();
  g_mutex_lock (&f->lock);
  n_callers = f->n_callers;
  thread = g_thread_new ("caller", run_caller, caller);
  while (f->n_callers == n_callers)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  return thread;
}

static void
join_cancelled (Caller *caller, GThread *thread)
{
  g_cancellable_cancel (caller->cancellable);
  g_thread_join (thread);
  g_assert_error (caller->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&caller->error);
  g_object_unref (caller->cancellable);
}

/* One who waits for another's fetch can leave, and so can the other; who is left
 * fetches anew. */
static void
test_cancel (Fixture *f, gconstpointer unused)
{
  Caller first = {0}, second = {0}, third = {0};
  GThread *threads[3];

  f->n_awaited = 4;
  threads[0] = start_caller (&first, f);
  g_mutex_lock (&f->lock);
  while (f->n_tokens == 0)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  threads[1] = start_caller (&second, f);
  threads[2] = start_caller (&third, f);
  join_cancelled (&second, threads[1]);
  join_cancelled (&first, threads[0]);
  g_mutex_lock (&f->lock);
  f->n_callers++;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
  g_thread_join (threads[2]);
  g_assert_no_error (third.error);
  g_assert_cmpstr (third.token, ==, TOKEN "-2");
  g_object_unref (third.cancellable);
  g_free (third.token);
}

/* What a token service may say, and what is told of it. */
static void
test_refused (Fixture *f, gconstpointer unused)
{
  static const struct {
    guint status;
    const char *body;
    GcsError code;
    const char *expected;
  } cases[] = {
      {400,
          "{\"error\": \"invalid_grant\", \"error_description\": \"Invalid JWT "
          "Signature.\"}",
          GCS_ERROR_DENIED,
          "A token for " GCS_KIT_EMAIL
          ": answered with status 400: invalid_grant: Invalid JWT Signature."},
      {400, "{\"error\": \"hunter2 eyJ\"", GCS_ERROR_DENIED, "status 400"},
      {400,
          "{\"error\": \"invalid\", \"error_description\": \"no: "
          "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."
          "eyJpc3MiOiJhcmNoaXZlckBzaG9wIn0.hunter2\\nfor you\"}",
          GCS_ERROR_DENIED, "status 400: invalid: no: … for you"},
      {401, "", GCS_ERROR_DENIED, "status 401"},
      {404, "", GCS_ERROR_DENIED, "status 404"},
      {429, "", GCS_ERROR_AWAY, "status 429"},
      {503, "<html>", GCS_ERROR_AWAY, "status 503"},
      {302, "", GCS_ERROR_REFUSED, "status 302"},
      {200, "hunter2", GCS_ERROR_REFUSED,
          "the answer cannot be used: it is no"},
      {200, "{\"access_token\": \"hunter2\"}", GCS_ERROR_REFUSED,
          "\"token_type\" is not there"},
      {200,
          "{\"access_token\": \"hunter2\\r\\nX: y\", \"token_type\": "
          "\"Bearer\", \"expires_in\": 1}",
          GCS_ERROR_REFUSED,
          "\"access_token\" is not there, or is not a token"},
      {200,
          "{\"access_token\": \"hunter2\", \"token_type\": \"MAC\", "
          "\"expires_in\": 1}",
          GCS_ERROR_REFUSED, "\"token_type\" is not there, or is not Bearer"},
      {200,
          "{\"access_token\": \"hunter2\", \"token_type\": \"Bearer\", "
          "\"expires_in\": 0}",
          GCS_ERROR_REFUSED, "\"expires_in\""},
      {200,
          "{\"access_token\": \"hunter2\", \"token_type\": \"Bearer\", "
          "\"expires_in\": \"7\"}",
          GCS_ERROR_REFUSED, "\"expires_in\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    f->token_status = cases[i].status;
    f->token_body = cases[i].body;
    fail_token (f, 0, (int)cases[i].code, cases[i].expected);
  }
}

/* --- The account of the machine ---------------------------------------------------*/

#define ACCOUNT "/computeMetadata/v1/instance/service-accounts/default/"
#define IAM                                                                    \
  "/v1/projects/-/serviceAccounts/archiver@shop.iam.gserviceaccount.com:"      \
  "signBlob"

/* "hello" by signBlob is 4 bytes here. */
static void
answer_metadata (Fixture *f, const StubRequest *request, StubAnswer *answer)
{
  if (strcmp (request->target, IAM) == 0) {
    answer->body =
        g_strdup ("{\"keyId\": \"1\", \"signedBlob\": \"AAECAw==\"}");
    return;
  }
  g_assert_cmpstr (
      g_hash_table_lookup (request->headers, "metadata-flavor"), ==, "Google");
  g_assert_null (g_hash_table_lookup (request->headers, "authorization"));
  answer->headers = "Metadata-Flavor: Google\r\n";
  if (strcmp (request->target, ACCOUNT "email") == 0)
    answer->body = g_strdup (GCS_KIT_EMAIL "\n");
  else
    answer->body = g_strdup ("{\"access_token\": \"" TOKEN "\", \"expires_in\":"
                             " 300, \"token_type\": \"Bearer\"}");
}

static void
use_metadata (Fixture *f)
{
  gcs_credentials_unref (f->credentials);
  f->credentials =
      gcs_credentials_new_from_services (f->url + strlen ("http://"), f->url);
}

static void
test_metadata (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) signature = NULL;

  use_metadata (f);
  f->answer = answer_metadata;
  get_token (f, 0, TOKEN);
  get_token (f, 239 * SECOND, TOKEN);
  assert_asked (f, "GET " ACCOUNT "token\n");
  get_token (f, 240 * SECOND, TOKEN);
  assert_asked (f, "GET " ACCOUNT "token\n");
  gcs_credentials_forget_token (f->credentials);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *email =
        gcs_credentials_get_email (f->credentials, f->session, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (email, ==, GCS_KIT_EMAIL);
  }
  signature =
      gcs_credentials_sign (f->credentials, f->session, "hello", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (signature, NULL),
      g_bytes_get_size (signature), "\0\1\2\3", 4);
  assert_asked (f,
      "GET " ACCOUNT "email\n"
      "GET " ACCOUNT "token\n"
      "POST " IAM " Bearer " TOKEN " {\"payload\":\"aGVsbG8=\"}\n");
}

static void
test_metadata_refused (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  use_metadata (f);
  f->status = 404;
  f->headers = "Metadata-Flavor: Google\r\n";
  fail_token (f, 0, GCS_ERROR_DENIED, "this machine has none");
  f->status = 200;
  f->body = "{\"access_token\": 7}";
  fail_token (f, 0, GCS_ERROR_REFUSED, "\"access_token\" is not there");
  f->headers = "";
  fail_token (f, 0, GCS_ERROR_REFUSED, "is not Google's metadata server");
  f->manner = STUB_RESET;
  fail_token (f, 0, GCS_ERROR_AWAY,
      "The account of this machine, as no key file is named: no answer from "
      "127.0.0.1: ");
  f->manner = STUB_ANSWER;
  f->headers = "Metadata-Flavor: Google\r\n";
  f->body = "<html>no e-mail\r\nX: y</html>";
  g_assert_null (
      gcs_credentials_get_email (f->credentials, f->session, NULL, &error));
  assert_told (error, GCS_ERROR_REFUSED, "it is no e-mail address");
}

/* --- Which credentials ------------------------------------------------------------*/

static void
test_find (Fixture *f, gconstpointer unused)
{
  static const struct {
    gboolean has_path, has_emulator, has_variable;
    const char *endpoint;
    const char *email; /* "" : of the metadata server */
  } cases[] = {
      {TRUE, TRUE, TRUE, "http://127.0.0.1:1", GCS_KIT_EMAIL},
      {FALSE, FALSE, TRUE, "http://127.0.0.1:1", NULL},
      {FALSE, TRUE, TRUE, NULL, NULL},
      {FALSE, TRUE, TRUE, "https://storage.example", GCS_KIT_EMAIL},
      {FALSE, FALSE, TRUE, NULL, GCS_KIT_EMAIL},
      {FALSE, FALSE, FALSE, NULL, "machine@shop"},
      {FALSE, TRUE, FALSE, "https://storage.example", "machine@shop"},
  };
  g_autoptr (GError) error = NULL;

  f->headers = "Metadata-Flavor: Google\r\n";
  f->body = "machine@shop";
  g_setenv ("GCE_METADATA_HOST", f->url + strlen ("http://"), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GcsCredentials) found = NULL;
    g_autofree char *email = NULL;

    g_setenv ("STORAGE_EMULATOR_HOST",
        cases[i].has_emulator ? "127.0.0.1:2" : "", TRUE);
    g_setenv ("GOOGLE_APPLICATION_CREDENTIALS",
        cases[i].has_variable ? f->key_path : "", TRUE);
    found = gcs_credentials_find (
        cases[i].has_path ? f->key_path : NULL, cases[i].endpoint, &error);
    g_assert_no_error (error);
    g_assert_true (
        gcs_credentials_is_anonymous (found) == (cases[i].email == NULL));
    email = gcs_credentials_get_email (found, f->session, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (email, ==, cases[i].email);
  }
  g_unsetenv ("GCE_METADATA_HOST");
  g_unsetenv ("STORAGE_EMULATOR_HOST");
  g_unsetenv ("GOOGLE_APPLICATION_CREDENTIALS");
  g_assert_null (gcs_credentials_find ("/nowhere", NULL, &error));
  assert_told (error, GCS_ERROR_SETTINGS, "/nowhere: No such file");
}

static void
refuse_bucket (Fixture *f, const char *name, const char *endpoint,
    gboolean is_anonymous, const char *expected)
{
  g_autoptr (GcsCredentials) nobody = gcs_credentials_new_anonymous ();
  const GcsBucketSettings settings = {
      name, endpoint, is_anonymous ? nobody : f->credentials};
  g_autoptr (GError) error = NULL;

  g_assert_null (gcs_bucket_new (&settings, &error));
  assert_told (error, GCS_ERROR_SETTINGS, expected);
}

static void
test_settings (Fixture *f, gconstpointer unused)
{
  static const char *const names[] = {
      "", "ab", "Shop", "a/b", "-ab", "ab.", "shop recordings", "\303\244bc"};
  static const char *const endpoints[] = {"", "storage", "ftp://a", "http://",
      "http://a/b", "http://a/?b", "http://a/#b", "http://b:c@a/",
      "http://a:x/"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    refuse_bucket (f, names[i], NULL, FALSE, "cannot be the name of a bucket");
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++)
    refuse_bucket (f, "shop", endpoints[i], TRUE, "and nothing more");
  refuse_bucket (f, "shop", "http://storage.example", FALSE,
      "Credentials are not sent to http://storage.example");
  g_setenv ("STORAGE_EMULATOR_HOST", "http://a/b", TRUE);
  refuse_bucket (f, "shop", NULL, TRUE, "more in STORAGE_EMULATOR_HOST");
  g_unsetenv ("STORAGE_EMULATOR_HOST");
}

/* --- A bucket ---------------------------------------------------------------------*/

#define BUCKET "/storage/v1/b/shop-recordings"

static void
test_stat (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  GcsObject found;

  f->body = OBJECT;
  g_assert_true (gcs_bucket_stat (
      f->bucket, "wishcast/a b/\320\272~+%2F?x=#.mp4", &found, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (found.size, ==, 1048576);
  g_assert_cmpint (found.generation, ==, G_GINT64_CONSTANT (1700000000000001));
  g_assert_true (found.has_crc32c);
  g_assert_cmphex (found.crc32c, ==, 0xE3069283);
  assert_asked (
      f, "GET " BUCKET "/o/wishcast%2Fa%20b%2F%D0%BA~%2B%252F%3Fx%3D%23.mp4\n");
  f->body = "{\"size\": \"0\", \"generation\": \"1\"}";
  g_assert_true (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  g_assert_cmpuint (found.size, ==, 0);
  g_assert_false (found.has_crc32c);
}

static void
test_object_names (Fixture *f, gconstpointer unused)
{
  g_autofree char *longest = g_strnfill (1024, 'x');
  g_autofree char *longer = g_strnfill (1025, 'x');
  const char *const wrong[] = {"", ".", "..", "a\nb", "a\rb", "\377", longer};
  GcsObject found;

  f->body = OBJECT;
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (
        gcs_bucket_stat (f->bucket, wrong[i], &found, NULL, &error));
    assert_told (error, GCS_ERROR_SETTINGS, "The name of an object must be");
  }
  assert_asked (f, "");
  g_assert_true (gcs_bucket_stat (f->bucket, longest, &found, NULL, NULL));
}

static void
fail_stat (Fixture *f, int code, const char *expected)
{
  g_autoptr (GError) error = NULL;
  GcsObject found;

  g_assert_false (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  assert_told (error, code, expected);
  g_assert_true (g_str_has_prefix (error->message, "gs://shop-recordings/o: "));
}

static void
test_statuses (Fixture *f, gconstpointer unused)
{
  static const struct {
    guint status;
    GcsError code;
  } cases[] = {{301, GCS_ERROR_REFUSED}, {400, GCS_ERROR_REFUSED},
      {401, GCS_ERROR_DENIED}, {403, GCS_ERROR_DENIED},
      {404, GCS_ERROR_NOT_FOUND}, {408, GCS_ERROR_AWAY}, {410, GCS_ERROR_GONE},
      {412, GCS_ERROR_EXISTS}, {429, GCS_ERROR_AWAY}, {500, GCS_ERROR_AWAY},
      {503, GCS_ERROR_AWAY}};

  f->body = "{\"error\": {\"code\": 1, \"message\": \"No such thing\"}}";
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *expected = g_strdup_printf (
        "answered with status %u: No such thing", cases[i].status);

    f->status = cases[i].status;
    fail_stat (f, (int)cases[i].code, expected);
  }
  f->body = NULL;
  fail_stat (f, GCS_ERROR_AWAY, "o: answered with status 503");
}

static void
test_nonsense (Fixture *f, gconstpointer unused)
{
  static const char *const cases[] = {"", "hello", "[]", "{}", "{\"size\": 7}",
      "{\"size\": \"7\"}", "{\"size\": \"-7\", \"generation\": \"1\"}",
      "{\"size\": \"7\", \"generation\": \"99999999999999999999\"}",
      "{\"size\": \"7\", \"generation\": \"1\", \"crc32c\": \"hunter2\"}",
      "{\"size\": \"7\", \"generation\": \"1\", \"crc32c\": null}"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    f->body = cases[i];
    fail_stat (f, GCS_ERROR_REFUSED, "the answer cannot be used: ");
  }
  f->manner = STUB_NONSENSE;
  f->body = "hunter2\r\n\r\n";
  fail_stat (f, GCS_ERROR_AWAY, "no answer from 127.0.0.1: ");
}

static void
answer_much (Fixture *f, const StubRequest *request, StubAnswer *answer)
{
  answer->body = g_strnfill (9 * 1024 * 1024, ' ');
}

/* What is too large is not kept, what is elsewhere not fetched. */
static void
test_hostile (Fixture *f, gconstpointer unused)
{
  f->answer = answer_much;
  fail_stat (f, GCS_ERROR_REFUSED, "the answer has more than 8 MiB");
  f->answer = NULL;
  f->status = 302;
  f->headers = "Location: /elsewhere\r\n";
  g_string_truncate (f->log, 0);
  fail_stat (f, GCS_ERROR_REFUSED, "answered with status 302");
  assert_asked (f, "GET " BUCKET "/o/o\n");
  f->manner = STUB_RESET;
  fail_stat (f, GCS_ERROR_AWAY, "no answer from 127.0.0.1: ");
}

static gpointer
cancel_when_asked (gpointer data)
{
  Caller *caller = data;
  Fixture *f = caller->f;

  g_mutex_lock (&f->lock);
  while (!f->is_asked)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  g_cancellable_cancel (caller->cancellable);
  return NULL;
}

static void
test_cancel_request (Fixture *f, gconstpointer unused)
{
  static const StubManner manners[] = {STUB_SILENCE, STUB_DRIP};

  for (guint i = 0; i < G_N_ELEMENTS (manners); i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    Caller caller = {.f = f, .cancellable = cancellable};
    GThread *thread;
    GcsObject found;

    f->manner = manners[i];
    f->is_asked = FALSE;
    thread = g_thread_new ("cancel", cancel_when_asked, &caller);
    g_assert_false (
        gcs_bucket_stat (f->bucket, "o", &found, cancellable, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_thread_join (thread);
  }
}

static void
answer_unauthorized_once (
    Fixture *f, const StubRequest *request, StubAnswer *answer)
{
  const char *token = g_hash_table_lookup (request->headers, "authorization");

  answer->status = g_str_has_suffix (token, "-1") ? 401 : 200;
}

/* A token that was revoked is fetched anew, once. */
static void
test_unauthorized (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  GcsObject found;

  make_bucket (f, FALSE);
  f->body = OBJECT;
  f->answer = answer_unauthorized_once;
  g_assert_true (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  g_assert_no_error (error);
  assert_asked (f, "GET " BUCKET "/o/o Bearer " TOKEN "-1\n"
                   "GET " BUCKET "/o/o Bearer " TOKEN "-2\n");
  f->answer = NULL;
  f->status = 401;
  fail_stat (f, GCS_ERROR_DENIED, "answered with status 401");
  assert_asked (f, "GET " BUCKET "/o/o Bearer " TOKEN "-2\n"
                   "GET " BUCKET "/o/o Bearer " TOKEN "-3\n");
  g_assert_cmpuint (f->n_tokens, ==, 3);
}

static gboolean
compose (Fixture *f, const char *const *sources, GError **error)
{
  static const char *const metadata[] = {
      "broadcast", "k3v7q2m5x4t6w2ab", "title", "\"\303\244\"", NULL};
  static const GcsAttributes attributes = {.content_type = "video/mp4",
      .cache_control = "private, max-age=0",
      .content_disposition = "attachment",
      .custom_time = "2026-03-08T18:00:00Z",
      .metadata = metadata};
  GcsObject made;

  return gcs_bucket_compose (
      f->bucket, sources, "a/1.mp4", 0, &attributes, &made, NULL, error);
}

static void
test_compose (Fixture *f, gconstpointer unused)
{
  static const char *const sources[] = {"a/1.head", "a/1.body", NULL};
  static const char *const none[] = {NULL};
  const char *many[34] = {NULL};
  static const GcsAttributes nothing = {0};
  g_autoptr (GError) error = NULL;
  GcsObject made;

  f->body = OBJECT;
  g_assert_true (compose (f, sources, &error));
  g_assert_no_error (error);
  assert_asked (f,
      "POST " BUCKET "/o/a%2F1.mp4/compose?ifGenerationMatch=0 "
      "{\"sourceObjects\":[{\"name\":\"a/1.head\"},{\"name\":\"a/1.body\"}],"
      "\"destination\":{\"contentType\":\"video/mp4\",\"cacheControl\":"
      "\"private, max-age=0\",\"contentDisposition\":\"attachment\","
      "\"customTime\":\"2026-03-08T18:00:00Z\",\"metadata\":{\"broadcast\":"
      "\"k3v7q2m5x4t6w2ab\",\"title\":\"\\\"\303\244\\\"\"}}}\n");
  g_assert_true (gcs_bucket_compose (f->bucket, sources, "o",
      G_GINT64_CONSTANT (1700000000000001), &nothing, &made, NULL, &error));
  g_assert_cmpuint (made.size, ==, 1048576);
  assert_asked (f,
      "POST " BUCKET "/o/o/compose?ifGenerationMatch=1700000000000001 "
      "{\"sourceObjects\":[{\"name\":\"a/1.head\"},{\"name\":\"a/1.body\"}],"
      "\"destination\":{}}\n");
  f->status = 412;
  g_assert_false (compose (f, sources, &error));
  assert_told (error, GCS_ERROR_EXISTS, "gs://shop-recordings/a/1.mp4: ");
  g_clear_error (&error);
  g_assert_false (compose (f, none, &error));
  assert_told (error, GCS_ERROR_SETTINGS, "of 1 to 32 others, not 0");
  g_clear_error (&error);
  for (guint i = 0; i < 33; i++)
    many[i] = "x";
  g_assert_false (compose (f, many, &error));
  assert_told (error, GCS_ERROR_SETTINGS, "of 1 to 32 others, not 33");
}

static void
test_delete (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  f->status = 204;
  g_assert_true (gcs_bucket_delete (f->bucket, "a/1.head", NULL, &error));
  f->status = 404;
  g_assert_true (gcs_bucket_delete (f->bucket, "a/1.body", NULL, &error));
  g_assert_no_error (error);
  assert_asked (f, "DELETE " BUCKET "/o/a%2F1.head\n"
                   "DELETE " BUCKET "/o/a%2F1.body\n");
  f->status = 503;
  g_assert_false (gcs_bucket_delete (f->bucket, "o", NULL, &error));
  assert_told (error, GCS_ERROR_AWAY, "status 503");
}

#define LIST                                                                   \
  BUCKET "/o?fields=items(name),nextPageToken&prefix=a%2F%26&maxResults=1000"

static void
answer_pages (Fixture *f, const StubRequest *request, StubAnswer *answer)
{
  static const char *const pages[] = {
      "{\"items\": [{\"name\": \"a/&1\"}, {\"name\": \"a/&2\"}], "
      "\"nextPageToken\": \"x=+/\"}",
      "{\"nextPageToken\": \"y\"}", "{\"items\": [{\"name\": \"a/&3\"}]}"};
  guint i = 0;

  if (strstr (request->target, "pageToken=x%3D%2B%2F") != NULL)
    i = 1;
  else if (strstr (request->target, "pageToken=y") != NULL)
    i = 2;
  answer->body = g_strdup (pages[i]);
}

static void
test_list (Fixture *f, gconstpointer unused)
{
  g_auto (GStrv) names = NULL, none = NULL;
  g_autofree char *joined = NULL;
  g_autoptr (GError) error = NULL;

  f->answer = answer_pages;
  names = gcs_bucket_list (f->bucket, "a/&", NULL, &error);
  g_assert_no_error (error);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, "a/&1 a/&2 a/&3");
  assert_asked (f, "GET " LIST "\n"
                   "GET " LIST "&pageToken=x%3D%2B%2F\n"
                   "GET " LIST "&pageToken=y\n");
  f->answer = NULL;
  f->body = "{\"kind\": \"storage#objects\"}";
  none = gcs_bucket_list (f->bucket, "a/", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
}

static void
test_list_nonsense (Fixture *f, gconstpointer unused)
{
  static const struct {
    const char *body, *expected;
  } cases[] = {
      {"{\"items\": {}}", "\"items\" is not there, or is not a list"},
      {"{\"items\": [7]}", "not a list of objects"},
      {"{\"items\": [{}]}", "\"name\""},
      {"{\"items\": [{\"name\": \"b/1\"}]}", "not one that was asked for"},
      {"{\"items\": [], \"nextPageToken\": 7}", "\"nextPageToken\""},
      {"{\"items\": [], \"nextPageToken\": \"x\"}",
          "after a page of the list comes the same again"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    f->body = cases[i].body;
    g_assert_null (gcs_bucket_list (f->bucket, "a/", NULL, &error));
    assert_told (error, GCS_ERROR_REFUSED, cases[i].expected);
  }
}

static void
check_bucket (Fixture *f, const char *expected)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (gcs_bucket_check (f->bucket, &missing, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (missing, ==, expected);
}

static void
test_check (Fixture *f, gconstpointer unused)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  make_bucket (f, FALSE);
  f->body = "{\"permissions\": [\"storage.objects.create\", "
            "\"storage.objects.delete\", \"storage.objects.get\", "
            "\"storage.objects.list\"]}";
  check_bucket (f, NULL);
  assert_asked (f,
      "GET " BUCKET "/iam/testPermissions?permissions=storage.objects.create&"
      "permissions=storage.objects.delete&permissions=storage.objects.get&"
      "permissions=storage.objects.list Bearer " TOKEN "-1\n");
  f->body = "{\"permissions\": [7, \"storage.objects.create\", "
            "\"storage.objects.list\"]}";
  check_bucket (f, "storage.objects.delete, storage.objects.get");
  f->body = "{}";
  check_bucket (f, "storage.objects.create, storage.objects.delete, "
                   "storage.objects.get, storage.objects.list");
  f->body = "{\"permissions\": \"all\"}";
  g_assert_false (gcs_bucket_check (f->bucket, &missing, NULL, &error));
  assert_told (error, GCS_ERROR_REFUSED, "\"permissions\" is not there");
}

/* An emulator knows no permissions. */
static void
test_check_emulator (Fixture *f, gconstpointer unused)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  f->body = "{}";
  check_bucket (f, NULL);
  assert_asked (f, "GET " BUCKET "\n");
  f->status = 404;
  g_assert_false (gcs_bucket_check (f->bucket, &missing, NULL, &error));
  assert_told (error, GCS_ERROR_NOT_FOUND, "gs://shop-recordings: answered");
}

static void
test_sign (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL, *expected = NULL;
  const char *signature;

  make_bucket (f, FALSE);
  address = gcs_bucket_sign (f->bucket, "a/1 b.mp4",
      G_GINT64_CONSTANT (1772388000) * SECOND, 3600, "attachment", "video/mp4",
      NULL, &error);
  g_assert_no_error (error);
  expected = g_strdup_printf (
      "%s/shop-recordings/a/1%%20b.mp4?X-Goog-Algorithm=GOOG4-RSA-SHA256&"
      "X-Goog-Credential=archiver%%40shop.iam.gserviceaccount.com%%2F20260301"
      "%%2Fauto%%2Fstorage%%2Fgoog4_request&X-Goog-Date=20260301T180000Z&"
      "X-Goog-Expires=3600&X-Goog-SignedHeaders=host&"
      "response-content-disposition=attachment&response-content-type=video%%2F"
      "mp4&X-Goog-Signature=",
      f->url);
  g_assert_true (g_str_has_prefix (address, expected));
  signature = address + strlen (expected);
  g_assert_cmpuint (strlen (signature), ==, 512);
  g_assert_cmpuint (strspn (signature, "0123456789abcdef"), ==, 512);
  assert_asked (f, "");
  g_assert_cmpuint (f->n_tokens, ==, 0);
}

static void
test_sign_emulator (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = gcs_bucket_sign (
      f->bucket, "a/1.mp4", 0, 604800, "inline; x", NULL, NULL, &error);
  g_autofree char *plain =
      gcs_bucket_sign (f->bucket, "a/1.mp4", 0, 1, NULL, NULL, NULL, &error);
  g_autofree char *expected = g_strconcat (f->url,
      "/shop-recordings/a/1.mp4?response-content-disposition=inline%3B%20x",
      NULL);
  g_autofree char *expected_plain =
      g_strconcat (f->url, "/shop-recordings/a/1.mp4", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (address, ==, expected);
  g_assert_cmpstr (plain, ==, expected_plain);
}

/* --- TLS --------------------------------------------------------------------------*/

typedef struct {
  GTlsCertificate *certificate;
  GSocketListener *listener;
  char *protocol; /* that was agreed on */
} TlsServer;

/* One connection and one request. */
static gpointer
run_tls_server (gpointer data)
{
  static const char *const protocols[] = {"h2", "http/1.1", NULL};
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  TlsServer *server = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_listener_accept (server->listener, NULL, NULL, &error);
  g_autoptr (GIOStream) tls = NULL;
  char request[4096];

  g_assert_no_error (error);
  tls = g_tls_server_connection_new (
      G_IO_STREAM (connection), server->certificate, &error);
  g_assert_no_error (error);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);
  if (g_input_stream_read (g_io_stream_get_input_stream (tls), request,
          sizeof request, NULL, NULL) > 0)
    g_output_stream_write_all (g_io_stream_get_output_stream (tls), answer,
        strlen (answer), NULL, NULL, NULL);
  server->protocol = g_strdup (
      g_tls_connection_get_negotiated_protocol (G_TLS_CONNECTION (tls)));
  g_io_stream_close (tls, NULL, NULL);
  return NULL;
}

/* Google would speak HTTP/2. */
static void
send_by_tls (const char *pem, gboolean is_trusted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = gcs_kit_write_file (pem);
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (path, &error);
  TlsServer server = {
      .certificate = g_tls_certificate_new_from_pem (pem, -1, &error),
      .listener = g_socket_listener_new ()};
  guint16 port =
      g_socket_listener_add_any_inet_port (server.listener, NULL, &error);
  GThread *thread = g_thread_new ("tls", run_tls_server, &server);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", port);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, url);
  g_auto (GcsAnswer) answer = {0};
  SoupSession *session = gcs_session_new ();

  /* Looking for a proxy loads C++, which the sanitizers do not like late. */
  g_object_set (session, "proxy-resolver", NULL, NULL);
  if (is_trusted)
    g_object_set (session, "tls-database", database, NULL);
  g_assert_true (gcs_request_send (session, message, "x", &answer, NULL,
                     &error) == is_trusted);
  g_thread_join (thread);
  if (is_trusted) {
    g_assert_no_error (error);
    g_assert_cmpstr (answer.text, ==, "{}");
    g_assert_cmpstr (server.protocol, ==, "http/1.1");
  } else {
    assert_told (error, GCS_ERROR_REFUSED,
        "x: 127.0.0.1 has a certificate that is not trusted");
  }
  gcs_session_free (session);
  g_unlink (path);
  g_free (server.protocol);
  g_object_unref (server.certificate);
  g_object_unref (server.listener);
}

static void
test_tls (void)
{
  g_autofree char *pem = gcs_kit_make_certificate ("127.0.0.1");

  send_by_tls (pem, TRUE);
  send_by_tls (pem, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("STORAGE_EMULATOR_HOST");
  g_unsetenv ("GOOGLE_APPLICATION_CREDENTIALS");
#define ADD_WITH(path, set_up, function)                                       \
  g_test_add ("/gcsclient/" path, Fixture, NULL, set_up, function, tear_down)
#define ADD(path, function) ADD_WITH (path, set_up, function)
  ADD ("token/grant", test_grant);
  ADD ("token/refresh", test_refresh);
  ADD ("token/refresh-later", test_refresh_later);
  ADD ("token/threads", test_threads);
  ADD ("token/threads-fail", test_threads_fail);
  ADD ("token/cancel", test_cancel);
  ADD ("token/refused", test_refused);
  ADD ("metadata/account", test_metadata);
  ADD ("metadata/refused", test_metadata_refused);
  g_test_add_func ("/gcsclient/tls", test_tls);
  ADD ("find", test_find);
  ADD ("settings", test_settings);
  ADD ("bucket/unauthorized", test_unauthorized);
  ADD ("bucket/check", test_check);
  ADD ("bucket/sign", test_sign);
#undef ADD
#define ADD(path, function) ADD_WITH (path, set_up_bucket, function)
  ADD ("bucket/stat", test_stat);
  ADD ("bucket/object-names", test_object_names);
  ADD ("bucket/statuses", test_statuses);
  ADD ("bucket/nonsense", test_nonsense);
  ADD ("bucket/hostile", test_hostile);
  ADD ("bucket/cancel", test_cancel_request);
  ADD ("bucket/compose", test_compose);
  ADD ("bucket/delete", test_delete);
  ADD ("bucket/list", test_list);
  ADD ("bucket/list-nonsense", test_list_nonsense);
  ADD ("bucket/check-emulator", test_check_emulator);
  ADD ("bucket/sign-emulator", test_sign_emulator);
  return g_test_run ();
}
