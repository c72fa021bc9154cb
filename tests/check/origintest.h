/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpclient.h"
#include "origin.h"

G_BEGIN_DECLS

/* A publisher for tests: one video and one audio track, parts of half a second,
 * segments of four parts, bytes that say where they belong. */

#define TEST_VIDEO 0
#define TEST_AUDIO 1
#define TEST_PARTS 4
#define TEST_PART_DURATION (500 * G_GUINT64_CONSTANT (1000000))
#define TEST_WALLCLOCK (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC)

TrackTable *test_table (gboolean audio_present);
ChunkInfo test_info (guint track, guint32 epoch, guint64 msn, guint32 part);
GBytes *test_bytes (const ChunkInfo *info);
void test_push (OriginBroadcast *broadcast, guint track, guint32 epoch,
    guint64 msn, guint32 part);
void test_push_init (
    OriginBroadcast *broadcast, guint track, guint32 epoch, guint64 msn);
void test_push_segments (OriginBroadcast *broadcast, guint32 epoch,
    guint64 first, guint64 n, gboolean audio);
OriginBroadcast *test_publish (Origin *origin, const char *link);
guint test_count (const char *text, const char *needle);

G_END_DECLS
