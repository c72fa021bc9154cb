/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean http_etag_matches (const char *if_none_match, const char *etag);
gboolean http_if_range_holds (const char *if_range, const char *etag);
gboolean http_accepts_gzip (const char *accept_encoding);

G_END_DECLS
