/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "gcstest.h"

#define N_THREADS 8
#define SECOND G_TIME_SPAN_SECOND

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
test_grant (GcsTest *f, gconstpointer unused)
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
get_token (GcsTest *f, gint64 now, const char *expected)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (gcs_credentials_get_token_at (
      f->credentials, f->session, now, &token, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (token, ==, expected);
}

static void
fail_token (GcsTest *f, gint64 now, int code, const char *expected)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (gcs_credentials_get_token_at (
      f->credentials, f->session, now, &token, NULL, &error));
  gcs_test_assert_told (error, code, expected);
  g_assert_null (token);
}

static void
test_refresh (GcsTest *f, gconstpointer unused)
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
test_refresh_later (GcsTest *f, gconstpointer unused)
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
  GcsTest *f;
  GCancellable *cancellable;
  char *token;
  GError *error;
} Caller;

static gpointer
run_caller (gpointer data)
{
  Caller *caller = data;
  GcsTest *f = caller->f;
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
run_callers (GcsTest *f, Caller callers[N_THREADS])
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
test_threads (GcsTest *f, gconstpointer unused)
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
test_threads_fail (GcsTest *f, gconstpointer unused)
{
  Caller callers[N_THREADS] = {0};

  f->token_status = 500;
  run_callers (f, callers);
  for (guint i = 0; i < N_THREADS; i++) {
    gcs_test_assert_told (callers[i].error, GCS_ERROR_AWAY, "status 500");
    g_clear_error (&callers[i].error);
  }
}

/* Starts a thread, and waits until it is about to ask. */
static GThread *
start_caller (Caller *caller, GcsTest *f)
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
test_cancel (GcsTest *f, gconstpointer unused)
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
test_refused (GcsTest *f, gconstpointer unused)
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
answer_metadata (GcsTest *f, const StubRequest *request, StubAnswer *answer)
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
use_metadata (GcsTest *f)
{
  gcs_credentials_unref (f->credentials);
  f->credentials =
      gcs_credentials_new_from_services (f->url + strlen ("http://"), f->url);
}

static void
test_metadata (GcsTest *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) signature = NULL;

  use_metadata (f);
  f->answer = answer_metadata;
  get_token (f, 0, TOKEN);
  get_token (f, 239 * SECOND, TOKEN);
  gcs_test_assert_asked (f, "GET " ACCOUNT "token\n");
  get_token (f, 240 * SECOND, TOKEN);
  gcs_test_assert_asked (f, "GET " ACCOUNT "token\n");
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
  gcs_test_assert_asked (f,
      "GET " ACCOUNT "email\n"
      "GET " ACCOUNT "token\n"
      "POST " IAM " Bearer " TOKEN " {\"payload\":\"aGVsbG8=\"}\n");
}

static void
test_metadata_refused (GcsTest *f, gconstpointer unused)
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
  gcs_test_assert_told (error, GCS_ERROR_REFUSED, "it is no e-mail address");
}

/* --- Which credentials ------------------------------------------------------------*/

static void
test_find (GcsTest *f, gconstpointer unused)
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
  gcs_test_assert_told (error, GCS_ERROR_SETTINGS, "/nowhere: No such file");
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
    gcs_test_assert_told (error, GCS_ERROR_REFUSED,
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
#define ADD(path, function)                                                    \
  g_test_add ("/gcscredentials/" path, GcsTest, NULL, gcs_test_set_up,         \
      function, gcs_test_tear_down)
  g_test_add_func ("/gcscredentials/tls", test_tls);
  ADD ("token/grant", test_grant);
  ADD ("token/refresh", test_refresh);
  ADD ("token/refresh-later", test_refresh_later);
  ADD ("token/threads", test_threads);
  ADD ("token/threads-fail", test_threads_fail);
  ADD ("token/cancel", test_cancel);
  ADD ("token/refused", test_refused);
  ADD ("metadata/account", test_metadata);
  ADD ("metadata/refused", test_metadata_refused);
  ADD ("find", test_find);
  return g_test_run ();
}
