/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "datadir.h"

#include <gst/gst.h>

static const char *
get_override (void)
{
  const char *folders = g_getenv ("WISHCAST_DATA_DIR");

  return folders != NULL && *folders != '\0' ? folders : NULL;
}

char *
data_path (const char *name)
{
  const char *override = get_override ();
  g_auto (GStrv) folders = NULL;

  if (override == NULL)
    return g_build_filename (DATA_DIR, name, NULL);
  folders = g_strsplit (override, ":", -1);
  for (guint i = 0; folders[i] != NULL; i++) {
    g_autofree char *path = g_build_filename (folders[i], name, NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS))
      return g_steal_pointer (&path);
  }
  return g_build_filename (folders[0], name, NULL);
}

void
data_load_plugins (void)
{
  if (get_override () == NULL)
    gst_registry_scan_path (gst_registry_get (), PLUGINS_DIR);
}
