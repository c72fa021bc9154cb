/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>

#include "tracktable.h"

static TrackTable *
make_table (void)
{
  TrackTable *table = track_table_new ();
  Track *track;

  table->segment_duration = 2 * G_GUINT64_CONSTANT (1000000000);
  table->max_segment_duration = 10 * G_GUINT64_CONSTANT (1000000000);
  table->part_duration = 500000000;
  table->independent_segments = TRUE;

  track = track_table_add (table, "audio_0", TRACK_AUDIO);
  track->present = TRUE;
  track->codecs = g_strdup ("mp4a.40.2");
  track->rate = track->timescale = 44100;
  track->channels = 2;

  track_table_add (table, "video_0", TRACK_VIDEO);

  track = track_table_add (table, "video_1", TRACK_VIDEO);
  track->present = TRUE;
  track->codecs = g_strdup ("avc1.64001f");
  track->width = 1280;
  track->height = 720;
  track->fps_n = 30000;
  track->fps_d = 1001;
  track->bitrate = 6 * G_GUINT64_CONSTANT (1000000000);
  return table;
}

static TrackTable *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return track_table_from_json (node, error);
}

static void
test_round_trip (void)
{
  g_autoptr (TrackTable) table = make_table ();
  g_autoptr (TrackTable) read = NULL;
  g_autoptr (JsonNode) node = track_table_to_json (table);
  g_autoptr (GError) error = NULL;

  read = track_table_from_json (node, &error);
  g_assert_no_error (error);
  g_assert_true (track_table_equal (table, read));
  g_assert_cmpuint (track_table_get (read, 2)->bitrate, ==,
      6 * G_GUINT64_CONSTANT (1000000000));
  g_assert_null (track_table_get (read, 1)->codecs);
}

static void
test_equal (void)
{
  g_autoptr (TrackTable) table = make_table ();
  Track *track;

  for (guint field = 0; field < 14; field++) {
    g_autoptr (TrackTable) other = make_table ();

    g_assert_true (track_table_equal (table, other));
    track = g_ptr_array_index (other->tracks, 2);
    switch (field) {
      case 0:
        other->segment_duration++;
        break;
      case 1:
        other->max_segment_duration++;
        break;
      case 2:
        other->part_duration++;
        break;
      case 3:
        other->independent_segments = FALSE;
        break;
      case 4:
        track_table_add (other, "more", TRACK_AUDIO);
        break;
      case 5:
        track->present = FALSE;
        break;
      case 6:
        g_clear_pointer (&track->codecs, g_free);
        break;
      case 7:
        track->width++;
        break;
      case 8:
        track->height++;
        break;
      case 9:
        track->fps_n++;
        break;
      case 10:
        track->fps_d++;
        break;
      case 11:
        track->bitrate++;
        break;
      case 12:
        track->timescale++;
        break;
      default:
        track->type = TRACK_AUDIO;
        break;
    }
    g_assert_false (track_table_equal (table, other));
  }
}

static void
test_find_and_lead (void)
{
  g_autoptr (TrackTable) table = make_table ();

  g_assert_cmpint (track_table_find (table, "video_1"), ==, 2);
  g_assert_cmpint (track_table_find (table, "video"), ==, -1);
  g_assert_cmpint (track_table_lead (table), ==, 2);
  ((Track *)track_table_get (table, 2))->present = FALSE;
  g_assert_cmpint (track_table_lead (table), ==, 0);
  ((Track *)track_table_get (table, 0))->present = FALSE;
  g_assert_cmpint (track_table_lead (table), ==, -1);
}

#define TRACKS(track) "{\"tracks\":[" track "]}"

static void
test_refused (void)
{
  static const char *cases[] = {
      "null",
      "1",
      "\"x\"",
      "[]",
      "{}",
      "{\"tracks\":null}",
      "{\"tracks\":{}}",
      "{\"tracks\":1}",
      TRACKS ("null"),
      TRACKS ("1"),
      TRACKS ("[]"),
      TRACKS ("{}"),
      TRACKS ("{\"name\":\"a\"}"),
      TRACKS ("{\"type\":\"video\"}"),
      TRACKS ("{\"name\":1,\"type\":\"video\"}"),
      TRACKS ("{\"name\":null,\"type\":\"video\"}"),
      TRACKS ("{\"name\":[],\"type\":\"video\"}"),
      TRACKS ("{\"name\":\"\",\"type\":\"video\"}"),
      TRACKS ("{\"name\":\"../x\",\"type\":\"video\"}"),
      TRACKS ("{\"name\":\"a\",\"type\":\"text\"}"),
      TRACKS ("{\"name\":\"a\",\"type\":\"\"}"),
      TRACKS ("{\"name\":\"a\",\"type\":1}"),
      TRACKS ("{\"name\":\"a\",\"type\":\"video\"},"
              "{\"name\":\"a\",\"type\":\"audio\"}"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (cases[i], &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    g_assert_null (parse (cases[i], NULL));
  }
}

/* A member of another type is as good as none. */
static void
test_other_types (void)
{
  static const char *values[] = {"null", "\"x\"", "1.5", "-1", "true", "[]",
      "{}", "9223372036854775807", "1e300"};
  static const char *members[] = {"segment-duration", "max-segment-duration",
      "part-duration", "independent-segments", "present", "codecs", "timescale",
      "bitrate", "width", "height", "fps-n", "fps-d", "rate", "channels"};

  for (guint m = 0; m < G_N_ELEMENTS (members); m++) {
    for (guint v = 0; v < G_N_ELEMENTS (values); v++) {
      g_autofree char *text = g_strdup_printf (
          "{\"%s\":%s,\"tracks\":[{\"name\":\"a\",\"type\":\"video\","
          "\"%s\":%s}]}",
          members[m], values[v], members[m], values[v]);
      g_autoptr (GError) error = NULL;
      g_autoptr (TrackTable) table = parse (text, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (track_table_get (table, 0)->width, <=, G_MAXINT32);
    }
  }
}

static void
test_too_many (void)
{
  for (guint n = 64; n <= 65; n++) {
    g_autoptr (TrackTable) table = track_table_new ();
    g_autoptr (TrackTable) read = NULL;
    g_autoptr (JsonNode) node = NULL;

    for (guint i = 0; i < n; i++) {
      g_autofree char *name = g_strdup_printf ("audio_%u", i);

      track_table_add (table, name, TRACK_AUDIO);
    }
    node = track_table_to_json (table);
    read = track_table_from_json (node, NULL);
    g_assert_cmpint (read != NULL, ==, n == 64);
  }
}

/* No flipped bit of a real table crashes or logs a critical. */
static void
test_damaged (void)
{
  g_autoptr (TrackTable) table = make_table ();
  g_autoptr (JsonNode) node = track_table_to_json (table);
  g_autofree char *text = json_to_string (node, FALSE);
  gsize length = strlen (text);

  for (gsize i = 0; i < length; i++) {
    g_autofree char *damaged = g_strdup (text);
    g_autoptr (JsonNode) read = NULL;
    g_autoptr (TrackTable) result = NULL;

    damaged[i] ^= 1 << i % 8;
    read = json_from_string (damaged, NULL);
    if (read != NULL)
      result = track_table_from_json (read, NULL);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/track-table/round-trip", test_round_trip);
  g_test_add_func ("/track-table/equal", test_equal);
  g_test_add_func ("/track-table/find-and-lead", test_find_and_lead);
  g_test_add_func ("/track-table/refused", test_refused);
  g_test_add_func ("/track-table/other-types", test_other_types);
  g_test_add_func ("/track-table/too-many", test_too_many);
  g_test_add_func ("/track-table/damaged", test_damaged);
  return g_test_run ();
}
