/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread of an upload queue: it begins or goes on with a session, sends what
 * is in the ring, and does what can be done when the service does not take it. */

#include <string.h>

#include "crc32c.h"
#include "gcserror.h"
#include "uploadqueue-private.h"
#include "uploadstate.h"

/* A file that is synced for each chunk would be slower than the network. */
#define SAVE_INTERVAL G_TIME_SPAN_SECOND
#define TELL_INTERVAL (10 * G_TIME_SPAN_SECOND)
#define EVERYTHING G_MAXUINT64

typedef struct {
  guint64 offset;
  gsize length;
  gint64 total; /* -1: it is not the last */
} Piece;

static gboolean
is_interesting_locked (UploadQueue *queue)
{
  return queue->stopping || queue->anew;
}

static gboolean
is_over (UploadQueue *queue)
{
  gboolean over;

  g_mutex_lock (&queue->lock);
  over = is_interesting_locked (queue) || queue->done || queue->failed;
  g_mutex_unlock (&queue->lock);
  return over;
}

/* --- The state file -------------------------------------------------------------*/

static void
complain (UploadQueue *queue, const char *text)
{
  if (queue->complained)
    return;
  queue->complained = TRUE;
  queue->funcs.complained (text, queue->user_data);
}

static void
save_state (UploadQueue *queue, gboolean now)
{
  gint64 time = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  const UploadState state = {
      .session = (char *)gcs_upload_get_session (queue->upload),
      .bucket = queue->bucket,
      .object = queue->object,
      .fingerprint = (char *)gcs_upload_get_fingerprint (queue->upload),
      .offset = queue->tail,
      .crc32c = queue->crc,
      .begun = queue->begun,
  };

  if (queue->state_file == NULL || state.session == NULL || queue->resuming ||
      (!now && time - queue->last_save < SAVE_INTERVAL))
    return;
  queue->last_save = time;
  if (!upload_state_save (queue->state_file, &state, &error))
    complain (queue, error->message);
}

static void
move_aside (UploadQueue *queue, const GError *why)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *aside = upload_state_move_aside (queue->state_file, &error);
  g_autofree char *text =
      aside != NULL
          ? g_strdup_printf ("%s; it is now \"%s\", and the upload begins anew",
                why->message, aside)
          : g_strdup_printf ("%s; the upload begins anew", why->message);

  complain (queue, text);
}

/* FALSE: the file is of something else, and must not be overwritten. */
static gboolean
load_state (UploadQueue *queue, GError **error)
{
  g_auto (UploadState) state = {0};
  g_autoptr (GError) problem = NULL;
  gint64 now = g_get_real_time ();

  if (queue->state_file == NULL)
    return TRUE;
  if (!upload_state_load (queue->state_file, &state, &problem)) {
    if (!g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
      move_aside (queue, problem);
    return TRUE;
  }
  if (strcmp (state.bucket, queue->bucket) != 0 ||
      strcmp (state.object, queue->object) != 0) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_SETTINGS,
        "%s is of the upload of gs://%s/%s, not of this one", queue->state_file,
        state.bucket, state.object);
    return FALSE;
  }
  if (strcmp (state.fingerprint, gcs_upload_get_fingerprint (queue->upload)) !=
          0 ||
      now - state.begun > GCS_UPLOAD_LIFE)
    return TRUE;
  gcs_upload_set_session (queue->upload, state.session);
  queue->begun = state.begun;
  queue->known = state.offset;
  queue->known_crc = state.crc32c;
  queue->resuming = queue->unsure = TRUE;
  return TRUE;
}

/* --- Where the stream is --------------------------------------------------------*/

/* What was stored counts no more; the session is left to end by itself. */
static void
forget_session (UploadQueue *queue)
{
  gcs_upload_set_session (queue->upload, NULL);
  queue->persisted = queue->sent_end = 0;
  queue->unsure = queue->resuming = queue->finding = FALSE;
  queue->has_object = queue->is_foreign = FALSE;
}

/* The ring is empty, and the stream goes on from there. */
static void
place_locked (UploadQueue *queue, guint64 position, guint32 crc)
{
  queue->first = queue->tail = queue->head = position;
  queue->stats.position = queue->stats.stored = position;
  queue->crc = crc;
  queue->ahead = 0;
  queue->ended = FALSE;
  g_cond_broadcast (&queue->changed);
}

static void
accept (UploadQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->accepting = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

static gboolean
seek_to (UploadQueue *queue, guint64 position, guint32 crc)
{
  if (!queue->funcs.can_seek (position, queue->user_data))
    return FALSE;
  g_mutex_lock (&queue->lock);
  queue->accepting = FALSE;
  place_locked (queue, position, crc);
  g_mutex_unlock (&queue->lock);
  return queue->funcs.seek (position, queue->user_data);
}

/* From the first byte, with a new session. FALSE: they are gone. */
static gboolean
restart (UploadQueue *queue)
{
  gboolean has_all;

  forget_session (queue);
  g_mutex_lock (&queue->lock);
  has_all = queue->first == 0 && queue->head <= queue->capacity;
  if (has_all) {
    queue->tail = queue->stats.stored = 0;
    queue->crc = 0;
  }
  g_mutex_unlock (&queue->lock);
  if (!has_all && !seek_to (queue, 0, 0))
    return FALSE;
  accept (queue);
  return TRUE;
}

/* Upstream wants it so. */
static void
begin_anew (UploadQueue *queue)
{
  forget_session (queue);
  g_mutex_lock (&queue->lock);
  queue->anew = queue->done = FALSE;
  queue->accepting = TRUE;
  place_locked (queue, 0, 0);
  g_mutex_unlock (&queue->lock);
}

/* The service has told what an earlier process left. A stream that cannot be
 * sought in may be another one now, so nothing is built on it. */
static gboolean
resume (UploadQueue *queue)
{
  gboolean is_known = queue->known <= queue->persisted;
  guint64 position = is_known ? queue->known : 0;

  queue->resuming = FALSE;
  if (queue->persisted == 0 ||
      !queue->funcs.can_seek (position, queue->user_data))
    return restart (queue);
  if (position > 0 && !seek_to (queue, position, queue->known_crc))
    return restart (queue);
  accept (queue);
  return TRUE;
}

/* --- What is next ---------------------------------------------------------------*/

/* @crc, and what is in the ring from @from on. Needs no lock: nobody else touches
 * what lies between tail and head. */
static guint32
hash (UploadQueue *queue, guint32 crc, guint64 from, gsize n)
{
  gsize at = from % queue->capacity;
  gsize here = MIN (n, queue->capacity - at);

  crc = crc32c_update (crc, queue->ring + at, here);
  return crc32c_update (crc, queue->ring, n - here);
}

/* The service has @n more. What was sent last is hashed already. */
static void
move_tail_locked (UploadQueue *queue, gsize n)
{
  g_mutex_unlock (&queue->lock);
  queue->crc = queue->tail + n == queue->ahead
                   ? queue->ahead_crc
                   : hash (queue, queue->crc, queue->tail, n);
  g_mutex_lock (&queue->lock);
  queue->tail += n;
  queue->stats.stored = queue->tail;
  g_cond_broadcast (&queue->changed);
}

/* What the service has beyond the tail, as far as it is in the ring. */
static void
catch_up (UploadQueue *queue)
{
  gsize n;

  g_mutex_lock (&queue->lock);
  n = MIN (queue->head, queue->persisted) - queue->tail;
  if (n > 0)
    move_tail_locked (queue, n);
  g_mutex_unlock (&queue->lock);
}

/* Waits until there are bytes up to @position, or for at most until @deadline. */
static void
wait_for_locked (UploadQueue *queue, guint64 position, gint64 deadline)
{
  queue->wake_at = position;
  if (deadline != 0)
    g_cond_wait_until (&queue->changed, &queue->lock, deadline);
  else
    g_cond_wait (&queue->changed, &queue->lock);
}

/* What is to be sent, if there is something. */
static gboolean
cut_locked (UploadQueue *queue, Piece *piece)
{
  gsize waiting = queue->head - queue->tail;

  piece->offset = queue->tail;
  piece->total = -1;
  if (waiting >= queue->chunk_size && waiting > 0)
    piece->length = queue->chunk_size;
  else if (waiting >= GCS_UPLOAD_UNIT &&
           g_get_monotonic_time () - queue->since >= queue->most_wait)
    piece->length = waiting - waiting % GCS_UPLOAD_UNIT;
  else
    piece->length = 0;
  if (queue->ended && waiting <= queue->chunk_size) {
    piece->length = waiting;
    piece->total = (gint64)queue->head;
  }
  return piece->length > 0 || piece->total >= 0;
}

/* TRUE: @piece is to be sent. FALSE: all that the service has was hashed, to the
 * end of the stream, or something is more urgent. */
static gboolean
find_piece (UploadQueue *queue, Piece *piece)
{
  gboolean found = FALSE;

  g_mutex_lock (&queue->lock);
  while (!is_interesting_locked (queue) && !found) {
    gsize waiting = queue->head - queue->tail;

    if (queue->tail < queue->persisted) {
      if (waiting > 0)
        move_tail_locked (queue, MIN (waiting, queue->persisted - queue->tail));
      else if (queue->ended)
        break;
      else
        wait_for_locked (queue, queue->tail + 1, 0);
      if (queue->has_object && queue->tail > queue->made.size)
        break;
    } else if (cut_locked (queue, piece)) {
      found = TRUE;
    } else if (waiting < GCS_UPLOAD_UNIT) {
      wait_for_locked (queue, queue->tail + GCS_UPLOAD_UNIT, 0);
    } else {
      wait_for_locked (queue, queue->tail + queue->chunk_size,
          queue->since + queue->most_wait);
    }
  }
  g_mutex_unlock (&queue->lock);
  return found;
}

/* --- One step -------------------------------------------------------------------*/

static gboolean
fail (UploadQueue *queue, GError **error, GcsError code, const char *reason)
{
  g_set_error (error, GCS_ERROR, code, "gs://%s/%s: %s", queue->bucket,
      queue->object, reason);
  return FALSE;
}

static gboolean
begin (UploadQueue *queue, GError **error)
{
  if (!gcs_upload_begin (queue->upload, queue->stopping_cancellable, error))
    return FALSE;
  queue->begun = g_get_real_time ();
  g_mutex_lock (&queue->lock);
  queue->stats.sessions++;
  g_mutex_unlock (&queue->lock);
  save_state (queue, TRUE);
  return TRUE;
}

static gboolean
find_object (UploadQueue *queue, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (!gcs_upload_find (
          queue->upload, &queue->made, queue->stopping_cancellable, &problem)) {
    if (!g_error_matches (problem, GCS_ERROR, GCS_ERROR_NOT_FOUND)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    queue->made = (GcsObject){0};
  }
  gcs_upload_set_session (queue->upload, NULL);
  queue->finding = queue->unsure = FALSE;
  queue->has_object = queue->is_foreign = TRUE;
  queue->persisted = EVERYTHING;
  /* The stream is compared from where it is. */
  if (queue->resuming)
    accept (queue);
  queue->resuming = FALSE;
  return TRUE;
}

/* Of a session: how much it has. */
static gboolean
take_persisted (
    UploadQueue *queue, guint64 persisted, gboolean was_sent, GError **error)
{
  if (queue->resuming)
    queue->sent_end = persisted;
  if (persisted > queue->sent_end)
    return fail (queue, error, GCS_ERROR_GONE,
        "the service claims to have more than it was sent");
  if (persisted < queue->tail)
    return fail (queue, error, GCS_ERROR_GONE,
        "the service has lost a part of what it had");
  queue->unsure = FALSE;
  if (persisted > queue->tail)
    backoff_reset (&queue->backoff);
  else if (was_sent)
    return fail (queue, error, GCS_ERROR_AWAY,
        "the service has taken nothing of what it was sent");
  queue->persisted = persisted;
  if (!queue->resuming)
    catch_up (queue);
  return TRUE;
}

static gboolean
take_answer (UploadQueue *queue, const GcsUploadAnswer *answer,
    gboolean was_sent, GError **error)
{
  if (!answer->complete) {
    if (!take_persisted (queue, answer->persisted, was_sent, error))
      return FALSE;
  } else {
    queue->unsure = FALSE;
    queue->has_object = TRUE;
    queue->made = answer->object;
    queue->persisted = EVERYTHING;
  }
  return !queue->resuming || resume (queue) ||
         fail (queue, error, GCS_ERROR_GONE,
             "the stream cannot go on from its begin");
}

typedef struct {
  UploadQueue *queue;
  guint64 end; /* of the piece */
} Sending;

/* Hashes what is not hashed yet while the service is at work on it: once that has
 * answered, it waits for the next piece. */
static void
on_wrote (gsize n, gpointer data)
{
  const Sending *sending = data;
  UploadQueue *queue = sending->queue;

  n = MIN (n, sending->end - queue->ahead);
  queue->ahead_crc = hash (queue, queue->ahead_crc, queue->ahead, n);
  queue->ahead += n;
}

static gboolean
send_piece (UploadQueue *queue, const Piece *piece, GError **error)
{
  g_autoptr (GInputStream) body = g_memory_input_stream_new ();
  gsize at = piece->offset % queue->capacity;
  gsize here = MIN (piece->length, queue->capacity - at);
  Sending sending = {queue, piece->offset + piece->length};
  GcsUploadChunk chunk = {.body = body,
      .offset = piece->offset,
      .length = piece->length,
      .total = piece->total,
      .wrote = on_wrote,
      .data = &sending};
  GcsUploadAnswer answer;
  gboolean done;

  g_memory_input_stream_add_data (
      G_MEMORY_INPUT_STREAM (body), queue->ring + at, (gssize)here, NULL);
  if (piece->length > here)
    g_memory_input_stream_add_data (G_MEMORY_INPUT_STREAM (body), queue->ring,
        (gssize)(piece->length - here), NULL);
  queue->ahead = piece->offset;
  queue->ahead_crc = queue->crc;
  /* The last piece says before its bytes what all must give. */
  if (piece->total >= 0)
    on_wrote (piece->length, &sending);
  chunk.crc32c = queue->ahead_crc;
  queue->sent_end = MAX (queue->sent_end, sending.end);
  done = gcs_upload_put (
      queue->upload, &chunk, &answer, queue->stopping_cancellable, error);
  g_mutex_lock (&queue->lock);
  queue->stats.sent += piece->length;
  queue->since = g_get_monotonic_time ();
  g_mutex_unlock (&queue->lock);
  return done && take_answer (queue, &answer, TRUE, error);
}

static void
finish (UploadQueue *queue)
{
  g_autoptr (GError) error = NULL;

  if (queue->state_file != NULL &&
      !upload_state_remove (queue->state_file, &error))
    complain (queue, error->message);
  gcs_upload_set_session (queue->upload, NULL);
  queue->funcs.stored (&queue->made, queue->user_data);
  g_mutex_lock (&queue->lock);
  queue->done = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

/* The stream is at its end, or beyond the object. */
static gboolean
compare (UploadQueue *queue, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (!queue->has_object)
    return fail (queue, error, GCS_ERROR_CORRUPT,
        "the stream is shorter than what was sent of it before");
  if (queue->made.size == queue->tail && queue->made.has_crc32c &&
      queue->made.crc32c == queue->crc) {
    finish (queue);
    return TRUE;
  }
  if (queue->is_foreign)
    return fail (queue, error, GCS_ERROR_EXISTS,
        "another object is there than the one that may be replaced");
  /* Who may only create is not allowed to do this. */
  if (!gcs_upload_discard (queue->upload, queue->made.generation,
          queue->stopping_cancellable, &problem) &&
      (gcs_error_is_transient (problem) ||
          g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  return fail (queue, error, GCS_ERROR_CORRUPT,
      "what the service has stored is not what it was sent");
}

static gboolean
step (UploadQueue *queue, GError **error)
{
  GcsUploadAnswer answer;
  Piece piece;

  if (queue->finding)
    return find_object (queue, error);
  if (!queue->has_object && gcs_upload_get_session (queue->upload) == NULL)
    return begin (queue, error);
  if (queue->unsure)
    return gcs_upload_query (
               queue->upload, &answer, queue->stopping_cancellable, error) &&
           take_answer (queue, &answer, FALSE, error);
  if (find_piece (queue, &piece))
    return send_piece (queue, &piece, error);
  return is_over (queue) || compare (queue, error);
}

/* --- The thread -------------------------------------------------------------------*/

/* Waits before the next attempt. */
static void
rest (UploadQueue *queue, const GError *error)
{
  gint64 wait = MAX (backoff_next (&queue->backoff, g_random_double ()),
      gcs_upload_get_retry_after (queue->upload));
  gint64 deadline = g_get_monotonic_time () + wait;

  queue->funcs.troubled (error, wait, queue->user_data);
  g_mutex_lock (&queue->lock);
  queue->stats.failures++;
  while (!is_interesting_locked (queue) && g_get_monotonic_time () < deadline)
    g_cond_wait_until (&queue->changed, &queue->lock, deadline);
  g_mutex_unlock (&queue->lock);
}

/* FALSE: that was it. */
static gboolean
recover (UploadQueue *queue, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TRUE;
  if (gcs_error_is_transient (error)) {
    queue->unsure =
        !queue->has_object && gcs_upload_get_session (queue->upload) != NULL;
    rest (queue, error);
    return TRUE;
  }
  if (g_error_matches (error, GCS_ERROR, GCS_ERROR_GONE)) {
    rest (queue, error);
    return restart (queue);
  }
  if (g_error_matches (error, GCS_ERROR, GCS_ERROR_EXISTS) &&
      !queue->is_foreign) {
    queue->finding = TRUE;
    return TRUE;
  }
  if (g_error_matches (error, GCS_ERROR, GCS_ERROR_CORRUPT) &&
      !queue->was_corrupt) {
    queue->was_corrupt = TRUE;
    rest (queue, error);
    return restart (queue);
  }
  return FALSE;
}

static void
fail_for_good (UploadQueue *queue, const GError *error)
{
  queue->funcs.failed (error, queue->user_data);
  g_mutex_lock (&queue->lock);
  queue->failed = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

static void
note_progress (UploadQueue *queue)
{
  gint64 now = g_get_monotonic_time ();

  if (queue->has_object)
    return;
  save_state (queue, FALSE);
  if (now - queue->last_tell < TELL_INTERVAL)
    return;
  queue->last_tell = now;
  queue->funcs.moved (queue->tail, queue->user_data);
}

static void
work (UploadQueue *queue)
{
  while (!is_over (queue)) {
    g_autoptr (GError) error = NULL;

    if (step (queue, &error))
      note_progress (queue);
    else if (!recover (queue, error))
      fail_for_good (queue, error);
  }
}

/* FALSE: it is stopped. */
static gboolean
wait_for_stream (UploadQueue *queue)
{
  gboolean stopping;

  g_mutex_lock (&queue->lock);
  while (!queue->stopping &&
         (queue->failed || !queue->arrived || (queue->done && !queue->anew)))
    g_cond_wait (&queue->changed, &queue->lock);
  stopping = queue->stopping;
  g_mutex_unlock (&queue->lock);
  return !stopping;
}

static void
work_through (UploadQueue *queue)
{
  g_autoptr (GError) error = NULL;

  if (!wait_for_stream (queue))
    return;
  queue->last_tell = g_get_monotonic_time ();
  queue->funcs.begun (queue->user_data);
  if (!load_state (queue, &error))
    fail_for_good (queue, error);
  else if (!queue->resuming)
    accept (queue);
  while (wait_for_stream (queue)) {
    gboolean anew;

    g_mutex_lock (&queue->lock);
    anew = queue->anew;
    g_mutex_unlock (&queue->lock);
    if (anew)
      begin_anew (queue);
    work (queue);
  }
  save_state (queue, TRUE);
}

gpointer
upload_work_run (gpointer data)
{
  UploadQueue *queue = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  /* Connections leave their timers with whoever makes them. */
  g_main_context_push_thread_default (context);
  work_through (queue);
  g_clear_pointer (&queue->upload, gcs_upload_free);
  g_main_context_pop_thread_default (context);
  return NULL;
}
