/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text, which is UTF-8, as a JSON string (RFC 8259, section 7) with its
 * quotes; NULL as null. For what is written a million times: a tree of json-glib
 * costs ten times as much. */
void json_text_append (GString *json, const char *text);
/* Without the quotes; @text is not NULL. */
void json_text_append_inner (GString *json, const char *text);

G_END_DECLS
