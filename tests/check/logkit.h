/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the code under test tells the operator. Takes the messages of the
 * process from now on, of any thread. Call it once. */
void log_kit_start (void);
/* How many there were that fit @pattern, of g_pattern_match_simple(), since they
 * were cleared. */
guint log_kit_count (const char *pattern);
void log_kit_clear (void);

G_END_DECLS
