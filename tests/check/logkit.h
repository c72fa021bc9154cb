/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the program under test logs, of any of its threads; it is also written as
 * always. */

/* Once, before threads begin. */
void log_kit_begin (void);
/* What was logged before is of no interest. */
void log_kit_clear (void);
void log_kit_assert (const char *text);
/* Waits for it, 30 s at most. */
void log_kit_await (const char *text);
/* How many messages fit @pattern, of g_pattern_match_simple(). */
guint log_kit_count (const char *pattern);

G_END_DECLS
