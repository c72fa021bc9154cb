/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pgconnection.h"

G_BEGIN_DECLS

/* data/sql/NNN-name.sql, in order, each applied once, in one transaction, by
 * one node at a time. @dir has the files. */
gboolean migrations_apply (PgConnection *connection, const char *dir,
    guint *n_applied, GError **error);
/* How many are missing. G_MAXUINT: newer than this program. */
gboolean migrations_count_missing (PgConnection *connection, const char *dir,
    guint *n_missing, GError **error);

G_END_DECLS
