/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Files on their way to clients, a block of each in memory: the next one is read
 * when that was written, by threads of GIO. Bounded in number; who takes nothing
 * for long is cut off (apiconnections.h). Belongs to the thread of the server. */
typedef struct _FileStreams FileStreams;

FileStreams *file_streams_new (GMainContext *context, guint most);
/* Those under way are cut off; only once the server is disconnected. */
void file_streams_free (FileStreams *streams);
gboolean file_streams_is_full (FileStreams *streams);
/* Answers @message, which is held and has its status and headers, with the next
 * @length bytes of @file. Cut off at @deadline, of the monotonic clock, if it is
 * not over by then. Takes @message and @file. */
void file_streams_add (FileStreams *streams, SoupServerMessage *message,
    GInputStream *file, guint64 length, gint64 deadline);

G_END_DECLS
