/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcscredentials-private.h"

#include <string.h>

#include "gcsanswer.h"
#include "gcsbucket.h"
#include "gcserror.h"
#include "gcskey.h"

#define GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define METADATA_HOST "metadata.google.internal"
#define ACCOUNT_PATH "/computeMetadata/v1/instance/service-accounts/default/"
#define FLAVOR "Metadata-Flavor"
#define IAM_URL "https://iamcredentials.googleapis.com"
#define MACHINE "The account of this machine, as no key file is named"
/* A token is replaced when so much of its life is over. */
#define OLD(life) ((life) / 5 * 4)
/* While one is still of use, and no other is to be had. */
#define RETRY (30 * G_TIME_SPAN_SECOND)

struct _GcsCredentials {
  gatomicrefcount references;
  GcsKey *key;    /* of a service account, */
  char *metadata; /* or the server that knows us: http://HOST, */
  char *iam;      /* with what signs for us, */
                  /* or nothing: nobody */
  GMutex lock;
  GCond fetched; /* or somebody who waits for it was cancelled */
  /* With the lock. */
  char *email;                   /* of the metadata server, once it was asked */
  char *token;                   /* or NULL */
  gint64 refresh_at, expires_at; /* monotonic; of the token */
  gboolean is_fetching;
  guint n_fetches;
  GError *failure; /* of the last fetch, or NULL */
};

/* --- making them ---------------------------------------------------------- */

GcsCredentials *
gcs_credentials_new_anonymous (void)
{
  GcsCredentials *credentials = g_new0 (GcsCredentials, 1);

  g_atomic_ref_count_init (&credentials->references);
  g_mutex_init (&credentials->lock);
  g_cond_init (&credentials->fetched);
  return credentials;
}

GcsCredentials *
gcs_credentials_new_from_file (const char *path, GError **error)
{
  GcsKey *key = gcs_key_load (path, error);
  GcsCredentials *credentials;

  if (key == NULL)
    return NULL;
  credentials = gcs_credentials_new_anonymous ();
  credentials->key = key;
  return credentials;
}

GcsCredentials *
gcs_credentials_new_from_services (
    const char *metadata_host, const char *iam_url)
{
  GcsCredentials *credentials = gcs_credentials_new_anonymous ();

  credentials->metadata = g_strconcat ("http://", metadata_host, NULL);
  credentials->iam = g_strdup (iam_url);
  return credentials;
}

GcsCredentials *
gcs_credentials_new_from_metadata (const char *host)
{
  if (host == NULL)
    host = g_getenv ("GCE_METADATA_HOST");
  if (host == NULL || *host == '\0')
    host = METADATA_HOST;
  return gcs_credentials_new_from_services (host, IAM_URL);
}

static const char *
get_variable (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL && *value != '\0' ? value : NULL;
}

GcsCredentials *
gcs_credentials_find (const char *path, const char *endpoint, GError **error)
{
  gboolean is_emulator = endpoint != NULL
                             ? g_str_has_prefix (endpoint, "http://")
                             : get_variable ("STORAGE_EMULATOR_HOST") != NULL;

  if (path != NULL)
    return gcs_credentials_new_from_file (path, error);
  if (is_emulator)
    return gcs_credentials_new_anonymous ();
  path = get_variable ("GOOGLE_APPLICATION_CREDENTIALS");
  if (path == NULL)
    return gcs_credentials_new_from_metadata (NULL);
  return gcs_credentials_new_from_file (path, error);
}

GcsCredentials *
gcs_credentials_ref (GcsCredentials *credentials)
{
  g_atomic_ref_count_inc (&credentials->references);
  return credentials;
}

void
gcs_credentials_unref (GcsCredentials *credentials)
{
  if (credentials == NULL || !g_atomic_ref_count_dec (&credentials->references))
    return;
  gcs_key_free (credentials->key);
  g_free (credentials->metadata);
  g_free (credentials->iam);
  g_free (credentials->email);
  g_free (credentials->token);
  g_clear_error (&credentials->failure);
  g_mutex_clear (&credentials->lock);
  g_cond_clear (&credentials->fetched);
  g_free (credentials);
}

gboolean
gcs_credentials_is_anonymous (GcsCredentials *credentials)
{
  return credentials->key == NULL && credentials->metadata == NULL;
}

/* --- asking the metadata server ------------------------------------------- */

/* Not only when the network is somebody else's: a portal that catches all
 * requests answers everything. */
static gboolean
is_metadata_server (SoupMessage *message)
{
  const char *flavor = soup_message_headers_get_one (
      soup_message_get_response_headers (message), FLAVOR);

  return g_strcmp0 (flavor, "Google") == 0;
}

static gboolean
ask_metadata (GcsCredentials *credentials, SoupSession *session,
    const char *name, GcsAnswer *answer, GCancellable *cancellable,
    GError **error)
{
  g_autofree char *text =
      g_strconcat (credentials->metadata, ACCOUNT_PATH, name, NULL);
  g_autoptr (GUri) uri = gcs_uri_parse (text);
  g_autoptr (SoupMessage) message = NULL;

  if (uri == NULL) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "%s is no address of a metadata server", credentials->metadata);
    return FALSE;
  }
  message = soup_message_new_from_uri (SOUP_METHOD_GET, uri);
  soup_message_headers_replace (
      soup_message_get_request_headers (message), FLAVOR, "Google");
  if (!gcs_request_send (session, message, MACHINE, answer, cancellable, error))
    return FALSE;
  if (!is_metadata_server (message)) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
        "%s: what answers at %s is not Google's metadata server", MACHINE,
        g_uri_get_host (uri));
    return FALSE;
  }
  if (answer->status == SOUP_STATUS_NOT_FOUND) {
    g_set_error_literal (
        error, GCS_ERROR, GCS_ERROR_DENIED, MACHINE ": this machine has none");
    return FALSE;
  }
  return gcs_answer_check (answer, MACHINE, error);
}

/* --- fetching a token ----------------------------------------------------- */

static gboolean
ask_token_service (const GcsKey *key, SoupSession *session, const char *what,
    GcsAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autofree char *assertion =
      gcs_key_make_assertion (key, g_get_real_time () / G_USEC_PER_SEC, error);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GBytes) body = NULL;
  char *form;

  if (assertion == NULL)
    return FALSE;
  form = soup_form_encode ("grant_type", GRANT, "assertion", assertion, NULL);
  body = g_bytes_new_take (form, strlen (form));
  message =
      soup_message_new_from_uri (SOUP_METHOD_POST, gcs_key_get_token_uri (key));
  soup_message_set_request_body_from_bytes (
      message, SOUP_FORM_MIME_TYPE_URLENCODED, body);
  return gcs_request_send (
             session, message, what, answer, cancellable, error) &&
         gcs_answer_check (answer, what, error);
}

static gboolean
fetch_token (GcsCredentials *credentials, SoupSession *session, char **token,
    guint *seconds, GCancellable *cancellable, GError **error)
{
  const GcsKey *key = credentials->key;
  g_autofree char *what =
      key != NULL ? g_strdup_printf ("A token for %s", gcs_key_get_email (key))
                  : g_strdup (MACHINE);
  g_auto (GcsAnswer) answer = {0};
  g_autoptr (GError) why = NULL;

  if (key != NULL
          ? ask_token_service (key, session, what, &answer, cancellable, &why)
          : ask_metadata (
                credentials, session, "token", &answer, cancellable, &why)) {
    if (gcs_answer_read_token (
            answer.text, answer.length, token, seconds, error))
      return TRUE;
    return gcs_answer_refuse (what, error);
  }
  /* It says so with 400, and what is not there is not the bucket. */
  if (answer.status >= 400 && !gcs_error_is_transient (why))
    why->code = GCS_ERROR_DENIED;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* With the lock, which it lets go of meanwhile. */
static gboolean
refresh_locked (GcsCredentials *credentials, SoupSession *session, gint64 now,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) why = NULL;
  guint seconds = 0;
  gboolean is_fetched;

  credentials->is_fetching = TRUE;
  g_mutex_unlock (&credentials->lock);
  is_fetched =
      fetch_token (credentials, session, &token, &seconds, cancellable, &why);
  g_mutex_lock (&credentials->lock);
  credentials->is_fetching = FALSE;
  credentials->n_fetches++;
  g_clear_error (&credentials->failure);
  g_cond_broadcast (&credentials->fetched);
  if (is_fetched) {
    gint64 life = seconds * G_TIME_SPAN_SECOND;

    g_free (credentials->token);
    credentials->token = g_steal_pointer (&token);
    credentials->refresh_at = now + OLD (life);
    credentials->expires_at = now + life;
    return TRUE;
  }
  if (credentials->token != NULL && now < credentials->expires_at) {
    credentials->refresh_at = MIN (now + RETRY, credentials->expires_at);
    return TRUE;
  }
  /* Who was cancelled says nothing about what becomes of the others. */
  if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    credentials->failure = g_error_copy (why);
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* With the lock. Waits for the fetch of another thread; FALSE and @error if it
 * fails. */
static gboolean
await_locked (
    GcsCredentials *credentials, GCancellable *cancellable, GError **error)
{
  guint n_fetches = credentials->n_fetches;

  while (credentials->n_fetches == n_fetches) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    g_cond_wait (&credentials->fetched, &credentials->lock);
  }
  if (credentials->failure == NULL)
    return TRUE;
  if (error != NULL)
    *error = g_error_copy (credentials->failure);
  return FALSE;
}

static gboolean
make_ready_locked (GcsCredentials *credentials, SoupSession *session,
    gint64 now, GCancellable *cancellable, GError **error)
{
  while (credentials->token == NULL || now >= credentials->refresh_at) {
    if (!credentials->is_fetching)
      return refresh_locked (credentials, session, now, cancellable, error);
    /* The old one does until then. */
    if (credentials->token != NULL && now < credentials->expires_at)
      return TRUE;
    if (!await_locked (credentials, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  GcsCredentials *credentials = data;

  g_mutex_lock (&credentials->lock);
  g_cond_broadcast (&credentials->fetched);
  g_mutex_unlock (&credentials->lock);
}

gboolean
gcs_credentials_get_token_at (GcsCredentials *credentials, SoupSession *session,
    gint64 now, char **token, GCancellable *cancellable, GError **error)
{
  gulong handler = 0;
  gboolean is_ready;

  *token = NULL;
  if (gcs_credentials_is_anonymous (credentials))
    return TRUE;
  /* Without the lock, as it may call at once. */
  if (cancellable != NULL)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (on_cancelled), credentials, NULL);
  g_mutex_lock (&credentials->lock);
  is_ready = make_ready_locked (credentials, session, now, cancellable, error);
  if (is_ready)
    *token = g_strdup (credentials->token);
  g_mutex_unlock (&credentials->lock);
  g_cancellable_disconnect (cancellable, handler);
  return is_ready;
}

gboolean
gcs_credentials_authorize (GcsCredentials *credentials, SoupSession *session,
    SoupMessage *message, GCancellable *cancellable, GError **error)
{
  g_autofree char *token = NULL;
  g_autofree char *value = NULL;

  if (!gcs_credentials_get_token_at (credentials, session,
          g_get_monotonic_time (), &token, cancellable, error))
    return FALSE;
  if (token == NULL)
    return TRUE;
  value = g_strconcat ("Bearer ", token, NULL);
  soup_message_headers_replace (
      soup_message_get_request_headers (message), "Authorization", value);
  return TRUE;
}

void
gcs_credentials_forget_token (GcsCredentials *credentials)
{
  g_mutex_lock (&credentials->lock);
  g_clear_pointer (&credentials->token, g_free);
  g_mutex_unlock (&credentials->lock);
}

/* --- requests with it ----------------------------------------------------- */

static gboolean
send_once (GcsCredentials *credentials, SoupSession *session,
    const GcsRequest *request, GcsAnswer *answer, GCancellable *cancellable,
    GError **error)
{
  g_autoptr (SoupMessage) message =
      soup_message_new_from_uri (request->method, request->uri);

  soup_message_headers_replace (
      soup_message_get_request_headers (message), "Accept", "application/json");
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (
        message, "application/json", request->body);
  return gcs_credentials_authorize (
             credentials, session, message, cancellable, error) &&
         gcs_request_send (
             session, message, request->what, answer, cancellable, error);
}

gboolean
gcs_credentials_send (GcsCredentials *credentials, SoupSession *session,
    const GcsRequest *request, GcsAnswer *answer, GCancellable *cancellable,
    GError **error)
{
  if (!send_once (credentials, session, request, answer, cancellable, error))
    return FALSE;
  if (answer->status != SOUP_STATUS_UNAUTHORIZED ||
      gcs_credentials_is_anonymous (credentials))
    return TRUE;
  gcs_answer_clear (answer);
  gcs_credentials_forget_token (credentials);
  return send_once (credentials, session, request, answer, cancellable, error);
}

/* --- who we are ----------------------------------------------------------- */

char *
gcs_credentials_get_email (GcsCredentials *credentials, SoupSession *session,
    GCancellable *cancellable, GError **error)
{
  g_auto (GcsAnswer) answer = {0};
  g_autofree char *email = NULL;

  if (credentials->key != NULL)
    return g_strdup (gcs_key_get_email (credentials->key));
  if (credentials->metadata == NULL)
    return NULL;
  g_mutex_lock (&credentials->lock);
  email = g_strdup (credentials->email);
  g_mutex_unlock (&credentials->lock);
  if (email != NULL)
    return g_steal_pointer (&email);
  if (!ask_metadata (
          credentials, session, "email", &answer, cancellable, error))
    return NULL;
  if (!gcs_answer_read_email (answer.text, answer.length, &email, error)) {
    gcs_answer_refuse (MACHINE, error);
    return NULL;
  }
  g_mutex_lock (&credentials->lock);
  g_free (credentials->email);
  credentials->email = g_strdup (email);
  g_mutex_unlock (&credentials->lock);
  return g_steal_pointer (&email);
}

static GBytes *
make_sign_body (const char *data)
{
  g_autofree char *base64 =
      g_base64_encode ((const guchar *)data, strlen (data));
  char *json = g_strdup_printf ("{\"payload\":\"%s\"}", base64);

  return g_bytes_new_take (json, strlen (json));
}

static GBytes *
sign_by_iam (GcsCredentials *credentials, SoupSession *session,
    const char *data, GCancellable *cancellable, GError **error)
{
  g_autofree char *email =
      gcs_credentials_get_email (credentials, session, cancellable, error);
  g_autofree char *escaped = NULL, *text = NULL, *what = NULL;
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GBytes) body = NULL;
  g_auto (GcsAnswer) answer = {0};
  GBytes *signature;
  GcsRequest request = {.method = SOUP_METHOD_POST};

  if (email == NULL)
    return NULL;
  escaped = g_uri_escape_string (email, "@", FALSE);
  text = g_strdup_printf ("%s/v1/projects/-/serviceAccounts/%s:signBlob",
      credentials->iam, escaped);
  what = g_strdup_printf ("A signature of %s", email);
  request.uri = uri = gcs_uri_parse (text);
  request.body = body = make_sign_body (data);
  request.what = what;
  if (!gcs_credentials_send (
          credentials, session, &request, &answer, cancellable, error) ||
      !gcs_answer_check (&answer, what, error))
    return NULL;
  signature = gcs_answer_read_signature (answer.text, answer.length, error);
  if (signature == NULL)
    gcs_answer_refuse (what, error);
  return signature;
}

GBytes *
gcs_credentials_sign (GcsCredentials *credentials, SoupSession *session,
    const char *data, GCancellable *cancellable, GError **error)
{
  if (credentials->key != NULL)
    return gcs_key_sign (credentials->key, data, strlen (data), error);
  if (credentials->metadata != NULL)
    return sign_by_iam (credentials, session, data, cancellable, error);
  g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
      "Nothing can be signed without credentials");
  return NULL;
}
