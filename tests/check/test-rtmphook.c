/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The RTMP hook with a real nginx and ffmpeg. */

#include <libsoup/soup.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "rtmpkit.h"

#define FLOOD 200

/* --- Publishers ---------------------------------------------------------- */

static void
test_admitted (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_KEY, 4);
  g_autofree char *ticket = NULL;
  KitSeen seen;

  kit_until_frames (node, KIT_KEY, 30);
  ticket = kit_get_ticket (node, KIT_KEY);
  g_assert_cmpuint (strlen (ticket), ==, 32);
  g_assert_true (kit_wait_publisher (publisher));
  kit_until_ended (node, KIT_KEY, 1);
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 1);
  /* 4 s at 30 frames a second: the first was not lost, as the pull was there
   * before. */
  g_assert_cmpuint (seen.frames, ==, 120);
  g_assert_cmpuint (seen.samples, >, 180);
  g_test_message ("first frame %.0f ms after the admission",
      (double)(seen.first_frame_at - seen.admitted_at) / 1000);
}

static void
test_refused (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_WRONG_KEY, 4);
  KitSeen seen;

  g_assert_false (kit_wait_publisher (publisher));
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 0);
}

static void
test_start_fails (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = NULL;

  kit_fail_starts (node, TRUE);
  publisher = kit_publish (node, KIT_KEY, 4);
  g_assert_false (kit_wait_publisher (publisher));
  kit_until_ended (node, KIT_KEY, 1);
}

static void
test_killed_and_back (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  KitSeen seen;

  for (guint i = 1; i <= 3; i++) {
    GSubprocess *publisher = kit_publish (node, KIT_KEY, 0);
    kit_until_frames (node, KIT_KEY, 10);
    kit_kill (publisher, i == 2 ? SIGINT : SIGKILL);
    kit_until_ended (node, KIT_KEY, i);
  }
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 3);
}

static void
test_busy (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  GSubprocess *first = kit_publish (node, KIT_KEY, 0);
  g_autoptr (GSubprocess) second = NULL;
  GSubprocess *other;
  KitSeen seen;

  kit_until_frames (node, KIT_KEY, 10);
  second = kit_publish (node, KIT_KEY, 4);
  /* Another broadcast does not notice. */
  other = kit_publish (node, KIT_OTHER_KEY, 0);
  g_assert_false (kit_wait_publisher (second));
  kit_until_frames (node, KIT_KEY, 10);
  kit_until_frames (node, KIT_OTHER_KEY, 10);
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 1);
  g_assert_cmpuint (seen.ended, ==, 0);
  kit_kill (first, SIGKILL);
  kit_kill (other, SIGKILL);
}

/* As when its network is gone: nginx sees a connection on which nothing
 * comes. */
static void
test_silent_gives_way (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  GSubprocess *first = kit_publish (node, KIT_KEY, 0);
  GSubprocess *second;

  kit_until_frames (node, KIT_KEY, 10);
  g_subprocess_send_signal (first, SIGSTOP);
  second = kit_publish (node, KIT_KEY, 0);
  kit_until_ended (node, KIT_KEY, 1);
  kit_until_frames (node, KIT_KEY, 10);
  kit_kill (second, SIGKILL);
  kit_kill (first, SIGKILL);
}

static void
test_dropped (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_KEY, 0);

  kit_until_frames (node, KIT_KEY, 10);
  kit_drop (node, KIT_KEY);
  g_assert_false (kit_wait_publisher (publisher));
  kit_until_ended (node, KIT_KEY, 1);
}

/* nginx has no control module: it is told with the next update. */
static void
test_dropped_later (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = NULL;
  guint16 port = rtmp_ingest_get_hook_port (node->ingest);

  rtmp_ingest_free (node->ingest);
  rtmp_node_start_ingest (node, port, FALSE);
  publisher = kit_publish (node, KIT_KEY, 0);
  kit_until_frames (node, KIT_KEY, 10);
  kit_drop (node, KIT_KEY);
  g_assert_false (kit_wait_publisher (publisher));
  kit_until_ended (node, KIT_KEY, 1);
}

/* The master starts another. */
static void
test_worker_killed (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_KEY, 0);
  int master = rtmp_node_get_nginx_pid (node, 0);
  g_autofree char *path =
      g_strdup_printf ("/proc/%d/task/%d/children", master, master);
  g_autofree char *workers = NULL;
  GSubprocess *back;

  kit_until_frames (node, KIT_KEY, 10);
  g_assert_true (g_file_get_contents (path, &workers, NULL, NULL));
  g_assert_cmpint (kill (atoi (workers), SIGKILL), ==, 0);
  g_assert_false (kit_wait_publisher (publisher));
  kit_until_ended (node, KIT_KEY, 1);
  back = kit_publish (node, KIT_KEY, 0);
  kit_until_frames (node, KIT_KEY, 10);
  kit_kill (back, SIGKILL);
}

static void
test_nginx_killed (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  int pid = rtmp_node_get_nginx_pid (node, 0);

  for (guint i = 1; i <= 3; i++) {
    g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_KEY, 0);
    kit_until_frames (node, KIT_KEY, 10);
    g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
    g_assert_false (kit_wait_publisher (publisher));
    kit_until_ended (node, KIT_KEY, i);
    pid = rtmp_node_get_nginx_pid (node, pid);
  }
}

/* The hook is new, and nginx is not: it has a publisher that nobody pulls. */
static void
test_hook_restarted (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) publisher = kit_publish (node, KIT_KEY, 0);
  guint16 port = rtmp_ingest_get_hook_port (node->ingest);
  GSubprocess *back;

  kit_until_frames (node, KIT_KEY, 10);
  rtmp_ingest_free (node->ingest);
  rtmp_node_start_ingest (node, port, TRUE);
  g_assert_false (kit_wait_publisher (publisher));
  back = kit_publish (node, KIT_KEY, 0);
  kit_until_frames (node, KIT_KEY, 10);
  kit_kill (back, SIGKILL);
}

/* --- Who may play -------------------------------------------------------- */

typedef struct {
  GSocketListener *listener;
  guint16 port;
} Relay;

/* For one connection; its own address is 127.0.0.2. */
static gpointer
run_relay (gpointer data)
{
  Relay *relay = data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) own =
      g_inet_socket_address_new_from_string ("127.0.0.2", 0);
  g_autoptr (GSocketConnection) near =
      g_socket_listener_accept (relay->listener, NULL, NULL, NULL);
  g_autoptr (GSocketConnection) far = NULL;
  GPollFD fds[2] = {{.events = G_IO_IN}, {.events = G_IO_IN}};
  guint8 bytes[4096];
  gboolean open = TRUE;

  g_socket_client_set_local_address (client, own);
  far = g_socket_client_connect_to_host (
      client, "127.0.0.1", relay->port, NULL, NULL);
  g_assert_nonnull (far);
  fds[0].fd = g_socket_get_fd (g_socket_connection_get_socket (near));
  fds[1].fd = g_socket_get_fd (g_socket_connection_get_socket (far));
  while (open && g_poll (fds, 2, -1) > 0) {
    for (guint i = 0; i < 2 && open; i++) {
      GIOStream *from = G_IO_STREAM (i ? far : near);
      GIOStream *to = G_IO_STREAM (i ? near : far);
      gssize n;

      if (!fds[i].revents)
        continue;
      n = g_input_stream_read (
          g_io_stream_get_input_stream (from), bytes, sizeof bytes, NULL, NULL);
      open = n > 0 &&
             g_output_stream_write_all (g_io_stream_get_output_stream (to),
                 bytes, (gsize)n, NULL, NULL, NULL);
    }
  }
  return NULL;
}

/* Whether ffmpeg gets a frame there. */
static gboolean
can_play (guint16 port, const char *name)
{
  g_autofree char *url =
      g_strdup_printf ("rtmp://127.0.0.1:%u/live/%s", (guint)port, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) player =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, "ffmpeg",
          "-nostdin", "-loglevel", "error", "-rtmp_live", "live", "-i", url,
          "-an", "-frames:v", "1", "-f", "null", "-", NULL);

  g_assert_no_error (error);
  return kit_wait_publisher (player);
}

static void
test_play (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  GSubprocess *publisher = kit_publish (node, KIT_KEY, 0);
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  Relay relay = {listener, node->rtmp_port};
  g_autofree char *ticket = NULL;
  GThread *thread;
  guint16 port;

  kit_until_frames (node, KIT_KEY, 10);
  ticket = kit_get_ticket (node, KIT_KEY);
  g_assert_true (can_play (node->rtmp_port, ticket));
  g_assert_false (can_play (node->rtmp_port, KIT_KEY));
  g_assert_false (can_play (node->rtmp_port, "guessed"));

  port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  thread = g_thread_new ("relay", run_relay, &relay);
  g_assert_false (can_play (port, ticket));
  g_thread_join (thread);
  kit_kill (publisher, SIGKILL);
}

/* --- The hook, asked by hand --------------------------------------------- */

#define FORM "app=live&addr=192.0.2.1&clientid=%u&call=%s&name=%s"

static SoupMessage *
make_question (RtmpNode *node, const char *path, const char *form)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u%s",
      (guint)rtmp_ingest_get_hook_port (node->ingest), path);
  g_autoptr (GBytes) body = g_bytes_new (form, strlen (form));
  SoupMessage *message = soup_message_new ("POST", url);

  soup_message_set_request_body_from_bytes (
      message, "application/x-www-form-urlencoded", body);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  return message;
}

static guint
ask (RtmpNode *node, const char *path, const char *form)
{
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (SoupMessage) message = make_question (node, path, form);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body =
      soup_session_send_and_read (session, message, NULL, &error);

  g_assert_no_error (error);
  return soup_message_get_status (message);
}

static guint
ask_for (RtmpNode *node, const char *path, const char *call, guint client,
    const char *name)
{
  g_autofree char *form = g_strdup_printf (FORM, client, call, name);

  return ask (node, path, form);
}

static void
test_nonsense (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autofree char *long_form = g_strnfill (20000, 'a');
  g_autofree char *long_key = g_strdup_printf (
      "app=live&addr=::1&clientid=1&call=publish&name=%.300s", long_form);
  const char *wrong[] = {"", "x", "a=b", "name=%zz",
      "app=live&addr=::1&clientid=1&call=publish",
      "app=live&addr=::1&clientid=x&call=publish&name=" KIT_KEY,
      "app=live&addr=::1&clientid=1&call=publish&name=" KIT_KEY "&name=x",
      "app=live&addr=::1&clientid=1&call=publish&name=" KIT_KEY "&addr=::2",
      "app=live&addr=::1&clientid=1&call=publish&name=%00", long_key};
  g_autoptr (SoupMessage) get = make_question (node, "/publish", "");
  g_autoptr (SoupMessage) browser = make_question (node, "/publish-done",
      "app=live&addr=::1&clientid=1&call=publish_done&name=x");
  g_autoptr (GBytes) body = NULL, page = NULL;
  KitSeen seen;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_cmpuint (ask (node, "/publish", wrong[i]), ==, 400);
  g_assert_cmpuint (ask (node, "/publish", long_form), ==, 413);
  soup_message_set_method (get, "GET");
  body = soup_session_send_and_read (session, get, NULL, NULL);
  g_assert_cmpuint (soup_message_get_status (get), ==, 405);
  soup_message_headers_append (soup_message_get_request_headers (browser),
      "Origin", "https://example.com");
  page = soup_session_send_and_read (session, browser, NULL, NULL);
  g_assert_cmpuint (soup_message_get_status (browser), ==, 403);
  g_assert_cmpuint (ask_for (node, "/nowhere", "publish", 1, KIT_KEY), ==, 404);
  g_assert_cmpuint (
      ask_for (node, "/publish-done", "publish_done", 1, KIT_KEY), ==, 200);
  g_assert_cmpuint (
      ask_for (node, "/update", "update_publish", 1, KIT_KEY), ==, 403);
  g_assert_cmpuint (
      ask_for (node, "/update", "update_play", 1, KIT_KEY), ==, 403);
  g_assert_cmpuint (ask_for (node, "/play", "play", 1, KIT_KEY), ==, 403);
  g_assert_cmpuint (
      ask (node, "/publish",
          "app=other&addr=::1&clientid=1&call=publish&name=" KIT_KEY),
      ==, 403);
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 0);
}

static void
on_flood_answer (GObject *session, GAsyncResult *result, gpointer data)
{
  g_autoptr (GBytes) body =
      soup_session_send_and_read_finish (SOUP_SESSION (session), result, NULL);
  guint *answered = data;

  ++*answered;
}

/* Wrong keys from one address; a right one from there gets in meanwhile. */
static void
test_flood (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (SoupSession) session = soup_session_new_with_options (
      "max-conns", FLOOD, "max-conns-per-host", FLOOD, NULL);
  g_autoptr (GSubprocess) publisher = NULL;
  guint answered = 0;
  KitSeen seen;

  for (guint i = 0; i < FLOOD; i++) {
    g_autofree char *form =
        g_strdup_printf (FORM, 1000 + i, "publish", KIT_WRONG_KEY);
    g_autoptr (SoupMessage) message = make_question (node, "/publish", form);
    soup_session_send_and_read_async (
        session, message, G_PRIORITY_DEFAULT, NULL, on_flood_answer, &answered);
  }
  /* Those refusals that cost nothing. */
  while (answered < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (
      ask_for (node, "/publish", "publish", 999, KIT_KEY), ==, 302);
  while (g_main_context_pending (NULL))
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (answered, <, FLOOD / 2);
  g_assert_cmpuint (
      ask_for (node, "/publish-done", "publish_done", 999, KIT_KEY), ==, 200);
  kit_until_ended (node, KIT_KEY, 1);

  publisher = kit_publish (node, KIT_KEY, 1);
  g_assert_true (kit_wait_publisher (publisher));
  while (answered < FLOOD)
    g_main_context_iteration (NULL, TRUE);
  kit_until_ended (node, KIT_KEY, 2);
  kit_get_seen (node, KIT_KEY, &seen);
  g_assert_cmpuint (seen.admitted, ==, 2);
}

/* It told once that the publisher is there, and then nothing more. */
static void
test_silent_nginx (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();

  g_assert_cmpuint (
      ask_for (node, "/publish", "publish", 999, KIT_KEY), ==, 302);
  g_assert_cmpuint (
      ask_for (node, "/update", "update_publish", 999, KIT_KEY), ==, 200);
  kit_until_ended (node, KIT_KEY, 1);
  g_assert_cmpuint (
      ask_for (node, "/update", "update_publish", 999, KIT_KEY), ==, 403);
}

/* What is held back when all ends is answered, too. */
static void
test_stop_while_asked (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (SoupSession) session =
      soup_session_new_with_options ("max-conns-per-host", 20, NULL);
  guint answered = 0;

  for (guint i = 0; i < 20; i++) {
    g_autofree char *form =
        g_strdup_printf (FORM, i, "publish", i % 4 ? KIT_WRONG_KEY : KIT_KEY);
    g_autoptr (SoupMessage) message = make_question (node, "/publish", form);
    soup_session_send_and_read_async (
        session, message, G_PRIORITY_DEFAULT, NULL, on_flood_answer, &answered);
  }
  while (answered < 3)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&node->ingest, rtmp_ingest_free);
  rtmp_node_start_ingest (node, 0, TRUE);
  while (answered < 20)
    g_main_context_iteration (NULL, TRUE);
}

/* --- Secrets ------------------------------------------------------------- */

static void
assert_without_keys (const char *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries))) {
    g_autofree char *path = g_build_filename (dir, name, NULL);
    g_autofree char *text = NULL;
    gsize length;

    if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
      assert_without_keys (path);
      continue;
    }
    g_assert_true (g_file_get_contents (path, &text, &length, NULL));
    /* The secret of all keys of the tests. */
    g_assert_null (g_strstr_len (text, (gssize)length, KIT_KEY + 9));
  }
}

static void
test_no_keys_in_files (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autoptr (GSubprocess) wrong = kit_publish (node, KIT_WRONG_KEY, 4);
  g_autoptr (GSubprocess) right = kit_publish (node, KIT_KEY, 0);
  int pid = rtmp_node_get_nginx_pid (node, 0);

  kit_until_frames (node, KIT_KEY, 10);
  g_assert_false (kit_wait_publisher (wrong));
  g_assert_false (can_play (node->rtmp_port, KIT_KEY));
  /* Also when it breaks. */
  kill (pid, SIGKILL);
  g_assert_false (kit_wait_publisher (right));
  rtmp_node_get_nginx_pid (node, pid);
  assert_without_keys (node->dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/rtmphook/admitted", test_admitted);
  g_test_add_func ("/rtmphook/refused", test_refused);
  g_test_add_func ("/rtmphook/start-fails", test_start_fails);
  g_test_add_func ("/rtmphook/killed-and-back", test_killed_and_back);
  g_test_add_func ("/rtmphook/busy", test_busy);
  g_test_add_func ("/rtmphook/silent-gives-way", test_silent_gives_way);
  g_test_add_func ("/rtmphook/dropped", test_dropped);
  g_test_add_func ("/rtmphook/dropped-later", test_dropped_later);
  g_test_add_func ("/rtmphook/worker-killed", test_worker_killed);
  g_test_add_func ("/rtmphook/nginx-killed", test_nginx_killed);
  g_test_add_func ("/rtmphook/hook-restarted", test_hook_restarted);
  g_test_add_func ("/rtmphook/play", test_play);
  g_test_add_func ("/rtmphook/nonsense", test_nonsense);
  g_test_add_func ("/rtmphook/flood", test_flood);
  g_test_add_func ("/rtmphook/silent-nginx", test_silent_nginx);
  g_test_add_func ("/rtmphook/stop-while-asked", test_stop_while_asked);
  g_test_add_func ("/rtmphook/no-keys-in-files", test_no_keys_in_files);
  return g_test_run ();
}
