/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "gcstest.h"

#define SECOND G_TIME_SPAN_SECOND
#define OBJECT                                                                 \
  "{\"name\": \"o\", \"size\": \"1048576\", \"generation\": "                  \
  "\"1700000000000001\", \"crc32c\": \"4waSgw==\"}"

static void
refuse_bucket (GcsTest *f, const char *name, const char *endpoint,
    gboolean is_anonymous, const char *expected)
{
  g_autoptr (GcsCredentials) nobody = gcs_credentials_new_anonymous ();
  const GcsBucketSettings settings = {
      name, endpoint, is_anonymous ? nobody : f->credentials};
  g_autoptr (GError) error = NULL;

  g_assert_null (gcs_bucket_new (&settings, &error));
  gcs_test_assert_told (error, GCS_ERROR_SETTINGS, expected);
}

static void
test_settings (GcsTest *f, gconstpointer unused)
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
test_stat (GcsTest *f, gconstpointer unused)
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
  gcs_test_assert_asked (
      f, "GET " BUCKET "/o/wishcast%2Fa%20b%2F%D0%BA~%2B%252F%3Fx%3D%23.mp4\n");
  f->body = "{\"size\": \"0\", \"generation\": \"1\"}";
  g_assert_true (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  g_assert_cmpuint (found.size, ==, 0);
  g_assert_false (found.has_crc32c);
}

static void
test_object_names (GcsTest *f, gconstpointer unused)
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
    gcs_test_assert_told (
        error, GCS_ERROR_SETTINGS, "The name of an object must be");
  }
  gcs_test_assert_asked (f, "");
  g_assert_true (gcs_bucket_stat (f->bucket, longest, &found, NULL, NULL));
}

static void
fail_stat (GcsTest *f, int code, const char *expected)
{
  g_autoptr (GError) error = NULL;
  GcsObject found;

  g_assert_false (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  gcs_test_assert_told (error, code, expected);
  g_assert_true (g_str_has_prefix (error->message, "gs://shop-recordings/o: "));
}

static void
test_statuses (GcsTest *f, gconstpointer unused)
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
test_nonsense (GcsTest *f, gconstpointer unused)
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
answer_much (GcsTest *f, const StubRequest *request, StubAnswer *answer)
{
  answer->body = g_strnfill (9 * 1024 * 1024, ' ');
}

/* What is too large is not kept, what is elsewhere not fetched. */
static void
test_hostile (GcsTest *f, gconstpointer unused)
{
  f->answer = answer_much;
  fail_stat (f, GCS_ERROR_REFUSED, "the answer has more than 8 MiB");
  f->answer = NULL;
  f->status = 302;
  f->headers = "Location: /elsewhere\r\n";
  g_string_truncate (f->log, 0);
  fail_stat (f, GCS_ERROR_REFUSED, "answered with status 302");
  gcs_test_assert_asked (f, "GET " BUCKET "/o/o\n");
  f->manner = STUB_RESET;
  fail_stat (f, GCS_ERROR_AWAY, "no answer from 127.0.0.1: ");
}

typedef struct {
  GcsTest *f;
  GCancellable *cancellable;
} Canceller;

static gpointer
cancel_when_asked (gpointer data)
{
  Canceller *canceller = data;
  GcsTest *f = canceller->f;

  g_mutex_lock (&f->lock);
  while (!f->is_asked)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
  g_cancellable_cancel (canceller->cancellable);
  return NULL;
}

static void
test_cancel_request (GcsTest *f, gconstpointer unused)
{
  static const StubManner manners[] = {STUB_SILENCE, STUB_DRIP};

  for (guint i = 0; i < G_N_ELEMENTS (manners); i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    Canceller canceller = {.f = f, .cancellable = cancellable};
    GThread *thread;
    GcsObject found;

    f->manner = manners[i];
    f->is_asked = FALSE;
    thread = g_thread_new ("cancel", cancel_when_asked, &canceller);
    g_assert_false (
        gcs_bucket_stat (f->bucket, "o", &found, cancellable, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_thread_join (thread);
  }
}

static void
answer_unauthorized_once (
    GcsTest *f, const StubRequest *request, StubAnswer *answer)
{
  const char *token = g_hash_table_lookup (request->headers, "authorization");

  answer->status = g_str_has_suffix (token, "-1") ? 401 : 200;
}

/* A token that was revoked is fetched anew, once. */
static void
test_unauthorized (GcsTest *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  GcsObject found;

  gcs_test_make_bucket (f, FALSE);
  f->body = OBJECT;
  f->answer = answer_unauthorized_once;
  g_assert_true (gcs_bucket_stat (f->bucket, "o", &found, NULL, &error));
  g_assert_no_error (error);
  gcs_test_assert_asked (f, "GET " BUCKET "/o/o Bearer " TOKEN "-1\n"
                            "GET " BUCKET "/o/o Bearer " TOKEN "-2\n");
  f->answer = NULL;
  f->status = 401;
  fail_stat (f, GCS_ERROR_DENIED, "answered with status 401");
  gcs_test_assert_asked (f, "GET " BUCKET "/o/o Bearer " TOKEN "-2\n"
                            "GET " BUCKET "/o/o Bearer " TOKEN "-3\n");
  g_assert_cmpuint (f->n_tokens, ==, 3);
}

static gboolean
compose (GcsTest *f, const char *const *sources, GError **error)
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
test_compose (GcsTest *f, gconstpointer unused)
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
  gcs_test_assert_asked (f,
      "POST " BUCKET "/o/a%2F1.mp4/compose?ifGenerationMatch=0 "
      "{\"sourceObjects\":[{\"name\":\"a/1.head\"},{\"name\":\"a/1.body\"}],"
      "\"destination\":{\"contentType\":\"video/mp4\",\"cacheControl\":"
      "\"private, max-age=0\",\"contentDisposition\":\"attachment\","
      "\"customTime\":\"2026-03-08T18:00:00Z\",\"metadata\":{\"broadcast\":"
      "\"k3v7q2m5x4t6w2ab\",\"title\":\"\\\"\303\244\\\"\"}}}\n");
  g_assert_true (gcs_bucket_compose (f->bucket, sources, "o",
      G_GINT64_CONSTANT (1700000000000001), &nothing, &made, NULL, &error));
  g_assert_cmpuint (made.size, ==, 1048576);
  gcs_test_assert_asked (f,
      "POST " BUCKET "/o/o/compose?ifGenerationMatch=1700000000000001 "
      "{\"sourceObjects\":[{\"name\":\"a/1.head\"},{\"name\":\"a/1.body\"}],"
      "\"destination\":{}}\n");
  f->status = 412;
  g_assert_false (compose (f, sources, &error));
  gcs_test_assert_told (
      error, GCS_ERROR_EXISTS, "gs://shop-recordings/a/1.mp4: ");
  g_clear_error (&error);
  g_assert_false (compose (f, none, &error));
  gcs_test_assert_told (error, GCS_ERROR_SETTINGS, "of 1 to 32 others, not 0");
  g_clear_error (&error);
  for (guint i = 0; i < 33; i++)
    many[i] = "x";
  g_assert_false (compose (f, many, &error));
  gcs_test_assert_told (error, GCS_ERROR_SETTINGS, "of 1 to 32 others, not 33");
}

static void
test_delete (GcsTest *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  f->status = 204;
  g_assert_true (gcs_bucket_delete (f->bucket, "a/1.head", NULL, &error));
  f->status = 404;
  g_assert_true (gcs_bucket_delete (f->bucket, "a/1.body", NULL, &error));
  g_assert_no_error (error);
  gcs_test_assert_asked (f, "DELETE " BUCKET "/o/a%2F1.head\n"
                            "DELETE " BUCKET "/o/a%2F1.body\n");
  f->status = 503;
  g_assert_false (gcs_bucket_delete (f->bucket, "o", NULL, &error));
  gcs_test_assert_told (error, GCS_ERROR_AWAY, "status 503");
}

#define LIST                                                                   \
  BUCKET "/o?fields=items(name),nextPageToken&prefix=a%2F%26&maxResults=1000"

static void
answer_pages (GcsTest *f, const StubRequest *request, StubAnswer *answer)
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
test_list (GcsTest *f, gconstpointer unused)
{
  g_auto (GStrv) names = NULL, none = NULL;
  g_autofree char *joined = NULL;
  g_autoptr (GError) error = NULL;

  f->answer = answer_pages;
  names = gcs_bucket_list (f->bucket, "a/&", NULL, &error);
  g_assert_no_error (error);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, "a/&1 a/&2 a/&3");
  gcs_test_assert_asked (f, "GET " LIST "\n"
                            "GET " LIST "&pageToken=x%3D%2B%2F\n"
                            "GET " LIST "&pageToken=y\n");
  f->answer = NULL;
  f->body = "{\"kind\": \"storage#objects\"}";
  none = gcs_bucket_list (f->bucket, "a/", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
}

static void
test_list_nonsense (GcsTest *f, gconstpointer unused)
{
  static const struct {
    const char *body, *expected;
  } cases[] = {
      {"{\"items\": {}}", "\"items\" is not there, or is not a list"},
      {"{\"items\": [7]}", "not a list of objects"},
      {"{\"items\": [{}]}", "\"name\""},
      {"{\"items\": [{\"name\": \"b/1\"}]}", "not one that was asked for"},
      {"{\"items\": [{\"name\": \"a/\\300\"}]}", "\"name\""},
      {"{\"items\": [], \"nextPageToken\": 7}", "\"nextPageToken\""},
      {"{\"items\": [], \"nextPageToken\": \"x\"}",
          "after a page of the list comes the same again"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    f->body = cases[i].body;
    g_assert_null (gcs_bucket_list (f->bucket, "a/", NULL, &error));
    gcs_test_assert_told (error, GCS_ERROR_REFUSED, cases[i].expected);
  }
}

static void
check_bucket (GcsTest *f, const char *expected)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (gcs_bucket_check (f->bucket, &missing, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (missing, ==, expected);
}

static void
test_check (GcsTest *f, gconstpointer unused)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  gcs_test_make_bucket (f, FALSE);
  f->body = "{\"permissions\": [\"storage.objects.create\", "
            "\"storage.objects.delete\", \"storage.objects.get\", "
            "\"storage.objects.list\"]}";
  check_bucket (f, NULL);
  gcs_test_assert_asked (f,
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
  gcs_test_assert_told (
      error, GCS_ERROR_REFUSED, "\"permissions\" is not there");
}

/* An emulator knows no permissions. */
static void
test_check_emulator (GcsTest *f, gconstpointer unused)
{
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  f->body = "{}";
  check_bucket (f, NULL);
  gcs_test_assert_asked (f, "GET " BUCKET "\n");
  f->status = 404;
  g_assert_false (gcs_bucket_check (f->bucket, &missing, NULL, &error));
  gcs_test_assert_told (
      error, GCS_ERROR_NOT_FOUND, "gs://shop-recordings: answered");
}

static void
test_sign (GcsTest *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL, *expected = NULL;
  const char *signature;

  gcs_test_make_bucket (f, FALSE);
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
  gcs_test_assert_asked (f, "");
  g_assert_cmpuint (f->n_tokens, ==, 0);
}

static void
test_sign_emulator (GcsTest *f, gconstpointer unused)
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("STORAGE_EMULATOR_HOST");
  g_unsetenv ("GOOGLE_APPLICATION_CREDENTIALS");
#define ADD_WITH(path, set_up, function)                                       \
  g_test_add (                                                                 \
      "/gcsclient/" path, GcsTest, NULL, set_up, function, gcs_test_tear_down)
#define ADD(path, function) ADD_WITH (path, gcs_test_set_up, function)
  ADD ("settings", test_settings);
  ADD ("bucket/unauthorized", test_unauthorized);
  ADD ("bucket/check", test_check);
  ADD ("bucket/sign", test_sign);
#undef ADD
#define ADD(path, function) ADD_WITH (path, gcs_test_set_up_bucket, function)
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
