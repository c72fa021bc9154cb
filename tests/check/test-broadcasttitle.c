/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libsoup/soup.h>
#include <string.h>

#include "broadcasttitle.h"

/* An API on a thread of its own, as the question waits for the answer. */
typedef struct {
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  guint16 port; /* with lock, 0 before it listens */
  const char *answer;
  GMutex lock;
  GCond cond;
} Api;

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data)
{
  Api *api = data;

  if (!g_str_equal (path, "/api/v1/broadcasts/abc") || api->answer == NULL) {
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
    return;
  }
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "application/json",
      SOUP_MEMORY_COPY, api->answer, strlen (api->answer));
}

static gpointer
serve (gpointer data)
{
  Api *api = data;
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  g_main_context_push_thread_default (api->context);
  soup_server_add_handler (server, NULL, on_request, api, NULL);
  g_assert_true (soup_server_listen_local (server, 0, 0, &error));
  uris = soup_server_get_uris (server);
  g_mutex_lock (&api->lock);
  api->port = g_uri_get_port (uris->data);
  g_cond_signal (&api->cond);
  g_mutex_unlock (&api->lock);
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  g_main_loop_run (api->loop);
  soup_server_disconnect (server);
  g_main_context_pop_thread_default (api->context);
  return NULL;
}

static void
api_start (Api *api)
{
  *api = (Api){.context = g_main_context_new ()};
  api->loop = g_main_loop_new (api->context, FALSE);
  g_mutex_init (&api->lock);
  g_cond_init (&api->cond);
  api->thread = g_thread_new ("api", serve, api);
  g_mutex_lock (&api->lock);
  while (api->port == 0)
    g_cond_wait (&api->cond, &api->lock);
  g_mutex_unlock (&api->lock);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
api_stop (Api *api)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, quit, api->loop, NULL);
  g_source_attach (source, api->context);
  g_thread_join (api->thread);
  g_main_loop_unref (api->loop);
  g_main_context_unref (api->context);
  g_mutex_clear (&api->lock);
  g_cond_clear (&api->cond);
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
