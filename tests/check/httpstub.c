/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpstub.h"

#include <string.h>
#include <sys/socket.h>

#define DRIP (20 * G_TIME_SPAN_MILLISECOND)

struct _HttpStub {
  StubFunc func;
  gpointer data;
  GSocketListener *listener;
  guint16 port;
  GCancellable *ending;
  GThread *thread;
  GPtrArray *threads; /* of connections; of the listening thread */
  int break_after;    /* atomic; or 0 */
};

typedef struct {
  HttpStub *stub;
  GSocketConnection *connection;
} Call;

/* --- One request ----------------------------------------------------------------*/

/* NULL: there are no more. */
static char *
read_line (GDataInputStream *in, GCancellable *cancellable)
{
  char *line = g_data_input_stream_read_line (in, NULL, cancellable, NULL);

  return line != NULL ? g_strchomp (line) : NULL;
}

/* NULL: the other side went away within them. */
static GHashTable *
read_headers (GDataInputStream *in, GCancellable *cancellable)
{
  g_autoptr (GHashTable) headers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  while (TRUE) {
    g_autofree char *line = read_line (in, cancellable);
    char *colon;

    if (line == NULL)
      return NULL;
    colon = strchr (line, ':');
    if (colon == NULL)
      return g_steal_pointer (&headers);
    *colon = '\0';
    g_hash_table_insert (
        headers, g_ascii_strdown (line, -1), g_strdup (g_strchug (colon + 1)));
  }
}

static gboolean
write_text (Call *call, const char *text)
{
  return g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (call->connection)), text,
      strlen (text), NULL, call->stub->ending, NULL);
}

static void
reset (Call *call)
{
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  int fd = g_socket_get_fd (g_socket_connection_get_socket (call->connection));

  g_assert_cmpint (
      setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), ==, 0);
}

static void
drip (Call *call)
{
  while (write_text (call, "."))
    g_usleep (DRIP);
}

/* FALSE: the connection is to be closed. */
static gboolean
answer_request (Call *call, GDataInputStream *in, const StubAnswer *answer)
{
  const char *body = answer->body != NULL ? answer->body : "";
  gsize length = answer->manner == STUB_DRIP ? G_MAXINT32 : strlen (body);
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 %u Status\r\nContent-Length: %zu\r\n%s\r\n", answer->status,
      length, answer->headers != NULL ? answer->headers : "");

  switch (answer->manner) {
    case STUB_ANSWER:
      return write_text (call, head) && write_text (call, body);
    case STUB_RESET:
      reset (call);
      return FALSE;
    case STUB_SILENCE:
      g_free (read_line (in, call->stub->ending));
      return FALSE;
    case STUB_NONSENSE:
      write_text (call, body);
      return FALSE;
    case STUB_DRIP:
      write_text (call, head);
      drip (call);
      return FALSE;
  }
  g_assert_not_reached ();
}

/* In the middle of a body of @length. */
static gboolean
breaks (Call *call, GDataInputStream *in, gsize length)
{
  int most = g_atomic_int_get (&call->stub->break_after);
  g_autofree char *part = NULL;

  if (most == 0 || length <= (gsize)most)
    return FALSE;
  g_atomic_int_set (&call->stub->break_after, 0);
  part = g_malloc ((gsize)most);
  g_input_stream_read_all (
      G_INPUT_STREAM (in), part, (gsize)most, NULL, call->stub->ending, NULL);
  reset (call);
  return TRUE;
}

/* FALSE: it was the last one. */
static gboolean
serve (Call *call, GDataInputStream *in)
{
  g_autofree char *line = read_line (in, call->stub->ending);
  g_auto (GStrv) words = g_strsplit (line != NULL ? line : "", " ", 3);
  g_autoptr (GHashTable) headers = NULL;
  g_autofree char *body = NULL;
  const char *length;
  gsize got;
  StubRequest request = {0};
  StubAnswer answer = {.status = 200};
  gboolean is_open;

  if (g_strv_length (words) != 3)
    return FALSE;
  headers = read_headers (in, call->stub->ending);
  if (headers == NULL)
    return FALSE;
  length = g_hash_table_lookup (headers, "content-length");
  request.length = length != NULL ? g_ascii_strtoull (length, NULL, 10) : 0;
  if (breaks (call, in, request.length))
    return FALSE;
  body = g_malloc0 (request.length + 1);
  g_input_stream_read_all (G_INPUT_STREAM (in), body, request.length, &got,
      call->stub->ending, NULL);
  if (got < request.length)
    return FALSE;
  request.method = words[0];
  request.target = words[1];
  request.headers = headers;
  request.body = body;
  call->stub->func (&request, &answer, call->stub->data);
  is_open = answer_request (call, in, &answer);
  g_free (answer.body);
  return is_open;
}

static gpointer
run_call (gpointer data)
{
  Call *call = data;
  g_autoptr (GDataInputStream) in = g_data_input_stream_new (
      g_io_stream_get_input_stream (G_IO_STREAM (call->connection)));

  while (serve (call, in))
    ;
  g_io_stream_close (G_IO_STREAM (call->connection), NULL, NULL);
  g_object_unref (call->connection);
  g_free (call);
  return NULL;
}

/* --- Life -------------------------------------------------------------------------*/

static gpointer
run (gpointer data)
{
  HttpStub *stub = data;
  GSocketConnection *connection;

  while ((connection = g_socket_listener_accept (
              stub->listener, NULL, stub->ending, NULL)) != NULL) {
    Call *call = g_new0 (Call, 1);

    call->stub = stub;
    call->connection = connection;
    g_ptr_array_add (stub->threads, g_thread_new ("call", run_call, call));
  }
  return NULL;
}

HttpStub *
http_stub_new (StubFunc func, gpointer data)
{
  HttpStub *stub = g_new0 (HttpStub, 1);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) effective = NULL;
  g_autoptr (GError) error = NULL;

  stub->func = func;
  stub->data = data;
  stub->ending = g_cancellable_new ();
  stub->threads = g_ptr_array_new ();
  stub->listener = g_socket_listener_new ();
  g_socket_listener_add_address (stub->listener, address, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, NULL, &effective, &error);
  g_assert_no_error (error);
  stub->port =
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
  stub->thread = g_thread_new ("stub", run, stub);
  return stub;
}

void
http_stub_free (HttpStub *stub)
{
  g_cancellable_cancel (stub->ending);
  g_thread_join (stub->thread);
  for (guint i = 0; i < stub->threads->len; i++)
    g_thread_join (g_ptr_array_index (stub->threads, i));
  g_ptr_array_unref (stub->threads);
  g_socket_listener_close (stub->listener);
  g_object_unref (stub->listener);
  g_object_unref (stub->ending);
  g_free (stub);
}

void
http_stub_break_after (HttpStub *stub, guint n)
{
  g_atomic_int_set (&stub->break_after, (int)n);
}

guint16
http_stub_get_port (HttpStub *stub)
{
  return stub->port;
}

char *
http_stub_make_url (HttpStub *stub, const char *path)
{
  return g_strdup_printf ("http://127.0.0.1:%u%s", stub->port, path);
}
