/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apianswer.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "httpheaders.h"

#define GONE "wishcast-gone"

static void
set_header (SoupServerMessage *message, const char *name, const char *value)
{
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), name, value);
}

/* libsoup does not know RFC 6585. */
static const char *
get_phrase (guint status)
{
  return status == API_TOO_MANY_REQUESTS ? "Too Many Requests"
                                         : soup_status_get_phrase (status);
}

void
api_answer (SoupServerMessage *message, guint status, const char *type,
    const char *cache_control, char *body)
{
  /* libsoup closes what it has not accepted itself (apiconnections.c). */
  set_header (message, "Connection", "close");
  set_header (message, "Access-Control-Allow-Origin", "*");
  set_header (message, "Access-Control-Expose-Headers", "ETag, Retry-After");
  set_header (message, "Cache-Control", cache_control);
  set_header (message, "X-Content-Type-Options", "nosniff");
  soup_server_message_set_status (message, status, get_phrase (status));
  if (body != NULL)
    soup_server_message_set_response (
        message, type, SOUP_MEMORY_TAKE, body, strlen (body));
}

void
api_answer_json (
    SoupServerMessage *message, const char *cache_control, char *body)
{
  g_autofree char *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, body, -1);
  /* 64 bits tell the states of one address apart. */
  g_autofree char *etag = g_strdup_printf ("\"%.16s\"", hash);
  const char *known = soup_message_headers_get_list (
      soup_server_message_get_request_headers (message), "If-None-Match");

  if (http_etag_matches (known, etag)) {
    g_free (body);
    api_answer (message, 304, NULL, cache_control, NULL);
  } else {
    api_answer (message, 200, API_JSON, cache_control, body);
  }
  set_header (message, "ETag", etag);
}

void
api_answer_problem_because (SoupServerMessage *message, guint status,
    const char *reason, const char *detail)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, "about:blank");
  json_builder_set_member_name (builder, "title");
  json_builder_add_string_value (builder, get_phrase (status));
  json_builder_set_member_name (builder, "status");
  json_builder_add_int_value (builder, status);
  json_builder_set_member_name (builder, "detail");
  json_builder_add_string_value (builder, detail);
  if (reason != NULL) {
    json_builder_set_member_name (builder, "reason");
    json_builder_add_string_value (builder, reason);
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  api_answer (message, status, "application/problem+json", API_NO_STORE,
      json_to_string (root, FALSE));
}

void
api_answer_problem (
    SoupServerMessage *message, guint status, const char *detail)
{
  api_answer_problem_because (message, status, NULL, detail);
}

void
api_answer_later (SoupServerMessage *message, guint seconds, const char *detail)
{
  g_autofree char *text = g_strdup_printf ("%u", seconds);

  api_answer_problem (message, SOUP_STATUS_SERVICE_UNAVAILABLE, detail);
  set_header (message, "Retry-After", text);
}

void
api_answer_too_many (SoupServerMessage *message)
{
  api_answer_problem (message, API_TOO_MANY_REQUESTS,
      "There are too many requests of this kind at a time.");
  set_header (message, "Retry-After", "5");
}

static void
on_gone (SoupServerMessage *message)
{
  g_object_set_data (G_OBJECT (message), GONE, message);
}

SoupServerMessage *
api_hold (SoupServerMessage *message)
{
  g_signal_connect (message, "finished", G_CALLBACK (on_gone), NULL);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_gone), NULL);
  soup_server_message_pause (message);
  return g_object_ref (message);
}

gboolean
api_is_gone (SoupServerMessage *message)
{
  return g_object_get_data (G_OBJECT (message), GONE) != NULL;
}

void
api_release (SoupServerMessage *message)
{
  /* libsoup 3.2 complains if the client has left meanwhile. */
  if (!api_is_gone (message))
    soup_server_message_unpause (message);
  g_object_unref (message);
}
