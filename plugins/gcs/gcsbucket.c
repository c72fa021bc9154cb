/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gcsbucket.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "gcsanswer.h"
#include "gcscredentials-private.h"
#include "gcserror.h"
#include "gcssign.h"

#define MOST_SOURCES 32
/* bytes of UTF-8, of an object's name */
#define LONGEST_NAME 1024
/* Of a list: more is not what any of us asks for, but a service that goes on and
 * on. */
#define MOST_NAMES 1000000
#define MOST_PAGES 10000
#define PAGE "1000"

static const char *const permissions[] = {"storage.objects.create",
    "storage.objects.delete", "storage.objects.get", "storage.objects.list",
    NULL};

struct _GcsBucket {
  char *name;
  GUri *endpoint;
  GcsCredentials *credentials;
  SoupSession *session;
};

/* --- names ---------------------------------------------------------------- */

/* What Google allows, but for the rules about dots. */
static gboolean
is_bucket_name (const char *name)
{
  gsize length = strlen (name);

  return length >= 3 && length <= 222 &&
         strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length &&
         g_ascii_isalnum (name[0]) && g_ascii_isalnum (name[length - 1]);
}

static gboolean
check_object (const char *name, GError **error)
{
  if (*name != '\0' && strlen (name) <= LONGEST_NAME &&
      g_utf8_validate (name, -1, NULL) && strpbrk (name, "\r\n") == NULL &&
      !g_str_equal (name, ".") && !g_str_equal (name, ".."))
    return TRUE;
  g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS,
      "The name of an object must be 1 to 1024 bytes of UTF-8 on one line, and "
      "not \".\" or \"..\"");
  return FALSE;
}

/* --- requests ------------------------------------------------------------- */

/* What a call is about, for errors. */
static char *
name_object (const GcsBucket *bucket, const char *object)
{
  return g_strdup_printf ("gs://%s/%s", bucket->name, object);
}

/* @object: or NULL; @rest: of the path, and the query. */
static GUri *
make_uri (const GcsBucket *bucket, const char *object, const char *rest,
    const char *query)
{
  GString *path = g_string_new (NULL);
  GUri *uri;

  g_string_printf (path, "/storage/v1/b/%s", bucket->name);
  if (object != NULL) {
    g_string_append (path, "/o/");
    g_string_append_uri_escaped (path, object, NULL, FALSE);
  }
  g_string_append (path, rest);
  uri = soup_uri_copy (bucket->endpoint, SOUP_URI_PATH, path->str,
      SOUP_URI_QUERY, query, SOUP_URI_NONE);
  g_string_free (path, TRUE);
  return uri;
}

/* FALSE and @error also for a status that is not 2xx; then @answer is filled in,
 * too. */
static gboolean
call (GcsBucket *bucket, const GcsRequest *request, GcsAnswer *answer,
    GCancellable *cancellable, GError **error)
{
  return gcs_credentials_send (bucket->credentials, bucket->session, request,
             answer, cancellable, error) &&
         gcs_answer_check (answer, request->what, error);
}

static gboolean
read_object (
    const GcsAnswer *answer, const char *what, GcsObject *found, GError **error)
{
  return gcs_answer_read_object (answer->text, answer->length, found, error) ||
         gcs_answer_refuse (what, error);
}

/* --- objects -------------------------------------------------------------- */

gboolean
gcs_bucket_stat (GcsBucket *bucket, const char *object, GcsObject *found,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GUri) uri = make_uri (bucket, object, "", NULL);
  g_autofree char *what = name_object (bucket, object);
  g_auto (GcsAnswer) answer = {0};
  const GcsRequest request = {SOUP_METHOD_GET, uri, NULL, what};

  return check_object (object, error) &&
         call (bucket, &request, &answer, cancellable, error) &&
         read_object (&answer, what, found, error);
}

static void
add_text (JsonBuilder *builder, const char *member, const char *value)
{
  if (value == NULL)
    return;
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

static void
add_attributes (JsonBuilder *builder, const GcsAttributes *attributes)
{
  const char *const *metadata = attributes->metadata;

  json_builder_begin_object (builder);
  add_text (builder, "contentType", attributes->content_type);
  add_text (builder, "cacheControl", attributes->cache_control);
  add_text (builder, "contentDisposition", attributes->content_disposition);
  add_text (builder, "customTime", attributes->custom_time);
  if (metadata != NULL && metadata[0] != NULL) {
    json_builder_set_member_name (builder, "metadata");
    json_builder_begin_object (builder);
    for (guint i = 0; metadata[i] != NULL; i += 2)
      add_text (builder, metadata[i], metadata[i + 1]);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
}

char *
gcs_attributes_to_json (const GcsAttributes *attributes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  add_attributes (builder, attributes);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static GBytes *
make_compose_body (const char *const *sources, const GcsAttributes *attributes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  char *json;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "sourceObjects");
  json_builder_begin_array (builder);
  for (guint i = 0; sources[i] != NULL; i++) {
    json_builder_begin_object (builder);
    add_text (builder, "name", sources[i]);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "destination");
  add_attributes (builder, attributes);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json = json_to_string (root, FALSE);
  return g_bytes_new_take (json, strlen (json));
}

static gboolean
check_compose (const char *const *sources, const char *object, GError **error)
{
  guint n = g_strv_length ((char **)sources);

  if (n < 1 || n > MOST_SOURCES) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "An object is composed of 1 to %d others, not %u", MOST_SOURCES, n);
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    if (!check_object (sources[i], error))
      return FALSE;
  return check_object (object, error);
}

gboolean
gcs_bucket_compose (GcsBucket *bucket, const char *const *sources,
    const char *object, gint64 generation, const GcsAttributes *attributes,
    GcsObject *made, GCancellable *cancellable, GError **error)
{
  g_autofree char *query =
      g_strdup_printf ("ifGenerationMatch=%" G_GINT64_FORMAT, generation);
  g_autoptr (GUri) uri = make_uri (bucket, object, "/compose", query);
  g_autoptr (GBytes) body = make_compose_body (sources, attributes);
  g_autofree char *what = name_object (bucket, object);
  g_auto (GcsAnswer) answer = {0};
  const GcsRequest request = {SOUP_METHOD_POST, uri, body, what};

  return check_compose (sources, object, error) &&
         call (bucket, &request, &answer, cancellable, error) &&
         read_object (&answer, what, made, error);
}

gboolean
gcs_bucket_delete (GcsBucket *bucket, const char *object,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GUri) uri = make_uri (bucket, object, "", NULL);
  g_autofree char *what = name_object (bucket, object);
  g_auto (GcsAnswer) answer = {0};
  g_autoptr (GError) why = NULL;
  const GcsRequest request = {SOUP_METHOD_DELETE, uri, NULL, what};

  if (!check_object (object, error))
    return FALSE;
  if (call (bucket, &request, &answer, cancellable, &why) ||
      g_error_matches (why, GCS_ERROR, GCS_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* --- the bucket ----------------------------------------------------------- */

static char *
make_list_query (const char *prefix, const char *page)
{
  GString *query = g_string_new ("fields=items(name),nextPageToken&prefix=");

  g_string_append_uri_escaped (query, prefix, NULL, FALSE);
  g_string_append (query, "&maxResults=" PAGE);
  if (page != NULL) {
    g_string_append (query, "&pageToken=");
    g_string_append_uri_escaped (query, page, NULL, FALSE);
  }
  return g_string_free (query, FALSE);
}

/* @page: what to ask it with, or NULL; replaced by that of the next one. */
static gboolean
list_page (GcsBucket *bucket, const char *prefix, char **page, GPtrArray *names,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *asked = g_steal_pointer (page);
  g_autofree char *query = make_list_query (prefix, asked);
  g_autoptr (GUri) uri = make_uri (bucket, NULL, "/o", query);
  g_autofree char *what = name_object (bucket, prefix);
  g_auto (GcsAnswer) answer = {0};
  const GcsRequest request = {SOUP_METHOD_GET, uri, NULL, what};

  if (!call (bucket, &request, &answer, cancellable, error))
    return FALSE;
  if (!gcs_answer_read_names (
          answer.text, answer.length, prefix, names, page, error))
    return gcs_answer_refuse (what, error);
  if (*page == NULL || g_strcmp0 (*page, asked) != 0)
    return TRUE;
  g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
      "%s: after a page of the list comes the same again", what);
  return FALSE;
}

char **
gcs_bucket_list (GcsBucket *bucket, const char *prefix,
    GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *page = NULL;

  for (guint n_pages = 0; n_pages == 0 || page != NULL; n_pages++) {
    if (n_pages == MOST_PAGES || names->len > MOST_NAMES) {
      g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
          "gs://%s/%s: the list of objects has no end", bucket->name, prefix);
      return NULL;
    }
    if (!list_page (bucket, prefix, &page, names, cancellable, error))
      return NULL;
  }
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static char *
make_permissions_query (void)
{
  GString *query = g_string_new (NULL);

  for (guint i = 0; permissions[i] != NULL; i++)
    g_string_append_printf (
        query, "%spermissions=%s", i > 0 ? "&" : "", permissions[i]);
  return g_string_free (query, FALSE);
}

gboolean
gcs_bucket_check (GcsBucket *bucket, char **missing, GCancellable *cancellable,
    GError **error)
{
  gboolean is_anonymous = gcs_credentials_is_anonymous (bucket->credentials);
  g_autofree char *query = is_anonymous ? NULL : make_permissions_query ();
  /* An emulator, which has none. */
  g_autoptr (GUri) uri = make_uri (
      bucket, NULL, is_anonymous ? "" : "/iam/testPermissions", query);
  g_autofree char *what = g_strdup_printf ("gs://%s", bucket->name);
  g_auto (GcsAnswer) answer = {0};
  const GcsRequest request = {SOUP_METHOD_GET, uri, NULL, what};

  *missing = NULL;
  return call (bucket, &request, &answer, cancellable, error) &&
         (is_anonymous ||
             gcs_answer_read_permissions (
                 answer.text, answer.length, permissions, missing, error) ||
             gcs_answer_refuse (what, error));
}

/* --- signed addresses ----------------------------------------------------- */

/* As the header Host has it. (transfer full) */
static char *
make_host (GUri *endpoint)
{
  const char *host = g_uri_get_host (endpoint);
  int port = g_uri_get_port (endpoint);
  int own = g_str_equal (g_uri_get_scheme (endpoint), "https") ? 443 : 80;
  const char *before = strchr (host, ':') != NULL ? "[" : "";
  const char *after = strchr (host, ':') != NULL ? "]" : "";

  if (port < 0 || port == own)
    return g_strconcat (before, host, after, NULL);
  return g_strdup_printf ("%s%s%s:%d", before, host, after, port);
}

/* Of an emulator, which lets everybody in. */
static char *
make_plain_address (const GcsSignRequest *request, const char *scheme)
{
  g_autofree char *path = gcs_sign_make_path (request->bucket, request->object);
  GString *address = g_string_new (NULL);
  const char *mark = "?";

  g_string_printf (address, "%s://%s%s", scheme, request->host, path);
  for (guint i = 0; request->query[i] != NULL; i += 2) {
    g_string_append_printf (address, "%s%s=", mark, request->query[i]);
    g_string_append_uri_escaped (address, request->query[i + 1], NULL, FALSE);
    mark = "&";
  }
  return g_string_free (address, FALSE);
}

char *
gcs_bucket_sign (GcsBucket *bucket, const char *object, gint64 now,
    guint seconds, const char *disposition, const char *content_type,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *host = make_host (bucket->endpoint);
  const char *scheme = g_uri_get_scheme (bucket->endpoint);
  const char *query[5] = {NULL};
  guint n = 0;
  g_autofree char *email = NULL, *text = NULL;
  g_autoptr (GBytes) signature = NULL;
  GcsSignRequest request = {.method = SOUP_METHOD_GET,
      .host = host,
      .bucket = bucket->name,
      .object = object,
      .query = query,
      .now = now,
      .seconds = seconds};

  g_return_val_if_fail (seconds >= 1 && seconds <= GCS_SIGN_MOST_SECONDS, NULL);
  if (!check_object (object, error))
    return NULL;
  if (disposition != NULL) {
    query[n++] = "response-content-disposition";
    query[n++] = disposition;
  }
  if (content_type != NULL) {
    query[n++] = "response-content-type";
    query[n++] = content_type;
  }
  if (gcs_credentials_is_anonymous (bucket->credentials))
    return make_plain_address (&request, scheme);
  request.email = email = gcs_credentials_get_email (
      bucket->credentials, bucket->session, cancellable, error);
  if (email == NULL)
    return NULL;
  text = gcs_sign_make_string (&request);
  signature = gcs_credentials_sign (
      bucket->credentials, bucket->session, text, cancellable, error);
  if (signature == NULL)
    return NULL;
  return gcs_sign_make_address (&request, scheme, signature);
}

/* --- life ----------------------------------------------------------------- */

GcsBucket *
gcs_bucket_new (const GcsBucketSettings *settings, GError **error)
{
  g_autoptr (GUri) endpoint = NULL;
  GcsBucket *bucket;

  if (!is_bucket_name (settings->bucket)) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "\"%s\" cannot be the name of a bucket: expected 3 to 222 of a-z 0-9 - "
        "_ .",
        settings->bucket);
    return NULL;
  }
  endpoint = gcs_endpoint_parse (settings->endpoint,
      !gcs_credentials_is_anonymous (settings->credentials), error);
  if (endpoint == NULL)
    return NULL;
  bucket = g_new0 (GcsBucket, 1);
  bucket->name = g_strdup (settings->bucket);
  bucket->endpoint = g_steal_pointer (&endpoint);
  bucket->credentials = gcs_credentials_ref (settings->credentials);
  bucket->session = gcs_session_new ();
  return bucket;
}

void
gcs_bucket_free (GcsBucket *bucket)
{
  if (bucket == NULL)
    return;
  gcs_session_free (bucket->session);
  gcs_credentials_unref (bucket->credentials);
  g_uri_unref (bucket->endpoint);
  g_free (bucket->name);
  g_free (bucket);
}
