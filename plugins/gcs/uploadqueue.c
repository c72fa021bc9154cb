/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "uploadqueue-private.h"

/* The first wait after a failure, and the longest. */
#define FIRST_BACKOFF (500 * G_TIME_SPAN_MILLISECOND)
#define LONGEST_BACKOFF (60 * G_TIME_SPAN_SECOND)

/* --- Life -------------------------------------------------------------------------*/

UploadQueue *
upload_queue_new (GcsUpload *upload, const UploadQueueSettings *settings,
    const UploadQueueFuncs *funcs, gpointer user_data)
{
  UploadQueue *queue = g_new0 (UploadQueue, 1);

  queue->upload = upload;
  queue->bucket = g_strdup (settings->bucket);
  queue->object = g_strdup (settings->object);
  queue->state_file = g_strdup (settings->state_file);
  queue->chunk_size = settings->chunk_size;
  queue->most_wait = settings->most_wait;
  queue->capacity = 2 * settings->chunk_size;
  /* Pages that were never used cost nothing. */
  queue->ring = g_malloc (queue->capacity);
  queue->funcs = *funcs;
  queue->user_data = user_data;
  queue->backoff = (Backoff){FIRST_BACKOFF, LONGEST_BACKOFF};
  queue->stopping_cancellable = g_cancellable_new ();
  g_mutex_init (&queue->lock);
  g_cond_init (&queue->changed);
  queue->thread = g_thread_new ("gcs-upload", upload_work_run, queue);
  return queue;
}

void
upload_queue_stop (UploadQueue *queue)
{
  if (queue == NULL || queue->thread == NULL)
    return;
  g_mutex_lock (&queue->lock);
  queue->stopping = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
  g_cancellable_cancel (queue->stopping_cancellable);
  g_thread_join (g_steal_pointer (&queue->thread));
}

void
upload_queue_free (UploadQueue *queue)
{
  if (queue == NULL)
    return;
  upload_queue_stop (queue);
  g_mutex_clear (&queue->lock);
  g_cond_clear (&queue->changed);
  g_object_unref (queue->stopping_cancellable);
  g_free (queue->ring);
  g_free (queue->bucket);
  g_free (queue->object);
  g_free (queue->state_file);
  g_free (queue);
}

/* --- The streaming thread -----------------------------------------------------------*/

/* Waits until it is known where the stream has to go on, and that this is at
 * @position. */
static UploadResult
wait_for_place_locked (UploadQueue *queue, guint64 position)
{
  if (!queue->arrived) {
    queue->arrived = TRUE;
    g_cond_broadcast (&queue->changed);
  }
  while (TRUE) {
    if (queue->failed || queue->stopping)
      return UPLOAD_FAILED;
    if (queue->n_interrupts != queue->n_known)
      return UPLOAD_INTERRUPTED;
    if (queue->accepting && !queue->anew) {
      if (position == queue->head && !queue->ended)
        return UPLOAD_DONE;
      if (position != 0)
        return UPLOAD_MISPLACED;
      queue->anew = TRUE;
      g_cond_broadcast (&queue->changed);
    }
    g_cond_wait (&queue->changed, &queue->lock);
  }
}

/* As much as there is room for, up to the end of the ring. */
static gsize
copy_locked (UploadQueue *queue, const guint8 *data, gsize size)
{
  gsize at = queue->head % queue->capacity;
  gsize room = queue->capacity - (gsize)(queue->head - queue->tail);
  gsize n = MIN (MIN (size, room), queue->capacity - at);

  if (n == 0)
    return 0;
  if (queue->head == queue->tail)
    queue->since = g_get_monotonic_time ();
  memcpy (queue->ring + at, data, n);
  queue->head += n;
  queue->stats.position = queue->head;
  /* The thread is not woken for every few bytes. */
  if (queue->head >= queue->wake_at && queue->head - n < queue->wake_at)
    g_cond_broadcast (&queue->changed);
  return n;
}

UploadResult
upload_queue_push (UploadQueue *queue, guint64 position, const void *data,
    gsize size, gsize *taken)
{
  UploadResult result = UPLOAD_DONE;

  *taken = 0;
  g_mutex_lock (&queue->lock);
  while (*taken < size) {
    gsize n;

    result = wait_for_place_locked (queue, position + *taken);
    if (result != UPLOAD_DONE)
      break;
    n = copy_locked (queue, (const guint8 *)data + *taken, size - *taken);
    *taken += n;
    if (n == 0)
      g_cond_wait (&queue->changed, &queue->lock);
  }
  g_mutex_unlock (&queue->lock);
  return result;
}

UploadResult
upload_queue_push_end (UploadQueue *queue, guint64 position)
{
  UploadResult result;

  g_mutex_lock (&queue->lock);
  result = wait_for_place_locked (queue, position);
  if (result == UPLOAD_DONE) {
    queue->ended = TRUE;
    g_cond_broadcast (&queue->changed);
  }
  g_mutex_unlock (&queue->lock);
  return result;
}

UploadResult
upload_queue_drain (UploadQueue *queue)
{
  UploadResult result = UPLOAD_DONE;

  g_mutex_lock (&queue->lock);
  while (!queue->done && result == UPLOAD_DONE) {
    if (queue->failed || queue->stopping)
      result = UPLOAD_FAILED;
    else if (queue->n_interrupts != queue->n_known)
      result = UPLOAD_INTERRUPTED;
    else
      g_cond_wait (&queue->changed, &queue->lock);
  }
  g_mutex_unlock (&queue->lock);
  return result;
}

void
upload_queue_arm (UploadQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->n_known = queue->n_interrupts - (queue->interrupting ? 1 : 0);
  g_mutex_unlock (&queue->lock);
}

void
upload_queue_begin_interrupt (UploadQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->interrupting = TRUE;
  queue->n_interrupts++;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

void
upload_queue_end_interrupt (UploadQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->interrupting = FALSE;
  g_mutex_unlock (&queue->lock);
}

void
upload_queue_get_stats (UploadQueue *queue, UploadQueueStats *stats)
{
  g_mutex_lock (&queue->lock);
  *stats = queue->stats;
  g_mutex_unlock (&queue->lock);
}
