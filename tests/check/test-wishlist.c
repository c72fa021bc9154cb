/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "httpstub.h"
#include "logkit.h"
#include "pgkit.h"
#include "wishlistjson.h"
#include "wishlistsource.h"

#define PATIENCE (20 * G_USEC_PER_SEC)
#define TOKEN "store-token-0123456789"
#define QUERY                                                                  \
  "SELECT user_id, username, language FROM wishcast.wishlist "                 \
  "WHERE game = $1 AND ($2::text IS NULL OR user_id > $2) "                    \
  "ORDER BY user_id LIMIT $3::integer"

static PgKit *kit;

/* --- Any source -------------------------------------------------------------------*/

/* "ID=NAME/LANGUAGE " for each. (transfer full) */
static char *
list_users (const WishlistPage *page)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < page->users->len; i++) {
    const WishlistUser *user = wishlist_page_get (page, i);

    g_string_append_printf (text, "%s=%s/%s ", user->id, user->name,
        user->language != NULL ? user->language : "-");
  }
  return g_string_free (text, FALSE);
}

/* Reads the page after *@cursor, which becomes that of the next one. */
static void
read_page (
    WishlistSource *source, char **cursor, guint most, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WishlistPage) page =
      wishlist_source_read (source, "half-life", *cursor, most, NULL, &error);
  g_autofree char *users = NULL;

  g_assert_no_error (error);
  users = list_users (page);
  g_assert_cmpstr (users, ==, expected);
  g_free (*cursor);
  *cursor = g_steal_pointer (&page->cursor);
}

static void
fail_to_read (WishlistSource *source, const char *cursor, WishlistError code,
    const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      wishlist_source_read (source, "half-life", cursor, 2, NULL, &error));
  g_assert_error (error, WISHLIST_ERROR, (int)code);
  if (strstr (error->message, expected) == NULL)
    g_assert_cmpstr (error->message, ==, expected);
  g_assert_null (strstr (error->message, TOKEN));
}

/* --- The query --------------------------------------------------------------------*/

static void
fill (void)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  pg_kit_add_game (kit, "portal", "Portal");
  pg_kit_run (kit,
      "INSERT INTO wishcast.wishlist VALUES ('half-life', 'a', 'Anna', 'ru'),"
      "('half-life', 'b', 'Bo', NULL), ('half-life', 'c', 'O''Neil', 'en'),"
      "('half-life', 'd', '', NULL), ('portal', 'e', 'Eve', NULL)");
}

static void
test_sql (void)
{
  g_autoptr (WishlistSource) source =
      wishlist_sql_new (pg_kit_get_conninfo (kit), QUERY);
  g_autofree char *cursor = NULL;

  fill ();
  g_assert_cmpint (wishlist_source_count (source, "half-life", NULL), ==, 4);
  read_page (source, &cursor, 2, "a=Anna/ru b=Bo/- ");
  g_assert_cmpstr (cursor, ==, "b");
  /* Who is not good for anything still moves the cursor on. */
  read_page (source, &cursor, 2, "c=O'Neil/en ");
  g_assert_cmpstr (cursor, ==, "d");
  read_page (source, &cursor, 2, "");
  g_assert_null (cursor);
  log_kit_assert (
      "Wishlist of half-life: user \"d\" is left out, since the name"
      " is empty");
}

/* The store's own table may have what ours cannot. */
static void
test_sql_nulls (void)
{
  g_autoptr (WishlistSource) source = wishlist_sql_new (
      pg_kit_get_conninfo (kit),
      "SELECT * FROM (VALUES ('1', NULL, NULL), ('2', 'B', 'xx'), (NULL, 'C', "
      "NULL)) AS t (id, name, language) WHERE $1 <> '' AND ($2::text IS NULL "
      "OR id > $2) ORDER BY id LIMIT $3::integer");
  g_autofree char *cursor = NULL;

  read_page (source, &cursor, 10, "2=B/xx ");
  g_assert_null (cursor);
  log_kit_assert ("user \"1\" is left out, since the name is missing");
  log_kit_assert ("user \"\" is left out, since the id is missing");
}

static void
test_sql_wrong (void)
{
  static const struct {
    const char *query, *expected;
  } cases[] = {
      {"SELECT $1, $2, $3 FROM nowhere", "nowhere"},
      {"SELECT user_id, username FROM wishcast.wishlist WHERE game = $1 AND "
       "($2::text IS NULL OR user_id > $2) LIMIT $3::integer",
          "has 2 columns"},
      {"SELECT user_id, username, language FROM wishcast.wishlist WHERE game = "
       "$1 AND $2::text IS DISTINCT FROM '' ORDER BY user_id LIMIT $3::integer",
          "the same users again"},
  };

  fill ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WishlistSource) source =
        wishlist_sql_new (pg_kit_get_conninfo (kit), cases[i].query);

    fail_to_read (source, "b", WISHLIST_ERROR_WRONG, cases[i].expected);
  }
}

/* A session outlives its server by a moment. */
static void
await_away (WishlistSource *source)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (wishlist_source_count (source, "half-life", NULL) >= 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10 * 1000);
  }
}

static void
test_sql_away (void)
{
  g_autoptr (WishlistSource) source =
      wishlist_sql_new (pg_kit_get_conninfo (kit), QUERY);
  g_autofree char *cursor = NULL;

  fill ();
  read_page (source, &cursor, 2, "a=Anna/ru b=Bo/- ");
  pg_kit_stop (kit);
  await_away (source);
  fail_to_read (source, cursor, WISHLIST_ERROR_AWAY, "cannot be read");
  pg_kit_start (kit);
  read_page (source, &cursor, 2, "c=O'Neil/en ");
}

/* --- The endpoint -----------------------------------------------------------------*/

/* A small store, as data/store-openapi.json has it. */
typedef struct {
  HttpStub *stub;
  WishlistSource *source;
  StubAnswer next;           /* instead of a page, if it has a status */
  char *body;                /* of it */
  GCancellable *cancellable; /* to be cancelled by a request, or NULL */
} Store;

#define N_USERS 5

static char *
get_parameter (GHashTable *query, const char *name)
{
  return g_strdup (g_hash_table_lookup (query, name));
}

/* Users "1" to "5". */
static char *
make_page (GHashTable *query)
{
  g_autofree char *cursor = get_parameter (query, "cursor");
  g_autofree char *limit = get_parameter (query, "limit");
  guint most = (guint)g_ascii_strtoull (limit, NULL, 10);
  guint first = cursor != NULL ? (guint)g_ascii_strtoull (cursor, NULL, 10) : 0;
  guint last = MIN (first + most, N_USERS);
  GString *json = g_string_new ("{\"users\":[");

  for (guint i = first; i < last; i++)
    g_string_append_printf (json, "%s{\"id\":\"%u\",\"username\":\"User %u\"}",
        i > first ? "," : "", i + 1, i + 1);
  g_string_append (json, "],\"next\":");
  if (last < N_USERS)
    g_string_append_printf (json, "\"%u\"", last);
  else
    g_string_append (json, "null");
  g_string_append_printf (json, ",\"total\":%u}", N_USERS);
  return g_string_free (json, FALSE);
}

static void
answer (const StubRequest *request, StubAnswer *reply, gpointer data)
{
  Store *store = data;
  const char *parameters = strchr (request->target, '?') + 1;
  g_autoptr (GHashTable) query =
      g_uri_parse_params (parameters, -1, "&", G_URI_PARAMS_NONE, NULL);

  g_assert_cmpstr (request->method, ==, "GET");
  g_assert_true (g_str_has_prefix (request->target, "/wishlist?shop=eu&"));
  g_assert_cmpstr (g_hash_table_lookup (query, "shop"), ==, "eu");
  g_assert_cmpstr (g_hash_table_lookup (query, "game"), ==, "half-life");
  g_assert_cmpstr (g_hash_table_lookup (request->headers, "authorization"), ==,
      "Bearer " TOKEN);
  if (store->next.status != 0) {
    if (store->cancellable != NULL)
      g_cancellable_cancel (store->cancellable);
    *reply = store->next;
    reply->body = g_strdup (store->body);
  } else {
    reply->body = make_page (query);
  }
}

static void
set_up (Store *store, gconstpointer data)
{
  g_autofree char *url = NULL;

  store->stub = http_stub_new (answer, store);
  url = http_stub_make_url (store->stub, "/wishlist?shop=eu");
  store->source = wishlist_http_new (url, TOKEN);
}

static void
tear_down (Store *store, gconstpointer data)
{
  wishlist_source_free (store->source);
  http_stub_free (store->stub);
  g_free (store->body);
}

static void
test_http (Store *store, gconstpointer data)
{
  g_autofree char *cursor = NULL;

  g_assert_cmpint (
      wishlist_source_count (store->source, "half-life", NULL), ==, N_USERS);
  read_page (store->source, &cursor, 2, "1=User 1/- 2=User 2/- ");
  read_page (store->source, &cursor, 2, "3=User 3/- 4=User 4/- ");
  read_page (store->source, &cursor, 2, "5=User 5/- ");
  g_assert_null (cursor);
}

/* Whatever it is made of. */
static void
test_http_cursor (Store *store, gconstpointer data)
{
  g_autofree char *cursor = NULL;

  store->next.status = 200;
  store->body = g_strdup ("{\"users\":[],\"next\":\"3&x=\\u0444 +%\"}");
  read_page (store->source, &cursor, 2, "");
  g_assert_cmpstr (cursor, ==, "3&x=\xd1\x84 +%");
  store->next.status = 0;
  read_page (store->source, &cursor, 2, "4=User 4/- 5=User 5/- ");
}

static void
test_http_status (Store *store, gconstpointer data)
{
  static const struct {
    guint status;
    WishlistError code;
  } cases[] = {{500, WISHLIST_ERROR_AWAY}, {503, WISHLIST_ERROR_AWAY},
      {429, WISHLIST_ERROR_AWAY}, {408, WISHLIST_ERROR_AWAY},
      {400, WISHLIST_ERROR_WRONG}, {401, WISHLIST_ERROR_WRONG},
      {404, WISHLIST_ERROR_WRONG}, {302, WISHLIST_ERROR_WRONG},
      {202, WISHLIST_ERROR_NONSENSE}};

  store->next.headers = "Location: /elsewhere\r\n";
  store->body = g_strdup ("{\"users\":[],\"next\":null}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *status = g_strdup_printf ("status %u", cases[i].status);

    store->next.status = cases[i].status;
    fail_to_read (store->source, NULL, cases[i].code, status);
  }
}

static void
test_http_away (Store *store, gconstpointer data)
{
  g_autofree char *cursor = NULL;

  store->next = (StubAnswer){.status = 200, .manner = STUB_RESET};
  fail_to_read (store->source, NULL, WISHLIST_ERROR_AWAY, "cannot be reached");
  store->next.status = 0;
  read_page (store->source, &cursor, 5,
      "1=User 1/- 2=User 2/- 3=User 3/- 4=User 4/- 5=User 5/- ");
  http_stub_free (store->stub);
  fail_to_read (store->source, NULL, WISHLIST_ERROR_AWAY, "cannot be reached");
  store->stub = http_stub_new (answer, store);
}

static void
test_http_too_big (Store *store, gconstpointer data)
{
  store->next.status = 200;
  store->body = g_strnfill (4 * 1024 * 1024 + 1, ' ');
  fail_to_read (store->source, NULL, WISHLIST_ERROR_NONSENSE, "4 MiB");
}

static void
test_http_cancelled (Store *store, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  store->cancellable = cancellable;
  store->next = (StubAnswer){.status = 200, .manner = STUB_SILENCE};
  g_assert_null (wishlist_source_read (
      store->source, "half-life", NULL, 2, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_http_address (void)
{
  static const char *const cases[] = {
      "ftp://store.example/", "store.example", "http://", ""};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WishlistSource) source = wishlist_http_new (cases[i], NULL);

    fail_to_read (source, NULL, WISHLIST_ERROR_WRONG, "http://");
  }
}

/* --- Its JSON ---------------------------------------------------------------------*/

static WishlistPage *
parse (const char *text, const char *cursor, GError **error)
{
  gint64 total;

  return wishlist_json_parse (
      text, strlen (text), "half-life", cursor, 2, &total, error);
}

static void
test_json (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WishlistPage) page =
      parse ("{\"users\":[{\"id\":\"1\",\"username\":\"[[[[[[[[[[[[[[[[[[[\\\"{"
             "\",\"language\":\"ru\"},{\"id\":\"2\",\"username\":\"B\","
             "\"language\":null}],\"next\":null,\"total\":null,\"more\":{}}",
          NULL, &error);
  g_autofree char *users = NULL;

  g_assert_no_error (error);
  users = list_users (page);
  g_assert_cmpstr (users, ==, "1=[[[[[[[[[[[[[[[[[[[\"{/ru 2=B/- ");
  g_assert_null (page->cursor);
}

static void
test_json_left_out (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WishlistPage) page =
      parse ("{\"users\":[{\"id\":\"7\",\"username\":null},{}],\"next\":\"7\"}",
          NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (page->users->len, ==, 0);
  g_assert_cmpstr (page->cursor, ==, "7");
  log_kit_assert ("user \"7\" is left out, since the name is missing");
}

static void
test_json_nonsense (void)
{
  g_autofree char *deep = g_strnfill (1000000, '[');
  g_autofree char *hidden = g_strconcat ("/* \" */", deep, NULL);
  const struct {
    const char *text, *expected;
  } cases[] = {
      {"", "not a JSON object"},
      {"<html>", "no JSON"},
      {"\xff{}", "UTF-8"},
      {deep, "nested too deeply"},
      {hidden, "no JSON"},
      {"[]", "not a JSON object"},
      {"{\"users\":", ""},
      {"{\"next\":null}", "\"users\" is not there"},
      {"{\"users\":{},\"next\":null}", "\"users\" is not there"},
      {"{\"users\":[7],\"next\":null}", "no object"},
      {"{\"users\":[{\"id\":7,\"username\":\"x\"}],\"next\":null}",
          "the \"id\" of a user"},
      {"{\"users\":[{\"id\":\"7\",\"username\":[]}],\"next\":null}",
          "the \"username\" of a user"},
      {"{\"users\":[{\"id\":\"7\",\"username\":\"x\",\"language\":1}],"
       "\"next\":null}",
          "the \"language\" of a user"},
      {"{\"users\":[{},{},{}],\"next\":null}", "more than \"limit\""},
      {"{\"users\":[]}", "\"next\" is not there"},
      {"{\"users\":[],\"next\":5}", "\"next\" is not there"},
      {"{\"users\":[],\"next\":\"\"}", "\"next\" is not of 1 to"},
      {"{\"users\":[],\"next\":\"same\"}", "that it was asked with"},
      {"{\"users\":[],\"next\":null,\"total\":-1}", "\"total\""},
      {"{\"users\":[],\"next\":null,\"total\":\"1\"}", "\"total\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (cases[i].text, "same", &error));
    g_assert_error (error, WISHLIST_ERROR, WISHLIST_ERROR_NONSENSE);
    if (strstr (error->message, cases[i].expected) == NULL)
      g_assert_cmpstr (error->message, ==, cases[i].expected);
  }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  log_kit_begin ();
  kit = pg_kit_new ();
#define ADD(path, func)                                                        \
  g_test_add ("/wishlist/http" path, Store, NULL, set_up, func, tear_down)
  g_test_add_func ("/wishlist/sql", test_sql);
  g_test_add_func ("/wishlist/sql/nulls", test_sql_nulls);
  g_test_add_func ("/wishlist/sql/wrong", test_sql_wrong);
  g_test_add_func ("/wishlist/sql/away", test_sql_away);
  ADD ("", test_http);
  ADD ("/cursor", test_http_cursor);
  ADD ("/status", test_http_status);
  ADD ("/away", test_http_away);
  ADD ("/too-big", test_http_too_big);
  ADD ("/cancelled", test_http_cancelled);
  g_test_add_func ("/wishlist/http/address", test_http_address);
  g_test_add_func ("/wishlist/json", test_json);
  g_test_add_func ("/wishlist/json/left-out", test_json_left_out);
  g_test_add_func ("/wishlist/json/nonsense", test_json_nonsense);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
