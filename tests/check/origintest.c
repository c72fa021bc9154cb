/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origintest.h"

#include <string.h>

#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
#define NS_PER_US 1000

TrackTable *
test_table (gboolean audio_present)
{
  TrackTable *table = track_table_new ();
  Track *track = track_table_add (table, "video_0", TRACK_VIDEO);

  table->segment_duration = 2 * NS_PER_S;
  table->max_segment_duration = 4 * NS_PER_S;
  table->part_duration = TEST_PART_DURATION;
  track->present = TRUE;
  track->codecs = g_strdup ("avc1.640020");
  track->width = 1280;
  track->height = 720;
  track->fps_n = 30000;
  track->fps_d = 1001;
  track->bitrate = 3000000;
  track = track_table_add (table, "audio_0", TRACK_AUDIO);
  track->present = audio_present;
  track->codecs = g_strdup ("mp4a.40.2");
  track->rate = 48000;
  track->channels = 2;
  track->timescale = 48000;
  return table;
}

ChunkInfo
test_info (guint track, guint32 epoch, guint64 msn, guint32 part)
{
  ChunkInfo info = {
      .kind = CHUNK_KIND_MEDIA,
      .track = track,
      .independent = part == 0 || track == TEST_AUDIO,
      .last = part == TEST_PARTS - 1,
      .epoch = epoch,
      .msn = msn,
      .part = part,
      .duration = TEST_PART_DURATION,
  };

  info.dts = info.pts = (msn * TEST_PARTS + part) * TEST_PART_DURATION;
  info.wallclock = TEST_WALLCLOCK + (gint64)(info.dts / NS_PER_US);
  return info;
}

/* A few thousand bytes that no other chunk has. */
GBytes *
test_bytes (const ChunkInfo *info)
{
  g_autofree char *text =
      g_strdup_printf ("<%u %u %u %" G_GUINT64_FORMAT " %u>", info->kind,
          info->track, info->epoch, info->msn, info->part);
  GString *out = g_string_new (NULL);
  guint n = 100 + 10 * info->track + info->part;

  for (guint i = 0; i < n; i++)
    g_string_append (out, text);
  return g_string_free_to_bytes (out);
}

void
test_push (OriginBroadcast *broadcast, guint track, guint32 epoch, guint64 msn,
    guint32 part)
{
  ChunkInfo info = test_info (track, epoch, msn, part);
  g_autoptr (GBytes) bytes = test_bytes (&info);

  info.size = g_bytes_get_size (bytes);
  origin_broadcast_push (broadcast, &info, bytes);
}

void
test_push_init (
    OriginBroadcast *broadcast, guint track, guint32 epoch, guint64 msn)
{
  ChunkInfo info = test_info (track, epoch, msn, 0);
  g_autoptr (GBytes) bytes = NULL;

  info.kind = CHUNK_KIND_INIT;
  bytes = test_bytes (&info);
  info.size = g_bytes_get_size (bytes);
  origin_broadcast_push (broadcast, &info, bytes);
}

void
test_push_segments (OriginBroadcast *broadcast, guint32 epoch, guint64 first,
    guint64 n, gboolean audio)
{
  for (guint64 msn = first; msn < first + n; msn++)
    for (guint part = 0; part < TEST_PARTS; part++) {
      test_push (broadcast, TEST_VIDEO, epoch, msn, part);
      if (audio)
        test_push (broadcast, TEST_AUDIO, epoch, msn, part);
    }
}

/* On air with inits of epoch 0, and a window of 12 s. */
OriginBroadcast *
test_publish (Origin *origin, const char *link)
{
  OriginWindow window = {12 * NS_PER_S, 12 * NS_PER_S, NS_PER_S / 4};
  g_autoptr (GError) error = NULL;
  g_autoptr (TrackTable) table = test_table (TRUE);
  OriginBroadcast *broadcast = origin_publish (origin, link, &window, &error);

  g_assert_no_error (error);
  origin_broadcast_set_tracks (broadcast, table);
  test_push_init (broadcast, TEST_VIDEO, 0, 0);
  test_push_init (broadcast, TEST_AUDIO, 0, 0);
  return broadcast;
}

guint
test_count (const char *text, const char *needle)
{
  guint n = 0;

  while ((text = strstr (text, needle)) != NULL) {
    text += strlen (needle);
    n++;
  }
  return n;
}
