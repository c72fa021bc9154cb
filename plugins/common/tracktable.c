/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tracktable.h"

#include <gio/gio.h>
#include <string.h>

#include "link.h"

/* A table is a caps field and a section of broadcast.json; both are bounded by
 * this, far above any real ladder. */
#define MAX_TRACKS 64

static void
track_free (gpointer data)
{
  Track *track = data;

  g_free (track->name);
  g_free (track->codecs);
  g_free (track);
}

static void
track_table_clear (gpointer data)
{
  TrackTable *table = data;

  g_ptr_array_unref (table->tracks);
}

/**
 * track_table_new:
 *
 * Returns: (transfer full): an empty table, to be filled before it is shared
 */
TrackTable *
track_table_new (void)
{
  TrackTable *table = g_atomic_rc_box_new0 (TrackTable);

  table->tracks = g_ptr_array_new_with_free_func (track_free);
  return table;
}

TrackTable *
track_table_ref (TrackTable *table)
{
  return g_atomic_rc_box_acquire (table);
}

void
track_table_unref (TrackTable *table)
{
  if (table != NULL)
    g_atomic_rc_box_release_full (table, track_table_clear);
}

/**
 * track_table_add:
 * @name: unique in the table; becomes a path component
 *
 * Returns: (transfer none): the new last track, all fields but name, type and
 *     timescale zero
 */
Track *
track_table_add (TrackTable *table, const char *name, TrackType type)
{
  Track *track = g_new0 (Track, 1);

  track->name = g_strdup (name);
  track->type = type;
  track->timescale = type == TRACK_VIDEO ? 90000 : 0;
  g_ptr_array_add (table->tracks, track);
  return track;
}

/**
 * track_describe:
 *
 * Copies what is known of the media: all but name, type and presence.
 */
void
track_describe (Track *to, const Track *from)
{
  g_free (to->codecs);
  to->codecs = g_strdup (from->codecs);
  to->width = from->width;
  to->height = from->height;
  to->fps_n = from->fps_n;
  to->fps_d = from->fps_d;
  to->rate = from->rate;
  to->channels = from->channels;
  to->timescale = from->timescale;
  to->bitrate = from->bitrate;
}

guint
track_table_size (const TrackTable *table)
{
  return table->tracks->len;
}

const Track *
track_table_get (const TrackTable *table, guint index)
{
  g_return_val_if_fail (index < table->tracks->len, NULL);

  return g_ptr_array_index (table->tracks, index);
}

/**
 * track_table_find:
 *
 * Returns: the index of the track called @name, or -1
 */
int
track_table_find (const TrackTable *table, const char *name)
{
  for (guint i = 0; i < table->tracks->len; i++)
    if (strcmp (track_table_get (table, i)->name, name) == 0)
      return i;
  return -1;
}

/**
 * track_table_lead:
 *
 * Returns: the index of the track whose key frames cut the segments: the first
 *     present video track, else the first present audio track, else -1
 */
int
track_table_lead (const TrackTable *table)
{
  int audio = -1;

  for (guint i = 0; i < table->tracks->len; i++) {
    const Track *track = track_table_get (table, i);

    if (!track->present)
      continue;
    if (track->type == TRACK_VIDEO)
      return i;
    if (audio < 0)
      audio = i;
  }
  return audio;
}

static gboolean
track_equal (const Track *a, const Track *b)
{
  return strcmp (a->name, b->name) == 0 && a->type == b->type &&
         a->present == b->present && g_strcmp0 (a->codecs, b->codecs) == 0 &&
         a->width == b->width && a->height == b->height &&
         a->fps_n == b->fps_n && a->fps_d == b->fps_d && a->rate == b->rate &&
         a->channels == b->channels && a->timescale == b->timescale &&
         a->bitrate == b->bitrate;
}

gboolean
track_table_equal (const TrackTable *a, const TrackTable *b)
{
  if (a == b)
    return TRUE;
  if (a->tracks->len != b->tracks->len ||
      a->segment_duration != b->segment_duration ||
      a->max_segment_duration != b->max_segment_duration ||
      a->part_duration != b->part_duration ||
      a->independent_segments != b->independent_segments)
    return FALSE;
  for (guint i = 0; i < a->tracks->len; i++)
    if (!track_equal (track_table_get (a, i), track_table_get (b, i)))
      return FALSE;
  return TRUE;
}

static void
add_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)value);
}

static void
add_track (JsonBuilder *builder, const Track *track)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  json_builder_add_string_value (builder, track->name);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (
      builder, track->type == TRACK_VIDEO ? "video" : "audio");
  json_builder_set_member_name (builder, "present");
  json_builder_add_boolean_value (builder, track->present);
  if (track->codecs != NULL) {
    json_builder_set_member_name (builder, "codecs");
    json_builder_add_string_value (builder, track->codecs);
  }
  add_number (builder, "timescale", track->timescale);
  add_number (builder, "bitrate", track->bitrate);
  if (track->type == TRACK_VIDEO) {
    add_number (builder, "width", track->width);
    add_number (builder, "height", track->height);
    add_number (builder, "fps-n", track->fps_n);
    add_number (builder, "fps-d", track->fps_d);
  } else {
    add_number (builder, "rate", track->rate);
    add_number (builder, "channels", track->channels);
  }
  json_builder_end_object (builder);
}

/**
 * track_table_to_json:
 *
 * Returns: (transfer full): an object with the members `segment-duration`,
 *     `max-segment-duration`, `part-duration` (ns), `independent-segments` and
 *     `tracks`, an array of objects named as the fields of Track
 */
JsonNode *
track_table_to_json (const TrackTable *table)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_number (builder, "segment-duration", table->segment_duration);
  add_number (builder, "max-segment-duration", table->max_segment_duration);
  add_number (builder, "part-duration", table->part_duration);
  json_builder_set_member_name (builder, "independent-segments");
  json_builder_add_boolean_value (builder, table->independent_segments);
  json_builder_set_member_name (builder, "tracks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < table->tracks->len; i++)
    add_track (builder, track_table_get (table, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static gboolean
invalid (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "The track table is malformed: %s", what);
  return FALSE;
}

/* Json-glib's getters log a critical on a member of another type, so what comes
 * from a file is looked at first. */
static const JsonNode *
member (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != type)
    return NULL;
  return node;
}

static guint64
get_number (JsonObject *object, const char *name)
{
  const JsonNode *node = member (object, name, G_TYPE_INT64);

  return node != NULL ? MAX (json_node_get_int ((JsonNode *)node), 0) : 0;
}

static guint
get_uint (JsonObject *object, const char *name)
{
  return MIN (get_number (object, name), G_MAXINT32);
}

static const char *
get_string (JsonObject *object, const char *name)
{
  const JsonNode *node = member (object, name, G_TYPE_STRING);

  return node != NULL ? json_node_get_string ((JsonNode *)node) : NULL;
}

static gboolean
get_boolean (JsonObject *object, const char *name)
{
  const JsonNode *node = member (object, name, G_TYPE_BOOLEAN);

  return node != NULL && json_node_get_boolean ((JsonNode *)node);
}

static gboolean
parse_track (TrackTable *table, JsonNode *node, GError **error)
{
  JsonObject *object;
  const char *name, *type;
  Track *track;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return invalid (error, "a track is not an object");
  object = json_node_get_object (node);
  name = get_string (object, "name");
  type = get_string (object, "type");
  if (!link_is_valid (name) || track_table_find (table, name) >= 0)
    return invalid (error, "a track's name is missing, absurd or used twice");
  if (g_strcmp0 (type, "video") != 0 && g_strcmp0 (type, "audio") != 0)
    return invalid (error, "a track's type is neither video nor audio");

  track =
      track_table_add (table, name, *type == 'v' ? TRACK_VIDEO : TRACK_AUDIO);
  track->present = get_boolean (object, "present");
  track->codecs = g_strdup (get_string (object, "codecs"));
  track->timescale = get_uint (object, "timescale");
  track->bitrate = get_number (object, "bitrate");
  if (track->type == TRACK_VIDEO) {
    track->width = get_uint (object, "width");
    track->height = get_uint (object, "height");
    track->fps_n = get_uint (object, "fps-n");
    track->fps_d = get_uint (object, "fps-d");
  } else {
    track->rate = get_uint (object, "rate");
    track->channels = get_uint (object, "channels");
  }
  return TRUE;
}

/**
 * track_table_from_json:
 * @node: what track_table_to_json() made, or anything a file may hold
 *
 * Returns: (transfer full) (nullable): the table, or %NULL and @error
 *     (G_IO_ERROR_INVALID_DATA)
 */
TrackTable *
track_table_from_json (JsonNode *node, GError **error)
{
  g_autoptr (TrackTable) table = track_table_new ();
  JsonObject *object;
  JsonNode *tracks;
  JsonArray *array;

  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    invalid (error, "it is not an object");
    return NULL;
  }
  object = json_node_get_object (node);
  table->segment_duration = get_number (object, "segment-duration");
  table->max_segment_duration = get_number (object, "max-segment-duration");
  table->part_duration = get_number (object, "part-duration");
  table->independent_segments = get_boolean (object, "independent-segments");

  tracks = json_object_get_member (object, "tracks");
  if (tracks == NULL || !JSON_NODE_HOLDS_ARRAY (tracks)) {
    invalid (error, "it has no array of tracks");
    return NULL;
  }
  array = json_node_get_array (tracks);
  if (json_array_get_length (array) > MAX_TRACKS) {
    invalid (error, "it has more than 64 tracks");
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!parse_track (table, json_array_get_element (array, i), error))
      return NULL;
  return g_steal_pointer (&table);
}
