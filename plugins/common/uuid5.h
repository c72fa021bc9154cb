/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define UUID5_BYTES 16
/* Of the text, without its end. */
#define UUID5_LENGTH 36

/* The UUID of version 5 (RFC 9562, section 5.5) of @name in the name space
 * @space. */
void uuid5_write (const guint8 space[UUID5_BYTES], const char *name,
    char text[UUID5_LENGTH + 1]);
/* The same. (transfer full) */
char *uuid5_make (const guint8 space[UUID5_BYTES], const char *name);
/* The bytes of a UUID in its text form; FALSE if @text is none. */
gboolean uuid5_parse (const char *text, guint8 bytes[UUID5_BYTES]);

G_END_DECLS
