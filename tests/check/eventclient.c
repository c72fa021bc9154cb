/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "eventclient.h"

#include <string.h>
#include <sys/socket.h>

#define TIMEOUT 30 /* s: two heartbeats */

struct _EventClient {
  GSocketConnection *connection;
  GDataInputStream *input;
  gsize chunk; /* bytes that are left of it */
  GString *line;
};

/* NULL at the end of the stream, or if it broke. (transfer full) */
static char *
read_head_line (EventClient *client)
{
  return g_data_input_stream_read_line (client->input, NULL, NULL, NULL);
}

/* With a small buffer, so that it is seen when a client does not read. */
static GSocketConnection *
connect_to (guint16 port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  g_socket_set_option (socket, SOL_SOCKET, SO_RCVBUF, 8192, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (socket, TIMEOUT);
  g_socket_connect (socket, address, NULL, &error);
  g_assert_no_error (error);
  return g_socket_connection_factory_create_connection (socket);
}

EventClient *
event_client_open (guint16 port, const char *path, const char *last_event_id)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *header =
      last_event_id != NULL
          ? g_strdup_printf ("Last-Event-ID: %s\r\n", last_event_id)
          : g_strdup ("");
  g_autofree char *request =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", path, header);
  EventClient *client = g_new0 (EventClient, 1);
  char *line;

  client->connection = connect_to (port);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (client->connection)), request,
      strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  client->input = g_data_input_stream_new (
      g_io_stream_get_input_stream (G_IO_STREAM (client->connection)));
  g_data_input_stream_set_newline_type (
      client->input, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  client->line = g_string_new (NULL);
  line = read_head_line (client);
  g_assert_cmpstr (line, ==, "HTTP/1.1 200 OK");
  do {
    g_free (line);
    line = read_head_line (client);
    g_assert_nonnull (line);
  } while (*line != '\0');
  g_free (line);
  return client;
}

void
event_client_close (EventClient *client)
{
  if (client == NULL)
    return;
  g_object_unref (client->input);
  g_object_unref (client->connection);
  g_string_free (client->line, TRUE);
  g_free (client);
}

/* One byte of the body. FALSE: there are no more. */
static gboolean
read_byte (EventClient *client, char *byte)
{
  g_autoptr (GError) error = NULL;

  if (client->chunk == 0) {
    g_autofree char *size = read_head_line (client);

    if (size == NULL)
      return FALSE;
    client->chunk = g_ascii_strtoull (size, NULL, 16);
    if (client->chunk == 0)
      return FALSE;
  }
  *byte = g_data_input_stream_read_byte (client->input, NULL, &error);
  if (error != NULL)
    return FALSE;
  if (--client->chunk == 0)
    g_free (read_head_line (client));
  return TRUE;
}

static gboolean
read_line (EventClient *client)
{
  char byte;

  g_string_truncate (client->line, 0);
  while (read_byte (client, &byte)) {
    if (byte == '\n')
      return TRUE;
    g_string_append_c (client->line, byte);
  }
  return FALSE;
}

ServerEvent *
event_client_read (EventClient *client)
{
  ServerEvent *event = g_new0 (ServerEvent, 1);
  gboolean any = FALSE;

  while (TRUE) {
    const char *line;

    if (!read_line (client))
      g_error ("The stream of events ended");
    line = client->line->str;
    if (*line == '\0' && any)
      return event;
    any |= *line != '\0' && *line != ':';
    if (g_str_has_prefix (line, "id: "))
      event->id = g_strdup (line + strlen ("id: "));
    else if (g_str_has_prefix (line, "event: "))
      event->name = g_strdup (line + strlen ("event: "));
    else if (g_str_has_prefix (line, "data: "))
      event->data = g_strdup (line + strlen ("data: "));
    else
      g_assert_true (
          *line == '\0' || *line == ':' || g_str_has_prefix (line, "retry: "));
  }
}

void
event_client_read_comment (EventClient *client)
{
  g_assert_true (read_line (client));
  g_assert_cmpstr (client->line->str, ==, ":");
  g_assert_true (read_line (client));
  g_assert_cmpstr (client->line->str, ==, "");
}

gboolean
event_client_is_closed (EventClient *client)
{
  GInputStream *input = G_INPUT_STREAM (client->input);
  char buffer[4096];
  g_autoptr (GError) error = NULL;
  gssize n;

  do
    n = g_input_stream_read (input, buffer, sizeof buffer, NULL, &error);
  while (n > 0);
  return n == 0 ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

void
server_event_free (ServerEvent *event)
{
  g_free (event->id);
  g_free (event->name);
  g_free (event->data);
  g_free (event);
}
