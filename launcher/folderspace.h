/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whether @path, which need not be there yet, can be written to and has room for
 * more than the beginning of a broadcast. @text: "PATH, SIZE free". FALSE and
 * @error, which names it: G_IO_ERROR_PERMISSION_DENIED or _NO_SPACE. (transfer
 * full) */
gboolean folder_space_check (const char *path, char **text, GError **error);

G_END_DECLS
