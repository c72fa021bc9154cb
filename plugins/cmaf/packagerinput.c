/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "packagerinput.h"

#include "nalunits.h"
#include "silence.h"

static void
input_format_free (gpointer data)
{
  InputFormat *format = data;

  codec_config_unref (format->codec);
  g_free (format);
}

PackagerInput *
packager_input_new (const char *name, guint index, gboolean video)
{
  PackagerInput *self = g_new0 (PackagerInput, 1);

  self->name = g_strdup (name);
  self->index = index;
  self->video = video;
  self->formats = g_ptr_array_new_with_free_func (input_format_free);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  return self;
}

void
packager_input_free (PackagerInput *self)
{
  g_free (self->name);
  g_ptr_array_unref (self->formats);
  g_free (self);
}

/**
 * packager_input_reset:
 *
 * Forgets what a stream told. No frame may refer to a format any more.
 */
void
packager_input_reset (PackagerInput *self)
{
  self->format = NULL;
  g_ptr_array_set_size (self->formats, 0);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->warned = self->refused = FALSE;
}

/**
 * packager_input_describe:
 * @format: (nullable): what the track has in this epoch
 *
 * Adds the track's line to @table.
 */
void
packager_input_describe (
    const PackagerInput *self, const InputFormat *format, TrackTable *table)
{
  Track *track = track_table_add (
      table, self->name, self->video ? TRACK_VIDEO : TRACK_AUDIO);

  track->bitrate = self->bitrate;
  track->present = format != NULL;
  if (format == NULL)
    return;
  track->codecs = g_strdup (format->codec->codecs);
  track->timescale = format->codec->timescale;
  track->width = format->codec->width;
  track->height = format->codec->height;
  track->fps_n = format->codec->fps_n;
  track->fps_d = format->codec->fps_d;
  track->rate = format->codec->rate;
  track->channels = format->codec->channels;
}

/**
 * packager_input_set_caps:
 *
 * Caps that say the same once more, as repeated parameter sets cause them, keep
 * the format.
 *
 * Returns: %FALSE and @error if such a stream cannot be packaged
 */
gboolean
packager_input_set_caps (
    PackagerInput *self, const GstCaps *caps, GError **error)
{
  g_autoptr (CodecConfig) codec = codec_config_new_from_caps (caps, error);

  if (codec == NULL)
    return FALSE;
  if (self->format != NULL && codec_config_equal (self->format->codec, codec))
    return TRUE;
  self->format = g_new0 (InputFormat, 1);
  self->format->codec = g_steal_pointer (&codec);
  g_ptr_array_add (self->formats, self->format);
  return TRUE;
}

static gint64
running_time (PackagerInput *self, GstClockTime time)
{
  guint64 result;
  int sign = gst_segment_to_running_time_full (
      &self->segment, GST_FORMAT_TIME, time, &result);

  return sign < 0 ? -(gint64)result : (gint64)result;
}

static gboolean
read_video (PackagerInput *self, GstBuffer *buffer, SegmenterSample *sample)
{
  const CodecConfig *codec = self->format->codec;
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTime dts = GST_BUFFER_DTS (buffer);
  NalSummary summary;
  GstMapInfo map;
  gboolean ok;

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = dts;
  if (!GST_CLOCK_TIME_IS_VALID (dts))
    dts = pts;
  if (!GST_CLOCK_TIME_IS_VALID (dts) ||
      !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return FALSE;
  ok = nal_units_inspect (map.data, map.size, codec->codec == CODEC_H265,
      codec->nal_length_size, &summary);
  gst_buffer_unmap (buffer, &map);
  if (!ok)
    return FALSE;

  sample->key = summary.key;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    sample->duration = GST_BUFFER_DURATION (buffer);
  input_clock_video (&self->format->clock, running_time (self, dts),
      running_time (self, pts), &sample->time, &sample->cts);
  return TRUE;
}

static gboolean
read_audio (PackagerInput *self, GstBuffer *buffer, SegmenterSample *sample)
{
  const CodecConfig *codec = self->format->codec;
  guint samples = codec->frame_samples;

  if (!GST_BUFFER_PTS_IS_VALID (buffer) || gst_buffer_get_size (buffer) == 0)
    return FALSE;
  if (samples == 0 && GST_BUFFER_DURATION_IS_VALID (buffer))
    samples = gst_util_uint64_scale_round (
        GST_BUFFER_DURATION (buffer), codec->rate, GST_SECOND);
  if (samples == 0)
    return FALSE;
  sample->key = TRUE;
  sample->time = input_clock_audio (&self->format->clock,
      running_time (self, GST_BUFFER_PTS (buffer)), samples, codec->rate,
      &sample->duration);
  return TRUE;
}

/**
 * packager_input_read:
 * @buffer: one frame
 * @sample: (out): gets time, cts, duration, key and config
 *
 * Returns: %FALSE if @buffer is of no use: no timestamp, no duration where one
 *     is needed, NAL unit lengths that do not add up
 */
gboolean
packager_input_read (
    PackagerInput *self, GstBuffer *buffer, SegmenterSample *sample)
{
  sample->config = self->format;
  return self->video ? read_video (self, buffer, sample)
                     : read_audio (self, buffer, sample);
}

/**
 * packager_input_make_silence:
 * @duration: ns
 *
 * Returns: (transfer full) (nullable): one silent frame, or %NULL if this codec
 *     configuration has no known one
 */
GstBuffer *
packager_input_make_silence (const CodecConfig *codec, guint64 duration)
{
  guint8 frame[SILENCE_MAX_SIZE];
  gsize size = 0;

  if (codec->codec == CODEC_AAC)
    size = silence_aac (codec->object_type, codec->channels, frame);
  else if (codec->codec == CODEC_OPUS)
    size = silence_opus (codec->channels,
        gst_util_uint64_scale_round (duration, codec->rate, GST_SECOND), frame);
  return size > 0 ? gst_buffer_new_memdup (frame, size) : NULL;
}
