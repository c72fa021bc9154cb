/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Publishers of every kind of disorder, from a seed that is printed. What must
 * hold of every output is in sim_check(). */

#include "segmentersim.h"

#define N_RUNS 400

typedef struct {
  gboolean video;
  gint64 time;   /* of the next frame */
  gint64 step;   /* ns */
  guint gop;     /* frames */
  guint n;       /* frames so far */
  gint64 delay;  /* of its arrival */
  gint64 resume; /* sends nothing before this arrival time */
  gboolean ended;
  const char *config;
} Source;

static void
init_source (GRand *rand, Source *source, gboolean video)
{
  static const gint64 audio[] = {20 * MS, 21333333, 23219954, 60 * MS};

  *source = (Source){.video = video, .config = sim_config_a};
  source->step = video ? g_rand_int_range (rand, 8, 100) * MS + 333333
                       : audio[g_rand_int_range (rand, 0, 4)];
  source->gop = g_rand_int_range (rand, 1, 400);
  source->time = g_rand_int_range (rand, 0, 1500) * MS;
  source->delay = g_rand_int_range (rand, 0, 400) * MS;
}

/* Something happens to a source now and then. */
static void
disturb (GRand *rand, Source *source, gint64 now)
{
  switch (g_rand_int_range (rand, 0, 4000)) {
    case 0:
      source->resume = now + g_rand_int_range (rand, 0, 8000) * MS;
      break;
    case 1:
      source->time += g_rand_int_range (rand, -3000, 3000) * MS;
      break;
    case 2:
      source->time += g_rand_int_range (rand, -100, 100) * SECOND;
      break;
    case 3:
      source->config =
          source->config == sim_config_a ? sim_config_b : sim_config_a;
      source->n = 0;
      break;
    case 4:
      source->ended = g_rand_boolean (rand);
      break;
    default:
      break;
  }
}

static void
send_frame (GRand *rand, Sim *sim, guint index, Source *source, gint64 now)
{
  gint64 jitter = source->video ? g_rand_int_range (rand, -3, 4) * MS : 0;

  disturb (rand, source, now);
  if (source->ended) {
    segmenter_end_track (sim->segmenter, index, now);
    return;
  }
  if (now >= source->resume)
    sim_push (sim, index, source->time + jitter,
        source->video && g_rand_boolean (rand) ? 0 : source->step,
        !source->video || source->n % source->gop == 0, source->config, now);
  source->n++;
  source->time += source->step;
}

static void
run (guint32 seed)
{
  static const char *const kinds[] = {
      "va", "v", "a", "av", "vv", "aa", "vva", "vaa", "vvaa"};
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  SegmenterSettings settings = sim_settings;
  const char *kind = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
  g_autoptr (Sim) sim = NULL;
  Source sources[4];
  gint64 now = 0, length = g_rand_int_range (rand, 1, 60) * SECOND;
  gint64 due[4] = {0};

  settings.first_time = g_rand_int_range (rand, 0, 3) * 1000 * SECOND;
  settings.first_msn = g_rand_int_range (rand, 0, 3) * 10;
  sim = sim_new (&settings, kind);
  sim->no_silence = g_rand_int_range (rand, 0, 4) == 0;
  for (guint i = 0; i < sim->n_tracks; i++) {
    init_source (rand, &sources[i], kind[i] == 'v');
    due[i] = sources[i].time + sources[i].delay;
  }
  while (now < length) {
    guint next = 0;

    for (guint i = 1; i < sim->n_tracks; i++)
      if (due[i] < due[next])
        next = i;
    now = due[next];
    if (!sources[next].ended)
      send_frame (rand, sim, next, &sources[next], now);
    due[next] += sources[next].step;
  }
  sim_end (sim, now);
  for (guint i = 0; i < sim->n_tracks && !sim->no_silence; i++)
    sim_check_continuous (sim, i);
}

static void
test_random (void)
{
  for (guint i = 0; i < N_RUNS; i++) {
    guint32 seed = g_test_rand_int ();

    g_test_message ("seed %u", seed);
    run (seed);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc > 1)
    run (g_ascii_strtoull (argv[1], NULL, 10));
  g_test_add_func ("/segmenter/random", test_random);
  return g_test_run ();
}
