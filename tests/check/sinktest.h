/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstharness.h>

#include "cloudstub.h"

G_BEGIN_DECLS

/* A gcssink in a harness, and the cloud that it uploads to, in chunks of two
 * units. What fails in here fails the test. */

#define UNIT (256 * 1024)

typedef struct {
  CloudStub *cloud;
  GstElement *sink;
  GstBus *bus;
  GstHarness *harness; /* NULL until play() */
} SinkTest;

void sink_test_set_up (SinkTest *f, gconstpointer data);
void sink_test_play (SinkTest *f);
void sink_test_tear_down (SinkTest *f, gconstpointer data);

GstFlowReturn sink_test_push (
    SinkTest *f, GBytes *bytes, gsize offset, gsize size);
/* In buffers of @size. */
void sink_test_push_all (SinkTest *f, GBytes *bytes, gsize size);
/* EOS: returns when all is uploaded, or not to be. */
void sink_test_push_end (SinkTest *f);
/* Plays, uploads @size bytes in buffers of @buffer, expects these @requests. */
void sink_test_upload (
    SinkTest *f, gsize size, gsize buffer, const char *requests);

GstMessage *sink_test_await_message (SinkTest *f, GstMessageType type);
void sink_test_assert_uploaded (SinkTest *f, GBytes *bytes);
void sink_test_assert_error (SinkTest *f, GstResourceError code);
void sink_test_assert_requests (SinkTest *f, const char *expected);
guint64 sink_test_get_stat (SinkTest *f, const char *name);

G_END_DECLS
