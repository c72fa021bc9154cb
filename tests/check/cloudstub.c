/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cloudstub.h"

#include <stdio.h>
#include <string.h>

#include "crc32c.h"

#define UNIT (256 * 1024)

/* --- answers --------------------------------------------------------------------*/

void
cloud_stub_resume (StubAnswer *answer, const char *range)
{
  g_autofree char *header =
      range != NULL ? g_strdup_printf ("Range: %s\r\n", range) : NULL;

  answer->status = 308;
  /* Which outlives the answer. */
  answer->headers = g_intern_string (header);
}

static void
tell_persisted (CloudStub *cloud, StubAnswer *answer)
{
  g_autofree char *range = NULL;

  if (cloud->given->len > 0)
    range = g_strdup_printf ("bytes=0-%u", cloud->given->len - 1);
  cloud_stub_resume (answer, range);
}

static void
tell_object (CloudStub *cloud, StubAnswer *answer)
{
  char crc[9];

  crc32c_to_base64 (
      crc32c_update (0, cloud->object->data, cloud->object->len) + cloud->wrong,
      crc);
  answer->status = 200;
  answer->body = g_strdup_printf (
      "{\"name\":\"o\",\"size\":\"%u\",\"generation\":\"%" G_GINT64_FORMAT
      "\",\"crc32c\":\"%s\"}",
      cloud->object->len, cloud->generation, crc);
}

/* --- requests -------------------------------------------------------------------*/

static void
begin (CloudStub *cloud, const StubRequest *request, StubAnswer *answer)
{
  g_autofree char *location = NULL;

  cloud->only_new = strstr (request->target, "&ifGenerationMatch=0") != NULL;
  if (cloud->only_new && cloud->object != NULL) {
    answer->status = 412;
    return;
  }
  g_free (cloud->metadata);
  cloud->metadata = g_strdup (request->body);
  g_clear_pointer (&cloud->given, g_byte_array_unref);
  cloud->given = g_byte_array_new ();
  cloud->n_sessions++;
  location = g_strdup_printf (
      "Location: %s/session/%u\r\n", cloud->url, cloud->n_sessions);
  answer->headers = g_intern_string (location);
}

static void
commit (CloudStub *cloud, StubAnswer *answer)
{
  if (cloud->only_new && cloud->object != NULL) {
    answer->status = 412;
    return;
  }
  g_clear_pointer (&cloud->object, g_byte_array_unref);
  cloud->object = g_byte_array_ref (cloud->given);
  cloud->generation++;
  tell_object (cloud, answer);
}

void
cloud_stub_take (
    CloudStub *cloud, const StubRequest *request, gsize n, StubAnswer *answer)
{
  g_byte_array_append (cloud->given, (const guint8 *)request->body, (guint)n);
  tell_persisted (cloud, answer);
}

static void
put (CloudStub *cloud, const StubRequest *request, StubAnswer *answer)
{
  const char *range = g_hash_table_lookup (request->headers, "content-range");
  g_autofree char *session = g_strdup_printf ("/session/%u", cloud->n_sessions);
  guint64 first = 0, last = 0, total = 0;
  gboolean is_last;

  g_assert_nonnull (g_hash_table_lookup (request->headers, "content-length"));
  g_assert_null (g_hash_table_lookup (request->headers, "authorization"));
  if (cloud->given == NULL || strcmp (request->target, session) != 0) {
    answer->status = 410;
    return;
  }
  if (strcmp (range, "bytes */*") == 0) {
    g_assert_cmpuint (request->length, ==, 0);
    if (cloud->object == cloud->given)
      tell_object (cloud, answer);
    else
      tell_persisted (cloud, answer);
    return;
  }
  is_last = !g_str_has_suffix (range, "/*");
  if (request->length > 0) {
    g_assert_cmpint (sscanf (range,
                         "bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                         "/%" G_GUINT64_FORMAT,
                         &first, &last, &total),
        ==, is_last ? 3 : 2);
    g_assert_cmpuint (last - first + 1, ==, request->length);
    g_assert_cmpuint (first, ==, cloud->given->len);
    g_byte_array_append (
        cloud->given, (const guint8 *)request->body, (guint)request->length);
  } else {
    g_assert_cmpint (
        sscanf (range, "bytes */%" G_GUINT64_FORMAT, &total), ==, 1);
  }
  if (is_last) {
    g_assert_cmpuint (total, ==, cloud->given->len);
    commit (cloud, answer);
  } else {
    g_assert_cmpuint (request->length % UNIT, ==, 0);
    tell_persisted (cloud, answer);
  }
}

static void
handle (CloudStub *cloud, const StubRequest *request, StubAnswer *answer)
{
  if (strcmp (request->method, "PUT") == 0) {
    put (cloud, request, answer);
  } else if (strcmp (request->method, "POST") == 0) {
    g_assert_true (g_str_has_prefix (request->target,
        "/upload/storage/v1/b/b/o?uploadType=resumable&name=o%2Fp"));
    begin (cloud, request, answer);
  } else if (strcmp (request->method, "DELETE") == 0) {
    g_assert_true (strstr (request->target, "?generation=") != NULL);
    g_clear_pointer (&cloud->object, g_byte_array_unref);
    answer->status = 204;
  } else if (cloud->object != NULL) {
    tell_object (cloud, answer);
  } else {
    answer->status = 404;
  }
}

static void
on_request (const StubRequest *request, StubAnswer *answer, gpointer data)
{
  CloudStub *cloud = data;
  const char *range = g_hash_table_lookup (request->headers, "content-range");
  guint n;

  g_mutex_lock (&cloud->lock);
  n = cloud->requests->len;
  g_ptr_array_add (cloud->requests,
      g_strdup_printf ("%s%s%s", request->method, range != NULL ? " " : "",
          range != NULL ? range : ""));
  g_cond_broadcast (&cloud->changed);
  if (cloud->fault == NULL ||
      !cloud->fault (cloud, n, request, answer, cloud->data))
    handle (cloud, request, answer);
  g_mutex_unlock (&cloud->lock);
}

/* --- life -----------------------------------------------------------------------*/

CloudStub *
cloud_stub_new (void)
{
  CloudStub *cloud = g_new0 (CloudStub, 1);

  g_mutex_init (&cloud->lock);
  g_cond_init (&cloud->changed);
  cloud->requests = g_ptr_array_new_with_free_func (g_free);
  cloud->http = http_stub_new (on_request, cloud);
  cloud->url = http_stub_make_url (cloud->http, "");
  return cloud;
}

void
cloud_stub_free (CloudStub *cloud)
{
  http_stub_free (cloud->http);
  g_free (cloud->url);
  g_free (cloud->metadata);
  g_clear_pointer (&cloud->object, g_byte_array_unref);
  g_clear_pointer (&cloud->given, g_byte_array_unref);
  g_ptr_array_unref (cloud->requests);
  g_mutex_clear (&cloud->lock);
  g_cond_clear (&cloud->changed);
  g_free (cloud);
}

void
cloud_stub_set_fault (CloudStub *cloud, CloudFault fault, gpointer data)
{
  g_mutex_lock (&cloud->lock);
  cloud->fault = fault;
  cloud->data = data;
  g_mutex_unlock (&cloud->lock);
}

void
cloud_stub_await (CloudStub *cloud, guint n)
{
  g_mutex_lock (&cloud->lock);
  while (cloud->requests->len < n)
    g_cond_wait (&cloud->changed, &cloud->lock);
  g_mutex_unlock (&cloud->lock);
}

char *
cloud_stub_list (CloudStub *cloud)
{
  GString *list = g_string_new (NULL);

  g_mutex_lock (&cloud->lock);
  for (guint i = 0; i < cloud->requests->len; i++)
    g_string_append_printf (
        list, "%s\n", (char *)g_ptr_array_index (cloud->requests, i));
  g_mutex_unlock (&cloud->lock);
  return g_string_free (list, FALSE);
}

void
cloud_stub_append (GByteArray *array, guint size)
{
  guint begin = array->len;

  g_byte_array_set_size (array, begin + size);
  for (guint i = begin; i < array->len; i++)
    array->data[i] = (guint8)((i * 2654435761u) >> 13);
}

GBytes *
cloud_stub_make_bytes (gsize size)
{
  GByteArray *array = g_byte_array_new ();

  cloud_stub_append (array, (guint)size);
  return g_byte_array_free_to_bytes (array);
}

void
cloud_stub_assert_object (CloudStub *cloud, GBytes *expected)
{
  g_mutex_lock (&cloud->lock);
  g_assert_nonnull (cloud->object);
  g_assert_cmpmem (cloud->object->data, cloud->object->len,
      g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
  g_mutex_unlock (&cloud->lock);
}
