/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may see what all nodes do, and what is shown. */

#include <string.h>

#include "apitest.h"

#define OVERVIEW "/api/v1/operator/overview"

/* @token: NULL for none. (transfer full) */
static HttpReply *
get (guint16 port, const char *token)
{
  g_autofree char *header =
      token != NULL ? g_strdup_printf ("Authorization: Bearer %s\r\n", token)
                    : NULL;

  return http_get (port, OVERVIEW, header);
}

static void
assert_refused (guint16 port, const char *token, const char *why)
{
  g_autoptr (HttpReply) reply = get (port, token);
  g_autofree char *text = http_reply_text (reply);
  g_autofree char *detail = api_test_member (text, "detail");

  g_assert_cmpuint (reply->status, ==, 401);
  g_assert_cmpstr (http_reply_header (reply, "www-authenticate"), ==,
      "Bearer realm=\"wishcast\"");
  g_assert_nonnull (strstr (detail, why));
}

static void
test_shown (ApiTest *t, gconstpointer unused)
{
  g_autoptr (JsonNode) report =
      json_from_string ("{\"name\": \"node-a\", \"broadcasts\": []}", NULL);
  g_autoptr (HttpReply) reply = NULL;
  g_autofree char *text = NULL, *node = NULL, *watching = NULL;

  overview_set_own (t->overview, report, 0);
  viewers_add_page (t->viewers, "k3v7q2m5x4t6w2ab", "a page that has a name",
      g_get_monotonic_time ());
  reply = get (t->port, API_TEST_TOKEN);
  g_assert_cmpuint (reply->status, ==, 200);
  g_assert_cmpstr (http_reply_header (reply, "cache-control"), ==, "no-store");
  text = http_reply_text (reply);
  node = api_test_member (text, "nodes");
  g_assert_cmpstr (node, ==,
      "[{\"seenAt\":\"1970-01-01T00:00:00.000Z\",\"alive\":true,"
      "\"report\":{\"name\":\"node-a\",\"broadcasts\":[]}}]");
  watching = api_test_member (text, "viewers");
  g_assert_cmpstr (
      watching, ==, "{\"total\":1,\"viewers\":{\"k3v7q2m5x4t6w2ab\":1}}");
}

static void
test_refused (ApiTest *t, gconstpointer unused)
{
  StreamKey key;

  api_test_add_key (t, &key, "portal");
  assert_refused (t->port, NULL, "token is needed");
  assert_refused (t->port, "wrong", "not the operator's token");
  assert_refused (t->port, key.text, "not the operator's token");
}

/* Who runs the node is told what to do. */
static void
test_no_operators (ApiTest *t, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  const ApiSettings settings = {
      .address = "127.0.0.1",
      .conninfo = pg_kit_get_conninfo (t->pg),
      .openapi = g_getenv ("OPENAPI"),
      .node = "node-b",
      .keyring = t->keyring,
      .viewers = t->viewers,
      .overview = t->overview,
  };
  Api *api = api_new (&settings, &error);

  g_assert_no_error (error);
  assert_refused (api_get_port (api), NULL, "operator-token-file of [api]");
  assert_refused (
      api_get_port (api), API_TEST_TOKEN, "operator-token-file of [api]");
  api_free (api);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  api_test_begin ();
#define ADD(name, func)                                                        \
  g_test_add ("/apioverview/" name, ApiTest, NULL, api_test_set_up, func,      \
      api_test_tear_down)
  ADD ("shown", test_shown);
  ADD ("refused", test_refused);
  ADD ("no-operators", test_no_operators);
  status = g_test_run ();
  api_test_end ();
  return status;
}
