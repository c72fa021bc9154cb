/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "archivestub.h"

#include "gcserror.h"

struct _ArchiveStore {
  char *bucket;
  char *dir;
  gint code;    /* atomic */
  gint is_held; /* atomic */
};

ArchiveStore *
archive_stub_new (const char *bucket, const char *dir)
{
  ArchiveStore *store = g_new0 (ArchiveStore, 1);

  store->bucket = g_strdup (bucket);
  store->dir = g_strdup (dir);
  store->code = -1;
  return store;
}

void
archive_stub_free (ArchiveStore *store)
{
  g_free (store->bucket);
  g_free (store->dir);
  g_free (store);
}

void
archive_stub_fail (ArchiveStore *store, int code)
{
  g_atomic_int_set (&store->code, code);
}

void
archive_stub_hold (ArchiveStore *store, gboolean is_held)
{
  g_atomic_int_set (&store->is_held, is_held);
}

const char *
archive_store_get_bucket (ArchiveStore *store)
{
  return store->bucket;
}

gboolean
archive_store_open (ArchiveStore *store, const char *object, gint64 now,
    guint seconds, const char *disposition, char **address, char **path,
    GCancellable *cancellable, GError **error)
{
  int code = g_atomic_int_get (&store->code);
  g_autofree char *escaped = g_uri_escape_string (disposition, NULL, FALSE);

  while (g_atomic_int_get (&store->is_held) &&
         !g_cancellable_is_cancelled (cancellable))
    g_usleep (1000);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (code >= 0) {
    g_set_error (error, GCS_ERROR, code, "as the test wants it");
    return FALSE;
  }
  if (store->bucket != NULL)
    *address =
        g_strdup_printf ("https://cloud.example/%s/%s?from=%" G_GINT64_FORMAT
                         "&seconds=%u&disposition=%s",
            store->bucket, object, now, seconds, escaped);
  else
    *path = g_build_filename (store->dir, object, NULL);
  return TRUE;
}
