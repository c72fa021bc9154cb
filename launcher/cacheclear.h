/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Deletes the store of @link, whole or not at all as seen by others. Errors are
 * G_IO_ERROR: BUSY if a writer has it, NOT_FOUND, INVALID_DATA if there is a
 * file in it that is not the store's. */
gboolean cache_clear (const char *cache_dir, const char *link, GError **error);

G_END_DECLS
