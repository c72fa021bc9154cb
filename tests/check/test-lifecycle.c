/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a broadcast as logic: every state, every event, and sequences
 * that only bad luck brings about. */

#include "lifecycle.h"
#include "link.h"

#define SECOND G_USEC_PER_SEC
#define WINDOW (90 * SECOND)
#define HOLD (15 * SECOND)
#define T0 (G_GINT64_CONSTANT (1700000000) * SECOND)

typedef struct {
  Lifecycle *life;
  gint64 now;
  guint n_links;
  char *link; /* of the last knock */
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  LifecycleRules rules = {
      .resume_window = WINDOW, .end_hold = HOLD, .max_publishers = 3};

  f->life = lifecycle_new (&rules);
  f->now = T0;
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  lifecycle_free (f->life);
  g_free (f->link);
}

static LifeVerdict
knock_at (Fixture *f, const char *key, gint64 broadcaster, gboolean elsewhere,
    Broadcast **broadcast)
{
  KeyOwner owner = {
      .key_id = (char *)key,
      .game = (char *)"half-life",
      .game_title = (char *)"Half-Life",
      .broadcaster = broadcaster,
      .broadcaster_name = (char *)"Gordon",
  };

  g_free (f->link);
  f->link = g_strdup_printf ("link-%u", f->n_links++);
  return lifecycle_admit (
      f->life, &owner, f->link, elsewhere, f->now, broadcast);
}

static LifeVerdict
knock (Fixture *f, const char *key, gint64 broadcaster, Broadcast **broadcast)
{
  return knock_at (f, key, broadcaster, FALSE, broadcast);
}

static Broadcast *
begin (Fixture *f)
{
  Broadcast *broadcast;

  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &broadcast), ==, LIFE_BEGINS);
  return broadcast;
}

static void
assert_state (Broadcast *broadcast, BroadcastState state, gint64 since)
{
  g_assert_cmpint (broadcast->state, ==, state);
  g_assert_cmpint (broadcast->since, ==, since);
}

static guint
size (Fixture *f)
{
  return lifecycle_get_all (f->life)->len;
}

static void
test_whole_life (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;

  g_assert_cmpstr (broadcast->link, ==, "link-0");
  g_assert_cmpstr (broadcast->game, ==, "half-life");
  g_assert_cmpstr (broadcast->title, ==, "Half-Life");
  g_assert_cmpstr (broadcast->broadcaster_name, ==, "Gordon");
  assert_state (broadcast, BROADCAST_STARTING, T0);
  f->now += SECOND;
  g_assert_true (lifecycle_live (f->life, broadcast, f->now));
  g_assert_false (lifecycle_live (f->life, broadcast, f->now + 1));
  assert_state (broadcast, BROADCAST_LIVE, T0 + SECOND);
  g_assert_cmpint (lifecycle_next (f->life), ==, G_MAXINT64);

  f->now += SECOND;
  g_assert_true (lifecycle_leave (f->life, broadcast, f->now));
  g_assert_false (lifecycle_leave (f->life, broadcast, f->now + 1));
  assert_state (broadcast, BROADCAST_INTERRUPTED, T0 + 2 * SECOND);
  g_assert_cmpint (broadcast->resume_until, ==, f->now + WINDOW);
  g_assert_cmpint (lifecycle_next (f->life), ==, f->now + WINDOW);

  f->now += WINDOW - 1;
  g_assert_null (lifecycle_expire (f->life, f->now));
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_GOES_ON);
  g_assert_true (again == broadcast);
  g_assert_cmpstr (broadcast->link, ==, "link-0");
  assert_state (broadcast, BROADCAST_STARTING, f->now);
  /* Who has come back has it, even if the picture takes its time. */
  f->now += WINDOW;
  g_assert_null (lifecycle_expire (f->life, f->now));
  g_assert_true (lifecycle_live (f->life, broadcast, f->now));
  g_assert_cmpint (broadcast->resume_until, ==, 0);

  g_assert_true (lifecycle_leave (f->life, broadcast, f->now));
  f->now += WINDOW;
  g_assert_true (lifecycle_expire (f->life, f->now + 5) == broadcast);
  g_assert_null (lifecycle_expire (f->life, f->now + 5));
  assert_state (broadcast, BROADCAST_ENDED, f->now);
  g_assert_cmpstr (broadcast->reason, ==, "window-passed");
  g_assert_cmpint (broadcast->created, ==, T0);
  lifecycle_forget (f->life, broadcast);
  g_assert_cmpuint (size (f), ==, 0);
}

static void
test_busy (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *other;

  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &other), ==, LIFE_BUSY);
  g_assert_null (other);
  /* Another key of the same broadcaster. */
  g_assert_cmpint (knock (f, "bbbbbbbb", 1, &other), ==, LIFE_BUSY);
  lifecycle_live (f->life, broadcast, f->now);
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &other), ==, LIFE_BUSY);
  g_assert_cmpint (knock (f, "bbbbbbbb", 1, &other), ==, LIFE_BUSY);
  /* Elsewhere does not matter for what is here. */
  g_assert_cmpint (knock_at (f, "aaaaaaaa", 1, TRUE, &other), ==, LIFE_BUSY);
  /* Another broadcaster of the same game. */
  g_assert_cmpint (knock (f, "cccccccc", 2, &other), ==, LIFE_BEGINS);
  /* Nobody in particular is not somebody. */
  g_assert_cmpint (knock (f, "dddddddd", 0, &other), ==, LIFE_BEGINS);
  g_assert_cmpuint (size (f), ==, 3);
}

static void
test_full (Fixture *f, gconstpointer unused)
{
  Broadcast *a = begin (f), *b, *c, *d;

  g_assert_cmpint (knock (f, "bbbbbbbb", 2, &b), ==, LIFE_BEGINS);
  g_assert_cmpint (knock (f, "cccccccc", 3, &c), ==, LIFE_BEGINS);
  g_assert_cmpint (knock (f, "dddddddd", 4, &d), ==, LIFE_FULL);
  g_assert_null (d);
  lifecycle_leave (f->life, a, f->now);
  g_assert_cmpint (knock (f, "dddddddd", 4, &d), ==, LIFE_BEGINS);
  /* Going on takes a place, too; being ended gives none while it is connected. */
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &a), ==, LIFE_FULL);
  g_assert_true (lifecycle_end (f->life, b, "operator", f->now));
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &a), ==, LIFE_FULL);
  lifecycle_leave (f->life, b, f->now);
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &a), ==, LIFE_GOES_ON);
}

static void
test_other_key_begins_anew (Fixture *f, gconstpointer unused)
{
  Broadcast *old = begin (f), *new;

  lifecycle_live (f->life, old, f->now);
  f->now += SECOND;
  lifecycle_leave (f->life, old, f->now);
  f->now += SECOND;
  g_assert_cmpint (knock (f, "bbbbbbbb", 1, &new), ==, LIFE_BEGINS);
  g_assert_true (new != old);
  g_assert_true (lifecycle_expire (f->life, f->now) == old);
  assert_state (old, BROADCAST_ENDED, f->now);
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &new), ==, LIFE_BUSY);
}

static void
test_elsewhere (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast;

  g_assert_cmpint (
      knock_at (f, "aaaaaaaa", 1, TRUE, &broadcast), ==, LIFE_ELSEWHERE);
  g_assert_null (broadcast);
  g_assert_cmpuint (size (f), ==, 0);
  broadcast = begin (f);
  lifecycle_leave (f->life, broadcast, f->now);
  /* What is here goes on here. */
  g_assert_cmpint (
      knock_at (f, "aaaaaaaa", 1, TRUE, &broadcast), ==, LIFE_GOES_ON);
  lifecycle_leave (f->life, broadcast, f->now);
  g_assert_cmpint (
      knock_at (f, "bbbbbbbb", 1, TRUE, &broadcast), ==, LIFE_ELSEWHERE);
  f->now += WINDOW;
  g_assert_cmpint (
      knock_at (f, "aaaaaaaa", 1, TRUE, &broadcast), ==, LIFE_ELSEWHERE);
}

static void
test_retract (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f);
  gint64 until;

  g_assert_false (lifecycle_retract (f->life, broadcast, f->now));
  g_assert_cmpuint (size (f), ==, 0);

  broadcast = begin (f);
  lifecycle_live (f->life, broadcast, f->now);
  lifecycle_leave (f->life, broadcast, f->now);
  until = broadcast->resume_until;
  f->now += SECOND;
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &broadcast), ==, LIFE_GOES_ON);
  f->now += SECOND;
  g_assert_true (lifecycle_retract (f->life, broadcast, f->now));
  assert_state (broadcast, BROADCAST_INTERRUPTED, f->now);
  g_assert_cmpint (broadcast->resume_until, ==, until);

  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &broadcast), ==, LIFE_GOES_ON);
  lifecycle_end (f->life, broadcast, "operator", f->now);
  g_assert_true (lifecycle_retract (f->life, broadcast, f->now));
  g_assert_cmpint (broadcast->state, ==, BROADCAST_ENDED);
}

static void
test_end_holds (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;

  lifecycle_live (f->life, broadcast, f->now);
  g_assert_true (lifecycle_end (f->life, broadcast, "developer", f->now));
  assert_state (broadcast, BROADCAST_ENDED, f->now);
  g_assert_cmpstr (broadcast->reason, ==, "developer");
  /* Twice, late media, and its publisher's parting change nothing. */
  g_assert_false (lifecycle_end (f->life, broadcast, "operator", f->now));
  g_assert_false (lifecycle_live (f->life, broadcast, f->now));
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_HELD);
  g_assert_false (lifecycle_leave (f->life, broadcast, f->now));
  g_assert_cmpstr (broadcast->reason, ==, "developer");

  f->now += HOLD - 1;
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_HELD);
  g_assert_cmpint (knock (f, "bbbbbbbb", 1, &again), ==, LIFE_HELD);
  g_assert_cmpint (knock (f, "cccccccc", 2, &again), ==, LIFE_BEGINS);
  f->now += 1;
  /* Forgotten or not, the next one is a new one. */
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_BEGINS);
  g_assert_true (again != broadcast);
  lifecycle_forget (f->life, broadcast);
  g_assert_true (lifecycle_find (f->life, again->link) == again);
}

static void
test_end_while_interrupted (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;

  lifecycle_leave (f->life, broadcast, f->now);
  g_assert_true (lifecycle_end (f->life, broadcast, "operator", f->now));
  g_assert_cmpint (lifecycle_next (f->life), ==, G_MAXINT64);
  f->now += WINDOW;
  g_assert_null (lifecycle_expire (f->life, f->now));
  g_assert_cmpstr (broadcast->reason, ==, "operator");
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_BEGINS);
}

/* The window passes while nobody looks: whoever comes first, clock or
 * publisher, the broadcast is over. */
static void
test_knock_races_with_expiry (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;

  lifecycle_live (f->life, broadcast, f->now);
  lifecycle_leave (f->life, broadcast, f->now);
  f->now += WINDOW;
  g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_BEGINS);
  g_assert_true (again != broadcast);
  g_assert_true (lifecycle_expire (f->life, f->now) == broadcast);
  g_assert_null (lifecycle_expire (f->life, f->now));
  g_assert_cmpint (again->state, ==, BROADCAST_STARTING);
}

static void
test_flapping (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;

  for (guint i = 0; i < 20 * 60; i++) {
    g_assert_true (lifecycle_live (f->life, broadcast, f->now));
    f->now += SECOND / 40;
    g_assert_true (lifecycle_leave (f->life, broadcast, f->now));
    g_assert_null (lifecycle_expire (f->life, f->now));
    f->now += SECOND / 40;
    g_assert_cmpint (knock (f, "aaaaaaaa", 1, &again), ==, LIFE_GOES_ON);
    g_assert_true (again == broadcast);
  }
  g_assert_cmpuint (size (f), ==, 1);
}

/* Without media it does not live for ever. */
static void
test_flapping_without_media (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast = begin (f), *again;
  guint n = 0;

  while (TRUE) {
    f->now += SECOND / 40;
    lifecycle_leave (f->life, broadcast, f->now);
    f->now += SECOND / 40;
    if (knock (f, "aaaaaaaa", 1, &again) != LIFE_GOES_ON)
      break;
    n++;
  }
  g_assert_cmpuint (n, ==, 20 * (WINDOW / SECOND));
  g_assert_true (again != broadcast);
  g_assert_true (lifecycle_expire (f->life, f->now) == broadcast);
}

static Broadcast *
stored (const char *link, BroadcastState state, gint64 since, gint64 until)
{
  Broadcast *broadcast = g_new0 (Broadcast, 1);

  broadcast->link = g_strdup (link);
  broadcast->key_id = g_strdup (link);
  broadcast->game = g_strdup ("game");
  broadcast->title = g_strdup ("");
  broadcast->broadcaster_name = g_strdup ("");
  broadcast->state = state;
  broadcast->since = since;
  broadcast->resume_until = until;
  if (state == BROADCAST_ENDED)
    broadcast->reason = g_strdup ("operator");
  return broadcast;
}

static Broadcast *
restore (Fixture *f, const char *link, BroadcastState state, gint64 until,
    gint64 last_media)
{
  return lifecycle_restore (f->life,
      stored (link, state, f->now - 10 * SECOND, until), last_media, f->now);
}

static void
test_restore (Fixture *f, gconstpointer unused)
{
  gint64 since = f->now - 10 * SECOND;
  Broadcast *b;

  b = restore (f, "live", BROADCAST_LIVE, 0, f->now - 3 * SECOND);
  assert_state (b, BROADCAST_INTERRUPTED, f->now - 3 * SECOND);
  g_assert_cmpint (b->resume_until, ==, f->now + WINDOW);
  b = restore (f, "starting", BROADCAST_STARTING, 0, 0);
  assert_state (b, BROADCAST_INTERRUPTED, since);
  g_assert_cmpint (b->resume_until, ==, f->now + WINDOW);
  b = restore (f, "returning", BROADCAST_STARTING, f->now + SECOND, since);
  g_assert_cmpint (b->resume_until, ==, f->now + WINDOW);
  b = restore (f, "waiting", BROADCAST_INTERRUPTED, f->now + SECOND, 0);
  assert_state (b, BROADCAST_INTERRUPTED, since);
  g_assert_cmpint (b->resume_until, ==, f->now + SECOND);
  b = restore (f, "future", BROADCAST_INTERRUPTED, f->now + 10 * WINDOW, 0);
  g_assert_cmpint (b->resume_until, ==, f->now + WINDOW);
  b = restore (f, "over", BROADCAST_ENDED, 0, 0);
  assert_state (b, BROADCAST_ENDED, since);
  b = restore (f, "late", BROADCAST_INTERRUPTED, f->now - SECOND, 0);
  g_assert_true (lifecycle_expire (f->life, f->now) == b);
  assert_state (b, BROADCAST_ENDED, f->now - SECOND);
  g_assert_null (restore (f, "late", BROADCAST_LIVE, 0, 0));
  g_assert_cmpuint (size (f), ==, 7);
  g_assert_cmpint (knock (f, "live", 0, &b), ==, LIFE_GOES_ON);
  g_assert_cmpstr (b->link, ==, "live");
}

/* While the database is away, what has ended piles up, to a point. */
static void
test_ended_is_bounded (Fixture *f, gconstpointer unused)
{
  Broadcast *broadcast, *publishing;

  g_assert_cmpint (knock (f, "zzzzzzzz", 99, &publishing), ==, LIFE_BEGINS);
  lifecycle_end (f->life, publishing, "operator", f->now);
  for (guint i = 0; i < 3000; i++) {
    broadcast = begin (f);
    lifecycle_end (f->life, broadcast, "operator", f->now);
    lifecycle_leave (f->life, broadcast, f->now);
    f->now += HOLD;
  }
  g_assert_cmpuint (size (f), <, 1100);
  g_assert_nonnull (lifecycle_find (f->life, "link-3000"));
  g_assert_null (lifecycle_find (f->life, "link-1"));
  g_assert_nonnull (lifecycle_find (f->life, "link-0"));
}

/* Whatever happens in whichever order: at most one open broadcast for each
 * broadcaster, a reason if and only if ended, a window only where there is one,
 * and what has ended stays so. */
static void
check_invariants (Fixture *f)
{
  const GPtrArray *all = lifecycle_get_all (f->life);
  guint open[4] = {0};

  for (guint i = 0; i < all->len; i++) {
    const Broadcast *b = all->pdata[i];
    gboolean ended = b->state == BROADCAST_ENDED;

    g_assert_true (ended == (b->reason != NULL));
    g_assert_true (b->state != BROADCAST_LIVE || b->is_publishing);
    g_assert_true (b->state != BROADCAST_STARTING || b->is_publishing);
    g_assert_true (b->state != BROADCAST_INTERRUPTED || !b->is_publishing);
    if (b->state == BROADCAST_LIVE || ended)
      g_assert_cmpint (b->resume_until, ==, 0);
    if (b->state == BROADCAST_INTERRUPTED) {
      g_assert_cmpint (b->resume_until, >, 0);
      g_assert_cmpint (b->resume_until, <=, b->since + WINDOW);
    }
    if (!ended &&
        !(b->state == BROADCAST_INTERRUPTED && b->resume_until <= f->now))
      open[b->broadcaster]++;
  }
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    g_assert_cmpuint (open[i], <=, 1);
}

static Broadcast *
pick (Fixture *f, GRand *rand)
{
  const GPtrArray *all = lifecycle_get_all (f->life);

  return all->len > 0 ? all->pdata[g_rand_int_range (rand, 0, (gint32)all->len)]
                      : NULL;
}

static void
do_something (Fixture *f, GRand *rand)
{
  static const char *const keys[] = {"aaaaaaaa", "bbbbbbbb", "cccccccc"};
  Broadcast *b = pick (f, rand), *admitted;
  int key = g_rand_int_range (rand, 0, G_N_ELEMENTS (keys));

  f->now += g_rand_int_range (rand, 0, 20) * SECOND;
  switch (g_rand_int_range (rand, 0, 8)) {
    case 0:
    case 1:
    case 2:
      knock_at (f, keys[key], 1 + key / 2, g_rand_int_range (rand, 0, 8) == 0,
          &admitted);
      break;
    case 3:
      if (b != NULL)
        lifecycle_live (f->life, b, f->now);
      break;
    case 4:
      if (b != NULL && b->is_publishing)
        lifecycle_leave (f->life, b, f->now);
      break;
    case 5:
      if (b != NULL && g_rand_boolean (rand))
        lifecycle_end (f->life, b, "operator", f->now);
      break;
    case 6:
      if (b != NULL && b->state == BROADCAST_ENDED && !b->is_publishing)
        lifecycle_forget (f->life, b);
      break;
    default:
      while (lifecycle_expire (f->life, f->now) != NULL)
        ;
      break;
  }
}

static void
test_random (Fixture *f, gconstpointer unused)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);

  for (guint i = 0; i < 50000; i++) {
    do_something (f, rand);
    check_invariants (f);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                        \
  g_test_add ("/lifecycle/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("whole-life", test_whole_life);
  ADD ("busy", test_busy);
  ADD ("full", test_full);
  ADD ("other-key-begins-anew", test_other_key_begins_anew);
  ADD ("elsewhere", test_elsewhere);
  ADD ("retract", test_retract);
  ADD ("end-holds", test_end_holds);
  ADD ("end-while-interrupted", test_end_while_interrupted);
  ADD ("knock-races-with-expiry", test_knock_races_with_expiry);
  ADD ("flapping", test_flapping);
  ADD ("flapping-without-media", test_flapping_without_media);
  ADD ("restore", test_restore);
  ADD ("ended-is-bounded", test_ended_is_bounded);
  ADD ("random", test_random);
  return g_test_run ();
}
