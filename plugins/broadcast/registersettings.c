/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "registersettings.h"

#include <string.h>

#include "broadcastrules.h"
#include "link.h"
#include "pgconnection.h"

#define DEFAULT_RESUME_WINDOW 0
#define DEFAULT_REQUIRED FALSE
#define DEFAULT_VISIBILITY GST_BROADCAST_VISIBILITY_PUBLIC
#define DEFAULT_BROADCASTER 0

#define MAX_RESUME_WINDOW (24 * 3600 * GST_SECOND)
/* Bytes of a wrong value, in an error. */
#define MAX_SHOWN 80

static GParamSpec *props[REGISTER_N_PROPS];

static const GEnumValue visibilities[] = {
    {GST_BROADCAST_VISIBILITY_PUBLIC, "In every list", "public"},
    {GST_BROADCAST_VISIBILITY_HIDDEN, "For who knows the link", "hidden"},
    {GST_BROADCAST_VISIBILITY_REHEARSAL, "A rehearsal: nobody is told",
        "rehearsal"},
    {0, NULL, NULL},
};

GType
gst_broadcast_visibility_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstBroadcastVisibility", visibilities));
  return type;
}

void
register_settings_init (RegisterSettings *self)
{
  *self = (RegisterSettings){
      .resume_window = DEFAULT_RESUME_WINDOW,
      .required = DEFAULT_REQUIRED,
      .visibility = DEFAULT_VISIBILITY,
      .broadcaster = DEFAULT_BROADCASTER,
  };
}

void
register_settings_copy (RegisterSettings *to, const RegisterSettings *from)
{
  *to = *from;
  to->database = g_strdup (from->database);
  to->game = g_strdup (from->game);
  to->title = g_strdup (from->title);
  to->link = g_strdup (from->link);
  to->node = g_strdup (from->node);
  to->origin_url = g_strdup (from->origin_url);
}

void
register_settings_clear (RegisterSettings *self)
{
  g_clear_pointer (&self->database, g_free);
  g_clear_pointer (&self->game, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->link, g_free);
  g_clear_pointer (&self->node, g_free);
  g_clear_pointer (&self->origin_url, g_free);
}

/* Where a setting that is a string is, else NULL. */
static char **
string_setting (RegisterSettings *self, guint id)
{
  switch (id) {
    case REGISTER_PROP_DATABASE:
      return &self->database;
    case REGISTER_PROP_GAME:
      return &self->game;
    case REGISTER_PROP_TITLE:
      return &self->title;
    case REGISTER_PROP_LINK:
      return &self->link;
    case REGISTER_PROP_NODE:
      return &self->node;
    case REGISTER_PROP_ORIGIN_URL:
      return &self->origin_url;
    default:
      return NULL;
  }
}

/* @id is one of the properties that register_settings_install() made. */
void
register_settings_set (RegisterSettings *self, guint id, const GValue *value)
{
  char **string = string_setting (self, id);

  if (string != NULL) {
    g_free (*string);
    *string = g_value_dup_string (value);
  } else if (id == REGISTER_PROP_RESUME_WINDOW) {
    self->resume_window = g_value_get_uint64 (value);
  } else if (id == REGISTER_PROP_REQUIRED) {
    self->required = g_value_get_boolean (value);
  } else if (id == REGISTER_PROP_VISIBILITY) {
    self->visibility = g_value_get_enum (value);
  } else {
    self->broadcaster = g_value_get_int64 (value);
  }
}

void
register_settings_get (const RegisterSettings *self, guint id, GValue *value)
{
  char **string = string_setting ((RegisterSettings *)self, id);

  if (id == REGISTER_PROP_NODE && self->node == NULL)
    g_value_set_string (value, g_get_host_name ());
  else if (string != NULL)
    g_value_set_string (value, *string);
  else if (id == REGISTER_PROP_RESUME_WINDOW)
    g_value_set_uint64 (value, self->resume_window);
  else if (id == REGISTER_PROP_REQUIRED)
    g_value_set_boolean (value, self->required);
  else if (id == REGISTER_PROP_VISIBILITY)
    g_value_set_enum (value, self->visibility);
  else
    g_value_set_int64 (value, self->broadcaster);
}

const char *
register_settings_get_visibility (const RegisterSettings *self)
{
  return visibilities[self->visibility].value_nick;
}

/* --- rules ------------------------------------------------------------------ */

static char *
describe (const char *property, const char *value, const char *rule)
{
  g_autofree char *begin = NULL;
  g_autofree char *shown = NULL;

  if (value == NULL)
    return g_strdup_printf (
        "The property %s is not set; expected %s.", property, rule);
  begin = g_strndup (value, MAX_SHOWN);
  shown = g_strescape (begin, NULL);
  return g_strdup_printf (
      "The property %s is \"%s\"; expected %s.", property, shown, rule);
}

char *
register_settings_check (const RegisterSettings *self)
{
  if (!game_is_valid (self->game))
    return describe ("game", self->game, GAME_RULE);
  if (self->title != NULL && !title_is_valid (self->title))
    return describe ("title", self->title, TITLE_RULE);
  if (!link_is_valid (self->link))
    return describe ("link", self->link, LINK_RULE);
  if (!node_is_valid (self->node))
    return describe ("node", self->node, NODE_RULE);
  if (self->origin_url != NULL && !origin_url_is_valid (self->origin_url))
    return describe ("origin-url", self->origin_url, ORIGIN_URL_RULE);
  if (self->resume_window > MAX_RESUME_WINDOW)
    return g_strdup_printf ("The property resume-window is %" G_GUINT64_FORMAT
                            "; expected a day at most, in ns.",
        self->resume_window);
  /* It may have a password in it, so it is not shown. */
  if (self->database != NULL && !pg_conninfo_check (self->database, NULL))
    return g_strdup ("The property database is not understood; expected "
                     "postgresql://USER@HOST/DATABASE or words like host=HOST "
                     "dbname=DATABASE.");
  return NULL;
}

/* --- properties ------------------------------------------------------------- */

static void
install_identity (GParamFlags flags)
{
  /**
   * GstBroadcastRegister:game:
   *
   * The id of the game in the database. Must be set.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_GAME] = g_param_spec_string (
      "game", "Game", "Id of the game: " GAME_RULE, NULL, flags);
  /**
   * GstBroadcastRegister:title:
   *
   * What the broadcast is about.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_TITLE] = g_param_spec_string ("title", "Title",
      "What it is about: " TITLE_RULE " (unset = nothing)", NULL, flags);
  /**
   * GstBroadcastRegister:link:
   *
   * The public name of the broadcast. Not set: a new one is made from READY to
   * PAUSED, and can be read then.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_LINK] = g_param_spec_string ("link", "Link",
      "Public name of the broadcast: " LINK_RULE " (unset = a new one)", NULL,
      flags);
  /**
   * GstBroadcastRegister:visibility:
   *
   * Who gets to know of it.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_VISIBILITY] =
      g_param_spec_enum ("visibility", "Visibility", "Who gets to know of it",
          GST_TYPE_BROADCAST_VISIBILITY, DEFAULT_VISIBILITY, flags);
  /**
   * GstBroadcastRegister:broadcaster:
   *
   * The number of the broadcaster in the database, or 0 for none.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_BROADCASTER] = g_param_spec_int64 ("broadcaster",
      "Broadcaster", "Number of the broadcaster in the database (0 = none)", 0,
      G_MAXINT64, DEFAULT_BROADCASTER, flags);
  /**
   * GstBroadcastRegister:node:
   *
   * The name of this machine in the cluster, whose cache and origin have the
   * broadcast. Not set: the host's name.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_NODE] = g_param_spec_string ("node", "Node",
      "Name of this machine in the cluster: " NODE_RULE
      " (unset = the host's name)",
      NULL, flags);
  /**
   * GstBroadcastRegister:origin-url:
   *
   * Where other nodes reach the origin that serves the broadcast.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_ORIGIN_URL] =
      g_param_spec_string ("origin-url", "Origin URL",
          "Where other nodes reach the origin: " ORIGIN_URL_RULE
          " (unset = nowhere)",
          NULL, flags);
}

static void
install_behaviour (GParamFlags flags)
{
  /**
   * GstBroadcastRegister:database:
   *
   * The PostgreSQL that has the tables of Wishcast, as libpq has it: an address
   * `postgresql://...` or words `key=value`. It may have a password in it, so it
   * cannot be read. Not set: no row is written.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_DATABASE] = g_param_spec_string ("database", "Database",
      "PostgreSQL, as postgresql://USER@HOST/DATABASE or host=HOST "
      "dbname=DATABASE (unset = no row)",
      NULL, (flags & ~G_PARAM_READABLE));
  /**
   * GstBroadcastRegister:resume-window:
   *
   * How long the publisher has to come back after the stream ended, in ns, at
   * most a day. 0: the end of the stream is the end of the broadcast.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_RESUME_WINDOW] =
      g_param_spec_uint64 ("resume-window", "Resume window",
          "How long the publisher has to come back (ns, at most a day; 0 = the "
          "end of the stream is the end)",
          0, G_MAXUINT64, DEFAULT_RESUME_WINDOW, flags);
  /**
   * GstBroadcastRegister:required:
   *
   * Whether it is an error if the database does not take the broadcast within
   * 10 s. Otherwise it is a warning.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_REQUIRED] = g_param_spec_boolean ("required", "Required",
      "Whether the database must take the broadcast within 10 s",
      DEFAULT_REQUIRED, flags);
}

void
register_settings_install (GObjectClass *klass)
{
  GParamFlags settings =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  install_identity (settings);
  install_behaviour (settings);
  /**
   * GstBroadcastRegister:id:
   *
   * The UUID of the broadcast, which belongs to its link; from PAUSED on.
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_ID] = g_param_spec_string (
      "id", "Id", "UUID that belongs to the link", NULL, read_only);
  /**
   * GstBroadcastRegister:stats:
   *
   * `state` (string) of the broadcast; whether it is `registered` in the
   * database and whether that is `connected` (boolean); how many broadcasts of
   * this process are `waiting` to be written (guint).
   *
   * Since: 0.1
   */
  props[REGISTER_PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "State of the broadcast and of its registration", GST_TYPE_STRUCTURE,
      read_only);
  g_object_class_install_properties (klass, REGISTER_N_PROPS, props);
}
