/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apirecording.h"

#include <string.h>

#include "apianswer.h"
#include "filename.h"
#include "filestream.h"
#include "gcserror.h"
#include "httpheaders.h"
#include "httprange.h"

/* An address may be given on, and ends with the recording in any case; a player
 * that it leaves half-way asks for another one. */
#define LONGEST_ADDRESS (6 * 60 * 60) /* s */
/* Requests that wait for the database, the cloud or the disk. */
#define MAX_OPEN 64
/* Who waits for the cloud does so on a thread. */
#define N_THREADS 4
#define TYPE "video/mp4"

struct _ApiRecordings {
  ArchiveStore *store; /* or NULL */
  char *node;
  ApiQueries *queries; /* NULL while it is freed */
  GMainContext *context;
  FileStreams *streams;
  GPtrArray *open; /* of Request, owned */
  GThreadPool *pool;
  GCancellable *cancellable;
};

/* One that is not answered. Belongs to the pool while that works on it. */
typedef struct {
  ApiRecordings *recordings;
  SoupServerMessage *message; /* held */
  ApiRoute route;
  gint64 asked_at; /* monotonic us, before the database was asked */
  gint64 now;      /* us since 1970, of the database */
  gint64 left;     /* us until it expires */
  char *object;
  char *disposition;
  char *etag;
  guint64 size;

  /* the answer of the pool: an address, a file, or an error */
  char *address;
  GInputStream *file;
  GError *error;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->message != NULL)
    api_release (request->message);
  g_free (request->object);
  g_free (request->disposition);
  g_free (request->etag);
  g_free (request->address);
  g_clear_object (&request->file);
  g_clear_error (&request->error);
  g_free (request);
}

/* Sends the answer that was set, and is done with it. */
static void
finish (Request *request)
{
  g_ptr_array_remove_fast (request->recordings->open, request);
}

static void
finish_later (Request *request, guint seconds, const char *detail)
{
  api_answer_later (request->message, seconds, detail);
  finish (request);
}

static void
finish_none (Request *request, const char *reason, const char *detail)
{
  api_answer_problem_because (
      request->message, SOUP_STATUS_NOT_FOUND, reason, detail);
  finish (request);
}

static void
finish_expired (Request *request)
{
  api_answer_problem_because (request->message, SOUP_STATUS_GONE, "expired",
      "The time of this recording is over.");
  finish (request);
}

/* --- A file ----------------------------------------------------------------*/

/* Status and headers. FALSE: that is all of the answer. */
static gboolean
answer_range (Request *request, HttpRange *range)
{
  SoupMessageHeaders *asked =
      soup_server_message_get_request_headers (request->message);
  const char *wanted = soup_message_headers_get_one (asked, "Range");
  const char *if_range = soup_message_headers_get_one (asked, "If-Range");
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (request->message);
  HttpRangeResult result = HTTP_RANGE_WHOLE;

  *range = (HttpRange){.length = request->size};
  if (if_range == NULL || http_if_range_holds (if_range, request->etag))
    result = http_range_parse (wanted, request->size, range);
  if (result == HTTP_RANGE_UNSATISFIABLE) {
    g_autofree char *size =
        g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, request->size);

    api_answer_problem (request->message,
        SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE,
        "The recording does not reach so far.");
    soup_message_headers_replace (headers, "Content-Range", size);
    return FALSE;
  }
  api_answer (request->message,
      result == HTTP_RANGE_PARTIAL ? SOUP_STATUS_PARTIAL_CONTENT
                                   : SOUP_STATUS_OK,
      NULL, "private, no-store", NULL);
  if (result == HTTP_RANGE_PARTIAL)
    soup_message_headers_set_content_range (headers, (goffset)range->offset,
        (goffset)(range->offset + range->length - 1), (goffset)request->size);
  return TRUE;
}

static void
set_file_headers (Request *request, const HttpRange *range)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (request->message);

  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  soup_message_headers_replace (headers, "Access-Control-Expose-Headers",
      "Accept-Ranges, Content-Disposition, Content-Range, ETag");
  soup_message_headers_replace (
      headers, "Content-Disposition", request->disposition);
  soup_message_headers_replace (headers, "ETag", request->etag);
  soup_message_headers_set_content_type (headers, TYPE, NULL);
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CONTENT_LENGTH);
  soup_message_headers_set_content_length (headers, (goffset)range->length);
}

static void
send_file (Request *request)
{
  FileStreams *streams = request->recordings->streams;
  gboolean is_head =
      strcmp (soup_server_message_get_method (request->message), "HEAD") == 0;
  const char *known = soup_message_headers_get_list (
      soup_server_message_get_request_headers (request->message),
      "If-None-Match");
  gint64 deadline = request->asked_at + request->left;
  HttpRange range;

  if (http_etag_matches (known, request->etag)) {
    api_answer (request->message, SOUP_STATUS_NOT_MODIFIED, NULL,
        "private, no-store", NULL);
    soup_message_headers_replace (
        soup_server_message_get_response_headers (request->message), "ETag",
        request->etag);
  } else if (file_streams_is_full (streams)) {
    api_answer_later (
        request->message, 10, "There are too many downloads at a time.");
  } else if (answer_range (request, &range)) {
    set_file_headers (request, &range);
    if (!is_head) {
      g_seekable_seek (G_SEEKABLE (request->file), (goffset)range.offset,
          G_SEEK_SET, NULL, NULL);
      file_streams_add (streams, g_steal_pointer (&request->message),
          g_steal_pointer (&request->file), range.length, deadline);
    }
  }
  finish (request);
}

/* --- An address ------------------------------------------------------------*/

static void
send_address (Request *request)
{
  api_answer (request->message, SOUP_STATUS_FOUND, NULL, API_NO_STORE, NULL);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (request->message), "Location",
      request->address);
  finish (request);
}

static void
send_failure (Request *request)
{
  const GError *error = request->error;

  if (g_error_matches (error, GCS_ERROR, GCS_ERROR_NOT_FOUND)) {
    g_warning ("The recording of %s, part %u, is not where the database says: "
               "%s",
        request->route.link, request->route.part, error->message);
    finish_none (request, "none", "This recording is lost.");
    return;
  }
  if (!gcs_error_is_transient (error))
    g_warning ("The recording of %s cannot be handed out: %s",
        request->route.link, error->message);
  finish_later (
      request, 5, "What keeps the recordings cannot be asked at present.");
}

/* --- On a thread of the pool -----------------------------------------------*/

/* As it was archived, or as good as lost. */
static void
open_file (Request *request, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &error);
  g_autoptr (GFileInfo) info = NULL;

  if (stream != NULL)
    info = g_file_input_stream_query_info (
        stream, G_FILE_ATTRIBUTE_STANDARD_SIZE, NULL, &error);
  if (info == NULL) {
    g_set_error_literal (&request->error, GCS_ERROR,
        g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
            ? GCS_ERROR_NOT_FOUND
            : GCS_ERROR_REFUSED,
        error->message);
  } else if ((guint64)g_file_info_get_size (info) != request->size) {
    g_set_error (&request->error, GCS_ERROR, GCS_ERROR_NOT_FOUND,
        "it has %" G_GOFFSET_FORMAT " bytes instead of %" G_GUINT64_FORMAT,
        g_file_info_get_size (info), request->size);
  } else {
    request->file = G_INPUT_STREAM (g_steal_pointer (&stream));
  }
}

static gboolean
on_opened (gpointer data)
{
  Request *request = data;
  gint64 elapsed = g_get_monotonic_time () - request->asked_at;

  if (request->recordings->queries == NULL)
    finish_later (request, 2, "This node is shutting down.");
  else if (elapsed >= request->left)
    finish_expired (request);
  else if (request->address != NULL)
    send_address (request);
  else if (request->file != NULL)
    send_file (request);
  else
    send_failure (request);
  return G_SOURCE_REMOVE;
}

/* Until a whole second before the end at most: addresses know no others, and
 * they count from the begin of the one in which they are signed. */
static guint
get_seconds (const Request *request)
{
  return (guint)MIN (request->left / G_USEC_PER_SEC, LONGEST_ADDRESS);
}

static void
open_object (gpointer data, gpointer user_data)
{
  Request *request = data;
  ApiRecordings *recordings = user_data;
  g_autofree char *path = NULL;

  if (archive_store_open (recordings->store, request->object, request->now,
          get_seconds (request), request->disposition, &request->address, &path,
          recordings->cancellable, &request->error) &&
      path != NULL)
    open_file (request, path);
  g_main_context_invoke (recordings->context, on_opened, request);
}

/* --- What the database says ------------------------------------------------*/

enum {
  COLUMN_STATE,
  COLUMN_NOW,
  COLUMN_LEFT,
  COLUMN_NODE,
  COLUMN_BUCKET,
  COLUMN_OBJECT,
  COLUMN_SIZE,
  COLUMN_CRC32C,
  COLUMN_N_PARTS,
  COLUMN_GAME,
  COLUMN_TITLE,
  COLUMN_DATE,
};

/* Of a broadcast that has no such part, all but the first and the last are
 * NULL. */
#define SQL                                                                    \
  "SELECT CASE WHEN b.recording_expires < now () + interval '1 second' "       \
  "OR r.state = 'deleted' THEN 'expired' "                                     \
  "WHEN b.state <> 'ended' THEN 'live' "                                       \
  "WHEN r.state IS NULL THEN 'none' ELSE r.state END, "                        \
  "(extract (epoch FROM now ()) * 1000000)::bigint, "                          \
  "(extract (epoch FROM b.recording_expires - now ()) * 1000000)::bigint, "    \
  "r.node, r.bucket, r.object, r.size, r.crc32c, "                             \
  "(SELECT count(*) FROM wishcast.recording o WHERE o.link = b.link), "        \
  "g.title, b.title, "                                                         \
  "to_char (coalesce (b.started_at, b.created_at) AT TIME ZONE 'UTC', "        \
  "'YYYY-MM-DD') "                                                             \
  "FROM wishcast.broadcast b JOIN wishcast.game g ON g.id = b.game "           \
  "LEFT JOIN wishcast.recording r ON r.link = b.link "                         \
  "AND r.part = $2::integer WHERE b.link = $1"

static gint64
get_number (const PgRows *rows, guint column)
{
  const char *text = pg_rows_get (rows, 0, column);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : 0;
}

/* Whether this node can hand it out; else it is answered. */
static gboolean
is_here (Request *request, const PgRows *rows)
{
  ApiRecordings *recordings = request->recordings;
  const char *node = pg_rows_get (rows, 0, COLUMN_NODE);
  const char *bucket = pg_rows_get (rows, 0, COLUMN_BUCKET);
  g_autofree char *detail = NULL;

  if (recordings->store != NULL &&
      g_strcmp0 (bucket, archive_store_get_bucket (recordings->store)) == 0 &&
      (bucket != NULL || strcmp (node, recordings->node) == 0))
    return TRUE;
  detail = bucket != NULL
               ? g_strdup_printf ("This recording is in the bucket \"%s\", "
                                  "which this node does not use.",
                     bucket)
               : g_strdup_printf ("This recording is in a folder of the node "
                                  "\"%s\", which alone can hand it out.",
                     node);
  finish_none (request, "elsewhere", detail);
  return FALSE;
}

static void
open_recording (Request *request, const PgRows *rows)
{
  guint part =
      get_number (rows, COLUMN_N_PARTS) > 1 ? request->route.part + 1 : 0;
  g_autofree char *filename = recording_filename_new (
      pg_rows_get (rows, 0, COLUMN_GAME), pg_rows_get (rows, 0, COLUMN_TITLE),
      pg_rows_get (rows, 0, COLUMN_DATE), part);
  const char *crc32c = pg_rows_get (rows, 0, COLUMN_CRC32C);

  if (!is_here (request, rows))
    return;
  request->now = get_number (rows, COLUMN_NOW);
  request->left = get_number (rows, COLUMN_LEFT);
  request->size = (guint64)get_number (rows, COLUMN_SIZE);
  request->object = g_strdup (pg_rows_get (rows, 0, COLUMN_OBJECT));
  request->disposition =
      recording_disposition_new (filename, request->route.is_inline);
  request->etag = g_strdup_printf ("\"%" G_GUINT64_FORMAT "-%s\"",
      request->size, crc32c != NULL ? crc32c : "");
  g_thread_pool_push (request->recordings->pool, request, NULL);
}

static void
on_row (const PgRows *rows, const GError *error, gpointer data)
{
  Request *request = data;
  const char *state;

  if (rows == NULL) {
    if (error->domain == PG_ERROR && !pg_error_is_transient (error))
      g_warning ("The API cannot read of recordings: %s", error->message);
    finish_later (request, 2, "The database does not answer now.");
    return;
  }
  if (pg_rows_count (rows) == 0) {
    api_answer_problem (request->message, SOUP_STATUS_NOT_FOUND,
        "There is no broadcast with this link.");
    finish (request);
    return;
  }
  state = pg_rows_get (rows, 0, COLUMN_STATE);
  if (strcmp (state, "expired") == 0)
    finish_expired (request);
  else if (strcmp (state, "live") == 0)
    finish_none (request, state, "This broadcast is not over yet.");
  else if (strcmp (state, "uploading") == 0)
    finish_none (request, state, "This recording is not complete yet.");
  else if (strcmp (state, "none") == 0)
    finish_none (request, state,
        request->route.part == 0 ? "There is no recording of this broadcast."
                                 : "The recording has no such part.");
  else
    open_recording (request, rows);
}

/* --- Public ----------------------------------------------------------------*/

ApiRecordings *
api_recordings_new (ArchiveStore *store, const char *node, ApiQueries *queries,
    GMainContext *context, guint most)
{
  ApiRecordings *recordings = g_new0 (ApiRecordings, 1);

  recordings->store = store;
  recordings->node = g_strdup (node);
  recordings->queries = queries;
  recordings->context = context;
  recordings->streams = file_streams_new (context, most);
  recordings->open = g_ptr_array_new_with_free_func (request_free);
  recordings->cancellable = g_cancellable_new ();
  recordings->pool =
      g_thread_pool_new (open_object, recordings, N_THREADS, FALSE, NULL);
  return recordings;
}

void
api_recordings_free (ApiRecordings *recordings)
{
  if (recordings == NULL)
    return;
  recordings->queries = NULL;
  g_cancellable_cancel (recordings->cancellable);
  g_thread_pool_free (recordings->pool, FALSE, TRUE);
  /* What the pool has sent to this thread. */
  while (g_main_context_iteration (recordings->context, FALSE))
    ;
  g_ptr_array_unref (recordings->open);
  file_streams_free (recordings->streams);
  g_object_unref (recordings->cancellable);
  g_free (recordings->node);
  g_free (recordings);
}

void
api_recordings_request (ApiRecordings *recordings, SoupServerMessage *message,
    const ApiRoute *route)
{
  g_autofree char *part = g_strdup_printf ("%u", route->part);
  const char *values[] = {route->link, part};
  Request *request;

  if (recordings->open->len >= MAX_OPEN ||
      file_streams_is_full (recordings->streams)) {
    api_answer_later (message, 10, "There are too many downloads at a time.");
    return;
  }
  request = g_new0 (Request, 1);
  request->recordings = recordings;
  request->message = api_hold (message);
  request->route = *route;
  request->asked_at = g_get_monotonic_time ();
  g_ptr_array_add (recordings->open, request);
  api_queries_run (
      recordings->queries, SQL, G_N_ELEMENTS (values), values, on_row, request);
}
