/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A link is the public name of a broadcast: a path component of every URL and
 * a folder name of the cache, so its alphabet is the unreserved characters of
 * RFC 3986 that are safe in both, without the dot. */
#define LINK_MAX_LENGTH 64
#define LINK_RULE "1 to 64 of the characters A-Z a-z 0-9 - _"

gboolean link_is_valid (const char *link);
/* A new one: 16 characters of base32, 80 random bits. (transfer full) */
char *link_new (void);
/* The UUID (version 5, RFC 9562 section 5.5) that belongs to a link, so that a
 * broadcast keeps its id across restarts with nobody remembering it. (transfer
 * full) */
char *link_to_uuid (const char *link);

G_END_DECLS
