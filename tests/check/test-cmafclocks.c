/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inputclock.h"
#include "trackclock.h"

#define MS G_GINT64_CONSTANT (1000000)
#define SECOND (1000 * MS)

/* Stamps rounded to milliseconds give times that are exact and contiguous for
 * an hour. */
static void
test_rounded_audio (void)
{
  static const struct {
    guint samples, rate;
  } cases[] = {{1024, 48000}, {1024, 44100}, {1024, 22050}, {960, 48000}};

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
    const guint samples = cases[c].samples, rate = cases[c].rate;
    guint n = 3600 * rate / samples;
    InputClock clock = {0};
    gint64 end = 0;

    for (guint i = 0; i < n; i++) {
      gint64 exact = (gint64)i * samples * SECOND / rate;
      gint64 stamp = (exact + MS / 2) / MS * MS;
      guint64 duration;
      gint64 time = input_clock_audio (&clock, stamp, samples, rate, &duration);

      g_assert_cmpint (time, ==, exact);
      g_assert_cmpint (time, ==, end);
      end = time + duration;
    }
  }
}

static void
test_audio_jump (void)
{
  InputClock clock = {0};
  guint64 duration;

  g_assert_cmpint (input_clock_audio (&clock, 500 * MS, 960, 48000, &duration),
      ==, 500 * MS);
  g_assert_cmpuint (duration, ==, 20 * MS);
  /* 30 ms off is taken for jitter, 60 ms for a jump, also back. */
  g_assert_cmpint (input_clock_audio (&clock, 550 * MS, 960, 48000, &duration),
      ==, 520 * MS);
  g_assert_cmpint (input_clock_audio (&clock, 600 * MS, 960, 48000, &duration),
      ==, 600 * MS);
  g_assert_cmpint (input_clock_audio (&clock, 615 * MS, 960, 48000, &duration),
      ==, 620 * MS);
  g_assert_cmpint (
      input_clock_audio (&clock, -9 * SECOND, 960, 48000, &duration), ==,
      -9 * SECOND);
}

/* Frames of varying length, as Opus may have them. */
static void
test_audio_frame_sizes (void)
{
  static const guint sizes[] = {120, 240, 480, 960, 1920, 2880, 333};
  InputClock clock = {0};
  gint64 samples = 0, end = 0;

  for (guint i = 0; i < 1000; i++) {
    guint size = sizes[i % G_N_ELEMENTS (sizes)];
    guint64 duration;
    gint64 time = input_clock_audio (
        &clock, samples * SECOND / 48000, size, 48000, &duration);

    g_assert_cmpint (time, ==, end);
    end = time + duration;
    samples += size;
  }
  g_assert_cmpint (end, ==, samples * SECOND / 48000);
}

/* I0 P3 B1 B2: the time of a frame is its decode time, later by the delay of
 * the first, so that it begins when sound of the same PTS does. */
static void
test_video_shift (void)
{
  static const struct {
    gint64 dts, pts, time, cts;
  } frames[] = {
      {1000 * MS, 1080 * MS, 1080 * MS, 80 * MS},
      {1040 * MS, 1200 * MS, 1120 * MS, 160 * MS},
      {1080 * MS, 1120 * MS, 1160 * MS, 40 * MS},
      {1120 * MS, 1160 * MS, 1200 * MS, 40 * MS},
  };
  InputClock clock = {0};

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    gint64 time, cts;

    input_clock_video (&clock, frames[i].dts, frames[i].pts, &time, &cts);
    g_assert_cmpint (time, ==, frames[i].time);
    g_assert_cmpint (cts, ==, frames[i].cts);
  }
  g_assert_cmpint (clock.shift, ==, 80 * MS);
}

/* Picture and sound of one publisher through two clocks. */
typedef struct {
  ClockJumps jumps;
  TrackClock tracks[2];
} Pair;

static void
pair_init (Pair *pair)
{
  *pair = (Pair){.jumps = {.timeout = SECOND, .max_step = 10 * SECOND}};
  for (guint i = 0; i < 2; i++)
    track_clock_init (&pair->tracks[i]);
}

static gint64
push (Pair *pair, guint track, gint64 time, gint64 now, gboolean *jumped)
{
  TrackClock *clock = &pair->tracks[track];
  gint64 position = pair->tracks[0].newest;
  gint64 media = track_clock_advance (
      clock, &pair->jumps, time, position, FALSE, now, jumped);

  clock->newest = media;
  clock->arrival = now;
  clock->duration = track == 0 ? 40 * MS : 20 * MS;
  return media;
}

/* Both tracks jump; sound is 100 ms behind the picture in the interleave and
 * must still lie where it did to the picture. */
static void
jump_both (gint64 by, guint first)
{
  Pair pair;
  gboolean jumped;
  gint64 media[2];

  pair_init (&pair);
  for (gint64 t = 0; t < 5000 * MS; t += 40 * MS) {
    g_assert_cmpint (push (&pair, 0, t, t, &jumped), ==, t);
    g_assert_false (jumped);
    push (&pair, 1, t - 100 * MS, t, &jumped);
    g_assert_false (jumped);
  }
  for (guint i = 0; i < 2; i++) {
    guint track = i == 0 ? first : !first;

    media[track] = push (&pair, track, 5000 * MS + by - (track ? 100 * MS : 0),
        5000 * MS + i, &jumped);
    g_assert_true (jumped);
  }
  g_assert_cmpint (media[0] - media[1], ==, 100 * MS);
  g_assert_cmpint (media[0], >=, 4960 * MS);
  g_assert_cmpint (media[0], <, 5200 * MS);
  /* They go on without another jump. */
  for (gint64 t = 5040 * MS; t < 6000 * MS; t += 40 * MS) {
    g_assert_cmpint (push (&pair, 0, t + by, t, &jumped) -
                         push (&pair, 1, t + by - 100 * MS, t, &jumped),
        ==, 100 * MS);
    g_assert_false (jumped);
  }
}

static void
test_jump_of_both (void)
{
  static const gint64 steps[] = {
      100 * SECOND, -100 * SECOND, 11 * SECOND, -3 * SECOND, 1L << 50};

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    jump_both (steps[i], 0);
    jump_both (steps[i], 1);
  }
}

/* Sound alone jumps: it goes on where it was. */
static void
test_jump_of_one (void)
{
  Pair pair;
  gboolean jumped;

  pair_init (&pair);
  push (&pair, 0, 0, 0, &jumped);
  push (&pair, 1, 0, 0, &jumped);
  g_assert_cmpint (push (&pair, 1, 60 * SECOND, MS, &jumped), ==, 20 * MS);
  g_assert_true (jumped);
  g_assert_cmpint (push (&pair, 0, 40 * MS, MS, &jumped), ==, 40 * MS);
  g_assert_false (jumped);
}

static void
test_small_steps (void)
{
  Pair pair;
  gboolean jumped;

  pair_init (&pair);
  push (&pair, 0, 0, 0, &jumped);
  g_assert_cmpint (push (&pair, 0, 10 * SECOND, 0, &jumped), ==, 10 * SECOND);
  g_assert_false (jumped);
  g_assert_cmpint (push (&pair, 0, 9 * SECOND, 0, &jumped), ==, 9 * SECOND);
  g_assert_false (jumped);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/input-clock/rounded-audio", test_rounded_audio);
  g_test_add_func ("/input-clock/audio-jump", test_audio_jump);
  g_test_add_func ("/input-clock/audio-frame-sizes", test_audio_frame_sizes);
  g_test_add_func ("/input-clock/video-shift", test_video_shift);
  g_test_add_func ("/track-clock/jump-of-both", test_jump_of_both);
  g_test_add_func ("/track-clock/jump-of-one", test_jump_of_one);
  g_test_add_func ("/track-clock/small-steps", test_small_steps);
  return g_test_run ();
}
