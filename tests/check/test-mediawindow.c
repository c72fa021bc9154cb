/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "mediawindow.h"
#include "origintest.h"
#include "trackmerge.h"

#define NS_PER_S G_GUINT64_CONSTANT (1000000000)

static MediaWindow *
make_window (guint64 memory, guint64 dvr)
{
  MediaWindowConfig config = {memory, dvr, g_free};
  MediaWindow *window = media_window_new (&config);
  g_autoptr (TrackTable) table = test_table (TRUE);

  media_window_set_tracks (window, table);
  return window;
}

static void
add_segments (MediaWindow *window, guint32 epoch, guint64 first, guint64 n,
    gboolean stored)
{
  for (guint64 msn = first; msn < first + n; msn++)
    for (guint part = 0; part < TEST_PARTS; part++) {
      ChunkInfo info = test_info (TEST_VIDEO, epoch, msn, part);
      g_autoptr (GBytes) bytes = test_bytes (&info);

      g_assert_true (media_window_add (window, &info, bytes, stored));
    }
}

static MediaVerdict
find_segment (MediaWindow *window, guint32 epoch, guint64 msn)
{
  MediaSegment *segment;

  return media_window_find_segment (window, TEST_VIDEO, epoch, msn, &segment);
}

/* What the store has leaves memory; what it has not stays while it is listed. */
static void
test_memory (void)
{
  MediaWindow *stored = make_window (4 * NS_PER_S, 100 * NS_PER_S);
  MediaWindow *kept = make_window (4 * NS_PER_S, 100 * NS_PER_S);

  add_segments (stored, 0, 0, 30, TRUE);
  add_segments (kept, 0, 0, 30, FALSE);
  g_assert_cmpint (find_segment (stored, 0, 0), ==, MEDIA_MISSING);
  g_assert_cmpint (find_segment (stored, 0, 20), ==, MEDIA_MISSING);
  g_assert_cmpint (find_segment (stored, 0, 28), ==, MEDIA_READY);
  g_assert_cmpint (find_segment (kept, 0, 0), ==, MEDIA_READY);
  media_window_free (stored);
  media_window_free (kept);
}

/* An answer that was kept for a part goes with it. */
static void
test_answers_are_freed (void)
{
  MediaWindow *window = make_window (0, 0);
  MediaPart *part;

  add_segments (window, 0, 0, 1, FALSE);
  g_assert_cmpint (media_window_find_part (window, TEST_VIDEO, 0, 0, 0, &part),
      ==, MEDIA_READY);
  part->answer = g_strdup ("answer");
  add_segments (window, 0, 1, 100, FALSE);
  g_assert_cmpint (find_segment (window, 0, 0), ==, MEDIA_MISSING);
  media_window_free (window);
}

static void
test_directives (void)
{
  static const struct {
    guint64 msn, part;
    gboolean has_part;
    MediaVerdict verdict;
  } cases[] = {
      {0, 0, FALSE, MEDIA_READY},
      {1, 0, FALSE, MEDIA_READY},
      {1, 3, TRUE, MEDIA_READY},
      {1, 4, TRUE, MEDIA_READY}, /* part 0 of 2 */
      {2, 0, TRUE, MEDIA_READY},
      {2, 1, TRUE, MEDIA_WAIT},
      {2, 6, TRUE, MEDIA_WAIT},
      {2, 7, TRUE, MEDIA_BAD},
      {2, 0, FALSE, MEDIA_WAIT},
      {3, 0, TRUE, MEDIA_WAIT},
      {3, 0, FALSE, MEDIA_WAIT},
      {4, 0, FALSE, MEDIA_BAD},
  };
  MediaWindow *window = make_window (0, 100 * NS_PER_S);
  ChunkInfo info = test_info (TEST_VIDEO, 0, 2, 0);
  g_autoptr (GBytes) bytes = test_bytes (&info);

  add_segments (window, 0, 0, 2, FALSE);
  media_window_add (window, &info, bytes, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    HttpDirectives directives = {
        TRUE, cases[i].has_part, cases[i].msn, cases[i].part};

    g_assert_cmpint (
        media_window_check_playlist (window, TEST_VIDEO, &directives), ==,
        cases[i].verdict);
  }
  media_window_free (window);
}

/* A number that the publisher left out is a gap, so later ones keep theirs. */
static void
test_left_out (void)
{
  MediaWindow *window = make_window (0, 100 * NS_PER_S);
  g_autoptr (GBytes) text = NULL;

  add_segments (window, 0, 0, 1, FALSE);
  add_segments (window, 1, 2, 1, FALSE);
  text = media_window_render (window, TEST_VIDEO);
  g_assert_nonnull (strstr (g_bytes_get_data (text, NULL),
      "0-0.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z\n"
      "#EXT-X-GAP\n"
      "#EXTINF:2.000000,\n"));
  media_window_free (window);
}

static void
test_seed (void)
{
  MediaWindow *window = make_window (NS_PER_S, 100 * NS_PER_S);
  MediaEpoch epochs[] = {{0, 0}, {2, 5}};
  g_autoptr (GArray) video = g_array_new (FALSE, TRUE, sizeof (MediaSegment));
  GArray *tracks[] = {video, NULL};
  g_autoptr (GBytes) text = NULL;
  const char *list;

  for (guint64 msn = 3; msn < 8; msn++) {
    MediaSegment segment = {
        .epoch = msn < 5 ? 0 : 2, .msn = msn, .duration = 2 * NS_PER_S};

    g_array_append_val (video, segment);
  }
  add_segments (window, 3, 9, 1, FALSE); /* 8 was lost */
  media_window_seed (window, epochs, 2, tracks, TEST_VIDEO);
  text = media_window_render (window, TEST_VIDEO);
  list = g_bytes_get_data (text, NULL);
  g_assert_nonnull (strstr (list, "MEDIA-SEQUENCE:3\n"));
  g_assert_cmpuint (test_count (list, "#EXTINF"), ==, 7);
  g_assert_cmpuint (test_count (list, "#EXT-X-GAP\n"), ==, 1);
  g_assert_cmpuint (test_count (list, "#EXT-X-DISCONTINUITY\n"), ==, 2);
  media_window_free (window);
}

static void
test_merge (void)
{
  g_autoptr (TrackTable) known = test_table (TRUE);
  g_autoptr (TrackTable) said = track_table_new ();
  g_autoptr (TrackTable) merged = NULL;
  guint16 map[2];

  track_table_add (said, "audio_0", TRACK_AUDIO)->present = TRUE;
  track_table_add (said, "audio_1", TRACK_AUDIO)->present = TRUE;
  merged = track_table_merge (known, said, map);
  g_assert_cmpuint (track_table_size (merged), ==, 3);
  g_assert_cmpuint (map[0], ==, 1);
  g_assert_cmpuint (map[1], ==, 2);
  g_assert_false (track_table_get (merged, 0)->present);
  g_assert_cmpstr (track_table_get (merged, 1)->codecs, ==, "mp4a.40.2");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mediawindow/memory", test_memory);
  g_test_add_func ("/mediawindow/answers", test_answers_are_freed);
  g_test_add_func ("/mediawindow/directives", test_directives);
  g_test_add_func ("/mediawindow/left-out", test_left_out);
  g_test_add_func ("/mediawindow/seed", test_seed);
  g_test_add_func ("/mediawindow/merge", test_merge);
  return g_test_run ();
}
