/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HTTP_SKIP_NONE,
  HTTP_SKIP_YES,
  HTTP_SKIP_V2,
} HttpSkip;

/* The delivery directives of a playlist request, rfc8216bis 6.2.5. */
typedef struct {
  gboolean has_msn;
  gboolean has_part;
  guint64 msn;
  guint64 part;
  HttpSkip skip;
} HttpDirectives;

gboolean http_query_parse (const char *query, HttpDirectives *directives);

G_END_DECLS
