/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "httpclient.h"

#include <string.h>

#define TIMEOUT 10 /* s */

struct _HttpClient {
  GSocket *socket;
};

HttpClient *
http_client_open (guint16 port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", port);
  HttpClient *client = g_new0 (HttpClient, 1);

  client->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (client->socket, TIMEOUT);
  g_socket_connect (client->socket, address, NULL, &error);
  g_assert_no_error (error);
  return client;
}

void
http_client_close (HttpClient *client)
{
  if (client == NULL)
    return;
  g_object_unref (client->socket);
  g_free (client);
}

void
http_client_send (HttpClient *client, const char *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize size = strlen (bytes);

  while (size > 0) {
    gssize sent = g_socket_send (client->socket, bytes, size, NULL, &error);

    g_assert_no_error (error);
    bytes += sent;
    size -= sent;
  }
}

/* Sends what the server takes; it may close the connection meanwhile. */
void
http_client_try_send (HttpClient *client, const char *bytes)
{
  gsize size = strlen (bytes);
  gssize sent;

  for (; size > 0; bytes += sent, size -= sent) {
    sent = g_socket_send (client->socket, bytes, size, NULL, NULL);
    if (sent <= 0)
      return;
  }
}

void
http_client_get (HttpClient *client, const char *path)
{
  g_autofree char *text =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);

  http_client_send (client, text);
}

static void
receive (HttpClient *client, GByteArray *into, gsize size)
{
  g_autoptr (GError) error = NULL;

  while (size > 0) {
    char buffer[16384];
    gssize got = g_socket_receive (
        client->socket, buffer, MIN (size, sizeof buffer), NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (got, >, 0);
    g_byte_array_append (into, (const guint8 *)buffer, got);
    size -= got;
  }
}

static void
parse_head (HttpReply *reply, char *head)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);

  g_assert_true (g_str_has_prefix (lines[0], "HTTP/1.1 "));
  reply->status = g_ascii_strtoull (lines[0] + 9, NULL, 10);
  for (guint i = 1; lines[i] != NULL && *lines[i] != '\0'; i++) {
    char *colon = strstr (lines[i], ": ");

    g_assert_nonnull (colon);
    *colon = '\0';
    g_hash_table_insert (
        reply->headers, g_ascii_strdown (lines[i], -1), g_strdup (colon + 2));
  }
}

/* Reads one answer. @has_body is FALSE for the answer to a HEAD. */
HttpReply *
http_client_read (HttpClient *client, gboolean has_body)
{
  HttpReply *reply = g_new0 (HttpReply, 1);
  g_autoptr (GByteArray) head = g_byte_array_new ();
  g_autoptr (GByteArray) body = g_byte_array_new ();
  const char *length;

  reply->headers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  while (head->len < 4 || memcmp (head->data + head->len - 4, "\r\n\r\n", 4))
    receive (client, head, 1);
  g_byte_array_append (head, (const guint8 *)"", 1);
  parse_head (reply, (char *)head->data);
  length = http_reply_header (reply, "content-length");
  if (has_body && reply->status != 304 && reply->status != 204) {
    g_assert_nonnull (length);
    receive (client, body, g_ascii_strtoull (length, NULL, 10));
  }
  reply->body = g_byte_array_free_to_bytes (g_steal_pointer (&body));
  return reply;
}

/* Whether nothing has arrived so far. */
gboolean
http_client_is_silent (HttpClient *client)
{
  return !(g_socket_condition_check (client->socket, G_IO_IN) & G_IO_IN);
}

/* Waits for the end of the stream, in good order or not; bytes before it. */
gsize
http_client_drain (HttpClient *client)
{
  char buffer[65536];
  gsize n = 0;
  gssize got;

  while ((got = g_socket_receive (
              client->socket, buffer, sizeof buffer, NULL, NULL)) > 0)
    n += (gsize)got;
  g_assert_cmpint (got, <=, 0);
  return n;
}

/* Waits for the end of the stream, whatever comes before it. */
gboolean
http_client_is_closed (HttpClient *client)
{
  g_autoptr (GError) error = NULL;
  char buffer[4096];
  gssize got;

  do
    got =
        g_socket_receive (client->socket, buffer, sizeof buffer, NULL, &error);
  while (got > 0);
  return got == 0 ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

void
http_reply_free (HttpReply *reply)
{
  if (reply == NULL)
    return;
  g_hash_table_unref (reply->headers);
  g_bytes_unref (reply->body);
  g_free (reply);
}

const char *
http_reply_header (HttpReply *reply, const char *name)
{
  return g_hash_table_lookup (reply->headers, name);
}

char *
http_reply_text (HttpReply *reply)
{
  gsize size;
  const char *data = g_bytes_get_data (reply->body, &size);

  return g_strndup (data, size);
}

HttpReply *
http_call (
    guint16 port, const char *method, const char *path, const char *headers)
{
  g_autoptr (HttpClient) client = http_client_open (port);
  g_autofree char *text =
      g_strdup_printf ("%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n", method, path,
          headers != NULL ? headers : "");

  http_client_send (client, text);
  return http_client_read (client, strcmp (method, "HEAD") != 0);
}

HttpReply *
http_get (guint16 port, const char *path, const char *headers)
{
  return http_call (port, "GET", path, headers);
}
