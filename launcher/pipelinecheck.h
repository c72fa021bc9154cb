/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes the pipeline of the description @path, as for a broadcast by RTMP, and
 * forgets it: whether each element, property and link of it is there. Its
 * plugins are loaded then. Errors as of description_launch(). */
gboolean pipeline_check (const char *path, GError **error);

G_END_DECLS
