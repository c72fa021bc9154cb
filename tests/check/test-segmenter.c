/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "segmentersim.h"

/* Video of a constant rate with sound, interleaved as a publisher sends it. */
typedef struct {
  guint fps_n, fps_d;
  gint64 gop;      /* ns between key frames */
  gint64 audio;    /* ns an audio frame, 0: none */
  gint64 rounding; /* ns */
  gint64 from, to; /* ns */
  gint64 audio_from, audio_to;
} Stream;

static gint64
round_to (gint64 time, gint64 unit)
{
  return unit == 0 ? time : (time + unit / 2) / unit * unit;
}

static void
stream (Sim *sim, const Stream *s)
{
  gint64 audio = s->audio_from;
  gint64 audio_to = s->audio_to != 0 ? s->audio_to : s->to;
  /* As encoders count it. */
  gint64 gop = round_to (s->gop * s->fps_n / s->fps_d, SECOND) / SECOND;

  for (gint64 i = 0;; i++) {
    gint64 time = s->from + i * SECOND * s->fps_d / s->fps_n;

    if (time >= s->to)
      return;
    for (; s->audio != 0 && audio < MIN (time, audio_to); audio += s->audio)
      sim_audio (sim, 1, audio, s->audio, time);
    sim_video (sim, 0, round_to (time, s->rounding), i % gop == 0, time);
  }
}

static guint
count_segments (Sim *sim, guint track, gint64 *longest)
{
  guint n = 0;
  gint64 length = 0;

  *longest = 0;
  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->track != track)
      continue;
    if (part->part == 0) {
      n++;
      length = 0;
    }
    length += part->duration;
    *longest = MAX (*longest, length);
  }
  return n;
}

static void
assert_part_lengths (Sim *sim, guint track)
{
  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->track != track)
      continue;
    g_assert_cmpint (part->duration, <=, 500 * MS);
    if (!part->last)
      g_assert_cmpint (part->duration, >=, 425 * MS);
  }
}

static void
test_rates (void)
{
  static const guint rates[][2] = {
      {30, 1}, {30000, 1001}, {25, 1}, {24, 1}, {24000, 1001}, {60, 1}};
  static const gint64 audio[] = {
      1024 * SECOND / 48000, 1024 * SECOND / 44100, 20 * MS};
  static const gint64 roundings[] = {0, MS};

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    for (guint a = 0; a < G_N_ELEMENTS (audio); a++) {
      for (guint i = 0; i < G_N_ELEMENTS (roundings); i++) {
        g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
        gint64 longest;
        guint n;

        stream (sim, &(Stream){.fps_n = rates[r][0],
                         .fps_d = rates[r][1],
                         .gop = 2 * SECOND,
                         .audio = audio[a],
                         .rounding = roundings[i],
                         .to = 60 * SECOND});
        sim_end (sim, 60 * SECOND);
        assert_part_lengths (sim, 0);
        assert_part_lengths (sim, 1);
        sim_check_continuous (sim, 0);
        sim_check_continuous (sim, 1);
        n = count_segments (sim, 0, &longest);
        g_assert_cmpuint (n, ==, 30);
        g_assert_cmpuint (count_segments (sim, 1, &longest), ==, n);
        g_assert_cmpuint (sim->epochs->len, ==, 1);
        g_assert_cmpuint (sim->n_forced, ==, 0);
        g_assert_cmpuint (sim->n_silent, ==, 0);
        g_assert_cmpuint (sim->n_dropped, <=, 1);
      }
    }
  }
}

/* Stamps that waver around the segment duration do not double a segment. */
static void
test_wavering_keys (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "v");
  gint64 longest;

  for (guint i = 0; i < 600; i++) {
    gint64 time = i * 40 * MS + (i / 50 % 2 ? 0 : MS);

    sim_video (sim, 0, time, i % 50 == 0, time);
  }
  sim_end (sim, 0);
  g_assert_cmpuint (count_segments (sim, 0, &longest), ==, 12);
}

static void
test_short_gops (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "v");
  gint64 longest;

  stream (sim,
      &(Stream){.fps_n = 30, .fps_d = 1, .gop = 1500 * MS, .to = 30 * SECOND});
  sim_end (sim, 0);
  g_assert_cmpuint (count_segments (sim, 0, &longest), ==, 10);
  g_assert_cmpint (longest, ==, 3 * SECOND);
  for (guint i = 0; i < sim->parts->len; i++)
    g_assert_cmpint (
        sim_part (sim, i)->independent || sim_part (sim, i)->part, !=, 0);
}

/* OBS's key frame interval: a segment a GOP. */
static void
test_obs_gops (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  gint64 longest;

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 8333333333,
                   .audio = 20 * MS,
                   .rounding = MS,
                   .to = 60 * SECOND});
  sim_end (sim, 60 * SECOND);
  g_assert_cmpuint (count_segments (sim, 0, &longest), ==, 8);
  g_assert_cmpint (longest, <=, 8400 * MS);
  g_assert_cmpuint (sim->n_forced, ==, 0);
}

/* Longer than the limit: 10 + 5 of the 15 s between two key frames. */
static void
test_forced_cuts (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  gint64 longest;

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 15 * SECOND,
                   .audio = 20 * MS,
                   .to = 60 * SECOND});
  sim_end (sim, 60 * SECOND);
  g_assert_cmpuint (count_segments (sim, 0, &longest), ==, 8);
  g_assert_cmpint (longest, ==, 10 * SECOND);
  g_assert_cmpuint (count_segments (sim, 1, &longest), ==, 8);
  g_assert_cmpuint (sim->n_forced, ==, 4);
  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->track == 0 && part->part == 0)
      g_assert_cmpint (part->independent, ==, part->msn % 2 == 0);
  }
}

/* A segment that began without a key frame ends at the next. */
static void
test_cut_after_forced (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "v");
  SimPart *last;

  for (guint i = 0; i < 280; i++)
    sim_video (sim, 0, i * 40 * MS, i == 0 || i == 260, i * 40 * MS);
  sim_end (sim, 0);
  last = sim_part (sim, sim->parts->len - 1);
  g_assert_cmpuint (last->msn, ==, 2);
  g_assert_cmpuint (sim->n_forced, ==, 1);
  sim_check_continuous (sim, 0);
}

/* A screen that stands still, then moves: frames of 700 ms and of 16. */
static void
test_variable_rate (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  gint64 time = 0, audio = 0;
  guint long_parts = 0;

  for (guint i = 0; time < 60 * SECOND; i++) {
    for (; audio < time; audio += 20 * MS)
      sim_audio (sim, 1, audio, 20 * MS, time);
    sim_video (sim, 0, time, i % 40 == 0, time);
    time += i % 20 < 5 ? 700 * MS : 16 * MS;
  }
  sim_end (sim, time);
  sim_check_continuous (sim, 0);
  sim_check_continuous (sim, 1);
  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->duration <= 500 * MS)
      continue;
    g_assert_cmpuint (part->n_samples, ==, 1);
    long_parts++;
  }
  g_assert_cmpuint (long_parts, >, 10);
  g_assert_cmpuint (sim->epochs->len, ==, 1);
}

/* Declared sound that never comes is waited for once, then given up. */
static void
test_absent_audio (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");

  stream (
      sim, &(Stream){.fps_n = 30, .fps_d = 1, .gop = 2 * SECOND, .to = SECOND});
  g_assert_cmpuint (sim->epochs->len, ==, 0);
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .from = SECOND,
                   .to = 20 * SECOND});
  sim_end (sim, 20 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 1);
  g_assert_cmpuint (sim_epoch (sim, 0)->present, ==, 1);
  g_assert_cmpuint (sim->n_dropped, ==, 0);
}

/* Sound that comes late joins with a new epoch at a key frame. */
static void
test_late_audio (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .audio_from = 5 * SECOND,
                   .to = 20 * SECOND});
  sim_end (sim, 20 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 2);
  g_assert_cmpuint (sim_epoch (sim, 0)->present, ==, 1);
  g_assert_cmpuint (sim_epoch (sim, 1)->present, ==, 3);
  g_assert_cmpint (sim_epoch (sim, 1)->time, ==, 6 * SECOND);
  g_assert_cmpuint (sim->n_returned, ==, 1);
  for (guint i = 0; i < sim->parts->len; i++)
    if (sim_part (sim, i)->track == 1)
      g_assert_cmpint (sim_part (sim, i)->dts, >=, 6 * SECOND - 10 * MS);
}

/* Sound that begins before the picture: the picture begins the media time, and
 * nothing lies before it. */
static void
test_early_audio (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");

  for (gint64 t = 0; t < 730 * MS; t += 20 * MS)
    sim_audio (sim, 1, t, 20 * MS, t);
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .from = 730 * MS,
                   .audio_from = 740 * MS,
                   .to = 10 * SECOND});
  sim_end (sim, 10 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 1);
  g_assert_cmpuint (sim_epoch (sim, 0)->present, ==, 3);
  g_assert_cmpint (sim_epoch (sim, 0)->time, ==, 0);
  for (guint i = 0; i < sim->parts->len; i++)
    g_assert_cmpint (sim_part (sim, i)->dts, >=, 0);
}

/* Sound that stops and comes back is bridged with silence. */
static void
test_silent_audio (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .audio_to = 5 * SECOND,
                   .to = 12 * SECOND});
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .from = 12 * SECOND,
                   .audio_from = 12 * SECOND + 7 * MS,
                   .to = 20 * SECOND});
  sim_end (sim, 20 * SECOND);
  sim_check_continuous (sim, 1);
  g_assert_cmpuint (sim->epochs->len, ==, 1);
  g_assert_cmpuint (sim->n_lost, ==, 1);
  g_assert_cmpuint (sim->n_returned, ==, 1);
  g_assert_cmpuint (sim->n_silent, ==, 350);
  g_assert_cmpuint (sim->n_dropped, ==, 0);
}

/* Without a known silence it leaves, and comes back with an epoch. */
static void
test_unfillable_audio (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");

  sim->no_silence = TRUE;
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .audio_to = 5 * SECOND,
                   .to = 12 * SECOND});
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .from = 12 * SECOND,
                   .audio_from = 12 * SECOND,
                   .to = 20 * SECOND});
  sim_end (sim, 20 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 3);
  g_assert_cmpuint (sim_epoch (sim, 1)->present, ==, 1);
  g_assert_cmpuint (sim_epoch (sim, 2)->present, ==, 3);
}

/* The end of sound while the picture goes on. */
static void
test_audio_ends (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  SimPart *last = NULL;

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .to = 5 * SECOND});
  segmenter_end_track (sim->segmenter, 1, 5 * SECOND);
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .from = 5 * SECOND,
                   .to = 13 * SECOND});
  sim_end (sim, 13 * SECOND);
  sim_check_continuous (sim, 1);
  for (guint i = 0; i < sim->parts->len; i++)
    if (sim_part (sim, i)->track == 1)
      last = sim_part (sim, i);
  g_assert_cmpint (last->dts + last->duration, >=, 12900 * MS);
  g_assert_cmpuint (sim->epochs->len, ==, 1);
}

/* Sound alone jumps 3 s ahead: what lies between is known to be silent, so
 * nothing waits. */
static void
test_audio_hole (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  gint64 end = 0;

  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .audio = 20 * MS,
                   .to = 5 * SECOND});
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .from = 5 * SECOND,
                   .to = 5100 * MS});
  sim_audio (sim, 1, 8 * SECOND, 20 * MS, 5100 * MS);
  stream (sim, &(Stream){.fps_n = 30,
                   .fps_d = 1,
                   .gop = 2 * SECOND,
                   .from = 6 * SECOND,
                   .to = 7 * SECOND});
  for (guint i = 0; i < sim->parts->len; i++)
    if (sim_part (sim, i)->track == 1)
      end = sim_part (sim, i)->dts + sim_part (sim, i)->duration;
  g_assert_cmpint (end, >=, 6 * SECOND);
  sim_end (sim, 9 * SECOND);
  sim_check_continuous (sim, 1);
}

/* Key frames of a ladder differ by rounding and still cut together. */
static void
test_ladder (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "vvv");
  guint64 msn[3] = {0};

  for (guint i = 0; i < 600; i++) {
    gint64 time = i * SECOND / 30;

    for (guint t = 0; t < 3; t++)
      sim_video (sim, t, time + (gint64)(t * i % 3) * MS, i % 60 == 0, time);
  }
  sim_end (sim, 20 * SECOND);
  for (guint i = 0; i < sim->parts->len; i++) {
    SimPart *part = sim_part (sim, i);

    if (part->part == 0)
      g_assert_true (part->starts_with_key);
    msn[part->track] = part->msn;
  }
  for (guint t = 0; t < 3; t++) {
    g_assert_cmpuint (msn[t], ==, 9);
    sim_check_continuous (sim, t);
  }
  g_assert_cmpuint (sim->n_dropped, ==, 0);
}

static void
test_config_change_of_lead (void)
{
  const SegmenterSettings settings = {
      .segment_duration = 2 * SECOND,
      .max_segment_duration = 10 * SECOND,
      .part_duration = 500 * MS,
      .track_timeout = SECOND,
      .first_msn = 100,
      .first_epoch = 7,
      .first_time = 500 * SECOND,
  };
  g_autoptr (Sim) sim = sim_new (&settings, "va");
  gint64 audio = 0;

  for (guint i = 0; i < 300; i++) {
    gint64 time = i * 40 * MS;

    for (; audio < time; audio += 20 * MS)
      sim_audio (sim, 1, audio, 20 * MS, time);
    sim_push (sim, 0, time, 0, i % 50 == 0,
        i < 125 ? sim_config_a : sim_config_b, time);
  }
  sim_end (sim, 12 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 2);
  g_assert_cmpuint (sim_epoch (sim, 0)->epoch, ==, 7);
  g_assert_cmpuint (sim_epoch (sim, 0)->msn, ==, 100);
  g_assert_cmpint (sim_epoch (sim, 0)->time, ==, 500 * SECOND);
  g_assert_cmpuint (sim_epoch (sim, 1)->epoch, ==, 8);
  g_assert_cmpuint (sim_epoch (sim, 1)->msn, ==, 103);
  /* The new configuration is of use from its key frame on. */
  g_assert_cmpint (sim_epoch (sim, 1)->time, ==, 506 * SECOND);
  g_assert_cmpuint (sim->n_dropped, ==, 25);
}

static void
test_config_change_of_follower (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  gint64 audio = 0;

  for (guint i = 0; i < 300; i++) {
    gint64 time = i * 40 * MS;

    for (; audio < time; audio += 20 * MS)
      sim_push (sim, 1, audio, 20 * MS, TRUE,
          audio < 6 * SECOND ? sim_config_a : sim_config_b, time);
    sim_video (sim, 0, time, i % 50 == 0, time);
  }
  sim_end (sim, 12 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 2);
  g_assert_cmpuint (sim_epoch (sim, 1)->present, ==, 3);
  g_assert_cmpint (sim_epoch (sim, 1)->time, <=, 8 * SECOND);
}

/* The picture ends, or was never there: the sound goes on. */
static void
test_no_picture (void)
{
  g_autoptr (Sim) lost = sim_new (&sim_settings, "va");
  g_autoptr (Sim) never = NULL;

  stream (lost, &(Stream){.fps_n = 30,
                    .fps_d = 1,
                    .gop = 2 * SECOND,
                    .audio = 20 * MS,
                    .to = 5 * SECOND});
  for (gint64 t = 5 * SECOND; t < 15 * SECOND; t += 20 * MS)
    sim_audio (lost, 1, t, 20 * MS, t);
  stream (lost, &(Stream){.fps_n = 30,
                    .fps_d = 1,
                    .gop = 2 * SECOND,
                    .audio = 20 * MS,
                    .from = 15 * SECOND,
                    .audio_from = 15 * SECOND,
                    .to = 20 * SECOND});
  sim_end (lost, 20 * SECOND);
  g_assert_cmpuint (lost->epochs->len, ==, 3);
  g_assert_cmpuint (sim_epoch (lost, 1)->present, ==, 2);
  g_assert_cmpuint (sim_epoch (lost, 2)->present, ==, 3);
  g_assert_cmpuint (lost->n_silent, ==, 0);

  never = sim_new (&sim_settings, "va");
  for (gint64 t = 0; t < 15 * SECOND; t += 20 * MS)
    sim_audio (never, 1, t, 20 * MS, t);
  sim_end (never, 15 * SECOND);
  g_assert_cmpuint (never->epochs->len, ==, 1);
  g_assert_cmpuint (sim_epoch (never, 0)->present, ==, 2);
  g_assert_cmpuint (never->n_dropped, ==, 0);
}

/* A publisher's clock jumps: media goes on, a new epoch says so. */
static void
test_jump (void)
{
  static const gint64 jumps[] = {1000 * SECOND, -4 * SECOND};

  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++) {
    g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
    gint64 from = 10 * SECOND + jumps[i];
    SimPart *last;

    stream (sim, &(Stream){.fps_n = 30,
                     .fps_d = 1,
                     .gop = 2 * SECOND,
                     .audio = 20 * MS,
                     .to = 10 * SECOND});
    for (guint f = 0; f < 150; f++) {
      gint64 time = f * SECOND / 30;

      sim_audio (sim, 1, from + time, SECOND / 30, 10 * SECOND + time);
      sim_video (sim, 0, from + time, f % 60 == 0, 10 * SECOND + time);
    }
    sim_end (sim, 15 * SECOND);
    last = sim_part (sim, sim->parts->len - 1);
    g_assert_cmpint (last->dts + last->duration, >=, 14900 * MS);
    g_assert_cmpint (last->dts + last->duration, <=, 15200 * MS);
    g_assert_cmpuint (sim->epochs->len, ==, 2);
    g_assert_cmpuint (sim_epoch (sim, 1)->present, ==, 3);
  }
}

/* The end of the stream, a flush, and another stream into the same broadcast:
 * nothing is used twice. */
static void
test_goes_on_after_end (void)
{
  g_autoptr (Sim) sim = sim_new (&sim_settings, "va");
  Stream s = {.fps_n = 30,
      .fps_d = 1,
      .gop = 2 * SECOND,
      .audio = 20 * MS,
      .to = 5 * SECOND};

  stream (sim, &s);
  sim_end (sim, 5 * SECOND);
  segmenter_resume_track (sim->segmenter, 0);
  segmenter_resume_track (sim->segmenter, 1);
  s.from = s.audio_from = 5 * SECOND;
  s.to = 9 * SECOND;
  stream (sim, &s);
  sim_end (sim, 9 * SECOND);
  g_assert_cmpuint (sim->epochs->len, ==, 2);
  g_assert_cmpuint (sim_epoch (sim, 1)->present, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/segmenter/" path, function)
  ADD ("rates", test_rates);
  ADD ("wavering-keys", test_wavering_keys);
  ADD ("short-gops", test_short_gops);
  ADD ("obs-gops", test_obs_gops);
  ADD ("forced-cuts", test_forced_cuts);
  ADD ("cut-after-forced", test_cut_after_forced);
  ADD ("variable-rate", test_variable_rate);
  ADD ("absent-audio", test_absent_audio);
  ADD ("late-audio", test_late_audio);
  ADD ("early-audio", test_early_audio);
  ADD ("silent-audio", test_silent_audio);
  ADD ("unfillable-audio", test_unfillable_audio);
  ADD ("audio-ends", test_audio_ends);
  ADD ("audio-hole", test_audio_hole);
  ADD ("ladder", test_ladder);
  ADD ("config-change-of-lead", test_config_change_of_lead);
  ADD ("config-change-of-follower", test_config_change_of_follower);
  ADD ("no-picture", test_no_picture);
  ADD ("jump", test_jump);
  ADD ("goes-on-after-end", test_goes_on_after_end);
  return g_test_run ();
}
