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
/* Tells one message, as journal_start() has it done. */
void journal_tell (const char *message, gint64 now);

/* What was told last is kept, with no more in it than the log has: at most 20
 * KiB of ASCII, four times that of whatever else. */
#define JOURNAL_KEPT 20

/* It must not log: the journal is locked. */
typedef void (*JournalFunc) (const char *text, gint64 at, gpointer data);

/* The newest first. */
void journal_each_last (JournalFunc func, gpointer data);

G_END_DECLS
