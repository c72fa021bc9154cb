/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* NULL, or the address if it is http://… or https://… with a host, as libsoup
 * wants it. (transfer full) */
GUri *web_address_parse (const char *text);

G_END_DECLS
