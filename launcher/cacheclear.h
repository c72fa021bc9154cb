/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Deletes the store of @link, whole or not at all as seen by others. Errors are
 * G_IO_ERROR: BUSY if a writer has it, NOT_FOUND, INVALID_DATA if there is a
 * file in it that is not the store's. */
gboolean cache_clear (const char *cache_dir, const char *link, GError **error);

/* What the name of a folder begins with that a clearing has left, which was
 * killed. A link has no dot, so nobody takes it for one. */
#define CACHE_REMAINS ".cleared-"

/* Deletes such a folder, @name in @cache_dir. */
void cache_clear_remains (const char *cache_dir, const char *name);

/* Whether a reader of any process has the store open: clearing it would do that
 * one no harm, but who opens it again finds nothing. */
gboolean cache_is_read (const char *cache_dir, const char *link);

G_END_DECLS
