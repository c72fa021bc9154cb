/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracktable.h"

G_BEGIN_DECLS

TrackTable *track_table_merge (
    const TrackTable *known, const TrackTable *said, guint16 *map);

G_END_DECLS
