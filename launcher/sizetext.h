/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How a person writes the size of a part of a disk. */
#define SIZE_TEXT_RULE                                                         \
  "a whole number with its unit (MB, GB or TB), such as 200 GB, or a share "   \
  "of "                                                                        \
  "the disk from 1 % to 100 %"

/* In bytes, of a disk of @disk bytes; FALSE if @text is none, or longer than 64
 * bits can say. */
gboolean size_text_parse (const char *text, guint64 disk, guint64 *size);

G_END_DECLS
