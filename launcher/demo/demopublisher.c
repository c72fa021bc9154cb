/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demopublisher.h"

#include "description.h"

struct _DemoPublisher {
  GstElement *pipeline;
  DemoPublisherOver over;
  gpointer data;
  gboolean is_over;
};

char *
demo_publisher_get_rtmp (const Settings *settings, const char *host)
{
  return g_strdup_printf ("rtmp://%s:%u/live", host,
      settings_get_uint (settings, SETTING_RTMP_PORT));
}

char *
demo_publisher_get_rtsp (
    const Settings *settings, const char *host, const char *key)
{
  return g_strdup_printf ("rtsp://%s:%u/live/%s", host,
      settings_get_uint (settings, SETTING_RTSP_PORT), key);
}

/* rtspclientsink comes in a package that nothing else of ours needs. */
static gboolean
has_rtsp (void)
{
  g_autoptr (GstElementFactory) factory =
      gst_element_factory_find ("rtspclientsink");

  return factory != NULL;
}

/* What stands for ${sink}. (transfer full) */
static char *
describe_sink (const DemoGame *game, const char *key, const Settings *settings,
    const char *host)
{
  g_autofree char *rtmp = demo_publisher_get_rtmp (settings, host);
  g_autofree char *rtsp = demo_publisher_get_rtsp (settings, host, key);

  if (game->by_rtsp && has_rtsp ())
    return g_strdup_printf (
        "rtspclientsink name=sink protocols=tcp location=%s", rtsp);
  return g_strdup_printf (
      "flvmux name=sink streamable=true ! rtmp2sink location=%s/%s", rtmp, key);
}

/* @value (transfer full) */
static void
set (GHashTable *variables, const char *name, char *value)
{
  g_hash_table_insert (variables, (gpointer)name, value);
}

static GstElement *
make_pipeline (const DemoGame *game, const char *key, const Settings *settings,
    const char *host, GError **error)
{
  g_autofree char *path =
      g_build_filename (settings_get_string (settings, SETTING_PIPELINES_DIR),
          "demo-publisher.pipeline", NULL);
  g_autoptr (GHashTable) variables =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  GstElement *pipeline;

  set (variables, "pattern", g_strdup (game->pattern));
  set (variables, "scroll", g_strdup_printf ("%u", game->scroll));
  set (variables, "width", g_strdup_printf ("%u", game->width));
  set (variables, "height", g_strdup_printf ("%u", game->height));
  set (variables, "bitrate", g_strdup_printf ("%u", game->bitrate));
  /* The overlay takes markup. */
  set (variables, "title", g_markup_escape_text (game->title, -1));
  set (variables, "sink", describe_sink (game, key, settings, host));
  pipeline = description_launch (path, variables, error);
  return pipeline != NULL ? gst_object_ref_sink (pipeline) : NULL;
}

/* An element that fails often makes others fail. */
static void
tell_over (DemoPublisher *self, const char *reason)
{
  if (self->is_over)
    return;
  self->is_over = TRUE;
  self->over (reason, self->data);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  DemoPublisher *self = data;
  g_autoptr (GError) error = NULL;

  switch ((int)GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      tell_over (self, error->message);
      break;
    case GST_MESSAGE_WARNING:
      /* How rtspclientsink tells that the connection was closed. It makes
       * another one, but does not publish there. */
      gst_message_parse_warning (message, &error, NULL);
      if (error->domain == GST_RESOURCE_ERROR)
        tell_over (self, error->message);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

DemoPublisher *
demo_publisher_start (const DemoGame *game, const char *key,
    const Settings *settings, const char *host, DemoPublisherOver over,
    gpointer data, GError **error)
{
  GstElement *pipeline = make_pipeline (game, key, settings, host, error);
  g_autoptr (GstBus) bus = NULL;
  DemoPublisher *self;

  if (pipeline == NULL)
    return NULL;
  self = g_new0 (DemoPublisher, 1);
  self->pipeline = pipeline;
  self->over = over;
  self->data = data;
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, self);
  /* What fails in it is told by the bus. */
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return self;
}

void
demo_publisher_free (DemoPublisher *self)
{
  g_autoptr (GstBus) bus = NULL;

  if (self == NULL)
    return;
  bus = gst_element_get_bus (self->pipeline);
  gst_bus_remove_watch (bus);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->pipeline);
  g_free (self);
}
