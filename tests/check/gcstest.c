/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gcstest.h"

#include <glib/gstdio.h>
#include <string.h>

/* --- Google -----------------------------------------------------------------------*/

static void
answer_token (GcsTest *f, const StubRequest *request, StubAnswer *answer)
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
  GcsTest *f = data;
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

void
gcs_test_set_up (GcsTest *f, gconstpointer unused)
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

void
gcs_test_make_bucket (GcsTest *f, gboolean is_anonymous)
{
  g_autoptr (GcsCredentials) nobody = gcs_credentials_new_anonymous ();
  const GcsBucketSettings settings = {
      "shop-recordings", f->url, is_anonymous ? nobody : f->credentials};
  g_autoptr (GError) error = NULL;

  f->bucket = gcs_bucket_new (&settings, &error);
  g_assert_no_error (error);
}

void
gcs_test_set_up_bucket (GcsTest *f, gconstpointer unused)
{
  gcs_test_set_up (f, NULL);
  gcs_test_make_bucket (f, TRUE);
}

void
gcs_test_tear_down (GcsTest *f, gconstpointer unused)
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

void
gcs_test_assert_asked (GcsTest *f, const char *expected)
{
  g_mutex_lock (&f->lock);
  g_assert_cmpstr (f->log->str, ==, expected);
  g_string_truncate (f->log, 0);
  g_mutex_unlock (&f->lock);
}

void
gcs_test_assert_told (const GError *error, int code, const char *expected)
{
  g_assert_error (error, GCS_ERROR, code);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
  g_assert_null (strstr (error->message, "hunter2"));
  g_assert_null (strstr (error->message, "eyJ"));
}
