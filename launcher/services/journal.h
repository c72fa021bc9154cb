/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

/* The log of the service, for people: what is told with g_message() and above
 * becomes one line of @file, which is kept, with the time in front and nothing that
 * a terminal would obey, cut where it is long. What is worse than that goes to
 * the standard error as ever. */
void journal_start (FILE *file);

/* The line of one message, with its line feed. @now: us since 1970. (transfer
 * full) */
char *journal_format (const char *message, gint64 now);

G_END_DECLS
