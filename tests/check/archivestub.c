/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for the folder of recordings. */

#include "archivestore.h"

#include <errno.h>
#include <glib/gstdio.h>

struct _ArchiveStore {
  gatomicrefcount refs;
  char *dir;
};

ArchiveStore *
archive_store_new (const Settings *settings, GError **error)
{
  ArchiveStore *store = g_new0 (ArchiveStore, 1);

  g_atomic_ref_count_init (&store->refs);
  store->dir = g_strdup (settings_get_string (settings, SETTING_ARCHIVE_DIR));
  g_mkdir_with_parents (store->dir, 0750);
  return store;
}

ArchiveStore *
archive_store_ref (ArchiveStore *store)
{
  g_atomic_ref_count_inc (&store->refs);
  return store;
}

void
archive_store_unref (ArchiveStore *store)
{
  if (!g_atomic_ref_count_dec (&store->refs))
    return;
  g_free (store->dir);
  g_free (store);
}

const char *
archive_store_get_bucket (ArchiveStore *store)
{
  return NULL;
}

gboolean
archive_store_delete (ArchiveStore *store, const char *object,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (store->dir, object, NULL);

  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "Cannot delete %s: %s", path, g_strerror (errno));
  return FALSE;
}
