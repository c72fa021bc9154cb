/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A connection to PostgreSQL that blocks, for threads that may: commands,
 * PgWorker. Belongs to one thread. The only files that know libpq are
 * pgconnection.c and pgworker.c.
 *
 * Errors are of the domain PG_ERROR. Their text never has the password of the
 * conninfo in it. */
typedef struct _PgConnection PgConnection;
typedef struct _PgRows PgRows;

typedef enum {
  PG_ERROR_AWAY,     /* no server, or it went: worth trying again later */
  PG_ERROR_REFUSED,  /* the server answers and says no: log-in, database */
  PG_ERROR_CONFLICT, /* serialization or deadlock: worth trying again now */
  PG_ERROR_QUERY,    /* the statement or a value in it is wrong */
  PG_ERROR_SCHEMA,   /* a table or function is missing: `wishcast db migrate` */
} PgError;

#define PG_ERROR (pg_error_quark ())
GQuark pg_error_quark (void);
/* Whether the same may succeed later, without anybody changing anything. */
gboolean pg_error_is_transient (const GError *error);
/* Whether the connection is of no use any more. */
gboolean pg_connection_is_lost (PgConnection *connection);

/* Whether @conninfo can be understood; not whether anybody answers there. */
gboolean pg_conninfo_check (const char *conninfo, GError **error);

/* @conninfo as libpq has it: key=value words or a postgresql:// address. Adds
 * time-outs, so that neither this nor a query hangs for good. */
PgConnection *pg_connection_open (const char *conninfo, GError **error);
void pg_connection_free (PgConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgConnection, pg_connection_free)

/* Runs one statement with @n_values text parameters (NULL is SQL NULL). NULL
 * and @error, or the rows (transfer full; none for a statement without). */
PgRows *pg_connection_query (PgConnection *connection, const char *sql,
    guint n_values, const char *const *values, GError **error);
/* Runs a script of several statements without parameters, in one implicit
 * transaction. */
gboolean pg_connection_run_script (
    PgConnection *connection, const char *script, GError **error);

void pg_rows_free (PgRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgRows, pg_rows_free)
guint pg_rows_count (const PgRows *rows);
guint pg_rows_width (const PgRows *rows);
/* Text, or NULL for SQL NULL. (transfer none) */
const char *pg_rows_get (const PgRows *rows, guint row, guint column);

G_END_DECLS
