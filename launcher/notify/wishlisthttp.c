/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store's endpoint, data/store-openapi.json. One request at a time, in a
 * context of its own. Trying again is up to whoever reads. */

#include <libsoup/soup.h>

#include "webaddress.h"
#include "wishlistjson.h"
#include "wishlistsource-private.h"

/* A page of 5000 users with names of a hundred bytes is 1 MB. */
#define MOST_BYTES (4 * 1024 * 1024)
/* s, for all of an answer. */
#define PATIENCE 30
#define STATUS_TOO_MANY 429

typedef struct {
  WishlistSource source;
  GUri *uri;   /* NULL: it is none */
  char *token; /* or NULL */
  GMainContext *context;
  SoupSession *session; /* made on the thread that reads */
} WishlistHttp;

/* One request. */
typedef struct {
  GCancellable *cancellable; /* by us, or by whoever reads */
  char *bytes;               /* of the answer, MOST_BYTES + 1 at most */
  gsize length;
  GError *error;
  gboolean is_done;
} Call;

static void
call_clear (Call *call)
{
  g_clear_object (&call->cancellable);
  g_clear_error (&call->error);
  g_free (call->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_clear)

/* --- A request ------------------------------------------------------------------*/

static void
on_read (GObject *stream, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  g_input_stream_read_all_finish (
      G_INPUT_STREAM (stream), result, &call->length, &call->error);
  g_object_unref (stream);
  call->is_done = TRUE;
}

static void
on_answer (GObject *session, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  GInputStream *stream =
      soup_session_send_finish (SOUP_SESSION (session), result, &call->error);

  if (stream == NULL) {
    call->is_done = TRUE;
    return;
  }
  call->bytes = g_malloc (MOST_BYTES + 1);
  g_input_stream_read_all_async (stream, call->bytes, MOST_BYTES + 1,
      G_PRIORITY_DEFAULT, call->cancellable, on_read, call);
}

static gboolean
on_deadline (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer ours)
{
  g_cancellable_cancel (ours);
}

/* Until it is done, however that ends. */
static void
run_call (WishlistHttp *http, SoupMessage *message, Call *call,
    GCancellable *cancellable)
{
  g_autoptr (GSource) deadline = g_timeout_source_new_seconds (PATIENCE);
  gulong handler = 0;

  call->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    handler = g_cancellable_connect (
        cancellable, G_CALLBACK (on_cancelled), call->cancellable, NULL);
  g_main_context_push_thread_default (http->context);
  if (http->session == NULL)
    http->session =
        soup_session_new_with_options ("user-agent", "wishcast", NULL);
  g_source_set_callback (deadline, on_deadline, call->cancellable, NULL);
  g_source_attach (deadline, http->context);
  soup_session_send_async (http->session, message, G_PRIORITY_DEFAULT,
      call->cancellable, on_answer, call);
  while (!call->is_done)
    g_main_context_iteration (http->context, TRUE);
  g_source_destroy (deadline);
  g_main_context_pop_thread_default (http->context);
  g_cancellable_disconnect (cancellable, handler);
}

static void
append_parameter (GString *query, const char *name, const char *value)
{
  if (query->len > 0)
    g_string_append_c (query, '&');
  g_string_append_printf (query, "%s=", name);
  g_string_append_uri_escaped (query, value, NULL, FALSE);
}

static SoupMessage *
make_message (
    WishlistHttp *http, const char *game, const char *cursor, guint most)
{
  g_autoptr (GString) query = g_string_new (g_uri_get_query (http->uri));
  g_autofree char *limit = g_strdup_printf ("%u", most);
  g_autoptr (GUri) uri = NULL;
  SoupMessage *message;
  SoupMessageHeaders *headers;

  append_parameter (query, "game", game);
  append_parameter (query, "limit", limit);
  if (cursor != NULL)
    append_parameter (query, "cursor", cursor);
  uri = soup_uri_copy (http->uri, SOUP_URI_QUERY, query->str, SOUP_URI_NONE);
  message = soup_message_new_from_uri (SOUP_METHOD_GET, uri);
  /* The token is for nobody else. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Accept", "application/json");
  if (http->token != NULL) {
    g_autofree char *bearer = g_strdup_printf ("Bearer %s", http->token);

    soup_message_headers_replace (headers, "Authorization", bearer);
  }
  return message;
}

/* --- What became of it ------------------------------------------------------------*/

/* Without query and token. */
static gboolean
complain (
    WishlistHttp *http, GError **error, WishlistError code, const char *what)
{
  g_set_error (error, WISHLIST_ERROR, code, "The store at %s://%s%s %s",
      g_uri_get_scheme (http->uri), g_uri_get_host (http->uri),
      g_uri_get_path (http->uri), what);
  return FALSE;
}

static gboolean
judge_failure (WishlistHttp *http, const GError *why, GError **error)
{
  g_autofree char *what = NULL;

  if (g_error_matches (why, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return complain (http, error, WISHLIST_ERROR_WRONG,
        "has a certificate that is not trusted");
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return complain (
        http, error, WISHLIST_ERROR_AWAY, "does not answer in time");
  what = g_strdup_printf ("cannot be reached: %s", why->message);
  return complain (http, error, WISHLIST_ERROR_AWAY, what);
}

static gboolean
judge_status (WishlistHttp *http, guint status, GError **error)
{
  g_autofree char *what =
      g_strdup_printf ("answers with status %u where 200 was expected", status);

  if (status == SOUP_STATUS_OK)
    return TRUE;
  if (SOUP_STATUS_IS_SERVER_ERROR (status) || status == STATUS_TOO_MANY ||
      status == SOUP_STATUS_REQUEST_TIMEOUT)
    return complain (http, error, WISHLIST_ERROR_AWAY, what);
  if (SOUP_STATUS_IS_SUCCESSFUL (status))
    return complain (http, error, WISHLIST_ERROR_NONSENSE, what);
  /* Address, token, rights, a redirect. */
  return complain (http, error, WISHLIST_ERROR_WRONG, what);
}

static WishlistPage *
ask (WishlistHttp *http, const char *game, const char *cursor, guint most,
    gint64 *total, GCancellable *cancellable, GError **error)
{
  g_autoptr (SoupMessage) message = NULL;
  g_auto (Call) call = {0};

  if (http->uri == NULL) {
    g_set_error_literal (error, WISHLIST_ERROR, WISHLIST_ERROR_WRONG,
        "The address of the store must be http://… or https://…");
    return NULL;
  }
  message = make_message (http, game, cursor, most);
  run_call (http, message, &call, cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  /* The status counts, whatever became of what comes with it. */
  if (call.bytes != NULL &&
      !judge_status (http, soup_message_get_status (message), error))
    return NULL;
  if (call.error != NULL) {
    judge_failure (http, call.error, error);
    return NULL;
  }
  if (call.length > MOST_BYTES) {
    complain (http, error, WISHLIST_ERROR_NONSENSE,
        "gives a page of more than 4 MiB");
    return NULL;
  }
  return wishlist_json_parse (
      call.bytes, call.length, game, cursor, most, total, error);
}

/* --- The source -------------------------------------------------------------------*/

static WishlistPage *
read_page (WishlistSource *source, const char *game, const char *cursor,
    guint most, GCancellable *cancellable, GError **error)
{
  gint64 total;

  return ask (
      (WishlistHttp *)source, game, cursor, most, &total, cancellable, error);
}

static gint64
count (WishlistSource *source, const char *game, GCancellable *cancellable)
{
  gint64 total;
  g_autoptr (WishlistPage) page =
      ask ((WishlistHttp *)source, game, NULL, 1, &total, cancellable, NULL);

  return page != NULL ? total : -1;
}

static void
free_source (WishlistSource *source)
{
  WishlistHttp *http = (WishlistHttp *)source;

  g_main_context_push_thread_default (http->context);
  g_clear_object (&http->session);
  while (g_main_context_iteration (http->context, FALSE))
    ;
  g_main_context_pop_thread_default (http->context);
  g_main_context_unref (http->context);
  g_clear_pointer (&http->uri, g_uri_unref);
  g_free (http->token);
  g_free (http);
}

WishlistSource *
wishlist_http_new (const char *url, const char *token)
{
  static const WishlistSourceClass class = {read_page, count, free_source};
  WishlistHttp *http = g_new0 (WishlistHttp, 1);

  http->source.class = &class;
  http->uri = web_address_parse (url);
  http->token = g_strdup (token);
  http->context = g_main_context_new ();
  return &http->source;
}
