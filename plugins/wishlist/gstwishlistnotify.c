/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-wishlistnotify
 * @title: wishlistnotify
 * @short_description: has everybody told who waits for the game
 *
 * Passes on whatever comes, and once the broadcast can really be watched files
 * one job in PostgreSQL: that every player with the game on the wishlist is to
 * be told. `wishcast run` works on such jobs; this element tells nobody itself,
 * and the streaming thread never waits for the database.
 *
 * "Can be watched" means: media has flowed for #GstWishlistNotify:after, by its
 * own timestamps, of which it must have some, and, if there is an origin in the
 * pipeline (context `wishcast.origin`, from `cdnoriginsink`), its playlist for
 * the link is complete.
 *
 * Of one broadcast (link) there is one job for ever, however often its publisher
 * returns. None is filed within #GstWishlistNotify:quiet-period of the last one
 * of the same game; hidden broadcasts and rehearsals, as the row of the broadcast
 * says, are not told of. While the database is away the job waits in the process;
 * if the broadcast is over when it is written at last, nobody is told.
 *
 * Link, id and game come with the context `wishcast.broadcast` of
 * `broadcastregister`, or are set.
 *
 * ## Messages
 *
 * `wishlistnotify-filed`, an element message, when the database has answered:
 *
 * * `link` (string), `game` (string)
 * * `answer` (string): `filed`; `filed-before`, this broadcast has its job
 *   already; `quiet`, the game was told of less than the quiet period ago; `late`,
 *   the broadcast is over; `no-game`, the game is unknown; `failed`, the database
 *   cannot write it. With the last two a warning is posted as well.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e -m videotestsrc is-live=true ! video/x-raw,format=I420 ! \
 *     x264enc tune=zerolatency key-int-max=60 ! h264parse ! cmafpackager ! \
 *     broadcastregister game=half-life \
 *         database="host=localhost user=wishcast dbname=wishcast" ! \
 *     wishlistnotify database="host=localhost user=wishcast dbname=wishcast" ! \
 *     cdnoriginsink
 * ]| A broadcast of which the wishlist is told after two whole segments.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "broadcastcontext.h"
#include "broadcastrules.h"
#include "chunk.h"
#include "link.h"
#include "origincontext.h"
#include "pgconnection.h"
#include "registrar.h"

#include "gstwishlistnotify.h"

GST_DEBUG_CATEGORY_STATIC (wishlist_notify_debug);
#define GST_CAT_DEFAULT wishlist_notify_debug

#define DEFAULT_AFTER 0
#define DEFAULT_QUIET_PERIOD (30 * 60 * GST_SECOND)
/* For what is not cut into segments. */
#define AFTER_WITHOUT_SEGMENTS (4 * GST_SECOND)
#define SEGMENTS 2

enum {
  PROP_0,
  PROP_DATABASE,
  PROP_GAME,
  PROP_LINK,
  PROP_AFTER,
  PROP_QUIET_PERIOD,
};

typedef struct {
  char *database;
  char *game;
  char *link;
  GstClockTime after; /* 0: SEGMENTS */
  GstClockTime quiet_period;
} Settings;

struct _GstWishlistNotify {
  GstBaseTransform parent;

  Settings settings; /* with OBJECT_LOCK; not written from PAUSED on */

  /* of the streaming thread, and of start and stop */
  Registrar *registrar; /* NULL without a database */
  BroadcastInfo *info;
  Origin *origin;
  gboolean is_filed;
  gboolean has_flowed; /* for long enough */
  gboolean has_asked;  /* for the contexts */
  GstClockTime first_time;
  gboolean has_first_msn;
  guint64 first_msn;
};

/* What answers need to know, on another thread. */
typedef struct {
  GWeakRef element;
  char *link, *game;
} Ticket;

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE (
    GstWishlistNotify, gst_wishlist_notify, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (
    wishlistnotify, "wishlistnotify", GST_RANK_NONE, GST_TYPE_WISHLIST_NOTIFY)

/* --- properties ------------------------------------------------------------- */

static char **
string_setting (Settings *settings, guint id)
{
  switch (id) {
    case PROP_DATABASE:
      return &settings->database;
    case PROP_GAME:
      return &settings->game;
    case PROP_LINK:
      return &settings->link;
    default:
      return NULL;
  }
}

static void
gst_wishlist_notify_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstWishlistNotify *self = GST_WISHLIST_NOTIFY (object);
  char **string = string_setting (&self->settings, id);

  GST_OBJECT_LOCK (self);
  if (string != NULL) {
    g_free (*string);
    *string = g_value_dup_string (value);
  } else if (id == PROP_AFTER) {
    self->settings.after = g_value_get_uint64 (value);
  } else {
    self->settings.quiet_period = g_value_get_uint64 (value);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_wishlist_notify_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstWishlistNotify *self = GST_WISHLIST_NOTIFY (object);
  char **string = string_setting (&self->settings, id);

  GST_OBJECT_LOCK (self);
  if (string != NULL)
    g_value_set_string (value, *string);
  else if (id == PROP_AFTER)
    g_value_set_uint64 (value, self->settings.after);
  else
    g_value_set_uint64 (value, self->settings.quiet_period);
  GST_OBJECT_UNLOCK (self);
}

static void
settings_clear (Settings *settings)
{
  g_free (settings->database);
  g_free (settings->game);
  g_free (settings->link);
}

/* What is wrong with them, for the user, or NULL. */
static char *
settings_check (const Settings *settings)
{
  if (settings->game != NULL && !game_is_valid (settings->game))
    return g_strdup (
        "The property game is no id of a game; expected " GAME_RULE ".");
  if (settings->link != NULL && !link_is_valid (settings->link))
    return g_strdup ("The property link is no link; expected " LINK_RULE ".");
  /* It may have a password in it, so it is not shown. */
  if (settings->database != NULL &&
      !pg_conninfo_check (settings->database, NULL))
    return g_strdup ("The property database is not understood; expected "
                     "postgresql://USER@HOST/DATABASE or words like host=HOST "
                     "dbname=DATABASE.");
  return NULL;
}

/* --- answers, on other threads ---------------------------------------------- */

static void
ticket_free (gpointer data)
{
  Ticket *ticket = data;

  g_weak_ref_clear (&ticket->element);
  g_free (ticket->link);
  g_free (ticket->game);
  g_free (ticket);
}

/* A RegistrarFiled. */
static void
filed (const char *answer, const char *detail, gpointer data)
{
  Ticket *ticket = data;
  GstWishlistNotify *self = g_weak_ref_get (&ticket->element);

  if (self == NULL)
    return;
  if (answer == NULL)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("Nobody is told of the broadcast \"%s\".", ticket->link),
        ("%s", detail));
  else if (g_str_equal (answer, "no-game"))
    GST_ELEMENT_WARNING (self, RESOURCE, NOT_FOUND,
        ("There is no game \"%s\", so nobody is told of its broadcast.",
            ticket->game),
        (NULL));
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("wishlistnotify-filed", "link", G_TYPE_STRING,
              ticket->link, "game", G_TYPE_STRING, ticket->game, "answer",
              G_TYPE_STRING, answer != NULL ? answer : "failed", NULL)));
  gst_object_unref (self);
}

static void
file (GstWishlistNotify *self)
{
  const BroadcastInfo *info = self->info;
  BroadcastNotice notice = {
      .link = info->link,
      .id = info->id,
      .game = info->game,
      .at = g_get_real_time (),
      .quiet_period = (gint64)(self->settings.quiet_period / 1000),
  };
  Ticket *ticket = g_new0 (Ticket, 1);

  GST_INFO_OBJECT (self, "%s can be watched", info->link);
  g_weak_ref_init (&ticket->element, self);
  ticket->link = g_strdup (info->link);
  ticket->game = g_strdup (info->game);
  registrar_file_notice (self->registrar, &notice, filed, ticket, ticket_free);
}

/* --- the stream --------------------------------------------------------------- */

/* Whether whole segments enough have passed with this chunk. */
static gboolean
count_segments (GstWishlistNotify *self, const ChunkInfo *info)
{
  guint64 n;

  if (info->kind != CHUNK_KIND_MEDIA)
    return FALSE;
  if (!self->has_first_msn) {
    self->has_first_msn = TRUE;
    self->first_msn = info->msn;
  }
  n = info->msn - self->first_msn;
  return n >= SEGMENTS || (n == SEGMENTS - 1 && info->last);
}

/* By the time of the media; headers, which have none, do not count. */
static gboolean
count_time (GstWishlistNotify *self, GstBuffer *buffer, GstClockTime after)
{
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (self->first_time))
    self->first_time = time;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    time += GST_BUFFER_DURATION (buffer);
  return time >= self->first_time && time - self->first_time >= after;
}

static gboolean
has_flowed (GstWishlistNotify *self, GstBuffer *buffer)
{
  ChunkInfo info;

  if (self->settings.after != 0)
    return count_time (self, buffer, self->settings.after);
  if (chunk_buffer_get_info (buffer, &info, NULL))
    return count_segments (self, &info);
  return count_time (self, buffer, AFTER_WITHOUT_SEGMENTS);
}

/* Which broadcast, and which origin. FALSE: nobody knows the broadcast. */
static gboolean
ask_contexts (GstWishlistNotify *self)
{
  const Settings *settings = &self->settings;

  self->has_asked = TRUE;
  self->info = broadcast_context_ask (GST_ELEMENT (self), settings->link);
  if (self->info == NULL)
    return FALSE;
  if (self->info->id == NULL)
    self->info->id = link_to_uuid (self->info->link);
  if (settings->game != NULL) {
    g_free (self->info->game);
    self->info->game = g_strdup (settings->game);
  }
  self->origin = origin_context_find (GST_ELEMENT (self));
  return self->info->game != NULL;
}

/* Cheap until it is so, and nothing after that. */
static void
look (GstWishlistNotify *self, GstBuffer *buffer)
{
  if (!self->has_flowed && !has_flowed (self, buffer))
    return;
  self->has_flowed = TRUE;
  if (!self->has_asked && !ask_contexts (self)) {
    self->is_filed = TRUE;
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        ("Nobody is told of this broadcast, as its link or game is unknown."),
        ("Set link and game, or put a broadcastregister into the pipeline."));
    return;
  }
  if (self->origin != NULL &&
      !origin_is_playable (self->origin, self->info->link))
    return;
  self->is_filed = TRUE;
  file (self);
}

static GstFlowReturn
gst_wishlist_notify_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstWishlistNotify *self = GST_WISHLIST_NOTIFY (trans);

  if (G_UNLIKELY (!self->is_filed && self->registrar != NULL))
    look (self, buffer);
  return GST_FLOW_OK;
}

/* --- life ------------------------------------------------------------------- */

static gboolean
gst_wishlist_notify_start (GstBaseTransform *trans)
{
  GstWishlistNotify *self = GST_WISHLIST_NOTIFY (trans);
  g_autofree char *problem = settings_check (&self->settings);

  if (problem != NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", problem), (NULL));
    return FALSE;
  }
  self->is_filed = self->has_flowed = self->has_asked = FALSE;
  self->has_first_msn = FALSE;
  self->first_time = GST_CLOCK_TIME_NONE;
  if (self->settings.database != NULL)
    self->registrar = registrar_acquire (self->settings.database);
  return TRUE;
}

static gboolean
gst_wishlist_notify_stop (GstBaseTransform *trans)
{
  GstWishlistNotify *self = GST_WISHLIST_NOTIFY (trans);

  g_clear_pointer (&self->registrar, registrar_unref);
  g_clear_pointer (&self->origin, origin_unref);
  g_clear_pointer (&self->info, broadcast_info_free);
  return TRUE;
}

static void
gst_wishlist_notify_finalize (GObject *object)
{
  settings_clear (&GST_WISHLIST_NOTIFY (object)->settings);
  G_OBJECT_CLASS (gst_wishlist_notify_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *class)
{
  GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  /**
   * GstWishlistNotify:database:
   *
   * The PostgreSQL that has the tables of Wishcast, as libpq has it: an address
   * `postgresql://...` or words `key=value`. It may have a password in it, so it
   * cannot be read. Not set: nobody is told.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_DATABASE,
      g_param_spec_string ("database", "Database",
          "PostgreSQL, as postgresql://USER@HOST/DATABASE or host=HOST "
          "dbname=DATABASE (unset = nobody is told)",
          NULL, flags & ~G_PARAM_READABLE));
  /**
   * GstWishlistNotify:game:
   *
   * The id of the game whose wishlist is told. Not set: what `broadcastregister`
   * says.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_GAME,
      g_param_spec_string ("game", "Game",
          "Id of the game: " GAME_RULE " (unset = of the broadcast)", NULL,
          flags));
  /**
   * GstWishlistNotify:link:
   *
   * The public name of the broadcast. Not set: what `broadcastregister` says.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_LINK,
      g_param_spec_string ("link", "Link",
          "Public name of the broadcast: " LINK_RULE
          " (unset = of the broadcast)",
          NULL, flags));
  /**
   * GstWishlistNotify:after:
   *
   * How long media flows before it is filed, in ns. 0: two whole segments; 4 s
   * of what is not cut into segments.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_AFTER,
      g_param_spec_uint64 ("after", "After",
          "How long media flows first (ns; 0 = two whole segments)", 0,
          G_MAXUINT64, DEFAULT_AFTER, flags));
  /**
   * GstWishlistNotify:quiet-period:
   *
   * How long after a notice of a game there is no other one of it, in ns.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_QUIET_PERIOD,
      g_param_spec_uint64 ("quiet-period", "Quiet period",
          "How long there is no other notice of the same game (ns)", 0,
          G_MAXUINT64, DEFAULT_QUIET_PERIOD, flags));
}

static void
gst_wishlist_notify_class_init (GstWishlistNotifyClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (
      wishlist_notify_debug, "wishlistnotify", 0, "wishlistnotify element");

  object_class->set_property = gst_wishlist_notify_set_property;
  object_class->get_property = gst_wishlist_notify_get_property;
  object_class->finalize = gst_wishlist_notify_finalize;
  install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Wishlist notifier",
      "Generic", "Has the wishlist told of a broadcast, once",
      "The Wishcast developers");

  base_class->passthrough_on_same_caps = TRUE;
  base_class->transform_ip =
      GST_DEBUG_FUNCPTR (gst_wishlist_notify_transform_ip);
  base_class->start = GST_DEBUG_FUNCPTR (gst_wishlist_notify_start);
  base_class->stop = GST_DEBUG_FUNCPTR (gst_wishlist_notify_stop);
}

static void
gst_wishlist_notify_init (GstWishlistNotify *self)
{
  self->settings.after = DEFAULT_AFTER;
  self->settings.quiet_period = DEFAULT_QUIET_PERIOD;
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
}
