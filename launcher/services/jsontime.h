/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @time, us since 1970, as openapi.json has its times. (transfer full) */
char *json_time_format (gint64 time);

G_END_DECLS
