/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Readers of the headers that the service answers an upload with. */

/* The header Range of a 308: "bytes=0-N", so @persisted is N + 1; without the
 * header (NULL) nothing is. FALSE: it is something else. */
gboolean upload_answer_parse_range (const char *range, guint64 *persisted);
/* The header Retry-After in us, an hour at most; 0 if it was not said, or said
 * as a date, which needs the same clock. */
gint64 upload_answer_parse_retry_after (const char *text);

G_END_DECLS
