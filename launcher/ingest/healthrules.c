/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "healthrules.h"

#define SECOND G_GUINT64_CONSTANT (1000000000)

/* Players join at key frames, and segments begin with them. */
#define KEY_INTERVAL_LONG (4 * SECOND)
/* One that has not ended yet is believed after so long. */
#define KEY_INTERVAL_LOST (12 * SECOND)
/* Streams that begin with the broadcast are there within these times, in us. */
#define AUDIO_PATIENCE (5 * G_USEC_PER_SEC)
#define VIDEO_PATIENCE (10 * G_USEC_PER_SEC)
/* Nothing for so long is a stream that has stopped, if the other goes on. */
#define STOPPED (3 * G_USEC_PER_SEC)
#define GOING_ON G_USEC_PER_SEC
#define DRIFT_MS 500.0
/* Windows in s of media. */
#define RATE_WINDOW 10
#define BITRATE_WINDOW 25
#define BITRATE_STEP 5
#define BITRATE_HIGH 12e6
/* Bits for each pixel of each frame. */
#define BITRATE_LOW 0.02
#define LARGE_PIXELS (2560 * 1440)

static gboolean figure_set (HealthFigure *figure, double value,
    const char *format, ...) G_GNUC_PRINTF (3, 4);

/* TRUE, for the convenience of the rules. */
static gboolean
figure_set (HealthFigure *figure, double value, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  figure->value = value;
  g_vsnprintf (figure->text, sizeof figure->text, format, args);
  va_end (args);
  return TRUE;
}

static gboolean
figure_seconds (HealthFigure *figure, guint64 ns)
{
  double seconds = (double)ns / (double)SECOND;

  return figure_set (figure, seconds, "%.1f s", seconds);
}

static gboolean
figure_bitrate (HealthFigure *figure, double bits)
{
  return figure_set (figure, bits / 1000, "%.0f kbit/s", bits / 1000);
}

/* Codecs */

static gboolean
video_codec_is_unsupported (const HealthState *state, HealthFigure *figure)
{
  return state->video_codec != NULL &&
         !g_str_equal (state->video_codec, "h264") &&
         !g_str_equal (state->video_codec, "h265") &&
         figure_set (figure, 0, "%s", state->video_codec);
}

static gboolean
audio_codec_is_unsupported (const HealthState *state, HealthFigure *figure)
{
  return state->audio_codec != NULL &&
         !g_str_equal (state->audio_codec, "aac") &&
         !g_str_equal (state->audio_codec, "opus") &&
         figure_set (figure, 0, "%s", state->audio_codec);
}

static gboolean
video_is_h265 (const HealthState *state, HealthFigure *figure)
{
  return state->video_codec != NULL && g_str_equal (state->video_codec, "h265");
}

/* Streams that do not come */

static gboolean
video_is_missing (const HealthState *state, HealthFigure *figure)
{
  return state->video.stream.frames == 0 &&
         state->now - state->begun >= VIDEO_PATIENCE;
}

static gboolean
audio_is_missing (const HealthState *state, HealthFigure *figure)
{
  const StreamMeter *video = &state->video.stream;

  return state->audio.frames == 0 && video->frames > 0 &&
         state->now - video->first_at >= AUDIO_PATIENCE;
}

static gboolean
has_stopped (const HealthState *state, const StreamMeter *stream,
    const StreamMeter *other)
{
  return stream->frames > 0 && other->frames > 0 &&
         state->now - stream->last_at >= STOPPED &&
         state->now - other->last_at <= GOING_ON;
}

static gboolean
video_has_stopped (const HealthState *state, HealthFigure *figure)
{
  return has_stopped (state, &state->video.stream, &state->audio);
}

static gboolean
audio_has_stopped (const HealthState *state, HealthFigure *figure)
{
  return has_stopped (state, &state->audio, &state->video.stream);
}

/* Clocks */

static gboolean
stamps_went_back (const HealthState *state, HealthFigure *figure)
{
  gint64 at = MAX (state->video.stream.backward_at, state->audio.backward_at);

  /* Told for as long as the rule takes to forget. */
  return at > 0 && state->now - at <= 2 * G_USEC_PER_SEC;
}

/* Both streams are on their way for as long, so the difference between arrival
 * and stamp of one is that of the other. */
static gboolean
clocks_drifted (const HealthState *state, HealthFigure *figure)
{
  const StreamMeter *video = &state->video.stream;
  double ms = (double)(video->transit - state->audio.transit) / 1e6;

  if (video->frames == 0 || state->audio.frames == 0 ||
      state->now - video->last_at > GOING_ON ||
      state->now - state->audio.last_at > GOING_ON || ABS (ms) < DRIFT_MS)
    return FALSE;
  return figure_set (figure, ms, "%.0f ms", ABS (ms));
}

/* Key frames and order */

static gboolean
key_interval_is_long (const HealthState *state, HealthFigure *figure)
{
  const VideoMeter *video = &state->video;
  guint64 shortest, longest, open = 0;

  video_meter_intervals (video, &shortest, &longest);
  if (video->has_key && video->stream.time > video->key_time)
    open = video->stream.time - video->key_time;
  if (open >= KEY_INTERVAL_LOST)
    longest = MAX (longest, open);
  return longest > KEY_INTERVAL_LONG && figure_seconds (figure, longest);
}

static gboolean
key_interval_is_irregular (const HealthState *state, HealthFigure *figure)
{
  guint64 shortest, longest;

  return video_meter_intervals (&state->video, &shortest, &longest) &&
         state->video.n_intervals >= 4 && longest <= KEY_INTERVAL_LONG &&
         longest - shortest > SECOND / 4 && longest > shortest + shortest / 4 &&
         figure_set (figure, (double)longest / 1e9, "%.1f to %.1f s",
             (double)shortest / 1e9, (double)longest / 1e9);
}

static gboolean
has_b_frames (const HealthState *state, HealthFigure *figure)
{
  const VideoMeter *video = &state->video;
  double ms = (double)video->reorder / 1e6;

  return video->reordered >= 3 &&
         state->now - video->reordered_at < 5 * G_USEC_PER_SEC &&
         figure_set (figure, ms, "%.0f ms", ms);
}

/* Frame rate */

static gboolean
mean_rate (const HealthState *state, double *fps)
{
  guint64 frames, bytes;

  if (!second_meter_sum (&state->video.seconds, RATE_WINDOW, &frames, &bytes))
    return FALSE;
  *fps = (double)frames / RATE_WINDOW;
  return TRUE;
}

/* What the publisher declares, where it is near what it sends: an encoder that
 * is too slow for it leaves frames out all the time. */
static double
intended_rate (const HealthState *state, double mean)
{
  double declared = state->fps_d > 0 ? (double)state->fps_n / state->fps_d : 0;

  return declared > mean && declared < 2 * mean ? declared : mean;
}

static gboolean
rate_is_unstable (const HealthState *state, HealthFigure *figure)
{
  guint n_low = 0, lowest = G_MAXUINT;
  double fps;

  if (!mean_rate (state, &fps))
    return FALSE;
  fps = intended_rate (state, fps);
  for (guint i = 0; i < RATE_WINDOW; i++) {
    guint frames = second_meter_frames (&state->video.seconds, i);

    lowest = MIN (lowest, frames);
    /* A second holds a frame more or less by chance. */
    n_low += frames + 1 < fps * 0.85;
  }
  return n_low >= 2 && figure_set (figure, lowest, "%u", lowest);
}

static gboolean
rate_is_odd (const HealthState *state, HealthFigure *figure)
{
  static const double usual[] = {24, 25, 30, 48, 50, 60, 100, 120};
  HealthFigure ignored;
  double fps;

  if (!mean_rate (state, &fps) || rate_is_unstable (state, &ignored))
    return FALSE;
  /* Within a percent: 23.976, 29.97 and 59.94 are usual too. */
  for (guint i = 0; i < G_N_ELEMENTS (usual); i++)
    if (ABS (fps - usual[i]) <= usual[i] * 0.01)
      return FALSE;
  return figure_set (figure, fps, "%.1f", fps);
}

/* Bit rate */

static gboolean
mean_bitrate (const HealthState *state, guint seconds, double *bits)
{
  guint64 frames, bytes;

  if (!second_meter_sum (&state->video.seconds, seconds, &frames, &bytes))
    return FALSE;
  *bits = 8.0 * (double)bytes / seconds;
  return TRUE;
}

static gboolean
bitrate_is_high (const HealthState *state, HealthFigure *figure)
{
  double bits;

  return mean_bitrate (state, RATE_WINDOW, &bits) && bits > BITRATE_HIGH &&
         figure_bitrate (figure, bits);
}

static gboolean
bitrate_is_low (const HealthState *state, HealthFigure *figure)
{
  double bits, fps;

  return state->width > 0 && state->height > 0 && mean_rate (state, &fps) &&
         mean_bitrate (state, RATE_WINDOW, &bits) &&
         bits < BITRATE_LOW * state->width * state->height * fps &&
         figure_bitrate (figure, bits);
}

/* Over a time in which key frames even out. */
static gboolean
bitrate_is_unstable (const HealthState *state, HealthFigure *figure)
{
  double mean, sum, before = 0, peak = 0;

  if (!mean_bitrate (state, BITRATE_WINDOW, &mean))
    return FALSE;
  for (guint n = BITRATE_STEP; n <= BITRATE_WINDOW; n += BITRATE_STEP) {
    if (!mean_bitrate (state, n, &sum))
      return FALSE;
    sum *= n;
    peak = MAX (peak, (sum - before) / BITRATE_STEP);
    before = sum;
  }
  return peak > 2 * mean && peak > 1e6 && figure_bitrate (figure, peak);
}

/* What the caps say */

static gboolean
picture_is_large (const HealthState *state, HealthFigure *figure)
{
  return (guint64)state->width * state->height > LARGE_PIXELS &&
         figure_set (
             figure, state->height, "%ux%u", state->width, state->height);
}

static gboolean
picture_is_odd (const HealthState *state, HealthFigure *figure)
{
  return (state->width % 4 != 0 || state->height % 4 != 0) &&
         figure_set (
             figure, state->height, "%ux%u", state->width, state->height);
}

static gboolean
audio_rate_is_odd (const HealthState *state, HealthFigure *figure)
{
  return state->rate != 0 && state->rate != 48000 && state->rate != 44100 &&
         figure_set (figure, state->rate, "%u Hz", state->rate);
}

static gboolean
channels_are_odd (const HealthState *state, HealthFigure *figure)
{
  return state->channels > 2 &&
         figure_set (figure, state->channels, "%u", state->channels);
}

#define OUTPUT "In OBS, Settings > Output > Streaming"
#define VIDEO "In OBS, Settings > Video"
#define AUDIO "In OBS, Settings > Audio"

const HealthRule health_rules[HEALTH_N_RULES] = {
    {"video-codec-unsupported", HEALTH_ERROR, 0, 5, video_codec_is_unsupported,
        "The picture is coded as {}, which cannot be broadcast.",
        OUTPUT ", choose an H.264 encoder."},
    {"audio-codec-unsupported", HEALTH_ERROR, 0, 5, audio_codec_is_unsupported,
        "The sound is coded as {}, which cannot be broadcast.",
        OUTPUT ", choose AAC as Audio Encoder."},
    {"no-video", HEALTH_ERROR, 0, 1, video_is_missing, "No picture comes.",
        "Look whether OBS shows a picture and sends a video stream."},
    {"video-stopped", HEALTH_ERROR, 0, 5, video_has_stopped,
        "The picture has stopped, while the sound goes on.",
        "Look whether OBS reports an overloaded encoder; a faster CPU Usage "
        "Preset or a smaller Output Resolution helps."},
    {"timestamps-backwards", HEALTH_WARNING, 0, 60, stamps_went_back,
        "Time stamps went back.",
        "Stop streaming and start again; if it returns, set Use System Clock "
        "or remove the media source that causes it."},
    {"av-drift", HEALTH_WARNING, 5, 10, clocks_drifted,
        "Sound and picture are {} apart.",
        AUDIO ", use the Sample Rate of the sound card, and look at Sync "
              "Offset in Advanced Audio Properties."},
    {"audio-silent-track", HEALTH_WARNING, 0, 5, audio_has_stopped,
        "The sound has stopped, while the picture goes on.",
        "Look whether OBS still has its audio devices; stop streaming and "
        "start again."},
    {"no-audio", HEALTH_WARNING, 0, 1, audio_is_missing, "No sound comes.",
        AUDIO ", choose a Desktop Audio device; Settings > Output needs an "
              "Audio Track."},
    {"key-interval-long", HEALTH_WARNING, 0, 10, key_interval_is_long,
        "Key frames are up to {} apart: players start late.",
        OUTPUT ", set Keyframe Interval to 2 s."},
    {"frame-rate-unstable", HEALTH_WARNING, 5, 10, rate_is_unstable,
        "Frames are missing: at times {} a second come.",
        "OBS skips frames: choose a faster CPU Usage Preset, a lower bitrate, "
        "or a smaller Output Resolution in Settings > Video."},
    {"bitrate-high", HEALTH_WARNING, 5, 10, bitrate_is_high,
        "The picture takes {}, more than many players can receive.",
        OUTPUT ", set Bitrate to 6000 kbit/s or less."},
    {"bitrate-unstable", HEALTH_WARNING, 5, 20, bitrate_is_unstable,
        "The bit rate jumps to {}, twice its mean: players may stop.",
        OUTPUT ", set Rate Control to CBR."},
    {"resolution-large", HEALTH_WARNING, 0, 5, picture_is_large,
        "The picture is {}, more than many players can show.",
        VIDEO ", set Output (Scaled) Resolution to 1920x1080."},
    {"video-h265", HEALTH_WARNING, 0, 5, video_is_h265,
        "The picture is coded as H.265, which some browsers do not play.",
        OUTPUT ", choose an H.264 encoder."},
    {"channels-odd", HEALTH_WARNING, 0, 5, channels_are_odd,
        "The sound has {} channels, which some browsers do not play.",
        AUDIO ", set Channels to Stereo."},
    {"b-frames", HEALTH_INFO, 2, 10, has_b_frames,
        "B-frames are on: they delay the broadcast by {}.",
        OUTPUT ", set Max B-frames to 0, or Tune to zerolatency."},
    {"key-interval-irregular", HEALTH_INFO, 0, 10, key_interval_is_irregular,
        "Key frames come irregularly, {} apart.",
        OUTPUT ", set Keyframe Interval to 2 s and add scenecut=0 to x264 "
               "Options."},
    {"frame-rate-odd", HEALTH_INFO, 5, 10, rate_is_odd,
        "The picture has {} frames a second: on usual screens it judders.",
        VIDEO ", set Common FPS Values to 30 or 60."},
    {"bitrate-low", HEALTH_INFO, 10, 10, bitrate_is_low,
        "The picture has {}, little for its size: it may look coarse.",
        OUTPUT ", set a higher Bitrate, or in Settings > Video a smaller "
               "Output (Scaled) Resolution."},
    {"resolution-odd", HEALTH_INFO, 0, 5, picture_is_odd,
        "The picture is {}, whose sides are no multiples of 4.",
        VIDEO ", set Output (Scaled) Resolution to 1920x1080 or 1280x720."},
    {"audio-rate-odd", HEALTH_INFO, 0, 5, audio_rate_is_odd,
        "The sound has a sample rate of {}.",
        AUDIO ", set Sample Rate to 48 kHz."},
};
