/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "healthprobe.h"

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gsth264parser.h>
#include <gst/pbutils/pbutils.h>

#include "health.h"

typedef struct _PadWatch PadWatch;

#define PROBED                                                                 \
  (GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |                \
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM)

/* Counted, because a probe may still run on a streaming thread when it has been
 * removed. Lock order: lock, OBJECT_LOCK of a pad. */
struct _HealthProbe {
  GstElement *source;
  gulong pad_added;

  GMutex lock;
  /* With lock. */
  gboolean closed;
  IngestHealth *health;
  guint64 other_bytes;     /* of streams that are not looked at */
  GPtrArray *watches;      /* of PadWatch */
  PadWatch *video, *audio; /* the first of each, or NULL */
};

/* One pad of the source. Counted: by the probe's list and by the pad's probe. */
struct _PadWatch {
  HealthProbe *probe; /* a reference */
  GstPad *pad;        /* a reference, until the probe is freed */
  gulong id;
  GstSegment segment; /* with lock */
};

static void
probe_finalize (gpointer data)
{
  HealthProbe *probe = data;

  gst_object_unref (probe->source);
  ingest_health_free (probe->health);
  g_mutex_clear (&probe->lock);
}

static void
probe_unref (HealthProbe *probe)
{
  g_atomic_rc_box_release_full (probe, probe_finalize);
}

static void
watch_finalize (gpointer data)
{
  PadWatch *watch = data;

  gst_object_unref (watch->pad);
  probe_unref (watch->probe);
}

static void
watch_unref (gpointer watch)
{
  g_atomic_rc_box_release_full (watch, watch_finalize);
}

/* What the caps say */

/* Neither FLV nor RTP has the size of the picture in its caps; the parameter
 * sets do. */
static void
read_codec_data (const GstStructure *structure, guint *width, guint *height)
{
  GstH264DecoderConfigRecord *config = NULL;
  g_autoptr (GstBuffer) buffer = NULL;
  GstH264NalParser *parser;
  GstH264SPS sps;
  GstMapInfo map;

  if (!gst_structure_get (
          structure, "codec_data", GST_TYPE_BUFFER, &buffer, NULL) ||
      !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  parser = gst_h264_nal_parser_new ();
  if (gst_h264_parser_parse_decoder_config_record (
          parser, map.data, map.size, &config) == GST_H264_PARSER_OK &&
      config->sps->len > 0 &&
      gst_h264_parser_parse_sps (parser,
          &g_array_index (config->sps, GstH264NalUnit, 0),
          &sps) == GST_H264_PARSER_OK) {
    *width = sps.frame_cropping_flag ? sps.crop_rect_width : sps.width;
    *height = sps.frame_cropping_flag ? sps.crop_rect_height : sps.height;
    gst_h264_sps_clear (&sps);
  }
  g_clear_pointer (&config, gst_h264_decoder_config_record_free);
  gst_h264_nal_parser_free (parser);
  gst_buffer_unmap (buffer, &map);
}

/* Called with the lock held. */
static void
note_video (HealthProbe *probe, const GstStructure *structure)
{
  const char *name = gst_structure_get_name (structure);
  int width = 0, height = 0, fps_n = 0, fps_d = 0;
  guint coded_width, coded_height;

  gst_structure_get_int (structure, "width", &width);
  gst_structure_get_int (structure, "height", &height);
  gst_structure_get_fraction (structure, "framerate", &fps_n, &fps_d);
  coded_width = MAX (width, 0);
  coded_height = MAX (height, 0);
  if (g_str_equal (name, "video/x-h264"))
    read_codec_data (structure, &coded_width, &coded_height);
  name += strlen (g_str_has_prefix (name, "video/x-") ? "video/x-" : "video/");
  ingest_health_video (probe->health, name, coded_width, coded_height,
      MAX (fps_n, 0), MAX (fps_d, 0));
}

/* Called with the lock held. */
static void
note_audio (HealthProbe *probe, const GstStructure *structure)
{
  const char *name = gst_structure_get_name (structure);
  g_autoptr (GstBuffer) config = NULL;
  int version = 0, rate = 0, channels = 0;
  GstMapInfo map;

  gst_structure_get_int (structure, "rate", &rate);
  gst_structure_get_int (structure, "channels", &channels);
  name += strlen (g_str_has_prefix (name, "audio/x-") ? "audio/x-" : "audio/");
  if (gst_structure_get_int (structure, "mpegversion", &version))
    name = version == 1 ? "mp3" : "aac";
  /* What the container says of AAC is often wrong. */
  if (g_str_equal (name, "aac") &&
      gst_structure_get (
          structure, "codec_data", GST_TYPE_BUFFER, &config, NULL) &&
      gst_buffer_map (config, &map, GST_MAP_READ)) {
    guint coded_rate = gst_codec_utils_aac_get_sample_rate (map.data, map.size);
    guint coded_channels =
        gst_codec_utils_aac_get_channels (map.data, map.size);

    rate = coded_rate != 0 ? (int)coded_rate : rate;
    channels = coded_channels != 0 ? (int)coded_channels : channels;
    gst_buffer_unmap (config, &map);
  }
  ingest_health_audio (probe->health, name, MAX (rate, 0), MAX (channels, 0));
}

/* Called with the lock held. */
static void
note_caps (PadWatch *watch, GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  HealthProbe *probe = watch->probe;

  if (g_str_has_prefix (gst_structure_get_name (structure), "video/")) {
    if (probe->video == NULL)
      probe->video = watch;
    if (probe->video == watch)
      note_video (probe, structure);
  } else if (g_str_has_prefix (gst_structure_get_name (structure), "audio/")) {
    if (probe->audio == NULL)
      probe->audio = watch;
    if (probe->audio == watch)
      note_audio (probe, structure);
  }
}

/* Called with the lock held. */
static void
note_event (PadWatch *watch, GstEvent *event)
{
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    note_caps (watch, caps);
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment (event, &watch->segment);
  }
}

/* Frames */

static guint64
running_time (const PadWatch *watch, GstClockTime time)
{
  if (watch->segment.format != GST_FORMAT_TIME)
    return time;
  return gst_segment_to_running_time (&watch->segment, GST_FORMAT_TIME, time);
}

/* Called with the lock held. */
static gboolean
note_buffer (GstBuffer **buffer, guint index, gpointer data)
{
  gboolean key = !GST_BUFFER_FLAG_IS_SET (*buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  gsize size = gst_buffer_get_size (*buffer);
  gint64 now = g_get_monotonic_time ();
  PadWatch *watch = data;
  HealthProbe *probe = watch->probe;
  guint64 pts = running_time (watch, GST_BUFFER_PTS (*buffer));
  guint64 dts = running_time (watch, GST_BUFFER_DTS (*buffer));

  if (watch == probe->video)
    ingest_health_video_frame (probe->health, pts, dts, key, size, now);
  else if (watch == probe->audio)
    ingest_health_audio_frame (probe->health, pts, size, now);
  else
    probe->other_bytes += size;
  return TRUE;
}

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  HealthProbe *probe = ((PadWatch *)data)->probe;

  g_mutex_lock (&probe->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

    note_buffer (&buffer, 0, data);
  } else if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    gst_buffer_list_foreach (
        GST_PAD_PROBE_INFO_BUFFER_LIST (info), note_buffer, data);
  } else {
    note_event (data, GST_PAD_PROBE_INFO_EVENT (info));
  }
  g_mutex_unlock (&probe->lock);
  return GST_PAD_PROBE_OK;
}

/* Pads */

/* Called with the lock held. */
static gboolean
is_watched (HealthProbe *probe, GstPad *pad)
{
  for (guint i = 0; i < probe->watches->len; i++) {
    PadWatch *watch = g_ptr_array_index (probe->watches, i);

    if (watch->pad == pad)
      return TRUE;
  }
  return FALSE;
}

/* What was said before we came. Called with the lock held, so that what is said
 * meanwhile counts after it. */
static void
catch_up (PadWatch *watch)
{
  static const GstEventType types[] = {GST_EVENT_CAPS, GST_EVENT_SEGMENT};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (GstEvent) event =
        gst_pad_get_sticky_event (watch->pad, types[i], 0);

    if (event != NULL)
      note_event (watch, event);
  }
}

static void
watch_pad (HealthProbe *probe, GstPad *pad)
{
  g_mutex_lock (&probe->lock);
  /* A pad that is added just now may be seen twice. */
  if (!probe->closed && !is_watched (probe, pad)) {
    PadWatch *watch = g_atomic_rc_box_new0 (PadWatch);

    watch->probe = g_atomic_rc_box_acquire (probe);
    watch->pad = gst_object_ref (pad);
    gst_segment_init (&watch->segment, GST_FORMAT_UNDEFINED);
    g_ptr_array_add (probe->watches, watch);
    watch->id = gst_pad_add_probe (
        pad, PROBED, on_data, g_atomic_rc_box_acquire (watch), watch_unref);
    catch_up (watch);
  }
  g_mutex_unlock (&probe->lock);
}

static void
on_pad_added (GstElement *source, GstPad *pad, gpointer data)
{
  if (GST_PAD_DIRECTION (pad) == GST_PAD_SRC)
    watch_pad (data, pad);
}

static gboolean
watch_existing (GstElement *source, GstPad *pad, gpointer data)
{
  watch_pad (data, pad);
  return TRUE;
}

static void
release_probe (gpointer data, GClosure *closure)
{
  probe_unref (data);
}

HealthProbe *
health_probe_new (GstElement *source)
{
  HealthProbe *probe = g_atomic_rc_box_new0 (HealthProbe);

  probe->source = gst_object_ref (source);
  probe->health = ingest_health_new ();
  probe->watches = g_ptr_array_new_with_free_func (watch_unref);
  g_mutex_init (&probe->lock);
  probe->pad_added =
      g_signal_connect_data (source, "pad-added", G_CALLBACK (on_pad_added),
          g_atomic_rc_box_acquire (probe), release_probe, 0);
  gst_element_foreach_src_pad (source, watch_existing, probe);
  return probe;
}

char *
health_probe_tick (HealthProbe *probe, gint64 now)
{
  char *json = NULL;

  g_mutex_lock (&probe->lock);
  if (ingest_health_tick (probe->health, now))
    json = ingest_health_to_json (probe->health);
  g_mutex_unlock (&probe->lock);
  return json;
}

guint64
health_probe_get_bytes (HealthProbe *probe)
{
  guint64 bytes;

  g_mutex_lock (&probe->lock);
  bytes = ingest_health_get_bytes (probe->health) + probe->other_bytes;
  g_mutex_unlock (&probe->lock);
  return bytes;
}

void
health_probe_free (HealthProbe *probe)
{
  g_autoptr (GPtrArray) watches = NULL;

  if (probe == NULL)
    return;
  g_signal_handler_disconnect (probe->source, probe->pad_added);
  g_mutex_lock (&probe->lock);
  probe->closed = TRUE;
  watches = g_steal_pointer (&probe->watches);
  g_mutex_unlock (&probe->lock);
  for (guint i = 0; i < watches->len; i++) {
    PadWatch *watch = g_ptr_array_index (watches, i);

    gst_pad_remove_probe (watch->pad, watch->id);
  }
  probe_unref (probe);
}
