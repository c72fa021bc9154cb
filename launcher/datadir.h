/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where a file or folder that came with the program is: "sql", "nginx", "www",
 * "pipelines", "openapi.json". WISHCAST_DATA_DIR names the folders to look in,
 * separated by colons, as the build's environment does for an uninstalled
 * program; without it, it is where data was installed. (transfer full) */
char *data_path (const char *name);

/* Makes GStreamer see our elements where they were installed; with
 * WISHCAST_DATA_DIR the program is not the installed one, and GST_PLUGIN_PATH
 * has them. After gst_init(). */
void data_load_plugins (void);

G_END_DECLS
