/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "packagersettings.h"

#define DEFAULT_SEGMENT_DURATION (2 * GST_SECOND)
/* Longer than the 8.3 s between the key frames of OBS. */
#define DEFAULT_MAX_SEGMENT_DURATION (10 * GST_SECOND)
#define DEFAULT_PART_DURATION (500 * GST_MSECOND)
#define DEFAULT_TRACK_TIMEOUT (1 * GST_SECOND)

static GParamSpec *props[PACKAGER_N_PROPS];

void
packager_settings_init (PackagerSettings *self)
{
  *self = (PackagerSettings){
      .segmenter.segment_duration = DEFAULT_SEGMENT_DURATION,
      .segmenter.max_segment_duration = DEFAULT_MAX_SEGMENT_DURATION,
      .segmenter.part_duration = DEFAULT_PART_DURATION,
      .segmenter.track_timeout = DEFAULT_TRACK_TIMEOUT,
  };
}

static guint64 *
number_setting (SegmenterSettings *settings, guint id)
{
  switch (id) {
    case PACKAGER_PROP_SEGMENT_DURATION:
      return &settings->segment_duration;
    case PACKAGER_PROP_MAX_SEGMENT_DURATION:
      return &settings->max_segment_duration;
    case PACKAGER_PROP_PART_DURATION:
      return &settings->part_duration;
    case PACKAGER_PROP_TRACK_TIMEOUT:
      return &settings->track_timeout;
    case PACKAGER_PROP_FIRST_MSN:
      return &settings->first_msn;
    default:
      return &settings->first_time;
  }
}

/* @id is one of the properties that packager_settings_install() made. */
void
packager_settings_set (PackagerSettings *self, guint id, const GValue *value)
{
  if (id == PACKAGER_PROP_EPOCH)
    self->segmenter.first_epoch = g_value_get_uint (value);
  else if (id == PACKAGER_PROP_INDEPENDENT_SEGMENTS)
    self->independent_segments = g_value_get_boolean (value);
  else
    *number_setting (&self->segmenter, id) = g_value_get_uint64 (value);
}

void
packager_settings_get (PackagerSettings *self, guint id, GValue *value)
{
  if (id == PACKAGER_PROP_EPOCH)
    g_value_set_uint (value, self->segmenter.first_epoch);
  else if (id == PACKAGER_PROP_INDEPENDENT_SEGMENTS)
    g_value_set_boolean (value, self->independent_segments);
  else
    g_value_set_uint64 (value, *number_setting (&self->segmenter, id));
}

static void
install_duration (GObjectClass *klass, guint id, const char *name,
    const char *blurb, guint64 minimum, guint64 initial)
{
  props[id] =
      g_param_spec_uint64 (name, NULL, blurb, minimum, G_MAXINT64 / 4, initial,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
}

static void
install_durations (GObjectClass *klass)
{
  /**
   * GstCmafPackager:segment-duration:
   *
   * A segment ends at the first key frame of the lead at or after this, in ns.
   *
   * Since: 0.1
   */
  install_duration (klass, PACKAGER_PROP_SEGMENT_DURATION, "segment-duration",
      "A segment ends at the first key frame at or after this (ns)",
      100 * GST_MSECOND, DEFAULT_SEGMENT_DURATION);
  /**
   * GstCmafPackager:max-segment-duration:
   *
   * A segment ends before it gets longer than this even without a key frame, in
   * ns; playlists promise it as EXT-X-TARGETDURATION. Less than
   * segment-duration counts as that.
   *
   * Since: 0.1
   */
  install_duration (klass, PACKAGER_PROP_MAX_SEGMENT_DURATION,
      "max-segment-duration",
      "A segment ends before this even without a key frame (ns)",
      100 * GST_MSECOND, DEFAULT_MAX_SEGMENT_DURATION);
  /**
   * GstCmafPackager:part-duration:
   *
   * The longest a part may be, in ns, unless one frame is longer; also the
   * latency of the element.
   *
   * Since: 0.1
   */
  install_duration (klass, PACKAGER_PROP_PART_DURATION, "part-duration",
      "The longest a part may be (ns)", 20 * GST_MSECOND,
      DEFAULT_PART_DURATION);
  /**
   * GstCmafPackager:track-timeout:
   *
   * After so long without a frame, in ns, an audio track is filled with silence
   * and any other is given up.
   *
   * Since: 0.1
   */
  install_duration (klass, PACKAGER_PROP_TRACK_TIMEOUT, "track-timeout",
      "A track that sends nothing for so long is filled with silence, or else "
      "given up (ns)",
      10 * GST_MSECOND, DEFAULT_TRACK_TIMEOUT);
  /**
   * GstCmafPackager:first-time:
   *
   * Media time of the first frame in ns, for a link that goes on.
   *
   * Since: 0.1
   */
  install_duration (klass, PACKAGER_PROP_FIRST_TIME, "first-time",
      "Media time of the first frame, for a link that goes on (ns)", 0, 0);
}

/**
 * packager_settings_install:
 *
 * The properties of the element class @klass, `stats` among them.
 */
void
packager_settings_install (GObjectClass *klass)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  install_durations (klass);
  /**
   * GstCmafPackager:first-msn:
   *
   * Media sequence number of the first segment, for a link that goes on.
   *
   * Since: 0.1
   */
  props[PACKAGER_PROP_FIRST_MSN] = g_param_spec_uint64 ("first-msn", NULL,
      "Media sequence number of the first segment", 0, G_MAXINT64, 0, flags);
  /**
   * GstCmafPackager:epoch:
   *
   * Number of the first epoch, for a link that goes on.
   *
   * Since: 0.1
   */
  props[PACKAGER_PROP_EPOCH] = g_param_spec_uint (
      "epoch", NULL, "Number of the first epoch", 0, G_MAXINT32, 0, flags);
  /**
   * GstCmafPackager:independent-segments:
   *
   * Promises players that every segment starts with a key frame. Only for an
   * encoder of our own: the stream ends with an error if it is not so.
   *
   * Since: 0.1
   */
  props[PACKAGER_PROP_INDEPENDENT_SEGMENTS] = g_param_spec_boolean (
      "independent-segments", NULL,
      "Every segment starts with a key frame, or it is an error", FALSE, flags);
  /**
   * GstCmafPackager:stats:
   *
   * `segments` begun, a track each; `forced-cuts`; `dropped-frames` that were of
   * no use (guint64), not counting sound before the first picture and what comes
   * before the first key frame; and the `epoch` that runs (guint).
   *
   * Since: 0.1
   */
  props[PACKAGER_PROP_STATS] = g_param_spec_boxed ("stats", NULL,
      "Counters: segments, forced-cuts, dropped-frames (guint64), epoch "
      "(guint)",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (klass, PACKAGER_N_PROPS, props);
}
