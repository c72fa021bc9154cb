/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @text may be given to json-glib, whose parser calls itself for each
 * level: whether it is of characters that JSON has, and nested no deeper than
 * @most. No more than that: it may still be no JSON. */
gboolean json_is_shallow (const char *text, gsize length, guint most);

G_END_DECLS
