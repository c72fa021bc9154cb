/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile peers. A program of its own because it raises its limits. */

#include <string.h>
#include <sys/resource.h>

#include "httpserver.h"
#include "origintest.h"

#define N_CONNECTIONS 1000
#define VIDEO "/live/game/video_0/"

static Origin *
start (OriginBroadcast **broadcast)
{
  g_autoptr (GError) error = NULL;
  Origin *origin = origin_acquire ("127.0.0.1", 0, &error);

  g_assert_no_error (error);
  *broadcast = test_publish (origin, "game");
  test_push_segments (*broadcast, 0, 0, 3, TRUE);
  return origin;
}

/* Requests that never end do not keep others from being answered. */
static void
test_never_finishing (void)
{
  OriginBroadcast *broadcast;
  g_autoptr (Origin) origin = start (&broadcast);
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func ((GDestroyNotify)http_client_close);

  for (guint i = 0; i < N_CONNECTIONS; i++) {
    HttpClient *client = http_client_open (origin_get_port (origin));

    if (i % 2 == 0)
      http_client_send (client, "GET " VIDEO "index.m3u8 HTTP/1.1\r\nHos");
    g_ptr_array_add (clients, client);
  }
  for (guint i = 0; i < 10; i++) {
    g_autoptr (HttpReply) reply =
        http_get (origin_get_port (origin), VIDEO "0-1.m4s", NULL);

    g_assert_cmpuint (reply->status, ==, 200);
  }
  origin_broadcast_leave (broadcast, 0);
}

/* Readers that ask for much and read nothing. */
static void
test_never_reading (void)
{
  OriginBroadcast *broadcast;
  g_autoptr (Origin) origin = start (&broadcast);
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func ((GDestroyNotify)http_client_close);

  for (guint i = 0; i < N_CONNECTIONS / 4; i++) {
    HttpClient *client = http_client_open (origin_get_port (origin));

    for (guint j = 0; j < 20; j++)
      http_client_get (client, VIDEO "0-1.m4s");
    g_ptr_array_add (clients, client);
  }
  for (guint i = 0; i < 10; i++) {
    g_autoptr (HttpReply) reply =
        http_get (origin_get_port (origin), VIDEO "index.m3u8", NULL);

    g_assert_cmpuint (reply->status, ==, 200);
  }
  origin_broadcast_leave (broadcast, 0);
}

static void
test_many_waiters (void)
{
  OriginBroadcast *broadcast;
  g_autoptr (Origin) origin = start (&broadcast);
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func ((GDestroyNotify)http_client_close);

  for (guint i = 0; i < N_CONNECTIONS; i++) {
    HttpClient *client = http_client_open (origin_get_port (origin));

    http_client_get (client, VIDEO "index.m3u8?_HLS_msn=3&_HLS_part=0");
    g_ptr_array_add (clients, client);
  }
  test_push (broadcast, TEST_VIDEO, 0, 3, 0);
  for (guint i = 0; i < N_CONNECTIONS; i++) {
    g_autoptr (HttpReply) reply = http_client_read (clients->pdata[i], TRUE);

    g_assert_cmpuint (reply->status, ==, 200);
  }
  origin_broadcast_leave (broadcast, 0);
}

static void
test_huge_headers (void)
{
  OriginBroadcast *broadcast;
  g_autoptr (Origin) origin = start (&broadcast);
  g_autofree char *value = g_strnfill (64 * 1024, 'a');
  g_autofree char *header = g_strdup_printf ("X: %s\r\n", value);
  g_autofree char *path = g_strdup_printf ("/live/%s", value);
  g_autofree char *request =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
  g_autofree char *many =
      g_strdup_printf ("GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", header);
  const char *floods[] = {request, many};

  for (guint i = 0; i < G_N_ELEMENTS (floods); i++) {
    g_autoptr (HttpClient) client = http_client_open (origin_get_port (origin));
    g_autoptr (HttpReply) reply = NULL;

    http_client_try_send (client, floods[i]);
    g_assert_true (http_client_is_closed (client));
    reply = http_get (origin_get_port (origin), VIDEO "index.m3u8", NULL);
    g_assert_cmpuint (reply->status, ==, 200);
  }
  origin_broadcast_leave (broadcast, 0);
}

static void
test_garbage (void)
{
  static const char *const garbage[] = {"\r\n\r\n", "GET\r\n\r\n",
      "\001\002\003\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "\026\003\001\002"};
  OriginBroadcast *broadcast;
  g_autoptr (Origin) origin = start (&broadcast);

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++) {
    g_autoptr (HttpClient) client = http_client_open (origin_get_port (origin));
    g_autoptr (HttpReply) reply = NULL;

    http_client_send (client, garbage[i]);
    reply = http_get (origin_get_port (origin), VIDEO "index.m3u8", NULL);
    g_assert_cmpuint (reply->status, ==, 200);
  }
  origin_broadcast_leave (broadcast, 0);
}

static HttpResponse *
answer_nothing (HttpRequest *request, gpointer unused)
{
  return http_response_new (204, NULL);
}

/* A byte now and then does not keep a connection alive. */
static void
test_slow_request_is_dropped (void)
{
  HttpServerConfig config = {.address = "127.0.0.1",
      .threads = 1,
      .max_connections = 10,
      .idle_timeout = 5,
      .min_rate = 1000};
  g_autoptr (GError) error = NULL;
  HttpServer *server = http_server_new (&config, answer_nothing, NULL, &error);
  HttpClient *slow, *fast;
  g_autoptr (HttpReply) reply = NULL;
  gint64 now = g_get_monotonic_time ();

  g_assert_no_error (error);
  slow = http_client_open (http_server_get_port (server));
  http_client_send (slow, "GET / HTTP/1.1\r\n");
  fast = http_client_open (http_server_get_port (server));
  http_client_get (fast, "/");
  reply = http_client_read (fast, TRUE);
  http_server_sweep (server, now + 2 * G_USEC_PER_SEC);
  http_client_send (slow, "H");
  g_assert_true (http_client_is_silent (slow));
  http_server_sweep (server, now + 60 * G_USEC_PER_SEC);
  g_assert_true (http_client_is_closed (slow));
  g_assert_true (http_client_is_closed (fast));
  http_client_close (slow);
  http_client_close (fast);
  http_server_free (server);
}

int
main (int argc, char **argv)
{
  struct rlimit limit;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = MIN (limit.rlim_max, 16384);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_test_add_func ("/originflood/never-finishing", test_never_finishing);
  g_test_add_func ("/originflood/never-reading", test_never_reading);
  g_test_add_func ("/originflood/many-waiters", test_many_waiters);
  g_test_add_func ("/originflood/huge-headers", test_huge_headers);
  g_test_add_func ("/originflood/garbage", test_garbage);
  g_test_add_func ("/originflood/slow-request", test_slow_request_is_dropped);
  return g_test_run ();
}
