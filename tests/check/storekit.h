/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "cachereader.h"
#include "cachewriter.h"

G_BEGIN_DECLS

/* Synthetic broadcasts for the tests of the store: every byte of a chunk follows
 * from its ChunkInfo, so what is read back can be told right from wrong. */

#define KIT_LINK "test"
#define KIT_VIDEO 0
#define KIT_AUDIO 1
#define KIT_PARTS 4 /* a segment */
#define KIT_PART_TIME G_GUINT64_CONSTANT (500000000)

char *kit_dir_new (void);
void kit_dir_free (char *dir);

TrackTable *kit_table (void);
GBytes *kit_init (const guint32 *track_ids, guint n, guint32 width);
GBytes *kit_chunk (ChunkInfo *info);
GBytes *kit_joint (ChunkInfo *info, guint32 epoch, guint64 msn, guint width);
GBytes *kit_track_init (
    ChunkInfo *info, guint16 track, guint32 epoch, guint64 msn, guint width);
GBytes *kit_part (
    ChunkInfo *info, guint16 track, guint32 epoch, guint64 msn, guint32 part);

/* Calls @func with each chunk of @n segments, as a packager sends them. */
typedef gboolean (*KitFunc) (
    const ChunkInfo *info, GBytes *bytes, gpointer user_data);
gboolean kit_epoch (guint32 epoch, guint64 first_msn, guint n, guint width,
    KitFunc func, gpointer user_data);
gboolean kit_append (const ChunkInfo *info, GBytes *bytes, gpointer user_data);

CacheWriter *kit_open_writer (const char *dir);
guint kit_check_store (const char *dir);
char *kit_path (const char *dir, const char *name);
guint8 *kit_load (const char *dir, const char *name, gsize *size);
void kit_save (
    const char *dir, const char *name, const guint8 *data, gsize size);
GBytes *kit_read (const CacheExtent *extent);

G_END_DECLS
