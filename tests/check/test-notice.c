/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "notice.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "wishlistsource-private.h"

#define BROADCAST "0f8fad5b-d9cb-569f-a165-70867728950e"

static const NoticeJob job = {
    .broadcast = BROADCAST,
    .link = "k3v7q2m5x4t6w2ab",
    .game = "half-life",
    .game_title = "Half-Life",
    .title = "Speedrun",
    .watch_url = "https://play.example/watch/k3v7q2m5x4t6w2ab",
    .source = "https://play.example",
    .started_at = "2026-03-01T18:00:01.002Z",
};

static void
test_text (void)
{
  g_autoptr (NoticeTexts) texts = notice_texts_new ();
  const WishlistUser user = {"1", "Gordon"};
  g_autofree char *text = notice_make_text (texts, &job, &user);

  g_assert_cmpstr (text, ==,
      "Game Half-Life started the broadcast. Dear Gordon, join us via link "
      "https://play.example/watch/k3v7q2m5x4t6w2ab!");
}

static void
test_languages (void)
{
  static const struct {
    const char *language, *text;
  } cases[] = {
      {NULL, "default half-life"},
      {"de", "default half-life"},
      {"pt", "pt {G}"},
      {"PT_br", "br G"},
      {"pt-BR-x-any", "br G"},
      {"pt-AO", "pt {G}"},
      {"a-language-that-is-far-too-long-to-be-one-at-all", "default half-life"},
  };
  g_autoptr (NoticeTexts) texts = notice_texts_new ();

  g_assert_true (notice_texts_set (texts, NULL, "default {id}", NULL));
  g_assert_true (notice_texts_set (texts, "pt", "pt {{{username}}", NULL));
  g_assert_true (notice_texts_set (texts, "pt-BR", "br {username}", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const WishlistUser user = {"1", "G", cases[i].language, NULL};
    g_autofree char *text = notice_make_text (texts, &job, &user);

    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
test_wrong_templates (void)
{
  static const char *const cases[] = {
      "{name}", "Dear {username", "{", "{Game}", "{}", "{user{name}}"};
  g_autoptr (NoticeTexts) texts = notice_texts_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (notice_texts_set (texts, NULL, cases[i], &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  }
}

/* All of it, to the byte. The id: Python's
 * uuid.uuid5 (uuid.UUID (BROADCAST), "7") */
static void
test_event (void)
{
  const WishlistUser user = {"7", "G \"Free\" {link}", "pt-AO"};
  g_autoptr (NoticeTexts) texts = notice_texts_new ();
  g_autoptr (GString) json = g_string_new ("[");
  g_autoptr (NoticeForm) form = NULL;

  g_assert_true (notice_texts_set (
      texts, "pt", "{username}: \"{game}\" {{{id}} {link}, {username}", NULL));
  form = notice_form_new (texts, &job);
  notice_append_event (json, form, &user);
  g_assert_cmpstr (json->str, ==,
      "[{\"specversion\":\"1.0\","
      "\"id\":\"7756f907-7c8d-54fc-a65a-0857dbb19a91\","
      "\"source\":\"https://play.example\","
      "\"type\":\"com.wishcast.broadcast.started.v1\",\"subject\":\"7\","
      "\"time\":\"2026-03-01T18:00:01.002Z\","
      "\"datacontenttype\":\"application/json\",\"data\":{\"userId\":\"7\","
      "\"username\":\"G \\\"Free\\\" {link}\",\"language\":\"pt-AO\","
      "\"url\":\"https://play.example/watch/k3v7q2m5x4t6w2ab\","
      "\"message\":\"G \\\"Free\\\" {link}: \\\"Half-Life\\\" {half-life} "
      "https://play.example/watch/k3v7q2m5x4t6w2ab, "
      "G \\\"Free\\\" {link}\","
      "\"game\":{\"id\":\"half-life\",\"title\":\"Half-Life\"},"
      "\"broadcast\":{\"id\":\"" BROADCAST "\","
      "\"link\":\"k3v7q2m5x4t6w2ab\",\"title\":\"Speedrun\"}}}");
}

/* Whatever a name is, it comes back as it was, and nothing of it is taken for
 * JSON or for a template. */
static void
test_names (void)
{
  g_autofree char *long_name = g_strnfill (10000, 'n');
  const char *const cases[] = {"O'Neil \"the\" \\ man", "{link} {username} {{",
      "<script>alert(1)</script>", "\xf0\x9f\x8e\xae emoji",
      "\xd7\xa2\xd7\x91\xd7\xa8\xd7\x99\xd7\xaa \xe2\x80\xae rtl",
      "line\nfeed\ttab\r\x01\x1f\x7f", "'; DROP TABLE wishlist; --", long_name};
  g_autoptr (NoticeTexts) texts = notice_texts_new ();
  g_autoptr (NoticeForm) form = notice_form_new (texts, &job);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const WishlistUser user = {cases[i], cases[i]};
    g_autoptr (GString) json = g_string_new (NULL);
    g_autoptr (JsonNode) root = NULL;
    g_autofree char *message = g_strdup_printf (
        "Game Half-Life started the broadcast. Dear %s, join us via link "
        "https://play.example/watch/k3v7q2m5x4t6w2ab!",
        cases[i]);
    JsonObject *event, *data;

    notice_append_event (json, form, &user);
    root = json_from_string (json->str, NULL);
    g_assert_nonnull (root);
    event = json_node_get_object (root);
    data = json_object_get_object_member (event, "data");
    g_assert_cmpstr (
        json_object_get_string_member (event, "specversion"), ==, "1.0");
    g_assert_cmpstr (
        json_object_get_string_member (event, "subject"), ==, cases[i]);
    g_assert_cmpstr (
        json_object_get_string_member (data, "username"), ==, cases[i]);
    g_assert_cmpstr (
        json_object_get_string_member (data, "message"), ==, message);
    g_assert_true (json_object_get_null_member (data, "language"));
    g_assert_cmpstr (
        json_object_get_string_member (
            json_object_get_object_member (data, "broadcast"), "link"),
        ==, job.link);
    g_assert_cmpuint (json_object_get_size (data), ==, 7);
  }
}

/* It is the same event, and long names do not cost the memory of all. */
static void
test_prepare (void)
{
  g_autofree char *long_name = g_strnfill (10000, 'n');
  g_autoptr (NoticeTexts) texts = notice_texts_new ();
  g_autoptr (NoticeForm) form = notice_form_new (texts, &job);
  g_autoptr (WishlistPage) page = wishlist_page_new ();
  gsize ahead = 0;

  for (guint i = 0; i < 1000; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);

    wishlist_page_add (page, "half-life", id, long_name, NULL);
  }
  notice_prepare (page, form);
  for (guint i = 0; i < page->users->len; i++) {
    WishlistUser *user = wishlist_page_get (page, i);
    WishlistUser plain = *user;
    g_autoptr (GString) json = g_string_new (NULL);
    g_autoptr (GString) expected = g_string_new (NULL);

    plain.event = NULL;
    notice_append_event (expected, form, &plain);
    notice_append_event (json, form, user);
    g_assert_cmpstr (json->str, ==, expected->str);
    if (user->event != NULL)
      ahead += user->event_length;
  }
  g_assert_cmpuint (ahead, >, NOTICE_AHEAD / 2);
  g_assert_cmpuint (ahead, <=, NOTICE_AHEAD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/notice/text", test_text);
  g_test_add_func ("/notice/languages", test_languages);
  g_test_add_func ("/notice/wrong-templates", test_wrong_templates);
  g_test_add_func ("/notice/event", test_event);
  g_test_add_func ("/notice/names", test_names);
  g_test_add_func ("/notice/prepare", test_prepare);
  return g_test_run ();
}
