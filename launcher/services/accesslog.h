/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "viewers.h"

G_BEGIN_DECLS

/* Takes the access log of the server of the media (accessline.h), by syslog over
 * UDP, and counts who watches and what is sent. Addresses and user agents are
 * turned into a hash at once, and are neither kept nor logged. A thread of its
 * own. */
typedef struct _AccessLog AccessLog;

/* @port 0 takes a free one. @viewers must outlive it. Errors are of G_IO_ERROR
 * and name the address. */
AccessLog *access_log_new (
    const char *address, guint16 port, Viewers *viewers, GError **error);
guint16 access_log_get_port (AccessLog *log);
void access_log_free (AccessLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccessLog, access_log_free)

G_END_DECLS
