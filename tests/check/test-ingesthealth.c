/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-glib/json-glib.h>
#include <string.h>

#include "health.h"

#define NS G_GUINT64_CONSTANT (1000000000)
#define US G_USEC_PER_SEC
/* The machine's clock does not begin with the stream's. */
#define BOOT (1000 * US)

/* A publisher, as it sets its encoder. What is not named is as it should be. */
typedef struct {
  const char *codec;
  guint width, height;
  double fps;
  double keyint; /* s */
  double scene;  /* s: key frames at changes of scene, 0 none */
  guint b_frames;
  gboolean no_dts;
  guint kbits;
  guint burst;       /* every 20 s, so many times the bit rate for 5 s */
  double lost;       /* every second second, the part of frames left out */
  double declared;   /* fps that the caps say */
  double video_from; /* s */
  double video_to;
  double back_at; /* s: stamps jump back 5 s there */

  const char *audio_codec;
  guint rate, channels;
  double audio_from;
  double audio_to;
  double audio_late; /* s */

  const char *expected; /* codes, with spaces */
} Publisher;

static void
fill_defaults (Publisher *p)
{
#define DEFAULT(field, value) p->field = p->field != 0 ? p->field : (value)
  DEFAULT (codec, "h264");
  DEFAULT (width, 1280);
  DEFAULT (height, 720);
  DEFAULT (fps, 30);
  DEFAULT (keyint, 2);
  DEFAULT (kbits, 2500);
  DEFAULT (video_to, 1e9);
  DEFAULT (audio_codec, "aac");
  DEFAULT (rate, 48000);
  DEFAULT (channels, 2);
  DEFAULT (audio_to, 1e9);
#undef DEFAULT
}

typedef struct {
  const Publisher *publisher;
  IngestHealth *health;
  guint64 n_video, n_audio; /* of the next frames, in coding order */
  double next_key, next_scene;
  guint changes; /* of the findings */
} Run;

static void
run_init (Run *run, const Publisher *p)
{
  *run = (Run){.publisher = p, .health = ingest_health_new ()};
  run->next_scene = p->scene > 0 ? p->scene : 1e9;
  if (p->video_from < 1e9)
    ingest_health_video (run->health, p->codec, p->width, p->height,
        (guint)(p->declared * 1000), p->declared > 0 ? 1000 : 0);
  if (p->audio_from < 1e9)
    ingest_health_audio (run->health, p->audio_codec, p->rate, p->channels);
}

/* A key frame starts a new group. */
static gboolean
is_key (Run *run, double t)
{
  if (t + 1e-9 < run->next_key && t + 1e-9 < run->next_scene)
    return FALSE;
  if (t + 1e-9 >= run->next_scene)
    run->next_scene = t + run->publisher->scene;
  run->next_key = t + run->publisher->keyint;
  return TRUE;
}

static guint64
stamp (const Run *run, double t)
{
  if (run->publisher->back_at > 0 && t >= run->publisher->back_at)
    t -= 5;
  return (guint64)(t * 1e9 + 0.5);
}

/* How many frames later than decoded the next frame is presented: a picture is
 * coded before the B-frames that are shown before it. */
static guint
reordering (const Run *run)
{
  guint b_frames = run->publisher->b_frames;

  return b_frames > 0 && run->n_video % (b_frames + 1) == 0 ? b_frames + 1 : 0;
}

static void
push_video (Run *run)
{
  const Publisher *p = run->publisher;
  double dts = (double)run->n_video / p->fps;
  double pts = dts + (double)reordering (run) / p->fps;
  gboolean key = is_key (run, dts);
  double bytes = p->kbits * 125.0 / p->fps;

  run->n_video++;
  if (dts < p->video_from || dts >= p->video_to)
    return;
  if (p->lost > 0 && (guint64)dts % 2 == 1 &&
      dts - (double)(guint64)dts < p->lost)
    return;
  if (p->burst > 0 && (guint64)dts % 25 < 5)
    bytes *= p->burst;
  ingest_health_video_frame (run->health, stamp (run, pts),
      p->no_dts ? G_MAXUINT64 : stamp (run, dts), key, (gsize)bytes,
      BOOT + (gint64)(dts * US));
}

static void
push_audio (Run *run)
{
  const Publisher *p = run->publisher;
  double t = (double)run->n_audio * 1024 / p->rate;

  run->n_audio++;
  if (t >= p->audio_from && t < p->audio_to)
    ingest_health_audio_frame (run->health, stamp (run, t + p->audio_late), 300,
        BOOT + (gint64)(t * US));
}

static void
run_until (Run *run, guint from, guint to)
{
  for (guint second = from; second < to; second++) {
    while ((double)run->n_video / run->publisher->fps < second + 1)
      push_video (run);
    while ((double)run->n_audio * 1024 / run->publisher->rate < second + 1)
      push_audio (run);
    run->changes +=
        ingest_health_tick (run->health, BOOT + (gint64)(second + 1) * US);
  }
}

static JsonNode *
parse (Run *run)
{
  g_autofree char *text = ingest_health_to_json (run->health);
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_ARRAY (node));
  return node;
}

static char *
codes (Run *run)
{
  g_autoptr (JsonNode) node = parse (run);
  JsonArray *array = json_node_get_array (node);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (array); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
        json_object_get_string_member (
            json_array_get_object_element (array, i), "code"));
  return g_string_free (text, FALSE);
}

/* The finding @code; fails if it is not there. */
static JsonObject *
find (JsonNode *node, const char *code)
{
  JsonArray *array = json_node_get_array (node);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *finding = json_array_get_object_element (array, i);

    if (g_str_equal (json_object_get_string_member (finding, "code"), code))
      return finding;
  }
  g_error ("no finding %s", code);
}

/* What a minute of each publisher says, and that it is said once. */
static void
test_publishers (void)
{
  Publisher publishers[] = {
      {.expected = ""},
      {.fps = 60, .kbits = 6000, .width = 1920, .height = 1080, .expected = ""},
      {.fps = 30000 / 1001.0, .declared = 29.97, .expected = ""},
      {.no_dts = TRUE, .expected = ""},
      /* OBS as it is installed: a key frame every 250 frames. */
      {.keyint = 250 / 30.0,
          .b_frames = 2,
          .expected = "key-interval-long b-frames"},
      /* The same by RTSP. */
      {.keyint = 250 / 30.0,
          .b_frames = 2,
          .no_dts = TRUE,
          .expected = "key-interval-long b-frames"},
      {.keyint = 1e9, .expected = "key-interval-long"},
      {.scene = 1.7, .expected = ""},
      {.scene = 3.1, .expected = "key-interval-irregular"},
      {.b_frames = 1, .expected = "b-frames"},
      {.audio_from = 1e9, .expected = "no-audio"},
      {.video_from = 1e9, .expected = "no-video"},
      {.video_from = 1e9, .audio_from = 1e9, .expected = "no-video"},
      {.audio_to = 20, .expected = "audio-silent-track"},
      {.video_to = 20, .expected = "video-stopped"},
      {.audio_to = 20, .video_to = 20, .expected = ""},
      {.rate = 22050, .expected = "audio-rate-odd"},
      {.rate = 44100, .expected = ""},
      {.channels = 6, .expected = "channels-odd"},
      {.channels = 1, .expected = ""},
      {.fps = 37, .expected = "frame-rate-odd"},
      {.fps = 40, .declared = 60, .expected = "frame-rate-unstable"},
      {.lost = 0.5, .expected = "frame-rate-unstable"},
      {.kbits = 20000, .expected = "bitrate-high"},
      {.kbits = 300, .expected = "bitrate-low"},
      {.burst = 6, .expected = "bitrate-unstable"},
      {.audio_late = 0.8, .expected = "av-drift"},
      {.audio_late = 0.3, .expected = ""},
      {.back_at = 40, .expected = "timestamps-backwards"},
      {.back_at = 40, .no_dts = TRUE, .expected = "timestamps-backwards"},
      {.width = 1366, .height = 768, .expected = "resolution-odd"},
      {.width = 3840,
          .height = 2160,
          .kbits = 10000,
          .expected = "resolution-large"},
      {.codec = "x-vp8", .expected = "video-codec-unsupported"},
      {.audio_codec = "mp3", .expected = "audio-codec-unsupported"},
      {.codec = "h265", .expected = "video-h265"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (publishers); i++) {
    g_autofree char *found = NULL;
    Run run;

    fill_defaults (&publishers[i]);
    run_init (&run, &publishers[i]);
    run_until (&run, 0, 60);
    found = codes (&run);
    g_test_message ("publisher %u: %u changes", i, run.changes);
    g_assert_cmpstr (found, ==, publishers[i].expected);
    /* It is found at different times, and a figure may grow at first. */
    g_assert_cmpuint (run.changes, <=, 4);
    ingest_health_free (run.health);
  }
}

/* Figures, sentences and severities as they reach the developer. */
static void
test_json (void)
{
  Publisher p = {.keyint = 250 / 30.0, .b_frames = 2, .audio_from = 1e9};
  g_autoptr (JsonNode) node = NULL;
  JsonObject *finding;
  Run run;

  fill_defaults (&p);
  run_init (&run, &p);
  run_until (&run, 0, 30);
  node = parse (&run);

  finding = find (node, "key-interval-long");
  g_assert_cmpstr (
      json_object_get_string_member (finding, "severity"), ==, "warning");
  g_assert_cmpfloat_with_epsilon (
      json_object_get_double_member (finding, "value"), 250 / 30.0, 0.05);
  g_assert_nonnull (
      strstr (json_object_get_string_member (finding, "text"), " 8.3 s "));
  g_assert_nonnull (strstr (json_object_get_string_member (finding, "advice"),
      "Settings > Output > Streaming, set Keyframe Interval to 2 s"));

  finding = find (node, "b-frames");
  g_assert_cmpstr (
      json_object_get_string_member (finding, "severity"), ==, "info");
  g_assert_cmpfloat_with_epsilon (
      json_object_get_double_member (finding, "value"), 2000 / 30.0, 1);

  finding = find (node, "no-audio");
  g_assert_true (json_object_get_null_member (finding, "value"));
  g_assert_cmpuint (json_object_get_size (finding), ==, 5);
  ingest_health_free (run.health);
}

/* Each text has room for its figure, and nothing is left to fill in. */
static void
test_sentences (void)
{
  Publisher p = {.codec = "h265",
      .width = 3841,
      .height = 2162,
      .rate = 96000,
      .channels = 6,
      .kbits = 30000,
      .b_frames = 3,
      .keyint = 10,
      .fps = 37};
  g_autoptr (JsonNode) node = NULL;
  JsonArray *array;
  Run run;

  fill_defaults (&p);
  run_init (&run, &p);
  run_until (&run, 0, 60);
  node = parse (&run);
  array = json_node_get_array (node);
  g_assert_cmpuint (json_array_get_length (array), ==, 9);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *finding = json_array_get_object_element (array, i);
    const char *text = json_object_get_string_member (finding, "text");
    const char *advice = json_object_get_string_member (finding, "advice");

    g_assert_null (strchr (text, '{'));
    g_assert_true (g_str_has_suffix (text, "."));
    g_assert_true (g_str_has_suffix (advice, "."));
  }
  ingest_health_free (run.health);
}

/* What was put right is forgotten after a while, not at once. */
static void
test_recovery (void)
{
  Publisher p = {.lost = 0.5};
  Run run;
  guint changes;

  fill_defaults (&p);
  run_init (&run, &p);
  run_until (&run, 0, 40);
  g_assert_cmpuint (run.changes, ==, 1);
  p.lost = 0;
  run_until (&run, 40, 45);
  g_assert_cmpuint (run.changes, ==, 1);
  run_until (&run, 45, 70);
  changes = run.changes;
  g_assert_cmpuint (changes, ==, 2);
  ingest_health_free (run.health);
}

/* On and off again within the patience is nothing. */
static void
test_flapping (void)
{
  Publisher p = {0};
  Run run;

  fill_defaults (&p);
  run_init (&run, &p);
  for (guint i = 0; i < 30; i++) {
    p.audio_late = i % 2 == 0 ? 0.9 : 0;
    run_until (&run, 2 * i, 2 * i + 2);
  }
  /* Sound that jumps back is a finding of its own. */
  g_assert_cmpuint (run.changes, ==, 1);
  ingest_health_free (run.health);
}

/* Stamps from nowhere neither stop it nor show as nonsense. */
static void
test_nonsense (void)
{
  IngestHealth *health = ingest_health_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  static const guint64 odd[] = {
      0, 1, G_MAXUINT64, G_MAXUINT64 - 1, G_MAXINT64, 1000 * NS, 3600000 * NS};
  gint64 now = BOOT;

  ingest_health_video (health, "h264", G_MAXUINT, G_MAXUINT, G_MAXUINT, 1);
  ingest_health_audio (health, "aac", G_MAXUINT, G_MAXUINT);
  for (guint i = 0; i < 20000; i++) {
    guint64 a = odd[g_rand_int (random) % G_N_ELEMENTS (odd)];
    guint64 b = odd[g_rand_int (random) % G_N_ELEMENTS (odd)];

    now += g_rand_int_range (random, 0, US / 10);
    ingest_health_video_frame (
        health, a, b, g_rand_boolean (random), g_rand_int (random), now);
    ingest_health_audio_frame (health, b, 1, now);
    if (i % 50 == 0) {
      g_autofree char *json = NULL;

      ingest_health_tick (health, now);
      json = ingest_health_to_json (health);
      g_assert_nonnull (json);
    }
  }
  ingest_health_free (health);
}

static void
test_bytes (void)
{
  g_autoptr (IngestHealth) health = ingest_health_new ();

  ingest_health_video_frame (health, 0, G_MAXUINT64, TRUE, 1000, BOOT);
  ingest_health_audio_frame (health, G_MAXUINT64, 20, BOOT);
  g_assert_cmpuint (ingest_health_get_bytes (health), ==, 1020);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ingesthealth/publishers", test_publishers);
  g_test_add_func ("/ingesthealth/json", test_json);
  g_test_add_func ("/ingesthealth/sentences", test_sentences);
  g_test_add_func ("/ingesthealth/recovery", test_recovery);
  g_test_add_func ("/ingesthealth/flapping", test_flapping);
  g_test_add_func ("/ingesthealth/nonsense", test_nonsense);
  g_test_add_func ("/ingesthealth/bytes", test_bytes);
  return g_test_run ();
}
