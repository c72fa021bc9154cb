/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtspclient.h"

#include <openssl/crypto.h>
#include <string.h>

#include "rtspmedia.h"
#include "sdpmedia.h"
#include "streamkey.h"

GST_DEBUG_CATEGORY_STATIC (rtsp_client_ingest_debug);
#define GST_CAT_DEFAULT rtsp_client_ingest_debug

/* OBS announces less than 1 kB. */
#define MAX_BODY 16384
#define MAX_REASON 200

#define PUBLIC_METHODS                                                         \
  "OPTIONS, ANNOUNCE, SETUP, RECORD, PAUSE, TEARDOWN, GET_PARAMETER, "         \
  "SET_PARAMETER"

/* Where every publisher's media is mounted: the key that stands between this
 * and the name of a stream is taken out of the path, and so it is in none of
 * the library's errors. */
#define MOUNT_PATH "/live"

/* Of a connection; only the thread that the client is attached to uses it. */
struct _RtspClient {
  GstRTSPClient parent;

  const RtspClientFuncs *funcs;
  gpointer data;

  gboolean admitted;
  /* From the SDP to the media, in ANNOUNCE. */
  GPtrArray *codecs;
  GstElement *receiver;

  /* Why a request is refused, from then on to the end; 0: it is not. */
  guint status;
  char *reason;
};

G_DEFINE_FINAL_TYPE (RtspClient, rtsp_client, GST_TYPE_RTSP_CLIENT)

/* The library tells the address of each request, with the key, from INFO on. */
static void
silence (const char *name)
{
  GstDebugCategory *category;

  GST_DEBUG_CATEGORY_GET (category, name);
  gst_debug_category_set_threshold (category,
      MIN (gst_debug_category_get_threshold (category), GST_LEVEL_FIXME));
}

/* --- refusals --------------------------------------------------------------- */

/* Takes @reason. */
static void
refuse (RtspClient *self, guint status, char *reason)
{
  if (self->status != 0) {
    g_free (reason);
    return;
  }
  self->status = status;
  self->reason = reason;
  self->funcs->finished (self->data);
}

static GstRTSPStatusCode
rtsp_client_adjust_error_code (
    GstRTSPClient *client, GstRTSPContext *ctx, GstRTSPStatusCode code)
{
  RtspClient *self = RTSP_CLIENT (client);

  return self->status != 0 ? self->status : code;
}

/* ffmpeg and OBS show the reason phrase to their user, and nothing else. */
static char *
make_phrase (const char *reason)
{
  char *phrase = g_strndup (reason, MAX_REASON);

  for (char *c = phrase; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return phrase;
}

static const char *
find_reason (RtspClient *self, guint code)
{
  if (self->status != 0 && code == self->status)
    return self->reason;
  switch (code) {
    case GST_RTSP_STS_UNSUPPORTED_TRANSPORT:
      return "Only interleaved TCP is taken: set rtsp_transport=tcp";
    case GST_RTSP_STS_METHOD_NOT_ALLOWED:
      return "Here one can only publish";
    default:
      return NULL;
  }
}

static void
rtsp_client_send_message (
    GstRTSPClient *client, GstRTSPContext *ctx, GstRTSPMessage *response)
{
  const char *reason;

  if (response->type != GST_RTSP_MESSAGE_RESPONSE)
    return;
  reason =
      find_reason (RTSP_CLIENT (client), response->type_data.response.code);
  if (reason == NULL)
    return;
  g_free (response->type_data.response.reason);
  response->type_data.response.reason = make_phrase (reason);
}

/* --- requests --------------------------------------------------------------- */

static GstRTSPStatusCode
refuse_player (GstRTSPClient *client, GstRTSPContext *ctx)
{
  return GST_RTSP_STS_METHOD_NOT_ALLOWED;
}

static GstRTSPStatusCode
rtsp_client_pre_options_request (GstRTSPClient *client, GstRTSPContext *ctx)
{
  gst_rtsp_message_remove_header (ctx->response, GST_RTSP_HDR_PUBLIC, -1);
  gst_rtsp_message_add_header (
      ctx->response, GST_RTSP_HDR_PUBLIC, PUBLIC_METHODS);
  return GST_RTSP_STS_OK;
}

static GstRTSPStatusCode
rtsp_client_pre_record_request (GstRTSPClient *client, GstRTSPContext *ctx)
{
  RtspClient *self = RTSP_CLIENT (client);
  g_autofree char *reason = NULL;
  guint status;

  /* Once is enough: a second one comes after PAUSE. */
  if (rtsp_media_is_recording (ctx->media))
    return GST_RTSP_STS_OK;
  status = self->funcs->recording (&reason, self->data);
  if (status == 0) {
    rtsp_media_set_recording (ctx->media);
    return GST_RTSP_STS_OK;
  }
  refuse (self, status, g_steal_pointer (&reason));
  return status;
}

static void
rtsp_client_teardown_request (GstRTSPClient *client, GstRTSPContext *ctx)
{
  RtspClient *self = RTSP_CLIENT (client);

  self->funcs->finished (self->data);
}

/* RTSP in HTTP is for players behind proxies. */
static void
rtsp_client_tunnel_http_response (
    GstRTSPClient *client, GstRTSPMessage *request, GstRTSPMessage *response)
{
  RtspClient *self = RTSP_CLIENT (client);

  self->funcs->finished (self->data);
}

/* --- paths ------------------------------------------------------------------ */

/* What is behind /live/KEY in @path, or NULL. */
static const char *
skip_key (const char *path)
{
  if (!g_str_has_prefix (path, MOUNT_PATH "/"))
    return NULL;
  path += strlen (MOUNT_PATH "/");
  return path + strcspn (path, "/");
}

static char *
rtsp_client_make_path_from_uri (GstRTSPClient *client, const GstRTSPUrl *uri)
{
  const char *rest = skip_key (uri->abspath);

  return g_strconcat (MOUNT_PATH, rest, NULL);
}

static void
announce (RtspClient *self, const char *path)
{
  const char *rest = skip_key (path);
  char key[STREAM_KEY_LENGTH + 1] = "";
  char *reason = NULL;
  guint status;

  if (self->admitted) {
    refuse (self, GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE,
        g_strdup ("This connection has announced already"));
    return;
  }
  if (rest == NULL || *rest != '\0') {
    refuse (self, GST_RTSP_STS_NOT_FOUND,
        g_strdup ("Publish to rtsp://HOST:PORT/live/STREAM_KEY"));
    return;
  }
  /* One that is too long is not a key either, cut or whole. */
  g_strlcpy (key, path + strlen (MOUNT_PATH "/"), sizeof key);
  if (strlen (path + strlen (MOUNT_PATH "/")) > STREAM_KEY_LENGTH)
    key[0] = '\0';
  status = self->funcs->announced (key, &reason, self->data);
  OPENSSL_cleanse (key, sizeof key);
  if (status != 0)
    refuse (self, status, reason);
  else
    self->admitted = TRUE;
}

/* Called for ANNOUNCE, before anything is made for it. */
static char *
make_path (const GstRTSPUrl *url)
{
  GstRTSPContext *ctx = gst_rtsp_context_get_current ();
  RtspClient *self = RTSP_CLIENT (ctx->client);

  if (self->status == 0)
    announce (self, url->abspath);
  if (self->status != 0)
    return NULL;
  return rtsp_client_make_path_from_uri (ctx->client, url);
}

typedef struct {
  GstRTSPMountPoints parent;
} RtspMounts;

typedef struct {
  GstRTSPMountPointsClass parent;
} RtspMountsClass;

GType rtsp_mounts_get_type (void);
G_DEFINE_TYPE (RtspMounts, rtsp_mounts, GST_TYPE_RTSP_MOUNT_POINTS)

static char *
rtsp_mounts_make_path (GstRTSPMountPoints *mounts, const GstRTSPUrl *url)
{
  return make_path (url);
}

static void
rtsp_mounts_class_init (RtspMountsClass *klass)
{
  GST_RTSP_MOUNT_POINTS_CLASS (klass)->make_path = rtsp_mounts_make_path;
}

static void
rtsp_mounts_init (RtspMounts *self)
{
}

/* --- media ------------------------------------------------------------------ */

static gboolean
read_sdp (RtspClient *self, GstRTSPMessage *request)
{
  g_autoptr (GError) error = NULL;
  GstSDPMessage *sdp;
  guint8 *data = NULL;
  guint size = 0;

  g_clear_pointer (&self->codecs, g_ptr_array_unref);
  gst_sdp_message_new (&sdp);
  gst_rtsp_message_get_body (request, &data, &size);
  if (data != NULL &&
      gst_sdp_message_parse_buffer (data, size, sdp) == GST_SDP_OK)
    self->codecs = sdp_media_read (sdp, &error);
  gst_sdp_message_free (sdp);
  if (error != NULL)
    refuse (
        self, GST_RTSP_STS_UNSUPPORTED_MEDIA_TYPE, g_strdup (error->message));
  return self->codecs != NULL;
}

typedef struct {
  GstRTSPMediaFactory parent;
} RtspFactory;

typedef struct {
  GstRTSPMediaFactoryClass parent;
} RtspFactoryClass;

GType rtsp_factory_get_type (void);
G_DEFINE_TYPE (RtspFactory, rtsp_factory, GST_TYPE_RTSP_MEDIA_FACTORY)

static gboolean
make_receiver (RtspClient *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *launch = sdp_media_to_launch (self->codecs);

  self->receiver =
      gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (self->receiver != NULL)
    return TRUE;
  GST_ERROR_OBJECT (self, "%s: %s", launch, error->message);
  refuse (self, GST_RTSP_STS_INTERNAL_SERVER_ERROR,
      g_strdup ("This node lacks a GStreamer element for this codec"));
  return FALSE;
}

/* The library takes a factory that makes no element for a mistake of ours, so
 * the SDP is looked at before. */
static GstRTSPMedia *
rtsp_factory_construct (GstRTSPMediaFactory *factory, const GstRTSPUrl *url)
{
  GstRTSPContext *ctx = gst_rtsp_context_get_current ();
  RtspClient *self = RTSP_CLIENT (ctx->client);

  /* SETUP finds the media that ANNOUNCE made, if there is one. */
  if (ctx->method != GST_RTSP_ANNOUNCE)
    refuse (self, GST_RTSP_STS_METHOD_NOT_VALID_IN_THIS_STATE,
        g_strdup ("ANNOUNCE was expected first"));
  if (self->status != 0 || !read_sdp (self, ctx->request) ||
      !make_receiver (self))
    return NULL;
  return GST_RTSP_MEDIA_FACTORY_CLASS (rtsp_factory_parent_class)
      ->construct (factory, url);
}

static GstElement *
rtsp_factory_create_element (
    GstRTSPMediaFactory *factory, const GstRTSPUrl *url)
{
  RtspClient *self = RTSP_CLIENT (gst_rtsp_context_get_current ()->client);

  return g_steal_pointer (&self->receiver);
}

static void
rtsp_factory_configure (GstRTSPMediaFactory *factory, GstRTSPMedia *media)
{
  GstRTSPContext *ctx = gst_rtsp_context_get_current ();
  RtspClient *self = RTSP_CLIENT (ctx->client);
  g_autoptr (GstElement) receiver = gst_rtsp_media_get_element (media);

  GST_RTSP_MEDIA_FACTORY_CLASS (rtsp_factory_parent_class)
      ->configure (factory, media);
  rtsp_media_take_publisher (
      media, self->funcs->described (self->codecs, receiver, self->data));
}

static void
rtsp_factory_class_init (RtspFactoryClass *klass)
{
  GstRTSPMediaFactoryClass *factory_class =
      GST_RTSP_MEDIA_FACTORY_CLASS (klass);

  silence ("rtspmediafactory");
  factory_class->construct = rtsp_factory_construct;
  factory_class->create_element = rtsp_factory_create_element;
  factory_class->configure = rtsp_factory_configure;
}

static void
rtsp_factory_init (RtspFactory *self)
{
  GstRTSPMediaFactory *factory = GST_RTSP_MEDIA_FACTORY (self);

  gst_rtsp_media_factory_set_transport_mode (
      factory, GST_RTSP_TRANSPORT_MODE_RECORD);
  gst_rtsp_media_factory_set_protocols (factory, GST_RTSP_LOWER_TRANS_TCP);
  gst_rtsp_media_factory_set_profiles (factory, GST_RTSP_PROFILE_AVP);
  gst_rtsp_media_factory_set_latency (factory, RTSP_MEDIA_LATENCY);
  gst_rtsp_media_factory_set_media_gtype (factory, rtsp_media_get_type ());
}

/* --- class ------------------------------------------------------------------ */

static void
rtsp_client_finalize (GObject *object)
{
  RtspClient *self = RTSP_CLIENT (object);

  g_clear_pointer (&self->codecs, g_ptr_array_unref);
  g_free (self->reason);
  G_OBJECT_CLASS (rtsp_client_parent_class)->finalize (object);
}

static void
rtsp_client_class_init (RtspClientClass *klass)
{
  GstRTSPClientClass *client_class = GST_RTSP_CLIENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      rtsp_client_ingest_debug, "rtspingest", 0, "publishers by RTSP");
  silence ("rtspclient");
  G_OBJECT_CLASS (klass)->finalize = rtsp_client_finalize;
  client_class->adjust_error_code = rtsp_client_adjust_error_code;
  client_class->send_message = rtsp_client_send_message;
  client_class->make_path_from_uri = rtsp_client_make_path_from_uri;
  client_class->pre_options_request = rtsp_client_pre_options_request;
  client_class->pre_describe_request = refuse_player;
  client_class->pre_play_request = refuse_player;
  client_class->pre_record_request = rtsp_client_pre_record_request;
  client_class->teardown_request = rtsp_client_teardown_request;
  client_class->tunnel_http_response = rtsp_client_tunnel_http_response;
}

static void
rtsp_client_init (RtspClient *self)
{
}

RtspClient *
rtsp_client_new (const RtspClientFuncs *funcs, gpointer data)
{
  RtspClient *self = g_object_new (RTSP_TYPE_CLIENT, NULL);
  GstRTSPClient *client = GST_RTSP_CLIENT (self);
  g_autoptr (GstRTSPMountPoints) mounts =
      g_object_new (rtsp_mounts_get_type (), NULL);
  g_autoptr (GstRTSPSessionPool) sessions = gst_rtsp_session_pool_new ();

  self->funcs = funcs;
  self->data = data;
  gst_rtsp_mount_points_add_factory (
      mounts, MOUNT_PATH, g_object_new (rtsp_factory_get_type (), NULL));
  gst_rtsp_client_set_mount_points (client, mounts);
  /* Of its own, so that no one can name the session of another, and so that
   * sessions end with their connection. */
  gst_rtsp_session_pool_set_max_sessions (sessions, 1);
  gst_rtsp_client_set_session_pool (client, sessions);
  gst_rtsp_client_set_content_length_limit (client, MAX_BODY);
  return self;
}
