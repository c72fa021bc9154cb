/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The title of a broadcast, or its game's where it has none, from the API at
 * @address and @port. NULL if that knows none or does not answer within a
 * second: a title is worth no more. (transfer full) */
char *broadcast_title_ask (const char *address, guint16 port, const char *link);

G_END_DECLS
