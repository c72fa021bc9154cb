/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

/* Ends the broadcast @link as its developer does, who has @key: by the API of
 * the node of @settings. Blocks for a moment. */
gboolean demo_end_broadcast (const Settings *settings, const char *link,
    const char *key, GError **error);

G_END_DECLS
