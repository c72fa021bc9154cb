/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preview.h"

#include <glib-unix.h>
#include <gst/base/base.h>
#include <gst/video/video.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "latency.h"
#include "messagetext.h"

/* How often the overlays are written, in ms. */
#define INTERVAL 250
/* Without a new picture for so long, in us, the publisher is away: four parts
 * and some more. */
#define PATIENCE (2500 * G_TIME_SPAN_MILLISECOND)

#define INTERRUPTED "The developer will be right back"

typedef struct {
  GstElement *pipeline;
  GMainLoop *loop;
  GstElement *picture, *overlay; /* of the description */
  char *title;                   /* what the overlay says on its own */
  GstElement *sink;              /* of the pictures, once known */
  gboolean verbose;
  gboolean is_live; /* a live cachesrc has told when its media was captured */
  gboolean is_paused;
  gboolean is_interrupted;
  gboolean has_ended;
  gboolean has_all; /* was shown to its end */
  LatencyMeter meter;
  guint64 repeated; /* when the last picture was shown once more */
  guint ticks;
  guint epoch; /* of a recording: where it goes on at the end of this part */
  int status;

  GMutex lock;
  GstBuffer *last; /* the picture as it came, with lock */
} Preview;

static void
finish (Preview *self, int status)
{
  if (self->has_ended)
    return;
  self->has_ended = TRUE;
  self->status = status;
  g_main_loop_quit (self->loop);
}

/* The picture on the screen */

static GstPadProbeReturn
on_picture (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Preview *self = data;

  g_mutex_lock (&self->lock);
  gst_buffer_replace (&self->last, GST_PAD_PROBE_INFO_BUFFER (info));
  g_mutex_unlock (&self->lock);
  return GST_PAD_PROBE_OK;
}

static gboolean
find_sink (const GValue *item, GValue *found, gpointer data)
{
  GstElement *element = g_value_get_object (item);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) caps =
      pad != NULL ? gst_pad_get_current_caps (pad) : NULL;

  if (!GST_IS_BASE_SINK (element) || caps == NULL ||
      !g_str_has_prefix (
          gst_structure_get_name (gst_caps_get_structure (caps, 0)), "video/"))
    return TRUE;
  g_value_set_object (found, element);
  return FALSE;
}

/* autovideosink puts it into itself, so it is looked for. */
static GstElement *
get_sink (Preview *self)
{
  g_autoptr (GstIterator) sinks = NULL;
  g_auto (GValue) found = G_VALUE_INIT;

  if (self->sink != NULL)
    return self->sink;
  sinks = gst_bin_iterate_recurse (GST_BIN (self->pipeline));
  g_value_init (&found, GST_TYPE_ELEMENT);
  gst_iterator_fold (sinks, find_sink, &found, NULL);
  self->sink = g_value_dup_object (&found);
  return self->sink;
}

/* Which one the sink shows, if it is no repeated one. */
static gboolean
see_picture (Preview *self, guint64 *pts)
{
  GstElement *sink = get_sink (self);
  g_autoptr (GstSample) sample = NULL;

  if (sink == NULL)
    return FALSE;
  sample = gst_base_sink_get_last_sample (GST_BASE_SINK (sink));
  if (sample == NULL || gst_sample_get_buffer (sample) == NULL)
    return FALSE;
  *pts = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  return GST_CLOCK_TIME_IS_VALID (*pts) && *pts != self->repeated;
}

/* The time of presentation that is now, for what comes out of @pad. */
static guint64
get_present (Preview *self, GstPad *pad)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  g_autoptr (GstClock) clock = gst_element_get_clock (self->pipeline);
  const GstSegment *segment;

  if (event == NULL || clock == NULL)
    return GST_CLOCK_TIME_NONE;
  gst_event_parse_segment (event, &segment);
  return gst_segment_position_from_running_time (segment, GST_FORMAT_TIME,
      gst_clock_get_time (clock) - gst_element_get_base_time (self->pipeline));
}

/* Without new pictures nothing passes the overlay: the last one has to pass once
 * more. The streaming thread waits for data meanwhile, and the stream lock of
 * the pad keeps it out should some come. */
static void
repeat_picture (Preview *self)
{
  g_autoptr (GstPad) source = gst_element_get_static_pad (self->picture, "src");
  g_autoptr (GstPad) pad = gst_pad_get_peer (source);
  g_autoptr (GstBuffer) last = NULL;
  GstBuffer *buffer;

  g_mutex_lock (&self->lock);
  last = self->last != NULL ? gst_buffer_ref (self->last) : NULL;
  g_mutex_unlock (&self->lock);
  self->repeated = get_present (self, source);
  if (last == NULL || pad == NULL || !GST_CLOCK_TIME_IS_VALID (self->repeated))
    return;
  buffer = gst_buffer_copy (last);
  GST_BUFFER_PTS (buffer) = self->repeated;
  GST_BUFFER_DTS (buffer) = GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
  gst_pad_chain (pad, buffer);
}

/* Texts */

static char *
format_time (guint64 time)
{
  guint seconds = (guint)(time / GST_SECOND);

  return g_strdup_printf (
      "%u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* What can be said of a stream that does not tell when it was captured. */
static char *
describe_position (Preview *self)
{
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_TIME);
  g_autofree char *now = NULL, *all = NULL;
  gint64 position, duration, end = -1;

  if (!gst_element_query_position (
          self->pipeline, GST_FORMAT_TIME, &position) ||
      position < 0)
    return g_strdup ("");
  now = format_time (position);
  if (gst_element_query_duration (self->pipeline, GST_FORMAT_TIME, &duration) &&
      duration > 0) {
    all = format_time (duration);
    return g_strdup_printf ("%s of %s", now, all);
  }
  if (gst_element_query (self->pipeline, query))
    gst_query_parse_seeking (query, NULL, NULL, NULL, &end);
  if (end > position)
    return g_strdup_printf ("%.1f s behind the newest segment",
        (double)(end - position) / GST_SECOND);
  return g_steal_pointer (&now);
}

static char *
describe_latency (Preview *self, gint64 now)
{
  gint64 latency;

  if (!self->is_live)
    return describe_position (self);
  if (self->is_paused || !latency_meter_get (&self->meter, now, &latency))
    return g_strdup ("");
  return g_strdup_printf ("latency %.2f s", (double)latency / 1e6);
}

static void
print_figures (Preview *self, gint64 now)
{
  gint64 latency;

  if (!self->verbose)
    return;
  printf ("state=%s", self->is_interrupted ? "interrupted"
                      : self->is_paused    ? "paused"
                      : self->is_live      ? "live"
                                           : "playing");
  if (self->is_live && latency_meter_get (&self->meter, now, &latency))
    printf (" latency=%.3f", (double)latency / 1e6);
  if (self->meter.seen_at != 0)
    printf (" time=%.3f", (double)self->meter.pts / GST_SECOND);
  printf ("\n");
  fflush (stdout);
}

/* The title, and below it what is known. */
static void
write_overlay (Preview *self, gint64 now)
{
  g_autofree char *latency = describe_latency (self, now);
  const char *line = self->is_interrupted ? INTERRUPTED : latency;
  g_autofree char *text =
      g_strjoin (*line != '\0' ? "\n" : "", self->title, line, NULL);

  g_object_set (self->overlay, "text", text, NULL);
  gst_util_set_object_arg (G_OBJECT (self->overlay), "valignment",
      self->is_interrupted ? "center" : "top");
  gst_util_set_object_arg (G_OBJECT (self->overlay), "halignment",
      self->is_interrupted ? "center" : "left");
}

static gboolean
on_tick (gpointer data)
{
  gint64 now = g_get_real_time ();
  Preview *self = data;
  gboolean was_interrupted = self->is_interrupted;
  guint64 pts;

  if (see_picture (self, &pts))
    latency_meter_see (&self->meter, pts, now);
  self->is_interrupted = self->is_live && !self->is_paused &&
                         latency_meter_is_stuck (&self->meter, now, PATIENCE);
  write_overlay (self, now);
  if (self->is_interrupted && !was_interrupted)
    repeat_picture (self);
  if (++self->ticks % (1000 / INTERVAL) == 0)
    print_figures (self, now);
  return G_SOURCE_CONTINUE;
}

/* The user */

static void
toggle_pause (Preview *self)
{
  self->is_paused = !self->is_paused;
  gst_element_set_state (
      self->pipeline, self->is_paused ? GST_STATE_PAUSED : GST_STATE_PLAYING);
}

static void
on_key (Preview *self, const char *key)
{
  if (g_str_equal (key, "q") || g_str_equal (key, "Q") ||
      g_str_equal (key, "Escape"))
    finish (self, EX_OK);
  else if (g_str_equal (key, "space"))
    toggle_pause (self);
}

static gboolean
on_signal (gpointer data)
{
  finish (data, EX_OK);
  return G_SOURCE_CONTINUE;
}

/* Messages */

static void
on_navigation (Preview *self, GstMessage *message)
{
  g_autoptr (GstEvent) event = NULL;
  const char *key;

  if (gst_navigation_message_parse_event (message, &event) &&
      gst_navigation_event_get_type (event) == GST_NAVIGATION_EVENT_KEY_PRESS &&
      gst_navigation_event_parse_key_event (event, &key))
    on_key (self, key);
}

static void
on_element (Preview *self, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  gint64 wallclock;
  guint64 time;

  if (gst_navigation_message_get_type (message) ==
      GST_NAVIGATION_MESSAGE_EVENT) {
    on_navigation (self, message);
  } else if (gst_structure_has_name (structure, "cachesrc-time-set") &&
             gst_structure_get (structure, "time", G_TYPE_UINT64, &time,
                 "wallclock", G_TYPE_INT64, &wallclock, NULL)) {
    latency_meter_anchor (&self->meter, time, wallclock);
    self->is_live = TRUE;
  } else if (gst_structure_has_name (structure, "cachesrc-init-changed")) {
    gst_structure_get_uint (structure, "epoch", &self->epoch);
  }
}

static void
on_error (Preview *self, GstMessage *message)
{
  g_autofree char *text = message_to_text (message, self->pipeline);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  /* How the sinks tell that the window was closed. */
  if (GST_IS_VIDEO_OVERLAY (GST_MESSAGE_SRC (message)) &&
      g_error_matches (
          error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND)) {
    finish (self, EX_OK);
    return;
  }
  if (!self->has_ended)
    fprintf (stderr, "%s\n", text);
  finish (self, command_status (error));
}

static gboolean
comes_from (GstMessage *message, const char *factory)
{
  GstObject *source = GST_MESSAGE_SRC (message);
  GstElementFactory *made = GST_IS_ELEMENT (source)
                                ? gst_element_get_factory (GST_ELEMENT (source))
                                : NULL;

  return made != NULL && g_str_equal (GST_OBJECT_NAME (made), factory);
}

/* Where there is no sound card or no display, they put a fakesink there. */
static void
on_warning (Preview *self, GstMessage *message)
{
  g_autofree char *text = NULL;

  if (comes_from (message, "autoaudiosink")) {
    command_say ("there is no sound card: the preview is silent");
  } else if (comes_from (message, "autovideosink")) {
    command_say ("there is no display to show a window on");
    finish (self, EX_UNAVAILABLE);
  } else {
    text = message_to_text (message, self->pipeline);
    fprintf (stderr, "%s\n", text);
  }
}

/* A sink that nothing will ever reach would keep the pipeline from starting and
 * from ending: the branch from @head on goes. */
static void
remove_branch (Preview *self, const char *head)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (self->pipeline), head);

  while (element != NULL) {
    g_autoptr (GstElement) gone = element;
    g_autoptr (GstPad) source = gst_element_get_static_pad (gone, "src");
    g_autoptr (GstPad) peer = source != NULL ? gst_pad_get_peer (source) : NULL;

    element = peer != NULL ? gst_pad_get_parent_element (peer) : NULL;
    gst_element_set_state (gone, GST_STATE_NULL);
    gst_bin_remove (GST_BIN (self->pipeline), gone);
  }
}

static void
on_streams (Preview *self, GstMessage *message)
{
  guint n = gst_message_streams_selected_get_size (message);
  GstStreamType types = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (GstStream) stream =
        gst_message_streams_selected_get_stream (message, i);

    types |= gst_stream_get_stream_type (stream);
  }
  if (!(types & GST_STREAM_TYPE_AUDIO))
    remove_branch (self, "sound");
  if (!(types & GST_STREAM_TYPE_VIDEO)) {
    command_say ("there is no picture in it");
    finish (self, EX_DATAERR);
  }
}

/* What is not live waits until enough has come. */
static void
on_buffering (Preview *self, GstMessage *message)
{
  GstBufferingMode mode;
  int percent;

  gst_message_parse_buffering (message, &percent);
  gst_message_parse_buffering_stats (message, &mode, NULL, NULL, NULL);
  if (mode != GST_BUFFERING_LIVE && !self->is_paused)
    gst_element_set_state (
        self->pipeline, percent < 100 ? GST_STATE_PAUSED : GST_STATE_PLAYING);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Preview *self = data;

  switch ((int)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      on_error (self, message);
      break;
    case GST_MESSAGE_WARNING:
      on_warning (self, message);
      break;
    case GST_MESSAGE_EOS:
      self->has_all = TRUE;
      finish (self, EX_OK);
      break;
    case GST_MESSAGE_ELEMENT:
      on_element (self, message);
      break;
    case GST_MESSAGE_STREAMS_SELECTED:
      on_streams (self, message);
      break;
    case GST_MESSAGE_BUFFERING:
      on_buffering (self, message);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    case GST_MESSAGE_CLOCK_LOST:
      gst_element_set_state (self->pipeline, GST_STATE_PAUSED);
      gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* A preview's life */

static void
preview_init (Preview *self, GstElement *pipeline, gboolean verbose)
{
  g_autoptr (GstPad) pad = NULL;

  *self = (Preview){
      .pipeline = pipeline,
      .loop = g_main_loop_new (NULL, FALSE),
      .verbose = verbose,
      .repeated = GST_CLOCK_TIME_NONE,
      .picture = gst_bin_get_by_name (GST_BIN (pipeline), "picture"),
      .overlay = gst_bin_get_by_name (GST_BIN (pipeline), "overlay"),
  };
  g_object_get (self->overlay, "text", &self->title, NULL);
  g_mutex_init (&self->lock);
  pad = gst_element_get_static_pad (self->picture, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_picture, self, NULL);
}

static void
preview_clear (Preview *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_clear_object (&self->picture);
  gst_clear_object (&self->overlay);
  g_free (self->title);
  gst_clear_object (&self->sink);
  gst_clear_buffer (&self->last);
  g_mutex_clear (&self->lock);
  g_main_loop_unref (self->loop);
}

int
preview_run (GstElement *pipeline, gboolean verbose, guint *epoch)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  guint sources[4];
  Preview self;
  int status;

  preview_init (&self, pipeline, verbose);
  sources[0] = g_unix_signal_add (SIGINT, on_signal, &self);
  sources[1] = g_unix_signal_add (SIGTERM, on_signal, &self);
  sources[2] = g_unix_signal_add (SIGHUP, on_signal, &self);
  sources[3] = g_timeout_add (INTERVAL, on_tick, &self);
  gst_bus_add_watch (bus, on_message, &self);
  /* One that fails says why on the bus. */
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (self.loop);
  gst_bus_remove_watch (bus);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  status = self.status;
  *epoch = self.has_all ? self.epoch : 0;
  preview_clear (&self);
  return status;
}
