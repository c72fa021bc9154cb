/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A PostgreSQL of our own, for whoever configures none: a cluster below
 * @data_dir, reached by a unix socket only, by this user only. Started as
 * another user if we are root. Dies with this process. */
typedef struct _PrivatePostgres PrivatePostgres;

/* Makes the cluster if there is none, and starts the server, or joins one that
 * another process of ours runs already. Blocks until it answers. Errors are
 * G_IO_ERROR and say what to do. */
PrivatePostgres *private_postgres_start (const char *data_dir, GError **error);
/* (transfer none) */
const char *private_postgres_get_conninfo (PrivatePostgres *postgres);
/* Stops the server if we started it. */
void private_postgres_free (PrivatePostgres *postgres);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PrivatePostgres, private_postgres_free)

G_END_DECLS
