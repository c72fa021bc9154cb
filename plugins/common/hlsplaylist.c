/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hlsplaylist.h"

#include <string.h>
#include <time.h>

#define VERSION 9
#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
#define NS_PER_US G_GUINT64_CONSTANT (1000)
#define US_PER_S G_GINT64_CONSTANT (1000000)
#define US_PER_MS G_GINT64_CONSTANT (1000)
/* A distance from the live edge, in target durations (or part targets): below
 * this players refuse the playlist, above it they only lag. */
#define HOLD_BACK 3
#define AUDIO_GROUP "audio"

/**
 * hls_target_duration:
 * @max_segment_duration: ns
 *
 * Returns: EXT-X-TARGETDURATION in s
 */
guint
hls_target_duration (guint64 max_segment_duration)
{
  return MAX ((max_segment_duration + NS_PER_S - 1) / NS_PER_S, 1);
}

/* Players add up the durations of parts, so the error must not add up to a
 * frame: microseconds. */
static void
append_seconds (GString *out, guint64 ns)
{
  guint64 us = (ns + NS_PER_US / 2) / NS_PER_US;

  g_string_append_printf (out, "%" G_GUINT64_FORMAT ".%06u",
      us / (guint64)US_PER_S, (guint)(us % (guint64)US_PER_S));
}

static void
append_date (GString *out, gint64 wallclock)
{
  time_t seconds = wallclock / US_PER_S;
  struct tm tm;

  gmtime_r (&seconds, &tm);
  g_string_append_printf (out,
      "#EXT-X-PROGRAM-DATE-TIME:%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\n",
      tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
      tm.tm_sec, (int)(wallclock % US_PER_S / US_PER_MS));
}

static void
append_part_uri (GString *out, guint32 epoch, guint64 msn, guint32 part)
{
  g_string_append_printf (
      out, "URI=\"%u-%" G_GUINT64_FORMAT ".%u.m4s\"", epoch, msn, part);
}

static void
append_header (GString *out, const HlsMediaPlaylist *playlist)
{
  g_string_append_printf (out,
      "#EXTM3U\n"
      "#EXT-X-VERSION:%d\n"
      "#EXT-X-TARGETDURATION:%u\n",
      VERSION, playlist->target_duration);
  if (playlist->type == HLS_PLAYLIST_VOD) {
    g_string_append (out, "#EXT-X-PLAYLIST-TYPE:VOD\n");
  } else {
    g_string_append (
        out, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=");
    append_seconds (out, HOLD_BACK * playlist->part_target);
    g_string_append_printf (
        out, ",HOLD-BACK=%u\n", HOLD_BACK * playlist->target_duration);
    g_string_append (out, "#EXT-X-PART-INF:PART-TARGET=");
    append_seconds (out, playlist->part_target);
    g_string_append_c (out, '\n');
  }
  g_string_append_printf (out,
      "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GUINT64_FORMAT "\n",
      playlist->media_sequence, playlist->discontinuity_sequence);
  if (playlist->independent_segments)
    g_string_append (out, "#EXT-X-INDEPENDENT-SEGMENTS\n");
}

static void
append_parts (
    GString *out, const HlsMediaPlaylist *playlist, const HlsSegment *segment)
{
  for (guint i = 0; i < segment->n_parts; i++) {
    const HlsPart *part = &segment->parts[i];

    /* A single frame may last longer than the target when the frame rate
     * varies; some players refuse a playlist that says so. */
    g_string_append (out, "#EXT-X-PART:DURATION=");
    append_seconds (out, MIN (part->duration, playlist->part_target));
    g_string_append_c (out, ',');
    append_part_uri (out, segment->epoch, segment->msn, i);
    g_string_append (out, part->independent ? ",INDEPENDENT=YES\n" : "\n");
  }
}

static void
append_whole (
    GString *out, const HlsMediaPlaylist *playlist, const HlsSegment *segment)
{
  /* Rounded to the nearest second it must not pass the target duration. */
  guint64 longest =
      playlist->target_duration * NS_PER_S + NS_PER_S / 2 - NS_PER_US;

  if (segment->gap)
    g_string_append (out, "#EXT-X-GAP\n");
  g_string_append (out, "#EXTINF:");
  append_seconds (out, MIN (segment->duration, longest));
  g_string_append_printf (
      out, ",\n%u-%" G_GUINT64_FORMAT ".m4s\n", segment->epoch, segment->msn);
}

/**
 * hls_media_playlist_render:
 *
 * URIs are relative to the playlist. A segment's EXT-X-MAP is the init of its
 * epoch; a gap has none, because a track that is absent in an epoch has no init
 * there.
 *
 * Returns: (transfer full): the text
 */
GBytes *
hls_media_playlist_render (const HlsMediaPlaylist *playlist)
{
  GString *out = g_string_sized_new (512 + 160 * playlist->n_segments);
  gboolean has_map = FALSE;
  guint32 map = 0;

  append_header (out, playlist);
  for (guint i = 0; i < playlist->n_segments; i++) {
    const HlsSegment *segment = &playlist->segments[i];

    if (segment->discontinuity)
      g_string_append (out, "#EXT-X-DISCONTINUITY\n");
    if (!segment->gap && (!has_map || map != segment->epoch)) {
      g_string_append_printf (
          out, "#EXT-X-MAP:URI=\"init-%u.mp4\"\n", segment->epoch);
      has_map = TRUE;
      map = segment->epoch;
    }
    append_date (out, segment->wallclock);
    if (playlist->type != HLS_PLAYLIST_VOD)
      append_parts (out, playlist, segment);
    if (segment->complete)
      append_whole (out, playlist, segment);
  }
  if (playlist->type == HLS_PLAYLIST_LIVE) {
    g_string_append (out, "#EXT-X-PRELOAD-HINT:TYPE=PART,");
    append_part_uri (
        out, playlist->hint_epoch, playlist->hint_msn, playlist->hint_part);
    g_string_append_c (out, '\n');
  } else {
    g_string_append (out, "#EXT-X-ENDLIST\n");
  }
  return g_string_free_to_bytes (out);
}

/* What of the audio every variant may be played with: the greatest rates, and
 * every codec, so that CODECS covers all renditions of the group. */
static void
sum_up_audio (
    const HlsRendition *renditions, guint n, HlsRendition *sum, GString *codecs)
{
  for (guint i = 0; i < n; i++) {
    const char *codec = renditions[i].track->codecs;

    if (renditions[i].track->type != TRACK_AUDIO)
      continue;
    sum->peak =
        MAX (sum->peak, MAX (renditions[i].peak, renditions[i].track->bitrate));
    sum->average = MAX (sum->average, renditions[i].average);
    if (strstr (codecs->str, codec) == NULL)
      g_string_append_printf (codecs, ",%s", codec);
  }
}

static void
append_audio_group (GString *out, const HlsRendition *renditions, guint n)
{
  gboolean first = TRUE;

  for (guint i = 0; i < n; i++) {
    const Track *track = renditions[i].track;

    if (track->type != TRACK_AUDIO)
      continue;
    g_string_append_printf (out,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" AUDIO_GROUP "\",NAME=\"%s\","
        "DEFAULT=%s,AUTOSELECT=YES",
        track->name, first ? "YES" : "NO");
    if (track->channels != 0)
      g_string_append_printf (out, ",CHANNELS=\"%u\"", track->channels);
    g_string_append_printf (out, ",URI=\"%s/index.m3u8\"\n", track->name);
    first = FALSE;
  }
}

static void
append_variant (GString *out, const HlsRendition *rendition,
    const HlsRendition *audio, const char *audio_codecs)
{
  const Track *track = rendition->track;
  guint64 peak = MAX (rendition->peak, track->bitrate) + audio->peak;
  guint64 average = rendition->average + audio->average;

  g_string_append_printf (out,
      "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GUINT64_FORMAT
      ",AVERAGE-BANDWIDTH=%" G_GUINT64_FORMAT ",CODECS=\"%s%s\"",
      MAX (peak, 1), CLAMP (average, 1, MAX (peak, 1)), track->codecs,
      audio_codecs);
  if (track->width != 0 && track->height != 0)
    g_string_append_printf (
        out, ",RESOLUTION=%ux%u", track->width, track->height);
  if (track->fps_n != 0 && track->fps_d != 0) {
    guint64 milli =
        ((guint64)track->fps_n * 1000 + track->fps_d / 2) / track->fps_d;

    g_string_append_printf (out, ",FRAME-RATE=%" G_GUINT64_FORMAT ".%03u",
        milli / 1000, (guint)(milli % 1000));
  }
  if (*audio_codecs != '\0')
    g_string_append (out, ",AUDIO=\"" AUDIO_GROUP "\"");
  g_string_append_printf (out, "\n%s/index.m3u8\n", track->name);
}

/**
 * hls_multivariant_render:
 * @renditions: tracks with a codec, in the order of the table; at least one
 *
 * Every video track is a variant, audio tracks are one group of renditions;
 * without video every audio track is a variant.
 *
 * Returns: (transfer full): the text
 */
GBytes *
hls_multivariant_render (const HlsRendition *renditions, guint n_renditions,
    gboolean independent_segments)
{
  GString *out = g_string_new (NULL);
  g_autoptr (GString) audio_codecs = g_string_new (NULL);
  HlsRendition audio = {0};
  gboolean has_video = FALSE;

  g_string_append_printf (out, "#EXTM3U\n#EXT-X-VERSION:%d\n", VERSION);
  if (independent_segments)
    g_string_append (out, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  for (guint i = 0; i < n_renditions; i++)
    has_video |= renditions[i].track->type == TRACK_VIDEO;
  if (has_video) {
    sum_up_audio (renditions, n_renditions, &audio, audio_codecs);
    append_audio_group (out, renditions, n_renditions);
  }
  for (guint i = 0; i < n_renditions; i++)
    if ((renditions[i].track->type == TRACK_VIDEO) == has_video)
      append_variant (out, &renditions[i], &audio, audio_codecs->str);
  return g_string_free_to_bytes (out);
}
