/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `wishcast run` runs beside the broadcasts: the sweeper's patience and
 * its query, and the lines of the log. */

#include "journal.h"
#include "pgkit.h"
#include "registrar.h"
#include "sweeper.h"

/* A database that was away must not make living nodes look dead. */
static void
test_sweep_rule (void)
{
  const gint64 quiet = 2 * REGISTRAR_LEASE;
  SweepRule rule = {0};

  g_assert_false (sweep_rule_is_due (&rule, G_MAXINT64));
  sweep_rule_connected (&rule, 1000);
  g_assert_false (sweep_rule_is_due (&rule, 1000));
  g_assert_false (sweep_rule_is_due (&rule, 1000 + quiet - 1));
  g_assert_true (sweep_rule_is_due (&rule, 1000 + quiet));
  sweep_rule_lost (&rule);
  g_assert_false (sweep_rule_is_due (&rule, 1000 + 2 * quiet));
  sweep_rule_connected (&rule, 1000 + 3 * quiet);
  g_assert_false (sweep_rule_is_due (&rule, 1000 + 3 * quiet));
  g_assert_true (sweep_rule_is_due (&rule, 1000 + 4 * quiet));
}

/* A node that died, one that lives, and one that is over. */
static void
test_sweep (void)
{
  g_autoptr (PgKit) kit = pg_kit_new ();
  const char *sql = "SELECT link, state, end_reason FROM wishcast.broadcast "
                    "ORDER BY link";

  pg_kit_add_game (kit, "hl", "Half-Life");
  pg_kit_run (kit,
      "INSERT INTO wishcast.broadcast (id, link, game, state, node, "
      "  created_at, changed_at, lease_until, resume_until) "
      "SELECT md5 (link)::uuid, link, 'hl', state, 'b', now (), now (), "
      "  now () + lease::interval, now () + resume::interval "
      "FROM (VALUES ('alive', 'live', '5 s', NULL), "
      "  ('dead', 'live', '-20 s', NULL), "
      "  ('graceful', 'interrupted', NULL, '-3 s'), "
      "  ('late', 'starting', '-3 s', NULL), "
      "  ('over', 'interrupted', NULL, '-20 s'), "
      "  ('waits', 'interrupted', NULL, '20 s')) "
      "AS v (link, state, lease, resume)");
  pg_kit_assert (kit, "SELECT wishcast.sweep ('90 s', '5 s')", "2");
  pg_kit_assert (kit, sql,
      "alive|live|-\n"
      "dead|interrupted|-\n"
      "graceful|interrupted|-\n"
      "late|starting|-\n"
      "over|ended|node-lost\n"
      "waits|interrupted|-");
  /* Since the lease ran out, and for a window from then. */
  pg_kit_assert (kit,
      "SELECT round (extract (epoch FROM resume_until - changed_at)), "
      "  changed_at < now () - interval '19 s' "
      "FROM wishcast.broadcast WHERE link = 'dead'",
      "90|t");
}

static void
test_sweeper_stops (void)
{
  g_autoptr (PgKit) kit = pg_kit_new ();
  Sweeper *sweeper =
      sweeper_new (pg_kit_get_conninfo (kit), 90 * G_USEC_PER_SEC);

  pg_kit_stop (kit);
  sweeper_free (sweeper);
}

static void
test_journal (void)
{
  static const struct {
    const char *message, *line;
  } cases[] = {
      {"on air", "2023-11-14T22:13:20Z on air\n"},
      {"a\nb\x1b[2J\x7f", "2023-11-14T22:13:20Z a b [2J \n"},
      {"Jos\u00e9", "2023-11-14T22:13:20Z Jos\u00e9\n"},
      {"\xff", "2023-11-14T22:13:20Z \ufffd\n"},
      {"\xc2\x85", "2023-11-14T22:13:20Z  \n"},
      {"a\u202eb\u2028c\ue000", "2023-11-14T22:13:20Z a b c \n"},
      {"100 %s", "2023-11-14T22:13:20Z 100 %s\n"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = journal_format (
        cases[i].message, G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC);

    g_assert_cmpstr (line, ==, cases[i].line);
  }
}

static void
test_journal_length (void)
{
  for (gsize n = 999; n <= 1002; n++) {
    g_autofree char *message = g_strnfill (n, 'x');
    g_autofree char *line = journal_format (message, 0);

    g_assert_cmpuint (
        strlen (line), ==, strlen ("1970-01-01T00:00:00Z \n") + MIN (n, 1000));
    g_assert_true (g_str_has_suffix (line, n <= 1000 ? "x\n" : "x...\n"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/services/sweep-rule", test_sweep_rule);
  g_test_add_func ("/services/sweep", test_sweep);
  g_test_add_func ("/services/sweeper-stops", test_sweeper_stops);
  g_test_add_func ("/services/journal", test_journal);
  g_test_add_func ("/services/journal-length", test_journal_length);
  return g_test_run ();
}
