/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcsupload.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

#include "crc32c.h"
#include "gcsanswer.h"
#include "gcscredentials-private.h"
#include "gcserror.h"
#include "gcsrequest.h"
#include "uploadanswer.h"

/* Of an answer: an object has about 1 kB, with metadata up to 8 KiB more. */
#define MOST_ANSWER (64 * 1024)
/* For the body of an answer, however slowly it comes. */
#define ANSWER_TIME (30 * G_TIME_SPAN_SECOND)
#define STATUS_RESUME 308
#define STATUS_CANCELLED 499

struct _GcsUpload {
  char *bucket;
  char *object;
  char *what;          /* for errors */
  char *endpoint;      /* without a slash at its end */
  gboolean is_private; /* nobody can listen */
  GcsCredentials *credentials;
  gint64 if_generation_match;
  char *metadata; /* what a session begins with */
  char *content_type;
  char *fingerprint;
  char *session;
  gint64 retry_after;
  SoupSession *small; /* for what gcsrequest.h can */
  SoupSession *large; /* for chunks, which may take longer */
};

/* --- Life ---------------------------------------------------------------------*/

static void
add_text (JsonBuilder *builder, const char *member, const char *value)
{
  if (value == NULL)
    return;
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

static char *
make_metadata (const char *object, const GcsAttributes *attributes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_text (builder, "name", object);
  add_text (builder, "contentType", attributes->content_type);
  add_text (builder, "cacheControl", attributes->cache_control);
  add_text (builder, "contentDisposition", attributes->content_disposition);
  add_text (builder, "customTime", attributes->custom_time);
  if (attributes->metadata != NULL) {
    json_builder_set_member_name (builder, "metadata");
    json_builder_begin_object (builder);
    for (guint i = 0; attributes->metadata[i] != NULL; i += 2)
      add_text (builder, attributes->metadata[i], attributes->metadata[i + 1]);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static char *
make_fingerprint (GcsUpload *upload)
{
  g_autofree char *all =
      g_strdup_printf ("%s\n%s\n%" G_GINT64_FORMAT "\n%s", upload->endpoint,
          upload->bucket, upload->if_generation_match, upload->metadata);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

static gboolean
is_name (const char *name, gsize most)
{
  return name != NULL && *name != '\0' && strlen (name) <= most &&
         g_utf8_validate (name, -1, NULL) && strpbrk (name, "\r\n") == NULL;
}

GcsUpload *
gcs_upload_new (const GcsUploadSettings *settings, GError **error)
{
  g_autoptr (GcsUpload) upload = NULL;
  g_autoptr (GUri) endpoint = NULL;

  /* The limits of the service. */
  if (!is_name (settings->bucket, 222) || strchr (settings->bucket, '/')) {
    g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "the bucket is not the name of one (3 to 222 characters, no slash)");
    return NULL;
  }
  if (!is_name (settings->object, 1024)) {
    g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "the object is not a name of 1 to 1024 bytes of UTF-8 in one line");
    return NULL;
  }
  endpoint = gcs_endpoint_parse (settings->endpoint, FALSE, error);
  if (endpoint == NULL)
    return NULL;
  upload = g_new0 (GcsUpload, 1);
  upload->bucket = g_strdup (settings->bucket);
  upload->object = g_strdup (settings->object);
  upload->what =
      g_strdup_printf ("gs://%s/%s", settings->bucket, settings->object);
  upload->endpoint = g_uri_to_string (endpoint);
  if (g_str_has_suffix (upload->endpoint, "/"))
    upload->endpoint[strlen (upload->endpoint) - 1] = '\0';
  upload->is_private = gcs_uri_is_private (endpoint);
  upload->credentials = gcs_credentials_ref (settings->credentials);
  upload->if_generation_match = settings->if_generation_match;
  upload->content_type = g_strdup (settings->attributes.content_type);
  upload->metadata = make_metadata (settings->object, &settings->attributes);
  upload->fingerprint = make_fingerprint (upload);
  upload->small = gcs_session_new ();
  upload->large = gcs_session_new ();
  return g_steal_pointer (&upload);
}

void
gcs_upload_free (GcsUpload *upload)
{
  if (upload == NULL)
    return;
  gcs_session_free (upload->small);
  gcs_session_free (upload->large);
  gcs_credentials_unref (upload->credentials);
  g_free (upload->bucket);
  g_free (upload->object);
  g_free (upload->what);
  g_free (upload->endpoint);
  g_free (upload->metadata);
  g_free (upload->content_type);
  g_free (upload->fingerprint);
  g_free (upload->session);
  g_free (upload);
}

const char *
gcs_upload_get_fingerprint (GcsUpload *upload)
{
  return upload->fingerprint;
}

void
gcs_upload_set_session (GcsUpload *upload, const char *session)
{
  g_free (upload->session);
  upload->session = g_strdup (session);
}

const char *
gcs_upload_get_session (GcsUpload *upload)
{
  return upload->session;
}

gint64
gcs_upload_get_retry_after (GcsUpload *upload)
{
  return upload->retry_after;
}

/* --- One request ----------------------------------------------------------------*/

static gboolean
fail (GcsUpload *upload, GError **error, GcsError code, const char *reason)
{
  g_set_error (error, GCS_ERROR, code, "%s: %s", upload->what, reason);
  return FALSE;
}

/* Of the network: @problem names hosts, never addresses. */
static gboolean
fail_by_network (GcsUpload *upload, GError **error, const GError *problem)
{
  g_autofree char *reason = NULL;

  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  if (g_error_matches (problem, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return fail (upload, error, GCS_ERROR_REFUSED,
        "the certificate of the service is not trusted");
  reason = g_strdup_printf ("no answer: %s", problem->message);
  return fail (upload, error, GCS_ERROR_AWAY, reason);
}

static void
note_retry_after (GcsUpload *upload, SoupMessage *message)
{
  upload->retry_after =
      upload_answer_parse_retry_after (soup_message_headers_get_one (
          soup_message_get_response_headers (message), "Retry-After"));
}

/* What comes, up to a bound in bytes and in time. */
static gboolean
read_answer (GInputStream *in, GcsAnswer *answer, GCancellable *cancellable,
    GError **error)
{
  gint64 deadline = g_get_monotonic_time () + ANSWER_TIME;
  gssize n;

  answer->text = g_malloc (MOST_ANSWER);
  do {
    n = g_input_stream_read (in, answer->text + answer->length,
        MOST_ANSWER - answer->length, cancellable, error);
    if (n < 0)
      return FALSE;
    answer->length += (gsize)n;
    if (g_get_monotonic_time () > deadline) {
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "it takes too long");
      return FALSE;
    }
  } while (n > 0 && answer->length < MOST_ANSWER);
  return g_input_stream_close (in, cancellable, error);
}

typedef struct {
  GCancellable
      *cancellable; /* by the caller, or because it would be repeated */
  gboolean would_repeat;
} Attempt;

static void
on_cancelled (GCancellable *cancellable, gpointer ours)
{
  g_cancellable_cancel (ours);
}

/* libsoup would send a PUT again when an old connection breaks. The service may
 * have the chunk, or a part of it: that is to be asked first. */
static void
on_restarted (SoupMessage *message, gpointer data)
{
  Attempt *attempt = data;

  attempt->would_repeat = TRUE;
  g_cancellable_cancel (attempt->cancellable);
}

static gboolean
try_large (GcsUpload *upload, SoupMessage *message, GcsAnswer *answer,
    Attempt *attempt, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GInputStream) in = soup_session_send (
      upload->large, message, attempt->cancellable, &problem);

  if (in != NULL && read_answer (in, answer, attempt->cancellable, &problem)) {
    answer->status = soup_message_get_status (message);
    return TRUE;
  }
  if (attempt->would_repeat)
    return fail (upload, error, GCS_ERROR_AWAY, "the connection broke");
  return fail_by_network (upload, error, problem);
}

/* A chunk. On a slow line it takes more than the half minute in which all of a
 * small request must be answered; so here only standing still has a bound. And
 * it is sent from this thread, without a main loop between two pieces. */
static gboolean
send_large (GcsUpload *upload, SoupMessage *message, GcsAnswer *answer,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GCancellable) ours = g_cancellable_new ();
  Attempt attempt = {ours, FALSE};
  gulong handler = 0;
  gboolean done;

  if (cancellable != NULL)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (on_cancelled), ours, NULL);
  g_signal_connect (message, "restarted", G_CALLBACK (on_restarted), &attempt);
  /* 308 says something else here. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  done = try_large (upload, message, answer, &attempt, error);
  g_signal_handlers_disconnect_by_data (message, &attempt);
  g_cancellable_disconnect (cancellable, handler);
  return done;
}

/* --- Sessions ---------------------------------------------------------------------*/

static SoupMessage *
make_begin (GcsUpload *upload)
{
  g_autofree char *bucket = g_uri_escape_string (upload->bucket, NULL, FALSE);
  g_autofree char *object = g_uri_escape_string (upload->object, NULL, FALSE);
  g_autoptr (GString) address = g_string_new (upload->endpoint);
  g_autoptr (GBytes) body =
      g_bytes_new (upload->metadata, strlen (upload->metadata));
  SoupMessage *message;

  g_string_append_printf (address,
      "/upload/storage/v1/b/%s/o?uploadType=resumable&name=%s", bucket, object);
  if (upload->if_generation_match >= 0)
    g_string_append_printf (address, "&ifGenerationMatch=%" G_GINT64_FORMAT,
        upload->if_generation_match);
  message = soup_message_new (SOUP_METHOD_POST, address->str);
  soup_message_set_request_body_from_bytes (
      message, "application/json; charset=UTF-8", body);
  if (upload->content_type != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message),
        "X-Upload-Content-Type", upload->content_type);
  return message;
}

/* The address is where the bytes go: it may be another host, but not one that
 * everybody on the way can listen to. */
static gboolean
is_session (GcsUpload *upload, const char *address)
{
  g_autoptr (GUri) uri = address != NULL && strlen (address) <= 4096
                             ? gcs_uri_parse (address)
                             : NULL;

  return uri != NULL && (gcs_uri_is_private (uri) || !upload->is_private);
}

/* With a token; an old one is replaced once. */
static SoupMessage *
send_begin (GcsUpload *upload, GcsAnswer *answer, GCancellable *cancellable,
    GError **error)
{
  for (gboolean again = FALSE;; again = TRUE) {
    g_autoptr (SoupMessage) message = make_begin (upload);

    gcs_answer_clear (answer);
    if (!gcs_credentials_authorize (
            upload->credentials, upload->small, message, cancellable, error) ||
        !gcs_request_send (
            upload->small, message, upload->what, answer, cancellable, error))
      return NULL;
    if (answer->status != SOUP_STATUS_UNAUTHORIZED || again)
      return g_steal_pointer (&message);
    gcs_credentials_forget_token (upload->credentials);
  }
}

gboolean
gcs_upload_begin (GcsUpload *upload, GCancellable *cancellable, GError **error)
{
  g_autoptr (SoupMessage) message = NULL;
  g_auto (GcsAnswer) answer = {0};
  const char *location;

  gcs_upload_set_session (upload, NULL);
  upload->retry_after = 0;
  message = send_begin (upload, &answer, cancellable, error);
  if (message == NULL)
    return FALSE;
  note_retry_after (upload, message);
  if (!gcs_answer_check (&answer, upload->what, error))
    return FALSE;
  location = soup_message_headers_get_one (
      soup_message_get_response_headers (message), "Location");
  if (location == NULL)
    return fail (upload, error, GCS_ERROR_AWAY,
        "the service does not say where to upload to");
  if (!is_session (upload, location))
    return fail (upload, error, GCS_ERROR_REFUSED,
        "the service gives an address that nothing can be uploaded to");
  gcs_upload_set_session (upload, location);
  return TRUE;
}

/* Nonsense on the way counts as no answer: the next one may be better. */
static gboolean
judge (GcsUpload *upload, SoupMessage *message, const GcsAnswer *answer,
    GcsUploadAnswer *result, GError **error)
{
  *result = (GcsUploadAnswer){0};
  switch (answer->status) {
    case SOUP_STATUS_OK:
    case SOUP_STATUS_CREATED:
      result->complete = TRUE;
      return gcs_answer_read_object (
                 answer->text, answer->length, &result->object, NULL) ||
             fail (upload, error, GCS_ERROR_AWAY,
                 "the service does not say what it has stored");
    case STATUS_RESUME:
      return upload_answer_parse_range (
                 soup_message_headers_get_one (
                     soup_message_get_response_headers (message), "Range"),
                 &result->persisted) ||
             fail (upload, error, GCS_ERROR_AWAY,
                 "the service does not say how much it has");
    case SOUP_STATUS_NOT_FOUND:
    case SOUP_STATUS_GONE:
    case STATUS_CANCELLED:
      return fail (upload, error, GCS_ERROR_GONE, "the upload session is over");
    default:
      /* An empty 2xx of another kind is no success. */
      return !gcs_answer_check (answer, upload->what, error)
                 ? FALSE
                 : fail (upload, error, GCS_ERROR_REFUSED,
                       "the service answers with a status that says nothing");
  }
}

static void
on_wrote (SoupMessage *message, guint n, const GcsUploadChunk *chunk)
{
  chunk->wrote (n, chunk->data);
}

static void
set_checksum (SoupMessageHeaders *headers, guint32 crc32c)
{
  char text[9];
  g_autofree char *hash = NULL;

  crc32c_to_base64 (crc32c, text);
  hash = g_strconcat ("crc32c=", text, NULL);
  soup_message_headers_replace (headers, "X-Goog-Hash", hash);
}

/* A session is asked for by its address alone. @chunk: or NULL. */
static gboolean
put (GcsUpload *upload, const GcsUploadChunk *chunk, const char *range,
    GcsUploadAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autoptr (SoupMessage) message =
      soup_message_new (SOUP_METHOD_PUT, upload->session);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  gboolean is_last = chunk != NULL && chunk->total >= 0;
  gboolean is_answered;
  g_auto (GcsAnswer) reply = {0};
  g_autoptr (GError) problem = NULL;

  upload->retry_after = 0;
  if (chunk != NULL && chunk->length > 0) {
    soup_message_set_request_body (
        message, NULL, chunk->body, (gssize)chunk->length);
    g_signal_connect (
        message, "wrote-body-data", G_CALLBACK (on_wrote), (gpointer)chunk);
  } else {
    soup_message_headers_set_content_length (headers, 0);
  }
  soup_message_headers_replace (headers, "Content-Range", range);
  if (is_last)
    set_checksum (headers, chunk->crc32c);
  is_answered = send_large (upload, message, &reply, cancellable, error);
  /* The chunk is gone when we are back, the message may be libsoup's still. */
  g_signal_handlers_disconnect_by_func (message, on_wrote, (gpointer)chunk);
  if (!is_answered)
    return FALSE;
  note_retry_after (upload, message);
  if (is_last && reply.status == SOUP_STATUS_BAD_REQUEST) {
    /* What it says of a chunk that may be is that its bytes are not ours. */
    gcs_answer_check (&reply, upload->what, &problem);
    problem->code = GCS_ERROR_CORRUPT;
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  return judge (upload, message, &reply, answer, error);
}

gboolean
gcs_upload_put (GcsUpload *upload, const GcsUploadChunk *chunk,
    GcsUploadAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autofree char *all =
      chunk->total >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, chunk->total)
                        : g_strdup ("*");
  g_autofree char *range =
      chunk->length > 0
          ? g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                             "/%s",
                chunk->offset, chunk->offset + chunk->length - 1, all)
          : g_strdup_printf ("bytes */%s", all);

  return put (upload, chunk, range, answer, cancellable, error);
}

gboolean
gcs_upload_query (GcsUpload *upload, GcsUploadAnswer *answer,
    GCancellable *cancellable, GError **error)
{
  return put (upload, NULL, "bytes */*", answer, cancellable, error);
}

/* --- The object -----------------------------------------------------------------*/

static gboolean
send_small (GcsUpload *upload, const char *method, const char *query,
    GcsAnswer *answer, GCancellable *cancellable, GError **error)
{
  g_autofree char *bucket = g_uri_escape_string (upload->bucket, NULL, FALSE);
  g_autofree char *object = g_uri_escape_string (upload->object, NULL, FALSE);
  g_autofree char *address = g_strdup_printf (
      "%s/storage/v1/b/%s/o/%s%s", upload->endpoint, bucket, object, query);
  g_autoptr (GUri) uri = gcs_uri_parse (address);
  const GcsRequest request = {method, uri, NULL, upload->what};

  upload->retry_after = 0;
  return gcs_credentials_send (
      upload->credentials, upload->small, &request, answer, cancellable, error);
}

gboolean
gcs_upload_find (GcsUpload *upload, GcsObject *found, GCancellable *cancellable,
    GError **error)
{
  g_auto (GcsAnswer) answer = {0};

  return send_small (
             upload, SOUP_METHOD_GET, "", &answer, cancellable, error) &&
         gcs_answer_check (&answer, upload->what, error) &&
         (gcs_answer_read_object (answer.text, answer.length, found, error) ||
             gcs_answer_refuse (upload->what, error));
}

gboolean
gcs_upload_discard (GcsUpload *upload, gint64 generation,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *query =
      g_strdup_printf ("?generation=%" G_GINT64_FORMAT, generation);
  g_auto (GcsAnswer) answer = {0};

  return send_small (
             upload, SOUP_METHOD_DELETE, query, &answer, cancellable, error) &&
         (answer.status == SOUP_STATUS_NOT_FOUND ||
             gcs_answer_check (&answer, upload->what, error));
}
