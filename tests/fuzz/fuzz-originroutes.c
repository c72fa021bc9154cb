/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originroutes.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  OriginRoute route;

  if (!origin_route_parse (text, &route))
    return 0;
  g_assert_true (link_is_valid (route.link));
  if (route.kind >= ORIGIN_ROUTE_MEDIA)
    g_assert_true (link_is_valid (route.track));
  return 0;
}
