/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viewers.h"

#include <string.h>

#define SECOND G_USEC_PER_SEC
/* The begin of an interval. */
#define START (1000 * SECOND)

#define ANNA "viewer-anna-0000"
#define BORIS "viewer-boris-000"

static void
assert_json (Viewers *viewers, gint64 now, const char *expected)
{
  g_autofree char *json = viewers_write_json (viewers, now);

  g_assert_cmpstr (json, ==, expected);
}

static void
assert_here (Viewers *viewers, gint64 now, const char *expected)
{
  g_autoptr (GArray) list = viewers_list_here (viewers, now);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++) {
    const ViewerFigures *f = &g_array_index (list, ViewerFigures, i);

    g_string_append_printf (text, "%s %u %u %" G_GUINT64_FORMAT ";", f->link,
        f->pages, f->players, f->egress);
  }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_pages (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();

  g_assert_cmpuint (viewers_get (viewers, "a", START), ==, 0);
  viewers_add_page (viewers, "a", ANNA, START);
  viewers_add_page (viewers, "a", ANNA, START + SECOND);
  viewers_add_page (viewers, "a", BORIS, START + 2 * SECOND);
  /* Whoever shows two is counted at both. */
  viewers_add_page (viewers, "b", ANNA, START + 2 * SECOND);
  g_assert_cmpuint (viewers_get (viewers, "a", START + 2 * SECOND), ==, 2);
  g_assert_cmpuint (viewers_get (viewers, "b", START + 2 * SECOND), ==, 1);
  assert_here (viewers, START + 2 * SECOND, "a 2 0 0;b 1 0 0;");

  viewers_remove_page (viewers, "a", ANNA, START + 3 * SECOND);
  viewers_remove_page (viewers, "a", ANNA, START + 3 * SECOND);
  viewers_remove_page (viewers, "none", ANNA, START + 3 * SECOND);
  assert_here (viewers, START + 3 * SECOND, "a 1 0 0;b 1 0 0;");
  viewers_remove_page (viewers, "a", BORIS, START + 3 * SECOND);
  viewers_remove_page (viewers, "b", ANNA, START + 3 * SECOND);
  assert_here (viewers, START + 3 * SECOND, "");
}

static void
test_time_forgets (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();

  viewers_add_page (viewers, "a", ANNA, START);
  viewers_add_player (viewers, "a", 1, START);
  viewers_add_player (viewers, "a", 2, START);
  viewers_add_page (viewers, "a", BORIS, START + SECOND);
  viewers_add_player (viewers, "a", 1, START + 10 * SECOND);
  viewers_add_page (viewers, "a", ANNA, START + 20 * SECOND);

  assert_here (viewers, START + 30 * SECOND - 1, "a 2 2 0;");
  assert_here (viewers, START + 30 * SECOND, "a 2 1 0;");
  assert_here (viewers, START + 40 * SECOND, "a 2 0 0;");
  assert_here (viewers, START + 51 * SECOND - 1, "a 2 0 0;");
  assert_here (viewers, START + 51 * SECOND, "a 1 0 0;");
  assert_here (viewers, START + 70 * SECOND, "");
  /* One that is forgotten may come again. */
  viewers_add_player (viewers, "a", 1, START + 70 * SECOND);
  assert_here (viewers, START + 70 * SECOND, "a 0 1 0;");
}

/* Another thread was a little later with its earlier time. */
static void
test_time_goes_back (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();

  viewers_add_player (viewers, "a", 1, START + SECOND);
  viewers_add_player (viewers, "a", 2, START);
  assert_here (viewers, START + 31 * SECOND - 1, "a 0 2 0;");
  assert_here (viewers, START + 31 * SECOND, "");
}

static void
test_egress (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();

  viewers_add_player (viewers, "a", 1, START);
  viewers_add_bytes (viewers, "a", 1000, START);
  viewers_add_bytes (viewers, "a", 250, START + 9 * SECOND);
  /* Nobody is seen to watch it: an error, a poster, an invented link. */
  viewers_add_bytes (viewers, "b", 500, START + 9 * SECOND);
  viewers_add_bytes (viewers, "", 250, START + 9 * SECOND);
  g_assert_cmpuint (
      viewers_get_egress_here (viewers, START + 9 * SECOND), ==, 0);

  viewers_add_bytes (viewers, "a", 5000, START + 10 * SECOND);
  assert_here (viewers, START + 19 * SECOND, "a 0 1 1000;");
  g_assert_cmpuint (
      viewers_get_egress_here (viewers, START + 19 * SECOND), ==, 1600);
  assert_here (viewers, START + 20 * SECOND, "a 0 1 4000;");
  /* An interval without any, and one that is long ago. */
  assert_here (viewers, START + 30 * SECOND - 1, "a 0 1 4000;");
  viewers_add_player (viewers, "a", 1, START + 30 * SECOND - 1);
  assert_here (viewers, START + 45 * SECOND, "a 0 1 0;");
  g_assert_cmpuint (viewers_get_bytes_here (viewers), ==, 7000);
}

static gboolean
is_b (const char *link, gpointer data)
{
  return strcmp (link, "b") == 0;
}

static void
test_nodes (void)
{
  static const ViewerFigures one[] = {
      {.link = "a", .pages = 5, .players = 9},
      {.link = "b", .pages = 2},
      {.link = "c"},
  };
  static const ViewerFigures other[] = {{.link = "a", .pages = 6}};
  g_autoptr (Viewers) viewers = viewers_new ();
  g_autofree char *only_b = NULL;

  assert_json (viewers, START, "{\"total\": 0, \"viewers\": {}}");
  viewers_add_page (viewers, "a", ANNA, START);
  viewers_add_player (viewers, "d", 1, START);
  viewers_set_remote (viewers, "one", one, G_N_ELEMENTS (one), START);
  /* 1 + 5 pages, and 9 players. */
  assert_json (viewers, START,
      "{\"total\": 12, \"viewers\": {\"a\": 9, \"b\": 2, \"d\": 1}}");
  viewers_set_remote (
      viewers, "other", other, G_N_ELEMENTS (other), START + 10 * SECOND);
  g_assert_cmpuint (viewers_get (viewers, "a", START + 10 * SECOND), ==, 12);
  g_assert_cmpuint (viewers_get (viewers, "b", START + 10 * SECOND), ==, 2);
  g_assert_cmpuint (viewers_get (viewers, "none", START + 10 * SECOND), ==, 0);
  only_b = viewers_write_json_of (viewers, is_b, NULL, START + 10 * SECOND);
  g_assert_cmpstr (only_b, ==, "{\"total\": 2, \"viewers\": {\"b\": 2}}");
  /* What was counted here does not depend on them. */
  assert_here (viewers, START + 10 * SECOND, "a 1 0 0;d 0 1 0;");

  /* The first has not told since. */
  g_assert_cmpuint (viewers_get (viewers, "a", START + 15 * SECOND), ==, 7);
  assert_json (viewers, START + 15 * SECOND,
      "{\"total\": 8, \"viewers\": {\"a\": 7, \"d\": 1}}");
  /* All of it is replaced. */
  viewers_set_remote (viewers, "other", one + 1, 1, START + 16 * SECOND);
  assert_json (viewers, START + 16 * SECOND,
      "{\"total\": 4, \"viewers\": {\"a\": 1, \"b\": 2, \"d\": 1}}");
  viewers_set_remote (viewers, "other", NULL, 0, START + 17 * SECOND);
  g_assert_cmpuint (viewers_get (viewers, "b", START + 17 * SECOND), ==, 0);
}

static void
test_bound (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();

  viewers_add_page (viewers, "a", ANNA, START);
  for (guint64 i = 0; i < VIEWERS_MOST; i++)
    viewers_add_player (viewers, "a", i, START);
  viewers_add_page (viewers, "a", BORIS, START);
  viewers_add_page (viewers, "b", BORIS, START);
  g_assert_cmpuint (viewers_get (viewers, "a", START), ==, VIEWERS_MOST - 1);
  g_assert_cmpuint (viewers_get (viewers, "b", START), ==, 0);
  /* Who is in stays in, and whose time is over makes room. */
  viewers_add_player (viewers, "a", 0, START + SECOND);
  viewers_add_page (viewers, "b", BORIS, START + 30 * SECOND);
  assert_here (viewers, START + 30 * SECOND, "a 1 1 0;b 1 0 0;");
}

#define N_THREADS 4
#define N_EACH 2000

static gpointer
watch (gpointer data)
{
  Viewers *viewers = data;

  for (guint i = 0; i < N_EACH; i++) {
    gint64 now = START + i * (100 * SECOND / N_EACH);
    g_autofree char *link = g_strdup_printf ("l%u", i % 7);
    g_autofree char *json = NULL;

    viewers_add_page (viewers, link, ANNA, now);
    viewers_add_player (viewers, link, i % 50, now);
    viewers_add_bytes (viewers, link, 1, now);
    if (i % 3 == 0)
      viewers_remove_page (viewers, link, ANNA, now);
    if (i % 100 == 0)
      json = viewers_write_json (viewers, now);
  }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (Viewers) viewers = viewers_new ();
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("watch", watch, viewers);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (viewers_get_bytes_here (viewers), ==, N_THREADS * N_EACH);
  assert_here (viewers, START + 200 * SECOND, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/viewers/pages", test_pages);
  g_test_add_func ("/viewers/time-forgets", test_time_forgets);
  g_test_add_func ("/viewers/time-goes-back", test_time_goes_back);
  g_test_add_func ("/viewers/egress", test_egress);
  g_test_add_func ("/viewers/nodes", test_nodes);
  g_test_add_func ("/viewers/bound", test_bound);
  g_test_add_func ("/viewers/threads", test_threads);
  return g_test_run ();
}
