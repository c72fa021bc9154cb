/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivelink.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "archiverun.h"
#include "archivetell.h"
#include "backoff.h"
#include "cachereader.h"
#include "crc32c.h"
#include "gcserror.h"

#define FIRST_WAIT (G_USEC_PER_SEC / 2)
#define LONGEST_WAIT (60 * G_USEC_PER_SEC)
/* Between two words to the database of how large it is. */
#define TELL_INTERVAL (30 * G_USEC_PER_SEC)
#define US_PER_MS 1000

struct _ArchiveLink {
  ArchiverShared *shared;
  gboolean is_troubled; /* it was told that the run does not get on */
  char *name;
  ArchiveState *state;

  gboolean is_waiting; /* for its turn */
  gboolean must_clear; /* the pieces are of no use: they go first */
  ArchiveRun *run;     /* or NULL */
  gboolean is_in_job;  /* of the pool */
  guint64 bytes;       /* of runs that are over, since they were taken */
  GSource *retry;      /* or NULL */
  Backoff backoff;
  char *problem; /* why it waits for that */
  gboolean is_telling;
  gboolean is_doomed; /* dropped as soon as nothing runs */
  gint64 told_at;     /* monotonic; 0: not since the start */
};

typedef struct {
  ArchiveJob parent;
  ArchiveLink *link;
  char *head, *body, *object;
  ArchiveObject expected;
  gint64 expires; /* us since 1970; 0: nobody knows */
} LinkJob;

static void tell (ArchiveLink *link, guint number);

/* --- Names ---------------------------------------------------------------------*/

/* `link/0.mp4` is made of `link/0.body` and `link/0.head`. (transfer full) */
static char *
get_piece_name (const ArchivePart *part, const char *piece)
{
  const char *dot = strrchr (part->object, '.');
  gsize length =
      dot != NULL ? (gsize)(dot - part->object) : strlen (part->object);

  return g_strdup_printf ("%.*s.%s", (int)length, part->object, piece);
}

/* Where the sink keeps how far it is. (transfer full) */
static char *
get_upload_path (ArchiveLink *link, guint number, const char *piece)
{
  return g_strdup_printf (
      "%s/%s.%u.%s.upload", link->shared->state_dir, link->name, number, piece);
}

static ArchivePart *
get_current (ArchiveLink *link, guint *number)
{
  return archive_state_get_current (link->state, number);
}

/* --- Steps ---------------------------------------------------------------------*/

static void
want_step (ArchiveLink *link)
{
  link->is_waiting = TRUE;
  link->shared->changed (link->shared->data);
}

static gboolean
on_retry (gpointer data)
{
  ArchiveLink *link = data;

  g_clear_pointer (&link->retry, g_source_unref);
  want_step (link);
  return G_SOURCE_REMOVE;
}

static void
fail (ArchiveLink *link, const GError *error)
{
  gint64 wait = backoff_next (&link->backoff, g_random_double ());

  if (link->problem == NULL)
    g_message ("The recording of %s waits, and is tried again: %s", link->name,
        error->message);
  g_free (link->problem);
  link->problem = g_strdup (error->message);
  link->retry = g_timeout_source_new ((guint)(wait / US_PER_MS));
  g_source_set_callback (link->retry, on_retry, link, NULL);
  g_source_attach (link->retry, link->shared->context);
  link->shared->changed (link->shared->data);
}

static void
succeed (ArchiveLink *link)
{
  if (link->problem != NULL)
    g_message ("The recording of %s goes on", link->name);
  g_clear_pointer (&link->problem, g_free);
  backoff_reset (&link->backoff);
  want_step (link);
}

/* What is in the file is what the next process begins with, so nothing is built
 * on what it does not have. */
static gboolean
save (ArchiveLink *link, GError **error)
{
  return archive_state_save (
      link->state, link->shared->state_dir, link->name, error);
}

static void
enter_stage (ArchiveLink *link, ArchiveStage stage)
{
  ArchivePart *part = get_current (link, NULL);
  ArchiveStage before = part->stage;
  g_autoptr (GError) error = NULL;

  part->stage = stage;
  if (save (link, &error)) {
    succeed (link);
    return;
  }
  part->stage = before;
  fail (link, error);
}

/* Nothing more comes of the current part, nor behind it. */
static void
drop (ArchiveLink *link, const char *why)
{
  ArchivePart *part = get_current (link, NULL);

  link->is_doomed = link->must_clear = FALSE;
  g_message ("The recording of %s is given up: %s", link->name, why);
  g_clear_pointer (&link->run, archive_run_free);
  g_clear_pointer (&link->problem, g_free);
  if (link->retry != NULL) {
    g_source_destroy (link->retry);
    g_clear_pointer (&link->retry, g_source_unref);
  }
  part->is_last = TRUE;
  enter_stage (link, ARCHIVE_STAGE_DROP);
}

/* --- In the pool -----------------------------------------------------------------*/

static void
link_job_free (ArchiveJob *base)
{
  LinkJob *job = (LinkJob *)base;

  g_free (job->head);
  g_free (job->body);
  g_free (job->object);
  g_free (job);
}

static void
push_job (ArchiveLink *link, void (*work) (ArchiveJob *job),
    void (*done) (ArchiveJob *job))
{
  const ArchivePart *part = get_current (link, NULL);
  LinkJob *job = g_new0 (LinkJob, 1);

  job->parent.work = work;
  job->parent.done = done;
  job->parent.free = link_job_free;
  job->link = link;
  job->head = get_piece_name (part, "head");
  job->body = get_piece_name (part, "body");
  job->object = g_strdup (part->object);
  job->expected = (ArchiveObject){
      .size = part->head_size + part->body_size,
      .crc32c =
          crc32c_combine (part->head_crc, part->body_crc, part->body_size),
  };
  /* Never before its time: it ended a moment ago, or longer. */
  if (part->kept > 0)
    job->expires = g_get_real_time () + (gint64)part->kept * G_USEC_PER_SEC;
  link->is_in_job = TRUE;
  archiver_push_job (link->shared, &job->parent);
}

static void
delete_pieces (ArchiveJob *base)
{
  LinkJob *job = (LinkJob *)base;
  ArchiverShared *shared = base->shared;

  if (archive_store_delete (
          shared->store, job->body, shared->cancellable, &base->error))
    archive_store_delete (
        shared->store, job->head, shared->cancellable, &base->error);
}

static void
delete_all (ArchiveJob *base)
{
  LinkJob *job = (LinkJob *)base;
  ArchiverShared *shared = base->shared;

  delete_pieces (base);
  if (base->error == NULL)
    archive_store_delete (
        shared->store, job->object, shared->cancellable, &base->error);
}

static void
join (ArchiveJob *base)
{
  LinkJob *job = (LinkJob *)base;
  ArchiverShared *shared = base->shared;

  archive_store_join (shared->store, job->head, job->body, job->object,
      &job->expected, job->expires, shared->cancellable, &base->error);
}

static void
delete_upload_files (ArchiveLink *link)
{
  static const char *const pieces[] = {"body", "head"};
  guint number;

  get_current (link, &number);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_autofree char *path = get_upload_path (link, number, pieces[i]);

    g_unlink (path);
  }
}

static void
on_cleared (ArchiveJob *base)
{
  ArchiveLink *link = ((LinkJob *)base)->link;

  link->is_in_job = FALSE;
  if (base->error != NULL) {
    fail (link, base->error);
    return;
  }
  link->must_clear = FALSE;
  delete_upload_files (link);
  enter_stage (link, ARCHIVE_STAGE_BODY);
}

static void
on_dropped (ArchiveJob *base)
{
  ArchiveLink *link = ((LinkJob *)base)->link;
  guint number;

  link->is_in_job = FALSE;
  if (base->error != NULL) {
    fail (link, base->error);
    return;
  }
  delete_upload_files (link);
  get_current (link, &number);
  enter_stage (link, ARCHIVE_STAGE_GONE);
  tell (link, number);
}

/* What was stored is not what was sent, or is not there any more. */
static gboolean
is_lost (const GError *error)
{
  return g_error_matches (error, GCS_ERROR, GCS_ERROR_CORRUPT) ||
         g_error_matches (error, GCS_ERROR, GCS_ERROR_NOT_FOUND);
}

static void
on_joined (ArchiveJob *base)
{
  ArchiveLink *link = ((LinkJob *)base)->link;
  guint number;

  link->is_in_job = FALSE;
  if (base->error != NULL) {
    link->must_clear = is_lost (base->error);
    fail (link, base->error);
    return;
  }
  delete_upload_files (link);
  get_current (link, &number);
  enter_stage (link, ARCHIVE_STAGE_READY);
  tell (link, number);
}

/* --- Pipelines -------------------------------------------------------------------*/

/* Why nothing will come of it, or NULL. */
static const char *
find_end (ArchiveLink *link)
{
  const char *cache_dir = link->shared->cache_dir;
  g_autofree char *folder = g_build_filename (cache_dir, link->name, NULL);
  g_autoptr (CacheReader) reader = NULL;

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return "it was cleared from the cache before it was archived";
  reader = cache_reader_open (cache_dir, link->name, NULL);
  if (reader != NULL && cache_reader_is_ended (reader) &&
      cache_reader_count_epochs (reader) == 0)
    return "it ended without any media";
  return NULL;
}

static void
fail_run (ArchiveLink *link, const GError *error)
{
  const char *why = find_end (link);

  if (why != NULL)
    drop (link, why);
  else
    fail (link, error);
}

static void
take_body (ArchivePart *part, const ArchivePiece *piece)
{
  part->body_size = piece->size;
  part->body_crc = piece->crc32c;
  part->duration = piece->duration;
  part->is_last = !piece->is_changed;
  part->next_epoch = piece->epoch;
}

static void
on_run_over (const ArchivePiece *piece, const GError *error, gpointer data)
{
  ArchiveLink *link = data;
  ArchivePart *part = get_current (link, NULL);

  link->bytes += archive_run_take_bytes (link->run);
  g_clear_pointer (&link->run, archive_run_free);
  if (error != NULL) {
    fail_run (link, error);
    return;
  }
  part->is_incomplete = piece->is_incomplete;
  if (part->stage == ARCHIVE_STAGE_BODY) {
    take_body (part, piece);
    enter_stage (link, ARCHIVE_STAGE_HEAD);
  } else {
    part->head_size = piece->size;
    part->head_crc = piece->crc32c;
    enter_stage (link, ARCHIVE_STAGE_JOIN);
  }
}

static void
start_run (ArchiveLink *link, const char *piece)
{
  ArchiverShared *shared = link->shared;
  guint number;
  const ArchivePart *part = get_current (link, &number);
  g_autofree char *object = get_piece_name (part, piece);
  g_autofree char *upload = get_upload_path (link, number, piece);
  g_autofree char *sink = NULL;
  g_autoptr (GError) error = NULL;
  ArchiveRunSettings settings = {
      .pipeline = shared->pipeline,
      .cache_dir = shared->cache_dir,
      .link = link->name,
      .piece = piece,
      .first_epoch = part->first_epoch,
      .context = shared->context,
  };

  if (!archive_store_prepare (
          shared->store, object, &settings.offset, &error)) {
    fail (link, error);
    return;
  }
  settings.sink = sink =
      archive_store_describe_sink (shared->store, object, upload);
  link->run = archive_run_start (&settings, on_run_over, link, &error);
  if (link->run != NULL)
    return;
  /* What is there may be what it cannot go on from. */
  link->must_clear = settings.offset > 0;
  fail_run (link, error);
}

/* --- The next step ---------------------------------------------------------------*/

static void
begin_next_part (ArchiveLink *link, const ArchivePart *part)
{
  guint number = link->state->parts->len;
  g_autofree char *object =
      archive_store_name (link->shared->store, link->name, number);
  g_autoptr (GError) error = NULL;

  archive_state_add_part (link->state, part->next_epoch, object);
  if (save (link, &error)) {
    succeed (link);
    return;
  }
  g_ptr_array_set_size (link->state->parts, number);
  fail (link, error);
}

void
archive_link_step (ArchiveLink *link)
{
  const ArchivePart *part = get_current (link, NULL);

  link->is_waiting = FALSE;
  if (link->must_clear) {
    push_job (link, delete_pieces, on_cleared);
    return;
  }
  switch (part->stage) {
    case ARCHIVE_STAGE_BODY:
      start_run (link, "body");
      break;
    case ARCHIVE_STAGE_HEAD:
      start_run (link, "head");
      break;
    case ARCHIVE_STAGE_JOIN:
      push_job (link, join, on_joined);
      break;
    case ARCHIVE_STAGE_DROP:
      push_job (link, delete_all, on_dropped);
      break;
    case ARCHIVE_STAGE_READY:
      if (!part->is_last)
        begin_next_part (link, part);
      break;
    case ARCHIVE_STAGE_GONE:
    default:
      break;
  }
}

/* --- The database ----------------------------------------------------------------*/

typedef struct {
  ArchiveLink *link;
  guint number;
  ArchiveStage stage; /* that was told */
} Word;

static void
take_answer (ArchiveLink *link, const Word *word, ArchiveAnswer answer)
{
  gboolean is_current;
  guint number;
  const ArchivePart *part = get_current (link, &number);

  is_current = number == word->number;
  if (answer == ARCHIVE_ANSWER_DELETED && word->stage == ARCHIVE_STAGE_READY) {
    /* It was made once more after it had gone. */
    ArchivePart *again = link->state->parts->pdata[word->number];

    again->told = ARCHIVE_TOLD_NOTHING;
    again->stage = ARCHIVE_STAGE_DROP;
    link->is_doomed = TRUE;
  } else if (answer != ARCHIVE_ANSWER_WANTED && is_current &&
             part->stage < ARCHIVE_STAGE_READY) {
    link->is_doomed = TRUE;
  }
}

static void
on_told (ArchiveAnswer answer, guint64 kept, const GError *error, gpointer data)
{
  const Word *word = data;
  ArchiveLink *link = word->link;
  ArchivePart *part = link->state->parts->pdata[word->number];
  g_autoptr (GError) why = NULL;

  link->is_telling = FALSE;
  if (error != NULL) {
    g_message ("The database does not take the recording of %s: %s", link->name,
        error->message);
    return;
  }
  part->kept = kept;
  part->told = word->stage < ARCHIVE_STAGE_READY ? ARCHIVE_TOLD_UPLOADING
                                                 : ARCHIVE_TOLD_ALL;
  if (word->stage != ARCHIVE_STAGE_GONE)
    take_answer (link, word, answer);
  if (!save (link, &why))
    g_message ("%s", why->message);
  link->shared->changed (link->shared->data);
}

static guint64
get_size (ArchiveLink *link, const ArchivePart *part)
{
  return part->stage < ARCHIVE_STAGE_READY ? archive_link_get_position (link)
                                           : part->head_size + part->body_size;
}

/* One word at a time; what is to be said after it, the tick finds. */
static void
tell (ArchiveLink *link, guint number)
{
  const ArchivePart *part = link->state->parts->pdata[number];
  Word *word;

  if (link->is_telling || part->stage == ARCHIVE_STAGE_DROP)
    return;
  word = g_new (Word, 1);
  *word = (Word){link, number, part->stage};
  link->is_telling = TRUE;
  link->told_at = g_get_monotonic_time ();
  archive_tell (link->shared, link->name, number, part, get_size (link, part),
      on_told, word);
}

/* Whether part @number is to be told of. */
static gboolean
is_news (ArchiveLink *link, guint number, gint64 now)
{
  const ArchivePart *part = link->state->parts->pdata[number];

  if (part->told == ARCHIVE_TOLD_ALL)
    return FALSE;
  if (part->stage == ARCHIVE_STAGE_READY || part->stage == ARCHIVE_STAGE_GONE)
    return link->told_at == 0 || now - link->told_at >= G_USEC_PER_SEC;
  if (part->told == ARCHIVE_TOLD_NOTHING)
    return link->run != NULL ? archive_run_has_begun (link->run)
                             : part->body_size > 0;
  return link->told_at == 0 || now - link->told_at >= TELL_INTERVAL;
}

/* What became ready meanwhile is for who deletes what is ready. */
static void
drop_doomed (ArchiveLink *link)
{
  const ArchivePart *part = get_current (link, NULL);

  if (part->stage == ARCHIVE_STAGE_READY || part->stage == ARCHIVE_STAGE_GONE)
    link->is_doomed = FALSE;
  else
    drop (link, "its time is over");
}

static void
tell_trouble (ArchiveLink *link)
{
  const char *trouble =
      link->run != NULL ? archive_run_get_trouble (link->run) : NULL;

  if (trouble != NULL && !link->is_troubled)
    g_message ("The recording of %s waits: %s", link->name, trouble);
  else if (trouble == NULL && link->is_troubled)
    g_message ("The recording of %s goes on", link->name);
  link->is_troubled = trouble != NULL;
}

void
archive_link_tick (ArchiveLink *link, gint64 now)
{
  tell_trouble (link);
  if (link->is_doomed && !link->is_in_job)
    drop_doomed (link);
  for (guint i = 0; i < link->state->parts->len && !link->is_telling; i++)
    if (is_news (link, i, now))
      tell (link, i);
}

/* --- The whole -------------------------------------------------------------------*/

ArchiveLink *
archive_link_new (ArchiverShared *shared, const char *name, ArchiveState *state)
{
  ArchiveLink *link = g_new0 (ArchiveLink, 1);

  link->shared = shared;
  link->name = g_strdup (name);
  link->state = state;
  link->backoff.first = FIRST_WAIT;
  link->backoff.most = LONGEST_WAIT;
  link->is_waiting = TRUE;
  return link;
}

void
archive_link_free (ArchiveLink *link)
{
  if (link == NULL)
    return;
  archive_run_free (link->run);
  if (link->retry != NULL) {
    g_source_destroy (link->retry);
    g_source_unref (link->retry);
  }
  archive_state_free (link->state);
  g_free (link->problem);
  g_free (link->name);
  g_free (link);
}

gboolean
archive_link_is_waiting (ArchiveLink *link)
{
  return link->is_waiting && !archive_link_is_working (link);
}

gboolean
archive_link_is_long (ArchiveLink *link)
{
  return get_current (link, NULL)->stage == ARCHIVE_STAGE_BODY;
}

gboolean
archive_link_is_working (ArchiveLink *link)
{
  return link->run != NULL || link->is_in_job;
}

gboolean
archive_link_is_done (ArchiveLink *link)
{
  return archive_state_is_done (link->state) && !link->is_telling &&
         !archive_link_is_working (link);
}

guint64
archive_link_get_position (ArchiveLink *link)
{
  const ArchivePart *part = get_current (link, NULL);

  if (part->stage != ARCHIVE_STAGE_BODY)
    return part->body_size;
  return link->run != NULL ? archive_run_get_position (link->run) : 0;
}

guint64
archive_link_take_bytes (ArchiveLink *link)
{
  guint64 bytes = link->bytes;

  link->bytes = 0;
  if (link->run != NULL)
    bytes += archive_run_take_bytes (link->run);
  return bytes;
}

const char *
archive_link_get_problem (ArchiveLink *link)
{
  if (link->problem == NULL && link->run != NULL)
    return archive_run_get_trouble (link->run);
  return link->problem;
}
