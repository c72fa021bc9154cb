/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cmafpackager
 * @title: cmafpackager
 * @short_description: packages coded audio and video into CMAF chunks
 *
 * Takes any number of coded tracks and makes one stream of complete CMAF chunks
 * (ISO/IEC 23000-19), which cachesink stores and cdnoriginsink serves byte for
 * byte. It is the one place that numbers segments and cuts parts.
 *
 * A segment ends at the first key frame of the first video track at or after
 * #GstCmafPackager:segment-duration. If the next frame would pass
 * #GstCmafPackager:max-segment-duration, it ends there without one, and such a
 * segment's successor ends at the next key frame whatever its age. Parts never
 * exceed #GstCmafPackager:part-duration, unless a single frame lasts longer.
 * Other tracks are cut where the video was and carry the same media sequence
 * number. Without video the first audio track leads.
 *
 * Players cannot join at a segment that does not start with a key frame, so
 * #GstCmafPackager:max-segment-duration is by default longer than the 8.3 s that
 * OBS leaves between key frames. It is also what a playlist promises as
 * EXT-X-TARGETDURATION: an encoder with a known interval should lower it.
 *
 * A change of codec, picture size or parameter sets begins a new epoch: new init
 * segments, a discontinuity. An audio track that sends nothing for
 * #GstCmafPackager:track-timeout is filled with silence, since every player
 * freezes where one of its tracks ends; any other track, and audio that has no
 * known silence, is given up and comes back with a new epoch.
 *
 * No pad waits for another: whichever thread brings the frame that completes a
 * part also pushes it. Key frames are IDR (H.264) and IRAP (H.265) pictures; a
 * stream with only gradual refresh has none.
 *
 * ## Messages
 *
 * `cmafpackager-epoch-begun`: epoch (guint), msn (guint64, first segment), time
 * (guint64, ns of media time), tracks (guint, present in it).
 *
 * `cmafpackager-track-lost`, `cmafpackager-track-returned`: track (string, the
 * pad's name).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! x264enc key-int-max=60 ! h264parse ! cmafpackager ! filesink location=out.mp4
 * ]| Writes the chunks one after the other. Behind their joint init segment they
 * are a fragmented MP4 file.
 * |[
 * gst-launch-1.0 rtmp2src location=rtmp://localhost/live/key ! flvdemux name=source  source.video ! cmafpackager name=p  source.audio ! p.  p. ! cdnoriginsink link=test
 * ]| Serves what an RTMP publisher sends, without transcoding and without a
 * parser: sizes are read from the parameter sets.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcmafpackager.h"

#include <string.h>

#include "chunk.h"
#include "chunkoutput.h"
#include "packagerinput.h"
#include "packagersettings.h"
#include "segmenter.h"
#include "upstream.h"

GST_DEBUG_CATEGORY_STATIC (cmafpackager_debug);
#define GST_CAT_DEFAULT cmafpackager_debug

/* Far above any ladder; bounds the caps and broadcast.json. */
#define MAX_TRACKS 64

struct _GstCmafPackager {
  GstElement parent;

  GstPad *srcpad;

  /* Settings, with OBJECT_LOCK; a copy is used while running. */
  PackagerSettings settings;

  /* Counters, with OBJECT_LOCK: they are read while downstream blocks. */
  guint64 n_segments;
  guint64 n_forced_cuts;
  guint64 n_dropped;
  guint epoch;

  /* Everything below with STREAM_LOCK of srcpad, which serializes the sink pads
   * and is taken before OBJECT_LOCK. */
  GPtrArray *inputs; /* of PackagerInput */
  Segmenter *segmenter;
  PackagerSettings running; /* the settings it has */
  ChunkOutput output;
  gboolean eos_sent;
};

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("video/x-h264, stream-format=(string)avc; "
                         "video/x-h265, stream-format=(string)hvc1, "
                         "alignment=(string)au"));

static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion=(int)4, "
                         "stream-format=(string)raw; "
                         "audio/x-opus"));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CHUNK_CAPS_NAME));

#define gst_cmaf_packager_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstCmafPackager, gst_cmaf_packager, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cmafpackager, "cmafpackager", GST_RANK_NONE, GST_TYPE_CMAF_PACKAGER)

static PackagerInput *
get_input (GstCmafPackager *self, guint index)
{
  return g_ptr_array_index (self->inputs, index);
}

static gint64
now (void)
{
  return g_get_monotonic_time () * 1000;
}

static void
post (GstCmafPackager *self, GstStructure *structure)
{
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), structure));
}

static void
count (GstCmafPackager *self, guint64 *counter)
{
  GST_OBJECT_LOCK (self);
  (*counter)++;
  GST_OBJECT_UNLOCK (self);
}

/* What the segmenter calls, with STREAM_LOCK of srcpad held. */

static TrackTable *
make_table (GstCmafPackager *self, const gconstpointer *configs)
{
  TrackTable *table = track_table_new ();

  table->segment_duration = self->running.segmenter.segment_duration;
  table->max_segment_duration = self->running.segmenter.max_segment_duration;
  table->part_duration = self->running.segmenter.part_duration;
  table->independent_segments = self->running.independent_segments;
  for (guint i = 0; i < self->inputs->len; i++)
    packager_input_describe (get_input (self, i), configs[i], table);
  return table;
}

static void
on_presence (guint track, gboolean present, gpointer user_data)
{
  GstCmafPackager *self = user_data;
  const char *name = get_input (self, track)->name;

  GST_INFO_OBJECT (self, "%s %s", name, present ? "is back" : "went silent");
  post (self, gst_structure_new (present ? "cmafpackager-track-returned"
                                         : "cmafpackager-track-lost",
                  "track", G_TYPE_STRING, name, NULL));
}

static void
on_begin_epoch (guint32 epoch, guint64 msn, guint64 time, guint64 latest,
    const gconstpointer *configs, gpointer user_data)
{
  GstCmafPackager *self = user_data;
  gboolean first = self->output.table == NULL;
  guint n_tracks = 0;

  GST_INFO_OBJECT (
      self, "epoch %u begins with segment %" G_GUINT64_FORMAT, epoch, msn);
  for (guint i = 0; i < self->inputs->len; i++) {
    if (configs[i] != NULL)
      n_tracks++;
    else if (first)
      on_presence (i, FALSE, self);
  }
  GST_OBJECT_LOCK (self);
  self->epoch = epoch;
  GST_OBJECT_UNLOCK (self);
  chunk_output_begin_epoch (&self->output, make_table (self, configs), configs,
      epoch, msn, time, latest, self->running.segmenter.first_time);
  post (self, gst_structure_new ("cmafpackager-epoch-begun", "epoch",
                  G_TYPE_UINT, epoch, "msn", G_TYPE_UINT64, msn, "time",
                  G_TYPE_UINT64, time, "tracks", G_TYPE_UINT, n_tracks, NULL));
}

static void
on_part (const SegmenterPart *part, gpointer user_data)
{
  GstCmafPackager *self = user_data;

  GST_LOG_OBJECT (self, "track %u: part %" G_GUINT64_FORMAT ".%u, %u frames",
      part->track, part->msn, part->part, part->n_samples);
  if (part->part == 0)
    count (self, &self->n_segments);
  chunk_output_push_part (&self->output, part);
}

static void
on_forced_cut (guint64 msn, gpointer user_data)
{
  GstCmafPackager *self = user_data;

  count (self, &self->n_forced_cuts);
  GST_DEBUG_OBJECT (
      self, "segment %" G_GUINT64_FORMAT " ends without a key frame", msn);
  if (!self->running.independent_segments || self->output.flow != GST_FLOW_OK)
    return;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("The video has no key frame for %" G_GUINT64_FORMAT " ms.",
          self->running.segmenter.max_segment_duration / GST_MSECOND),
      ("independent-segments promises one in every segment; set the encoder's "
       "key frame interval to at most segment-duration"));
  self->output.flow = GST_FLOW_ERROR;
}

static void
on_dropped (guint track, gpointer user_data)
{
  GstCmafPackager *self = user_data;

  /* Before the first epoch nobody misses it: sound comes before the picture, and
   * who joins a stream comes between two key frames. */
  if (self->output.table != NULL)
    count (self, &self->n_dropped);
  GST_DEBUG_OBJECT (
      self, "%s: a frame without use", get_input (self, track)->name);
}

static gpointer
on_silence (gconstpointer config, guint64 duration, gpointer user_data)
{
  return packager_input_make_silence (
      ((const InputFormat *)config)->codec, duration);
}

static void
free_frame (gpointer data)
{
  gst_buffer_unref (data);
}

/* Input: each function holds STREAM_LOCK of srcpad or takes it. */

static void
warn_malformed (GstCmafPackager *self, PackagerInput *input)
{
  count (self, &self->n_dropped);
  if (input->warned)
    return;
  input->warned = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("A frame of %s is malformed and was left out.", input->name),
      ("no timestamp, no duration, or NAL unit lengths that do not add up; "
       "further ones are only counted in stats"));
}

/* Takes ownership of @buffer. */
static GstFlowReturn
push_frame (GstCmafPackager *self, PackagerInput *input, GstBuffer *buffer,
    gint64 arrived)
{
  SegmenterSample sample = {.data = buffer, .arrived = arrived};

  if (packager_input_read (input, buffer, &sample)) {
    segmenter_push (self->segmenter, input->index, &sample, now ());
  } else {
    warn_malformed (self, input);
    gst_buffer_unref (buffer);
  }
  return self->output.flow;
}

static GstFlowReturn
gst_cmaf_packager_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (parent);
  PackagerInput *input = gst_pad_get_element_private (pad);
  gint64 arrived = g_get_monotonic_time ();
  GstFlowReturn flow;

  GST_PAD_STREAM_LOCK (self->srcpad);
  flow = self->output.flow;
  if (flow == GST_FLOW_OK && self->segmenter == NULL)
    flow = GST_FLOW_FLUSHING;
  if (flow == GST_FLOW_OK && input->format == NULL)
    flow = GST_FLOW_NOT_NEGOTIATED;
  if (flow == GST_FLOW_OK)
    flow = push_frame (self, input, g_steal_pointer (&buffer), arrived);
  GST_PAD_STREAM_UNLOCK (self->srcpad);
  gst_clear_buffer (&buffer);
  return flow;
}

static gboolean
set_caps (GstCmafPackager *self, PackagerInput *input, GstCaps *caps)
{
  g_autoptr (GError) error = NULL;

  if (packager_input_set_caps (input, caps, &error)) {
    GST_INFO_OBJECT (self, "%s: %s", input->name, input->format->codec->codecs);
    input->refused = FALSE;
    return TRUE;
  }
  /* Caps that were refused come again before the next buffer. */
  if (input->refused)
    return FALSE;
  input->refused = TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("The stream on %s cannot be packaged.", input->name),
      ("%s; caps %" GST_PTR_FORMAT, error->message, caps));
  return FALSE;
}

static gboolean
set_segment (GstCmafPackager *self, PackagerInput *input, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The stream on %s has no timestamps.", input->name),
        ("a TIME segment was expected, got %s",
            gst_format_get_name (segment->format)));
    return FALSE;
  }
  input->segment = *segment;
  return TRUE;
}

static void
read_tags (PackagerInput *input, GstEvent *event)
{
  GstTagList *tags;
  guint bitrate;

  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_get_uint (tags, GST_TAG_MAXIMUM_BITRATE, &bitrate) &&
      bitrate > 0)
    input->bitrate = bitrate;
}

/* A description links pads for streams that the publisher may not send; where
 * nothing comes, no EOS will. */
static void
end_dangling_inputs (GstCmafPackager *self)
{
  for (guint i = 0; i < self->inputs->len; i++) {
    PackagerInput *input = get_input (self, i);

    if (input->pad != NULL && !pad_has_source (input->pad))
      segmenter_end_track (self->segmenter, i, now ());
  }
}

static gboolean
end_input (GstCmafPackager *self, PackagerInput *input)
{
  if (self->segmenter == NULL)
    return FALSE;
  segmenter_end_track (self->segmenter, input->index, now ());
  end_dangling_inputs (self);
  if (!segmenter_is_ended (self->segmenter) || self->eos_sent)
    return TRUE;
  self->eos_sent = TRUE;
  chunk_output_start_stream (&self->output);
  return gst_pad_push_event (self->srcpad, gst_event_new_eos ());
}

static void
flush_input (GstCmafPackager *self, PackagerInput *input)
{
  if (self->segmenter != NULL)
    segmenter_resume_track (self->segmenter, input->index);
  gst_segment_init (&input->segment, GST_FORMAT_TIME);
  chunk_output_flushed (&self->output);
  self->eos_sent = FALSE;
}

/* Returns FALSE and sets @result, or TRUE if @event is to be forwarded. */
static gboolean
handle_event (GstCmafPackager *self, PackagerInput *input, GstEvent *event,
    gboolean *result)
{
  GstCaps *caps;

  *result = TRUE;
  switch ((int)GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      if (self->segmenter != NULL)
        segmenter_resume_track (self->segmenter, input->index);
      chunk_output_start_stream (&self->output);
      return FALSE;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      *result = set_caps (self, input, caps);
      return FALSE;
    case GST_EVENT_SEGMENT:
      *result = set_segment (self, input, event);
      return FALSE;
    case GST_EVENT_TAG:
      read_tags (input, event);
      return FALSE;
    case GST_EVENT_EOS:
      *result = end_input (self, input);
      return FALSE;
    case GST_EVENT_FLUSH_STOP:
      flush_input (self, input);
      return TRUE;
    case GST_EVENT_GAP:
    case GST_EVENT_STREAM_COLLECTION:
    case GST_EVENT_STREAM_GROUP_DONE:
      return FALSE;
    default:
      return TRUE;
  }
}

static gboolean
gst_cmaf_packager_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (parent);
  gboolean result, forward;

  /* Must not wait for the thread that it is to unblock. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    return gst_pad_push_event (self->srcpad, event);

  GST_PAD_STREAM_LOCK (self->srcpad);
  forward =
      handle_event (self, gst_pad_get_element_private (pad), event, &result);
  if (forward)
    result = gst_pad_push_event (self->srcpad, event);
  GST_PAD_STREAM_UNLOCK (self->srcpad);
  if (!forward)
    gst_event_unref (event);
  return result;
}

static gboolean
gst_cmaf_packager_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (parent);
  GstClockTime min, max, own;
  gboolean live;

  if (!gst_pad_query_default (pad, parent, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY) {
    GST_OBJECT_LOCK (self);
    own = self->settings.segmenter.part_duration;
    GST_OBJECT_UNLOCK (self);
    /* The first frame of a part waits for its last. */
    gst_query_parse_latency (query, &live, &min, &max);
    if (GST_CLOCK_TIME_IS_VALID (max))
      max += own;
    gst_query_set_latency (query, live, min + own, max);
  }
  return TRUE;
}

/* Pads */

static PackagerInput *
find_input (GstCmafPackager *self, const char *name)
{
  for (guint i = 0; i < self->inputs->len; i++)
    if (strcmp (get_input (self, i)->name, name) == 0)
      return get_input (self, i);
  return NULL;
}

static PackagerInput *
add_input (GstCmafPackager *self, const char *name, gboolean video)
{
  PackagerInput *input = packager_input_new (name, self->inputs->len, video);

  g_ptr_array_add (self->inputs, input);
  if (self->segmenter != NULL)
    segmenter_add_track (self->segmenter, video);
  return input;
}

/* The name asked for, or the lowest that is free. With STREAM_LOCK. */
static char *
choose_name (GstCmafPackager *self, gboolean video, const char *wanted)
{
  const char *kind = video ? "video" : "audio";

  if (wanted != NULL)
    return g_strdup (wanted);
  for (guint i = 0;; i++) {
    g_autofree char *name = g_strdup_printf ("%s_%u", kind, i);
    PackagerInput *input = find_input (self, name);

    if (input == NULL || input->pad == NULL)
      return g_steal_pointer (&name);
  }
}

static GstPad *
gst_cmaf_packager_request_new_pad (GstElement *element,
    GstPadTemplate *template, const char *wanted, const GstCaps *caps)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (element);
  gboolean video = g_str_has_prefix (template->name_template, "video");
  g_autofree char *name = NULL;
  GstPad *pad = NULL;
  PackagerInput *input;

  GST_PAD_STREAM_LOCK (self->srcpad);
  name = choose_name (self, video, wanted);
  input = find_input (self, name);
  if (input == NULL && self->inputs->len < MAX_TRACKS)
    input = add_input (self, name, video);
  if (input != NULL && input->pad == NULL && input->video == video) {
    pad = gst_pad_new_from_template (template, name);
    gst_pad_set_chain_function (pad, gst_cmaf_packager_chain);
    gst_pad_set_event_function (pad, gst_cmaf_packager_sink_event);
    gst_pad_set_element_private (pad, input);
    input->pad = pad;
    if (self->segmenter != NULL)
      segmenter_resume_track (self->segmenter, input->index);
  }
  GST_PAD_STREAM_UNLOCK (self->srcpad);
  if (pad == NULL)
    return NULL;

  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_cmaf_packager_release_pad (GstElement *element, GstPad *pad)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (element);
  PackagerInput *input = gst_pad_get_element_private (pad);

  gst_pad_set_active (pad, FALSE);
  GST_PAD_STREAM_LOCK (self->srcpad);
  input->pad = NULL;
  end_input (self, input);
  GST_PAD_STREAM_UNLOCK (self->srcpad);
  gst_element_remove_pad (element, pad);
}

/* States */

static void
start (GstCmafPackager *self)
{
  static const SegmenterOutput output = {
      .begin_epoch = on_begin_epoch,
      .part = on_part,
      .forced_cut = on_forced_cut,
      .presence = on_presence,
      .dropped = on_dropped,
      .silence = on_silence,
      .free_data = free_frame,
  };

  GST_PAD_STREAM_LOCK (self->srcpad);
  GST_OBJECT_LOCK (self);
  self->running = self->settings;
  GST_OBJECT_UNLOCK (self);
  self->running.segmenter.max_segment_duration =
      MAX (self->running.segmenter.max_segment_duration,
          self->running.segmenter.segment_duration);
  self->segmenter = segmenter_new (&self->running.segmenter, &output, self);
  for (guint i = 0; i < self->inputs->len; i++)
    segmenter_add_track (self->segmenter, get_input (self, i)->video);
  GST_PAD_STREAM_UNLOCK (self->srcpad);
}

static void
stop (GstCmafPackager *self)
{
  GST_PAD_STREAM_LOCK (self->srcpad);
  g_clear_pointer (&self->segmenter, segmenter_free);
  chunk_output_reset (&self->output);
  self->eos_sent = FALSE;
  for (guint i = 0; i < self->inputs->len; i++)
    packager_input_reset (get_input (self, i));
  GST_PAD_STREAM_UNLOCK (self->srcpad);
}

static GstStateChangeReturn
gst_cmaf_packager_change_state (GstElement *element, GstStateChange transition)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return ret;
}

static GstStructure *
make_stats (GstCmafPackager *self)
{
  GstStructure *stats;

  GST_OBJECT_LOCK (self);
  stats = gst_structure_new ("application/x-cmafpackager-stats", "segments",
      G_TYPE_UINT64, self->n_segments, "forced-cuts", G_TYPE_UINT64,
      self->n_forced_cuts, "dropped-frames", G_TYPE_UINT64, self->n_dropped,
      "epoch", G_TYPE_UINT, self->epoch, NULL);
  GST_OBJECT_UNLOCK (self);
  return stats;
}

static void
gst_cmaf_packager_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (object);

  GST_OBJECT_LOCK (self);
  packager_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_packager_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (object);

  if (id == PACKAGER_PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  packager_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_packager_finalize (GObject *object)
{
  GstCmafPackager *self = GST_CMAF_PACKAGER (object);

  g_assert (self->segmenter == NULL);
  g_ptr_array_unref (self->inputs);
  chunk_output_clear (&self->output);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_cmaf_packager_class_init (GstCmafPackagerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      cmafpackager_debug, "cmafpackager", 0, "CMAF packager");
  object_class->set_property = gst_cmaf_packager_set_property;
  object_class->get_property = gst_cmaf_packager_get_property;
  object_class->finalize = gst_cmaf_packager_finalize;
  packager_settings_install (object_class);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_cmaf_packager_change_state);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_cmaf_packager_request_new_pad);
  element_class->release_pad =
      GST_DEBUG_FUNCPTR (gst_cmaf_packager_release_pad);
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CMAF packager",
      "Codec/Muxer", "Packages coded audio and video into CMAF chunks",
      "The Wishcast developers");
}

static void
gst_cmaf_packager_init (GstCmafPackager *self)
{
  packager_settings_init (&self->settings);
  self->inputs =
      g_ptr_array_new_with_free_func ((GDestroyNotify)packager_input_free);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->srcpad, gst_cmaf_packager_src_query);
  chunk_output_init (&self->output, self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}
