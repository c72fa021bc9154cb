/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "archivestub.h"

#include "archivestore-private.h"
#include "gcserror.h"

typedef struct {
  ArchiveStore parent;
  char *dir;
  gint code;    /* atomic */
  gint is_held; /* atomic */
} ArchiveStub;

static void
stub_free (ArchiveStore *store)
{
  ArchiveStub *stub = (ArchiveStub *)store;

  g_free (stub->dir);
  g_free (stub);
}

static gboolean
stub_open (ArchiveStore *store, const char *object, gint64 now, guint seconds,
    const char *disposition, char **address, char **path,
    GCancellable *cancellable, GError **error)
{
  ArchiveStub *stub = (ArchiveStub *)store;
  g_autofree char *escaped = g_uri_escape_string (disposition, NULL, FALSE);
  int code = g_atomic_int_get (&stub->code);

  while (g_atomic_int_get (&stub->is_held) &&
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
    *path = g_build_filename (stub->dir, object, NULL);
  return TRUE;
}

ArchiveStore *
archive_stub_new (const char *bucket, const char *dir)
{
  static const ArchiveStoreKind kind = {.free = stub_free, .open = stub_open};
  ArchiveStub *stub = g_new0 (ArchiveStub, 1);

  stub->parent.kind = &kind;
  stub->parent.n_refs = 1;
  stub->parent.bucket = g_strdup (bucket);
  stub->dir = g_strdup (dir);
  stub->code = -1;
  return &stub->parent;
}

void
archive_stub_fail (ArchiveStore *store, int code)
{
  g_atomic_int_set (&((ArchiveStub *)store)->code, code);
}

void
archive_stub_hold (ArchiveStore *store, gboolean is_held)
{
  g_atomic_int_set (&((ArchiveStub *)store)->is_held, is_held);
}
