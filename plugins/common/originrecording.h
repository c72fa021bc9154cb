/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cachereader.h"

G_BEGIN_DECLS

/* Playlists of a stored link, and the newest part of one as a live window goes
 * on from it. The caller locks around the reader. */

int origin_recording_lead (CacheReader *reader);
GBytes *origin_recording_render (CacheReader *reader, guint track);
GBytes *origin_recording_render_multivariant (CacheReader *reader);

G_END_DECLS
