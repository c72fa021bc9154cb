/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "migrations.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  guint version;
  char *name; /* 001-broadcasts.sql */
  char *sql;
  char *checksum;
} Migration;

static void
migration_free (gpointer data)
{
  Migration *migration = data;

  g_free (migration->name);
  g_free (migration->sql);
  g_free (migration->checksum);
  g_free (migration);
}

/* --- files ------------------------------------------------------------------ */

static gboolean
is_migration_name (const char *name)
{
  return g_regex_match_simple ("^[0-9]{3}-[a-z0-9-]+\\.sql$", name, 0, 0);
}

static Migration *
read_migration (const char *dir, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  Migration *migration;
  char *sql;
  gsize length;

  if (!is_migration_name (name)) {
    g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
        "%s: expected a name like 001-what.sql", path);
    return NULL;
  }
  if (!g_file_get_contents (path, &sql, &length, error))
    return NULL;
  migration = g_new0 (Migration, 1);
  migration->version = (guint)atoi (name);
  migration->name = g_strdup (name);
  migration->sql = sql;
  migration->checksum =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)sql, length);
  return migration;
}

static int
compare_versions (gconstpointer a, gconstpointer b)
{
  const Migration *const *x = a, *const *y = b;

  return (*x)->version < (*y)->version ? -1 : (*x)->version > (*y)->version;
}

/* 1, 2, 3, ...: so a migration is found in the array by its version. */
static gboolean
check_versions (GPtrArray *migrations, const char *dir, GError **error)
{
  for (guint i = 0; i < migrations->len; i++) {
    const Migration *migration = g_ptr_array_index (migrations, i);

    if (migration->version != i + 1) {
      g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
          "%s/%s: expected number %03u here; none may be missing or there "
          "twice",
          dir, migration->name, i + 1);
      return FALSE;
    }
  }
  if (migrations->len == 0)
    g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
        "%s: there are no files like 001-what.sql", dir);
  return migrations->len > 0;
}

static GPtrArray *
read_migrations (const char *dir, GError **error)
{
  g_autoptr (GPtrArray) migrations =
      g_ptr_array_new_with_free_func (migration_free);
  g_autoptr (GDir) files = g_dir_open (dir, 0, error);
  const char *name;

  if (files == NULL)
    return NULL;
  while ((name = g_dir_read_name (files)) != NULL) {
    Migration *migration;

    if (!g_str_has_suffix (name, ".sql"))
      continue;
    migration = read_migration (dir, name, error);
    if (migration == NULL)
      return NULL;
    g_ptr_array_add (migrations, migration);
  }
  g_ptr_array_sort (migrations, compare_versions);
  if (!check_versions (migrations, dir, error))
    return NULL;
  return g_steal_pointer (&migrations);
}

/* --- database --------------------------------------------------------------- */

/* Holds what the database has against the files. @n_applied is G_MAXUINT if
 * there is more in it than in the files. */
static gboolean
compare (PgConnection *connection, GPtrArray *migrations, guint *n_applied,
    GError **error)
{
  g_autoptr (PgRows) rows = pg_connection_query (connection,
      "SELECT version, name, checksum FROM wishcast.schema_migrations "
      "ORDER BY version",
      0, NULL, error);

  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < pg_rows_count (rows) && i < migrations->len; i++) {
    const Migration *migration = g_ptr_array_index (migrations, i);

    if (strcmp (pg_rows_get (rows, i, 2), migration->checksum) == 0)
      continue;
    g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
        "%s: is not what was applied to this database as %s; a migration is "
        "never edited, the next change is the next file",
        migration->name, pg_rows_get (rows, i, 1));
    return FALSE;
  }
  *n_applied =
      pg_rows_count (rows) > migrations->len ? G_MAXUINT : pg_rows_count (rows);
  return TRUE;
}

static gboolean
apply_one (PgConnection *connection, const Migration *migration, GError **error)
{
  g_autofree char *version = g_strdup_printf ("%u", migration->version);
  const char *values[] = {version, migration->name, migration->checksum};
  g_autoptr (PgRows) rows = NULL;

  if (!pg_connection_run_script (connection, migration->sql, error)) {
    g_prefix_error (error, "%s: ", migration->name);
    return FALSE;
  }
  rows = pg_connection_query (connection,
      "INSERT INTO wishcast.schema_migrations (version, name, checksum) "
      "VALUES ($1, $2, $3)",
      3, values, error);
  return rows != NULL;
}

/* Inside a transaction. The lock makes other nodes wait until its end, however
 * long that takes, and then they find all done. */
static gboolean
apply_missing (PgConnection *connection, GPtrArray *migrations,
    guint *n_applied, GError **error)
{
  guint n_before;

  if (!pg_connection_run_script (connection,
          "SET LOCAL statement_timeout = 0;"
          "SET LOCAL lock_timeout = 0;"
          "SELECT pg_advisory_xact_lock (hashtext ('wishcast.migrations'));"
          "CREATE SCHEMA IF NOT EXISTS wishcast;"
          "CREATE TABLE IF NOT EXISTS wishcast.schema_migrations ("
          "  version integer PRIMARY KEY,"
          "  name text NOT NULL,"
          "  checksum text NOT NULL,"
          "  applied_at timestamptz NOT NULL DEFAULT now ())",
          error) ||
      !compare (connection, migrations, &n_before, error))
    return FALSE;
  if (n_before == G_MAXUINT) {
    g_set_error (error, PG_ERROR, PG_ERROR_SCHEMA,
        "The database was made by a newer version of this program: it has "
        "more than the %u migrations known here",
        migrations->len);
    return FALSE;
  }
  for (guint i = n_before; i < migrations->len; i++)
    if (!apply_one (connection, g_ptr_array_index (migrations, i), error))
      return FALSE;
  *n_applied = migrations->len - n_before;
  return TRUE;
}

gboolean
migrations_apply (
    PgConnection *connection, const char *dir, guint *n_applied, GError **error)
{
  g_autoptr (GPtrArray) migrations = read_migrations (dir, error);
  guint n;

  if (migrations == NULL ||
      !pg_connection_run_script (connection, "BEGIN", error))
    return FALSE;
  if (!apply_missing (connection, migrations, &n, error)) {
    pg_connection_run_script (connection, "ROLLBACK", NULL);
    return FALSE;
  }
  if (!pg_connection_run_script (connection, "COMMIT", error))
    return FALSE;
  if (n_applied != NULL)
    *n_applied = n;
  return TRUE;
}

gboolean
migrations_count_missing (
    PgConnection *connection, const char *dir, guint *n_missing, GError **error)
{
  g_autoptr (GPtrArray) migrations = read_migrations (dir, error);
  g_autoptr (PgRows) rows = NULL;
  guint n = 0;

  if (migrations == NULL)
    return FALSE;
  rows = pg_connection_query (connection,
      "SELECT to_regclass ('wishcast.schema_migrations')", 0, NULL, error);
  if (rows == NULL)
    return FALSE;
  if (pg_rows_get (rows, 0, 0) != NULL &&
      !compare (connection, migrations, &n, error))
    return FALSE;
  *n_missing = n == G_MAXUINT ? G_MAXUINT : migrations->len - n;
  return TRUE;
}
