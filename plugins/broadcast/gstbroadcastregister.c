/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-broadcastregister
 * @title: broadcastregister
 * @short_description: gives a broadcast its link and its row in PostgreSQL
 *
 * Passes on whatever comes, and tells the database what becomes of it: the row
 * of the broadcast is `starting` when the element goes to PAUSED, `live` with
 * the first buffer, and, at EOS or when the element stops, `ended`, or
 * `interrupted` if there is a #GstBroadcastRegister:resume-window.
 *
 * The link, which is the public name of the broadcast, and the id that belongs
 * to it are made from READY to PAUSED if #GstBroadcastRegister:link is not set.
 * The other elements of the pipeline get them by the context
 * `wishcast.broadcast` (fields `link`, `id`, `game`, strings; `resume-window`,
 * guint64, ns), which the element posts with HAVE_CONTEXT and gives to CONTEXT
 * queries. So they need no link set; and this needs no database: without
 * #GstBroadcastRegister:database there is a link but no row.
 *
 * A thread of libwishcast, one for each database and process, writes the rows
 * and renews the lease that shows other nodes that this one is alive. The
 * streaming thread never waits for it. While the database is away the media
 * goes on; of each link the newest change is kept, with the times at which it
 * began and was first live, and written when the database is back.
 *
 * ## Messages
 *
 * `broadcastregister-registered`, an element message, when the database has
 * taken the broadcast:
 *
 * * `link` (string), `id` (string), `game` (string)
 *
 * `broadcastregister-refused`, an element message, when it does not take it:
 *
 * * `link` (string), `id` (string), `game` (string)
 * * `reason` (string): `no-game`, the game is unknown; `ended`, the link has
 *   ended and never comes back; `elsewhere`, another node has it; `failed`, the
 *   database cannot write it
 *
 * With `no-game` and `ended` an error follows. With the others, and when the
 * database has not answered within 10 s, an error follows if
 * #GstBroadcastRegister:required is set, else a warning, and the media goes on.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=I420 ! \
 *     x264enc tune=zerolatency key-int-max=60 ! h264parse ! cmafpackager ! \
 *     broadcastregister game=half-life ! tee name=t \
 *     t. ! cachesink cache-dir=/tmp/cache \
 *     t. ! cdnoriginsink cache-dir=/tmp/cache
 * ]| A broadcast under a new link, stored and served, without a database.
 * |[
 * gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=I420 ! \
 *     x264enc tune=zerolatency key-int-max=60 ! h264parse ! cmafpackager ! \
 *     broadcastregister game=half-life title="Test picture" required=true \
 *         database="host=localhost user=wishcast dbname=wishcast" ! \
 *     cdnoriginsink
 * ]| The same with a row in PostgreSQL, and not at all without one. The password
 * belongs into `~/.pgpass`: everybody can see a command line.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "broadcastcontext.h"
#include "link.h"
#include "registersettings.h"
#include "registrar.h"

#include "gstbroadcastregister.h"

GST_DEBUG_CATEGORY_STATIC (broadcast_register_debug);
#define GST_CAT_DEFAULT broadcast_register_debug

/* How long the database has for its first answer. */
#define ANSWER_TIMEOUT (10 * GST_SECOND)

/* What somebody on another thread, who answers later, needs to know. */
typedef struct {
  GWeakRef element;
  guint run;
  BroadcastInfo *info;
  gboolean required;
} Ticket;

struct _GstBroadcastRegister {
  GstBaseTransform parent;

  RegisterSettings settings; /* with OBJECT_LOCK */

  /* from start to stop, for the thread that streams or stops */
  RegisterSettings used;
  BroadcastInfo *info;
  GstClockID timeout;
  gboolean is_live;
  gboolean is_over;

  /* written by that thread with OBJECT_LOCK, read with either */
  Registrar *registrar; /* NULL without a database */
  char *shown_link;
  char *shown_id;
  BroadcastState state;

  GMutex lock; /* nothing is taken after it */
  /* with lock */
  guint run; /* grows with start and stop: a ticket of another one is void */
  gboolean is_registered;
  gboolean is_refused;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE (
    GstBroadcastRegister, gst_broadcast_register, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (broadcastregister, "broadcastregister",
    GST_RANK_NONE, GST_TYPE_BROADCAST_REGISTER)

/* --- properties ------------------------------------------------------------- */

static void
gst_broadcast_register_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (object);

  GST_OBJECT_LOCK (self);
  register_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static GstStructure *
make_stats (GstBroadcastRegister *self)
{
  gboolean is_registered, is_connected = FALSE;
  BroadcastState state;
  guint waiting = 0;

  g_mutex_lock (&self->lock);
  is_registered = self->is_registered;
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  state = self->state;
  if (self->registrar != NULL) {
    is_connected = registrar_is_connected (self->registrar);
    waiting = registrar_get_queued (self->registrar);
  }
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new ("application/x-broadcastregister-stats", "state",
      G_TYPE_STRING, broadcast_state_to_string (state), "registered",
      G_TYPE_BOOLEAN, is_registered, "connected", G_TYPE_BOOLEAN, is_connected,
      "waiting", G_TYPE_UINT, waiting, NULL);
}

static void
gst_broadcast_register_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (object);

  if (id == REGISTER_PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  if (id == REGISTER_PROP_ID)
    g_value_set_string (value, self->shown_id);
  else if (id == REGISTER_PROP_LINK && self->settings.link == NULL)
    g_value_set_string (value, self->shown_link);
  else
    register_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

/* --- answers, on other threads ---------------------------------------------- */

static BroadcastInfo *
copy_info (const BroadcastInfo *info)
{
  BroadcastInfo *copy = g_new0 (BroadcastInfo, 1);

  copy->link = g_strdup (info->link);
  copy->id = g_strdup (info->id);
  copy->game = g_strdup (info->game);
  copy->resume_window = info->resume_window;
  return copy;
}

static Ticket *
ticket_new (GstBroadcastRegister *self)
{
  Ticket *ticket = g_new0 (Ticket, 1);

  g_weak_ref_init (&ticket->element, self);
  ticket->info = copy_info (self->info);
  ticket->required = self->used.required;
  g_mutex_lock (&self->lock);
  ticket->run = self->run;
  g_mutex_unlock (&self->lock);
  return ticket;
}

static void
ticket_free (gpointer data)
{
  Ticket *ticket = data;

  g_weak_ref_clear (&ticket->element);
  broadcast_info_free (ticket->info);
  g_free (ticket);
}

static void
post (GstBroadcastRegister *self, const BroadcastInfo *info, const char *name,
    const char *reason)
{
  GstStructure *structure =
      gst_structure_new (name, "link", G_TYPE_STRING, info->link, "id",
          G_TYPE_STRING, info->id, "game", G_TYPE_STRING, info->game, NULL);

  if (reason != NULL)
    gst_structure_set (structure, "reason", G_TYPE_STRING, reason, NULL);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), structure));
}

static void
complain (GstBroadcastRegister *self, gboolean is_error, GstResourceError code,
    char *text, const char *debug)
{
  gst_element_message_full (GST_ELEMENT (self),
      is_error ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING, GST_RESOURCE_ERROR,
      code, text, g_strdup (debug), __FILE__, GST_FUNCTION, __LINE__);
}

static void
refuse (GstBroadcastRegister *self, const Ticket *ticket,
    RegistrarAnswer answer, const char *detail)
{
  const BroadcastInfo *info = ticket->info;

  switch (answer) {
    case REGISTRAR_NO_GAME:
      post (self, info, "broadcastregister-refused", "no-game");
      complain (self, TRUE, GST_RESOURCE_ERROR_NOT_FOUND,
          g_strdup_printf ("There is no game \"%s\".", info->game),
          "It is not in the database; `wishcast game add` adds it.");
      break;
    case REGISTRAR_OVER:
      post (self, info, "broadcastregister-refused", "ended");
      complain (self, TRUE, GST_RESOURCE_ERROR_SETTINGS,
          g_strdup_printf ("The broadcast \"%s\" has ended.", info->link),
          "A link that has ended never comes back.");
      break;
    case REGISTRAR_ELSEWHERE:
      post (self, info, "broadcastregister-refused", "elsewhere");
      complain (self, ticket->required, GST_RESOURCE_ERROR_BUSY,
          g_strdup_printf (
              "Another node has the broadcast \"%s\".", info->link),
          "The database names another node for this link.");
      break;
    case REGISTRAR_FAILED:
      post (self, info, "broadcastregister-refused", "failed");
      complain (self, ticket->required, GST_RESOURCE_ERROR_WRITE,
          g_strdup_printf (
              "The broadcast \"%s\" cannot be registered.", info->link),
          detail);
      break;
    case REGISTRAR_WRITTEN:
      break;
  }
}

/* A RegistrarDone. */
static void
answered (RegistrarAnswer answer, const char *detail, gpointer data)
{
  const Ticket *ticket = data;
  GstBroadcastRegister *self = g_weak_ref_get (&((Ticket *)data)->element);
  gboolean is_news = FALSE;

  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  if (ticket->run == self->run) {
    gboolean *flag =
        answer == REGISTRAR_WRITTEN ? &self->is_registered : &self->is_refused;

    is_news = !*flag;
    *flag = TRUE;
  }
  g_mutex_unlock (&self->lock);

  if (is_news && answer == REGISTRAR_WRITTEN)
    post (self, ticket->info, "broadcastregister-registered", NULL);
  else if (is_news)
    refuse (self, ticket, answer, detail);
  gst_object_unref (self);
}

static gboolean
timed_out (GstClock *clock, GstClockTime time, GstClockID id, gpointer data)
{
  const Ticket *ticket = data;
  GstBroadcastRegister *self = g_weak_ref_get (&((Ticket *)data)->element);
  g_autofree char *problem = NULL;
  gboolean is_late;

  if (self == NULL)
    return TRUE;
  g_mutex_lock (&self->lock);
  is_late =
      ticket->run == self->run && !self->is_registered && !self->is_refused;
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  if (self->registrar != NULL)
    problem = registrar_dup_problem (self->registrar);
  GST_OBJECT_UNLOCK (self);

  if (is_late)
    complain (self, ticket->required, GST_RESOURCE_ERROR_OPEN_WRITE,
        g_strdup_printf (
            "The database has not registered the broadcast \"%s\" yet.",
            ticket->info->link),
        problem != NULL ? problem : "It does not answer.");
  gst_object_unref (self);
  return TRUE;
}

/* Calls timed_out() on the thread of the system's clock. */
static void
begin_timeout (GstBroadcastRegister *self)
{
  GstClock *clock = gst_system_clock_obtain ();

  self->timeout = gst_clock_new_single_shot_id (
      clock, gst_clock_get_time (clock) + ANSWER_TIMEOUT);
  gst_clock_id_wait_async (
      self->timeout, timed_out, ticket_new (self), ticket_free);
  gst_object_unref (clock);
}

/* --- states ----------------------------------------------------------------- */

static void
tell (GstBroadcastRegister *self, BroadcastState state)
{
  const RegisterSettings *s = &self->used;
  gint64 now = g_get_real_time ();
  BroadcastChange change = {
      .link = self->info->link,
      .id = self->info->id,
      .game = self->info->game,
      .broadcaster = s->broadcaster,
      .title = s->title != NULL ? s->title : "",
      .visibility = register_settings_get_visibility (s),
      .node = s->node,
      .origin_url = s->origin_url,
      .state = state,
      .at = now,
  };

  GST_INFO_OBJECT (
      self, "%s is %s", self->info->link, broadcast_state_to_string (state));
  GST_OBJECT_LOCK (self);
  self->state = state;
  GST_OBJECT_UNLOCK (self);
  if (self->registrar == NULL)
    return;
  if (state == BROADCAST_INTERRUPTED)
    change.resume_until = now + (gint64)(s->resume_window / 1000);
  if (state == BROADCAST_ENDED)
    change.reason = "stream-ended";
  registrar_write (
      self->registrar, &change, answered, ticket_new (self), ticket_free);
}

/* The stream ended, in whichever way. */
static void
finish (GstBroadcastRegister *self)
{
  if (self->is_over)
    return;
  self->is_over = TRUE;
  tell (self,
      self->used.resume_window > 0 ? BROADCAST_INTERRUPTED : BROADCAST_ENDED);
}

static GstFlowReturn
gst_broadcast_register_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (trans);

  if (G_UNLIKELY (!self->is_live)) {
    self->is_live = TRUE;
    tell (self, BROADCAST_LIVE);
  }
  return GST_FLOW_OK;
}

static gboolean
gst_broadcast_register_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  /* Not after what is downstream, which may store for a while. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    finish (GST_BROADCAST_REGISTER (trans));
  return GST_BASE_TRANSFORM_CLASS (gst_broadcast_register_parent_class)
      ->sink_event (trans, event);
}

static gboolean
gst_broadcast_register_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  g_autoptr (GstContext) context = NULL;
  const char *type;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT &&
      gst_query_parse_context_type (query, &type) &&
      g_strcmp0 (type, BROADCAST_CONTEXT_TYPE) == 0) {
    context = gst_element_get_context (GST_ELEMENT (trans), type);
    if (context != NULL) {
      gst_query_set_context (query, context);
      return TRUE;
    }
  }
  return GST_BASE_TRANSFORM_CLASS (gst_broadcast_register_parent_class)
      ->query (trans, direction, query);
}

/* --- life ------------------------------------------------------------------- */

static void
share_context (GstBroadcastRegister *self)
{
  g_autoptr (GstContext) context = broadcast_context_new (self->info);

  gst_element_set_context (GST_ELEMENT (self), context);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_have_context (
                              GST_OBJECT (self), g_steal_pointer (&context)));
}

static void
begin_run (GstBroadcastRegister *self, Registrar *registrar)
{
  self->is_live = self->is_over = FALSE;
  g_mutex_lock (&self->lock);
  self->run++;
  self->is_registered = self->is_refused = FALSE;
  g_mutex_unlock (&self->lock);

  self->info = g_new0 (BroadcastInfo, 1);
  self->info->link = g_strdup (self->used.link);
  self->info->id = link_to_uuid (self->used.link);
  self->info->game = g_strdup (self->used.game);
  self->info->resume_window = self->used.resume_window;

  GST_OBJECT_LOCK (self);
  self->registrar = registrar;
  g_free (self->shown_link);
  self->shown_link = g_strdup (self->info->link);
  g_free (self->shown_id);
  self->shown_id = g_strdup (self->info->id);
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_broadcast_register_start (GstBaseTransform *trans)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (trans);
  RegisterSettings *used = &self->used;
  g_autofree char *problem = NULL;

  GST_OBJECT_LOCK (self);
  register_settings_copy (used, &self->settings);
  GST_OBJECT_UNLOCK (self);
  if (used->link == NULL)
    used->link = link_new ();
  if (used->node == NULL)
    used->node = g_strdup (g_get_host_name ());
  problem = register_settings_check (used);
  if (problem != NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", problem), (NULL));
    register_settings_clear (used);
    return FALSE;
  }
  begin_run (
      self, used->database != NULL ? registrar_acquire (used->database) : NULL);
  share_context (self);
  tell (self, BROADCAST_STARTING);
  if (self->registrar != NULL)
    begin_timeout (self);
  return TRUE;
}

static gboolean
gst_broadcast_register_stop (GstBaseTransform *trans)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (trans);
  Registrar *registrar;

  finish (self);
  g_mutex_lock (&self->lock);
  self->run++;
  g_mutex_unlock (&self->lock);
  if (self->timeout != NULL)
    gst_clock_id_unschedule (self->timeout);
  g_clear_pointer (&self->timeout, gst_clock_id_unref);
  GST_OBJECT_LOCK (self);
  registrar = g_steal_pointer (&self->registrar);
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&registrar, registrar_unref);
  g_clear_pointer (&self->info, broadcast_info_free);
  register_settings_clear (&self->used);
  return TRUE;
}

static void
gst_broadcast_register_finalize (GObject *object)
{
  GstBroadcastRegister *self = GST_BROADCAST_REGISTER (object);

  register_settings_clear (&self->settings);
  g_free (self->shown_link);
  g_free (self->shown_id);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_broadcast_register_parent_class)->finalize (object);
}

static void
gst_broadcast_register_class_init (GstBroadcastRegisterClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (broadcast_register_debug, "broadcastregister", 0,
      "broadcastregister element");

  object_class->set_property = gst_broadcast_register_set_property;
  object_class->get_property = gst_broadcast_register_get_property;
  object_class->finalize = gst_broadcast_register_finalize;
  register_settings_install (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Broadcast register",
      "Generic", "Gives a broadcast its link and its row in PostgreSQL",
      "The Wishcast developers");
  gst_type_mark_as_plugin_api (GST_TYPE_BROADCAST_VISIBILITY, 0);

  base_class->passthrough_on_same_caps = TRUE;
  base_class->transform_ip =
      GST_DEBUG_FUNCPTR (gst_broadcast_register_transform_ip);
  base_class->sink_event =
      GST_DEBUG_FUNCPTR (gst_broadcast_register_sink_event);
  base_class->query = GST_DEBUG_FUNCPTR (gst_broadcast_register_query);
  base_class->start = GST_DEBUG_FUNCPTR (gst_broadcast_register_start);
  base_class->stop = GST_DEBUG_FUNCPTR (gst_broadcast_register_stop);
}

static void
gst_broadcast_register_init (GstBroadcastRegister *self)
{
  register_settings_init (&self->settings);
  g_mutex_init (&self->lock);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
}
