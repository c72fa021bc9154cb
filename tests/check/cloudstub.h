/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpstub.h"

G_BEGIN_DECLS

/* Google Cloud Storage with one object and one upload session, as strict as the
 * real one: a chunk that is no multiple of 256 KiB, or not at the place where the
 * last one ended, fails the test. What goes wrong is the test's business. */
typedef struct _CloudStub CloudStub;

/* Asked first about each request, with the lock of the stub held; @n counts them
 * from 0. TRUE: @answer is what is answered. */
typedef gboolean (*CloudFault) (CloudStub *cloud, guint n,
    const StubRequest *request, StubAnswer *answer, gpointer data);

struct _CloudStub {
  HttpStub *http;
  char *url;
  GMutex lock;
  GCond changed;
  /* With lock. */
  CloudFault fault;
  gpointer data;
  GByteArray *object; /* NULL: there is none */
  gint64 generation;
  guint32 wrong;     /* is added to the checksums that are told */
  GByteArray *given; /* of the session; NULL: there is none */
  guint n_sessions;
  char *metadata;      /* what the last session was begun with */
  gboolean only_new;   /* it was begun with ifGenerationMatch=0 */
  GPtrArray *requests; /* of "PUT bytes 0-1/2", "POST", "DELETE" ... */
};

CloudStub *cloud_stub_new (void);
void cloud_stub_free (CloudStub *cloud);
void cloud_stub_set_fault (CloudStub *cloud, CloudFault fault, gpointer data);
/* Waits for the @n-th request (from 1) to be asked for. */
void cloud_stub_await (CloudStub *cloud, guint n);
/* All requests, a line each. (transfer full) */
char *cloud_stub_list (CloudStub *cloud);
/* Persists the first @n bytes of a chunk, and says so. With the lock held. */
void cloud_stub_take (
    CloudStub *cloud, const StubRequest *request, gsize n, StubAnswer *answer);
/* A 308 with @range as its header Range, or without (NULL). */
void cloud_stub_resume (StubAnswer *answer, const char *range);

/* Bytes that follow from their position. (transfer full) */
GBytes *cloud_stub_make_bytes (gsize size);
/* @size more of them. */
void cloud_stub_append (GByteArray *array, guint size);
void cloud_stub_assert_object (CloudStub *cloud, GBytes *expected);

G_END_DECLS
