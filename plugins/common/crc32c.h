/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* CRC-32C (Castagnoli, RFC 3720 B.4) as Google Cloud Storage has it. 0 is that
 * of nothing. */
guint32 crc32c_update (guint32 crc, const void *data, gsize size);
/* That of two texts side by side; @size is that of the second. */
guint32 crc32c_combine (guint32 first, guint32 second, guint64 size);
/* Base64 of the four bytes, most significant first. @text: 9 bytes. */
void crc32c_to_base64 (guint32 crc, char text[9]);
gboolean crc32c_from_base64 (const char *text, guint32 *crc);

G_END_DECLS
