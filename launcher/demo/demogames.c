/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demogames.h"

#include "gamekeys.h"

const DemoGame demo_games[DEMO_N_GAMES] = {
    {"tin-lighthouse", "Tin Lighthouse", "Salt & Ember", DEMO_ON_AIR, "ball", 0,
        1280, 720, 2000},
    {"paper-comets", "Paper Comets", "Quiet Orbit", DEMO_ON_AIR, "smpte75", 2,
        640, 360, 800, TRUE},
    {"moss-and-magnets", "Moss & Magnets", "Underhill Nine", DEMO_RECORDED,
        "checkers-8", 2, 640, 360, 800},
    {"copper-tides", "Copper Tides", "Fifth Harbour", DEMO_WAITS},
};

gboolean
demo_games_add (
    PgConnection *connection, StreamKey keys[DEMO_N_GAMES], GError **error)
{
  /* Nobody else has added any: the tables are new. */
  gboolean added;

  for (guint i = 0; i < DEMO_N_GAMES; i++) {
    const DemoGame *game = &demo_games[i];

    if (!game_add (connection, game->id, game->title, &added, error) ||
        !game_key_add (
            connection, game->id, game->developer, &keys[i], &added, error))
      return FALSE;
  }
  return TRUE;
}
