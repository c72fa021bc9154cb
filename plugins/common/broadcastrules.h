/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the words of a broadcast may be, as data/sql has it; NULL is none of
 * them. The texts complete "expected ...". */

#define GAME_RULE                                                              \
  "1 to 64 of the characters a-z 0-9 -, the first one not a hyphen"
gboolean game_is_valid (const char *game);

#define TITLE_RULE "1 to 200 characters of UTF-8 in one line, not only spaces"
gboolean title_is_valid (const char *title);

#define NODE_RULE "1 to 200 characters without spaces"
gboolean node_is_valid (const char *node);

#define ORIGIN_URL_RULE "an address like http://HOST:PORT, without a password"
gboolean origin_url_is_valid (const char *url);

G_END_DECLS
