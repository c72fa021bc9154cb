/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How a person writes a time: a whole number and its unit. */
#define TIME_TEXT_RULE                                                         \
  "a whole number with its unit (ms, s, min, h or d), such as 90 s"

/* In ns; FALSE if @text is none, or longer than 64 bits can say. */
gboolean time_text_parse (const char *text, guint64 *time);
/* With the largest unit in which it is a whole number. (transfer full) */
char *time_text_format (guint64 time);

G_END_DECLS
