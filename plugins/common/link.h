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

G_END_DECLS
