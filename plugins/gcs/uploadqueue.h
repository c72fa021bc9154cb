/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gcsupload.h"

G_BEGIN_DECLS

/* A stream on its way into one object: what was pushed and is not stored yet, in
 * a ring of fixed size, and the thread that stores it. Whoever pushes waits only
 * for room, and can be interrupted.
 *
 * The stream has positions, 0 its begin. The thread may want it to go on from
 * another one: where an earlier process was (state file), or from the begin if
 * the service has lost what it had. */
typedef struct _UploadQueue UploadQueue;

typedef struct {
  const char *bucket;
  const char *object;
  const char *state_file; /* or NULL: a new process begins anew */
  gsize chunk_size;       /* a multiple of GCS_UPLOAD_UNIT; the ring has two */
  gint64 most_wait;       /* us; what waits longer is sent in smaller pieces */
} UploadQueueSettings;

/* On the queue's thread, without a lock. */
typedef struct {
  /* The first bytes, or the end, came. */
  void (*begun) (gpointer user_data);
  /* Whether the stream can go on from there. */
  gboolean (*can_seek) (guint64 position, gpointer user_data);
  /* Makes it do so: what is pushed after that is from there on. */
  gboolean (*seek) (guint64 position, gpointer user_data);
  /* Nothing is lost, but it will take longer: the next attempt is in @wait us. */
  void (*troubled) (const GError *error, gint64 wait, gpointer user_data);
  /* The service has so many bytes. Not for each chunk. */
  void (*moved) (guint64 stored, gpointer user_data);
  /* The state file cannot be used or written; the upload goes on. */
  void (*complained) (const char *text, gpointer user_data);
  /* All of it, and it is what was pushed. */
  void (*stored) (const GcsObject *object, gpointer user_data);
  /* Nothing more will be stored. */
  void (*failed) (const GError *error, gpointer user_data);
} UploadQueueFuncs;

typedef struct {
  guint64 position; /* of the end of what was pushed */
  guint64 stored;   /* bytes that the service has for certain */
  guint64 sent;     /* bytes of chunks that were sent, also again */
  guint64 failures; /* attempts after which it had to wait */
  guint64 sessions; /* that were begun */
} UploadQueueStats;

typedef enum {
  UPLOAD_DONE,
  UPLOAD_INTERRUPTED, /* not yet */
  UPLOAD_MISPLACED,   /* the stream cannot go on from there */
  UPLOAD_FAILED,      /* which failed() has told */
} UploadResult;

/* @upload: (transfer full). */
UploadQueue *upload_queue_new (GcsUpload *upload,
    const UploadQueueSettings *settings, const UploadQueueFuncs *funcs,
    gpointer user_data);
/* Ends the thread: what is not stored is given up, and known to the state file.
 * Interrupts whatever waits. */
void upload_queue_stop (UploadQueue *queue);
void upload_queue_free (UploadQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UploadQueue, upload_queue_free)

/* Copies the bytes at @position, waiting for room. @taken: how many were, less
 * than all unless it is done. A stream that is back at 0 begins the object anew. */
UploadResult upload_queue_push (UploadQueue *queue, guint64 position,
    const void *data, gsize size, gsize *taken);
/* There is nothing from @position on. */
UploadResult upload_queue_push_end (UploadQueue *queue, guint64 position);
/* Waits until everything up to the end is stored. */
UploadResult upload_queue_drain (UploadQueue *queue);
/* What interrupts the next of these three calls: what has begun and not ended, and
 * what begins from now on, even if it has ended when the call is made. */
void upload_queue_arm (UploadQueue *queue);
void upload_queue_begin_interrupt (UploadQueue *queue);
void upload_queue_end_interrupt (UploadQueue *queue);
void upload_queue_get_stats (UploadQueue *queue, UploadQueueStats *stats);

G_END_DECLS
