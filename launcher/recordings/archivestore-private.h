/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archivestore.h"

G_BEGIN_DECLS

/* What a kind of store does; archivestore.h says what each call means. Names
 * were checked before. */
typedef struct {
  void (*free) (ArchiveStore *store);
  gboolean (*prepare) (
      ArchiveStore *store, const char *object, guint64 *offset, GError **error);
  char *(*describe_sink) (
      ArchiveStore *store, const char *object, const char *state_file);
  gboolean (*join) (ArchiveStore *store, const char *head, const char *body,
      const char *object, const ArchiveObject *expected, gint64 expires,
      GCancellable *cancellable, GError **error);
  gboolean (*stat) (ArchiveStore *store, const char *object,
      ArchiveObject *found, GCancellable *cancellable, GError **error);
  gboolean (*delete) (ArchiveStore *store, const char *object,
      GCancellable *cancellable, GError **error);
  gboolean (*open) (ArchiveStore *store, const char *object, gint64 now,
      guint seconds, const char *disposition, char **address, char **path,
      GCancellable *cancellable, GError **error);
} ArchiveStoreKind;

/* What each kind begins with. */
struct _ArchiveStore {
  const ArchiveStoreKind *kind;
  int n_refs;   /* atomic */
  char *bucket; /* or NULL */
  char *prefix; /* of all names, or NULL */
};

ArchiveStore *archive_folder_new (const char *dir, GError **error);
ArchiveStore *archive_cloud_new (const Settings *settings, GError **error);

G_END_DECLS
