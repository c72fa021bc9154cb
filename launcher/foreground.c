/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foreground.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "messagetext.h"

/* How long EOS may take to pass through the pipeline. */
#define PATIENCE 10 /* s */

typedef struct {
  GstElement *pipeline;
  GMainLoop *loop;
  guint deadline; /* source id; 0: nobody asked for the end */
  gboolean has_position;
  int status;
} Foreground;

static void
finish (Foreground *self, int status)
{
  self->status = status;
  g_main_loop_quit (self->loop);
}

/* The position stands in a line of its own, which what is said next takes. */
static void
say (Foreground *self, FILE *file, const char *text)
{
  if (self->has_position)
    fputs ("\r\033[K", stdout);
  self->has_position = FALSE;
  fflush (stdout);
  fprintf (file, "%s\n", text);
  fflush (file);
}

/* Signals */

static gboolean
on_deadline (gpointer data)
{
  Foreground *self = data;

  self->deadline = 0;
  say (self, stderr, "The end has not come through the pipeline in time.");
  finish (self, EX_SOFTWARE);
  return G_SOURCE_REMOVE;
}

static void
send_eos (GstElement *pipeline, gpointer data)
{
  gst_element_send_event (pipeline, gst_event_new_eos ());
}

static gboolean
on_signal (Foreground *self, int number)
{
  g_autofree char *text = NULL;

  if (self->deadline != 0) {
    /* At once: no element is waited for. What the store holds needs no
     * goodbye, and a private PostgreSQL goes with us. */
    say (self, stderr, "Ended.");
    _exit (128 + number);
  }
  text = g_strdup_printf (
      "Ending: what is on its way has %d s. Ctrl-C again ends at once.",
      PATIENCE);
  say (self, stdout, text);
  self->deadline = g_timeout_add_seconds (PATIENCE, on_deadline, self);
  /* On a thread of its own, as an element may keep the event until it has
   * stored everything, or for good. */
  gst_element_call_async (self->pipeline, send_eos, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_interrupt (gpointer data)
{
  return on_signal (data, SIGINT);
}

static gboolean
on_terminate (gpointer data)
{
  return on_signal (data, SIGTERM);
}

static gboolean
on_hangup (gpointer data)
{
  return on_signal (data, SIGHUP);
}

/* Messages */

static void
fail (Foreground *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  finish (self, command_status (error));
}

static void
obey (Foreground *self, GstMessage *message)
{
  GstState state;

  switch ((int)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      fail (self, message);
      break;
    case GST_MESSAGE_EOS:
      finish (self, EX_OK);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    case GST_MESSAGE_CLOCK_LOST:
      gst_element_set_state (self->pipeline, GST_STATE_PAUSED);
      gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
      break;
    case GST_MESSAGE_REQUEST_STATE:
      gst_message_parse_request_state (message, &state);
      gst_element_set_state (self->pipeline, state);
      break;
    default:
      break;
  }
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Foreground *self = data;
  g_autofree char *text = message_to_text (message, self->pipeline);
  gboolean is_problem = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR ||
                        GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;

  if (text != NULL)
    say (self, is_problem ? stderr : stdout, text);
  obey (self, message);
  return G_SOURCE_CONTINUE;
}

/* On a terminal only. */
static gboolean
on_second (gpointer data)
{
  Foreground *self = data;
  gint64 position, duration;

  if (!gst_element_query_position (
          self->pipeline, GST_FORMAT_TIME, &position) ||
      position < 0)
    return G_SOURCE_CONTINUE;
  printf ("\r\033[K%u:%02u:%02u", (guint)(position / GST_SECOND / 3600),
      (guint)(position / GST_SECOND / 60 % 60),
      (guint)(position / GST_SECOND % 60));
  if (gst_element_query_duration (self->pipeline, GST_FORMAT_TIME, &duration) &&
      duration > 0)
    printf (" of %u:%02u:%02u", (guint)(duration / GST_SECOND / 3600),
        (guint)(duration / GST_SECOND / 60 % 60),
        (guint)(duration / GST_SECOND % 60));
  fflush (stdout);
  self->has_position = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
start (Foreground *self)
{
  switch (gst_element_set_state (self->pipeline, GST_STATE_PLAYING)) {
    case GST_STATE_CHANGE_FAILURE:
      /* The element that failed has posted why, or the bus ends without. */
      self->status = EX_SOFTWARE;
      break;
    case GST_STATE_CHANGE_SUCCESS:
    case GST_STATE_CHANGE_ASYNC:
    case GST_STATE_CHANGE_NO_PREROLL:
    default:
      self->status = -1;
      break;
  }
}

/* What was posted until the start failed, up to the first error: the others
 * only follow from it. */
static void
drain (Foreground *self, GstBus *bus)
{
  gboolean told = FALSE;
  GstMessage *message;

  while (!told && (message = gst_bus_pop (bus)) != NULL) {
    told = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
    on_message (bus, message, self);
    gst_message_unref (message);
  }
  if (!told)
    say (self, stderr, "Error: the pipeline does not start");
}

int
foreground_run (GstElement *pipeline)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  Foreground self = {.pipeline = pipeline, .loop = loop};
  guint sources[] = {
      g_unix_signal_add (SIGINT, on_interrupt, &self),
      g_unix_signal_add (SIGTERM, on_terminate, &self),
      g_unix_signal_add (SIGHUP, on_hangup, &self),
      isatty (STDOUT_FILENO) ? g_timeout_add_seconds (1, on_second, &self) : 0,
  };

  start (&self);
  if (self.status >= 0) {
    drain (&self, bus);
  } else {
    gst_bus_add_watch (bus, on_message, &self);
    g_main_loop_run (loop);
    gst_bus_remove_watch (bus);
  }
  /* Without their sources, signals end the process also while an element
   * takes its time to stop. */
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    if (sources[i] != 0)
      g_source_remove (sources[i]);
  if (self.deadline != 0)
    g_source_remove (self.deadline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (self.has_position)
    puts ("");
  return self.status;
}
