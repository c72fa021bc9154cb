/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"

G_BEGIN_DECLS

/* A PostgreSQL for one test: a cluster in a temporary folder, migrated, empty.
 * What fails in here fails the test. */
typedef struct _PgKit PgKit;

PgKit *pg_kit_new (void);
void pg_kit_free (PgKit *kit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgKit, pg_kit_free)

/* (transfer none) */
const char *pg_kit_get_conninfo (PgKit *kit);
/* kill -9, and it stays away until pg_kit_start(). */
void pg_kit_stop (PgKit *kit);
void pg_kit_start (PgKit *kit);
/* kill -9, and it comes back by itself. */
void pg_kit_kill (PgKit *kit);

/* Runs a script. */
void pg_kit_run (PgKit *kit, const char *sql);
/* (transfer full) */
PgRows *pg_kit_query (PgKit *kit, const char *sql);
/* All rows as text: columns joined by `|`, rows by line feeds, NULL as `-`.
 * (transfer full) */
char *pg_kit_read (PgKit *kit, const char *sql);
/* Whether pg_kit_read() is @expected. */
#define pg_kit_assert(kit, sql, expected)                                      \
  G_STMT_START                                                                 \
  {                                                                            \
    char *pg_kit_text = pg_kit_read (kit, sql);                                \
                                                                               \
    g_assert_cmpstr (pg_kit_text, ==, expected);                               \
    g_free (pg_kit_text);                                                      \
  }                                                                            \
  G_STMT_END
/* Waits until it is, 20 s at most. */
void pg_kit_await (PgKit *kit, const char *sql, const char *expected);

/* A game, as most tests need one. */
void pg_kit_add_game (PgKit *kit, const char *id, const char *title);

G_END_DECLS
