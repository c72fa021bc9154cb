/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backoff.h"
#include "uploadqueue.h"

G_BEGIN_DECLS

/* The ring holds the bytes from `tail` to `head`. Up to `tail` all is stored and
 * in the checksum, so the two always belong together; that is also what the
 * state file has. What the service has beyond (`persisted`: after a crash, or
 * just answered) is hashed and let go without being sent; what it does not have
 * is sent from `tail` on. */
struct _UploadQueue {
  char *bucket;
  char *object;
  char *state_file;
  gsize chunk_size;
  gint64 most_wait;
  UploadQueueFuncs funcs;
  gpointer user_data;
  GThread *thread;
  GCancellable *stopping_cancellable;

  GMutex lock;
  GCond changed; /* anything below */
  /* With lock; the thread alone moves `tail`, and reads it without. */
  guint8 *ring;
  gsize capacity;
  guint64
      first; /* where the stream came in: the ring never had what is before */
  guint64 tail;
  guint64 head;
  guint64 wake_at;    /* a head that the thread waits for */
  gint64 since;       /* something has waited to be sent */
  gboolean ended;     /* at head */
  gboolean accepting; /* it is known where the stream has to go on */
  gboolean arrived;   /* there is a stream */
  gboolean anew;      /* it is back at 0 */
  gboolean done;
  gboolean failed;
  gboolean interrupting;
  guint n_interrupts; /* until now, */
  guint n_known;      /* and that whoever waits need not know of */
  gboolean stopping;
  UploadQueueStats stats;

  /* The thread's own. */
  GcsUpload *upload;
  guint32 crc;       /* up to tail */
  guint64 ahead;     /* what was sent since was hashed up to there; or 0 */
  guint32 ahead_crc; /* up to ahead */
  guint64 persisted; /* what the service has, at least */
  guint64 sent_end;  /* and at most */
  gboolean unsure;   /* what it has must be asked */
  gboolean
      resuming;  /* the session is of the state file: nothing is placed yet */
  guint64 known; /* of the state file: an offset, */
  guint32 known_crc; /* and the checksum up to it */
  gint64 begun;      /* the session; us since 1970 */
  gboolean finding;  /* 412: which object is there must be asked */
  gboolean has_object;
  gboolean is_foreign; /* and no session of ours has made it */
  GcsObject made;
  gboolean was_corrupt;
  Backoff backoff;
  gint64 last_save;
  gint64 last_tell;
  gboolean complained;
};

/* The queue's thread. */
gpointer upload_work_run (gpointer queue);

G_END_DECLS
