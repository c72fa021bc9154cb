/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "chunk.h"
#include "mp4reader.h"
#include "testmedia.h"

G_BEGIN_DECLS

#define PACKAGER_TEST_MAX_PADS 4

/* A cmafpackager between harnesses, one a pad. */
typedef struct {
  GstElement *element;
  GstHarness *out;
  GstHarness *in[PACKAGER_TEST_MAX_PADS];
  guint n_in;
  GstBus *bus;
} PackagerTest;

typedef struct {
  ChunkInfo info;
  GstBuffer *buffer;
  GBytes *bytes;
} TestChunk;

void packager_test_init (PackagerTest *self, const char *properties);
GstHarness *packager_test_add_pad (
    PackagerTest *self, const char *name, GstCaps *caps);
void packager_test_add_media (
    PackagerTest *self, const char *name, TestMedia *media);
void packager_test_push (
    PackagerTest *self, TestMedia *const *media, guint n, GstClockTime offset);
void packager_test_end (PackagerTest *self);
GArray *packager_test_pull (PackagerTest *self);
guint packager_test_count_messages (
    PackagerTest *self, GstMessageType type, const char *name);
guint64 packager_test_stat (PackagerTest *self, const char *name);
void packager_test_clear (PackagerTest *self);

TestChunk *test_chunk (GArray *chunks, guint index);
guint test_chunks_count (GArray *chunks, ChunkKind kind, int track);
GBytes *test_chunks_join (GArray *chunks);

G_END_DECLS
