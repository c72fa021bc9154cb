/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pgconnection.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "pgconnection-private.h"

/* Of several hosts each is tried in this time. Host names are resolved by
 * libpq, which waits as long as the resolver does. */
#define CONNECT_TIMEOUT (15 * G_USEC_PER_SEC)
/* The server gives a statement up before we do, so ours is for a server that
 * hangs. A script may be a migration and take its time. */
#define STATEMENT_TIMEOUTS                                                     \
  "SET statement_timeout = '15s'; SET lock_timeout = '10s';"                   \
  "SET idle_in_transaction_session_timeout = '30s'"
#define QUERY_TIMEOUT (20 * G_USEC_PER_SEC)
#define SCRIPT_TIMEOUT (600 * G_USEC_PER_SEC)

G_DEFINE_QUARK (wishcast - pg - error - quark, pg_error)

struct _PgConnection {
  PGconn *pg;
  GCancellable *cancellable; /* or NULL */
  gboolean is_given_up;      /* whatever libpq thinks of it */
};

/* A PgRows is a PGresult by another name. */
#define ROWS(result) ((PgRows *)(result))
#define RESULT(rows) ((const PGresult *)(rows))

/* --- errors ----------------------------------------------------------------- */

static PgError
code_of_state (const char *state)
{
  static const struct {
    const char *prefix;
    PgError code;
  } codes[] = {
      {"08", PG_ERROR_AWAY},        /* connection exception */
      {"25006", PG_ERROR_AWAY},     /* read only: it is a standby by now */
      {"28", PG_ERROR_REFUSED},     /* log-in */
      {"3D", PG_ERROR_REFUSED},     /* no such database */
      {"3F", PG_ERROR_SCHEMA},      /* no such schema */
      {"40", PG_ERROR_CONFLICT},    /* serialization, deadlock */
      {"42501", PG_ERROR_REFUSED},  /* privilege */
      {"42703", PG_ERROR_SCHEMA},   /* no such column */
      {"42883", PG_ERROR_SCHEMA},   /* no such function */
      {"42P01", PG_ERROR_SCHEMA},   /* no such table */
      {"53", PG_ERROR_AWAY},        /* out of memory, disk, connections */
      {"55P03", PG_ERROR_CONFLICT}, /* lock_timeout */
      {"57014", PG_ERROR_CONFLICT}, /* statement_timeout */
      {"57P", PG_ERROR_AWAY},       /* shuts down, crashed, starts up */
      {"58", PG_ERROR_AWAY},        /* input or output */
  };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_str_has_prefix (state, codes[i].prefix))
      return codes[i].code;
  return PG_ERROR_QUERY;
}

gboolean
pg_error_is_transient (const GError *error)
{
  return g_error_matches (error, PG_ERROR, PG_ERROR_AWAY) ||
         g_error_matches (error, PG_ERROR, PG_ERROR_CONFLICT);
}

/* The first line says it all, the others guess. libpq does not put passwords
 * into its messages; should a server or a proxy do, they go no further. */
static void
set_error (
    GError **error, PgConnection *connection, PgError code, const char *text)
{
  const char *password = connection->pg ? PQpass (connection->pg) : NULL;
  g_autoptr (GString) message =
      g_string_new_len (text, (gssize)strcspn (text, "\n"));

  if (password != NULL && password[0] != '\0')
    g_string_replace (message, password, "***", 0);
  g_set_error_literal (error, PG_ERROR, code,
      message->len > 0 ? message->str : "The database does not answer");
}

/* Gives the connection up. */
static void
set_lost (GError **error, PgConnection *connection, const char *text)
{
  set_error (error, connection, PG_ERROR_AWAY, text);
  connection->is_given_up = TRUE;
}

static void
set_result_error (
    GError **error, PgConnection *connection, const PGresult *result)
{
  const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const char *text = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);

  if (state != NULL && text != NULL)
    set_error (error, connection, code_of_state (state), text);
  else
    set_lost (error, connection, PQerrorMessage (connection->pg));
}

/* libpq keeps no SQLSTATE of a failed log-in, but verbose messages have it in
 * them, in whichever language the server speaks:
 *   connection to server ... failed: FATAL:  28P01: password ... failed */
static void
set_connect_error (GError **error, PgConnection *connection)
{
  const char *text = PQerrorMessage (connection->pg);
  g_autoptr (GRegex) regex =
      g_regex_new (":  ([0-9A-Z]{5}): ([^\n]*)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  PgError code = PQconnectionNeedsPassword (connection->pg) ? PG_ERROR_REFUSED
                                                            : PG_ERROR_AWAY;

  if (g_regex_match (regex, text, 0, &match)) {
    g_autofree char *state = g_match_info_fetch (match, 1);
    g_autofree char *reason = g_match_info_fetch (match, 2);

    set_error (error, connection, code_of_state (state), reason);
  } else {
    set_error (error, connection, code, text);
  }
}

/* --- waiting ---------------------------------------------------------------- */

/* For the socket, until the deadline, or until cancelled. */
static gboolean
wait_for_socket (
    PgConnection *connection, short events, gint64 deadline, GError **error)
{
  struct pollfd fds[2] = {
      {PQsocket (connection->pg), events, 0},
      {-1, POLLIN, 0},
  };
  int n;

  if (connection->cancellable != NULL)
    fds[1].fd = g_cancellable_get_fd (connection->cancellable);
  do {
    gint64 left = deadline - g_get_monotonic_time ();

    n = poll (fds, 2, (int)(MAX (left, 0) / 1000));
  } while (n < 0 && errno == EINTR);
  if (fds[1].fd >= 0)
    g_cancellable_release_fd (connection->cancellable);

  if (g_cancellable_is_cancelled (connection->cancellable))
    set_lost (error, connection, "The connection is closed on request");
  else if (n == 0)
    set_lost (error, connection, "The database did not answer in time");
  else if (n < 0)
    set_lost (error, connection, g_strerror (errno));
  else
    return TRUE;
  return FALSE;
}

/* --- connection ------------------------------------------------------------- */

static void
forward_notice (void *data, const char *message)
{
  g_debug ("PostgreSQL: %s", message);
}

gboolean
pg_conninfo_check (const char *conninfo, GError **error)
{
  char *message = NULL;
  PQconninfoOption *options = PQconninfoParse (conninfo, &message);

  /* The message quotes what was not understood, be it half a password. */
  PQfreemem (message);
  if (options == NULL) {
    g_set_error (error, PG_ERROR, PG_ERROR_REFUSED,
        "The address of the database is not understood; expected "
        "postgresql://USER@HOST/DATABASE or words like host=HOST "
        "dbname=DATABASE");
    return FALSE;
  }
  PQconninfoFree (options);
  return TRUE;
}

static PGconn *
start_connecting (const char *conninfo)
{
  /* What comes before conninfo it may override, what comes after not. */
  static const char *const keywords[] = {"fallback_application_name",
      "keepalives_idle", "keepalives_interval", "keepalives_count",
      "tcp_user_timeout", "dbname", "client_encoding", NULL};
  const char *const values[] = {
      "wishcast", "10", "5", "3", "10000", conninfo, "UTF8", NULL};

  return PQconnectStartParams (keywords, values, TRUE);
}

static gboolean
finish_connecting (PgConnection *connection, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + CONNECT_TIMEOUT;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;

  if (PQstatus (connection->pg) == CONNECTION_BAD)
    status = PGRES_POLLING_FAILED;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) {
      set_connect_error (error, connection);
      return FALSE;
    }
    if (!wait_for_socket (connection,
            status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline,
            error))
      return FALSE;
    status = PQconnectPoll (connection->pg);
  }
  return TRUE;
}

PgConnection *
pg_connection_open_cancellable (
    const char *conninfo, GCancellable *cancellable, GError **error)
{
  g_autoptr (PgConnection) connection = NULL;

  if (!pg_conninfo_check (conninfo, error))
    return NULL;
  connection = g_new0 (PgConnection, 1);
  g_set_object (&connection->cancellable, cancellable);
  connection->pg = start_connecting (conninfo);
  if (connection->pg == NULL)
    g_error ("Out of memory");
  PQsetErrorVerbosity (connection->pg, PQERRORS_VERBOSE);
  PQsetNoticeProcessor (connection->pg, forward_notice, NULL);
  if (!finish_connecting (connection, error))
    return NULL;
  PQsetErrorVerbosity (connection->pg, PQERRORS_DEFAULT);
  PQsetnonblocking (connection->pg, TRUE);
  if (!pg_connection_run_script (connection, STATEMENT_TIMEOUTS, error))
    return NULL;
  return g_steal_pointer (&connection);
}

PgConnection *
pg_connection_open (const char *conninfo, GError **error)
{
  return pg_connection_open_cancellable (conninfo, NULL, error);
}

void
pg_connection_free (PgConnection *connection)
{
  if (connection == NULL)
    return;
  PQfinish (connection->pg);
  g_clear_object (&connection->cancellable);
  g_free (connection);
}

gboolean
pg_connection_is_lost (PgConnection *connection)
{
  return connection->is_given_up || PQstatus (connection->pg) == CONNECTION_BAD;
}

/* --- queries ---------------------------------------------------------------- */

static gboolean
flush (PgConnection *connection, gint64 deadline, GError **error)
{
  int left;

  while ((left = PQflush (connection->pg)) == 1) {
    /* The server may wait for us to read before it reads on. */
    if (!wait_for_socket (connection, POLLIN | POLLOUT, deadline, error))
      return FALSE;
    if (PQconsumeInput (connection->pg) == 0)
      break;
  }
  if (left == 0)
    return TRUE;
  set_lost (error, connection, PQerrorMessage (connection->pg));
  return FALSE;
}

/* FALSE if it was lost. Else the next result of the statement under way, or
 * NULL after the last one. */
static gboolean
next_result (PgConnection *connection, gint64 deadline, PGresult **result,
    GError **error)
{
  while (PQisBusy (connection->pg)) {
    if (!wait_for_socket (connection, POLLIN, deadline, error))
      return FALSE;
    if (PQconsumeInput (connection->pg) == 0) {
      set_lost (error, connection, PQerrorMessage (connection->pg));
      return FALSE;
    }
  }
  *result = PQgetResult (connection->pg);
  return TRUE;
}

static gboolean
is_copy (const PGresult *result)
{
  ExecStatusType status = PQresultStatus (result);

  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
         status == PGRES_COPY_BOTH;
}

static gboolean
is_success (const PGresult *result)
{
  ExecStatusType status = PQresultStatus (result);

  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
         status == PGRES_EMPTY_QUERY;
}

/* Of several results the last; an error is always the last. */
static PGresult *
collect (PgConnection *connection, gint64 deadline, GError **error)
{
  PGresult *last = NULL, *result = NULL;

  if (!flush (connection, deadline, error))
    return NULL;
  while (next_result (connection, deadline, &result, error)) {
    if (result == NULL && last != NULL && is_success (last))
      return last;
    if (result == NULL) {
      set_result_error (error, connection, last);
      break;
    }
    PQclear (last);
    last = result;
    if (is_copy (last)) {
      set_lost (error, connection, "COPY is not for here");
      break;
    }
  }
  PQclear (last);
  return NULL;
}

PgRows *
pg_connection_query (PgConnection *connection, const char *sql, guint n_values,
    const char *const *values, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + QUERY_TIMEOUT;

  if (pg_connection_is_lost (connection) ||
      !PQsendQueryParams (
          connection->pg, sql, (int)n_values, NULL, values, NULL, NULL, 0)) {
    set_lost (error, connection, PQerrorMessage (connection->pg));
    return NULL;
  }
  return ROWS (collect (connection, deadline, error));
}

gboolean
pg_connection_run_script (
    PgConnection *connection, const char *script, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + SCRIPT_TIMEOUT;
  PGresult *result;

  if (pg_connection_is_lost (connection) ||
      !PQsendQuery (connection->pg, script)) {
    set_lost (error, connection, PQerrorMessage (connection->pg));
    return FALSE;
  }
  result = collect (connection, deadline, error);
  PQclear (result);
  return result != NULL;
}

void
pg_rows_free (PgRows *rows)
{
  PQclear ((PGresult *)rows);
}

guint
pg_rows_count (const PgRows *rows)
{
  return (guint)PQntuples (RESULT (rows));
}

guint
pg_rows_width (const PgRows *rows)
{
  return (guint)PQnfields (RESULT (rows));
}

const char *
pg_rows_get (const PgRows *rows, guint row, guint column)
{
  if (PQgetisnull (RESULT (rows), (int)row, (int)column))
    return NULL;
  return PQgetvalue (RESULT (rows), (int)row, (int)column);
}

/* --- notifications ---------------------------------------------------------- */

int
pg_connection_get_fd (PgConnection *connection)
{
  return PQsocket (connection->pg);
}

gboolean
pg_connection_listen (
    PgConnection *connection, const char *channel, GError **error)
{
  char *quoted = PQescapeIdentifier (connection->pg, channel, strlen (channel));
  g_autofree char *sql = g_strdup_printf ("LISTEN %s", quoted);

  PQfreemem (quoted);
  return pg_connection_run_script (connection, sql, error);
}

gboolean
pg_connection_receive (PgConnection *connection, GError **error)
{
  if (PQconsumeInput (connection->pg) == 1)
    return TRUE;
  set_lost (error, connection, PQerrorMessage (connection->pg));
  return FALSE;
}

gboolean
pg_connection_take_notification (
    PgConnection *connection, char **channel, char **payload)
{
  PGnotify *notify = PQnotifies (connection->pg);

  if (notify == NULL)
    return FALSE;
  *channel = g_strdup (notify->relname);
  *payload = g_strdup (notify->extra);
  PQfreemem (notify);
  return TRUE;
}
