/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <string.h>

#include "broadcasttitle.h"

/* An API on a thread of its own, as the question waits for the answer. */
typedef struct {
  GSocketListener *listener;
  GCancellable *cancellable;
  GThread *thread;
  guint16 port;
  const char *answer; /* or NULL: 404; set while nobody asks */
} Api;

static void
answer (Api *api, GSocketConnection *connection)
{
  GIOStream *stream = G_IO_STREAM (connection);
  g_autoptr (GDataInputStream) input =
      g_data_input_stream_new (g_io_stream_get_input_stream (stream));
  g_autofree char *text = NULL, *request = NULL;
  gsize length;

  g_data_input_stream_set_newline_type (
      input, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  request = g_data_input_stream_read_line (input, NULL, NULL, NULL);
  g_assert_cmpstr (request, ==, "GET /api/v1/broadcasts/abc HTTP/1.1");
  do {
    g_autofree char *line =
        g_data_input_stream_read_line (input, &length, NULL, NULL);

    g_assert_nonnull (line);
  } while (length > 0);
  text = g_strdup_printf ("HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
      api->answer != NULL ? "200 OK" : "404 Not Found",
      api->answer != NULL ? strlen (api->answer) : 0,
      api->answer != NULL ? api->answer : "");
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), text,
      strlen (text), NULL, NULL, NULL);
  g_io_stream_close (stream, NULL, NULL);
}

static gpointer
serve (gpointer data)
{
  Api *api = data;

  while (TRUE) {
    g_autoptr (GSocketConnection) connection =
        g_socket_listener_accept (api->listener, NULL, api->cancellable, NULL);

    if (connection == NULL)
      return NULL;
    answer (api, connection);
  }
}

static void
api_start (Api *api)
{
  g_autoptr (GError) error = NULL;

  *api = (Api){.listener = g_socket_listener_new (),
      .cancellable = g_cancellable_new ()};
  api->port = g_socket_listener_add_any_inet_port (api->listener, NULL, &error);
  g_assert_no_error (error);
  api->thread = g_thread_new ("api", serve, api);
}

static void
api_stop (Api *api)
{
  g_cancellable_cancel (api->cancellable);
  g_thread_join (api->thread);
  g_object_unref (api->cancellable);
  g_object_unref (api->listener);
}

static void
test_answers (void)
{
  static const struct {
    const char *answer;
    const char *title;
  } cases[] = {
      {"{\"title\": \"Making of\", \"game\": {\"title\": \"Game\"}}",
          "Making of"},
      {"{\"title\": \"\", \"game\": {\"id\": \"g\", \"title\": \"Game\"}}",
          "Game"},
      {"{\"title\": null, \"game\": {\"title\": \"Game\"}}", "Game"},
      {"{\"title\": 3, \"game\": []}", NULL},
      {"{}", NULL},
      {"[]", NULL},
      {"", NULL},
      {"{\"title\": \"Mak", NULL},
      {NULL, NULL},
  };
  Api api;

  api_start (&api);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *title = NULL;

    api.answer = cases[i].answer;
    title = broadcast_title_ask ("127.0.0.1", api.port, "abc");
    g_assert_cmpstr (title, ==, cases[i].title);
  }
  api_stop (&api);
}

static void
test_away (void)
{
  g_autofree char *title = NULL;
  guint16 port;
  Api api;

  api_start (&api);
  port = api.port;
  api_stop (&api);
  title = broadcast_title_ask ("127.0.0.1", port, "abc");
  g_assert_null (title);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/broadcasttitle/answers", test_answers);
  g_test_add_func ("/broadcasttitle/away", test_away);
  return g_test_run ();
}
