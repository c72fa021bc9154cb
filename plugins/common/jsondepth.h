/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @text may be given to json-glib, whose parser calls itself for each
 * level, passes over comments and leaks all but the last of several values:
 * whether it is of characters that JSON has, nested no deeper than @most, and has
 * nothing beside one object or list. No more than that: it may still be no
 * JSON. */
gboolean json_is_shallow (const char *text, gsize length, guint most);

G_END_DECLS
