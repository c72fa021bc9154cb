/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A client of server-sent events for tests. It aborts the test when nothing
 * comes within thirty seconds. */
typedef struct _EventClient EventClient;

typedef struct {
  char *id, *name, *data; /* NULL for a field that was not there */
} ServerEvent;

/* @last_event_id: the value of the header, or NULL. 200 is expected. */
EventClient *event_client_open (
    guint16 port, const char *path, const char *last_event_id);
/* The next block that has a field. (transfer full) */
ServerEvent *event_client_read (EventClient *client);
/* Waits for a comment; nothing else may come. */
void event_client_read_comment (EventClient *client);
void event_client_close (EventClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EventClient, event_client_close)
/* Reads to the end of the stream. */
gboolean event_client_is_closed (EventClient *client);

void server_event_free (ServerEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServerEvent, server_event_free)

G_END_DECLS
