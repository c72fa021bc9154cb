/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivetell.h"

#include <stdio.h>
#include <string.h>

#include "crc32c.h"

#define NS_PER_S 1e9

/* A row, as it was when it was told. Counted (g_atomic_rc_box). */
typedef struct {
  ArchiverShared *shared;
  ArchiveTellDone done;
  gpointer data;
  char *link;
  char *object;
  char number[16];
  const char *state; /* NULL: it is gone */
  char size[24];
  gboolean is_summed;
  char crc32c[9];
  char duration[G_ASCII_DTOSTR_BUF_SIZE];
  gboolean is_incomplete;
  ArchiveAnswer answer;
  guint64 kept; /* s */
  GError *error;
} Row;

static void
row_clear (gpointer data)
{
  Row *row = data;

  g_free (row->link);
  g_free (row->object);
  g_free (row->data);
  g_clear_error (&row->error);
}

static void
row_unref (gpointer row)
{
  g_atomic_rc_box_release_full (row, row_clear);
}

static gboolean
forget (PgConnection *connection, const Row *row, GError **error)
{
  const char *values[] = {row->link, row->number};
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT wishcast.drop_recording ($1, $2::integer)", G_N_ELEMENTS (values),
      values, error);

  return rows != NULL;
}

static ArchiveAnswer
parse_answer (const char *text)
{
  if (strcmp (text, "deleted") == 0)
    return ARCHIVE_ANSWER_DELETED;
  return strcmp (text, "expired") == 0 ? ARCHIVE_ANSWER_EXPIRED
                                       : ARCHIVE_ANSWER_WANTED;
}

/* On the worker's thread. */
static gboolean
write_row (PgConnection *connection, gpointer data, GError **error)
{
  Row *row = data;
  const char *values[] = {row->link, row->number, row->shared->node,
      archive_store_get_bucket (row->shared->store), row->object, row->state,
      row->size, row->is_summed ? row->crc32c : NULL,
      row->is_summed ? row->duration : NULL,
      row->is_incomplete ? "true" : "false"};
  g_autoptr (PgRows) rows = NULL;
  const char *kept;

  if (row->state == NULL)
    return forget (connection, row, error);
  rows = pg_connection_query (connection,
      "SELECT wishcast.set_recording ($1, $2::integer, $3, $4, $5, $6, "
      "$7::bigint, $8, $9::double precision, $10::boolean), "
      "wishcast.recording_kept ($1)",
      G_N_ELEMENTS (values), values, error);
  if (rows == NULL)
    return FALSE;
  row->answer = parse_answer (pg_rows_get (rows, 0, 0));
  kept = pg_rows_get (rows, 0, 1);
  if (kept != NULL)
    row->kept = g_ascii_strtoull (kept, NULL, 10);
  return TRUE;
}

static gboolean
call_done (gpointer data)
{
  Row *row = data;

  row->done (row->answer, row->kept, row->error, row->data);
  return G_SOURCE_REMOVE;
}

static void
on_written (const GError *error, gpointer data)
{
  Row *row = data;

  if (error != NULL) {
    row->answer = ARCHIVE_ANSWER_NONE;
    row->error = g_error_copy (error);
  }
  archiver_call (
      row->shared, call_done, g_atomic_rc_box_acquire (row), row_unref);
}

void
archive_tell (ArchiverShared *shared, const char *link, guint number,
    const ArchivePart *part, guint64 size, ArchiveTellDone done, gpointer data)
{
  Row *row = g_atomic_rc_box_new0 (Row);

  row->shared = shared;
  row->done = done;
  row->data = data;
  row->link = g_strdup (link);
  row->object = g_strdup (part->object);
  snprintf (row->number, sizeof row->number, "%u", number);
  snprintf (row->size, sizeof row->size, "%" G_GUINT64_FORMAT, size);
  row->is_incomplete = part->is_incomplete;
  if (part->stage == ARCHIVE_STAGE_READY) {
    row->state = "ready";
    row->is_summed = TRUE;
    crc32c_to_base64 (
        crc32c_combine (part->head_crc, part->body_crc, part->body_size),
        row->crc32c);
    g_ascii_dtostr (
        row->duration, sizeof row->duration, (double)part->duration / NS_PER_S);
  } else if (part->stage < ARCHIVE_STAGE_READY) {
    row->state = "uploading";
  }
  pg_worker_run (shared->worker, write_row, on_written, row, row_unref);
}
