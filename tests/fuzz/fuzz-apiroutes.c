/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apiroutes.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* A path and, behind the first "?", a query. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autofree char *detail = NULL;
  char *query = strchr (text, '?');
  ApiRoute route;

  if (query != NULL)
    *query++ = '\0';
  api_route_parse_path (&route, text);
  if (route.kind == API_ROUTE_NONE)
    return 0;
  g_assert_true (*route.link == '\0' || link_is_valid (route.link));
  if (!api_route_parse_query (&route, query, &detail)) {
    g_assert_true (g_utf8_validate (detail, -1, NULL));
    return 0;
  }
  g_assert_null (detail);
  g_assert_cmpuint (route.limit, >=, 1);
  g_assert_cmpuint (route.limit, <=, API_LIMIT_MOST);
  if (route.has_before) {
    g_autofree char *cursor = catalogue_cursor_to_string (&route.before);
    CatalogueCursor again;

    g_assert_true (catalogue_cursor_parse (cursor, &again));
    g_assert_cmpint (again.created_at, ==, route.before.created_at);
  }
  return 0;
}
