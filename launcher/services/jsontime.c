/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "jsontime.h"

char *
json_time_format (gint64 time)
{
  g_autoptr (GDateTime) seconds =
      g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format (seconds, "%FT%T");

  return g_strdup_printf (
      "%s.%03dZ", text, (int)(time % G_USEC_PER_SEC / G_TIME_SPAN_MILLISECOND));
}
