/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivestore-private.h"
#include "gcserror.h"

ArchiveStore *
archive_cloud_new (const Settings *settings, GError **error)
{
  g_set_error_literal (error, GCS_ERROR, GCS_ERROR_SETTINGS, "No cloud");
  return NULL;
}
