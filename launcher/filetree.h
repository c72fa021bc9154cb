/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Folders with all that is in them. Errors are of G_IO_ERROR and name the
 * file. */

/* What is not there is no error. Does not follow symbolic links. */
gboolean file_tree_remove (const char *path, GError **error);
/* The files and folders of @from, into the new folder @to, where everybody may
 * read them, whatever the umask. Symbolic links become what they lead to. */
gboolean file_tree_publish (const char *from, const char *to, GError **error);

G_END_DECLS
