/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pgconnection.h"
#include "wishlistsource-private.h"

enum { COLUMN_ID, COLUMN_NAME, COLUMN_LANGUAGE, N_COLUMNS };

typedef struct {
  WishlistSource source;
  char *conninfo;
  char *query;
  PgConnection *connection; /* or NULL */
} WishlistSql;

static PgRows *
query (WishlistSql *sql, const char *text, const char *game, const char *cursor,
    guint most, GError **error)
{
  g_autofree char *limit = g_strdup_printf ("%u", most);
  const char *values[] = {game, cursor, limit};
  PgRows *rows = NULL;

  if (sql->connection == NULL)
    sql->connection = pg_connection_open (sql->conninfo, error);
  if (sql->connection != NULL)
    rows = pg_connection_query (
        sql->connection, text, G_N_ELEMENTS (values), values, error);
  if (rows == NULL && sql->connection != NULL &&
      pg_connection_is_lost (sql->connection))
    g_clear_pointer (&sql->connection, pg_connection_free);
  return rows;
}

static WishlistPage *
read_rows (const char *game, const char *cursor, const PgRows *rows, guint most,
    GError **error)
{
  WishlistPage *page;
  guint n = pg_rows_count (rows);

  if (pg_rows_width (rows) != N_COLUMNS) {
    g_set_error (error, WISHLIST_ERROR, WISHLIST_ERROR_WRONG,
        "[wishlist] query has %u columns; there must be three: user id, "
        "username, language",
        pg_rows_width (rows));
    return NULL;
  }
  /* It would be the same page for ever. */
  if (n > 0 && cursor != NULL &&
      g_strcmp0 (pg_rows_get (rows, n - 1, COLUMN_ID), cursor) == 0) {
    g_set_error_literal (error, WISHLIST_ERROR, WISHLIST_ERROR_WRONG,
        "[wishlist] query gives the same users again; it must give those whose "
        "id is greater than $2, in the order of the id");
    return NULL;
  }
  page = wishlist_page_new ();
  for (guint i = 0; i < n; i++)
    wishlist_page_add (page, game, pg_rows_get (rows, i, COLUMN_ID),
        pg_rows_get (rows, i, COLUMN_NAME),
        pg_rows_get (rows, i, COLUMN_LANGUAGE));
  if (n >= most)
    page->cursor = g_strdup (pg_rows_get (rows, n - 1, COLUMN_ID));
  return page;
}

static WishlistPage *
read_page (WishlistSource *source, const char *game, const char *cursor,
    guint most, GCancellable *cancellable, GError **error)
{
  WishlistSql *sql = (WishlistSql *)source;
  g_autoptr (PgRows) rows = NULL;
  g_autoptr (GError) why = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  rows = query (sql, sql->query, game, cursor, most, &why);
  if (rows != NULL)
    return read_rows (game, cursor, rows, most, error);
  g_set_error (error, WISHLIST_ERROR,
      pg_error_is_transient (why) ? WISHLIST_ERROR_AWAY : WISHLIST_ERROR_WRONG,
      "The wishlist cannot be read: %s", why->message);
  return NULL;
}

/* All of it at once, by the same query: it may be any. */
static gint64
count (WishlistSource *source, const char *game, GCancellable *cancellable)
{
  WishlistSql *sql = (WishlistSql *)source;
  g_autofree char *text =
      g_strdup_printf ("SELECT count (*) FROM (%s) AS wishlist", sql->query);
  g_autoptr (PgRows) rows = query (sql, text, game, NULL, G_MAXINT32, NULL);

  return rows != NULL ? g_ascii_strtoll (pg_rows_get (rows, 0, 0), NULL, 10)
                      : -1;
}

static void
free_source (WishlistSource *source)
{
  WishlistSql *sql = (WishlistSql *)source;

  g_clear_pointer (&sql->connection, pg_connection_free);
  g_free (sql->conninfo);
  g_free (sql->query);
  g_free (sql);
}

WishlistSource *
wishlist_sql_new (const char *conninfo, const char *query)
{
  static const WishlistSourceClass class = {read_page, count, free_source};
  WishlistSql *sql = g_new0 (WishlistSql, 1);

  sql->source.class = &class;
  sql->conninfo = g_strdup (conninfo);
  sql->query = g_strdup (query);
  return &sql->source;
}
