/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"
#include "streamkey.h"

G_BEGIN_DECLS

/* What becomes of a game in the demo. */
typedef enum {
  DEMO_ON_AIR,
  DEMO_RECORDED, /* on air for a moment, then over */
  DEMO_WAITS,    /* for a person with OBS */
} DemoPart;

/* A game and its developer. None of them is real. */
typedef struct {
  const char *id, *title, *developer;
  DemoPart part;
  /* Unless it waits: what its publisher sends, as the description has it. */
  const char *pattern;
  guint scroll;
  guint width, height, bitrate;
  gboolean by_rtsp; /* if this machine has rtspclientsink */
} DemoGame;

#define DEMO_N_GAMES 4
extern const DemoGame demo_games[DEMO_N_GAMES];

/* Adds them all, and a key for each, which are to be cleared. */
gboolean demo_games_add (
    PgConnection *connection, StreamKey keys[DEMO_N_GAMES], GError **error);

G_END_DECLS
