/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The one of @names (NULL-terminated) that somebody who typed @word may have
 * meant, or NULL if none is near. (transfer none) */
const char *suggest (const char *word, const char *const *names);

G_END_DECLS
