/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fanout.h"

#include <string.h>

#include "deliverystub.h"
#include "logkit.h"
#include "pgkit.h"

#define PATIENCE (30 * G_USEC_PER_SEC)
#define LONGEST_NAME 10000
#define QUERY                                                                  \
  "SELECT user_id, username, language FROM wishcast.wishlist "                 \
  "WHERE game = $1 AND ($2::text IS NULL OR user_id > $2) "                    \
  "ORDER BY user_id LIMIT $3::integer"
#define STATE                                                                  \
  "SELECT state, reason, sent, pages FROM wishcast.notification_job "          \
  "ORDER BY link"

static PgKit *kit;

static void
assert_pages (DeliveryStub *fake, const char *expected)
{
  g_autofree char *pages = delivery_stub_list_pages (fake);

  g_assert_cmpstr (pages, ==, expected);
}

/* --- Fixture --------------------------------------------------------------------------*/

typedef struct {
  NoticeTexts *texts;
  DeliveryStub *fake, *other; /* of the first and the second node */
  Fanout *first, *second;
  const char *query; /* of the wishlist */
} Fixture;

static WishlistSource *
make_source (gpointer data)
{
  const Fixture *f = data;

  return wishlist_sql_new (pg_kit_get_conninfo (kit), f->query);
}

static Fanout *
start (Fixture *f, const char *node, DeliveryStub *fake, DeliveryStub *beside,
    guint max_rate)
{
  g_autoptr (GPtrArray) deliveries =
      g_ptr_array_new_with_free_func ((GDestroyNotify)delivery_free);
  const FanoutSettings settings = {
      .conninfo = pg_kit_get_conninfo (kit),
      .node = node,
      .public_url = "https://play.example",
      .texts = f->texts,
      .max_rate = max_rate,
      .deliveries = deliveries,
      .make_source = make_source,
      .data = f,
  };

  g_ptr_array_add (deliveries, &fake->delivery);
  if (beside != NULL)
    g_ptr_array_add (deliveries, &beside->delivery);
  return fanout_new (&settings);
}

/* Users u00001 … of the game. */
static void
add_users (const char *game, guint n)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.wishlist SELECT '%s', 'u' || lpad (i::text, 5, "
      "'0'), 'User ' || i FROM generate_series (1, %u) i",
      game, n);

  pg_kit_run (kit, sql);
}

static void
add_job (const char *link, const char *game)
{
  g_autofree char *sql = g_strdup_printf (
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, "
      "created_at, changed_at) VALUES (md5 ('%s')::uuid, '%s', '%s', 'live', "
      "'node', now (), now ());"
      "SELECT wishcast.file_notification (md5 ('%s')::uuid, '%s', '%s', now (),"
      " '0')",
      link, link, game, link, link, game);

  pg_kit_run (kit, sql);
}

static void
set_up (Fixture *f, gconstpointer is_ahead)
{
  pg_kit_run (kit, "TRUNCATE wishcast.game CASCADE;"
                   "TRUNCATE wishcast.notification_job CASCADE");
  pg_kit_add_game (kit, "half-life", "Half-Life");
  pg_kit_add_game (kit, "portal", "Portal");
  log_kit_clear ();
  f->texts = notice_texts_new ();
  f->query = QUERY;
  f->fake = delivery_stub_new (is_ahead != NULL);
  f->other = delivery_stub_new (is_ahead != NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->first, fanout_free);
  g_clear_pointer (&f->second, fanout_free);
  if (!f->other->is_freed)
    delivery_free (&f->other->delivery);
  delivery_stub_destroy (f->fake);
  delivery_stub_destroy (f->other);
  notice_texts_free (f->texts);
}

/* The @n users of add_users() are those of the pages that were taken, in order
 * and once each. */
static void
assert_all_told (DeliveryStub *const *fakes, guint n_fakes, guint n)
{
  guint next = 1;

  for (guint f = 0; f < n_fakes; f++)
    for (guint i = 0; i < fakes[f]->told->len; i++) {
      const StubTold *told = g_ptr_array_index (fakes[f]->told, i);

      for (guint j = 0; told->was_taken && told->users[j] != NULL; j++) {
        g_autofree char *user = g_strdup_printf ("u%05u=User %u", next, next);

        g_assert_cmpstr (told->users[j], ==, user);
        next++;
      }
    }
  g_assert_cmpuint (next - 1, ==, n);
}

static void
await_state (const char *expected)
{
  pg_kit_await (kit, STATE, expected);
}

/* --- All of it ------------------------------------------------------------------------*/

static void
test_all (Fixture *f, gconstpointer data)
{
  FanoutStats stats;

  add_users ("half-life", 12000);
  add_users ("portal", 10);
  add_job ("a", "half-life");
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("done|-|12000|3");
  assert_pages (f->fake, "a:0 a:1 a:2 ");
  assert_all_told (&f->fake, 1, 12000);
  pg_kit_assert (
      kit, "SELECT total, node FROM wishcast.notification_job", "12000|node-1");
  fanout_get_stats (f->first, &stats);
  g_assert_cmpuint (stats.sent, ==, 12000);
  g_assert_cmpuint (stats.refused, ==, 0);
  g_assert_cmpuint (stats.failures, ==, 0);
}

/* It is heard of, at once; and of nobody as well. */
static void
test_news (Fixture *f, gconstpointer data)
{
  f->first = start (f, "node-1", f->fake, NULL, 0);
  add_job ("a", "half-life");
  await_state ("done|-|0|1");
  add_users ("portal", 5000);
  add_job ("b", "portal");
  await_state ("done|-|0|1\ndone|-|5000|2");
  assert_pages (f->fake, "a:0 b:0 b:1 ");
}

/* The wishlist is that of the job, whatever the row of the broadcast says. */
static void
test_other_game (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 3);
  add_users ("portal", 5);
  pg_kit_run (kit,
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, "
      "created_at, changed_at) VALUES (md5 ('a')::uuid, 'a', 'half-life', "
      "'live', 'node', now (), now ());"
      "SELECT wishcast.file_notification (md5 ('a')::uuid, 'a', 'portal', "
      "now (), '0')");
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("done|-|5|1");
}

static void
test_names (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (LONGEST_NAME, 'n');
  const char *const names[] = {"O'Neil \"the\" \\ man",
      "\xf0\x9f\x8e\xae <b>emoji</b>",
      "\xd7\xa2\xd7\x91\xd7\xa8\xd7\x99\xd7\xaa \xe2\x80\xae", "a\nb\tc\x01",
      longest};
  const StubTold *told;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *hex = g_malloc0 (2 * strlen (names[i]) + 1);
    g_autofree char *sql = NULL;

    for (guint j = 0; names[i][j] != '\0'; j++)
      g_snprintf (hex + 2 * (gsize)j, 3, "%02x", (guchar)names[i][j]);
    sql = g_strdup_printf ("INSERT INTO wishcast.wishlist VALUES ('half-life', "
                           "'u%u', convert_from ('\\x%s', 'UTF8'))",
        i, hex);
    pg_kit_run (kit, sql);
  }
  pg_kit_run (kit,
      "INSERT INTO wishcast.wishlist VALUES ('half-life', 'long', "
      "repeat ('n', 10001)), ('half-life', 'empty', ''), ('half-life', 'z', "
      "'Z')");
  add_job ("a", "half-life");
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("done|-|6|1");
  told = g_ptr_array_index (f->fake->told, 0);
  g_assert_cmpuint (g_strv_length (told->users), ==, 6);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *user = g_strdup_printf ("u%u=%s", i, names[i]);

    g_assert_cmpstr (told->users[i], ==, user);
  }
  g_assert_cmpstr (told->users[5], ==, "z=Z");
  log_kit_assert ("Wishlist of half-life: user \"long\" is left out,"
                  " since the name is longer than 10000 bytes");
  log_kit_assert ("Wishlist of half-life: user \"empty\" is left "
                  "out, since the name is empty");
}

static void
test_unlisted (Fixture *f, gconstpointer data)
{
  const StubTold *last;

  add_users ("half-life", 15000);
  add_job ("a", "half-life");
  f->fake->held = 0;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  /* One page is read ahead, perhaps already. */
  pg_kit_run (kit, "DELETE FROM wishcast.wishlist WHERE user_id = 'u12345'");
  delivery_stub_let_go (f->fake, -1);
  await_state ("done|-|14999|3");
  last = g_ptr_array_index (f->fake->told, 2);
  g_assert_true (
      g_strv_contains ((const char *const *)last->users, "u12344=User 12344"));
  g_assert_false (
      g_strv_contains ((const char *const *)last->users, "u12345=User 12345"));
}

/* Of the times only that nothing came too early, but for a rounded millisecond. */
static void
test_rate (Fixture *f, gconstpointer data)
{
  gint64 begun = g_get_monotonic_time ();

  add_users ("half-life", 1500);
  add_job ("a", "half-life");
  f->first = start (f, "node-1", f->fake, NULL, 600);
  await_state ("done|-|1500|3");
  for (guint i = 0; i < 3; i++) {
    const StubTold *told = g_ptr_array_index (f->fake->told, i);

    g_assert_cmpint (told->at - begun, >=, i * 999 * G_TIME_SPAN_MILLISECOND);
  }
  assert_all_told (&f->fake, 1, 1500);
}

/* --- Breaks ---------------------------------------------------------------------------*/

/* Somebody else goes on, at once. */
static void
test_stopped (Fixture *f, gconstpointer data)
{
  DeliveryStub *const fakes[] = {f->fake, f->other};

  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->held = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  g_clear_pointer (&f->first, fanout_free);
  pg_kit_assert (kit,
      "SELECT state, cursor, lease_until FROM wishcast.notification_job",
      "running|u05000|-");
  f->second = start (f, "node-2", f->other, NULL, 0);
  await_state ("done|-|12000|3");
  assert_pages (f->fake, "a:0 a:1- ");
  assert_pages (f->other, "a:1 a:2 ");
  assert_all_told (fakes, 2, 12000);
}

/* A node has died with it. */
static void
test_expired (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 6000);
  add_job ("a", "half-life");
  pg_kit_run (kit,
      "UPDATE wishcast.notification_job SET state = 'running', node = 'dead', "
      "lease_until = now () + interval '1 second', cursor = 'u05000', pages = "
      "1, sent = 5000");
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("done|-|6000|2");
  assert_pages (f->fake, "a:1 ");
}

/* A page whose cursor could not be written comes once more, and only that; which
 * one, if any, depends on how long the sessions outlive the server. */
static void
test_postgres_killed (Fixture *f, gconstpointer data)
{
  g_autofree char *pages = NULL;

  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->held = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  pg_kit_stop (kit);
  delivery_stub_let_go (f->fake, -1);
  log_kit_await ("The notices of a have to wait");
  log_kit_await ("Notices wait for the database");
  pg_kit_start (kit);
  await_state ("done|-|12000|3");
  pages = delivery_stub_list_pages (f->fake);
  g_assert_true (g_str_equal (pages, "a:0 a:1 a:2 ") ||
                 g_str_equal (pages, "a:0 a:1 a:1 a:2 ") ||
                 g_str_equal (pages, "a:0 a:1 a:2 a:2 "));
  log_kit_assert ("Notices need not wait");
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  FanoutStats stats = {.is_busy = TRUE};

  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->held = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  pg_kit_run (kit, "SELECT wishcast.cancel_notification ('a')");
  while (stats.is_busy) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10 * 1000);
    fanout_get_stats (f->first, &stats);
  }
  pg_kit_assert (kit, STATE, "cancelled|operator|5000|1");
  delivery_stub_let_go (f->fake, -1);
  pg_kit_run (kit, "SELECT wishcast.retry_notification ('a')");
  await_state ("done|-|12000|3");
  assert_pages (f->fake, "a:0 a:1- a:1 a:2 ");
}

/* --- Half a page ahead ----------------------------------------------------------------*/

/* While one half waits to be taken the other is under way, and nothing beyond:
 * that much may be repeated. */
static void
test_ahead (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 22000);
  add_job ("a", "half-life");
  f->fake->held = 0;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  g_mutex_lock (&f->fake->lock);
  g_assert_cmpuint (f->fake->n_open, ==, 2);
  g_mutex_unlock (&f->fake->lock);
  pg_kit_assert (
      kit, "SELECT cursor, pages FROM wishcast.notification_job", "-|0");
  delivery_stub_let_go (f->fake, 2);
  delivery_stub_await_held (f->fake);
  pg_kit_assert (
      kit, "SELECT cursor, pages FROM wishcast.notification_job", "u10000|2");
  delivery_stub_let_go (f->fake, -1);
  await_state ("done|-|22000|5");
  g_assert_cmpuint (f->fake->most_open, ==, 2);
  assert_pages (f->fake, "a:0 a:1 a:2 a:3 a:4 ");
  assert_all_told (&f->fake, 1, 22000);
}

/* What was begun is dropped, whoever of both goes on. */
static void
test_ahead_stopped (Fixture *f, gconstpointer data)
{
  DeliveryStub *const fakes[] = {f->fake, f->other};

  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->held = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  g_assert_cmpuint (f->fake->n_open, ==, 2);
  g_clear_pointer (&f->first, fanout_free);
  g_assert_cmpuint (f->fake->n_open, ==, 0);
  f->second = start (f, "node-2", f->other, NULL, 0);
  await_state ("done|-|12000|3");
  assert_pages (f->other, "a:1 a:2 ");
  assert_all_told (fakes, 2, 12000);
}

/* It is paced, so nothing goes out before its time. */
static void
test_ahead_rate (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 1500);
  add_job ("a", "half-life");
  f->first = start (f, "node-1", f->fake, NULL, 1000);
  await_state ("done|-|1500|2");
  g_assert_cmpuint (f->fake->most_open, ==, 1);
}

/* The second half cannot be begun: both are told once more. */
static void
test_ahead_away (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->most = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("pending|-|0|0");
  log_kit_await ("It is away");
  g_mutex_lock (&f->fake->lock);
  g_assert_cmpuint (f->fake->n_open, ==, 0);
  f->fake->most = 2;
  g_mutex_unlock (&f->fake->lock);
  pg_kit_run (kit, "SELECT wishcast.retry_notification ('a')");
  await_state ("done|-|12000|3");
  assert_all_told (&f->fake, 1, 12000);
}

/* What comes next cannot be read, but what was read is told and committed. */
static void
test_ahead_unread (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->query = "SELECT user_id, username, language FROM wishcast.wishlist "
             "WHERE game = $1 AND ($2::text IS NULL OR $2::integer > 0) "
             "ORDER BY user_id LIMIT $3::integer";
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("pending|-|5000|1");
  pg_kit_assert (
      kit, "SELECT problem_code FROM wishcast.notification_job", "store");
}

/* --- Two ------------------------------------------------------------------------------*/

static void
test_two_nodes (Fixture *f, gconstpointer data)
{
  guint of_a;

  add_users ("half-life", 100);
  add_users ("portal", 100);
  add_job ("a", "half-life");
  add_job ("b", "portal");
  f->fake->held = f->other->held = 0;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  f->second = start (f, "node-2", f->other, NULL, 0);
  delivery_stub_await_held (f->fake);
  delivery_stub_await_held (f->other);
  delivery_stub_let_go (f->fake, -1);
  delivery_stub_let_go (f->other, -1);
  await_state ("done|-|100|1\ndone|-|100|1");
  of_a = *((StubTold *)g_ptr_array_index (f->fake->told, 0))->link == 'a';
  assert_pages (f->fake, of_a ? "a:0 " : "b:0 ");
  assert_pages (f->other, of_a ? "b:0 " : "a:0 ");
}

/* Both ways, and each refuses the same user; it counts once. */
static void
test_two_ways (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 10);
  add_job ("a", "half-life");
  f->fake->refused = f->other->refused = "u00007";
  f->first = start (f, "node-1", f->fake, f->other, 0);
  await_state ("done|-|9|1");
  assert_pages (f->fake, "a:0 ");
  assert_pages (f->other, "a:0 ");
  pg_kit_assert (kit,
      "SELECT user_id, username, reason FROM wishcast.notification_refused",
      "u00007|User 7|status 400");
}

/* What one way does not take is not told by the other, again and again. */
static void
test_two_ways_away (Fixture *f, gconstpointer data)
{
  DeliveryStub *ahead = delivery_stub_new (TRUE);

  add_users ("half-life", 12000);
  add_job ("a", "half-life");
  f->fake->error =
      g_error_new_literal (DELIVERY_ERROR, DELIVERY_ERROR_AWAY, "It is away");
  f->first = start (f, "node-1", f->fake, ahead, 0);
  await_state ("pending|-|0|0");
  g_mutex_lock (&ahead->lock);
  g_assert_cmpuint (ahead->most_open, ==, 0);
  g_mutex_unlock (&ahead->lock);
  pg_kit_run (kit, "SELECT wishcast.retry_notification ('a')");
  await_state ("done|-|12000|3");
  g_assert_cmpuint (ahead->most_open, ==, 1);
  assert_pages (f->fake, "a:0- a:0 a:1 a:2 ");
  assert_pages (ahead, "a:0 a:1 a:2 ");
  g_clear_pointer (&f->first, fanout_free);
  delivery_stub_destroy (ahead);
}

/* --- Failures -------------------------------------------------------------------------*/

static void
test_away (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 6000);
  add_job ("a", "half-life");
  f->fake->held = 1;
  f->first = start (f, "node-1", f->fake, NULL, 0);
  delivery_stub_await_held (f->fake);
  g_mutex_lock (&f->fake->lock);
  f->fake->error = g_error_new_literal (
      DELIVERY_ERROR, DELIVERY_ERROR_AWAY, "It answers with \"500\"");
  f->fake->delivery.retry_after = 3600 * G_TIME_SPAN_SECOND;
  g_strlcpy (f->fake->delivery.problem, "status-500", DELIVERY_PROBLEM);
  g_mutex_unlock (&f->fake->lock);
  delivery_stub_let_go (f->fake, -1);
  await_state ("pending|-|5000|1");
  pg_kit_assert (kit,
      "SELECT problem, problem_code, failures, "
      "next_at > now () + interval '59 minutes' FROM wishcast.notification_job",
      "It answers with \"500\"|status-500|1|t");
  pg_kit_run (kit, "SELECT wishcast.retry_notification ('a')");
  await_state ("done|-|6000|2");
  assert_pages (f->fake, "a:0 a:1- a:1 ");
}

static void
test_disabled (Fixture *f, gconstpointer data)
{
  add_users ("half-life", 10);
  add_job ("a", "half-life");
  f->fake->error = g_error_new_literal (
      DELIVERY_ERROR, DELIVERY_ERROR_DISABLED, "It wants no more");
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("cancelled|disabled|0|0");
  log_kit_assert ("The notices of a are given up");
}

/* Those whom the receiver did not take, once it does. */
static void
test_retry_refused (Fixture *f, gconstpointer data)
{
  const StubTold *told;

  add_users ("half-life", 10);
  add_job ("a", "half-life");
  f->fake->refused = "u00007";
  f->first = start (f, "node-1", f->fake, NULL, 0);
  await_state ("done|-|9|1");
  f->fake->refused = NULL;
  pg_kit_run (kit, "SELECT wishcast.retry_notification ('a')");
  await_state ("done|-|10|2");
  told = g_ptr_array_index (f->fake->told, 1);
  g_assert_cmpuint (g_strv_length (told->users), ==, 1);
  g_assert_cmpstr (told->users[0], ==, "u00007=User 7");
  pg_kit_assert (kit, "SELECT FROM wishcast.notification_refused", "");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  log_kit_begin ();
  kit = pg_kit_new ();
#define ADD(path, func)                                                        \
  g_test_add ("/fanout/" path, Fixture, NULL, set_up, func, tear_down)
#define ADD_AHEAD(path, func)                                                  \
  g_test_add ("/fanout/ahead" path, Fixture, "ahead", set_up, func, tear_down)
  ADD ("all", test_all);
  ADD ("news", test_news);
  ADD ("other-game", test_other_game);
  ADD ("names", test_names);
  ADD ("unlisted", test_unlisted);
  ADD ("rate", test_rate);
  ADD ("stopped", test_stopped);
  ADD ("expired", test_expired);
  ADD ("postgres-killed", test_postgres_killed);
  ADD ("cancelled", test_cancelled);
  ADD_AHEAD ("", test_ahead);
  ADD_AHEAD ("/stopped", test_ahead_stopped);
  ADD_AHEAD ("/rate", test_ahead_rate);
  ADD_AHEAD ("/away", test_ahead_away);
  ADD_AHEAD ("/unread", test_ahead_unread);
  ADD ("two-nodes", test_two_nodes);
  ADD ("two-ways", test_two_ways);
  ADD ("two-ways-away", test_two_ways_away);
  ADD ("away", test_away);
  ADD ("disabled", test_disabled);
  ADD ("retry-refused", test_retry_refused);
  result = g_test_run ();
  pg_kit_free (kit);
  return result;
}
