/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Recordings for who has the link. */

#include <string.h>

#include "apitest.h"
#include "gcserror.h"

#define RECORDING "/api/v1/broadcasts/a/recording"
#define BYTES "0123456789"
#define HOUR (60 * 60)
/* More than the kernel and two ends keep of it. */
#define LARGE 16777216
/* As api.c has them. */
#define MOST 64

/* --- What there is ---------------------------------------------------------*/

/* An ended broadcast, which can be had for @seconds. */
static void
add_ended (ApiTest *t, guint seconds)
{
  g_autofree char *sql = g_strdup_printf (
      "UPDATE wishcast.game SET recording_kept = '%u s';", seconds);

  api_test_run (t, sql);
  api_test_set_state (t, "a", "half-life", "live");
  api_test_set_state (t, "a", "half-life", "ended");
}

/* @values: node, bucket, object, state, size. */
static void
add_part (ApiTest *t, guint part, const char *values)
{
  g_autofree char *sql =
      g_strdup_printf ("INSERT INTO wishcast.recording (link, part, node, "
                       "bucket, object, state, size, crc32c) "
                       "VALUES ('a', %u, %s, 'AAAAAA==');",
          part, values);

  api_test_run (t, sql);
}

static void
write_file (ApiTest *t, const char *name, const char *bytes, gsize size)
{
  g_autofree char *path = g_build_filename (t->archive_dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, (gssize)size, &error);
  g_assert_no_error (error);
}

static void
add_file (ApiTest *t)
{
  add_ended (t, 2 * HOUR);
  write_file (t, "a.mp4", BYTES, strlen (BYTES));
  add_part (t, 0, "'node-a', NULL, 'a.mp4', 'ready', 10");
}

/* No two blocks of it are the same. (transfer full) */
static char *
add_large_file (ApiTest *t, guint seconds)
{
  char *bytes = g_malloc (LARGE);

  for (guint32 i = 0; i < LARGE / sizeof i; i++)
    ((guint32 *)(gpointer)bytes)[i] = i * 2654435761U;
  add_ended (t, seconds);
  write_file (t, "a.mp4", bytes, LARGE);
  add_part (t, 0, "'node-a', NULL, 'a.mp4', 'ready', " G_STRINGIFY (LARGE));
  return bytes;
}

static HttpReply *
ask (ApiTest *t, const char *headers, guint status)
{
  HttpReply *reply = http_get (t->port, RECORDING, headers);

  g_assert_cmpuint (reply->status, ==, status);
  return reply;
}

static void
assert_header (HttpReply *reply, const char *name, const char *expected)
{
  g_assert_cmpstr (http_reply_header (reply, name), ==, expected);
}

static void
assert_problem (ApiTest *t, const char *path, guint status, const char *reason)
{
  g_autoptr (HttpReply) reply = http_get (t->port, path, NULL);
  g_autofree char *text = http_reply_text (reply);
  g_autofree char *found = NULL;

  g_assert_cmpuint (reply->status, ==, status);
  assert_header (reply, "cache-control", "no-store");
  assert_header (reply, "content-type", "application/problem+json");
  found = api_test_member (text, "reason");
  g_assert_cmpstr (found, ==, reason);
}

/* --- What there is not -----------------------------------------------------*/

static void
test_reasons (ApiTest *t, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autoptr (HttpReply) reply = NULL;

  api_test_assert_status (t, RECORDING, 404);
  api_test_set_state (t, "a", "half-life", "live");
  assert_problem (t, RECORDING, 404, "live");
  add_part (t, 0, "'node-a', NULL, 'a.mp4', 'uploading', NULL");
  assert_problem (t, RECORDING, 404, "live");
  add_ended (t, HOUR);
  assert_problem (t, RECORDING, 404, "uploading");
  assert_problem (t, RECORDING "?part=1", 404, "none");
  api_test_run (t, "DELETE FROM wishcast.recording;");
  assert_problem (t, RECORDING, 404, "none");
  add_part (t, 0, "'node-b', NULL, 'a.mp4', 'ready', 10");
  assert_problem (t, RECORDING, 404, "elsewhere");
  add_part (t, 1, "'node-a', 'bucket', 'a.mp4', 'ready', 10");
  assert_problem (t, RECORDING "?part=1", 404, "elsewhere");
  reply = ask (t, NULL, 404);
  text = http_reply_text (reply);
  g_assert_nonnull (strstr (text, "node-b"));
}

/* Ready, says the database, but the disk says something else. */
static void
test_lost (ApiTest *t, gconstpointer unused)
{
  add_ended (t, HOUR);
  add_part (t, 0, "'node-a', NULL, 'a.mp4', 'ready', 10");
  assert_problem (t, RECORDING, 404, "none");
  write_file (t, "a.mp4", BYTES, 9);
  assert_problem (t, RECORDING, 404, "none");
  write_file (t, "a.mp4", BYTES, 10);
  api_test_assert_status (t, RECORDING, 200);
}

static void
test_expired (ApiTest *t, gconstpointer unused)
{
  add_file (t);
  api_test_assert_status (t, RECORDING, 200);
  api_test_run (t, "UPDATE wishcast.broadcast SET recording_expires = now ();");
  assert_problem (t, RECORDING, 410, "expired");
  /* Before its time, by hand. */
  api_test_run (t, "UPDATE wishcast.broadcast SET recording_expires = "
                   "now () + interval '1 day';");
  api_test_assert_status (t, RECORDING, 200);
  api_test_run (t, "UPDATE wishcast.recording SET state = 'deleted';");
  assert_problem (t, RECORDING, 410, "expired");
}

static void
test_hidden (ApiTest *t, gconstpointer unused)
{
  add_file (t);
  api_test_run (t, "UPDATE wishcast.broadcast SET visibility = 'rehearsal';");
  api_test_assert_status (t, RECORDING, 200);
}

/* --- A file ----------------------------------------------------------------*/

static void
assert_body (HttpReply *reply, const char *expected)
{
  g_autofree char *text = http_reply_text (reply);

  g_assert_cmpstr (text, ==, expected);
}

static char *
make_name (const char *kind, const char *part)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");

  return g_strdup_printf ("%s; filename=\"Half-Life - Title of a - %s%s.mp4\"; "
                          "filename*=UTF-8''Half-Life%%20%%E2%%80%%93%%20Title"
                          "%%20of%%20a%%20%%E2%%80%%93%%20%s%s.mp4",
      kind, date, *part != '\0' ? " - 2" : "", date,
      *part != '\0' ? "%20%E2%80%93%202" : "");
}

static void
test_file (ApiTest *t, gconstpointer unused)
{
  g_autofree char *name = make_name ("attachment", "");
  g_autoptr (HttpReply) whole = NULL, head = NULL;

  add_file (t);
  whole = ask (t, NULL, 200);
  assert_body (whole, BYTES);
  assert_header (whole, "content-type", "video/mp4");
  assert_header (whole, "content-length", "10");
  assert_header (whole, "accept-ranges", "bytes");
  assert_header (whole, "cache-control", "private, no-store");
  assert_header (whole, "content-disposition", name);
  assert_header (whole, "etag", "\"10-AAAAAA==\"");
  head = http_call (t->port, "HEAD", RECORDING, NULL);
  g_assert_cmpuint (head->status, ==, 200);
  assert_header (head, "content-length", "10");
  assert_header (head, "content-disposition", name);
}

static void
test_names (ApiTest *t, gconstpointer unused)
{
  g_autofree char *shown = make_name ("inline", "");
  g_autofree char *second = make_name ("attachment", "2");
  g_autoptr (HttpReply) first = NULL, other = NULL;

  add_file (t);
  first = http_get (t->port, RECORDING "?inline=true", NULL);
  assert_header (first, "content-disposition", shown);
  write_file (t, "a-1.mp4", "second", 6);
  add_part (t, 1, "'node-a', NULL, 'a-1.mp4', 'ready', 6");
  other = http_get (t->port, RECORDING "?part=1&inline=false", NULL);
  assert_body (other, "second");
  assert_header (other, "content-disposition", second);
  api_test_assert_status (t, RECORDING "?part=x", 400);
  api_test_assert_status (t, RECORDING "?part=10000", 400);
  api_test_assert_status (t, RECORDING "?inline=1", 400);
}

static void
assert_range (ApiTest *t, const char *headers, guint status, const char *range,
    const char *body)
{
  g_autoptr (HttpReply) reply = ask (t, headers, status);

  assert_header (reply, "content-range", range);
  if (body != NULL)
    assert_body (reply, body);
}

static void
test_ranges (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) head = NULL;

  add_file (t);
  assert_range (t, "Range: bytes=0-\r\n", 206, "bytes 0-9/10", BYTES);
  assert_range (t, "Range: bytes=2-4\r\n", 206, "bytes 2-4/10", "234");
  assert_range (t, "Range: bytes=-3\r\n", 206, "bytes 7-9/10", "789");
  assert_range (t, "Range: bytes=9-99\r\n", 206, "bytes 9-9/10", "9");
  assert_range (t, "Range: bytes=10-\r\n", 416, "bytes */10", NULL);
  assert_range (t, "Range: bytes=0-1,3-4\r\n", 200, NULL, BYTES);
  assert_range (t,
      "Range: bytes=2-4\r\n"
      "If-Range: \"10-AAAAAA==\"\r\n",
      206, "bytes 2-4/10", "234");
  assert_range (t,
      "Range: bytes=2-4\r\n"
      "If-Range: \"another\"\r\n",
      200, NULL, BYTES);
  assert_range (t, "If-None-Match: \"10-AAAAAA==\"\r\n", 304, NULL, NULL);
  head = http_call (t->port, "HEAD", RECORDING, "Range: bytes=2-4\r\n");
  g_assert_cmpuint (head->status, ==, 206);
  assert_header (head, "content-length", "3");
}

static void
test_large (ApiTest *t, gconstpointer unused)
{
  g_autofree char *bytes = add_large_file (t, HOUR);
  g_autoptr (HttpReply) whole = ask (t, NULL, 200);
  g_autoptr (HttpReply) end = ask (t, "Range: bytes=1000001-\r\n", 206);
  gsize size;
  const char *data = g_bytes_get_data (whole->body, &size);

  g_assert_cmpmem (data, size, bytes, LARGE);
  data = g_bytes_get_data (end->body, &size);
  g_assert_cmpmem (data, size, bytes + 1000001, LARGE - 1000001);
}

/* Not one byte after its time, also of what has begun before. */
static void
test_cut (ApiTest *t, gconstpointer unused)
{
  g_autofree char *bytes = add_large_file (t, 3);
  g_autoptr (HttpClient) client = http_client_open (t->port);
  gsize n;

  http_client_get (client, RECORDING);
  pg_kit_await (t->pg,
      "SELECT recording_expires <= clock_timestamp () FROM wishcast.broadcast",
      "t");
  assert_problem (t, RECORDING, 410, "expired");
  n = http_client_drain (client);
  g_assert_cmpuint (n, >, 1000);
  g_assert_cmpuint (n, <, LARGE / 2);
}

/* A file that becomes shorter ends what it was promised to. */
static void
test_shrinks (ApiTest *t, gconstpointer unused)
{
  g_autofree char *bytes = add_large_file (t, HOUR);
  g_autofree char *path = g_build_filename (t->archive_dir, "a.mp4", NULL);
  g_autoptr (HttpClient) client = http_client_open (t->port);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileIOStream) stream = g_file_open_readwrite (file, NULL, NULL);

  http_client_get (client, RECORDING);
  while (http_client_is_silent (client))
    g_usleep (1000);
  g_assert_true (g_seekable_truncate (G_SEEKABLE (stream), 1000, NULL, NULL));
  g_assert_cmpuint (http_client_drain (client), <, LARGE);
  api_test_assert_status (t, "/healthz", 200);
}

/* Downloads never take what the others need. */
static void
test_most (ApiTest *t, gconstpointer unused)
{
  g_autofree char *bytes = add_large_file (t, HOUR);
  HttpClient *clients[MOST];
  g_autoptr (HttpReply) refused = NULL;

  for (guint i = 0; i < MOST; i++) {
    clients[i] = http_client_open (t->port);
    http_client_get (clients[i], RECORDING);
    while (http_client_is_silent (clients[i]))
      g_usleep (1000);
  }
  refused = ask (t, NULL, 503);
  assert_header (refused, "retry-after", "10");
  api_test_assert_status (t, "/api/v1/broadcasts/a", 200);
  g_assert_cmpuint (http_client_drain (clients[0]), >, LARGE);
  for (guint i = 0; i < MOST; i++)
    http_client_close (clients[i]);
  api_test_await_status (t, RECORDING, 200);
}

/* --- The cloud -------------------------------------------------------------*/

static gint64
get_field (const char *address, const char *name)
{
  const char *at = strstr (address, name);

  g_assert_nonnull (at);
  return g_ascii_strtoll (at + strlen (name), NULL, 10);
}

static void
test_address (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL, head = NULL;
  g_autofree char *text = NULL;
  gint64 ends, expires;
  const char *address;

  add_ended (t, 2 * HOUR);
  add_part (t, 0, "'node-b', 'bucket', 'x/a.mp4', 'ready', 10");
  reply = ask (t, NULL, 302);
  assert_header (reply, "cache-control", "no-store");
  address = http_reply_header (reply, "location");
  g_assert_true (
      g_str_has_prefix (address, "https://cloud.example/bucket/x/a.mp4?"));
  g_assert_nonnull (
      strstr (address, "&disposition=attachment%3B%20filename%3D%22Half-"));
  text = pg_kit_read (t->pg,
      "SELECT (extract (epoch FROM recording_expires) * 1000000)::bigint "
      "FROM wishcast.broadcast");
  expires = g_ascii_strtoll (text, NULL, 10);
  ends = get_field (address, "from=") +
         get_field (address, "seconds=") * G_USEC_PER_SEC;
  g_assert_cmpint (ends, <=, expires);
  g_assert_cmpint (ends, >, expires - G_USEC_PER_SEC);
  head = http_call (t->port, "HEAD", RECORDING "?inline=true", NULL);
  g_assert_cmpuint (head->status, ==, 302);
  g_assert_nonnull (strstr (http_reply_header (head, "location"), "=inline"));
}

/* No address is good for longer than a player needs. */
static void
test_longest_address (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpReply) reply = NULL;

  add_ended (t, 100 * HOUR);
  add_part (t, 0, "'node-b', 'bucket', 'a.mp4', 'ready', 10");
  reply = ask (t, NULL, 302);
  g_assert_cmpint (
      get_field (http_reply_header (reply, "location"), "seconds="), ==,
      6 * HOUR);
}

static void
test_cloud_expired (ApiTest *t, gconstpointer unused)
{
  add_ended (t, HOUR);
  add_part (t, 0, "'node-b', 'bucket', 'a.mp4', 'ready', 10");
  /* No address is good for less than a second. */
  api_test_run (t, "UPDATE wishcast.broadcast SET recording_expires = "
                   "now () + interval '0.9 s';");
  assert_problem (t, RECORDING, 410, "expired");
}

/* Its time ends while the cloud is asked. */
static void
test_expires_meanwhile (ApiTest *t, gconstpointer unused)
{
  g_autoptr (HttpClient) client = http_client_open (t->port);
  g_autoptr (HttpReply) reply = NULL;

  add_ended (t, 2);
  add_part (t, 0, "'node-b', 'bucket', 'a.mp4', 'ready', 10");
  archive_stub_hold (t->store, TRUE);
  http_client_get (client, RECORDING);
  pg_kit_await (t->pg,
      "SELECT recording_expires <= clock_timestamp () FROM wishcast.broadcast",
      "t");
  g_assert_true (http_client_is_silent (client));
  archive_stub_hold (t->store, FALSE);
  reply = http_client_read (client, TRUE);
  g_assert_cmpuint (reply->status, ==, 410);
}

static void
test_cloud_away (ApiTest *t, gconstpointer unused)
{
  add_ended (t, HOUR);
  add_part (t, 0, "'node-b', 'bucket', 'a.mp4', 'ready', 10");
  archive_stub_fail (t->store, GCS_ERROR_AWAY);
  api_test_assert_status (t, RECORDING, 503);
  archive_stub_fail (t->store, GCS_ERROR_DENIED);
  api_test_assert_status (t, RECORDING, 503);
  archive_stub_fail (t->store, GCS_ERROR_NOT_FOUND);
  assert_problem (t, RECORDING, 404, "none");
  archive_stub_fail (t->store, -1);
  api_test_assert_status (t, RECORDING, 302);
}

/* A cloud that does not answer keeps nobody but who asks it, and not the end of
 * the program. */
static void
test_cloud_hangs (ApiTest *t, gconstpointer unused)
{
  HttpClient *clients[MOST];
  g_autoptr (HttpReply) refused = NULL;

  add_ended (t, HOUR);
  add_part (t, 0, "'node-b', 'bucket', 'a.mp4', 'ready', 10");
  archive_stub_hold (t->store, TRUE);
  for (guint i = 0; i < MOST; i++) {
    clients[i] = http_client_open (t->port);
    http_client_get (clients[i], RECORDING);
  }
  api_test_await_status (t, RECORDING, 503);
  api_test_assert_status (t, "/api/v1/broadcasts/a", 200);
  for (guint i = 0; i < MOST; i++)
    http_client_close (clients[i]);
}

/* --- The database ----------------------------------------------------------*/

static void
test_without_database (ApiTest *t, gconstpointer unused)
{
  add_file (t);
  pg_kit_stop (t->pg);
  api_test_await_status (t, RECORDING, 503);
  pg_kit_start (t->pg);
  api_test_await_status (t, RECORDING, 200);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  /* What is lost is told as a warning. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  api_test_begin ();
#define ADD(name, bucket, func)                                                \
  g_test_add ("/apirecording/" name, ApiTest, bucket, api_test_set_up, func,   \
      api_test_tear_down)
  ADD ("reasons", NULL, test_reasons);
  ADD ("lost", NULL, test_lost);
  ADD ("expired", NULL, test_expired);
  ADD ("hidden", NULL, test_hidden);
  ADD ("file", NULL, test_file);
  ADD ("names", NULL, test_names);
  ADD ("ranges", NULL, test_ranges);
  ADD ("large", NULL, test_large);
  ADD ("cut", NULL, test_cut);
  ADD ("shrinks", NULL, test_shrinks);
  ADD ("most", NULL, test_most);
  ADD ("address", "bucket", test_address);
  ADD ("longest-address", "bucket", test_longest_address);
  ADD ("cloud-expired", "bucket", test_cloud_expired);
  ADD ("expires-meanwhile", "bucket", test_expires_meanwhile);
  ADD ("cloud-away", "bucket", test_cloud_away);
  ADD ("cloud-hangs", "bucket", test_cloud_hangs);
  ADD ("without-database", NULL, test_without_database);
  status = g_test_run ();
  api_test_end ();
  return status;
}
