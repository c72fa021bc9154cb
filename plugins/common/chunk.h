/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "chunkinfo.h"
#include "tracktable.h"

G_BEGIN_DECLS

#define CHUNK_CAPS_NAME "application/x-cmaf-chunks"
#define CHUNK_META_NAME "wishcast-chunk"

GstCaps *chunk_caps_new (const TrackTable *table);
TrackTable *chunk_caps_parse (const GstCaps *caps, GError **error);

void chunk_buffer_set_info (GstBuffer *buffer, const ChunkInfo *info);
gboolean chunk_buffer_get_info (
    GstBuffer *buffer, ChunkInfo *info, GError **error);
GBytes *chunk_buffer_get_bytes (GstBuffer *buffer);

G_END_DECLS
