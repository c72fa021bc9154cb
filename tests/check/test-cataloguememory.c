/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cataloguememory.h"

#include <string.h>

/* `@n` makes place and id: a higher one is newer. */
static CatalogueBroadcast
broadcast (guint n, CatalogueState state, char link[8])
{
  CatalogueBroadcast b = {
      .link = link,
      .game = n % 2 == 0 ? "even" : "odd",
      .state = state,
      .is_public = TRUE,
      .place = {.rank = 100, .created_at = n},
      .json = "{}",
  };

  g_snprintf (link, 8, "b%u", n);
  g_snprintf (
      b.place.id, sizeof b.place.id, "00000000-0000-0000-0000-%012u", n);
  return b;
}

static void
put (CatalogueMemory *memory, guint n, CatalogueState state)
{
  char link[8];
  CatalogueBroadcast b = broadcast (n, state, link);

  catalogue_memory_put (memory, &b);
}

static void
tell (CatalogueMemory *memory, guint64 id, guint n, gboolean is_public)
{
  char link[8];
  CatalogueBroadcast b = broadcast (n, CATALOGUE_LIVE, link);

  b.is_public = is_public;
  catalogue_memory_tell (memory, id, "broadcast.live", &b);
  catalogue_memory_put (memory, &b);
}

static void
assert_list (CatalogueMemory *memory, CatalogueQuery query,
    const char *expected, gboolean more_expected)
{
  gboolean more;
  g_autoptr (GPtrArray) list = catalogue_memory_list (memory, &query, &more);
  g_autoptr (GString) links = g_string_new (NULL);

  if (expected == NULL) {
    g_assert_null (list);
    return;
  }
  g_assert_nonnull (list);
  for (guint i = 0; i < list->len; i++) {
    const CatalogueBroadcast *b = g_ptr_array_index (list, i);

    g_string_append_printf (links, "%s%s", i > 0 ? " " : "", b->link);
  }
  g_assert_cmpstr (links->str, ==, expected);
  g_assert_cmpint (more, ==, more_expected);
}

static void
test_orders (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (10, 10);
  char link[8];
  CatalogueBroadcast first = broadcast (3, CATALOGUE_LIVE, link);

  put (memory, 5, CATALOGUE_LIVE);
  put (memory, 2, CATALOGUE_ENDED);
  put (memory, 4, CATALOGUE_INTERRUPTED);
  first.place.rank = 1;
  catalogue_memory_put (memory, &first);
  assert_list (memory, (CatalogueQuery){.limit = 9}, "b5 b4 b3 b2", FALSE);
  assert_list (memory,
      (CatalogueQuery){.limit = 9, .kind = CATALOGUE_LIST_OPEN}, "b3 b5 b4",
      FALSE);
  assert_list (memory,
      (CatalogueQuery){.limit = 9, .kind = CATALOGUE_LIST_ENDED}, "b2", FALSE);
  assert_list (
      memory, (CatalogueQuery){.limit = 9, .game = "odd"}, "b5 b3", FALSE);
  assert_list (memory,
      (CatalogueQuery){
          .limit = 1, .kind = CATALOGUE_LIST_OPEN, .before = &first.place},
      "b5", TRUE);
  /* It ends: out of one list, in its place of the other. */
  put (memory, 5, CATALOGUE_ENDED);
  assert_list (memory,
      (CatalogueQuery){.limit = 9, .kind = CATALOGUE_LIST_OPEN}, "b3 b4",
      FALSE);
  assert_list (memory,
      (CatalogueQuery){.limit = 9, .kind = CATALOGUE_LIST_ENDED}, "b5 b2",
      FALSE);
  g_assert_cmpuint (catalogue_memory_count (memory, CATALOGUE_ENDED), ==, 2);
  g_assert_cmpuint (catalogue_memory_count (memory, CATALOGUE_LIVE), ==, 1);
}

static void
test_pages (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (100, 10);
  const CatalogueCursor *before = NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  gboolean more = TRUE;

  /* Two were created at the same time. */
  for (guint n = 1; n <= 7; n++) {
    char link[8];
    CatalogueBroadcast b = broadcast (n, CATALOGUE_ENDED, link);

    b.place.created_at = n / 2;
    catalogue_memory_put (memory, &b);
  }
  while (more) {
    CatalogueQuery query = {.limit = 2, .before = before};
    g_autoptr (GPtrArray) list = catalogue_memory_list (memory, &query, &more);

    for (guint i = 0; i < list->len; i++) {
      const CatalogueBroadcast *b = g_ptr_array_index (list, i);

      g_string_append_printf (seen, "%s ", b->link);
      before = &b->place;
    }
  }
  g_assert_cmpstr (seen->str, ==, "b6 b7 b4 b5 b2 b3 b1 ");
}

static void
test_horizon (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (3, 10);

  put (memory, 1, CATALOGUE_LIVE);
  for (guint n = 2; n <= 7; n++)
    put (memory, n, CATALOGUE_ENDED);
  /* 7, 6 and 5 are kept, and 1 since it is open; 4 is the horizon. */
  assert_list (memory, (CatalogueQuery){.limit = 2}, "b7 b6", TRUE);
  assert_list (memory, (CatalogueQuery){.limit = 3}, "b7 b6 b5", TRUE);
  assert_list (memory, (CatalogueQuery){.limit = 4}, NULL, FALSE);
  assert_list (
      memory, (CatalogueQuery){.limit = 2, .game = "even"}, NULL, FALSE);
  assert_list (memory,
      (CatalogueQuery){.limit = 4, .kind = CATALOGUE_LIST_OPEN}, "b1", FALSE);
  g_assert_nonnull (catalogue_memory_get (memory, "b1"));
  g_assert_null (catalogue_memory_get (memory, "b2"));
  g_assert_null (catalogue_memory_get (memory, "b4"));
  /* The oldest ends: there is no place for it. */
  put (memory, 1, CATALOGUE_ENDED);
  g_assert_null (catalogue_memory_get (memory, "b1"));
  assert_list (memory, (CatalogueQuery){.limit = 3}, "b7 b6 b5", TRUE);
}

static void
assert_events (CatalogueMemory *memory, const char *game, gsize most,
    guint64 after, const char *expected, guint64 expected_after)
{
  g_autoptr (GBytes) bytes =
      catalogue_memory_get_events (memory, game, most, &after);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) ids = g_string_new (NULL);

  if (expected == NULL) {
    g_assert_null (bytes);
    return;
  }
  g_assert_nonnull (bytes);
  text = g_strndup (g_bytes_get_data (bytes, NULL) != NULL
                        ? g_bytes_get_data (bytes, NULL)
                        : "",
      g_bytes_get_size (bytes));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "id: "))
      g_string_append_printf (ids, "%s ", lines[i] + 4);
  }
  g_assert_cmpstr (ids->str, ==, expected);
  g_assert_cmpuint (after, ==, expected_after);
}

static void
test_events (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (10, 4);

  assert_events (memory, NULL, 1000, 0, "", 0);
  assert_events (memory, NULL, 1000, 1, NULL, 0);
  for (guint id = 1; id <= 4; id++)
    tell (memory, id * 10, id, TRUE);
  assert_events (memory, NULL, 1000, 0, "10 20 30 40 ", 40);
  assert_events (memory, NULL, 1000, 20, "30 40 ", 40);
  assert_events (memory, NULL, 1000, 25, "30 40 ", 40);
  assert_events (memory, "odd", 1000, 0, "10 30 ", 40);
  assert_events (memory, NULL, 1, 0, "10 ", 10);
  assert_events (memory, "even", 1, 0, "20 ", 30);
  assert_events (memory, "odd", 1000, 40, "", 40);
  assert_events (memory, NULL, 1000, 41, NULL, 0);
  tell (memory, 50, 5, TRUE);
  assert_events (memory, NULL, 1000, 9, NULL, 0);
  assert_events (memory, NULL, 1000, 10, "20 30 40 50 ", 50);
}

static void
test_hidden (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (10, 10);
  g_autoptr (GBytes) bytes = NULL;
  guint64 after = 2;

  tell (memory, 1, 1, FALSE);
  assert_events (memory, NULL, 1000, 0, "", 1);
  assert_list (memory, (CatalogueQuery){.limit = 9}, "", FALSE);
  g_assert_nonnull (catalogue_memory_get (memory, "b1"));
  tell (memory, 2, 1, TRUE);
  tell (memory, 3, 1, FALSE);
  tell (memory, 4, 1, FALSE);
  assert_events (memory, NULL, 1000, 0, "2 3 ", 4);
  bytes = catalogue_memory_get_events (memory, NULL, 1000, &after);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
      "id: 3\nevent: broadcast.hidden\n"
      "data: {\"link\": \"b1\", \"game\": {\"id\": \"odd\"}}\n\n",
      strlen ("id: 3\nevent: broadcast.hidden\n"
              "data: {\"link\": \"b1\", \"game\": {\"id\": \"odd\"}}\n\n"));
}

static void
test_floor (void)
{
  g_autoptr (CatalogueMemory) memory = catalogue_memory_new (10, 10);

  catalogue_memory_set_floor (memory, 100);
  assert_events (memory, NULL, 1000, 99, NULL, 0);
  assert_events (memory, NULL, 1000, 100, "", 100);
  tell (memory, 101, 1, TRUE);
  assert_events (memory, NULL, 1000, 100, "101 ", 101);
}

static void
test_page_text (void)
{
  GString *page = g_string_new (NULL);
  CatalogueCursor next = {100, 5, "0f8fad5b-d9cb-469f-a165-70867728950e"};
  CatalogueCursor read;
  g_autofree char *text = NULL;
  g_autofree char *empty = NULL;

  catalogue_page_add (page, "{1}");
  catalogue_page_add (page, "{2}");
  text = catalogue_page_end (page, &next, 7, 0);
  g_assert_cmpstr (text, ==,
      "{\"broadcasts\": [{1}, {2}], "
      "\"next\": \"100.5.0f8fad5b-d9cb-469f-a165-70867728950e\", "
      "\"lastEventId\": \"7\", \"staleSince\": null}");
  empty = catalogue_page_end (g_string_new (NULL), NULL, 0,
      G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC);
  g_assert_cmpstr (empty, ==,
      "{\"broadcasts\": [], \"next\": null, \"lastEventId\": \"0\", "
      "\"staleSince\": \"2023-11-14T22:13:20Z\"}");
  g_assert_true (catalogue_cursor_parse (
      "100.5.0f8fad5b-d9cb-469f-a165-70867728950e", &read));
  g_assert_cmpint (read.created_at, ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cataloguememory/orders", test_orders);
  g_test_add_func ("/cataloguememory/pages", test_pages);
  g_test_add_func ("/cataloguememory/horizon", test_horizon);
  g_test_add_func ("/cataloguememory/events", test_events);
  g_test_add_func ("/cataloguememory/hidden", test_hidden);
  g_test_add_func ("/cataloguememory/floor", test_floor);
  g_test_add_func ("/cataloguememory/page-text", test_page_text);
  return g_test_run ();
}
